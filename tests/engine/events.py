"""A source whose rows carry the time of their change and grow while flows run, and a recurring flow over it."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa

from flowservice.domain.connection import Connection
from flowservice.domain.flow import COPY, Flow, Transformation
from flowservice.domain.run import Run
from flowservice.domain.schedule import Frequency, Schedule
from flowservice.engine.execution import Execution
from flowservice.errors import NoSuchObject
from flowservice.sdk import SOURCE_TYPE, Batch, Cursor, Node, Reading, Sample, Selection, Split, first_rows
from tests.engine.world import NOON, SCOPE, STAMP, AtOnce, Hook, World, nothing

LAG = timedelta(minutes=2)
_CHANGED = pa.timestamp("us", "UTC")


@dataclass
class Events:
    """Rows (`n`, `changed`), dealt out to splits as they are when they are read; `hook` may raise before each batch."""

    rows: list[tuple[int, Any]] = field(default_factory=list)
    kind: pa.DataType = field(default_factory=lambda: _CHANGED)
    splits: int = 2
    batch_rows: int = 3
    hook: Hook = nothing
    asked: list[Selection] = field(default_factory=list)

    def open(self, connection: Connection) -> "Events":
        return self

    def check(self) -> None: ...

    def explore(self, path: str) -> Iterator[Node]:
        if path:
            raise NoSuchObject("there are no folders")
        yield Node(kind="table", name="numbers", path="numbers")

    def sample(self, path: str, *, rows: int) -> Sample:
        return first_rows(replace(self, hook=nothing, asked=[]), path, rows=rows)

    def plan(self, selection: Selection) -> Reading:
        if selection.path != "numbers":
            raise NoSuchObject("there is one table")
        self.hook("plan")
        self.asked.append(selection)
        return Reading(
            splits=tuple(
                Split(number=number, path=selection.path, columns=selection.columns, range={"of": self.splits})
                for number in range(self.splits)
            )
        )

    def read(self, split: Split, *, after: Cursor | None) -> Iterator[Batch]:
        # In the order of `n`, of which a cursor names the last one: rows that come later change no place.
        mine = sorted(row for row in self.rows if row[0] % split.range["of"] == split.number)
        left = [row for row in mine if after is None or row[0] > after["n"]]
        for low in range(0, len(left), self.batch_rows):
            self.hook("batch")
            part = left[low : low + self.batch_rows]
            columns = {
                "n": (pa.array([n for n, _ in part], pa.int64()), "long"),
                "changed": (pa.array([changed for _, changed in part], self.kind), "time"),
            }
            wanted = {name: column for name, column in columns.items() if name in (split.columns or columns)}
            schema = pa.schema(
                [pa.field(name, values.type, metadata={SOURCE_TYPE: kind}) for name, (values, kind) in wanted.items()]
            )
            rows = pa.RecordBatch.from_arrays([values for values, _ in wanted.values()], schema=schema)
            yield Batch(rows=rows, resume={"n": part[-1][0]}, wire_bytes=8 * len(part))

    def close(self) -> None: ...


@dataclass
class TimedEvents(Events):
    """The same with a clock of its own."""

    clock: datetime = NOON

    def server_time(self) -> datetime:
        return self.clock

    def open(self, connection: Connection) -> "TimedEvents":
        return self


@dataclass
class DatedEvents(TimedEvents):
    """The same, and each row tells when it was written: at noon, unless `written` says otherwise."""

    written: dict[int, datetime] = field(default_factory=dict)
    tells: bool = True

    def change_column(self) -> str | None:
        return "written" if self.tells else None

    def open(self, connection: Connection) -> "DatedEvents":
        return self

    def read(self, split: Split, *, after: Cursor | None) -> Iterator[Batch]:
        for batch in super().read(replace(split, columns=None), after=after):
            times = [self.written.get(n, NOON) for n in batch.rows.column("n").to_pylist()]
            rows = batch.rows.append_column("written", pa.array(times, _CHANGED))
            wanted = [name for name in rows.schema.names if name in (split.columns or rows.schema.names)]
            yield replace(batch, rows=rows.select(wanted))


@dataclass
class Recurring:
    """A world in which the flow recurs over events; a run is made and executed by `run`."""

    world: World
    events: Events

    @classmethod
    def at(cls, world: World, events: Events, **schedule: Any) -> "Recurring":
        """The world's flow by that schedule (hourly from noon unless told otherwise), over `events`."""
        known: dict[str, Any] = {"frequency": Frequency.HOUR, "interval": 1, "start_at": NOON}
        flow: Flow = world.database.flows.get(SCOPE, "flow")
        if not any(step.name == COPY for step in flow.transformations):
            copy = Transformation(name=COPY, params={"deltaColumn": {"name": "changed"}})
            recurring = replace(
                flow,
                schedule=Schedule(**(known | schedule)),
                transformations=(copy, *flow.transformations),
                stamp=flow.stamp.touched(),
            )
            world.database.flows.replace(flow, recurring)
        return cls(world, events)

    @property
    def execution(self) -> Execution:
        return replace(self.world.execution, sources=self.events, window_lag=LAG)

    def added(self, number: int, **more: Any) -> Run:
        """The run of that number, waiting to be executed."""
        run = Run(
            id=f"run{number}",
            stamp=STAMP,
            flow_id="flow",
            flow_spec=self.world.database.flows.get(SCOPE, "flow").flow_spec,
            source_connection_id="source",
            target_connection_id="target",
            dataset_id="dataset",
            number=number,
            batch_id=f"batch{number}",
            slot_at=NOON + (number - 1) * timedelta(hours=1),
        )
        run = replace(run, **more)
        self.world.database.runs.add(run)
        return run

    def run(self, number: int, **more: Any) -> Run:
        """The run of that number, made and executed."""
        self.added(number, **more)
        self.execution.execute(f"run{number}", AtOnce())
        return self.world.run(number)
