"""The page of a run: its rows add up, what it rejected lands after all, and it can be undone, stopped and watched."""

import json
import re
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from demo.azurite import Azurite
from tests.connectors.azure_table.table_server import serving
from tests.live import Client
from tests.upgrades.make_store import Failing
from tests.web.furnished import Furnished, furnish
from tests.web.journeys import Site, tab_to, unique
from tests.wire import resources

pytestmark = pytest.mark.azurite


@pytest.fixture
def rejecting(client: Client, azurite: Azurite) -> Furnished:
    """A flow of the test's own, whose run rejected three rows."""
    return furnish(client, azurite, name=unique("Rejecting"))


def mend(page: Page, site: Site, flow: Furnished) -> None:
    """Publish a mapping that gives rows without a level one."""
    page.goto(site.at(f"flows/{flow.flow}/edit?step=mapping"))
    page.get_by_role("button", name=re.compile(r"Actions for .*level")).click()
    page.get_by_role("menuitem", name="Edit").click()
    dialog = page.get_by_role("dialog", name="Edit mapping")
    dialog.get_by_text("An expression", exact=True).click()
    dialog.get_by_role("textbox", name="Expression").click()
    page.keyboard.type('iif(level == null, "none", level)')
    dialog.get_by_role("button", name="Save mapping").click()
    expect(dialog).to_be_hidden()
    for step in ("When does it run?", "Is this right?"):
        page.get_by_role("button", name="Next", exact=True).click()
        expect(page.get_by_role("heading", name=step, level=2)).to_be_visible()
    page.get_by_role("button", name="Publish changes").click()
    expect(page.get_by_text("The changes are published.")).to_be_visible()


def test_the_numbers_of_a_run_add_up_and_a_mismatch_is_our_error(page: Page, site: Site, furnished: Furnished) -> None:
    page.goto(site.at(f"runs/{furnished.run}"))
    rows = page.get_by_role("region", name="Rows", exact=True)
    expect(rows).to_contain_text("Read200")
    expect(rows).to_contain_text("Rejected3 1.5 %")
    expect(rows).to_contain_text("Written197 98.5 %")
    expect(rows.get_by_role("alert")).to_have_count(0)
    steps = page.get_by_role("list", name="How long each step took")
    expect(steps.get_by_role("listitem")).to_contain_text(["Wait for a turn", "Plan", "Read, map and check", "Publish"])

    def altered(route: Route) -> None:
        body = route.fetch().json()
        body["items"][0]["metrics"]["recordSummary"]["outputRecordCount"] = 190
        route.fulfill(json=body)

    page.route("**/flowservice/runs/*", altered)
    page.reload()
    expect(rows.get_by_role("alert")).to_contain_text("200 rows read, but 193 accounted for")


def test_rejected_rows_are_tried_by_a_corrected_mapping_replayed_and_the_replay_is_undone(
    page: Page, site: Site, client: Client, rejecting: Furnished
) -> None:
    page.goto(site.at(f"runs/{rejecting.run}"))
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_text("By version 1 of the mapping, 0 of 3 waiting rows would pass.")).to_be_visible()
    mend(page, site, rejecting)
    page.goto(site.at(f"runs/{rejecting.run}"))
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_text("By version 2 of the mapping, 3 of 3 waiting rows would pass.")).to_be_visible()
    page.get_by_role("button", name="Replay…").click()
    dialog = page.get_by_role("dialog", name="Replay 3 rows?")
    expect(dialog).to_contain_text("can be undone")
    dialog.get_by_role("button", name="Replay").click()
    expect(page.get_by_text("3 rows landed.")).to_be_visible()
    expect(page.get_by_role("region", name="Facts")).to_contain_text("Replay")
    replay = page.url
    counts = client.get(f"/v1/runs/{rejecting.run}/rejects?limit=0").json()["counts"]
    assert counts[0]["states"]["replayed"] == 3
    page.get_by_role("button", name="Undo…").click()
    undo = page.get_by_role("alertdialog", name="Undo this run?")
    expect(undo).to_contain_text("3 rows that it wrote are taken out of the dataset again.")
    expect(undo).to_contain_text("may be replayed once more")
    undo.get_by_role("button", name="Undo the run").click()
    expect(page.get_by_text("3 rows taken out of the dataset.")).to_be_visible()
    page.goto(replay)
    expect(page.get_by_text("Its rows were taken out of the dataset again.")).to_be_visible()
    counts = client.get(f"/v1/runs/{rejecting.run}/rejects?limit=0").json()["counts"]
    assert counts[0]["states"]["new"] == 3


@pytest.mark.pages
def test_which_rows_are_listed_changes_neither_reasons_nor_acts(page: Page, site: Site, furnished: Furnished) -> None:
    page.goto(site.at(f"flows/{furnished.flow}?tab=quarantine"))
    page.get_by_role("button", name="Try again").click()
    tried = page.get_by_text("0 of 3 waiting rows would pass.")
    expect(tried).to_be_visible()
    page.get_by_role("button", name="State").click()
    page.get_by_role("option", name="Replayed").click()
    expect(page.get_by_role("heading", name="No row fits.")).to_be_visible()
    reasons = page.get_by_role("grid", name="Reasons")
    expect(reasons.get_by_role("rowheader")).to_have_count(1)
    page.get_by_role("button", name="Replay…").click()
    expect(page.get_by_role("dialog", name="Replay 3 rows?")).to_be_visible()
    page.keyboard.press("Escape")
    # What was tried were all reasons, not this one alone.
    page.get_by_role("button", name="Show rows of").click()
    expect(tried).to_have_count(0)


def test_a_rejected_row_is_looked_at_by_keys_and_the_rows_are_downloaded(
    page: Page, site: Site, furnished: Furnished, tmp_path: Path
) -> None:
    page.goto(site.at(f"runs/{furnished.run}"))
    page.get_by_role("rowheader", name="region-0 / 00020").wait_for()
    tab_to(page, "Rejected rows, one by one")
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    row = page.get_by_role("dialog", name="The row as it was read")
    expect(row).to_contain_text("region-")
    expect(page).to_have_url(re.compile("row="))
    page.keyboard.press("Escape")
    expect(row).to_have_count(0)
    with page.expect_download() as told:
        page.get_by_role("button", name="Download NDJSON").click()
    told.value.save_as(tmp_path / "rows")
    lines = [json.loads(line) for line in (tmp_path / "rows").read_text(encoding="utf-8").splitlines()]
    assert sorted(line["key"]["RowKey"] for line in lines) == ["00020", "00086", "00152"]
    with page.expect_download() as told:
        page.get_by_role("button", name="Download CSV").click()
    told.value.save_as(tmp_path / "table")
    head, *rows = (tmp_path / "table").read_bytes().decode().split("\r\n")
    assert head.startswith("id,state,code,field,message,value,row.")
    assert len(rows) == 3


def test_a_run_is_undone_by_keys(page: Page, site: Site, client: Client, rejecting: Furnished) -> None:
    page.goto(site.at(f"runs/{rejecting.run}"))
    page.get_by_role("heading", level=1).wait_for()
    tab_to(page, "Undo…")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alertdialog").get_by_role("button", name="Cancel")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_text("197 rows taken out of the dataset.")).to_be_visible()
    newest, first = resources.ended(client, rejecting.flow, runs=2)
    assert first["metrics"]["statusSummary"]["extensions"]["undoneBy"] == newest["id"]
    page.goto(site.at(f"runs/{rejecting.run}"))
    page.get_by_role("button", name="Run again").click()
    page.get_by_role("dialog").get_by_role("button", name="Run again").click()
    expect(page.get_by_text("197 rows landed, 3 rejected.")).to_be_visible()


def test_a_run_that_takes_long_is_watched_and_cancelled(
    page: Page, site: Site, client: Client, new_table: Callable[[str], str]
) -> None:
    with ExitStack() as stack:
        azurite = stack.enter_context(Azurite())
        table = resources.seeded(azurite, "inflight", resources.people(4_000))
        slow = stack.enter_context(serving(Failing(azurite)))
        string = azurite.connection_string.replace(str(azurite.port), str(slow.port))
        flow = resources.dataflow(
            client,
            string,
            table,
            fields={"mark": {"type": "string"}},
            mapping={"RowKey": "_id", "mark": ".mark"},
        )
        flow_id = flow.started(name=unique("Slow"))
        page.goto(site.at(f"flows/{flow_id}?tab=activity"))
        page.get_by_role("row").filter(has_text="Running").get_by_role("link").click()
        expect(page.get_by_text("It is at work.")).to_be_visible()
        facts = page.get_by_role("region", name="Facts")
        expect(facts.get_by_text("Updated")).to_be_visible()
        told = page.get_by_role("status").filter(has_text="The run is now")
        expect(told).to_have_text("The run is now: Running")
        # Without news for five seconds the page says so, and goes on once there is some.
        page.context.set_offline(True)
        expect(page.get_by_text("No news from the server.")).to_be_visible(timeout=15_000)
        page.context.set_offline(False)
        expect(page.get_by_text("No news from the server.")).to_have_count(0, timeout=15_000)
        page.get_by_role("button", name="Cancel…").click()
        dialog = page.get_by_role("alertdialog", name="Cancel this run?")
        expect(dialog).to_contain_text("publishes nothing")
        dialog.get_by_role("button", name="Cancel the run").click()
        expect(told).to_have_text("The run is now: Cancelled", timeout=60_000)
        (run,) = resources.ended(client, flow_id)
        assert resources.status(run) == "failed"
