"""Editing a dataflow: what may change does, what may not is not offered, and nobody's change is overwritten unasked."""

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from demo.azurite import Azurite
from tests.live import Client
from tests.web.journeys import Site, unique
from tests.web.test_wizard import heading, next_step
from tests.wire import resources
from tests.wire.resources import FLOW, PREP, Dataflow


@pytest.fixture(scope="module")
def made(client: Client, azurite: Azurite) -> Dataflow:
    """All that a flow over people needs."""
    table = resources.seeded(azurite, "editedpeople", resources.people(10))
    return resources.names_flow(client, azurite.connection_string, table)


@pytest.fixture
def flow(client: Client, made: Dataflow) -> str:
    """A flow of the test's own that has run once."""
    options = {"partialIngestionPercent": 5, "errorDiagnosticsEnabled": True}
    body = made.body(name=unique("Edited"), description="As it was", options=options)
    flow_id = str(client.made(f"{FLOW}/flows", body)["id"])
    resources.ended(client, flow_id)
    return flow_id


def stored(client: Client, flow: str) -> dict[str, Any]:
    found: dict[str, Any] = client.one(f"{FLOW}/flows/{flow}")
    return found


def test_name_limit_and_drift_change_and_the_rest_stays(page: Page, site: Site, client: Client, flow: str) -> None:
    before = stored(client, flow)
    page.goto(site.at(f"flows/{flow}/edit"))
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Edit {before['name']}")
    expect(page.get_by_role("region", name="What stays")).to_contain_text("editedpeople")
    expect(page.get_by_text("Nothing is changed yet.")).to_be_visible()
    name = page.get_by_role("textbox", name="Dataflow name")
    name.fill("")
    next_step(page).click()
    expect(page.get_by_role("region", name="1 field needs your attention")).to_be_focused()
    name.fill(f"{before['name']} anew")
    page.get_by_role("textbox", name="Limit in %").fill("20")
    page.get_by_role("button", name="A new column").click()
    page.get_by_role("option", name="Hold runs").click()
    for step in ("Which column feeds which field?", "When does it run?", "Is this right?"):
        page.keyboard.press("Control+Enter")
        heading(page, step)
    changes = page.get_by_role("region", name="What changes").get_by_role("row")
    expect(changes).to_have_count(4)
    expect(changes.filter(has_text="Rows that cannot be mapped")).to_contain_text("Limit in % of the rows: 20")
    page.get_by_role("button", name="Publish changes").click()
    expect(page.get_by_text("The changes are published.")).to_be_visible()
    after = stored(client, flow)
    assert after["name"] == f"{before['name']} anew"
    assert after["options"]["partialIngestionPercent"] == 20
    assert after["options"]["schemaDrift"]["newColumns"] == "hold"
    for member in ("description", "transformations", "scheduleParams", "sourceConnectionIds", "state"):
        assert after[member] == before[member], member


def test_another_mapping_is_a_version_that_the_flow_goes_on_with(
    page: Page, site: Site, client: Client, flow: str, made: Dataflow
) -> None:
    page.goto(site.at(f"flows/{flow}/edit?step=mapping"))
    page.get_by_role("button", name=re.compile(r"Actions for .*name")).click()
    page.get_by_role("menuitem", name="Remove").click()
    next_step(page).click()
    next_step(page).click()
    heading(page, "Is this right?")
    expect(page.get_by_role("region", name="What changes")).to_contain_text("A new version")
    page.get_by_role("button", name="Publish changes").click()
    expect(page.get_by_text("The changes are published.")).to_be_visible()
    (mapping,) = stored(client, flow)["transformations"]
    assert mapping["params"]["mappingId"] == made.mapping_id
    assert mapping["params"]["mappingVersion"] > 0
    path = f"{PREP}/mappingSets/{made.mapping_id}/mappings"
    now = client.get(path, params={"version": mapping["params"]["mappingVersion"]}).json()
    was = client.get(path, params={"version": 0}).json()
    assert len(now) == len(was) - 1


@pytest.mark.pages
def test_what_has_run_once_cannot_become_recurring(page: Page, site: Site, flow: str) -> None:
    page.goto(site.at(f"flows/{flow}/edit?step=schedule"))
    expect(page.get_by_text("A dataflow that has run once cannot become a recurring one")).to_be_visible()
    expect(page.get_by_role("radio", name="Repeatedly")).to_have_count(0)


@pytest.mark.pages
def test_the_rhythm_of_a_recurring_flow_changes(page: Page, site: Site, client: Client, made: Dataflow) -> None:
    copy = {"name": "Copy", "params": {"deltaColumn": {"name": "Timestamp"}}}
    mapping = {"name": "Mapping", "params": {"mappingId": made.mapping_id, "mappingVersion": 0}}
    schedule = {**resources.never(), "frequency": "day", "interval": 1}
    body = made.body(name=unique("Daily"), scheduleParams=schedule, transformations=[copy, mapping])
    flow = str(client.made(f"{FLOW}/flows", body)["id"])
    page.goto(site.at(f"flows/{flow}/edit?step=schedule"))
    page.get_by_role("textbox", name="Every").fill("2")
    next_step(page).click()
    heading(page, "Is this right?")
    expect(page.get_by_role("region", name="What changes")).to_contain_text("Every 2 days")
    page.get_by_role("button", name="Publish changes").click()
    expect(page.get_by_text("The changes are published.")).to_be_visible()
    after = stored(client, flow)
    assert after["scheduleParams"] == {**schedule, "interval": 2}
    assert after["transformations"] == [copy, mapping]


def test_a_change_that_came_in_between_is_shown_beside_ones_own(
    page: Page, site: Site, client: Client, flow: str
) -> None:
    page.goto(site.at(f"flows/{flow}/edit"))
    page.get_by_role("textbox", name="Dataflow name").fill("Mine")
    theirs = [{"op": "replace", "path": "/name", "value": "Theirs"}]
    assert client.patch(f"{FLOW}/flows/{flow}", json=theirs, headers={"If-Match": "*"}).status_code == 200
    for step in ("Which column feeds which field?", "When does it run?", "Is this right?"):
        next_step(page).click()
        heading(page, step)
    page.get_by_role("button", name="Publish changes").click()
    conflict = page.get_by_role("alert")
    expect(conflict).to_contain_text("Someone else changed this dataflow meanwhile")
    expect(conflict.get_by_role("row").filter(has_text="Dataflow name")).to_have_text("Dataflow nameTheirsMine")
    assert stored(client, flow)["name"] == "Theirs"
    conflict.get_by_role("button", name="Publish mine").click()
    expect(page.get_by_text("The changes are published.")).to_be_visible()
    assert stored(client, flow)["name"] == "Mine"


@pytest.mark.pages
def test_leaving_with_changes_asks(page: Page, site: Site, client: Client, flow: str) -> None:
    before = stored(client, flow)["name"]
    page.goto(site.at(f"flows/{flow}/edit"))
    page.get_by_role("textbox", name="Dataflow name").fill("Not published")
    page.get_by_role("button", name="Close").click()
    dialog = page.get_by_role("alertdialog", name="Leave without publishing?")
    dialog.get_by_role("button", name="Stay here").click()
    expect(page.get_by_role("textbox", name="Dataflow name")).to_have_value("Not published")
    page.get_by_role("button", name="Close").click()
    dialog.get_by_role("button", name="Leave").click()
    expect(page).not_to_have_url(re.compile("/edit"))
    assert stored(client, flow)["name"] == before


@pytest.mark.pages
def test_who_leaves_by_a_link_finds_the_changes_again(page: Page, site: Site, client: Client, flow: str) -> None:
    page.goto(site.at(f"flows/{flow}/edit"))
    page.get_by_role("textbox", name="Dataflow name").fill("Half done")
    page.get_by_role("link", name="Accounts", exact=True).click()
    expect(page.get_by_role("heading", name="Accounts", level=1)).to_be_visible()
    page.go_back()
    expect(page.get_by_role("textbox", name="Dataflow name")).to_have_value("Half done")
    for step in ("Which column feeds which field?", "When does it run?", "Is this right?"):
        next_step(page).click()
        heading(page, step)
    page.get_by_role("button", name="Publish changes").click()
    expect(page.get_by_text("The changes are published.")).to_be_visible()
    assert stored(client, flow)["name"] == "Half done"
    page.goto(site.at(f"flows/{flow}/edit"))
    expect(page.get_by_text("Nothing is changed yet.")).to_be_visible()


@pytest.mark.pages
def test_an_unknown_flow_is_not_here(page: Page, site: Site) -> None:
    page.goto(site.at("flows/11111111-2222-4333-8444-555555555555/edit"))
    expect(page.get_by_role("heading", name="This dataflow is not here")).to_be_visible()
