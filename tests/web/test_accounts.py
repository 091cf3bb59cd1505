"""Accounts: made by mouse and by keys, checked step by step, changed, and deleted or not."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Page, expect

from demo.azurite import KEY, Azurite
from tests.connectors.azure_table.signatures import account_sas
from tests.live import Client
from tests.web.journeys import AZURE_TABLES, Site, fill_in, focused, reach, sideways, tab_to, unique


def test_an_account_is_made_by_mouse_from_the_catalog(page: Page, site: Site, azurite: Azurite, client: Client) -> None:
    name = unique("By mouse")
    page.goto(site.at())
    page.get_by_role("button", name="Details of Azure Table Storage").click()
    page.get_by_role("dialog").get_by_role("link", name=re.compile("Set up|New account")).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("New account: Azure Table Storage")
    fill_in(page, name=name, connection_string=azurite.connection_string)
    expect(page.get_by_text(f"Account devstoreaccount1 at {azurite.endpoint}")).to_be_visible()
    expect(page.get_by_text("plain http")).to_be_visible()
    page.get_by_role("button", name="Check and save").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(name)
    expect(page.get_by_role("heading", level=1)).to_be_focused()
    expect(page.get_by_text(f"The account {name} works and is saved.")).to_be_visible()
    expect(page.get_by_text("OK", exact=True)).to_be_visible()
    known = client.get(f"{client.flow}/connections", params={"property": f"name=={name}"}).json()["items"]
    assert [one["connectionSpec"]["id"] for one in known] == [AZURE_TABLES]
    page.get_by_role("button", name="Check now").click()
    steps = page.get_by_role("list", name="Steps of the check").get_by_role("listitem")
    expect(steps).to_have_count(8)
    expect(steps.filter(has_text="Passed")).not_to_have_count(0)


def test_an_account_is_made_by_keys_alone(page: Page, site: Site, azurite: Azurite) -> None:
    name = unique("By keys")
    page.goto(site.at("sources/accounts/new"))
    page.get_by_role("textbox", name="Name").wait_for()
    tab_to(page, "Name")
    page.keyboard.type(name)
    for _ in range(2):
        page.keyboard.press("Tab")
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("radio", name="Account Key")).to_be_checked()
    tab_to(page, "Account name")
    page.keyboard.type("devstoreaccount1")
    tab_to(page, "Account key")
    page.keyboard.type(KEY)
    page.get_by_text("more settings").focus()
    page.keyboard.press("Enter")
    tab_to(page, "Table endpoint (optional)")
    page.keyboard.type(azurite.endpoint)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text(name)


def test_a_wrong_key_shows_the_step_that_failed_and_what_to_do(page: Page, site: Site, azurite: Azurite) -> None:
    page.goto(site.at("sources/accounts/new"))
    steps = page.get_by_role("list", name="Steps of the check").get_by_role("listitem")
    expect(steps.filter(has_text="Waiting")).to_have_count(8)
    wrong = azurite.connection_string.replace(KEY[:4], "AAAA")
    fill_in(page, name=unique("Wrong"), connection_string=wrong)
    page.get_by_role("button", name="Check and save").click()
    failed = steps.filter(has_text="Failed")
    expect(failed).to_have_count(1)
    expect(failed).to_contain_text("Sign in")
    expect(failed).to_contain_text("The key or signature was not accepted")
    expect(failed).to_contain_text("Copy the connection string again")
    expect(steps.filter(has_text="Skipped")).to_have_count(3)
    expect(page.get_by_role("region", name="Check", exact=True)).to_be_focused()
    expect(page.get_by_text("Check failed at: Sign in")).to_be_attached()
    # Nothing was made, and what was typed is still there to be mended.
    expect(page.get_by_role("textbox", name="Connection string")).to_have_value(wrong)


@pytest.mark.pages
def test_what_is_missing_or_malformed_is_told_at_its_field(page: Page, site: Site) -> None:
    page.goto(site.at("sources/accounts/new"))
    page.get_by_role("button", name="Check and save").click()
    summary = page.get_by_role("region", name="2 fields need your attention")
    expect(summary).to_be_focused()
    summary.get_by_role("button", name="Connection string").click()
    secret = page.get_by_role("textbox", name="Connection string")
    expect(secret).to_be_focused()
    expect(secret).to_have_attribute("aria-invalid", "true")
    fill_in(page, name=unique("Junk"), connection_string="junk")
    page.get_by_role("button", name="Check and save").click()
    expect(page.get_by_text("Part 1 of the connection string is not key=value").first).to_be_visible()


@pytest.mark.pages
def test_a_name_is_taken_once(page: Page, site: Site, new_account: Callable[[str], str]) -> None:
    name = unique("Taken")
    new_account(name)
    page.goto(site.at("sources/accounts/new"))
    page.get_by_role("textbox", name="Name").wait_for()
    page.wait_for_load_state("networkidle")
    fill_in(page, name=name, connection_string="UseDevelopmentStorage=true")
    page.get_by_role("button", name="Check and save").click()
    expect(page.get_by_text("Another account in this sandbox has this name.").first).to_be_visible()


HOSTILE = {
    "markup": "<img src=x onerror=alert(1)><script>alert(2)</script>",
    "right to left": "safe\u202egnp.exe",
    "controls": "a\u0007b\u200bc",
    "very long": "W" * 255,
}


@pytest.mark.pages
@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE.keys())
def test_names_are_text_whatever_is_in_them(
    name: str, open_page: Callable[..., Page], site: Site, new_account: Callable[[str], str]
) -> None:
    made = new_account(name)
    page = open_page(width=400)
    page.on("dialog", lambda dialog: pytest.fail(f"a script ran: {dialog.message}"))
    for path in ("sources/accounts", f"sources/accounts/{made}"):
        page.goto(site.at(path))
        shown = page.locator(".hostile").filter(has_text=name[:1]).first
        expect(shown).to_be_visible()
        assert sideways(page) == 0
        assert page.locator("main img, main script").count() == 0
        hidden = [f"U+{ord(one):04X}" for one in name if not one.isprintable()]
        assert shown.locator(".hidden-character").all_inner_texts() == hidden
    assert "\u202e" not in page.title()


@pytest.mark.pages
def test_the_table_sorts_searches_and_filters_and_its_address_remembers(
    page: Page, site: Site, new_account: Callable[[str], str]
) -> None:
    mark = unique("sorted")
    first, second = f"Zebra {mark}", f"Aardvark {mark}"
    new_account(first)
    new_account(second)
    page.goto(site.at(f"sources/accounts?q={mark}"))
    page.get_by_role("columnheader", name="Name").click()
    expect(page.get_by_role("rowheader").first).to_contain_text("Aardvark")
    page.get_by_role("searchbox", name="Search accounts").fill("zebra")
    expect(page.get_by_role("rowheader")).to_have_count(1)
    page.reload()
    expect(page.get_by_role("rowheader")).to_have_text([first])
    page.get_by_role("searchbox", name="Search accounts").fill("nobody has this")
    expect(page.get_by_role("heading", name="No account fits")).to_be_visible()
    page.get_by_role("button", name="Clear search and filters").click()
    expect(page.get_by_role("rowheader")).not_to_have_count(0)


@pytest.mark.pages
def test_columns_are_chosen_by_keys_and_the_browser_remembers(
    page: Page, site: Site, new_account: Callable[[str], str]
) -> None:
    name = unique("Columns")
    new_account(name)
    page.goto(site.at(f"sources/accounts?q={name}"))
    expect(page.get_by_role("columnheader", name="Created by")).to_be_visible()
    tab_to(page, "Columns")
    page.keyboard.press("Enter")
    chosen = page.get_by_role("menuitemcheckbox", name="Created by")
    expect(chosen).to_be_checked()
    # What says which account it is, and its actions, cannot be hidden.
    expect(page.get_by_role("menuitemcheckbox")).to_have_count(page.locator("th").count() - 2)
    for _ in ("Source", "Sign-in", "Health", "Dataflows"):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")
    expect(chosen).not_to_be_checked()
    page.keyboard.press("Escape")
    expect(page.get_by_role("columnheader", name="Created by")).to_have_count(0)
    page.reload()
    expect(page.get_by_role("rowheader")).to_have_text([name])
    expect(page.get_by_role("columnheader", name="Created by")).to_have_count(0)
    tab_to(page, "Columns")
    page.keyboard.press("Enter")
    for _ in ("Source", "Sign-in", "Health", "Dataflows"):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")
    page.keyboard.press("Escape")
    expect(page.get_by_role("columnheader", name="Created by")).to_be_visible()


@pytest.mark.pages
def test_cells_are_walked_by_arrows_and_the_row_menu_checks(
    page: Page, site: Site, new_account: Callable[[str], str]
) -> None:
    name = unique("Walked")
    new_account(name)
    page.goto(site.at(f"sources/accounts?q={name}"))
    expect(page.get_by_role("rowheader")).to_have_count(1)
    row = page.get_by_role("row").filter(has_text=name)
    row.focus()
    reach(page, row.get_by_role("button", name=f"Actions for {name}"), "ArrowRight", most=20)
    page.keyboard.press("Enter")
    page.get_by_role("menuitem", name="Check now").wait_for()
    for _ in range(2):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(row).to_contain_text("OK")
    row.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert focused(page) == "Azure Table Storage"


def test_name_and_description_change_and_a_conflict_shows_both(
    page: Page, site: Site, client: Client, new_account: Callable[[str], str]
) -> None:
    name = unique("Before")
    made = new_account(name)
    page.goto(site.at(f"sources/accounts/{made}"))
    page.get_by_role("button", name="Edit").click()
    dialog = page.get_by_role("dialog", name="Edit account")
    dialog.get_by_role("textbox", name="Name").fill(f"{name} mine")
    etag = client.one(f"{client.flow}/connections/{made}")["etag"]
    theirs = [{"op": "replace", "path": "/name", "value": f"{name} theirs"}]
    assert client.patch(f"{client.flow}/connections/{made}", json=theirs, headers={"If-Match": etag}).status_code == 200
    dialog.get_by_role("button", name="Save").click()
    conflict = dialog.get_by_role("alert")
    expect(conflict).to_contain_text(f"{name} theirs")
    expect(conflict).to_contain_text(f"{name} mine")
    dialog.get_by_role("button", name="Save mine").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(f"{name} mine")
    assert client.one(f"{client.flow}/connections/{made}")["name"] == f"{name} mine"


def test_credentials_are_replaced_only_by_ones_that_work(
    page: Page, site: Site, azurite: Azurite, client: Client, new_account: Callable[[str], str]
) -> None:
    made = new_account(unique("Replaced"))
    before = client.one(f"{client.flow}/connections/{made}")["etag"]
    page.goto(site.at(f"sources/accounts/{made}"))
    page.get_by_role("button", name="Replace credentials").click()
    dialog = page.get_by_role("dialog", name="Replace credentials")
    secret = dialog.get_by_role("textbox", name="Connection string")
    expect(secret).to_have_value("")
    secret.fill(azurite.connection_string.replace(KEY[:4], "AAAA"))
    dialog.get_by_role("button", name="Check and replace").click()
    expect(dialog.get_by_role("listitem").filter(has_text="Failed")).to_have_count(1)
    assert client.one(f"{client.flow}/connections/{made}")["etag"] == before
    secret.fill(azurite.connection_string)
    dialog.get_by_role("button", name="Check and replace").click()
    expect(page.get_by_text("The new credentials work and are in use.")).to_be_visible()
    assert client.one(f"{client.flow}/connections/{made}")["etag"] != before


@pytest.mark.pages
def test_deleting_says_what_goes_and_leads_back(
    page: Page, site: Site, client: Client, new_account: Callable[[str], str]
) -> None:
    name = unique("Gone")
    made = new_account(name)
    page.goto(site.at(f"sources/accounts/{made}"))
    page.get_by_role("button", name=f"Actions for {name}").click()
    page.get_by_role("menuitem", name="Delete…").click()
    dialog = page.get_by_role("alertdialog", name=f"Delete {name}?")
    expect(dialog).to_contain_text("cannot be undone")
    expect(dialog).to_contain_text("This is a production sandbox.")
    expect(dialog.get_by_role("button", name="Cancel")).to_be_focused()
    dialog.get_by_role("button", name="Delete account").click()
    expect(page).to_have_url(site.at("sources/accounts"))
    expect(page.get_by_text("The account is deleted.")).to_be_visible()
    assert client.get(f"{client.flow}/connections/{made}").status_code == 404
    page.goto(site.at(f"sources/accounts/{made}"))
    expect(page.get_by_role("heading", name="This account is not here")).to_be_visible()


def test_an_account_that_will_not_work_for_long_warns(page: Page, site: Site, azurite: Azurite, client: Client) -> None:
    name = unique("Soon over")
    soon = (datetime.now(UTC) + timedelta(hours=20)).strftime("%Y-%m-%dT%H:%M:%SZ")
    uri = f"{azurite.endpoint}?{account_sas(se=soon)}"
    body = {
        "name": name,
        "connectionSpec": {"id": AZURE_TABLES, "version": "1.0"},
        "auth": {"specName": "SAS URI Authentication", "params": {"sasUri": uri}},
    }
    made = client.made(f"{client.flow}/connections", body)["id"]
    client.made(f"/v1/connections/{made}/check", None, status=200)
    page.goto(site.at(f"sources/accounts?q={name}"))
    expect(page.get_by_role("row").filter(has_text=name)).to_contain_text("Warning")
    page.goto(site.at(f"sources/accounts/{made}"))
    expect(page.get_by_role("region", name="Connection check")).to_contain_text("expires")
