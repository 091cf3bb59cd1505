"""Where resources live. Every method is one transaction, unless it is called inside `Database.transaction`."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Any, Final, Protocol, TypeVar

from flowservice.domain.connection import Connection, SourceConnection, TargetConnection
from flowservice.domain.connection_check import LastCheck
from flowservice.domain.criteria import Search
from flowservice.domain.dataset import Batch, Dataset
from flowservice.domain.dataset_labels import DatasetLabels, LabelsDue
from flowservice.domain.descriptor import Descriptor
from flowservice.domain.draft import Draft
from flowservice.domain.drift import SourceShape
from flowservice.domain.flow import Flow
from flowservice.domain.flow_line import FlowSearch, FlowsFound, RecentRun
from flowservice.domain.flow_version import FlowVersion
from flowservice.domain.identity import Credential, Entrant, Org, Sandbox, SandboxState, Scope
from flowservice.domain.label import CustomLabel
from flowservice.domain.mapping import MappingSet
from flowservice.domain.marketing_action import MarketingAction
from flowservice.domain.monitoring import Activity
from flowservice.domain.policy import EnabledCorePolicies, Policy
from flowservice.domain.query import Condition, Page, Query
from flowservice.domain.resource import Resource
from flowservice.domain.run import Run
from flowservice.domain.run_limits import AtWork
from flowservice.domain.schema import SchemaChange, SchemaResource
from flowservice.domain.session import Session, SignInCode
from flowservice.domain.spec import StoredSpec
from flowservice.domain.staging import SplitProgress, Staged

R = TypeVar("R", bound=Resource)
_PAGE: Final = 1_000


class Store(Protocol[R]):
    """Resources of one kind. Another scope's resources do not exist."""

    def get(self, scope: Scope, resource_id: str) -> R:
        """Raises NotFound."""

    def add(self, resource: R) -> None:
        """Store a new resource. Raises Conflict if the id is taken."""

    def add_all(self, resources: Sequence[R]) -> None:
        """Store new resources, in as few exchanges as there are tables. Raises Conflict if an id is taken."""

    def replace(self, old: R, new: R) -> None:
        """Write `new` if the stored resource still has the revision of `old`. Raises Stale otherwise, or NotFound."""

    def replace_all(self, pairs: Sequence[tuple[R, R]]) -> None:
        """As `replace` for each pair of an old and a new one, or nothing at all. Raises Stale, also for one not there.

        Where it is part of a transaction, that must not be committed after an error.
        """

    def delete(self, resource: R) -> None:
        """Remove it if it still has this revision. Raises Stale otherwise, or NotFound."""

    def list(self, scope: Scope, query: Query) -> Page[R]:
        """A page. Raises BadQuery for a token, path or value it cannot use."""

    def count(self, scope: Scope, query: Query) -> int:
        """How many match the conditions of `query`."""


def every(store: Store[R], scope: Scope, conditions: tuple[Condition, ...] = ()) -> Iterator[R]:
    """All resources that match the conditions, the newest first, read a page at a time."""
    after: str | None = None
    while True:
        page = store.list(scope, Query(conditions=conditions, limit=_PAGE, after=after))
        yield from page.items
        if (after := page.next) is None:
            return


class ConnectionStore(Store[Connection], Protocol):
    """Connections, and the secrets they keep."""

    def sealed(self, *, but: str = "", after: str = "", limit: int) -> Sequence[Connection]:
        """Connections of every scope that keep a secret, in the order of their ids, beyond the id `after`.

        Those whose sealed secret begins with `but` are left out.
        """

    def hold_keys(self, *, alone: bool = False) -> None:
        """Inside a transaction, and before anything else in it: let no key be removed until it ends.

        Whoever stores a newly sealed secret holds the keys, and whoever removes keys holds them `alone`. So a secret
        that is stored either was there when it was decided that a key may go, or is sealed knowing that it went.
        """


class ConnectionCheckStore(Protocol):
    """The last check of each connection. It goes when its connection goes."""

    def keep(self, scope: Scope, check: LastCheck) -> None:
        """In place of the one before; nothing happens where the scope has no such connection any more."""

    def all(self, scope: Scope) -> Sequence[LastCheck]:
        """Of every connection of the scope that was checked, the newest first."""


class FlowStore(Store[Flow], Protocol):
    """Flows, and which of them are due."""

    def due(self, *, at: datetime, limit: int, after: Flow | None = None) -> Sequence[Flow]:
        """Enabled flows of every scope with `next_run_at <= at`, the longest due first, beyond `after`."""

    def find(self, scope: Scope, search: FlowSearch) -> FlowsFound:
        """A part of the flows that fit, in the order that is asked for; what is equal stands newest first."""


class LabelsDueStore(Store[LabelsDue], Protocol):
    """Marks of tables that may not say their labels yet."""

    def oldest(self, *, limit: int) -> Sequence[LabelsDue]:
        """Marks of every scope, those first that have waited longest since they were last made."""


class RunStore(Store[Run], Protocol):
    """Runs."""

    def find(self, run_id: str) -> Run:
        """The run, of whatever scope: for the engine, which works for all of them. Raises NotFound."""

    def waiting(self, *, at: datetime, limit: int, after: Run | None = None) -> Sequence[Run]:
        """Runs of every scope that wait for a time that has come, the longest due first, beyond `after`."""

    def at_work(self, org_ids: Collection[str]) -> Sequence[AtWork]:
        """The flows of these organisations with a run that is queued or in progress."""

    def not_ended(self) -> Mapping[str, str]:
        """The ids of the runs of every scope that have not ended, also those that wait, each with its dataset's id."""

    def activity(self, scope: Scope, *, since: datetime, bucket: timedelta, buckets: int) -> Sequence[Activity]:
        """What the runs of a sandbox did that were made in the `buckets` buckets from `since` on."""

    def recent(self, scope: Scope, flow_ids: Sequence[str], *, each: int) -> Sequence[RecentRun]:
        """The newest runs of each of the flows, `each` of them at most; those of one flow the newest first."""

    def with_a_run_in_line(self, flow_ids: Collection[str]) -> AbstractSet[str]:
        """Those of the flows with a run that stands for a slot, repeats no other and has not begun."""


class TenancyStore(Protocol):
    """Organisations, their sandboxes and credentials."""

    def add_org(self, org: Org) -> None:
        """Raises Conflict."""

    def orgs(self) -> Sequence[Org]:
        """All of them, the oldest first."""

    def org(self, org_id: str) -> Org:
        """Raises NotFound."""

    def hold(self, org_id: str) -> None:
        """Inside a transaction: let no other one that holds the organisation go on until this one ends.

        Raises NotFound for an unknown organisation.
        """

    def add_sandbox(self, sandbox: Sandbox) -> None:
        """Raises Conflict if the organisation has one of that name that is not deleted."""

    def put_sandbox(self, sandbox: Sandbox) -> None:
        """Write a known sandbox anew. A deleted one gives its name free."""

    def sandbox(self, org_id: str, name: str) -> Sandbox:
        """The one of that name; if there is none, the one deleted last. Raises NotFound."""

    def sandboxes(self, org_id: str) -> Sequence[Sandbox]:
        """All of an organisation, deleted ones too, the default one first, then by name."""

    def sandboxes_in(self, states: Collection[SandboxState]) -> Sequence[Sandbox]:
        """Those of every organisation in one of these states."""

    def is_open(self, scope: Scope) -> bool:
        """Whether the sandbox exists and is active."""

    def add_credential(self, credential: Credential) -> None:
        """Raises Conflict."""

    def put_credential(self, credential: Credential) -> None:
        """Write a known credential anew. Raises NotFound."""

    def remove_credential(self, client_id: str) -> None:
        """Raises NotFound."""

    def credential(self, client_id: str) -> Credential:
        """Raises NotFound."""

    def entrant(self, client_id: str, sandbox_name: str | None) -> Entrant:
        """A credential with its organisation and the sandbox of that name (None: the default one), as they are now.

        Each call of a client asks, so it is one query. Raises NotFound for an unknown client id.
        """

    def credentials(self, org_id: str) -> Sequence[Credential]:
        """All of an organisation, the oldest first."""


class SessionStore(Protocol):
    """Sessions of browsers and the codes that begin them, by their hashes. Both go when their credential goes."""

    def add_code(self, code: SignInCode) -> None:
        """Raises NotFound for an unknown credential."""

    def take_code(self, hashed: str, *, at: datetime) -> str:
        """Remove a code that has not expired; the client id that it is of. No two callers get the same one.

        Raises NotFound.
        """

    def add(self, session: Session) -> None:
        """Raises NotFound for an unknown credential."""

    def get(self, hashed: str, *, at: datetime) -> Session:
        """Raises NotFound, also for one that has expired."""

    def remove(self, hashed: str) -> None:
        """End it; nothing happens where there is none."""

    def forget(self, *, before: datetime | None) -> None:
        """Remove the codes and sessions that had expired by then; None: all of them."""


class ContentsStore(Protocol):
    """All that a sandbox holds, of whatever kind: for emptying it."""

    def stop(self, sandbox_id: str) -> None:
        """Remove its flows, and its runs that have not begun: no further run begins."""

    def at_work(self, sandbox_id: str) -> int:
        """How many of its runs are in progress."""

    def remove(self, sandbox_id: str, *, limit: int) -> int:
        """Remove up to `limit` rows of each kind, with all that hangs on them; how many. 0: it is empty."""


R_co = TypeVar("R_co", bound=Resource, covariant=True)


class Searched(Protocol[R_co]):
    """Resources of one kind, found the way the catalog asks."""

    def find(self, scope: Scope, search: Search) -> Sequence[R_co]:
        """A page. Paths name the stored resource's fields, or columns. Raises BadQuery for a value that cannot be."""


class ProgressStore(Protocol):
    """What runs have planned and staged. The engine alone uses it."""

    def keep_plan(self, run_id: str, plan: Mapping[str, Any]) -> Mapping[str, Any]:
        """Store the plan of a run if it has none yet; the stored one either way."""

    def plan(self, run_id: str) -> Mapping[str, Any] | None:
        """The stored plan."""

    def begin(self, run_id: str, split: int) -> SplitProgress:
        """A new attempt at a split, with all that earlier attempts recorded. Earlier attempts can record no more."""

    def record(self, progress: SplitProgress, staged: Staged, *, done: bool) -> SplitProgress:
        """Add `staged` to the split. Raises Stale if another attempt has begun since."""

    def divide(
        self, progress: SplitProgress, *, kept: Mapping[str, Any], given: Mapping[str, Any], above: int
    ) -> SplitProgress:
        """From now on the split reads `kept`, and a further one, numbered beyond `above` and all others, `given`.

        That one is returned; nobody has begun it. Raises Stale if another attempt has begun since or the split is done.
        """

    def splits(self, run_id: str) -> Sequence[SplitProgress]:
        """Every split that was begun or divided, by number."""


class LeaseStore(Protocol):
    """Names that one of several processes holds at a time. Time is that of the database."""

    def take(self, name: str, holder: str, *, lasts: timedelta) -> bool:
        """Hold it for so long from now on, as before or anew; whether that is so. All who take it name one duration.

        False while somebody else holds it. Whoever stopped for longer than it lasts has lost it without noticing: it
        spares others the work, and guards nothing.
        """

    def give_up(self, name: str, holder: str) -> None:
        """Let others have it at once. Nothing happens where `holder` does not hold it."""

    def holder(self, name: str) -> str | None:
        """Who holds it now."""


class Database(Protocol):
    """All stores over one database. Any call may raise StoreUnavailable."""

    @property
    def tenancy(self) -> TenancyStore: ...
    @property
    def sessions(self) -> SessionStore: ...
    @property
    def connections(self) -> ConnectionStore: ...
    @property
    def connection_checks(self) -> ConnectionCheckStore: ...
    @property
    def source_connections(self) -> Store[SourceConnection]: ...
    @property
    def target_connections(self) -> Store[TargetConnection]: ...
    @property
    def flows(self) -> FlowStore: ...
    @property
    def flow_versions(self) -> Store[FlowVersion]: ...
    @property
    def runs(self) -> RunStore: ...
    @property
    def schemas(self) -> Store[SchemaResource]: ...
    @property
    def descriptors(self) -> Store[Descriptor]: ...
    @property
    def schema_changes(self) -> Store[SchemaChange]: ...
    @property
    def datasets(self) -> Store[Dataset]: ...
    @property
    def dataset_labels(self) -> Store[DatasetLabels]: ...
    @property
    def labels_due(self) -> LabelsDueStore: ...
    @property
    def batches(self) -> Store[Batch]: ...
    @property
    def mapping_sets(self) -> Store[MappingSet]: ...
    @property
    def custom_labels(self) -> Store[CustomLabel]: ...
    @property
    def marketing_actions(self) -> Store[MarketingAction]: ...
    @property
    def policies(self) -> Store[Policy]: ...
    @property
    def enabled_core_policies(self) -> Store[EnabledCorePolicies]: ...
    @property
    def drafts(self) -> Store[Draft]: ...
    @property
    def specs(self) -> Store[StoredSpec]: ...
    @property
    def source_shapes(self) -> Store[SourceShape]: ...
    @property
    def progress(self) -> ProgressStore: ...
    @property
    def dataset_search(self) -> Searched[Dataset]: ...
    @property
    def batch_search(self) -> Searched[Batch]: ...
    @property
    def contents(self) -> ContentsStore: ...
    @property
    def leases(self) -> LeaseStore: ...

    def transaction(self) -> AbstractContextManager["Database"]:
        """A database whose every call falls into one transaction, committed at the end and undone by an error."""

    @property
    def connection(self) -> Any:
        """Inside a transaction: the driver's connection, for an adapter that writes along (the run queue)."""

    def ping(self) -> None:
        """Return if the database answers."""
