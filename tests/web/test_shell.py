"""What stands around every page, by keyboard alone."""

import json
import os
import re
import subprocess
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.live import Client
from tests.web.furnished import Furnished
from tests.web.journeys import Site, focused, sideways, tab_to, unique


def test_the_first_tab_skips_to_the_page(page: Page, site: Site) -> None:
    page.goto(site.at())
    page.get_by_role("heading", name="Available", exact=False).first.wait_for()
    page.keyboard.press("Tab")
    assert focused(page) == "Skip to the page"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"


def test_a_page_is_reached_by_keys_and_its_heading_takes_the_focus(page: Page, site: Site) -> None:
    page.goto(site.at())
    page.get_by_role("heading", level=1).wait_for()
    tab_to(page, "Accounts")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_be_focused()
    expect(page).to_have_title("Accounts · prod · Flow Service")
    expect(page.get_by_role("link", name="Accounts", exact=True)).to_have_attribute("aria-current", "page")
    page.keyboard.press("g")
    page.keyboard.press("c")
    expect(page.get_by_role("heading", level=1)).to_have_text("Sources")
    assert page.get_by_role("heading", level=1).count() == 1


def test_search_finds_accounts_and_runs_commands_by_keys(
    page: Page, site: Site, new_account: Callable[[str], str]
) -> None:
    name = unique("Kingfisher")
    made = new_account(name)
    page.goto(site.at())
    page.get_by_role("heading", level=1).wait_for()
    page.keyboard.press("/")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.type(name.lower())
    expect(page.get_by_role("menuitem", name=name)).to_be_visible()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page).to_have_url(site.at(f"sources/accounts/{made}"))
    expect(page).to_have_title(f"Accounts · {name} · prod · Flow Service")
    page.keyboard.press("Control+k")
    page.keyboard.type("theme dark")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.keyboard.press("Control+k")
    page.keyboard.type("no such thing at all")
    expect(page.get_by_text("Nothing is called that here.")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()


def test_the_theme_is_there_before_anything_is_painted(page: Page, site: Site) -> None:
    page.goto(site.at())
    page.get_by_role("button", name="Your settings").click()
    page.get_by_role("menuitem", name="High contrast").click()
    page.get_by_role("button", name="Your settings").click()
    page.get_by_role("menuitem", name="Compact").click()
    # With none of the application's own code.
    page.route(re.compile(r"/assets/index-.*\.js"), lambda route: route.abort())
    page.goto(site.at(), wait_until="commit")
    expect(page.locator("html")).to_have_attribute("data-theme", "contrast")
    expect(page.locator("html")).to_have_attribute("data-density", "compact")
    expect(page.locator("body")).to_have_css("background-color", "rgb(0, 0, 0)")
    page.unroute_all()


def test_the_navigation_collapses_and_is_a_drawer_where_there_is_no_room(
    open_page: Callable[..., Page], site: Site
) -> None:
    wide = open_page()
    wide.goto(site.at())
    wide.get_by_role("button", name="Collapse the navigation").click()
    wide.reload()
    expect(wide.get_by_role("button", name="Expand the navigation")).to_be_visible()
    narrow = open_page(width=400)
    narrow.goto(site.at())
    expect(narrow.get_by_role("navigation", name="Main")).to_be_hidden()
    narrow.get_by_role("button", name="Open the navigation").click()
    narrow.get_by_role("link", name="Accounts", exact=True).focus()
    narrow.keyboard.press("Escape")
    expect(narrow.get_by_role("navigation", name="Main")).to_be_hidden()
    expect(narrow.get_by_role("button", name="Open the navigation")).to_be_focused()
    narrow.get_by_role("button", name="Open the navigation").click()
    narrow.get_by_role("link", name="Accounts", exact=True).click()
    expect(narrow.get_by_role("heading", level=1)).to_have_text("Accounts")
    expect(narrow.get_by_role("navigation", name="Main")).to_be_hidden()
    assert sideways(narrow) == 0


def test_switching_the_sandbox_keeps_the_page(page: Page, site: Site, client: Client) -> None:
    client.made(
        "/data/foundation/sandbox-management/sandboxes",
        {"name": "ui-dev", "title": "Try things", "type": "development"},
        status=202,
    )
    page.goto(site.at("sources/accounts"))
    page.get_by_role("button", name="Sandbox Production").click()
    page.get_by_role("menuitem", name="Try things").click()
    expect(page).to_have_url(site.at("sources/accounts", sandbox="ui-dev"))
    expect(page.get_by_role("heading", name="No account yet")).to_be_visible()
    expect(page.locator(".production-band")).to_have_count(0)
    page.goto(site.at(sandbox="nowhere"))
    expect(page.get_by_text("This sandbox is not here").first).to_be_visible()


def test_what_show_the_call_prints_has_the_same_effect(page: Page, site: Site, client: Client) -> None:
    page.goto(site.at("sources/accounts"))
    page.get_by_role("button", name="Show the call").click()
    command = page.get_by_role("region", name="List the accounts").inner_text()
    token = client.headers["authorization"].removeprefix("Bearer ")
    assert token not in page.content()
    shell = subprocess.run(
        ["sh", "-c", command.replace("curl", "curl --silent", 1)],
        capture_output=True,
        check=True,
        text=True,
        env={**os.environ, "ACCESS_TOKEN": token},
    )
    told = {item["id"] for item in json.loads(shell.stdout)["items"]}
    assert told == {item["id"] for item in client.get(f"{client.flow}/connections?limit=100").json()["items"]}


def test_a_server_that_cannot_be_reached_is_told_and_the_page_recovers(page: Page, site: Site) -> None:
    page.goto(site.at())
    page.get_by_role("heading", name="Azure Table Storage").wait_for()
    page.context.set_offline(True)
    page.get_by_role("link", name="Accounts", exact=True).click()
    expect(page.get_by_text("The server cannot be reached.", exact=False)).to_be_visible()
    page.context.set_offline(False)
    expect(page.get_by_text("The server cannot be reached.", exact=False)).to_be_hidden()
    expect(page.get_by_role("heading", level=1)).to_be_visible()


def test_an_unknown_address_says_so(page: Page, site: Site) -> None:
    page.goto(site.at("nothing/here"))
    expect(page.get_by_role("heading", level=1)).to_have_text("There is no such page")
    page.get_by_role("link", name="To the sources").click()
    expect(page).to_have_url(site.at())


@pytest.mark.pages
def test_single_keys_are_listed_and_can_be_turned_off(page: Page, site: Site) -> None:
    page.goto(site.at())
    page.get_by_role("heading", level=1).wait_for()
    page.keyboard.press("?")
    keys = page.get_by_role("dialog", name="Keyboard shortcuts")
    expect(keys.get_by_role("region", name="Anywhere")).to_contain_text("Go to Dataflowsg then d")
    keys.get_by_role("checkbox", name="Single keys").press("Space")
    page.keyboard.press("Escape")
    expect(keys).to_have_count(0)
    page.reload()
    page.get_by_role("heading", level=1).wait_for()
    for key in ("/", "?", "g", "a"):
        page.keyboard.press(key)
    page.keyboard.press("Control+k")
    expect(page.get_by_role("dialog")).to_have_count(1)
    expect(page).to_have_url(site.at())
    page.keyboard.type("keyboard")
    page.get_by_role("menuitem", name="Keyboard shortcuts").click()
    expect(keys.get_by_role("checkbox", name="Single keys")).not_to_be_checked()


@pytest.mark.pages
def test_letters_in_an_open_menu_lead_to_its_entries_alone(page: Page, site: Site) -> None:
    page.goto(site.at("flows"))
    page.get_by_role("button", name="Your settings").press("Enter")
    page.get_by_role("menuitem", name="As the system").wait_for()
    page.keyboard.press("g")
    page.keyboard.press("a")
    expect(page.get_by_role("menuitem", name="Sign out")).to_be_visible()
    expect(page).to_have_url(site.at("flows"))


@pytest.mark.pages
def test_a_dialog_that_the_server_has_no_more_leaves_the_page_as_it_is(page: Page, site: Site) -> None:
    page.route(re.compile(r"/assets/Search-.*\.js"), lambda route: route.abort())
    page.goto(site.at("sources/accounts/new"))
    page.get_by_role("textbox", name="Name").fill("Typed")
    page.get_by_role("button", name="Search").click()
    dialog = page.get_by_role("dialog", name="There is a new version")
    dialog.get_by_role("button", name="Close").last.click()
    expect(dialog).to_have_count(0)
    expect(page.get_by_role("textbox", name="Name")).to_have_value("Typed")
    page.unroute_all()


@pytest.mark.pages
def test_what_was_asked_in_vain_is_asked_again_once_the_server_answers(page: Page, site: Site) -> None:
    page.goto(site.at())
    page.get_by_role("heading", name="Azure Table Storage").wait_for()
    page.context.set_offline(True)
    page.get_by_role("link", name="Datasets", exact=True).click()
    expect(page.get_by_text("The datasets could not be listed")).to_be_visible()
    page.keyboard.press("/")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    page.context.set_offline(False)
    expect(page.get_by_text("The datasets could not be listed")).to_be_hidden()


@pytest.mark.pages
def test_an_address_that_is_malformed_names_nothing_that_is_here(page: Page, site: Site) -> None:
    page.goto(site.at("flows/%E0%A4%A"))
    expect(page.get_by_role("heading", name="This dataflow is not here")).to_be_visible()
    page.goto(site.at(sandbox="%E0%A4%A"))
    expect(page.get_by_role("heading", name="This sandbox is not here", level=1)).to_be_visible()


@pytest.mark.pages
@pytest.mark.parametrize(
    ("path", "opens"),
    [
        ("sandboxes", "New sandbox"),
        ("credentials", "New credential"),
        ("sources", "Show the call"),
        ("flows", "Search"),
    ],
)
def test_a_double_click_opens_a_dialog_that_a_later_press_beside_it_closes(
    path: str, opens: str, page: Page, site: Site
) -> None:
    page.goto(site.at(path))
    button = page.get_by_role("button", name=opens).first
    button.dblclick()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    # Where the button is, below the veil.
    box = button.bounding_box()
    assert box is not None
    page.wait_for_timeout(600)
    expect(dialog).to_be_visible()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    expect(dialog).to_have_count(0)


@pytest.mark.pages
def test_the_second_press_of_a_double_click_does_nothing_in_the_dialog_that_the_first_one_opened(
    page: Page, site: Site, furnished: Furnished
) -> None:
    page.goto(site.at(f"flows/{furnished.flow}"))
    page.get_by_role("button", name="Run now").click()
    cancel = page.get_by_role("dialog").get_by_role("button", name="Cancel").bounding_box()
    page.keyboard.press("Escape")
    button = page.get_by_role("button", name="Run now").bounding_box()
    assert cancel is not None
    assert button is not None
    # The page's button comes to stand where the dialog's is.
    left = (cancel["x"] + cancel["width"] / 2) - (button["x"] + button["width"] / 2)
    top = (cancel["y"] + cancel["height"] / 2) - (button["y"] + button["height"] / 2)
    page.get_by_role("button", name="Run now").evaluate(
        "(button, by) => { button.style = `position: relative; z-index: 1; left: ${by[0]}px; top: ${by[1]}px`; }",
        [left, top],
    )
    page.get_by_role("button", name="Run now").dblclick()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    page.wait_for_timeout(600)
    dialog.get_by_role("button", name="Cancel").click()
    expect(dialog).to_have_count(0)


@pytest.mark.pages
def test_a_theme_looks_the_same_whether_the_system_or_the_viewer_chose_it(
    open_page: Callable[..., Page], site: Site
) -> None:
    def look(system: str, chosen: str) -> list[str]:
        page = open_page(signed_in=False, scheme=system)
        page.add_init_script(f"localStorage.setItem('theme', '{chosen}')")
        page.goto(f"{site.url}/signin")
        page.get_by_role("heading", level=1).wait_for()
        found: list[str] = page.evaluate(
            """() => [document.body, document.querySelector('input'), document.querySelector('button[type=submit]')]
                .map((element) => getComputedStyle(element))
                .flatMap(({ color, backgroundColor, borderTopColor }) => [color, backgroundColor, borderTopColor])"""
        )
        page.close()
        return found

    light, dark = look("light", "system"), look("dark", "system")
    assert light != dark
    assert look("dark", "light") == light
    assert look("light", "dark") == dark
    assert look("light", "contrast") == look("dark", "contrast")
    assert look("dark", "contrast") not in (light, dark)
