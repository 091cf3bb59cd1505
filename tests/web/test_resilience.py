"""What goes wrong between a page and its server: restarts, delays, lost answers, two hands, other clocks, sleep."""

import random
import re
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest
from playwright.sync_api import Error, Page, Route, expect

from demo.azurite import Azurite
from tests.connectors.azure_table.table_server import serving
from tests.live import Client, Server
from tests.upgrades.make_store import Failing
from tests.web.furnished import Furnished
from tests.web.journeys import Site, unique
from tests.web.test_flow import recurring
from tests.web.test_wizard import counts, flow_of, heading, next_step
from tests.wire import resources
from tests.wire.resources import FLOW, Dataflow

pytestmark = [pytest.mark.azurite, pytest.mark.pages]

LATENCY_MS: Final = 3_000
LOST: Final = 0.05
AWAY: Final = "The server cannot be reached."
REST: Final = re.compile(r"/(data|v1)/")
_MAIN: Final = (
    "sources",
    "sources/accounts",
    "sources/accounts/{account}",
    "flows",
    "flows/{flow}",
    "flows/{flow}/edit",
    "flows/new?draft={draft}&step=review",
    "runs/{run}",
    "monitoring",
    "datasets",
    "datasets/{dataset}",
    "schemas",
    "schemas/{schema}",
    "sandboxes",
    "credentials",
)


@contextmanager
def away(server: Server) -> Iterator[None]:
    """While the server is stopped; it is there again afterwards, at the same address."""
    server.kill()
    try:
        yield
    finally:
        server.start()


@pytest.fixture(scope="module")
def people(client: Client, azurite: Azurite) -> Dataflow:
    """What flows are made of: a table of 40 people, and where they land."""
    table = resources.seeded(azurite, "enduring", resources.people(40))
    return resources.names_flow(client, azurite.connection_string, table)


def open_details(page: Page, site: Site, client: Client, people: Dataflow) -> None:
    """Open the third step of the wizard, filled in, of a draft that is kept."""
    name = unique("Enduring")
    body = {
        "account": people.connection_id,
        "table": people.table,
        "details": {"datasetName": name, "schemaTitle": name, "flowName": name},
        "reached": "details",
    }
    draft = client.made("/v1/drafts", {"name": name, "kind": "dataflow", "step": "details", "body": body})
    page.goto(site.at(f"flows/new?draft={draft['id']}&step=details"))
    expect(page.get_by_text("It will have 6 fields")).to_be_visible()


@pytest.fixture
def at_details(page: Page, site: Site, client: Client, people: Dataflow) -> Page:
    """A page at the third step of the wizard."""
    open_details(page, site, client, people)
    return page


def publish(page: Page) -> None:
    """From the details to the first run."""
    for step in ("Which column feeds which field?", "When does it run?", "Is this right?"):
        next_step(page).click()
        heading(page, step)
    page.get_by_role("button", name="Publish").click()
    expect(page.get_by_role("region", name="First run")).to_contain_text("Succeeded")


def late(page: Page, ms: int) -> None:
    """Have each answer of the API come so much later."""
    waiting = f"new Promise((passed) => setTimeout(() => passed(answer), {ms}))"
    page.add_init_script(
        f"const ask = window.fetch; window.fetch = (...call) => ask(...call).then((answer) => {waiting});"
    )


# --- the server goes away --------------------------------------------------------------------------------------------


def test_the_wizard_outlives_a_restart_of_the_server(at_details: Page, site: Site, client: Client) -> None:
    page = at_details
    with away(site.server):
        page.get_by_role("textbox", name="Dataflow name").fill("Typed meanwhile")
        next_step(page).click()
        expect(page.get_by_text(AWAY)).to_be_visible()
        expect(page.get_by_role("textbox", name="Dataflow name")).to_have_value("Typed meanwhile")
    # Nobody presses anything: it goes on by itself, and keeps what was typed.
    heading(page, "Which column feeds which field?")
    expect(page.get_by_text(AWAY)).to_have_count(0)
    expect(page.get_by_text("Draft saved")).to_be_visible()
    assert "Typed meanwhile" in [draft["name"] for draft in client.get("/v1/drafts").json()["items"]]
    publish_from_mapping(page)
    assert flow_of(page, client)["name"] == "Typed meanwhile"


def publish_from_mapping(page: Page) -> None:
    """From the mapping to the first run."""
    for step in ("When does it run?", "Is this right?"):
        next_step(page).click()
        heading(page, step)
    page.get_by_role("button", name="Publish").click()
    expect(page.get_by_role("region", name="First run")).to_contain_text("Succeeded")


def test_a_draft_is_kept_even_if_the_server_is_away_for_long(at_details: Page, site: Site, client: Client) -> None:
    page = at_details
    with away(site.server):
        page.get_by_role("textbox", name="Dataflow name").fill("Typed for long")
        page.get_by_role("button", name="Save as draft").click()
        expect(page.get_by_role("alert")).to_contain_text("The server did not answer.")
    expect(page.get_by_text("Draft saved")).to_be_visible()
    expect(page.get_by_role("alert")).to_have_count(0)
    assert "Typed for long" in [draft["name"] for draft in client.get("/v1/drafts").json()["items"]]


@pytest.fixture
def at_work(client: Client) -> Iterator[str]:
    """The id of a run that stays at work: its source has no further page."""
    with ExitStack() as stack:
        azurite = stack.enter_context(Azurite())
        table = resources.seeded(azurite, "inflight", resources.people(4_000))
        slow = stack.enter_context(serving(Failing(azurite)))
        string = azurite.connection_string.replace(str(azurite.port), str(slow.port))
        fields = {"mark": {"type": "string"}}
        flow = resources.dataflow(
            client, string, table, fields=fields, mapping={"RowKey": "_id", "mark": ".mark"}
        ).started(name=unique("At work"))
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            found = client.get(f"{FLOW}/runs", params={"property": f"flowId=={flow}"}).json()["items"]
            if found and resources.status(found[0]) == "inProgress":
                break
        run = str(found[0]["id"])
        yield run
        client.made(f"/v1/runs/{run}/cancel", None, status=202)
        resources.ended(client, flow)


def test_a_run_that_is_watched_is_never_said_to_be_running_by_hearsay(page: Page, site: Site, at_work: str) -> None:
    page.goto(site.at(f"runs/{at_work}"))
    expect(page.get_by_text("It is at work.")).to_be_visible()
    with away(site.server):
        expect(page.get_by_text("No news from the server.")).to_be_visible(timeout=10_000)
        expect(page.get_by_text("Last known: Running").first).to_be_visible()
        expect(page.get_by_text("It is at work.")).to_have_count(0)
        assert page.get_by_text("Running", exact=True).count() == 0
        took = page.get_by_role("list", name="How long each step took").inner_text()
        page.wait_for_timeout(1_500)
        assert page.get_by_role("list", name="How long each step took").inner_text() == took
    expect(page.get_by_text("It is at work.")).to_be_visible()
    expect(page.get_by_text("No news from the server.")).to_have_count(0)
    expect(page.get_by_text(AWAY)).to_have_count(0)


@pytest.mark.parametrize("path", ["flows", "monitoring", "datasets"])
def test_a_list_says_that_it_may_be_old_and_is_read_again_by_itself(
    path: str, page: Page, site: Site, client: Client, people: Dataflow
) -> None:
    name = unique("Listed after")
    page.goto(site.at(path))
    page.get_by_role("rowheader").first.wait_for()
    with away(site.server):
        if path == "datasets":
            # It asks for nothing by itself; what one does next tells.
            page.get_by_role("link", name="Schemas", exact=True).click()
        expect(page.get_by_text(AWAY)).to_be_visible(timeout=20_000)
    expect(page.get_by_text(AWAY)).to_have_count(0)
    people.started(name=name, scheduleParams=resources.never())
    page.goto(site.at("flows"))
    expect(page.get_by_role("link", name=name)).to_be_visible()


def test_whoever_opens_a_page_while_the_server_is_away_sees_it_later(page: Page, site: Site) -> None:
    page.goto(site.at())
    page.get_by_role("heading", name="Azure Table Storage").wait_for()
    page.route(REST, lambda route: route.abort())
    page.reload()
    expect(page.get_by_role("alert")).to_contain_text("The server did not answer.")
    page.unroute(REST)
    expect(page.get_by_role("heading", name="Azure Table Storage")).to_be_visible()


# --- answers come late -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", _MAIN)
def test_a_page_that_waits_says_for_what(path: str, page: Page, site: Site, furnished: Furnished) -> None:
    page.clock.install()
    # Who is signed in is known; everything else never comes.
    never = "String(path).includes('/session') ? ask(path, ...rest) : new Promise(() => {})"
    page.add_init_script(f"const ask = window.fetch; window.fetch = (path, ...rest) => {never};")
    page.goto(site.at(furnished.path(path)))
    expect(page.get_by_role("heading", level=1)).to_be_attached()
    page.clock.run_for(1_000)
    expect(page.get_by_role("main").locator("[aria-busy=true]").first).to_be_visible()
    expect(page.get_by_text("Still waiting for the server…")).to_have_count(0)
    page.clock.run_for(5_000)
    expect(page.get_by_role("main").get_by_text("Still waiting for the server…").last).to_be_visible()
    expect(page.get_by_text("The server takes long to answer.")).to_be_visible()


def test_who_does_not_want_to_wait_asks_again(page: Page, site: Site, furnished: Furnished) -> None:
    held: list[Route] = []
    page.route("**/v1/flows?*", lambda route: route.continue_() if held else held.append(route))
    page.goto(site.at("flows"))
    page.get_by_role("button", name="Stop, and ask again").click()
    expect(page.get_by_role("grid", name="Dataflows")).to_be_visible()
    expect(page.get_by_text("Still waiting for the server…")).to_have_count(0)
    with suppress(Error):  # the page has given it up
        held[0].abort()


def test_the_wizard_is_walked_though_every_answer_is_late_and_nothing_is_made_twice(
    open_page: Callable[..., Page], site: Site, client: Client, people: Dataflow
) -> None:
    name = unique("Late")
    body = {"account": people.connection_id, "table": people.table, "reached": "select"}
    before = counts(client)
    page = open_page()
    late(page, LATENCY_MS)
    draft = client.made("/v1/drafts", {"name": name, "kind": "dataflow", "step": "select", "body": body})
    page.goto(site.at(f"flows/new?draft={draft['id']}&step=select"))
    expect(page.get_by_text("Types come from a sample of 40 rows")).to_be_visible()
    kept = len(client.get("/v1/drafts").json()["items"])
    for step in (
        "Where do the rows go?",
        "Which column feeds which field?",
        "When does it run?",
        "Is this right?",
    ):
        next_step(page).dblclick()
        heading(page, step)
        if step == "Where do the rows go?":
            page.get_by_role("textbox", name="Dataflow name").fill(name)
    assert len(client.get("/v1/drafts").json()["items"]) == kept
    page.get_by_role("button", name="Publish").dblclick()
    expect(page.get_by_role("region", name="First run")).to_contain_text("Succeeded", timeout=60_000)
    _one_more(before, counts(client))
    # One press too many starts one run.
    flow = flow_of(page, client)["id"]
    page.goto(site.at(f"flows/{flow}"))
    page.get_by_role("button", name="Run now").click()
    page.get_by_role("dialog").get_by_role("button", name="Run now").dblclick()
    expect(page.get_by_text("landed.")).to_be_visible(timeout=60_000)
    assert len(resources.ended(client, flow, runs=2)) == 2


def _one_more(before: dict[str, int], after: dict[str, int]) -> None:
    """One dataflow was made: one of each thing."""
    assert after == {kind: count + 1 for kind, count in before.items()}


# --- answers get lost ------------------------------------------------------------------------------------------------


class Losing:
    """Lets the server have each call, and loses some of its answers on their way."""

    def __init__(self, page: Page, is_lost: Callable[[Route], bool]) -> None:
        self.lost: list[str] = []
        self._is_lost = is_lost
        page.route(REST, self._pass)

    def _pass(self, route: Route) -> None:
        if not self._is_lost(route):
            route.continue_()
            return
        route.fetch()
        self.lost.append(f"{route.request.method} {route.request.url}")
        route.abort()


def first_answers(*methods: str) -> Callable[[Route], bool]:
    """The first answer to each write gets lost."""
    known: set[str] = set()

    def is_lost(route: Route) -> bool:
        key = route.request.headers.get("idempotency-key", "")
        if route.request.method not in methods or key == "" or key in known:
            return False
        known.add(key)
        return True

    return is_lost


def test_a_dataflow_is_made_once_though_the_answer_to_each_write_is_lost(at_details: Page, client: Client) -> None:
    page = at_details
    before = counts(client)
    kept = len(client.get("/v1/drafts").json()["items"])
    losing = Losing(page, first_answers("POST", "PUT", "PATCH", "DELETE"))
    publish(page)
    _one_more(before, counts(client))
    assert len(resources.ended(client, flow_of(page, client)["id"])) == 1
    # Six things are made; the draft is written, and deleted.
    assert len([call for call in losing.lost if call.startswith("POST")]) >= len(before) - 1
    assert len(client.get("/v1/drafts").json()["items"]) == kept - 1


def test_whoever_gives_up_and_presses_again_makes_it_once(
    page: Page, site: Site, client: Client, people: Dataflow
) -> None:
    flow = people.started(name=unique("Pressed again"))
    resources.ended(client, flow)
    page.goto(site.at(f"flows/{flow}"))
    losing = Losing(page, lambda route: route.request.method == "POST" and len(losing.lost) < 4)
    page.get_by_role("button", name="Run now").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Run now").click()
    expect(dialog.get_by_role("alert")).to_contain_text("Whether it was done is not known yet.")
    assert len(resources.ended(client, flow, runs=2)) == 2
    dialog.get_by_role("button", name="Run now").click()
    expect(page.get_by_text("40 rows landed.")).to_be_visible()
    assert len(resources.ended(client, flow, runs=2)) == 2


def test_publishing_goes_on_where_its_answer_was_lost(at_details: Page, client: Client) -> None:
    page = at_details
    before = counts(client)
    losing = Losing(page, lambda route: route.request.url.endswith("/flows") and len(losing.lost) < 4)
    for step in ("Which column feeds which field?", "When does it run?", "Is this right?"):
        next_step(page).click()
        heading(page, step)
    page.get_by_role("button", name="Publish").click()
    failed = page.get_by_role("alert").filter(has_text="The dataflow was not published")
    expect(failed).to_contain_text("Publish again, and it goes on from there.")
    made = page.get_by_role("region", name="What is made").get_by_role("listitem")
    expect(made.filter(has_text="Not known")).to_have_text(re.compile("Dataflow"))
    page.get_by_role("button", name="Publish").click()
    expect(page.get_by_role("region", name="First run")).to_contain_text("Succeeded")
    _one_more(before, counts(client))


def lost_flow(page: Page) -> Losing:
    """Publish, and lose what the server answers to the last of it, the dataflow."""
    losing = Losing(page, lambda route: route.request.url.endswith("/flows") and len(losing.lost) < 4)
    for step in ("Which column feeds which field?", "When does it run?", "Is this right?"):
        next_step(page).click()
        heading(page, step)
    page.get_by_role("button", name="Publish").click()
    expect(page.get_by_role("alert").filter(has_text="The dataflow was not published")).to_be_visible()
    return losing


def test_whoever_leaves_what_is_half_published_is_told_and_may_take_it_away(
    at_details: Page, site: Site, client: Client
) -> None:
    page = at_details
    draft = re.search("draft=([^&]*)", page.url)
    before = counts(client)
    lost_flow(page)
    _one_more(before, counts(client))
    leaving = page.get_by_role("alertdialog", name="Leave before publishing has ended?")
    page.get_by_role("link", name="Accounts").first.click()
    told = leaving.get_by_role("listitem")
    expect(told).to_have_count(6)
    expect(told.filter(has_text="may have been made")).to_have_text(re.compile("Dataflow.*see Dataflows"))
    leaving.get_by_role("button", name="Stay here").click()
    expect(page.get_by_role("heading", name="Is this right?")).to_be_visible()
    page.get_by_role("button", name="Close").click()
    leaving.get_by_role("button", name="Remove them and leave").click()
    expect(page).to_have_url(site.at())
    assert counts(client) == before
    assert draft
    page.goto(site.at(f"flows/new?draft={draft[1]}&step=review"))
    expect(page.get_by_role("button", name="Publish")).to_be_enabled()
    expect(page.get_by_role("region", name="Left by an earlier try to publish")).to_have_count(0)


def test_what_is_left_half_published_is_told_again_with_its_draft(at_details: Page, site: Site, client: Client) -> None:
    page = at_details
    draft = re.search("draft=([^&]*)", page.url)
    before = counts(client)
    lost_flow(page)
    page.get_by_role("link", name="Accounts").first.click()
    leaving = page.get_by_role("alertdialog", name="Leave before publishing has ended?")
    leaving.get_by_role("button", name="Leave them there").click()
    expect(page).to_have_url(site.at("sources/accounts"))
    expect(page.get_by_text("Kept as a draft")).to_be_visible()
    _one_more(before, counts(client))
    assert draft
    page.goto(site.at(f"flows/new?draft={draft[1]}&step=review"))
    left = page.get_by_role("region", name="Left by an earlier try to publish")
    expect(left.get_by_role("listitem")).to_have_count(6)
    left.get_by_role("button", name="I have looked").click()
    expect(left).to_have_count(0)


def test_other_choices_are_published_in_place_of_those_whose_answer_was_lost(at_details: Page, client: Client) -> None:
    page = at_details
    before = counts(client)
    lost_flow(page)
    page.get_by_role("link", name="Edit: Errors and changes").click()
    page.get_by_role("textbox", name="Dataflow name").fill("Chosen otherwise")
    for step in ("Which column feeds which field?", "When does it run?", "Is this right?"):
        next_step(page).click()
        heading(page, step)
    page.get_by_role("button", name="Publish").click()
    expect(page.get_by_role("region", name="First run")).to_contain_text("Succeeded")
    assert flow_of(page, client)["name"] == "Chosen otherwise"
    _one_more(before, counts(client))


def test_what_a_server_did_before_it_was_started_again_is_not_said_to_be_gone(
    at_details: Page, site: Site, client: Client
) -> None:
    page = at_details
    before = counts(client)
    lost_flow(page)
    with away(site.server):
        pass
    page.get_by_role("button", name="Publish").click()
    failed = page.get_by_role("alert").filter(has_text="The dataflow was not published")
    expect(failed).to_contain_text("nobody can tell whether one of these was made")
    expect(failed.get_by_role("listitem").filter(has_text="may have been made")).to_contain_text("Dataflow")
    _one_more(before, counts(client))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_wizard_is_walked_though_every_twentieth_answer_is_lost(
    seed: int, at_details: Page, client: Client
) -> None:
    page = at_details
    before = counts(client)
    draw = random.Random(seed)
    Losing(page, lambda _route: draw.random() < LOST)
    publish(page)
    page.unroute(REST)
    _one_more(before, counts(client))


def test_a_change_whose_answer_was_lost_is_no_conflict_with_oneself(
    page: Page, site: Site, client: Client, people: Dataflow
) -> None:
    flow = recurring(client, people, unique("Changed"))
    page.goto(site.at(f"flows/{flow}?tab=settings"))
    page.get_by_role("textbox", name="Name").fill("Changed once")
    losing = Losing(page, first_answers("PATCH"))
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("The settings are saved.")).to_be_visible()
    assert len(losing.lost) == 1
    assert [version["number"] for version in client.get(f"/v1/flows/{flow}/versions").json()["items"]] == [2, 1]


# --- two hands -------------------------------------------------------------------------------------------------------


def test_two_tabs_that_edit_one_flow_see_both(page: Page, site: Site, client: Client, people: Dataflow) -> None:
    flow = people.started(name=unique("Two tabs"))
    resources.ended(client, flow)
    second = page.context.new_page()
    for tab, name in ((page, "Of the first"), (second, "Of the second")):
        tab.goto(site.at(f"flows/{flow}/edit"))
        tab.get_by_role("textbox", name="Dataflow name").fill(name)
        for step in ("Which column feeds which field?", "When does it run?", "Is this right?"):
            next_step(tab).click()
            expect(tab.get_by_role("heading", name=step, level=2)).to_be_visible()
    page.get_by_role("button", name="Publish changes").click()
    expect(page.get_by_text("The changes are published.")).to_be_visible()
    second.get_by_role("button", name="Publish changes").click()
    conflict = second.get_by_role("alert")
    expect(conflict.get_by_role("row").filter(has_text="Dataflow name")).to_have_text(
        "Dataflow nameOf the firstOf the second"
    )
    assert client.one(f"{FLOW}/flows/{flow}")["name"] == "Of the first"
    conflict.get_by_role("button", name="Take theirs").click()
    expect(second.get_by_role("alert")).to_have_count(0)


def test_two_tabs_with_one_draft_see_both(at_details: Page, site: Site, client: Client) -> None:
    first = at_details
    second = first.context.new_page()
    second.goto(first.url)
    second.get_by_role("textbox", name="Dataflow name").fill("Of the second")
    first.get_by_role("textbox", name="Dataflow name").fill("Of the first")
    first.get_by_role("button", name="Save as draft").click()
    expect(first.get_by_text("Draft saved")).to_be_visible()
    second.get_by_role("button", name="Save as draft").click()
    expect(second.get_by_role("alert")).to_contain_text("Someone else changed this draft meanwhile")
    names = [draft["name"] for draft in client.get("/v1/drafts").json()["items"]]
    assert "Of the first" in names
    assert "Of the second" not in names


# --- clocks ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("hours", [-2, 2], ids=["behind", "ahead"])
def test_a_browser_whose_clock_is_off_tells_times_by_the_server(
    hours: int, page: Page, site: Site, client: Client, people: Dataflow
) -> None:
    name = unique("By the server's clock")
    flow = people.started(name=name)
    resources.ended(client, flow)
    later = recurring(client, people, f"{name}, later")
    page.clock.install(time=datetime.now(UTC) + timedelta(hours=hours))
    page.goto(site.at(f"flows?q={name}"))
    strip = page.get_by_role("list", name=f"Recent runs of {name}")
    expect(strip.get_by_role("link").last).to_have_accessible_name(
        re.compile(r"succeeded, (just now|now|this minute|\d+ (sec|min)\. ago)$")
    )
    page.goto(site.at(f"flows/{later}"))
    # It starts in a day from now, by the server.
    expect(page.get_by_text("Next run in").first).to_contain_text(re.compile("in (23 hr|1 day)|tomorrow"))
    page.goto(site.at("monitoring"))
    expect(page.get_by_role("rowheader").first).to_be_visible()
    told = client.get("/v1/monitoring").json()["totals"]["received"]
    cards = page.get_by_role("navigation", name="Figures of the time range").get_by_role("link")
    expect(cards.filter(has_text=re.compile("^Received"))).to_contain_text(f"{told:,}")


def test_a_dataflow_that_is_to_run_now_does_though_the_browser_s_clock_is_ahead(
    open_page: Callable[..., Page], site: Site, client: Client, people: Dataflow
) -> None:
    page = open_page()
    page.clock.install(time=datetime.now(UTC) + timedelta(hours=2))
    open_details(page, site, client, people)
    publish(page)


# --- sleep, and sessions that end ------------------------------------------------------------------------------------


def test_after_a_sleep_the_page_is_read_anew_and_asks_to_sign_in_if_it_has_to(
    open_page: Callable[..., Page], site: Site, client: Client, new_account: Callable[[str], str]
) -> None:
    before, after = unique("Before the sleep"), unique("After the sleep")
    made = new_account(before)
    page = open_page(signed_in=False)
    page.clock.install()
    page.goto(site.sign_in_link())
    expect(page).to_have_url(site.at())
    page.goto(site.at(f"sources/accounts?q={made}"))
    expect(page.get_by_role("rowheader")).to_have_text([before])
    _renamed(client, made, after)
    page.clock.fast_forward("08:00:00")
    expect(page.get_by_role("rowheader")).to_have_text([after])
    page.context.clear_cookies()
    _renamed(client, made, before)
    page.clock.fast_forward("08:00:00")
    dialog = page.get_by_role("alertdialog", name="Your session has ended")
    dialog.get_by_role("textbox", name="Sign-in link or code").fill(site.sign_in_link())
    dialog.get_by_role("button", name="Sign in").click()
    expect(dialog).to_be_hidden()
    expect(page.get_by_role("rowheader")).to_have_text([before])


def _renamed(client: Client, account: str, name: str) -> None:
    change = [{"op": "replace", "path": "/name", "value": name}]
    answer = client.patch(f"{FLOW}/connections/{account}", json=change, headers={"If-Match": "*"})
    assert answer.status_code == 200, answer.text


def test_a_session_that_ends_over_a_mapping_loses_nothing_and_overwrites_nothing(
    open_page: Callable[..., Page], site: Site, client: Client, people: Dataflow
) -> None:
    flow = people.started(name=unique("Mapped while signed out"))
    resources.ended(client, flow)
    page = open_page(signed_in=False)
    page.goto(site.sign_in_link())
    expect(page).to_have_url(site.at())
    page.goto(site.at(f"flows/{flow}/edit?step=mapping"))
    page.get_by_role("button", name=re.compile(r"Actions for .*name")).click()
    page.context.clear_cookies()
    page.get_by_role("menuitem", name="Remove").click()
    dialog = page.get_by_role("alertdialog", name="Your session has ended")
    expect(dialog).to_be_visible()
    theirs: list[dict[str, Any]] = [{"op": "add", "path": "/description", "value": "Theirs"}]
    assert client.patch(f"{FLOW}/flows/{flow}", json=theirs, headers={"If-Match": "*"}).status_code == 200
    dialog.get_by_role("textbox", name="Sign-in link or code").fill(site.sign_in_link())
    dialog.get_by_role("button", name="Sign in").click()
    expect(dialog).to_be_hidden()
    expect(page.get_by_role("button", name=re.compile(r"Actions for .*name"))).to_have_count(0)
    for step in ("When does it run?", "Is this right?"):
        next_step(page).click()
        heading(page, step)
    page.get_by_role("button", name="Publish changes").click()
    expect(page.get_by_role("alert")).to_contain_text("Someone else changed this dataflow meanwhile")
    assert client.one(f"{FLOW}/flows/{flow}")["description"] == "Theirs"
