"""Trying with sample data: from an empty sandbox to the first run, by mouse and by keys; and where it is offered."""

import itertools
import re
from collections.abc import Callable
from typing import Any, Final

import pytest
from playwright.sync_api import Page, Route, expect

from demo.azurite import Azurite
from tests.live import Client
from tests.web.furnished import Furnished
from tests.web.journeys import Site, focused, sideways, tab_to
from tests.web.test_wizard import Hands, choose_by_keys, heading, next_step
from tests.wire import resources
from tests.wire.resources import FLOW, SAMPLE_DATA, SANDBOXES

INPUTS: Final = 7
"""Start, a table, Next four times, Publish."""
START: Final = "Start: Try with sample data"
STEPS: Final = (
    "Where do the rows go?",
    "Which column feeds which field?",
    "When does it run?",
    "Is this right?",
)
_numbers = itertools.count(1)


@pytest.fixture
def empty(client: Client) -> str:
    """A sandbox of the test's own in which nothing was made."""
    name = f"empty-{next(_numbers)}"
    client.made(f"{SANDBOXES}/sandboxes", {"name": name, "title": "Empty", "type": "development"}, status=202)
    return name


def accounts(site: Site, sandbox: str) -> list[dict[str, Any]]:
    """The accounts of a sandbox."""
    with site.server.client(sandbox=sandbox) as calls:
        items: list[dict[str, Any]] = calls.get(f"{FLOW}/connections").json()["items"]
    return items


def landed(page: Page, site: Site, sandbox: str, table: str) -> int:
    """How many rows the first run landed, once it has succeeded."""
    run = page.get_by_role("region", name="First run")
    expect(run).to_contain_text("Succeeded")
    rows = site.server.rows(f'SELECT count(*) AS n FROM "{table}"', sandbox=sandbox)
    return int(rows[0]["n"])


def test_from_the_empty_sandbox_to_the_first_run_are_seven_inputs_and_nothing_is_typed(
    page: Page, site: Site, empty: str
) -> None:
    hands = Hands()
    page.goto(site.at(sandbox=empty))
    hands.click(page.get_by_role("button", name=START))
    heading_of_select = page.get_by_role("heading", name="Which rows and columns?", level=2)
    expect(heading_of_select).to_be_visible()
    hands.click(page.get_by_role("radiogroup", name="Tables").get_by_text("customers", exact=True))
    expect(page.get_by_text("Types come from a sample of 1,000 rows")).to_be_visible()
    for step in STEPS:
        hands.click(next_step(page))
        heading(page, step)
    hands.click(page.get_by_role("button", name="Publish"))
    assert landed(page, site, empty, "customers") == 1_000
    assert hands.inputs == INPUTS
    # With a dataflow there, nobody needs to be shown how it begins.
    page.get_by_role("link", name="Sources", exact=True).first.click()
    expect(page.get_by_role("heading", name="Sample data", exact=True)).to_be_visible()
    expect(page.get_by_role("button", name=START)).to_have_count(0)


def test_the_same_by_keys_alone(page: Page, site: Site, empty: str) -> None:
    page.goto(site.at(sandbox=empty))
    page.get_by_role("button", name=START).wait_for()
    tab_to(page, START)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Add data")
    choose_by_keys(page, "table", page.get_by_role("radio", name="orders", exact=True))
    expect(page.get_by_text("Types come from a sample of 1,000 rows")).to_be_visible()
    for step in STEPS:
        page.keyboard.press("Control+Enter")
        heading(page, step)
    tab_to(page, "Publish", most=80)
    assert focused(page) == "Publish"
    page.keyboard.press("Enter")
    assert landed(page, site, empty, "orders") == 5_000


def test_upsert_is_by_the_key_that_the_source_tells(page: Page, site: Site, empty: str) -> None:
    page.goto(site.at(sandbox=empty))
    page.get_by_role("button", name=START).click()
    page.get_by_role("radiogroup", name="Tables").get_by_text("orders", exact=True).click()
    expect(page.get_by_text("Types come from a sample of 1,000 rows")).to_be_visible()
    next_step(page).click()
    heading(page, STEPS[0])
    page.get_by_text("Upsert by key").click()
    keys = page.get_by_role("group", name="Key").get_by_role("checkbox", checked=True)
    expect(keys).to_have_count(1)
    expect(keys).to_have_accessible_name(re.compile("^id "))
    # Who wants none of it is not offered it again.
    keys.uncheck(force=True)
    next_step(page).click()
    expect(page.get_by_role("region", name="1 field needs your attention")).to_contain_text("at least one key field")
    expect(keys).to_have_count(0)


@pytest.mark.pages
def test_pressed_again_it_finds_the_account_that_it_made(page: Page, site: Site, empty: str) -> None:
    for _ in range(2):
        page.goto(site.at(sandbox=empty))
        page.get_by_role("button", name=START).dblclick()
        expect(page.get_by_role("radiogroup", name="Tables")).to_be_visible()
    (account,) = accounts(site, empty)
    assert (account["name"], account["connectionSpec"]["id"]) == ("Sample data", SAMPLE_DATA)
    assert f"account={account['id']}" in page.url


@pytest.mark.pages
def test_pressed_in_two_tabs_at_once_it_makes_one_account(page: Page, site: Site, empty: str) -> None:
    other = page.context.new_page()
    for tab in (page, other):
        tab.goto(site.at(sandbox=empty))
        tab.get_by_role("button", name=START).wait_for()
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/flowservice/connections", hold)
    with page.expect_request(lambda request: request.method == "POST" and request.url.endswith("/connections")):
        page.get_by_role("button", name=START).click()
    other.get_by_role("button", name=START).click()
    expect(other.get_by_role("button", name=START)).to_have_attribute("data-pending", "true")
    assert accounts(site, empty) == []
    (made,) = held
    made.continue_()
    for tab in (page, other):
        expect(tab.get_by_role("radiogroup", name="Tables")).to_be_visible()
    (account,) = accounts(site, empty)
    assert all(f"account={account['id']}" in tab.url for tab in (page, other))


@pytest.mark.pages
def test_an_account_without_tables_offers_it_and_another_account(
    page: Page, site: Site, empty: str, azurite: Azurite
) -> None:
    with site.server.client(sandbox=empty) as calls:
        made = calls.made(f"{FLOW}/connections", resources.connection(azurite.connection_string))
    page.route("**/explore?objectType=root", lambda route: route.fulfill(json=[]))
    page.goto(site.at(f"flows/new?account={made['id']}&step=select", sandbox=empty))
    expect(page.get_by_role("heading", name="This account has no table")).to_be_visible()
    page.unroute("**/explore?objectType=root")
    page.get_by_role("link", name="Choose another account").click()
    heading(page, "Which account is read from?")
    page.go_back()
    page.get_by_role("button", name="Try with sample data").click()
    heading(page, "Which rows and columns?")
    page.get_by_role("radiogroup", name="Tables").get_by_text("customers", exact=True).click()
    expect(page.get_by_text("Types come from a sample of 1,000 rows")).to_be_visible()
    next_step(page).click()
    heading(page, STEPS[0])
    (sample,) = (one for one in accounts(site, empty) if one["id"] != made["id"])
    assert sample["connectionSpec"]["id"] == SAMPLE_DATA


@pytest.mark.pages
@pytest.mark.parametrize(
    ("path", "title"), [("flows", "No dataflow yet"), ("sources/accounts", "No account yet")], ids=["flows", "accounts"]
)
def test_empty_lists_offer_it(page: Page, site: Site, empty: str, path: str, title: str) -> None:
    page.goto(site.at(path, sandbox=empty))
    expect(page.get_by_role("heading", name=title)).to_be_visible()
    page.get_by_role("button", name="Try with sample data").click()
    expect(page.get_by_role("radiogroup", name="Tables").get_by_role("radio")).to_have_count(3)
    assert len(accounts(site, empty)) == 1


@pytest.mark.pages
def test_what_is_wrong_in_it_is_seen_before_anything_is_made(page: Page, site: Site, empty: str) -> None:
    page.goto(site.at(sandbox=empty))
    page.get_by_role("button", name=START).click()
    page.get_by_role("radiogroup", name="Tables").get_by_text("customers", exact=True).click()
    points = page.get_by_role("columnheader").filter(has_text="loyaltyPoints")
    expect(points).to_contain_text("integer, text")
    expect(page.get_by_role("columnheader").filter(has_text="birthDate")).to_contain_text("9")


@pytest.mark.pages
def test_who_searches_or_has_a_dataflow_is_not_offered_it(
    page: Page, site: Site, empty: str, furnished: Furnished
) -> None:
    page.goto(site.at(sandbox=empty))
    expect(page.get_by_role("button", name=START)).to_be_visible()
    page.get_by_role("searchbox", name="Search sources").fill("example")
    expect(page.get_by_role("article")).to_have_count(1)
    expect(page.get_by_role("heading", name="Sample data", exact=True)).to_be_visible()
    expect(page.get_by_role("button", name=START)).to_have_count(0)
    page.goto(site.at())
    expect(page.get_by_role("heading", name="Sample data", exact=True)).to_be_visible()
    expect(page.get_by_role("button", name=START)).to_have_count(0)


@pytest.mark.pages
def test_who_may_not_add_accounts_is_offered_it_where_one_is_there(
    page_with: Callable[..., Page], site: Site, empty: str
) -> None:
    page = page_with("view-sources", "view-data", "manage-sources")
    page.goto(site.at(sandbox=empty))
    expect(page.get_by_role("heading", name="Sample data", exact=True)).to_be_visible()
    expect(page.get_by_role("button", name=START)).to_have_count(0)
    page.goto(site.at("flows", sandbox=empty))
    expect(page.get_by_role("heading", name="No dataflow yet")).to_be_visible()
    expect(page.get_by_role("button", name="Try with sample data")).to_have_count(0)
    with site.server.client(sandbox=empty) as calls:
        made = calls.made(f"{FLOW}/connections", resources.sample_account(name="Somebody's"))
    page.reload()
    page.get_by_role("button", name="Try with sample data").click()
    expect(page.get_by_role("radiogroup", name="Tables")).to_be_visible()
    assert f"account={made['id']}" in page.url


@pytest.mark.pages
def test_a_refusal_is_told_and_tried_again(page: Page, site: Site, empty: str) -> None:
    body = {"report": {"detailed-message": "the store is away"}, "code": "store-unavailable", "advice": "Wait."}

    def refuse(route: Route) -> None:
        if route.request.method == "POST":
            route.fulfill(status=409, json=body)
        else:
            route.continue_()

    page.goto(site.at(sandbox=empty))
    page.route("**/flowservice/connections", refuse)
    page.get_by_role("button", name=START).click()
    alert = page.get_by_role("alert")
    for text in ("The sample data could not be opened", "The store is away", "Wait.", "store-unavailable"):
        expect(alert).to_contain_text(text)
    page.unroute("**/flowservice/connections")
    alert.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("radiogroup", name="Tables")).to_be_visible()


@pytest.mark.pages
def test_the_call_behind_it_is_shown(page: Page, site: Site, empty: str) -> None:
    page.goto(site.at(sandbox=empty))
    page.get_by_role("button", name=START).wait_for()
    page.get_by_role("button", name="Show the call").click()
    dialog = page.get_by_role("dialog", name="Show the call")
    expect(dialog).to_contain_text("Make an account of sample data, where there is none")
    expect(dialog).to_contain_text(SAMPLE_DATA)


@pytest.mark.pages
def test_its_own_form_asks_for_a_name_alone_and_fits_a_small_window(
    open_page: Callable[..., Page], site: Site, empty: str
) -> None:
    page = open_page(width=400)
    page.goto(site.at(sandbox=empty))
    page.get_by_role("button", name=START).wait_for()
    assert sideways(page) == 0
    page.get_by_role("link", name="Set up: Sample data").click()
    expect(page.get_by_text("Nothing has to be filled in to sign in.")).to_be_visible()
    page.get_by_role("textbox", name="Name").fill("Trying")
    page.get_by_role("button", name="Check and save").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Trying")
    assert [one["name"] for one in accounts(site, empty)] == ["Trying"]
