"""Monitoring: figures that filter, charts that tables say too, and the way from a source to its runs."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from demo.azurite import Azurite
from tests.live import Client, Server
from tests.web.furnished import ROWS, Furnished, furnish
from tests.web.journeys import Site, sideways, tab_to
from tests.wire import resources
from tests.wire.resources import FLOW, SANDBOXES

OWN = "watched"


@pytest.fixture(scope="module")
def watched(server: Server, azurite: Azurite) -> Iterator[Client]:
    """Calls in a sandbox of its own, so that the figures are of what these tests made."""
    with server.client() as administrator:
        body = {"name": OWN, "title": "Watched", "type": "development"}
        administrator.made(f"{SANDBOXES}/sandboxes", body, status=202)
    with server.client(sandbox=OWN) as calls:
        yield calls


@pytest.fixture(scope="module")
def rejecting(watched: Client, azurite: Azurite) -> Furnished:
    """A dataflow with rejected rows."""
    return furnish(watched, azurite, name="Rejects a few")


@pytest.fixture(scope="module")
def failing(watched: Client, azurite: Azurite) -> str:
    """A dataflow whose run failed, by id: one of its two rows lacks what is required."""
    rows = [{"PartitionKey": "p", "RowKey": name, "size": "x", "name": name} for name in ("1", "2")]
    del rows[1]["name"]
    table = resources.seeded(azurite, "onefits", rows)
    made = resources.dataflow(
        watched,
        azurite.connection_string,
        table,
        fields={"size": {"type": "string"}, "name": {"type": "string"}},
        mapping={"RowKey": "_id", "size": ".size", "name": ".name"},
        required=("name",),
    )
    flow = made.started(name="Fails always")
    resources.ended(watched, flow)
    return flow


@pytest.fixture
def told(rejecting: Furnished, failing: str, watched: Client) -> Any:
    """What the API tells of them."""
    return watched.get("/v1/monitoring").json()


def test_figures_are_those_of_the_api(page: Page, site: Site, told: Any) -> None:
    page.goto(site.at("monitoring", sandbox=OWN))
    cards = page.get_by_role("navigation", name="Figures of the time range").get_by_role("link")
    expect(cards).to_have_count(6)
    totals = told["totals"]
    assert totals["received"] == ROWS + 2
    for name, value in (
        ("Received", totals["received"]),
        ("Ingested", totals["ingested"]),
        ("Rejected", totals["rejected"]),
        ("Failing", 1),
        ("Late", 0),
        ("At work", 0),
    ):
        expect(cards.filter(has_text=re.compile(f"^{name}"))).to_contain_text(f"{name}{value}")


def test_lines_tell_why_a_run_failed_or_rejected_rows(page: Page, site: Site, told: Any) -> None:
    page.goto(site.at("monitoring?view=dataflows", sandbox=OWN))
    failed = page.get_by_role("row").filter(has_text="Fails always")
    expect(failed).to_contain_text("1 of 2 rows were rejected (50 %), more than the 0 % that the flow tolerates")
    rejecting = page.get_by_role("row").filter(has_text="Rejects a few")
    missing = re.compile(r"3 rows: _\w+\.level: a required field is missing or null")
    expect(rejecting).to_contain_text(missing)
    page.goto(site.at("monitoring?view=runs", sandbox=OWN))
    expect(page.get_by_role("row").filter(has_text="Rejects a few")).to_contain_text(missing)


@pytest.mark.pages
def test_it_is_reached_by_two_keys(page: Page, site: Site) -> None:
    page.goto(site.at())
    page.get_by_role("heading", name="Azure Table Storage").wait_for()
    page.keyboard.press("g")
    page.keyboard.press("m")
    expect(page).to_have_url(site.at("monitoring"))
    expect(page.get_by_role("heading", level=1)).to_be_focused()


@pytest.mark.pages
def test_a_figure_filters_the_table_and_the_same_press_takes_it_off(page: Page, site: Site, told: Any) -> None:
    page.goto(site.at("monitoring", sandbox=OWN))
    card = page.get_by_role("link", name="Failing")
    card.click()
    expect(page).to_have_url(site.at("monitoring?only=failing", sandbox=OWN))
    expect(page.get_by_role("rowheader")).to_have_text(["Fails always"])
    expect(page.get_by_role("list", name="Filters")).to_contain_text("Failing")
    page.reload()
    expect(page.get_by_role("rowheader")).to_have_text(["Fails always"])
    card.click()
    expect(page.get_by_role("rowheader")).to_have_count(2)
    page.get_by_role("link", name="Late").click()
    expect(page.get_by_role("heading", name="Nothing needs a look")).to_be_visible()
    page.get_by_role("button", name="Remove the filter Late").click()
    expect(page.get_by_role("rowheader")).to_have_count(2)


def test_those_that_need_a_look_come_first_and_alone(page: Page, site: Site, told: Any, watched: Client) -> None:
    page.goto(site.at("monitoring", sandbox=OWN))
    expect(page.get_by_role("rowheader")).to_have_text(["Fails always", "Rejects a few"])
    page.get_by_role("checkbox", name="Failures only").check(force=True)
    expect(page).to_have_url(site.at("monitoring?only=attention", sandbox=OWN))
    needing = watched.get("/v1/monitoring?failuresOnly=true").json()["flows"]
    expect(page.get_by_role("rowheader")).to_have_text([flow["name"] for flow in needing])


def test_from_a_source_to_its_dataflows_to_their_runs_by_keys(
    page: Page, site: Site, told: Any, rejecting: Furnished
) -> None:
    page.goto(site.at("monitoring?view=sources", sandbox=OWN))
    row = page.get_by_role("row").filter(has=page.locator(f"a[href$='{rejecting.account}']"))
    expect(row).to_contain_text("Azure Table Storage")
    row.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("rowheader")).to_have_text(["Rejects a few"])
    expect(page.get_by_role("list", name="Filters")).to_contain_text("Account: account")
    run = page.get_by_role("row").filter(has=page.get_by_role("rowheader"))
    run.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("searchbox", name="Search runs")).to_be_visible()
    expect(run).to_have_count(1)
    expect(run).to_contain_text("With rejects")
    expect(run.get_by_role("link").first).to_have_attribute("href", f"/s/{OWN}/runs/{rejecting.run}")
    expect(page.get_by_role("list", name="Filters")).to_contain_text("Dataflow: Rejects a few")
    tab_to(page, "Remove the filter Dataflow: Rejects a few", back=True)
    page.keyboard.press("Enter")
    expect(run).to_have_count(2)


@pytest.mark.pages
def test_what_the_charts_show_is_said_in_words_and_in_a_table(page: Page, site: Site, told: Any) -> None:
    page.goto(site.at("monitoring", sandbox=OWN))
    rejected = told["totals"]["rejected"]
    expect(page.get_by_role("img", name=f"Rejected: {rejected} in all")).to_be_visible()
    page.get_by_role("button", name="As a table").click()
    table = page.get_by_role("region", name="Rows over time").get_by_role("table")
    expect(table.get_by_role("row")).to_have_count(25)
    sums = [int(text.replace(",", "")) for text in table.locator("td:last-child").all_inner_texts()]
    assert sum(sums) == rejected
    page.reload()
    expect(table).to_be_visible()
    page.get_by_role("button", name="Hide charts").click()
    expect(table).to_have_count(0)
    expect(page.get_by_role("img", name="Rejected")).to_have_count(0)
    expect(page.get_by_role("rowheader")).to_have_count(2)


@pytest.mark.pages
def test_the_span_is_chosen_and_in_the_address(page: Page, site: Site, told: Any) -> None:
    page.goto(site.at("monitoring", sandbox=OWN))
    page.get_by_role("button", name="Time range").click()
    page.get_by_role("option", name="Last 7 days").click()
    expect(page).to_have_url(site.at("monitoring?range=7d", sandbox=OWN))
    page.goto(site.at("monitoring?since=1000&until=86401000", sandbox=OWN))
    expect(page.get_by_role("link", name=re.compile("^Received"))).to_contain_text("Received0")
    expect(page.get_by_label("From", exact=True)).to_have_value("1970-01-01T01:00")
    page.goto(site.at("monitoring?since=86401000&until=1000", sandbox=OWN))
    expect(page.get_by_role("alert")).to_have_text("The beginning has to be before the end.")


@pytest.mark.pages
def test_a_time_is_typed_digit_by_digit(page: Page, site: Site, told: Any) -> None:
    page.goto(site.at("monitoring"))
    page.get_by_role("button", name="Time range").click()
    page.get_by_role("option", name="From and to").click()
    since = page.get_by_label("From", exact=True)
    since.focus()
    page.keyboard.type("01022026")
    expect(since).to_be_focused()
    expect(since).to_have_value(re.compile("^2026-01-02T"))
    expect(page).to_have_url(re.compile("since=1767[0-9]{9}&"))


@pytest.mark.pages
def test_it_updates_by_itself_unless_paused(page: Page, site: Site, told: Any) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/v1/monitoring" in request.url else None)
    page.clock.install()
    page.goto(site.at("monitoring", sandbox=OWN))
    page.get_by_text("Updated", exact=False).first.wait_for()
    before = len(asked)
    with page.expect_request("**/v1/monitoring?*"):
        page.clock.run_for(10_500)
    assert len(asked) > before
    page.get_by_role("button", name="Pause updates").click()
    expect(page.get_by_text("Paused. Updated")).to_be_visible()
    before = len(asked)
    page.clock.run_for(60_000)
    assert len(asked) == before
    with page.expect_request("**/v1/monitoring?*"):
        page.get_by_role("button", name="Resume updates").click()
        page.clock.run_for(10_500)


def test_when_updates_stop_the_page_says_so_and_keeps_what_it_has(page: Page, site: Site, told: Any) -> None:
    page.goto(site.at("monitoring", sandbox=OWN))
    page.get_by_role("rowheader").first.wait_for()

    def refused(route: Route) -> None:
        route.fulfill(status=409, json={"title": "no more"})

    page.route("**/v1/monitoring?*", refused)
    page.get_by_role("button", name="Update now").click()
    expect(page.get_by_text("Updates have stopped.")).to_be_visible()
    expect(page.get_by_role("rowheader")).to_have_count(2)
    page.unroute_all()
    page.get_by_role("button", name="Update now").click()
    expect(page.get_by_text("Updates have stopped.")).to_have_count(0)


@pytest.mark.pages
def test_a_dataflow_that_is_late_says_by_how_much(page: Page, site: Site, told: Any) -> None:
    def late(route: Route) -> None:
        # The scheduler of the tests is never a minute behind.
        body = route.fetch().json()
        why = {"code": "no-room", "message": "2 flows are at work in this sandbox", "advice": "Wait."}
        body["flows"][0] |= {"lateByMs": 7_500_000, "hindrance": why}
        route.fulfill(json={**body, "flowsLate": 1})

    page.route("**/v1/monitoring?*", late)
    page.goto(site.at("monitoring", sandbox=OWN))
    expect(page.get_by_role("link", name=re.compile("^Late"))).to_contain_text("by up to 2 h 5 min")
    page.get_by_role("link", name=re.compile("^Late")).click()
    expect(page.get_by_role("rowheader")).to_have_count(1)
    expect(page.get_by_role("row").last).to_contain_text("2 h 5 min")
    expect(page.get_by_role("row").last).to_contain_text("2 flows are at work in this sandbox")


@pytest.mark.pages
def test_a_sandbox_without_dataflows_says_how_to_begin(page: Page, site: Site, client: Client) -> None:
    body = {"name": "nothing-runs", "title": "Nothing runs", "type": "development"}
    client.made(f"{SANDBOXES}/sandboxes", body, status=202)
    page.goto(site.at("monitoring", sandbox="nothing-runs"))
    expect(page.get_by_role("heading", name="Nothing to watch yet")).to_be_visible()
    page.get_by_role("link", name="Connect a source").click()
    expect(page).to_have_url(site.at(sandbox="nothing-runs"))


@pytest.mark.pages
def test_runs_at_work_are_asked_for_by_their_state(page: Page, site: Site, told: Any, watched: Client) -> None:
    page.goto(site.at("monitoring", sandbox=OWN))
    page.get_by_role("link", name="At work").click()
    assert watched.get(f"{FLOW}/runs?property=state==inProgress").json()["items"] == []
    expect(page.get_by_role("heading", name="Nothing needs a look")).to_be_visible()
    page.get_by_role("button", name="Clear search and filters").click()
    expect(page.get_by_role("rowheader")).to_have_count(2)


@pytest.mark.pages
def test_all_of_it_fits_a_narrow_window(open_page: Callable[..., Page], site: Site, told: Any) -> None:
    page = open_page(width=320)
    for query in ("", "?view=sources", "?view=runs", "?charts=table&since=1000&until=86401000"):
        page.goto(site.at(f"monitoring{query}", sandbox=OWN))
        page.get_by_role("link", name=re.compile("^Received")).wait_for()
        assert sideways(page) == 0
