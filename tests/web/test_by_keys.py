"""Journeys without a mouse: what people do on the pages, by Tab, arrows, Enter and typing alone."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from demo.azurite import Azurite
from tests.live import Client
from tests.web.furnished import furnish
from tests.web.journeys import Site, pick, press, reach, take, unique
from tests.web.test_flow import drifted, recurring
from tests.web.test_wizard import flow_of, heading
from tests.wire import resources
from tests.wire.resources import FLOW, Dataflow

pytestmark = pytest.mark.azurite


@pytest.fixture(scope="module")
def people(client: Client, azurite: Azurite) -> Dataflow:
    """What flows are made of: a table of 40 people, and where they land."""
    table = resources.seeded(azurite, "bykeys", resources.people(40))
    return resources.names_flow(client, azurite.connection_string, table)


@pytest.fixture
def begun(client: Client, people: Dataflow) -> Callable[[str], str]:
    """Makes a draft that has come to a step of the wizard; the path of its page."""

    def made(step: str) -> str:
        name = unique("By keys")
        body = {
            "account": people.connection_id,
            "table": people.table,
            "details": {} if step == "select" else {"datasetName": name, "schemaTitle": name, "flowName": name},
            "reached": step,
        }
        draft = client.made("/v1/drafts", {"name": name, "kind": "dataflow", "step": step, "body": body})
        return f"flows/new?draft={draft['id']}&step={step}"

    return made


def on_to(page: Page, *steps: str) -> None:
    """From step to step by the shortcut, until the one whose heading is the last of these."""
    for step in steps:
        page.keyboard.press("Control+Enter")
        heading(page, step)


def test_rows_and_columns_are_chosen(page: Page, site: Site, client: Client, begun: Callable[[str], str]) -> None:
    page.goto(site.at(begun("select")))
    page.get_by_text("Types come from a sample of 40 rows").wait_for()
    press(page, page.locator("summary").filter(has_text="Row filter"))
    press(page, page.get_by_role("button", name="Add a condition"))
    reach(page, page.get_by_role("button", name="Column 1"), "Shift+Tab")
    pick(page, page.get_by_role("button", name="Column 1"), "age")
    pick(page, page.get_by_role("button", name="Comparison 1"), "is less than")
    reach(page, page.get_by_role("textbox", name="Value 1"))
    page.keyboard.type("30")
    press(page, page.get_by_role("button", name="Test filter"))
    expect(page.get_by_text("30 rows that were read pass.")).to_be_visible()
    reach(page, page.get_by_role("checkbox", name="Read mark"))
    page.keyboard.press("Space")
    expect(page.get_by_text("5 of 6 columns").first).to_be_visible()
    on_to(
        page,
        "Where do the rows go?",
        "Which column feeds which field?",
        "When does it run?",
        "Is this right?",
    )
    press(page, page.get_by_role("button", name="Publish"))
    run = page.get_by_role("region", name="First run")
    expect(run).to_contain_text("Succeeded")
    expect(run.get_by_role("listitem").filter(has_text="Landed")).to_contain_text("30")
    source = client.one(f"{FLOW}/sourceConnections/{flow_of(page, client)['sourceConnectionIds'][0]}")
    assert "mark" not in [column["name"] for column in source["params"]["columns"]]


def test_rows_are_upserted_by_a_key_and_a_dry_run_comes_before_publishing(
    page: Page, site: Site, client: Client, begun: Callable[[str], str]
) -> None:
    page.goto(site.at(begun("details")))
    page.get_by_text("It will have 6 fields").wait_for()
    reach(page, page.get_by_role("radio", name="Append"))
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("checkbox", name="RowKey")).to_be_checked()
    reach(page, page.get_by_role("checkbox", name="PartitionKey"))
    page.keyboard.press("Space")
    on_to(page, "Which column feeds which field?", "When does it run?", "Is this right?")
    press(page, page.get_by_role("button", name="Dry run"))
    expect(page.get_by_text("40 of 40 rows would land.")).to_be_visible()
    press(page, page.get_by_role("button", name="Publish"))
    expect(page.get_by_role("region", name="First run")).to_contain_text("Succeeded")
    target = client.one(f"{FLOW}/targetConnections/{flow_of(page, client)['targetConnectionIds'][0]}")
    assert target["params"]["writeMode"] == "upsert"
    assert [key.rpartition(".")[2] for key in target["params"]["keyFields"]] == ["RowKey"]


def test_what_was_rejected_is_mapped_anew_and_replayed(
    page: Page, site: Site, client: Client, azurite: Azurite
) -> None:
    rejecting = furnish(client, azurite, name=unique("Rejecting by keys"))
    page.goto(site.at(f"runs/{rejecting.run}"))
    press(page, page.get_by_role("button", name="Try again"))
    expect(page.get_by_text("0 of 3 waiting rows would pass.")).to_be_visible()
    page.goto(site.at(f"flows/{rejecting.flow}/edit?step=mapping"))
    grid = page.get_by_role("grid", name="Mappings")
    reach(page, grid.get_by_role("gridcell").first)
    page.keyboard.press("Control+End")
    page.keyboard.press("e")
    dialog = page.get_by_role("dialog", name="Edit mapping")
    reach(page, dialog.get_by_role("radio", name="A column"))
    page.keyboard.press("ArrowRight")
    reach(page, dialog.get_by_role("textbox", name="Expression"))
    page.keyboard.type('iif(level == null, "none", level)')
    expect(dialog.get_by_role("gridcell", name="none").first).to_be_visible()
    press(page, dialog.get_by_role("button", name="Save mapping"))
    on_to(page, "When does it run?", "Is this right?")
    press(page, page.get_by_role("button", name="Publish changes"))
    expect(page.get_by_text("The changes are published.")).to_be_visible()
    page.goto(site.at(f"runs/{rejecting.run}"))
    press(page, page.get_by_role("button", name="Try again"))
    expect(page.get_by_text("3 of 3 waiting rows would pass.")).to_be_visible()
    press(page, page.get_by_role("button", name="Replay…"))
    expect(page.get_by_role("dialog").get_by_role("button", name="Replay")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_text("3 rows landed.")).to_be_visible()


def test_a_backfill_is_started_in_pieces(page: Page, site: Site, client: Client, people: Dataflow) -> None:
    flow_id = people.started(name=unique("Backfilled by keys"))
    resources.ended(client, flow_id)
    page.goto(site.at(f"flows/{flow_id}"))
    press(page, page.get_by_role("button", name="Further actions for this dataflow"))
    take(page, page.get_by_role("menuitem", name="Backfill…"))
    dialog = page.get_by_role("dialog", name="Backfill")
    reach(page, dialog.get_by_role("textbox", name="From"))
    page.keyboard.type("2026-01-02")
    reach(page, dialog.get_by_role("textbox", name="Until"))
    page.keyboard.type("2026-01-04")
    pick(page, dialog.get_by_role("button", name="In pieces of"), "A day")
    press(page, dialog.get_by_role("button", name="Start 2 runs"))
    expect(page).to_have_url(site.at(f"flows/{flow_id}?tab=activity"))
    assert len(resources.ended(client, flow_id, runs=3)) == 3


def test_held_changes_are_accepted(
    page: Page, site: Site, client: Client, azurite: Azurite, new_table: Callable[[str], str]
) -> None:
    flow_id = drifted(client, azurite, new_table("driftsbykeys"))
    page.goto(site.at(f"flows/{flow_id}"))
    press(page, page.get_by_role("link", name="Look at the changes"))
    press(page, page.get_by_role("button", name="Accept…"))
    expect(page.get_by_role("dialog").get_by_role("button", name="Accept")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Nothing waits for a decision")).to_be_visible()
    assert client.get(f"/v1/flows/{flow_id}/drift").json()["held"] is None


def test_an_earlier_version_is_reverted_to(page: Page, site: Site, client: Client, people: Dataflow) -> None:
    flow_id = recurring(client, people, unique("Reverted by keys"))
    before: dict[str, Any] = client.one(f"{FLOW}/flows/{flow_id}")
    schedule = [{"op": "add", "path": "/scheduleParams/interval", "value": 12}]
    changed = client.patch(f"{FLOW}/flows/{flow_id}", json=schedule, headers={"If-Match": before["etag"]})
    assert changed.status_code == 200, changed.text
    page.goto(site.at(f"flows/{flow_id}?tab=versions"))
    revert = page.get_by_role("button", name="Revert to this: version 1")
    reach(page, page.get_by_role("row").nth(1))
    page.keyboard.press("ArrowDown")
    reach(page, revert, "ArrowRight", most=12)
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog", name="Revert to version 1?")).to_contain_text("Schedule: interval")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Reverted: this is version 3 now.")).to_be_visible()
    assert client.one(f"{FLOW}/flows/{flow_id}")["scheduleParams"] == before["scheduleParams"]


def test_credentials_of_an_account_are_replaced(
    page: Page, site: Site, client: Client, azurite: Azurite, new_account: Callable[[str], str]
) -> None:
    made = new_account(unique("Rotated by keys"))
    before = client.one(f"{FLOW}/connections/{made}")["etag"]
    page.goto(site.at(f"sources/accounts/{made}"))
    press(page, page.get_by_role("button", name="Replace credentials"))
    dialog = page.get_by_role("dialog", name="Replace credentials")
    reach(page, dialog.get_by_role("textbox", name="Connection string"))
    page.keyboard.type(azurite.connection_string)
    press(page, dialog.get_by_role("button", name="Check and replace"))
    expect(page.get_by_text("The new credentials work and are in use.")).to_be_visible()
    assert client.one(f"{FLOW}/connections/{made}")["etag"] != before
