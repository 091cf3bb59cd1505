"""Every page in every state: what axe looks at, and what the screenshots show."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from playwright.sync_api import Page, Route, expect

from tests.web.furnished import Furnished
from tests.web.journeys import AZURE_TABLES, Site, choose_all

Act: TypeAlias = Callable[[Page], None]


def _nothing(_page: Page) -> None:
    return None


@dataclass(frozen=True, kw_only=True)
class View:
    """A page in one state."""

    name: str
    path: str
    """Below the sandbox; `{account}`, `{flow}` and the like stand for the ids of `Furnished`."""
    shows: str
    """Text by which one sees that the state is there."""
    before: Act = _nothing
    """Done before the page opens."""
    act: Act = _nothing
    """Done on the page."""
    signed_in: bool = True

    @property
    def is_plain(self) -> bool:
        """Whether it is simply the page."""
        return self.before is _nothing and self.act is _nothing

    def open(self, page: Page, site: Site, furnished: Furnished) -> None:
        """Open the page, and bring it into the state."""
        self.before(page)
        path = furnished.path(self.path)
        page.goto(site.at(path) if self.signed_in else f"{site.url}/signin")
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        self.act(page)
        expect(page.get_by_text(self.shows).first).to_be_visible()


def _answered(pattern: str, answer: Callable[[Route], None]) -> Act:
    def prepare(page: Page) -> None:
        page.route(pattern, answer)

    return prepare


def _refused(pattern: str) -> Act:
    body = {"report": {"detailed-message": "the store is away"}, "code": "store-unavailable", "advice": "Wait."}
    headers = {"x-request-id": "0af1b2"}
    return _answered(pattern, lambda route: route.fulfill(status=409, json=body, headers=headers))


def _waiting(part: str) -> Act:
    """Calls of such an address are never answered: the page shows what it shows while it waits."""
    never = f"path.includes({part!r}) ? new Promise(() => {{}}) : asked(path, ...rest)"
    script = f"const asked = window.fetch; window.fetch = (path, ...rest) => {never};"

    def prepare(page: Page) -> None:
        page.add_init_script(script)

    return prepare


def _empty(pattern: str) -> Act:
    return _answered(pattern, lambda route: route.fulfill(json={"items": [], "_links": {}}))


def _click(role: str, name: str) -> Act:
    return lambda page: page.get_by_role(role, name=name).first.click()  # type: ignore[arg-type]


def _search(page: Page) -> None:
    page.keyboard.press("/")
    page.get_by_role("searchbox", name="Search pages").fill("azure")


def _end_session(page: Page) -> None:
    # A page that still loads would say so by itself.
    expect(page.get_by_role("button", name="Check now")).to_be_visible()
    page.wait_for_load_state("networkidle")
    page.context.clear_cookies()
    page.get_by_role("button", name="Check now").click()


def _offline(page: Page) -> None:
    page.get_by_role("link", name="Azure Table Storage").or_(page.get_by_role("heading", name="Azure")).first.wait_for()
    page.context.set_offline(True)
    if (drawer := page.get_by_role("button", name="Open the navigation")).is_visible():
        drawer.click()
    page.get_by_role("link", name="Accounts", exact=True).click()


def _wrong(page: Page) -> None:
    page.get_by_role("textbox", name="Name").fill("Never saved")
    page.get_by_role("textbox", name="Connection string").fill(
        "DefaultEndpointsProtocol=http;AccountName=nobody;AccountKey=AAAA;TableEndpoint=http://127.0.0.1:9/nobody;"
    )
    page.get_by_role("button", name="Check and save").click()


def _nameless(page: Page) -> None:
    page.get_by_role("textbox", name="Dataflow name").fill("")
    page.get_by_role("button", name="Next", exact=True).click()


def _filtered(page: Page) -> None:
    page.get_by_text("Row filter").first.click()
    page.get_by_role("button", name="Add a condition").click()
    page.get_by_role("button", name="Add a condition").click()


def _changed_and_closed(page: Page) -> None:
    page.get_by_role("textbox", name="Dataflow name").fill("Changed")
    page.get_by_role("button", name="Close").click()


def _of_the_first_thing(answer: Callable[[Route], None]) -> Act:
    """What becomes of the first call of publishing, so that nothing is left behind; planning goes on."""

    def answered(route: Route) -> None:
        if '"dryRun":true' in (route.request.post_data or ""):
            route.continue_()
        else:
            answer(route)

    return _answered("**/v1/connections/*/schema", answered)


def _published_and_left(page: Page) -> None:
    page.get_by_role("button", name="Publish").click()
    expect(page.get_by_text("Being made")).to_be_visible()
    page.get_by_role("button", name="Close").click()


def _published_in_vain(page: Page) -> None:
    page.get_by_role("button", name="Publish").click()
    # It is tried again a few times before.
    page.get_by_text("it goes on from there").wait_for()


_DRAFT: Final = "flows/new?draft={draft}&step="


def _after(*acts: Act) -> Act:
    """One after the other."""

    def done(page: Page) -> None:
        for act in acts:
            act(page)

    return done


def _fill(name: str, text: str) -> Act:
    return lambda page: page.get_by_role("textbox", name=name).fill(text)


def _nothing_there(pattern: str) -> Act:
    return _answered(pattern, lambda route: route.fulfill(json={}))


def _forbidden(*left: str) -> Act:
    """The session says that it may do no more than this."""

    def answered(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, json={**answer.json(), "permissions": list(left)})

    return _answered("**/v1/session", answered)


_DATASETS: Final = "**/catalog/dataSets?*"
_SCHEMAS: Final = "**/tenant/schemas?*"
_MONITORING: Final = "**/v1/monitoring?*"
_SPECS: Final = "**/connectionSpecs"
_ACCOUNTS: Final = "**/flowservice/connections?*"
_ONE: Final = "**/flowservice/connections/*"

_LINES: Final = "**/v1/flows?*"
_LINE: Final = "**/v1/flows/*"
_NO_FLOWS: Final = _answered(_LINES, lambda route: route.fulfill(json={"items": [], "count": 0}))
_RUN: Final = "**/flowservice/runs/*"
_HELD: Final[dict[str, Any]] = {
    "flowId": "f",
    "policy": {"newColumns": "hold", "removedColumns": "null", "typeChanges": "reject"},
    "held": {
        "id": "h",
        "since": "2026-03-01T00:00:00Z",
        "runs": 2,
        "lastRunId": "r",
        "reason": None,
        "changes": [
            {
                "kind": "newColumn",
                "column": "\u202ecoupon",
                "was": [],
                "now": ["string"],
                "firstSeen": "2026-03-01T00:00:00Z",
            },
            {
                "kind": "removedColumn",
                "column": "<i>mark</i>",
                "was": ["int"],
                "now": [],
                "firstSeen": "2026-03-01T00:00:00Z",
            },
        ],
    },
    "lastMet": None,
    "columns": [{"name": "name", "types": ["string"]}],
}
_DRIFTS: Final = _answered("**/v1/flows/*/drift", lambda route: route.fulfill(json=_HELD))


def _told(alter: Callable[[Any], None]) -> Act:
    """The run is told otherwise than it is. The server is asked once, for a page asks until it goes."""

    def prepare(page: Page) -> None:
        known: dict[str, Any] = {}

        def answer(route: Route) -> None:
            if not known:
                known.update(route.fetch().json())
                alter(known["items"][0])
            route.fulfill(json=known)

        page.route(_RUN, answer)

    return prepare


def _at_work(run: Any) -> None:
    run["metrics"]["statusSummary"] |= {"status": "inProgress", "errors": []}
    run["metrics"]["durationSummary"].pop("completedAtUTC", None)
    run["activities"] = []


def _off_balance(run: Any) -> None:
    run["metrics"]["recordSummary"]["outputRecordCount"] -= 5


def _steps(*acts: Act) -> Act:
    def do(page: Page) -> None:
        for act in acts:
            act(page)

    return do


_FLOW_MENU: Final = _click("button", "Further actions for this dataflow")

FLOW_VIEWS: Final = (
    View(name="flows", path="flows", shows="Recent runs"),
    View(name="flows-no-match", path="flows?q=zzz", shows="No dataflow fits"),
    View(
        name="flows-empty",
        path="flows",
        shows="No dataflow yet",
        before=_NO_FLOWS,
    ),
    View(name="flows-loading", path="flows", shows="Loading", before=_waiting("/v1/flows?")),
    View(name="flows-failed", path="flows", shows="The dataflows could not be listed", before=_refused(_LINES)),
    View(name="flows-menu", path="flows", shows="Run now", act=_click("button", "Actions for")),
    View(name="flows-chosen", path="flows", shows="Clear the choice", act=choose_all),
    View(
        name="flows-bulk",
        path="flows",
        shows="They start no run until",
        act=_steps(choose_all, _click("button", "Pause")),
    ),
    View(name="flow", path="flows/{flow}", shows="Rows per run"),
    View(name="flow-activity", path="flows/{flow}?tab=activity", shows="Trigger"),
    View(name="flow-activity-none", path="flows/{flow}?tab=activity&result=scheduled", shows="No run fits"),
    View(name="flow-scheduled", path="flows/{flow}?tab=activity&view=scheduled", shows="Nothing is scheduled"),
    View(name="flow-mapping", path="flows/{flow}?tab=mapping", shows="Target field"),
    View(name="flow-schema", path="flows/{flow}?tab=schema", shows="Nothing waits for a decision"),
    View(name="flow-held", path="flows/{flow}?tab=schema", shows="wait for your decision", before=_DRIFTS),
    View(
        name="flow-accept",
        path="flows/{flow}?tab=schema",
        shows="No run starts by this",
        before=_DRIFTS,
        act=_click("button", "Accept"),
    ),
    View(name="flow-versions", path="flows/{flow}?tab=versions", shows="What changed"),
    View(name="flow-quarantine", path="flows/{flow}?tab=quarantine", shows="a required field is missing"),
    View(
        name="flow-nothing-rejected",
        path="flows/{flow}?tab=quarantine",
        shows="Nothing is waiting",
        before=_empty("**/flowservice/runs?*"),
    ),
    View(name="flow-settings", path="flows/{flow}?tab=settings", shows="Danger zone"),
    View(name="flow-run-now", path="flows/{flow}", shows="whole table once more", act=_click("button", "Run now")),
    View(
        name="flow-backfill",
        path="flows/{flow}",
        shows="In pieces of",
        act=_steps(_FLOW_MENU, _click("menuitem", "Backfill")),
    ),
    View(
        name="flow-delete",
        path="flows/{flow}",
        shows="stay in the dataset",
        act=_steps(_FLOW_MENU, _click("menuitem", "Delete")),
    ),
    View(name="flow-missing", path="flows/none", shows="This dataflow is not here"),
    View(name="flow-loading", path="flows/{flow}", shows="Loading", before=_waiting("/v1/flows/")),
    View(name="flow-failed", path="flows/{flow}", shows="Why", before=_refused(_LINE)),
    View(name="run", path="runs/{run}", shows="Not all rows landed"),
    View(name="run-at-work", path="runs/{run}", shows="It is at work", before=_told(_at_work)),
    View(name="run-off-balance", path="runs/{run}", shows="These numbers do not add up", before=_told(_off_balance)),
    View(name="run-tried", path="runs/{run}", shows="Nothing was written", act=_click("button", "Try again")),
    View(name="run-replay", path="runs/{run}", shows="No window moves", act=_click("button", "Replay")),
    View(name="run-undo", path="runs/{run}", shows="leave quarantine", act=_click("button", "Undo")),
    View(name="run-row", path="runs/{run}", shows="The row as it was read", act=_click("rowheader", "region-")),
    View(name="run-missing", path="runs/none", shows="This run is not here"),
    View(name="run-failed", path="runs/{run}", shows="could not be read", before=_refused(_RUN)),
)

VIEWS: Final = (
    *FLOW_VIEWS,
    View(name="sign-in", path="", shows="This page opens with a one-time link", signed_in=False),
    View(name="catalog", path="sources", shows="Azure Table Storage"),
    View(name="catalog-empty", path="sources", shows="Try with sample data", before=_NO_FLOWS),
    View(name="catalog-list", path="sources?view=list", shows="State here"),
    View(name="catalog-details", path=f"sources?details={AZURE_TABLES}", shows="Ways to sign in"),
    View(name="catalog-unavailable", path="sources?details=ecadc60c-7455-4d87-84dc-2a0e293d997b", shows="no connector"),
    View(name="catalog-no-match", path="sources?q=zzz", shows="No source fits"),
    View(name="catalog-loading", path="sources", shows="Loading", before=_waiting("/connectionSpecs")),
    View(name="catalog-failed", path="sources", shows="The sources could not be listed", before=_refused(_SPECS)),
    View(name="catalog-partial", path="sources", shows="could not be counted", before=_refused(_ACCOUNTS)),
    View(name="search", path="sources", shows="Commands", act=_search),
    View(name="call", path="sources/accounts", shows="Get a token once", act=_click("button", "Show the call")),
    View(name="settings", path="sources/accounts", shows="High contrast", act=_click("button", "Your settings")),
    View(name="offline", path="sources", shows="The server cannot be reached", act=_offline),
    View(name="accounts", path="sources/accounts", shows="Signs in by"),
    View(name="accounts-empty", path="sources/accounts", shows="No account yet", before=_empty(_ACCOUNTS)),
    View(name="accounts-no-match", path="sources/accounts?q=zzz", shows="No account fits"),
    View(name="accounts-loading", path="sources/accounts", shows="Loading", before=_waiting("/connections?")),
    View(name="accounts-failed", path="sources/accounts", shows="could not be listed", before=_refused(_ACCOUNTS)),
    View(name="accounts-menu", path="sources/accounts", shows="Check now", act=_click("button", "Actions for")),
    View(name="new-account", path="sources/accounts/new", shows="How to sign in"),
    View(
        name="new-account-missing",
        path="sources/accounts/new",
        shows="2 fields need your attention",
        act=_click("button", "Check and save"),
    ),
    View(name="new-account-failed", path="sources/accounts/new", shows="Check failed at", act=_wrong),
    View(name="account", path="sources/accounts/{account}", shows="Connection check"),
    View(name="account-checked", path="sources/accounts/{account}", shows="Passed", act=_click("button", "Check now")),
    View(name="account-edit", path="sources/accounts/{account}", shows="Edit account", act=_click("button", "Edit")),
    View(
        name="account-replace",
        path="sources/accounts/{account}",
        shows="checked first",
        act=_click("button", "Replace credentials"),
    ),
    View(name="account-missing", path="sources/accounts/none", shows="This account is not here"),
    View(name="account-failed", path="sources/accounts/{account}", shows="Why", before=_refused(_ONE)),
    View(name="wizard-account", path="flows/new", shows="Which account is read from?"),
    View(
        name="wizard-account-new",
        path="flows/new",
        shows="How to sign in",
        act=lambda page: page.get_by_text("A new one").click(),
    ),
    View(name="wizard-account-failed", path="flows/new", shows="could not be listed", before=_refused(_ACCOUNTS)),
    View(name="wizard-drafts", path="flows/new", shows="Copy of", act=lambda page: page.get_by_text("Go on").click()),
    View(name="wizard-tables", path="flows/new?account={account}&step=select", shows="Choose a table to look into it"),
    View(
        name="wizard-tables-empty",
        path="flows/new?account={account}&step=select",
        shows="This account has no table",
        before=_answered("**/explore?objectType=root", lambda route: route.fulfill(json=[])),
    ),
    View(
        name="wizard-tables-failed",
        path="flows/new?account={account}&step=select",
        shows="The tables could not be listed",
        before=_refused("**/explore?objectType=root"),
    ),
    View(name="wizard-select", path=f"{_DRAFT}select", shows="Types come from a sample"),
    View(name="wizard-select-loading", path=f"{_DRAFT}select", shows="Loading", before=_waiting("objectType=table")),
    View(
        name="wizard-select-empty",
        path=f"{_DRAFT}select",
        shows="This table has no row yet",
        before=_answered(
            "**/explore?objectType=table*",
            lambda route: route.fulfill(json={"format": "flat", "schema": {"columns": []}, "sampledRowCount": 0}),
        ),
    ),
    View(name="wizard-filter", path=f"{_DRAFT}select", shows="Rows that meet", act=_filtered),
    View(name="wizard-details", path=f"{_DRAFT}details", shows="It will have"),
    View(name="wizard-details-missing", path=f"{_DRAFT}details", shows="needs your attention", act=_nameless),
    View(
        name="wizard-details-upsert",
        path=f"{_DRAFT}details",
        shows="Each needs a value in every row",
        act=lambda page: page.get_by_text("Upsert by key").first.click(),
    ),
    View(name="wizard-mapping", path=f"{_DRAFT}mapping", shows="Sample out"),
    View(
        name="wizard-import",
        path=f"{_DRAFT}mapping",
        shows="No file chosen",
        act=_steps(_click("button", "More tools"), _click("menuitem", "Import a CSV table…")),
    ),
    View(name="wizard-schedule", path=f"{_DRAFT}schedule", shows="Next runs"),
    View(name="wizard-review", path=f"{_DRAFT}review", shows="Source and filter"),
    View(
        name="wizard-publish-failed",
        path=f"{_DRAFT}review",
        shows="taken away again",
        before=_refused("**/flowservice/sourceConnections"),
        act=_click("button", "Publish"),
    ),
    View(
        name="wizard-publish-open",
        path=f"{_DRAFT}review",
        shows="it goes on from there",
        before=_of_the_first_thing(lambda route: route.abort()),
        act=_published_in_vain,
    ),
    View(
        name="wizard-publish-leaving",
        path=f"{_DRAFT}review",
        shows="Publishing is under way",
        before=_of_the_first_thing(lambda _route: None),
        act=_published_and_left,
    ),
    View(name="wizard-leaving", path=f"{_DRAFT}details", shows="Keep what you have", act=_changed_and_closed),
    View(name="wizard-draft-missing", path="flows/new?draft=none", shows="This draft is not here"),
    View(name="wizard-published", path="flows/new?done={flow}", shows="What was made"),
    View(name="edit-flow", path="flows/{flow}/edit", shows="What stays"),
    View(name="edit-flow-mapping", path="flows/{flow}/edit?step=mapping", shows="Sample out"),
    View(name="edit-flow-schedule", path="flows/{flow}/edit?step=schedule", shows="cannot become a recurring one"),
    View(name="edit-flow-review", path="flows/{flow}/edit?step=review", shows="Nothing is changed yet"),
    View(name="edit-flow-missing", path="flows/none/edit", shows="This dataflow is not here"),
    View(name="wizard-published-missing", path="flows/new?done=none", shows="This dataflow is not here"),
    View(name="session-ended", path="sources/accounts/{account}", shows="Your session has ended", act=_end_session),
    View(name="datasets", path="datasets", shows="Last written"),
    View(name="datasets-empty", path="datasets", shows="No dataset yet", before=_nothing_there(_DATASETS)),
    View(name="datasets-no-match", path="datasets?q=zzz", shows="No dataset fits"),
    View(name="datasets-loading", path="datasets", shows="Loading", before=_waiting("/dataSets?")),
    View(name="datasets-failed", path="datasets", shows="could not be listed", before=_refused(_DATASETS)),
    View(name="datasets-partial", path="datasets", shows="could not be read", before=_refused("**/datasets/labels?*")),
    View(name="dataset", path="datasets/{dataset}", shows="_tenant.level"),
    View(name="dataset-columns", path="datasets/{dataset}?tab=columns", shows="Open the schema"),
    View(name="dataset-snapshots", path="datasets/{dataset}?tab=snapshots", shows="Rows written"),
    View(name="dataset-reading", path="datasets/{dataset}?tab=reading", shows="Polars"),
    View(name="dataset-failed", path="datasets/{dataset}", shows="Why", before=_refused("**/dataSets/*")),
    View(name="dataset-rows-failed", path="datasets/{dataset}", shows="Why", before=_refused("**/preview")),
    View(
        name="dataset-no-rows",
        path="datasets/{dataset}",
        shows="No rows yet",
        before=_answered("**/preview", lambda route: route.fulfill(json={"data": []})),
    ),
    View(
        name="dataset-forbidden",
        path="datasets/{dataset}",
        shows="You may not see rows",
        before=_forbidden("view-sources"),
    ),
    View(name="dataset-missing", path="datasets/none", shows="This dataset is not here"),
    View(
        name="dataset-labels",
        path="datasets/{dataset}",
        shows="Directly identifying",
        act=_click("button", "Edit labels"),
    ),
    View(
        name="dataset-delete",
        path="datasets/{dataset}",
        shows="Delete it first",
        act=_after(_click("button", "Actions for"), _click("menuitem", "Delete…")),
    ),
    View(name="schemas", path="schemas", shows="Field groups"),
    View(name="schemas-no-match", path="schemas?q=zzz", shows="No schema fits"),
    View(
        name="schemas-empty",
        path="schemas",
        shows="No schema yet",
        before=_answered(_SCHEMAS, lambda route: route.fulfill(json={"results": [], "_page": {"next": None}})),
    ),
    View(name="schemas-loading", path="schemas", shows="Loading", before=_waiting("/tenant/schemas?")),
    View(name="schemas-failed", path="schemas", shows="could not be listed", before=_refused(_SCHEMAS)),
    View(name="schema-new", path="schemas?new=schema", shows="Demographic Details"),
    View(name="schema", path="schemas/{schema}", shows="Made of"),
    View(name="schema-field", path="schemas/{schema}?field=_tenant.level", shows="a row without it is rejected"),
    View(name="schema-missing", path="schemas/none", shows="This schema is not here"),
    View(name="schema-failed", path="schemas/{schema}", shows="Why", before=_refused("**/tenant/schemas/*")),
    View(
        name="schema-add-field",
        path="schemas/{schema}",
        shows="It fits.",
        act=_after(lambda page: page.get_by_role("button", name="Add field", exact=True).click(), _fill("Name", "x")),
    ),
    View(
        name="schema-refused",
        path="schemas/{schema}",
        shows="This change is not possible",
        act=_click("button", "Remove Own"),
    ),
    View(name="monitoring", path="monitoring", shows="Rows over time"),
    View(name="monitoring-table", path="monitoring?charts=table&range=7d", shows="As charts"),
    View(name="monitoring-sources", path="monitoring?view=sources", shows="Azure Table Storage"),
    View(name="monitoring-runs", path="monitoring?view=runs", shows="Duration"),
    View(name="monitoring-late", path="monitoring?only=late", shows="Nothing needs a look"),
    View(name="monitoring-loading", path="monitoring", shows="Loading", before=_waiting("/v1/monitoring")),
    View(name="monitoring-failed", path="monitoring", shows="could not be read", before=_refused(_MONITORING)),
    View(
        name="monitoring-stale",
        path="monitoring",
        shows="Updates have stopped",
        act=_after(
            lambda page: page.get_by_role("rowheader").first.wait_for(),
            _refused(_MONITORING),
            _click("button", "Update now"),
        ),
    ),
    View(name="sandboxes", path="sandboxes", shows="you are here"),
    View(name="sandboxes-forbidden", path="sandboxes", shows="needs the permission", before=_forbidden("view-sources")),
    View(name="sandboxes-failed", path="sandboxes", shows="Why", before=_refused("**/sandbox-management/sandboxes")),
    View(name="sandbox-new", path="sandboxes?new=sandbox", shows="It can be changed"),
    View(
        name="sandbox-reset",
        path="sandboxes",
        shows="to confirm",
        act=_after(_click("button", "Actions for Production"), _click("menuitem", "Reset…")),
    ),
    View(name="credentials", path="credentials", shows="Secret set"),
    View(
        name="credentials-forbidden", path="credentials", shows="need the permission", before=_forbidden("view-sources")
    ),
    View(name="credentials-failed", path="credentials", shows="Why", before=_refused("**/v1/credentials")),
    View(name="credential-new", path="credentials?new=credential", shows="Nobody grants"),
    View(name="credential-token", path="credentials?token=0f", shows="A token for curl"),
    View(
        name="credential-secret",
        path="credentials?new=credential",
        shows="Keep the secret now",
        act=_after(_fill("Name", "Seen once"), _click("button", "Make credential")),
    ),
    View(name="keys", path="flows", shows="Single keys", act=lambda page: page.keyboard.press("?")),
    View(name="no-page", path="nothing", shows="There is no such page"),
)
