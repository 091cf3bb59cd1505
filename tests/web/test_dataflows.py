"""The list of dataflows: found, watched, and changed, one or many at a time."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from demo.azurite import Azurite
from tests.live import Client
from tests.web.furnished import Furnished
from tests.web.journeys import Site, choose_all, focused, reach, tab_to, unique
from tests.wire import resources
from tests.wire.resources import FLOW, Dataflow

pytestmark = pytest.mark.azurite


@pytest.fixture(scope="module")
def people(client: Client, azurite: Azurite) -> Dataflow:
    """What flows are made of."""
    table = resources.seeded(azurite, "listed", resources.people(5))
    return resources.names_flow(client, azurite.connection_string, table)


@pytest.fixture
def waiting(people: Dataflow) -> Callable[[str], str]:
    """Makes a flow whose time has not come."""
    return lambda name: people.started(name=name, scheduleParams=resources.never())


def row(page: Page, name: str) -> Locator:
    """The line of a flow."""
    return page.get_by_role("row").filter(has=page.get_by_role("link", name=name, exact=True))


def test_a_line_tells_where_from_where_to_and_how_the_last_runs_went(
    page: Page, site: Site, furnished: Furnished
) -> None:
    page.goto(site.at("flows?q=Loyalty customers"))
    line = row(page, "Loyalty customers")
    expect(line).to_contain_text(furnished.table)
    expect(line).to_contain_text(f"rows of {furnished.table}")
    expect(line).to_contain_text("With rejects")
    expect(line).to_contain_text(re.compile(r"3 rows: _\w+\.level: a required field is missing or null"))
    strip = line.get_by_role("list", name="Recent runs of Loyalty customers")
    run = strip.get_by_role("link").last
    expect(run).to_have_accessible_name(
        re.compile("^Run 1 of 1, succeeded with rejects, 3 rejected, (just now|.* ago)$")
    )
    run.click()
    expect(page).to_have_url(site.at(f"runs/{furnished.run}"))


@pytest.mark.pages
def test_search_filters_and_order_are_in_the_address_and_asked_of_the_server(
    page: Page, site: Site, waiting: Callable[[str], str], client: Client
) -> None:
    name = unique("Addressed")
    first, second = f"{name} a", f"{name} b"
    waiting(first)
    paused = waiting(second)
    client.made(f"{FLOW}/flows/{paused}/action?op=disable", None, status=200)
    page.goto(site.at("flows"))
    page.get_by_role("searchbox", name="Search dataflows").fill(name.upper())
    expect(page.get_by_text("2 dataflows")).to_be_visible()
    page.get_by_role("columnheader", name="Name").click()
    expect(page.get_by_role("rowheader").first).to_contain_text(first)
    page.get_by_role("button", name="Status").click()
    page.get_by_role("option", name="Paused").click()
    expect(row(page, first)).to_have_count(0)
    expect(row(page, second)).to_contain_text("Paused")
    page.reload()
    expect(page.get_by_role("searchbox", name="Search dataflows")).to_have_value(name.upper())
    expect(page.get_by_role("rowheader")).to_have_count(1)
    page.get_by_role("searchbox", name="Search dataflows").fill("nothing of the kind")
    page.get_by_role("button", name="Clear search and filters").click()
    expect(page).to_have_url(site.at("flows?sort=name"))


def test_many_are_paused_at_once_and_each_tells_what_came_of_it(
    page: Page, site: Site, waiting: Callable[[str], str], people: Dataflow, client: Client
) -> None:
    name = unique("Bulk")
    ids = [waiting(f"{name} {letter}") for letter in "ab"]
    body = people.body(name=f"{name} draft", scheduleParams=resources.never())
    client.made(f"{FLOW}/flows?mode=draft", body)
    page.goto(site.at(f"flows?q={name}"))
    expect(page.get_by_text("3 dataflows")).to_be_visible()
    choose_all(page)
    bar = page.get_by_role("region", name="Chosen dataflows")
    expect(bar).to_contain_text("3 chosen")
    bar.get_by_role("button", name="Pause").click()
    dialog = page.get_by_role("dialog", name="Pause 3 dataflows?")
    dialog.get_by_role("button", name="Pause").click()
    expect(dialog.get_by_role("status")).to_have_text("2 of 3 done")
    refused = dialog.get_by_role("listitem").filter(has_text=f"{name} draft")
    expect(refused).to_contain_text("Not done")
    expect(refused).to_contain_text("is a draft")
    dialog.get_by_role("button", name="Close").last.click()
    expect(bar).to_have_count(0)
    expect(row(page, f"{name} a")).to_contain_text("Paused")
    assert [client.one(f"{FLOW}/flows/{one}")["state"] for one in ids] == ["disabled", "disabled"]


def test_a_flow_is_resumed_run_and_deleted_by_keys_alone(
    page: Page, site: Site, people: Dataflow, client: Client
) -> None:
    name = unique("By keys")
    flow_id = people.started(name=name)
    resources.ended(client, flow_id)
    client.made(f"{FLOW}/flows/{flow_id}/action?op=disable", None, status=200)
    page.goto(site.at())
    page.get_by_role("heading", name="Sources", level=1).wait_for()
    page.keyboard.press("g")
    page.keyboard.press("d")
    expect(page.get_by_role("heading", name="Dataflows", level=1)).to_be_focused()
    tab_to(page, "Search dataflows")
    page.keyboard.type(name)
    expect(page.get_by_text("1 dataflow", exact=True)).to_be_visible()
    page.keyboard.press("Shift+Tab")
    _to_menu(page, name)
    _menu(page, name, "Resume")
    expect(page.get_by_text("The dataflow is enabled.")).to_be_visible()
    expect(row(page, name)).to_contain_text("Enabled")
    _menu(page, name, "Run now")
    expect(page.get_by_role("dialog", name=f"Run {name} now?")).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.get_by_text("5 rows landed.")).to_be_visible()
    assert len(resources.ended(client, flow_id, runs=2)) == 2
    page.go_back()
    row(page, name).wait_for()
    _to_menu(page, name)
    _menu(page, name, "Delete…")
    dialog = page.get_by_role("alertdialog", name=f"Delete {name}?")
    expect(dialog.get_by_role("button", name="Cancel")).to_be_focused()
    expect(dialog).to_contain_text("Its 2 runs")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="No dataflow fits")).to_be_visible()
    assert client.get(f"{FLOW}/flows/{flow_id}").status_code == 404


def _to_table(page: Page) -> None:
    tab_to(page, "Search dataflows")
    tab_to(page, "Dataflows")
    page.keyboard.press("Tab")


def _to_menu(page: Page, name: str) -> None:
    """Into the table by keys, and along its only line to the menu."""
    _to_table(page)
    reach(page, row(page, name).get_by_role("button", name=f"Actions for {name}"), "ArrowRight", most=20)


def _menu(page: Page, name: str, entry: str) -> None:
    """Open the menu that has the focus, and take an entry of it."""
    assert focused(page) == f"Actions for {name}"
    page.keyboard.press("Enter")
    item = page.get_by_role("menuitem", name=entry)
    item.wait_for()
    for _ in range(6):
        if item.evaluate("element => element === document.activeElement"):
            break
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")


@pytest.mark.parametrize("motion", [True, False], ids=["motion", "less motion"])
def test_a_dialog_that_a_menu_opened_gives_the_focus_back_to_the_menus_button(
    open_page: Callable[..., Page], site: Site, waiting: Callable[[str], str], motion: bool
) -> None:
    name = unique("Left again")
    flow_id = waiting(name)
    page = open_page(motion=motion)
    page.goto(site.at(f"flows?q={name}"))
    opener = row(page, name).get_by_role("button", name=f"Actions for {name}")
    opener.click()
    page.get_by_role("menuitem", name="Delete…").click()
    page.get_by_role("alertdialog").get_by_role("button", name="Cancel").click()
    expect(opener).to_be_focused()
    page.reload()
    _to_menu(page, name)
    dialog = page.get_by_role("alertdialog").or_(page.get_by_role("dialog"))
    for entry in ("Delete…", "Run now"):
        _menu(page, name, entry)
        dialog.wait_for()
        page.keyboard.press("Escape")
        expect(dialog).to_have_count(0)
        expect(opener).to_be_focused()
    page.goto(site.at(f"flows/{flow_id}"))
    opener = page.get_by_role("button", name="Further actions for this dataflow")
    opener.press("Enter")
    page.get_by_role("menuitem", name="Delete…").press("Enter")
    page.get_by_role("alertdialog").wait_for()
    page.keyboard.press("Escape")
    expect(opener).to_be_focused()


def test_all_lines_are_chosen_by_keys_alone(page: Page, site: Site, waiting: Callable[[str], str]) -> None:
    name = unique("Chosen by keys")
    for letter in "ab":
        waiting(f"{name} {letter}")
    page.goto(site.at(f"flows?q={name}"))
    expect(page.get_by_text("2 dataflows")).to_be_visible()
    _to_table(page)
    page.keyboard.press("ArrowUp")
    reach(page, page.get_by_role("checkbox", name="Select All"), "ArrowLeft", most=20)
    page.keyboard.press("Space")
    expect(page.get_by_role("region", name="Chosen dataflows")).to_contain_text("2 chosen")


@pytest.mark.pages
def test_the_search_of_the_shell_finds_dataflows_and_runs_by_their_ids(
    page: Page, site: Site, furnished: Furnished
) -> None:
    page.goto(site.at())
    page.get_by_role("heading", name="Sources", level=1).wait_for()
    page.keyboard.press("/")
    page.get_by_role("searchbox", name="Search pages").fill("loyalty cust")
    page.get_by_role("menuitem", name="Loyalty customers").first.click()
    expect(page).to_have_url(site.at(f"flows/{furnished.flow}"))
    page.keyboard.press("/")
    page.get_by_role("searchbox", name="Search pages").fill(furnished.run)
    page.get_by_role("menuitem", name=f"Run {furnished.run}").click()
    expect(page).to_have_url(site.at(f"runs/{furnished.run}"))


@pytest.mark.pages
def test_who_may_only_look_is_offered_nothing_else(
    open_page: Callable[..., Page], site: Site, client: Client, furnished: Furnished
) -> None:
    looker = client.made("/v1/credentials", {"name": "looker", "permissions": ["view-sources"]})
    link = site.server.run("sign-in", "--url", site.url, "--client-id", looker["clientId"]).split()[-1]
    page = open_page(signed_in=False)
    page.goto(link)
    page.get_by_role("heading", name="Sources", level=1).wait_for()
    page.goto(site.at("flows?q=Loyalty customers"))
    expect(row(page, "Loyalty customers")).to_be_visible()
    expect(page.get_by_role("checkbox")).to_have_count(0)
    expect(page.get_by_role("link", name="Add data")).to_have_count(0)
    page.goto(site.at(f"flows/{furnished.flow}"))
    page.get_by_role("tab", name="Settings").click()
    for name in ("Run now", "Pause", "Delete…", "Save"):
        expect(page.get_by_role("button", name=name)).to_have_count(0)
    expect(page.get_by_text("the permission “manage-sources” is needed")).to_be_visible()
    page.goto(site.at(f"runs/{furnished.run}"))
    expect(page.get_by_text("the permission “view-data” is needed")).to_be_visible()
    expect(page.get_by_role("button", name="Undo…")).to_have_count(0)


@pytest.mark.pages
def test_who_thinks_again_before_an_act_keeps_the_choice(page: Page, site: Site, waiting: Callable[[str], str]) -> None:
    name = unique("Thought of again")
    for letter in "ab":
        waiting(f"{name} {letter}")
    page.goto(site.at(f"flows?q={name}"))
    expect(page.get_by_text("2 dataflows")).to_be_visible()
    choose_all(page)
    bar = page.get_by_role("region", name="Chosen dataflows")
    bar.get_by_role("button", name="Delete…").click()
    dialog = page.get_by_role("alertdialog", name="Delete 2 dataflows?")
    expect(dialog).to_contain_text("This is a production sandbox.")
    dialog.get_by_role("button", name="Cancel").click()
    expect(bar).to_contain_text("2 chosen")


@pytest.mark.pages
@pytest.mark.usefixtures("furnished")
def test_the_menu_of_a_row_is_in_sight_however_wide_the_table_is(open_page: Callable[..., Page], site: Site) -> None:
    for width in (1280, 400):
        page = open_page(width=width)
        page.goto(site.at("flows?q=Loyalty customers"))
        expect(page.get_by_role("button", name="Actions for").first).to_be_in_viewport(ratio=1)
