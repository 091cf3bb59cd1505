"""All stores over one SQL database."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, Protocol, TypeVar

import sqlalchemy as sa
from pydantic import TypeAdapter

from flowservice.adapters.sql import tables
from flowservice.adapters.sql.catalog_search import SqlSearch
from flowservice.adapters.sql.connection_checks import SqlConnectionChecks
from flowservice.adapters.sql.contents import SqlContents
from flowservice.adapters.sql.engine import without_transactions
from flowservice.adapters.sql.faults import translated
from flowservice.adapters.sql.flow_search import matching, newest_runs, ordered, recent_run
from flowservice.adapters.sql.leases import SqlLeases
from flowservice.adapters.sql.progress import SqlProgress
from flowservice.adapters.sql.refreshing import refresh
from flowservice.adapters.sql.resources import Connect, SqlStore
from flowservice.adapters.sql.search_rows import FEW, Search
from flowservice.adapters.sql.sessions import SqlSessions
from flowservice.adapters.sql.tenancy import SqlTenancy
from flowservice.domain.connection import Connection, SourceConnection, TargetConnection
from flowservice.domain.dataset import Batch, Dataset
from flowservice.domain.dataset_labels import DatasetLabels, LabelsDue
from flowservice.domain.descriptor import Descriptor
from flowservice.domain.draft import Draft
from flowservice.domain.drift import SourceShape
from flowservice.domain.epoch import milliseconds
from flowservice.domain.flow import Flow, FlowState
from flowservice.domain.flow_line import FlowSearch, FlowsFound, RecentRun
from flowservice.domain.flow_version import FlowVersion
from flowservice.domain.identity import Scope
from flowservice.domain.label import CustomLabel
from flowservice.domain.mapping import MappingSet
from flowservice.domain.marketing_action import MarketingAction
from flowservice.domain.monitoring import Activity
from flowservice.domain.policy import EnabledCorePolicies, Policy
from flowservice.domain.resource import Resource
from flowservice.domain.run import Run, RunState
from flowservice.domain.run_limits import AtWork
from flowservice.domain.schema import SchemaChange, SchemaResource
from flowservice.domain.search import SearchForm
from flowservice.domain.spec import StoredSpec
from flowservice.errors import NotFound

R = TypeVar("R", bound=Resource)

_CONNECTION: Final = TypeAdapter(Connection)
_SOURCE: Final = TypeAdapter(SourceConnection)
_TARGET: Final = TypeAdapter(TargetConnection)
_FLOW: Final = TypeAdapter(Flow)
_FLOW_VERSION: Final = TypeAdapter(FlowVersion)
_RUN: Final = TypeAdapter(Run)
_SCHEMA: Final = TypeAdapter(SchemaResource)
_DESCRIPTOR: Final = TypeAdapter(Descriptor)
_SCHEMA_CHANGE: Final = TypeAdapter(SchemaChange)
_DATASET: Final = TypeAdapter(Dataset)
_DATASET_LABELS: Final = TypeAdapter(DatasetLabels)
_LABELS_DUE: Final = TypeAdapter(LabelsDue)
_BATCH: Final = TypeAdapter(Batch)
_MAPPING_SET: Final = TypeAdapter(MappingSet)
_CUSTOM_LABEL: Final = TypeAdapter(CustomLabel)
_MARKETING_ACTION: Final = TypeAdapter(MarketingAction)
_POLICY: Final = TypeAdapter(Policy)
_ENABLED_CORE: Final = TypeAdapter(EnabledCorePolicies)
_DRAFT: Final = TypeAdapter(Draft)
_SPEC: Final = TypeAdapter(StoredSpec)
_SHAPE: Final = TypeAdapter(SourceShape)

_KEYS_LOCK: Final = int.from_bytes(b"flowkeys", "big")


def _run_columns(run: Run) -> dict[str, Any]:
    waits_for = run.starts_at if run.is_waiting else None
    return {
        "flow_id": run.flow_id,
        "starts_at_ms": None if waits_for is None else milliseconds(waits_for),
        "connection_id": run.connection_id,
    }


class SqlConnections(SqlStore[Connection]):
    """Fills `ports.database.ConnectionStore`."""

    def sealed(self, *, but: str = "", after: str = "", limit: int) -> Sequence[Connection]:
        table = self.table
        sealed = table.c.document["auth", "sealed"].as_string()
        query = sa.select(table.c.document).where(table.c.id > after, sealed != "").order_by(table.c.id).limit(limit)
        if but:
            # Not LIKE: on SQLite it takes capital letters for small ones.
            query = query.where(sa.func.substr(sealed, 1, len(but)) != but)
        with self.connect(reading=True) as connection:
            return [_CONNECTION.validate_python(document) for document in connection.execute(query).scalars()]

    def hold_keys(self, *, alone: bool = False) -> None:
        with self.connect() as connection:
            if connection.dialect.name == "postgresql":
                lock = sa.func.pg_advisory_xact_lock if alone else sa.func.pg_advisory_xact_lock_shared
                connection.execute(sa.select(lock(_KEYS_LOCK)))
            else:
                # A write takes SQLite's one write lock, whether or not it finds a row.
                connection.execute(self.table.update().where(sa.false()).values(id=""))


class SqlFlows(SqlStore[Flow]):
    """Fills `ports.database.FlowStore`."""

    def due(self, *, at: datetime, limit: int, after: Flow | None = None) -> Sequence[Flow]:
        table = self.table
        due = table.c.next_run_at_ms
        query = sa.select(table.c.document).where(due <= milliseconds(at), table.c.state == FlowState.ENABLED.value)
        if after is not None and after.next_run_at is not None:
            query = query.where(sa.tuple_(due, table.c.id) > (milliseconds(after.next_run_at), after.id))
        query = query.order_by(due, table.c.id).limit(limit)
        with self.connect(reading=True) as connection:
            return [_FLOW.validate_python(document) for document in connection.execute(query).scalars()]

    def find(self, scope: Scope, search: FlowSearch) -> FlowsFound:
        table, fits = self.table, matching(scope, search)
        query = sa.select(table.c.document).where(*fits).order_by(*ordered(search))
        with self.connect(reading=True) as connection:
            count = connection.execute(sa.select(sa.func.count()).select_from(table).where(*fits)).scalar_one()
            documents = connection.execute(query.limit(search.limit).offset(search.offset)).scalars()
            return FlowsFound(flows=[_FLOW.validate_python(document) for document in documents], count=int(count))


class SqlLabelsDue(SqlStore[LabelsDue]):
    """Fills `ports.database.LabelsDueStore`."""

    def oldest(self, *, limit: int) -> Sequence[LabelsDue]:
        table = self.table
        query = sa.select(table.c.document).order_by(table.c.updated_at_ms, table.c.id).limit(limit)
        with self.connect(reading=True) as connection:
            return [_LABELS_DUE.validate_python(document) for document in connection.execute(query).scalars()]


class SqlRuns(SqlStore[Run]):
    """Fills `ports.database.RunStore`."""

    def find(self, run_id: str) -> Run:
        query = sa.select(self.table.c.document).where(self.table.c.id == run_id)
        with self.connect(reading=True) as connection:
            document = connection.execute(query).scalar_one_or_none()
        if document is None:
            raise NotFound("run not found with the given id", advice="GET /runs lists the runs.")
        return _RUN.validate_python(document)

    def waiting(self, *, at: datetime, limit: int, after: Run | None = None) -> Sequence[Run]:
        table, due = self.table, self.table.c.starts_at_ms
        query = sa.select(table.c.document).where(due <= milliseconds(at))
        if after is not None and after.starts_at is not None:
            query = query.where(sa.tuple_(due, table.c.id) > (milliseconds(after.starts_at), after.id))
        with self.connect(reading=True) as connection:
            documents = connection.execute(query.order_by(due, table.c.id).limit(limit)).scalars()
            return [_RUN.validate_python(document) for document in documents]

    def at_work(self, org_ids: Collection[str]) -> Sequence[AtWork]:
        table = self.table
        own = (table.c.flow_id, table.c.org_id, table.c.sandbox_id, table.c.connection_id)
        query = sa.select(*own).distinct().where(tables.AT_WORK, table.c.org_id.in_(org_ids))
        with self.connect(reading=True) as connection:
            return [AtWork(**row._mapping) for row in connection.execute(query)]

    def not_ended(self) -> Mapping[str, str]:
        table = self.table
        is_wanted = table.c.state.in_([RunState.SCHEDULED.value, RunState.IN_PROGRESS.value])
        with self.connect(reading=True) as connection:
            documents = connection.execute(sa.select(table.c.document).where(is_wanted)).scalars()
            runs = [_RUN.validate_python(document) for document in documents]
        return {run.id: run.dataset_id for run in runs}

    def activity(self, scope: Scope, *, since: datetime, bucket: timedelta, buckets: int) -> Sequence[Activity]:
        table, shown = self.table, tables.runs_search
        first, length = milliseconds(since), round(bucket / timedelta(milliseconds=1))
        place = (shown.c.created_at_ms - first) // length
        rows = (shown.c.records_read, shown.c.records_written, shown.c.records_rejected)
        # A run that was cut off does not know: it shows less than nothing.
        sums = [sa.func.coalesce(sa.func.sum(sa.case((column > 0, column), else_=0)), 0) for column in rows]
        query = (
            sa.select(shown.c.flow_id, place, table.c.state, sa.func.count(), *sums)
            .join_from(shown, table, shown.c.id == table.c.id)
            .where(
                shown.c.sandbox_id == scope.sandbox_id,
                shown.c.created_at_ms >= first,
                shown.c.created_at_ms < first + buckets * length,
            )
            .group_by(shown.c.flow_id, place, table.c.state)
        )
        with self.connect(reading=True) as connection:
            found = connection.execute(query).all()
        return [
            Activity(
                flow_id=flow_id,
                bucket=int(at),
                state=RunState(state),
                runs=runs,
                read=int(read),
                written=int(written),
                rejected=int(rejected),
            )
            for flow_id, at, state, runs, read, written, rejected in found
        ]

    def recent(self, scope: Scope, flow_ids: Sequence[str], *, each: int) -> Sequence[RecentRun]:
        if not flow_ids:
            return []
        with self.connect(reading=True) as connection:
            return [recent_run(row) for row in connection.execute(newest_runs(scope, flow_ids, each=each))]

    def with_a_run_in_line(self, flow_ids: Collection[str]) -> AbstractSet[str]:
        table = self.table
        is_wanted = sa.and_(table.c.flow_id.in_(flow_ids), table.c.state == RunState.SCHEDULED.value)
        with self.connect(reading=True) as connection:
            documents = connection.execute(sa.select(table.c.document).where(is_wanted)).scalars()
            runs = [_RUN.validate_python(document) for document in documents]
        return {run.flow_id for run in runs if run.slot_at is not None and run.parent_id is None}


class Forms(Protocol):
    """The search form of every kind of resource that is searched."""

    @property
    def connections(self) -> SearchForm[Connection]: ...
    @property
    def source_connections(self) -> SearchForm[SourceConnection]: ...
    @property
    def target_connections(self) -> SearchForm[TargetConnection]: ...
    @property
    def flows(self) -> SearchForm[Flow]: ...
    @property
    def runs(self) -> SearchForm[Run]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SqlDatabase:
    """Fills `ports.database.Database`; inside a transaction every store shares one connection."""

    engine: sa.Engine
    forms: Forms | None = None
    """Without them nothing is searched by what clients see."""
    few: int = FEW
    """How many rows a search reads before it tries another plan."""
    open_connection: sa.Connection | None = None
    tenancy: SqlTenancy = field(init=False)
    sessions: SqlSessions = field(init=False)
    connections: SqlConnections = field(init=False)
    connection_checks: SqlConnectionChecks = field(init=False)
    source_connections: SqlStore[SourceConnection] = field(init=False)
    target_connections: SqlStore[TargetConnection] = field(init=False)
    flows: SqlFlows = field(init=False)
    flow_versions: SqlStore[FlowVersion] = field(init=False)
    runs: SqlRuns = field(init=False)
    schemas: SqlStore[SchemaResource] = field(init=False)
    descriptors: SqlStore[Descriptor] = field(init=False)
    schema_changes: SqlStore[SchemaChange] = field(init=False)
    datasets: SqlStore[Dataset] = field(init=False)
    dataset_labels: SqlStore[DatasetLabels] = field(init=False)
    labels_due: SqlLabelsDue = field(init=False)
    batches: SqlStore[Batch] = field(init=False)
    mapping_sets: SqlStore[MappingSet] = field(init=False)
    custom_labels: SqlStore[CustomLabel] = field(init=False)
    marketing_actions: SqlStore[MarketingAction] = field(init=False)
    policies: SqlStore[Policy] = field(init=False)
    enabled_core_policies: SqlStore[EnabledCorePolicies] = field(init=False)
    drafts: SqlStore[Draft] = field(init=False)
    specs: SqlStore[StoredSpec] = field(init=False)
    source_shapes: SqlStore[SourceShape] = field(init=False)
    progress: SqlProgress = field(init=False)
    contents: SqlContents = field(init=False)
    leases: SqlLeases = field(init=False)
    dataset_search: SqlSearch[Dataset] = field(init=False)
    batch_search: SqlSearch[Batch] = field(init=False)

    def __post_init__(self) -> None:
        connect, forms = self._connect(), self.forms
        stores = {
            "tenancy": SqlTenancy(connect=connect),
            "sessions": SqlSessions(connect=connect),
            "connection_checks": SqlConnectionChecks(connect=connect),
            "connections": SqlConnections(
                noun="connection",
                table=tables.connections,
                adapter=_CONNECTION,
                connect=connect,
                search=self._search(tables.connections_search, forms.connections if forms else None),
            ),
            "source_connections": SqlStore(
                noun="source connection",
                table=tables.source_connections,
                adapter=_SOURCE,
                connect=connect,
                own=lambda source: {"base_connection_id": source.base_connection_id},
                search=self._search(tables.source_connections_search, forms.source_connections if forms else None),
            ),
            "target_connections": SqlStore(
                noun="target connection",
                table=tables.target_connections,
                adapter=_TARGET,
                connect=connect,
                search=self._search(tables.target_connections_search, forms.target_connections if forms else None),
            ),
            "flows": SqlFlows(
                noun="flow",
                table=tables.flows,
                adapter=_FLOW,
                connect=connect,
                own=lambda flow: {"next_run_at_ms": milliseconds(flow.next_run_at) if flow.next_run_at else None},
                search=self._search(tables.flows_search, forms.flows if forms else None),
            ),
            "flow_versions": SqlStore(
                noun="version of a flow",
                table=tables.flow_versions,
                adapter=_FLOW_VERSION,
                connect=connect,
                own=lambda version: {"flow_id": version.flow_id},
            ),
            "runs": SqlRuns(
                noun="run",
                table=tables.runs,
                adapter=_RUN,
                connect=connect,
                own=_run_columns,
                search=self._search(tables.runs_search, forms.runs if forms else None),
            ),
            "schemas": SqlStore(
                noun="schema",
                table=tables.schemas,
                adapter=_SCHEMA,
                connect=connect,
                own=lambda schema: {"alt_id": schema.alt_id, "kind": schema.kind.value},
            ),
            "descriptors": SqlStore(
                noun="descriptor",
                table=tables.descriptors,
                adapter=_DESCRIPTOR,
                connect=connect,
                own=lambda descriptor: {"schema_id": descriptor.schema_id},
            ),
            "schema_changes": SqlStore(
                noun="change of a schema",
                table=tables.schema_changes,
                adapter=_SCHEMA_CHANGE,
                connect=connect,
                own=lambda change: {"schema_id": change.schema_id},
            ),
            "datasets": SqlStore(noun="dataset", table=tables.datasets, adapter=_DATASET, connect=connect),
            "dataset_labels": SqlStore(
                noun="labels of the dataset", table=tables.dataset_labels, adapter=_DATASET_LABELS, connect=connect
            ),
            "labels_due": SqlLabelsDue(noun="mark", table=tables.labels_due, adapter=_LABELS_DUE, connect=connect),
            "batches": SqlStore(
                noun="batch",
                table=tables.batches,
                adapter=_BATCH,
                connect=connect,
                own=lambda batch: {"dataset_id": batch.dataset_id, "state": batch.status.value},
            ),
            "mapping_sets": SqlStore(
                noun="mapping set", table=tables.mapping_sets, adapter=_MAPPING_SET, connect=connect
            ),
            "custom_labels": SqlStore(
                noun="custom label", table=tables.custom_labels, adapter=_CUSTOM_LABEL, connect=connect
            ),
            "marketing_actions": SqlStore(
                noun="marketing action", table=tables.marketing_actions, adapter=_MARKETING_ACTION, connect=connect
            ),
            "policies": SqlStore(noun="policy", table=tables.policies, adapter=_POLICY, connect=connect),
            "enabled_core_policies": SqlStore(
                noun="list of enabled core policies",
                table=tables.enabled_core_policies,
                adapter=_ENABLED_CORE,
                connect=connect,
            ),
            "drafts": SqlStore(noun="draft", table=tables.drafts, adapter=_DRAFT, connect=connect),
            "specs": SqlStore(
                noun="spec",
                table=tables.specs,
                adapter=_SPEC,
                connect=connect,
                own=lambda spec: {"kind": spec.kind.value},
            ),
            "source_shapes": SqlStore(noun="source shape", table=tables.source_shapes, adapter=_SHAPE, connect=connect),
            "progress": SqlProgress(connect=connect),
            "contents": SqlContents(connect=connect),
            "leases": SqlLeases(connect=connect),
            "dataset_search": SqlSearch(table=tables.datasets, adapter=_DATASET, connect=connect),
            "batch_search": SqlSearch(table=tables.batches, adapter=_BATCH, connect=connect),
        }
        for name, store in stores.items():
            object.__setattr__(self, name, store)

    def _search(self, table: sa.Table, form: SearchForm[R] | None) -> Search[R] | None:
        return None if form is None else Search(table=table, form=form, few=self.few)

    def _connect(self) -> Connect:
        inside = self.open_connection
        if inside is not None:
            return lambda *, reading=False: nullcontext(inside)  # noqa: ARG005 - a read takes part in it too
        readers = without_transactions(self.engine)

        @contextmanager
        def own(*, reading: bool = False) -> Iterator[sa.Connection]:
            with translated(), readers.connect() if reading else self.engine.begin() as connection:
                yield connection

        return own

    @contextmanager
    def _begun(self) -> Iterator[sa.Connection]:
        """A connection in a transaction of its own. Raises StoreUnavailable."""
        with translated(), self.engine.begin() as connection:
            yield connection

    @property
    def connection(self) -> sa.Connection:
        if self.open_connection is None:
            raise RuntimeError("there is no transaction")
        return self.open_connection

    @contextmanager
    def transaction(self) -> Iterator["SqlDatabase"]:
        if self.open_connection is not None:
            yield self
            return
        with self._begun() as connection:
            yield SqlDatabase(engine=self.engine, forms=self.forms, few=self.few, open_connection=connection)

    def refresh_search(self) -> int:
        """Make search rows anew where their form is not this version's; how many. Quick where there are none."""
        stores = (self.connections, self.source_connections, self.target_connections, self.flows, self.runs)
        return sum(refresh(store) for store in stores)

    def ping(self) -> None:
        with self._begun() as connection:
            connection.execute(sa.select(1))
