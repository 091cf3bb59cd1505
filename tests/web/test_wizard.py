"""Adding data: from an account to the first run, by mouse and by keys; what is filled in is kept."""

import itertools
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from demo.azurite import Azurite
from tests.live import Client
from tests.web.furnished import Furnished
from tests.web.journeys import Site, focused, sideways, tab_to, unique
from tests.wire import resources
from tests.wire.resources import CATALOG, FLOW, PREP, REGISTRY, SANDBOXES

MOST_INPUTS: Final = 12
DRAFTS: Final = "/v1/drafts"
_numbers = itertools.count(1)
Drafts: TypeAlias = Callable[[], list[dict[str, Any]]]


@dataclass
class Hands:
    """Whoever clicks and types, counted."""

    inputs: int = 0

    def click(self, control: Locator) -> None:
        self.inputs += 1
        control.click()

    def type(self, field: Locator, text: str) -> None:
        self.inputs += 1
        field.fill(text)


def next_step(page: Page) -> Locator:
    return page.get_by_role("button", name="Next", exact=True)


def heading(page: Page, text: str) -> None:
    """The step that begins so is shown, and its heading has the focus."""
    step = page.get_by_role("heading", name=text, level=2)
    expect(step).to_be_visible()
    expect(step).to_be_focused()


def choose_by_keys(page: Page, group: str, wanted: Locator) -> None:
    """Go to the group of choices by Tab, and to the wanted one by arrows."""
    wanted.wait_for(state="attached")
    while page.evaluate("document.activeElement.name") != group:
        page.keyboard.press("Tab")
    page.keyboard.press("Space")
    for _ in range(100):
        if wanted.is_checked():
            return
        page.keyboard.press("ArrowDown")
    raise AssertionError("arrows do not reach it")


def counts(client: Client) -> dict[str, int]:
    """How many things of each kind the sandbox has, of which a dataflow is made."""
    return {
        **{
            kind: int(client.get(f"{FLOW}/{kind}?count=true").json()["count"])
            for kind in ("flows", "sourceConnections", "targetConnections")
        },
        "dataSets": len(client.get(f"{CATALOG}/dataSets?limit=100").json()),
        "schemas": len(client.get(f"{REGISTRY}/tenant/schemas?limit=500").json()["results"]),
        "fieldgroups": len(client.get(f"{REGISTRY}/tenant/fieldgroups?limit=500").json()["results"]),
        "mappingSets": len(client.get(f"{PREP}/mappingSets?limit=1000").json()["data"]),
    }


@pytest.fixture
def table(azurite: Azurite) -> str:
    """A table of 40 people, of the test's own."""
    return resources.seeded(azurite, f"wizard{next(_numbers)}", resources.people(40))


@pytest.fixture
def account(client: Client, azurite: Azurite) -> str:
    """An account of the test's own."""
    made = client.made(f"{FLOW}/connections", resources.connection(azurite.connection_string, name=unique("Wizard")))
    return str(made["id"])


@pytest.fixture
def drafts(client: Client) -> Iterator[Drafts]:
    """Lists the drafts that the test has made; none stay."""

    def listed() -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = client.get(DRAFTS).json()["items"]
        return [item for item in items if item["id"] not in before]

    before: set[str] = set()
    before = {item["id"] for item in listed()}
    yield listed
    for draft in listed():
        client.delete(f"{DRAFTS}/{draft['id']}")


@pytest.fixture
def at_select(page: Page, site: Site, account: str, table: str, drafts: Drafts) -> Page:
    """A page at its second step, where the table is chosen."""
    page.goto(site.at(f"flows/new?account={account}&step=select"))
    page.get_by_role("searchbox", name="Search tables").fill(table)
    page.get_by_role("radio", name=table, exact=True).check(force=True)
    expect(page.get_by_text("Types come from a sample of 40 rows")).to_be_visible()
    return page


@pytest.fixture
def at_details(at_select: Page) -> Page:
    """At its third step, with what is filled in by itself."""
    next_step(at_select).click()
    heading(at_select, "Where do the rows go?")
    expect(at_select.get_by_text("It will have 6 fields")).to_be_visible()
    return at_select


def on_to(page: Page, *steps: str) -> None:
    """Next, until the step whose heading is the last of these."""
    for step in steps:
        next_step(page).click()
        heading(page, step)


def at_review(page: Page) -> None:
    """From the details on."""
    on_to(page, "Which column feeds which field?", "When does it run?", "Is this right?")


def flow_of(page: Page, client: Client) -> dict[str, Any]:
    """The flow that was published, and is shown."""
    expect(page.get_by_role("heading", level=1)).to_contain_text("is published")
    found: dict[str, Any] = client.one(f"{FLOW}/flows/{page.url.rpartition('done=')[2]}")
    return found


def test_from_opening_the_page_to_the_first_run_are_at_most_twelve_inputs(
    page: Page, site: Site, client: Client, azurite: Azurite, table: str
) -> None:
    sandbox = f"wizard-{next(_numbers)}"
    client.made(f"{SANDBOXES}/sandboxes", {"name": sandbox, "title": "Empty", "type": "development"}, status=202)
    hands = Hands()
    page.goto(site.at(sandbox=sandbox))
    hands.click(page.get_by_role("link", name="Set up: Azure Table Storage"))
    hands.type(page.get_by_role("textbox", name="Name"), "Shop")
    hands.type(page.get_by_role("textbox", name="Connection string"), azurite.connection_string)
    hands.click(page.get_by_role("button", name="Check and save"))
    hands.click(page.get_by_role("link", name="Add data"))
    hands.click(page.get_by_role("radiogroup", name="Tables").get_by_text(table, exact=True))
    for step in (
        "Where do the rows go?",
        "Which column feeds which field?",
        "When does it run?",
        "Is this right?",
    ):
        hands.click(next_step(page))
        heading(page, step)
    hands.click(page.get_by_role("button", name="Publish"))
    run = page.get_by_role("region", name="First run")
    expect(run).to_contain_text("Succeeded")
    expect(run.get_by_role("listitem").filter(has_text="Landed")).to_contain_text("40")
    assert hands.inputs <= MOST_INPUTS
    with site.server.client(sandbox=sandbox) as there:
        (flow,) = there.get(f"{FLOW}/flows").json()["items"]
        assert flow["state"] == "enabled"
        assert there.get(DRAFTS).json()["items"] == []
    rows = site.server.rows(f'SELECT count(*) AS n FROM "{table}"', sandbox=sandbox)
    assert rows == [{"n": 40}]


def test_a_new_account_is_made_on_the_way(
    page: Page, site: Site, client: Client, azurite: Azurite, table: str, account: str, drafts: Drafts
) -> None:
    page.goto(site.at("flows/new"))
    page.get_by_text("A new one").click()
    expect(page.get_by_role("textbox", name="Name")).not_to_have_value("")
    name = unique("On the way")
    page.get_by_role("textbox", name="Name").fill(name)
    page.get_by_role("textbox", name="Connection string").fill("AccountName=nobody")
    next_step(page).click()
    expect(page.get_by_role("region", name="Check", exact=True)).to_be_focused()
    page.get_by_role("textbox", name="Connection string").fill(azurite.connection_string)
    next_step(page).click()
    heading(page, "Which rows and columns?")
    expect(page.get_by_role("radio", name=table, exact=True)).to_be_attached()
    (made,) = client.get(f"{FLOW}/connections", params={"property": f"name=={name}"}).json()["items"]
    (draft,) = drafts()
    kept = client.get(f"{DRAFTS}/{draft['id']}")
    assert kept.json()["body"]["account"] == made["id"]
    # What signs in is in no draft.
    assert "AccountKey" not in kept.text


def test_data_is_added_by_keys_alone(
    page: Page, site: Site, client: Client, account: str, table: str, drafts: Drafts
) -> None:
    name = client.one(f"{FLOW}/connections/{account}")["name"]
    page.goto(site.at())
    page.get_by_role("heading", name="Azure Table Storage").wait_for()
    page.keyboard.press("/")
    page.get_by_role("searchbox", name="Search pages").wait_for()
    page.keyboard.type("add data")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Add data")
    choose_by_keys(page, "account", page.get_by_role("radio", name=re.compile(re.escape(name))))
    page.keyboard.press("Control+Enter")
    heading(page, "Which rows and columns?")
    tab_to(page, "Search tables")
    page.keyboard.type(table)
    choose_by_keys(page, "table", page.get_by_role("radio", name=table, exact=True))
    expect(page.get_by_text("Types come from a sample of 40 rows")).to_be_visible()
    for step in ("Where do the rows go?", "Which column feeds which field?", "When does it run?", "Is this right?"):
        page.keyboard.press("Control+Enter")
        heading(page, step)
    # Publishing is never a shortcut.
    page.keyboard.press("Control+Enter")
    tab_to(page, "Publish", most=80)
    assert focused(page) == "Publish"
    page.keyboard.press("Enter")
    expect(page.get_by_role("region", name="First run")).to_contain_text("Succeeded")


@pytest.mark.pages
def test_shortcuts_are_of_the_whole_page_and_not_of_a_dialog_over_it(
    page: Page, site: Site, account: str, table: str, drafts: Drafts
) -> None:
    page.goto(site.at(f"sources/accounts/{account}"))
    page.get_by_role("link", name="Add data").first.click()
    title = page.get_by_role("heading", name="Add data", level=1)
    expect(title).to_be_focused()
    page.keyboard.press("Meta+s")
    expect(page.get_by_text("Draft saved")).to_be_visible()
    assert len(drafts()) == 1
    page.get_by_role("searchbox", name="Search tables").fill(table)
    page.get_by_role("radio", name=table, exact=True).check(force=True)
    expect(page.get_by_text("Types come from a sample of 40 rows")).to_be_visible()
    page.get_by_role("button", name="Show the call").click()
    dialog = page.get_by_role("dialog", name="Show the call")
    expect(dialog).to_be_visible()
    page.keyboard.press("Control+Enter")
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(page.get_by_role("heading", name="Which rows and columns?")).to_be_visible()
    # Not what the button does that has the focus.
    expect(page.get_by_role("button", name="Show the call")).to_be_focused()
    page.keyboard.press("Control+Enter")
    heading(page, "Where do the rows go?")
    expect(dialog).to_have_count(0)
    title.focus()
    page.keyboard.press("Control+Enter")
    heading(page, "Which column feeds which field?")


def test_each_step_is_kept_and_a_reload_shows_it_again(at_details: Page, drafts: Drafts, table: str) -> None:
    page = at_details
    page.get_by_role("textbox", name="Dataflow name").fill("Kept while typing")
    page.keyboard.press("Control+s")
    expect(page.get_by_text("Draft saved")).to_be_visible()
    page.reload()
    expect(page.get_by_role("heading", name="Where do the rows go?")).to_be_visible()
    expect(page.get_by_role("textbox", name="Dataflow name")).to_have_value("Kept while typing")
    expect(page.get_by_text("Draft saved")).to_be_visible()
    (draft,) = drafts()
    assert (draft["name"], draft["step"], draft["kind"]) == ("Kept while typing", "details", "dataflow")
    page.go_back()
    expect(page.get_by_role("heading", name="Which rows and columns?")).to_be_visible()
    expect(page.get_by_role("radio", name=table, exact=True)).to_be_checked()
    page.get_by_role("navigation", name="Steps").get_by_role("link", name="Details").click()
    expect(page.get_by_role("textbox", name="Dataflow name")).to_have_value("Kept while typing")


@pytest.mark.pages
def test_whoever_leaves_by_a_link_finds_the_draft_again_and_may_delete_it(
    at_details: Page, site: Site, drafts: Drafts
) -> None:
    page = at_details
    page.get_by_role("textbox", name="Dataflow name").fill("Left by a link")
    page.get_by_role("link", name="Accounts").first.click()
    expect(page.get_by_text("Kept as a draft: Left by a link")).to_be_visible()
    page.goto(site.at("flows/new"))
    page.get_by_text("Go on with a draft").click()
    page.get_by_role("link", name="Go on with Left by a link").click()
    expect(page.get_by_role("textbox", name="Dataflow name")).to_have_value("Left by a link")
    page.goto(site.at("flows/new"))
    page.get_by_text("Go on with a draft").click()
    page.get_by_role("button", name="Delete the draft Left by a link").click()
    dialog = page.get_by_role("alertdialog", name="Delete the draft Left by a link?")
    expect(dialog).to_contain_text("cannot be undone")
    dialog.get_by_role("button", name="Delete draft").click()
    expect(page.get_by_text("The draft is deleted.")).to_be_visible()
    assert drafts() == []


@pytest.mark.pages
def test_closing_asks_whether_to_keep(at_details: Page, site: Site, drafts: Drafts) -> None:
    page = at_details
    page.get_by_role("textbox", name="Dataflow name").fill("Closed")
    page.get_by_role("button", name="Close").click()
    dialog = page.get_by_role("alertdialog", name="Keep what you have filled in?")
    dialog.get_by_role("button", name="Stay here").click()
    expect(page.get_by_role("textbox", name="Dataflow name")).to_have_value("Closed")
    page.get_by_role("button", name="Close").click()
    dialog.get_by_role("button", name="Keep as draft").click()
    expect(page).to_have_url(site.at())
    (draft,) = drafts()
    assert draft["name"] == "Closed"
    page.goto(site.at(f"flows/new?draft={draft['id']}"))
    page.get_by_role("textbox", name="Dataflow name").fill("Dropped")
    page.get_by_role("button", name="Close").click()
    dialog.get_by_role("button", name="Discard").click()
    expect(page).to_have_url(site.at())
    assert drafts() == []


@pytest.mark.pages
def test_a_draft_that_somebody_else_changed_is_not_overwritten_unasked(
    at_details: Page, client: Client, drafts: Drafts
) -> None:
    page = at_details
    (draft,) = drafts()
    path = f"{DRAFTS}/{draft['id']}"
    known = client.get(path).json()
    theirs = {name: known[name] for name in ("kind", "step", "body")} | {"name": "Theirs"}
    assert client.put(path, json=theirs, headers={"If-Match": known["etag"]}).status_code == 200
    page.get_by_role("textbox", name="Dataflow name").fill("Mine")
    page.get_by_role("button", name="Save as draft").click()
    conflict = page.get_by_role("alert")
    expect(conflict).to_contain_text("Someone else changed this draft meanwhile")
    expect(conflict).to_be_focused()
    expect(conflict).to_be_in_viewport()
    expect(page.get_by_role("status").filter(has_text="Draft saved")).to_have_count(0)
    assert client.get(path).json()["name"] == "Theirs"
    conflict.get_by_role("button", name="Overwrite with mine").click()
    expect(page.get_by_text("Draft saved")).to_be_visible()
    assert client.get(path).json()["name"] == "Mine"


@pytest.mark.pages
def test_what_somebody_else_made_of_a_draft_outlives_its_discarding(
    at_details: Page, site: Site, client: Client, drafts: Drafts
) -> None:
    page = at_details
    (draft,) = drafts()
    path = f"{DRAFTS}/{draft['id']}"
    known = client.get(path).json()
    theirs = {name: known[name] for name in ("kind", "step", "body")} | {"name": "Theirs"}
    assert client.put(path, json=theirs, headers={"If-Match": known["etag"]}).status_code == 200
    page.get_by_role("textbox", name="Dataflow name").fill("Mine")
    page.get_by_role("button", name="Close").click()
    page.get_by_role("alertdialog").get_by_role("button", name="Discard").click()
    expect(page).to_have_url(site.at())
    assert [one["name"] for one in drafts()] == ["Theirs"]


@pytest.mark.pages
def test_many_tables_leave_no_empty_room_below_the_page(
    page: Page, site: Site, account: str, azurite: Azurite, drafts: Drafts
) -> None:
    for number in range(30):
        resources.seeded(azurite, f"many{number:02d}", resources.people(1))
    page.goto(site.at(f"flows/new?account={account}&step=select"))
    expect(page.get_by_role("radio", name="many29")).to_be_attached()
    below = "document.documentElement.scrollHeight - document.querySelector('main').getBoundingClientRect().bottom"
    assert page.evaluate(f"{below} - scrollY") < 1


@pytest.mark.pages
def test_what_is_missing_is_told_and_leads_to_its_field(at_select: Page, site: Site) -> None:
    page = at_select
    next_step(page).click()
    name = page.get_by_role("textbox", name="Dataflow name")
    name.fill("")
    page.get_by_role("textbox", name="Limit in %").fill("200")
    next_step(page).click()
    summary = page.get_by_role("region", name="2 fields need your attention")
    expect(summary).to_be_focused()
    summary.get_by_role("button", name="Dataflow name").click()
    expect(name).to_be_focused()
    expect(name).to_have_attribute("aria-invalid", "true")
    summary.get_by_role("button", name="Limit in %").click()
    expect(page.get_by_role("textbox", name="Limit in %")).to_be_focused()


@pytest.mark.pages
@pytest.mark.usefixtures("table")
def test_without_a_table_there_is_no_next_step(page: Page, site: Site, account: str, drafts: Drafts) -> None:
    page.goto(site.at(f"flows/new?account={account}&step=select"))
    page.get_by_role("radiogroup", name="Tables").wait_for()
    next_step(page).click()
    summary = page.get_by_role("region", name="1 field needs your attention")
    expect(summary).to_be_focused()
    summary.get_by_role("button", name="Choose a table").click()
    assert page.evaluate("document.activeElement.name") == "table"


def test_a_filter_is_written_either_way_tested_and_lands_what_passes(
    at_select: Page, site: Site, client: Client
) -> None:
    page = at_select
    page.get_by_text("Row filter").first.click()
    page.get_by_role("button", name="Add a condition").click()
    page.get_by_role("button", name="Column 1").click()
    page.get_by_role("option", name="age").click()
    page.get_by_role("button", name="Comparison 1").click()
    page.get_by_role("option", name="is less than").click()
    page.get_by_role("textbox", name="Value 1").fill("30")
    page.get_by_text("OData text").click()
    text = page.get_by_role("textbox", name="Filter")
    expect(text).to_have_value("age lt 30")
    text.fill("age lt 30 and (name ne 'Person 1'")
    expect(page.get_by_text("“)” is missing")).to_be_visible()
    text.fill("age lt 30 and name ne 'Person 1'")
    page.get_by_role("button", name="Test filter").click()
    expect(page.get_by_text("29 rows that were read pass.")).to_be_visible()
    page.get_by_text("Conditions", exact=True).click()
    expect(page.get_by_role("textbox", name="Value 2")).to_have_value("Person 1")
    expect(page.get_by_text("the source is read in whole for it")).to_be_visible()
    on_to(page, "Where do the rows go?")
    at_review(page)
    page.get_by_role("button", name="Publish").click()
    run = page.get_by_role("region", name="First run")
    expect(run).to_contain_text("Succeeded")
    expect(run.get_by_role("listitem").filter(has_text="Landed")).to_contain_text("29")


@pytest.mark.pages
def test_only_chosen_columns_are_read_and_become_fields(at_select: Page, client: Client) -> None:
    page = at_select
    expect(page.get_by_text("All columns, also those that come later")).to_be_visible()
    for column in ("mark", "Timestamp"):
        page.get_by_text(column, exact=True).last.click()
    expect(page.get_by_text("4 of 6 columns")).to_be_visible()
    next_step(page).click()
    expect(page.get_by_text("It will have 4 fields")).to_be_visible()
    at_review(page)
    page.get_by_role("button", name="Publish").click()
    flow = flow_of(page, client)
    source = client.one(f"{FLOW}/sourceConnections/{flow['sourceConnectionIds'][0]}")
    assert [column["name"] for column in source["params"]["columns"]] == ["PartitionKey", "RowKey", "name", "age"]


def test_rows_are_upserted_by_the_table_s_own_keys_and_come_in_windows(at_details: Page, client: Client) -> None:
    page = at_details
    page.get_by_text("Upsert by key").click()
    expect(page.get_by_role("checkbox", name="PartitionKey")).to_be_checked()
    expect(page.get_by_role("checkbox", name="RowKey")).to_be_checked()
    on_to(page, "Which column feeds which field?", "When does it run?")
    page.get_by_text("Repeatedly").click()
    page.get_by_role("textbox", name="Every").fill("5")
    page.get_by_role("button", name="Unit").click()
    page.get_by_role("option", name="minutes").click()
    expect(page.get_by_role("textbox", name="Every")).to_have_value("15")
    runs = page.get_by_role("list", name="Next runs").get_by_role("listitem")
    expect(runs).to_have_count(5)
    expect(runs.nth(1)).to_contain_text("UTC")
    next_step(page).click()
    heading(page, "Is this right?")
    page.get_by_role("button", name="Publish").click()
    flow = flow_of(page, client)
    copy, mapping = flow["transformations"]
    assert copy == {"name": "Copy", "params": {"deltaColumn": {"name": "Timestamp"}}}
    assert mapping["name"] == "Mapping"
    assert flow["scheduleParams"]["frequency"] == "minute"
    assert flow["scheduleParams"]["interval"] == 15
    assert flow["options"]["schemaDrift"]["newColumns"] == "add"
    target = client.one(f"{FLOW}/targetConnections/{flow['targetConnectionIds'][0]}")
    assert target["params"]["writeMode"] == "upsert"
    assert [key.rpartition(".")[2] for key in target["params"]["keyFields"]] == ["PartitionKey", "RowKey"]


@pytest.mark.pages
def test_half_of_a_key_is_not_offered(at_select: Page) -> None:
    page = at_select
    page.get_by_text("RowKey", exact=True).last.click()
    expect(page.get_by_text("5 of 6 columns")).to_be_visible()
    on_to(page, "Where do the rows go?")
    expect(page.get_by_text("It will have 5 fields")).to_be_visible()
    page.get_by_text("Upsert by key").click()
    expect(page.get_by_role("checkbox", name="PartitionKey")).not_to_be_checked()


def test_rows_go_to_a_dataset_that_exists(
    at_details: Page, client: Client, furnished: Furnished, drafts: Drafts
) -> None:
    page = at_details
    page.get_by_text("One that exists").first.click()
    next_step(page).click()
    expect(page.get_by_role("region", name="1 field needs your attention")).to_be_focused()
    name = client.get(f"{CATALOG}/dataSets/{furnished.dataset}").json()[furnished.dataset]["name"]
    page.get_by_role("searchbox", name="Search datasets").fill(name)
    page.get_by_role("radiogroup", name="Datasets").get_by_text(name, exact=True).first.click()
    next_step(page).click()
    heading(page, "Which column feeds which field?")
    page.get_by_role("button", name=re.compile(r"Accept \d+ suggestion")).click()
    # Its schema asks for a level, which people have not.
    expect(page.get_by_role("button", name="1 Required, open")).to_be_visible()
    next_step(page).click()
    summary = page.get_by_role("region", name="1 field needs your attention")
    expect(summary).to_be_focused()
    expect(summary).to_contain_text("in the mapping need")
    (draft,) = drafts()
    kept = client.get(f"{DRAFTS}/{draft['id']}").json()["body"]["details"]
    assert (kept["target"], kept["datasetId"], kept["newColumns"]) == ("existing", furnished.dataset, "ignore")


def test_a_dry_run_tells_what_would_land_and_leaves_nothing(at_details: Page, client: Client) -> None:
    page = at_details
    at_review(page)
    expect(page.get_by_text("No dry run of these choices has passed yet.")).to_be_visible()
    before = counts(client)
    page.get_by_role("button", name="Dry run").click()
    expect(page.get_by_text("40 of 40 rows would land.")).to_be_visible()
    expect(page.get_by_text("No dry run of these choices has passed yet.")).to_have_count(0)
    assert counts(client) == before
    page.get_by_role("link", name="Edit: Schedule").click()
    heading(page, "When does it run?")
    page.get_by_text("At a time").click()
    page.get_by_label("Date and time").fill("2090-01-02T03:04")
    next_step(page).click()
    heading(page, "Is this right?")
    expect(page.get_by_text("Something was changed since this dry run.")).to_be_visible()


def test_what_fails_half_way_is_taken_away_again(at_details: Page, client: Client) -> None:
    page = at_details
    at_review(page)
    before = counts(client)
    body = {"report": {"detailed-message": "the store is away"}, "code": "store-unavailable", "advice": "Wait."}

    def refuse(route: Route) -> None:
        if route.request.method == "POST":
            route.fulfill(status=409, json=body)
        else:
            route.continue_()

    page.route("**/flowservice/flows", refuse)
    page.get_by_role("button", name="Publish").click()
    failed = page.get_by_role("alert").filter(has_text="The dataflow was not published")
    expect(failed).to_contain_text("The store is away")
    expect(failed).to_contain_text("taken away again")
    made = page.get_by_role("region", name="What is made").get_by_role("listitem")
    expect(made.filter(has_text="Removed again")).to_have_count(5)
    expect(made.filter(has_text="Not made")).to_have_text(re.compile("Dataflow"))
    assert counts(client) == before
    page.unroute("**/flowservice/flows")
    page.get_by_role("button", name="Publish").click()
    expect(page.get_by_role("region", name="First run")).to_contain_text("Succeeded")


@pytest.mark.pages
def test_what_cannot_be_taken_away_is_named_and_tried_again(at_details: Page, client: Client) -> None:
    page = at_details
    at_review(page)
    before = counts(client)
    body = {"report": {"detailed-message": "the store is away"}, "code": "store-unavailable", "advice": "Wait."}

    def refuse(*methods: str) -> Callable[[Route], None]:
        def refused(route: Route) -> None:
            if route.request.method in methods:
                route.fulfill(status=409, json=body)
            else:
                route.continue_()

        return refused

    page.route("**/conversion/mappingSets", refuse("POST"))
    page.route("**/flowservice/targetConnections/*", refuse("DELETE"))
    page.get_by_role("button", name="Publish").click()
    failed = page.get_by_role("alert").filter(has_text="The dataflow was not published")
    expect(failed).to_contain_text("Some of what had been made is still there:")
    expect(failed.get_by_role("listitem").filter(has_text="Target connection")).to_have_count(1)
    page.unroute("**/flowservice/targetConnections/*")
    failed.get_by_role("button", name="Remove it again").click()
    expect(failed).to_contain_text("taken away again")
    assert counts(client) == before


@pytest.mark.pages
def test_an_empty_table_and_an_unknown_draft_say_so(
    page: Page, site: Site, azurite: Azurite, account: str, drafts: Drafts
) -> None:
    empty = resources.seeded(azurite, f"wizardempty{next(_numbers)}", [])
    page.goto(site.at(f"flows/new?account={account}&step=select"))
    page.get_by_role("searchbox", name="Search tables").fill(empty)
    page.get_by_role("radiogroup", name="Tables").get_by_text(empty, exact=True).click()
    expect(page.get_by_role("heading", name="This table has no row yet")).to_be_visible()
    # What cannot help is not tried: without columns there is no next step.
    next_step(page).click()
    summary = page.get_by_role("region", name="1 field needs your attention")
    expect(summary).to_contain_text("Look again once it has one, or choose another table.")
    resources.seeded(azurite, empty, resources.people(3))
    page.get_by_role("button", name="Look again", exact=True).click()
    expect(page.get_by_text("Types come from a sample of 3 rows")).to_be_visible()
    next_step(page).click()
    heading(page, "Where do the rows go?")
    page.goto(site.at("flows/new?draft=11111111-2222-4333-8444-555555555555"))
    expect(page.get_by_role("heading", name="This draft is not here")).to_be_visible()
    page.get_by_role("link", name="Start anew").click()
    expect(page.get_by_role("heading", name="Which account is read from?")).to_be_visible()


@pytest.mark.pages
@pytest.mark.parametrize("step", ["mapping", "review"])
def test_a_source_that_is_away_is_told_where_its_columns_are_needed(
    at_details: Page, site: Site, drafts: Drafts, step: str
) -> None:
    page = at_details
    at_review(page)
    (draft,) = drafts()
    body = {"report": {"detailed-message": "the account is away"}, "code": "source-unreachable", "advice": "Wait."}
    page.route("**/explore?objectType=table*", lambda route: route.fulfill(status=409, json=body))
    page.goto(site.at(f"flows/new?draft={draft['id']}&step={step}"))
    alert = page.get_by_role("alert").filter(has_text="The table could not be looked into")
    expect(alert).to_contain_text("The account is away")
    if step == "review":
        expect(page.get_by_role("button", name="Publish")).to_be_disabled()
    page.unroute("**/explore?objectType=table*")
    alert.get_by_role("button", name="Try again").click()
    expect(alert).to_have_count(0)
    expect(page.get_by_text("RowKey").first).to_be_visible()


def test_values_of_a_source_are_text_whatever_is_in_them(
    open_page: Callable[..., Page], site: Site, azurite: Azurite, account: str, drafts: Drafts
) -> None:
    rows = [
        {
            "PartitionKey": "<img src=x onerror=alert(1)>",
            "RowKey": "safe\u202egnp",
            "markup": "<script>alert(2)</script>",
            "long": "W" * 500,
        }
    ]
    hostile = resources.seeded(azurite, f"wizardhostile{next(_numbers)}", rows)
    page = open_page(width=400)
    page.on("dialog", lambda dialog: pytest.fail(f"a script ran: {dialog.message}"))
    page.goto(site.at(f"flows/new?account={account}&step=select"))
    page.get_by_role("searchbox", name="Search tables").fill(hostile)
    page.get_by_role("radiogroup", name="Tables").get_by_text(hostile, exact=True).click()
    grid = page.get_by_role("region", name=f"Preview of {hostile}").last
    expect(grid).to_contain_text("<script>alert(2)</script>")
    expect(grid.locator(".hidden-character")).to_have_text(["U+202E"])
    assert page.locator("main img, main script").count() == 0
    assert sideways(page) == 0
    grid.get_by_role("button", name="W").click()
    expect(page.get_by_role("dialog", name="Value of long")).to_contain_text("W" * 500)


@pytest.mark.pages
def test_who_may_not_manage_sources_is_told(open_page: Callable[..., Page], site: Site, client: Client) -> None:
    viewer = client.made("/v1/credentials", {"name": unique("viewer"), "permissions": ["view-sources"]})["clientId"]
    page = open_page(signed_in=False)
    page.goto(site.server.run("sign-in", "--client-id", viewer, "--url", site.url).split()[-1])
    page.get_by_role("heading", name="Sources", level=1).wait_for()
    page.goto(site.at("flows/new"))
    expect(page.get_by_role("heading", name="You may look, but not add data")).to_be_visible()


@pytest.mark.pages
def test_a_step_shows_the_calls_that_publish(at_details: Page, table: str) -> None:
    page = at_details
    at_review(page)
    page.get_by_role("button", name="Show the call").click()
    dialog = page.get_by_role("dialog", name="Show the call")
    for title in ("schema", "dataset", "source connection", "target connection", "mapping set", "dataflow"):
        expect(dialog.get_by_role("heading", name=re.compile(f"Make the {title}"))).to_be_visible()
    expect(dialog).to_contain_text('"dataSetId":"\'"$DATASET_ID"\'"')
    expect(dialog).to_contain_text(table)


@pytest.mark.pages
def test_the_first_run_says_at_once_why_rows_were_rejected(page: Page, site: Site, furnished: Furnished) -> None:
    page.goto(site.at(f"flows/new?done={furnished.flow}"))
    expect(page.get_by_text(re.compile(r"^3 rows: _\w+\.level: a required field is missing or null\."))).to_be_visible()
