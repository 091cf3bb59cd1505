"""Sandboxes: made, named, emptied and deleted; the default one stays."""

import itertools
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.live import Client
from tests.web.journeys import Site, focused, tab_to, unique
from tests.wire import resources
from tests.wire.resources import CATALOG, PROFILE, REGISTRY, SANDBOXES

_numbers = itertools.count(1)


@pytest.fixture
def new_sandbox(client: Client) -> Callable[[str], str]:
    """Makes a sandbox of this title over the API and returns its name."""

    def made(title: str) -> str:
        name = f"made-{next(_numbers)}"
        body = {"name": name, "title": title, "type": "development"}
        client.made(f"{SANDBOXES}/sandboxes", body, status=202)
        return name

    return made


def test_a_sandbox_is_made_by_keys_and_can_be_worked_in(page: Page, site: Site, client: Client) -> None:
    title = unique("By keys")
    name = f"by-keys-{next(_numbers)}"
    page.goto(site.at("sandboxes"))
    page.get_by_role("rowheader").first.wait_for()
    tab_to(page, "New sandbox")
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="New sandbox")
    expect(dialog.get_by_role("textbox", name="Title")).to_be_focused()
    page.keyboard.press("Enter")
    expect(dialog.get_by_text("Give the sandbox a title.")).to_be_visible()
    page.keyboard.type(title)
    tab_to(page, "Name")
    page.keyboard.type("No Good")
    expect(dialog.get_by_text("Only lower-case letters, digits and hyphens.").first).to_be_visible()
    page.keyboard.press("Control+a")
    page.keyboard.type(name)
    page.keyboard.press("Enter")
    expect(page.get_by_text(f"The sandbox {title} is there.")).to_be_visible()
    row = page.get_by_role("row").filter(has_text=title)
    expect(row).to_contain_text("Development")
    assert client.get(f"{SANDBOXES}/sandboxes/{name}").json()["state"] == "active"
    # The switcher knows it, too.
    row.get_by_role("link", name=title).click()
    expect(page).to_have_url(site.at(sandbox=name))
    expect(page.get_by_role("button", name=f"Sandbox {title}")).to_be_visible()


@pytest.mark.pages
def test_a_name_that_is_taken_is_refused_in_the_server_s_words(page: Page, site: Site) -> None:
    page.goto(site.at("sandboxes?new=sandbox"))
    dialog = page.get_by_role("dialog", name="New sandbox")
    dialog.get_by_role("textbox", name="Title").fill("Another")
    dialog.get_by_role("textbox", name="Name").fill("prod")
    dialog.get_by_role("button", name="Make sandbox").click()
    expect(dialog.get_by_role("alert")).to_contain_text("prod")
    expect(dialog.get_by_role("alert")).to_contain_text("Code")


@pytest.mark.pages
def test_the_title_changes(page: Page, site: Site, client: Client, new_sandbox: Callable[[str], str]) -> None:
    title = unique("Old title")
    name = new_sandbox(title)
    page.goto(site.at("sandboxes"))
    page.get_by_role("button", name=f"Actions for {title}").click()
    page.get_by_role("menuitem", name="Edit title").click()
    dialog = page.get_by_role("dialog", name="Edit sandbox")
    dialog.get_by_role("textbox", name="Title").fill(f"{title} no more")
    dialog.get_by_role("button", name="Save").click()
    expect(page.get_by_role("rowheader", name=f"{title} no more")).to_be_visible()
    assert client.get(f"{SANDBOXES}/sandboxes/{name}").json()["title"] == f"{title} no more"


def test_a_reset_tells_what_goes_and_takes_the_name(
    page: Page, site: Site, client: Client, new_sandbox: Callable[[str], str]
) -> None:
    title = unique("To be emptied")
    name = new_sandbox(title)
    within = {"x-sandbox-name": name}
    schema = client.post(f"{REGISTRY}/tenant/schemas", json=resources.schema(PROFILE), headers=within).json()["$id"]
    for number in range(2):
        body = resources.dataset(schema, f"rows {number}")
        assert client.post(f"{CATALOG}/dataSets", json=body, headers=within).status_code == 201
    page.goto(site.at("sandboxes"))
    page.get_by_role("button", name=f"Actions for {title}").click()
    page.get_by_role("menuitem", name="Reset…").click()
    dialog = page.get_by_role("alertdialog", name=f"Reset {title}?")
    expect(dialog.get_by_role("listitem")).to_have_text(["2 datasets, with 0 rows", "1 schema"])
    expect(dialog.get_by_role("button", name="Cancel")).to_be_focused()
    expect(dialog.get_by_role("button", name="Reset sandbox")).to_be_disabled()
    dialog.get_by_role("textbox", name=f"Type {name} to confirm").fill("prod")
    expect(dialog.get_by_role("button", name="Reset sandbox")).to_be_disabled()
    dialog.get_by_role("textbox", name=f"Type {name} to confirm").fill(name)
    dialog.get_by_role("button", name="Reset sandbox").click()
    expect(page.get_by_text(f"{title} is being emptied.")).to_be_visible()
    for _ in range(500):
        if client.get(f"{SANDBOXES}/sandboxes/{name}").json()["state"] == "active":
            break
    expect(page.get_by_role("row").filter(has_text=title)).to_contain_text("Active")
    assert client.get(f"{CATALOG}/dataSets", headers=within).json() == {}


@pytest.mark.pages
def test_a_sandbox_is_deleted_and_who_was_in_it_is_led_to_the_default_one(
    page: Page, site: Site, client: Client, new_sandbox: Callable[[str], str]
) -> None:
    title = unique("Gone sandbox")
    name = new_sandbox(title)
    page.goto(site.at("sandboxes", sandbox=name))
    page.get_by_role("button", name=f"Actions for {title}").click()
    page.get_by_role("menuitem", name="Delete…").click()
    dialog = page.get_by_role("alertdialog", name=f"Delete {title}?")
    expect(dialog.get_by_text("It holds: nothing")).to_be_visible()
    dialog.get_by_role("textbox", name=f"Type {name} to confirm").fill(name)
    dialog.get_by_role("button", name="Delete sandbox").click()
    expect(page).to_have_url(site.at())
    assert client.get(f"{SANDBOXES}/sandboxes/{name}").json()["state"] in {"deleting", "deleted"}


@pytest.mark.pages
def test_the_default_sandbox_cannot_be_deleted(page: Page, site: Site) -> None:
    page.goto(site.at("sandboxes"))
    page.get_by_role("button", name="Actions for Production").click()
    page.get_by_role("menuitem", name="Delete…").click()
    dialog = page.get_by_role("alertdialog")
    expect(dialog.get_by_role("alert")).to_contain_text("is the default sandbox and cannot be deleted")
    expect(dialog.get_by_role("alert")).to_contain_text("Reset it instead")
    expect(dialog.get_by_role("button", name="Delete sandbox")).to_be_disabled()
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    assert focused(page) == "Actions for Production"


@pytest.mark.pages
def test_who_may_not_administer_looks_alone(page_with: Callable[..., Page], site: Site) -> None:
    page = page_with("view-sources")
    page.goto(site.at("sandboxes"))
    expect(page.get_by_text("needs the permission administer")).to_be_visible()
    expect(page.get_by_role("button", name="New sandbox")).to_have_count(0)
    page.get_by_role("button", name="Actions for Production").click()
    expect(page.get_by_role("menuitem")).to_have_text(["Work in it"])


@pytest.mark.pages
def test_titles_are_text_whatever_is_in_them(
    open_page: Callable[..., Page], site: Site, new_sandbox: Callable[[str], str]
) -> None:
    page = open_page(width=400)
    page.on("dialog", lambda dialog: pytest.fail(f"a script ran: {dialog.message}"))
    new_sandbox("<img src=x onerror=alert(1)>")
    page.goto(site.at("sandboxes"))
    expect(page.get_by_role("rowheader").filter(has_text="<img src=x")).to_be_visible()
    assert page.locator("main img").count() == 0
