"""A small world for runs: a source that counts, a mapping of two columns, a real lake and a real database."""

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from threading import Event, Lock
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from flowservice.adapters.delta import DeltaLake, Folder
from flowservice.adapters.duckdb.quarantine import LakeQuarantine
from flowservice.adapters.sql.database import SqlDatabase
from flowservice.adapters.sql.engine import open_engine
from flowservice.adapters.sql.migrate import migrate
from flowservice.domain.connection import Connection, SourceConnection
from flowservice.domain.dataset import Dataset, SchemaRef
from flowservice.domain.drift import Change
from flowservice.domain.flow import Endpoint, Flow, Transformation
from flowservice.domain.identity import Org, Sandbox, SandboxState, Scope
from flowservice.domain.mapping import MappingSet, MappingVersion
from flowservice.domain.quarantine import Wanted
from flowservice.domain.resource import Mark, SpecRef, Stamp
from flowservice.domain.run import Run, Tally
from flowservice.domain.schedule import Frequency, Schedule
from flowservice.engine.execution import Execution
from flowservice.engine.patience import Patience
from flowservice.engine.row_mapper import REJECTS, Mapped
from flowservice.engine.split_runner import ThreadSplits
from flowservice.engine.step import PartLimits
from flowservice.errors import ColumnsNotAddable, NotFound
from flowservice.ports.runtime import AddingColumns
from flowservice.sdk import Batch, Cursor, Division, Node, Reading, Sample, Selection, Split
from flowservice.service.table_labels import TableLabels

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SCOPE = Scope(org_id="org", sandbox_id="sandbox", sandbox_name="prod")
STAMP = Stamp(
    scope=SCOPE, created=Mark(at=NOON, by="user", client="client"), updated=Mark(at=NOON, by="user", client="client")
)
SPEC = SpecRef(id="spec")
Hook = Callable[[str], None]


def nothing(_: str) -> None:
    return


@dataclass
class Numbers:
    """A source of the numbers 0 … rows-1, dealt out to splits; `hook` may raise before each batch."""

    rows: int = 1000
    splits: int = 3
    batch_rows: int = 40
    hook: Hook = nothing
    opened: int = 0
    closed: int = 0

    def open(self, connection: Connection) -> "Numbers":
        self.opened += 1
        return self

    def check(self) -> None: ...

    def explore(self, path: str) -> Iterator[Node]:
        yield Node(kind="table", name="numbers", path="numbers")

    def sample(self, path: str, *, rows: int) -> Sample:
        return Sample(rows=pa.table({"n": pa.array(range(min(rows, self.rows)), pa.int64())}))

    def plan(self, selection: Selection) -> Reading:
        self.hook("plan")
        per_split = -(-self.rows // self.splits)
        return Reading(
            splits=tuple(
                Split(
                    number=number,
                    path=selection.path,
                    columns=selection.columns,
                    range={"from": number * per_split, "to": min((number + 1) * per_split, self.rows)},
                )
                for number in range(self.splits)
            )
        )

    def read(self, split: Split, *, after: Cursor | None) -> Iterator[Batch]:
        first = after["next"] if after else split.range["from"]
        for low in range(first, split.range["to"], self.batch_rows):
            self.hook("batch")
            high = min(low + self.batch_rows, split.range["to"])
            values = pa.array(range(low, high), pa.int64())
            yield Batch(rows=pa.record_batch({"n": values}), resume={"next": high}, wire_bytes=high - low)

    def close(self) -> None:
        self.closed += 1


@dataclass
class Sparse(Numbers):
    """Looks at the numbers one by one and finds every hundredth: most of its batches have neither rows nor columns."""

    def read(self, split: Split, *, after: Cursor | None) -> Iterator[Batch]:
        first = after["next"] if after else split.range["from"]
        for n in range(first, split.range["to"]):
            self.hook("batch")
            found = pa.record_batch({"n": [n]}) if n % 100 == 99 else pa.RecordBatch.from_pydict({})
            yield Batch(rows=found, resume={"next": n + 1}, wire_bytes=1)


@dataclass
class Divisible(Numbers):
    """Gives away the rear half of what a split has left, if that is two batches or more.

    If it is `awaited`, whoever reads stands still after the first batch until a part was taken: else, where the machine
    is busy, everything might be read before another thread asks.
    """

    steals: int = 0
    awaited: bool = False
    taken: Event = field(default_factory=Event)
    _left: dict[int, list[int]] = field(default_factory=dict)
    """By split: the next number, and the end."""
    _moving: Lock = field(default_factory=Lock)

    def read(self, split: Split, *, after: Cursor | None) -> Iterator[Batch]:
        left = self._left[split.number] = [after["next"] if after else split.range["from"], split.range["to"]]
        return self._upward(left)

    def _upward(self, left: list[int]) -> Iterator[Batch]:
        for number in itertools.count():
            self.hook("batch")
            if self.awaited and number == 1:
                assert self.taken.wait(timeout=30)
            with self._moving:
                low, high = left[0], min(left[0] + self.batch_rows, left[1])
                left[0] = high
            if low >= high:
                return
            yield Batch(rows=pa.record_batch({"n": pa.array(range(low, high), pa.int64())}), resume={"next": high})

    def steal(self, split: Split) -> Division | None:
        self.hook("steal")
        with self._moving:
            left = self._left.get(split.number)
            if left is None or left[1] - left[0] < 2 * self.batch_rows:
                return None
            end, left[1] = left[1], (left[0] + left[1]) // 2
            self.steals += 1
            self.taken.set()
            return Division(kept={**split.range, "to": left[1]}, given={"from": left[1], "to": end})


@dataclass(frozen=True)
class Doubling:
    """Maps `n` to `n` and `double`; every number divisible by `reject_every` is rejected.

    With `modulo`, `n` is what is left of the number after division, as a key that several rows share.
    """

    reject_every: int = 0
    lose_one: bool = False
    modulo: int = 0
    schema: pa.Schema = field(
        default_factory=lambda: pa.schema([("n", pa.int64()), ("nested", pa.struct([("double", pa.int64())]))])
    )
    source_columns: tuple[str, ...] = ("n",)

    def apply(self, batch: pa.RecordBatch) -> Mapped:
        # Quarantine hands rows over as text.
        numbers = batch.column("n").cast(pa.int64())
        bad = pa.array([self.reject_every > 0 and n % self.reject_every == 0 for n in numbers.to_pylist()], pa.bool_())
        good = numbers.filter(pc.invert(bad))
        if self.lose_one:
            good = good.slice(1)
        nested = pa.StructArray.from_arrays([pc.multiply(good, 2)], fields=list(self.schema.field("nested").type))
        if self.modulo:
            good = pa.array([n % self.modulo for n in good.to_pylist()], pa.int64())
        refused = numbers.filter(bad).to_pylist()
        rejects = [
            {"code": "INGEST-1555-400", "field": "n", "message": "not wanted", "value": str(n), "row": f'{{"n":"{n}"}}'}
            for n in refused
        ]
        return Mapped(
            kept=pc.invert(bad),
            rows=pa.Table.from_arrays([good, nested], schema=self.schema),
            rejects=pa.Table.from_pylist(rejects, REJECTS),
            rejections=(Tally(code="INGEST-1555-400", field="n", message="not wanted", count=len(refused)),)
            if refused
            else (),
        )


class AddsNothing:
    """Schemas that the service may not change."""

    def add(self, flow: Flow, columns: Sequence[Change]) -> None:
        raise ColumnsNotAddable("the schema is not ours")


@dataclass
class World:
    """Everything a run touches, below one folder. A second world on the same folder is a restarted process."""

    home: Path
    source: Numbers = field(default_factory=Numbers)
    mapper: Doubling = field(default_factory=Doubling)
    tolerated_percent: float = 0
    part_rows: int = 100
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    lake: Any = None
    database: Any = None
    slept: list[float] = field(default_factory=list)
    stopping: Callable[[], bool] = lambda: False
    threads: int = 8
    keys: tuple[str, ...] = ()
    """By which rows are upserted; none: they are appended."""
    adding: AddingColumns = field(default_factory=AddsNothing)
    url: str = ""
    """Of the database; SQLite below the home unless given."""

    def __post_init__(self) -> None:
        self.url = self.url or f"sqlite:///{self.home / 'store.db'}"
        engine = open_engine(self.url)
        migrate(engine)
        self.database = self.database or SqlDatabase(engine=engine)
        self.lake = self.lake or DeltaLake(Folder(self.home / "lake"))
        self._furnish()

    @property
    def execution(self) -> Execution:
        return Execution(
            database=self.database,
            lake=self.lake,
            quarantine=LakeQuarantine(self.lake),
            sources=self.source,
            mapper_for=lambda mapping_set, version, dataset, keys=(): self.mapper,
            now=self.clock,
            adding=self.adding,
            labelling=TableLabels(database=self.database, lake=self.lake),
            splits=ThreadSplits(self.threads),
            limits=PartLimits(part_rows=self.part_rows),
            patience=Patience(tries=4, sleep=self.slept.append, stopping=self.stopping),
        )

    def add_run(self, number: int = 1, **more: Any) -> Run:
        run = Run(
            id=f"run{number}",
            stamp=STAMP,
            flow_id="flow",
            flow_spec=SPEC,
            source_connection_id="source",
            target_connection_id="target",
            dataset_id="dataset",
            number=number,
            batch_id=f"batch{number}",
        )
        run = replace(run, **more)
        self.database.runs.add(run)
        return run

    def undone(self, number: int, *, by: int) -> Run:
        """The undo of the run of that number: made, with its own number, and executed."""
        return self.executed(by, undoes=f"run{number}", window=self.run(number).window)

    def executed(self, number: int = 1, **more: Any) -> Run:
        """The run of that number, made and executed."""
        self.add_run(number, **more)
        self.execution.execute(f"run{number}", AtOnce())
        return self.run(number)

    def replayed(self, number: int, *, by: int, **more: Any) -> Run:
        """The replay of the rejected rows of the run of that number: made, with its own number, and executed."""
        return self.executed(by, replays=f"run{number}", window=self.run(number).window, **more)

    def run(self, number: int = 1) -> Run:
        found: Run = self.database.runs.find(f"run{number}")
        return found

    def landed(self) -> list[int]:
        dataset: Dataset = self.database.datasets.get(SCOPE, "dataset")
        table = self.lake.dataset(dataset.table)
        return sorted(table.to_table().column("n").to_pylist()) if table else []

    def quarantined(self) -> list[dict[str, Any]]:
        dataset: Dataset = self.database.datasets.get(SCOPE, "dataset")
        table = self.lake.dataset(dataset.quarantine)
        rows: list[dict[str, Any]] = table.to_table().to_pylist() if table else []
        return rows

    def rejects(self, number: int = 1, **more: Any) -> dict[int, str]:
        """What became of each rejected number of the run of that number."""
        dataset: Dataset = self.database.datasets.get(SCOPE, "dataset")
        wanted = Wanted(run_id=f"run{number}", **more)
        found = LakeQuarantine(self.lake).page(dataset.quarantine, wanted, limit=10_000)
        return {int(reject.row["n"]): reject.state.value for reject in found}

    def files(self) -> set[str]:
        """Parquet files and unfinished ones below the lake that no table names."""
        dataset: Dataset = self.database.datasets.get(SCOPE, "dataset")
        orphans = set()
        for table in (dataset.table, dataset.quarantine):
            root = Path(self.lake.location(table))
            known = self.lake.dataset(table)
            named = {Path(path).name for path in known.files} if known else set()
            found = {path.name for path in root.rglob("*") if path.is_file() and "_delta_log" not in path.parts}
            orphans |= found - named
        return orphans

    def _furnish(self) -> None:
        try:
            self.database.flows.get(SCOPE, "flow")
        except NotFound:
            pass
        else:
            return
        self.database.tenancy.add_org(Org(id="org", tenant_id="tenant", created_at=NOON))
        self.database.tenancy.add_sandbox(
            Sandbox(
                id="sandbox",
                org_id="org",
                name="prod",
                title="",
                type="production",
                state=SandboxState.ACTIVE,
                region="",
                is_default=True,
                revision=1,
                created_at=NOON,
                created_by="user",
                updated_at=NOON,
                updated_by="user",
            )
        )
        self.database.connections.add(Connection(id="base", stamp=STAMP, spec=SPEC))
        self.database.source_connections.add(
            SourceConnection(
                id="source", stamp=STAMP, spec=SPEC, base_connection_id="base", params={"tableName": "numbers"}
            )
        )
        self.database.datasets.add(
            Dataset(id="dataset", stamp=STAMP, schema_ref=SchemaRef(id="schema", content_type="json"))
        )
        self.database.mapping_sets.add(
            MappingSet(
                id="mapping",
                stamp=STAMP,
                versions=(MappingVersion(version=1, schema_id="schema", schema_content_type="json", mappings=()),),
            )
        )
        self.database.flows.add(
            Flow(
                id="flow",
                stamp=STAMP,
                flow_spec=SPEC,
                source=Endpoint(id="source", spec=SPEC, base_connection_id="base", params={"tableName": "numbers"}),
                target=Endpoint(
                    id="target",
                    spec=SPEC,
                    params={"writeMode": "upsert", "keyFields": list(self.keys)} if self.keys else {},
                ),
                schedule=Schedule(frequency=Frequency.ONCE, start_at=NOON),
                schedule_sent={},
                transformations=(Transformation(name="Mapping", params={"mappingId": "mapping", "mappingVersion": 1}),),
                options={"partialIngestionPercent": self.tolerated_percent} if self.tolerated_percent else {},
            )
        )


class AtOnce:
    """Steps that forget: a replay repeats them all, which is the hardest case."""

    def run(self, name: str, step: Callable[[], Any]) -> Any:
        return step()
