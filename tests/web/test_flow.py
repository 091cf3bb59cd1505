"""The page of a dataflow: paused, changed, reverted, decided about."""

import time
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from demo.azurite import Azurite
from demo.tables import TableAccount, seed
from tests.live import Client
from tests.web.furnished import Furnished
from tests.web.journeys import Site, tab_to, unique
from tests.wire import resources
from tests.wire.resources import FLOW, Dataflow

pytestmark = pytest.mark.azurite
HOLD = {"schemaDrift": {"newColumns": "hold", "removedColumns": "hold", "typeChanges": "hold"}}


@pytest.fixture(scope="module")
def people(client: Client, azurite: Azurite) -> Dataflow:
    """What flows are made of."""
    table = resources.seeded(azurite, "paged", resources.people(7))
    return resources.names_flow(client, azurite.connection_string, table)


def recurring(client: Client, people: Dataflow, name: str) -> str:
    """The id of a flow that runs every 6 hours, from tomorrow on."""
    schedule = {"startTime": int(time.time()) + 86_400, "frequency": "hour", "interval": 6}
    body = people.body(name=name, scheduleParams=schedule)
    body["transformations"].append({"name": "Copy", "params": {"deltaColumn": {"name": "Timestamp"}}})
    return str(client.made(f"{FLOW}/flows", body)["id"])


def test_it_is_paused_and_resumed_and_says_so(page: Page, site: Site, client: Client, people: Dataflow) -> None:
    flow_id = recurring(client, people, unique("Paused"))
    page.goto(site.at(f"flows/{flow_id}"))
    expect(page.get_by_text("Every 6 hours").first).to_be_visible()
    expect(page.get_by_text("Next run in", exact=False).first).to_be_visible()
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_text("it starts no run. Rows that come meanwhile")).to_be_visible()
    expect(page.get_by_role("button", name="Run now")).to_have_count(0)
    assert client.one(f"{FLOW}/flows/{flow_id}")["state"] == "disabled"
    page.get_by_role("button", name="Resume").click()
    expect(page.get_by_text("The dataflow is enabled.")).to_be_visible()
    assert client.one(f"{FLOW}/flows/{flow_id}")["state"] == "enabled"


def test_settings_are_saved_by_keys_and_reverted_by_version(
    page: Page, site: Site, client: Client, people: Dataflow
) -> None:
    name = unique("Reverted")
    flow_id = recurring(client, people, name)
    page.goto(site.at(f"flows/{flow_id}"))
    page.get_by_role("tab", name="Overview").focus()
    page.keyboard.press("End")
    page.keyboard.press("Enter")
    expect(page).to_have_url(site.at(f"flows/{flow_id}?tab=settings"))
    interval = page.get_by_role("textbox", name="Every")
    tab_to(page, "Every")
    page.keyboard.press("Control+A")
    page.keyboard.type("0")
    tab_to(page, "Save")
    page.keyboard.press("Enter")
    expect(page.get_by_text("A whole number, 1 or more.")).to_be_visible()
    interval.fill("12")
    expect(page.get_by_role("heading", name="The next runs")).to_be_visible()
    page.get_by_role("button", name="Save").press("Enter")
    expect(page.get_by_text("The settings are saved.")).to_be_visible()
    expect(page.get_by_text("Every 12 hours").first).to_be_visible()
    page.get_by_role("tab", name="Versions").click()
    difference = page.get_by_role("region", name="Version 2 against version 1")
    expect(difference.get_by_role("row").filter(has_text="Schedule: interval")).to_contain_text("612")
    page.get_by_role("button", name="Revert to this: version 1").click()
    dialog = page.get_by_role("dialog", name="Revert to version 1?")
    expect(dialog).to_contain_text("Schedule: interval")
    dialog.get_by_role("button", name="Revert").click()
    expect(page.get_by_text("Reverted: this is version 3 now.")).to_be_visible()
    expect(page.get_by_role("row").filter(has_text="Reverted to version 1")).to_contain_text("Current")
    assert client.one(f"{FLOW}/flows/{flow_id}")["scheduleParams"]["interval"] == 6


def test_two_who_save_at_once_see_both_and_nothing_is_overwritten(
    page: Page, site: Site, client: Client, people: Dataflow
) -> None:
    flow_id = recurring(client, people, unique("Contended"))
    page.goto(site.at(f"flows/{flow_id}?tab=settings"))
    name = page.get_by_role("textbox", name="Name")
    name.fill("Mine")
    etag = client.one(f"{FLOW}/flows/{flow_id}")["etag"]
    change = [{"op": "replace", "path": "/name", "value": "Theirs"}]
    assert client.patch(f"{FLOW}/flows/{flow_id}", json=change, headers={"If-Match": etag}).status_code == 200
    page.get_by_role("button", name="Save").click()
    conflict = page.get_by_role("alert").filter(has_text="Someone else changed this dataflow meanwhile")
    expect(conflict).to_contain_text("TheirsMine")
    assert client.one(f"{FLOW}/flows/{flow_id}")["name"] == "Theirs"
    page.get_by_role("button", name="Save mine").click()
    expect(page.get_by_role("heading", name="Mine", level=1)).to_be_visible()
    assert client.one(f"{FLOW}/flows/{flow_id}")["name"] == "Mine"


def drifted(client: Client, azurite: Azurite, table: str) -> str:
    """The id of a flow that landed three people, and holds a run for a column that came since."""
    resources.seeded(azurite, table, resources.people(3))
    flow = resources.names_flow(client, azurite.connection_string, table)
    flow_id = flow.started(name=unique("Drifts"), options=HOLD, **_newest_mapping(flow))
    resources.ended(client, flow_id)
    late = {"PartitionKey": "q", "RowKey": "late", "name": "Late", "coupon": "SPRING"}
    seed(TableAccount(endpoint=azurite.endpoint), table, iter([late]))
    client.made(f"/v1/flows/{flow_id}/run", None)
    resources.ended(client, flow_id, runs=2)
    return flow_id


def test_held_changes_are_accepted_and_the_next_run_takes_what_waited(
    page: Page, site: Site, client: Client, azurite: Azurite, new_table: Callable[[str], str]
) -> None:
    flow_id = drifted(client, azurite, new_table("drifts"))
    page.goto(site.at(f"flows/{flow_id}"))
    page.get_by_role("link", name="Look at the changes").click()
    held = page.get_by_role("region", name="Changes that wait for your decision")
    expect(held.get_by_role("row").filter(has_text="coupon")).to_contain_text("New")
    held.get_by_role("button", name="Accept…").click()
    page.get_by_role("dialog", name="Accept these changes?").get_by_role("button", name="Accept").click()
    expect(page.get_by_role("heading", name="Nothing waits for a decision")).to_be_visible()
    page.get_by_role("tab", name="Mapping").click()
    expect(page.get_by_role("row").filter(has_text="coupon")).to_be_visible()
    page.get_by_role("tab", name="Versions").click()
    expect(page.get_by_role("row").filter(has_text="Columns taken up from the source")).to_be_visible()
    page.get_by_role("button", name="Run now").click()
    page.get_by_role("dialog").get_by_role("button", name="Run now").click()
    expect(page.get_by_text("4 rows landed.")).to_be_visible()


def _newest_mapping(flow: Dataflow) -> dict[str, object]:
    """Columns are added to the newest version of a mapping set alone, so the flow has to name it."""
    params = {"mappingId": flow.mapping_id, "mappingVersion": 0}
    current = flow.client.get(f"{resources.PREP}/mappingSets/{flow.mapping_id}").json()["version"]
    return {"transformations": [{"name": "Mapping", "params": params | {"mappingVersion": current}}]}


def test_a_backfill_runs_over_its_window_in_pieces(page: Page, site: Site, client: Client, people: Dataflow) -> None:
    flow_id = people.started(name=unique("Backfilled"))
    resources.ended(client, flow_id)
    page.goto(site.at(f"flows/{flow_id}"))
    page.get_by_role("button", name="Further actions for this dataflow").click()
    page.get_by_role("menuitem", name="Backfill…").click()
    dialog = page.get_by_role("dialog", name="Backfill")
    dialog.get_by_role("textbox", name="From").fill("2026-01-02")
    dialog.get_by_role("textbox", name="Until").fill("2026-01-01 00:00")
    dialog.get_by_role("button", name="Start 1 run").click()
    expect(dialog.get_by_text("The end lies before the beginning.")).to_be_visible()
    dialog.get_by_role("textbox", name="Until").fill("2026-01-04 12:00")
    dialog.get_by_role("button", name="In pieces of").click()
    page.get_by_role("option", name="A day").click()
    expect(dialog.get_by_role("region", name="The pieces").get_by_role("listitem")).to_have_count(3)
    dialog.get_by_role("button", name="Start 3 runs").click()
    expect(page).to_have_url(site.at(f"flows/{flow_id}?tab=activity"))
    runs = resources.ended(client, flow_id, runs=4)
    windows = [run["metrics"]["durationSummary"]["extensions"] for run in runs[:3]]
    assert [window["windowEnd"] - window["windowStart"] for window in windows] == [43_200_000, 86_400_000, 86_400_000]
    expect(page.get_by_role("row").filter(has_text="Backfill")).to_have_count(3)


@pytest.mark.pages
def test_what_sources_are_called_is_text_and_nothing_more(page: Page, site: Site, furnished: Furnished) -> None:
    page.goto(site.at(f"flows/{furnished.flow}?tab=activity"))
    expect(page.get_by_role("row")).to_have_count(2)
    page.get_by_role("radio", name="Scheduled").check(force=True)
    expect(page.get_by_role("heading", name="Nothing is scheduled")).to_be_visible()
    expect(page).to_have_url(site.at(f"flows/{furnished.flow}?tab=activity&view=scheduled"))


@pytest.mark.pages
def test_settings_that_were_typed_are_still_there_after_a_look_elsewhere(
    page: Page, site: Site, client: Client, people: Dataflow
) -> None:
    name = unique("Looked elsewhere")
    flow_id = people.started(name=name, scheduleParams=resources.never())
    page.goto(site.at(f"flows/{flow_id}?tab=settings"))
    page.get_by_role("textbox", name="Description").fill("Half a sentence")
    expect(page.get_by_text("Not saved yet.")).to_be_visible()
    page.get_by_role("tab", name="Versions").click()
    page.get_by_role("link", name="Accounts", exact=True).click()
    expect(page.get_by_role("heading", name="Accounts", level=1)).to_be_visible()
    page.go_back()
    page.get_by_role("tab", name="Settings").click()
    expect(page.get_by_role("textbox", name="Description")).to_have_value("Half a sentence")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("The settings are saved.")).to_be_visible()
    assert client.one(f"{FLOW}/flows/{flow_id}")["description"] == "Half a sentence"
    page.get_by_role("tab", name="Versions").click()
    page.get_by_role("tab", name="Settings").click()
    expect(page.get_by_text("Not saved yet.")).to_have_count(0)


@pytest.mark.pages
def test_where_there_is_little_room_the_open_tab_is_in_sight(
    open_page: Callable[..., Page], site: Site, furnished: Furnished
) -> None:
    page = open_page(width=400)
    settings = page.get_by_role("tab", name="Settings")
    page.goto(site.at(f"flows/{furnished.flow}?tab=settings"))
    expect(settings).to_be_in_viewport(ratio=0.9)
    page.set_viewport_size({"width": 1280, "height": 850})
    expect(page.get_by_role("tab", name="Overview")).to_be_in_viewport(ratio=0.9)
    page.set_viewport_size({"width": 400, "height": 850})
    expect(settings).to_be_in_viewport(ratio=0.9)
    expect(page.get_by_role("tab", name="Overview")).not_to_be_in_viewport()


@pytest.mark.pages
def test_pieces_of_a_backfill_are_told_in_the_zone_in_which_they_are_typed(
    page: Page, site: Site, people: Dataflow
) -> None:
    flow_id = people.started(name=unique("In UTC"), scheduleParams=resources.never())
    page.goto(site.at(f"flows/{flow_id}"))
    page.get_by_role("button", name="Further actions for this dataflow").click()
    page.get_by_role("menuitem", name="Backfill…").click()
    page.get_by_role("textbox", name="From").fill("yesterday")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("textbox", name="From")).to_be_focused()
    page.keyboard.press("Control+A")
    page.keyboard.type("2026-01-02")
    page.get_by_role("textbox", name="Until").fill("2026-01-03")
    pieces = page.get_by_role("region", name="The pieces")
    expect(pieces).to_contain_text("2 Jan 2026, 00:00:00 UTC \u2013 3 Jan 2026, 00:00:00 UTC")


@pytest.mark.pages
def test_a_copy_of_what_ran_once_runs_again_and_again(page: Page, site: Site, client: Client, people: Dataflow) -> None:
    name = unique("Ran once")
    flow_id = people.started(name=name)
    resources.ended(client, flow_id)
    page.goto(site.at(f"flows/{flow_id}"))
    page.get_by_role("button", name="Further actions for this dataflow").click()
    page.get_by_role("menuitem", name="Duplicate").click()
    expect(page.get_by_role("textbox", name="Dataflow name")).to_have_value(f"Copy of {name}")
    expect(page.get_by_role("radio", name="rows of paged")).to_be_checked()
    for heading in ("Which column feeds which field?", "When does it run?"):
        page.get_by_role("button", name="Next", exact=True).click()
        expect(page.get_by_role("heading", name=heading)).to_be_focused()
    page.get_by_text("Repeatedly").click()
    page.get_by_role("button", name="Next", exact=True).click()
    expect(page.get_by_role("heading", name="Is this right?")).to_be_focused()
    page.get_by_role("button", name="Publish", exact=True).click()
    expect(page.get_by_role("heading", name=f"Copy of {name} is published")).to_be_visible()
    copied = client.one(f"{FLOW}/flows/{page.url.split('done=')[1]}")
    assert copied["scheduleParams"]["frequency"] == "day"
    (target,) = copied["targetConnectionIds"]
    assert client.one(f"{FLOW}/targetConnections/{target}")["params"]["dataSetId"] == people.dataset_id
