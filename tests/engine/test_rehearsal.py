"""A dry run tells what the next run would do with its first rows, and changes nothing anywhere."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from sqlalchemy import MetaData, select

from flowservice.domain.dry_run import Cut, DryRun
from flowservice.domain.flow import Flow
from flowservice.domain.run import Tally
from flowservice.domain.window import DeltaColumn, Window
from flowservice.engine.rehearsal import Rehearsal
from flowservice.errors import BadCredentials, MissingDeltaColumn, MissingMapping, NotFound, SourceUnavailable
from tests.engine.events import LAG, Events, Recurring, TimedEvents
from tests.engine.world import NOON, SCOPE, Doubling, Numbers, Sparse, World

MINUTE = timedelta(minutes=1)


@dataclass
class Watch:
    """Seconds; each look at it costs `step`."""

    step: float = 0.0
    at: float = 0.0

    def __call__(self) -> float:
        self.at += self.step
        return self.at


@dataclass
class Rehearsed:
    """A world in which the flow is tried."""

    world: World
    sources: Any = None
    watch: Watch = field(default_factory=Watch)
    opened: int = 0

    @property
    def flow(self) -> Flow:
        flow: Flow = self.world.database.flows.get(SCOPE, "flow")
        params = {"dataSetId": "dataset", **flow.target.params}
        return replace(flow, target=replace(flow.target, params=params))

    def filtering(self, wanted: Mapping[str, Any]) -> Flow:
        """The flow with a row filter."""
        flow = self.flow
        return replace(flow, source=replace(flow.source, params={**flow.source.params, "filters": wanted}))

    def dry_run(self, rows: int = 1000, flow: Flow | None = None) -> DryRun:
        """What came of it. Fails if anything in the store or the lake has changed."""
        world = self.world
        rehearsal = Rehearsal(
            database=world.database,
            lake=world.lake,
            sources=self.sources or world.source,
            mapper_for=lambda mapping_set, version, dataset, keys=(): world.mapper,
            now=world.clock,
            window_lag=LAG,
            clock=self.watch,
        )
        with unchanged(world):
            return rehearsal.dry_run(flow or self.flow, rows=rows)


@contextmanager
def unchanged(world: World) -> Iterator[None]:
    before = contents(world)
    try:
        yield
    finally:
        assert contents(world) == before


def contents(world: World) -> tuple[Any, ...]:
    """Every row of the store, and every file and folder of the lake, byte for byte."""
    known = MetaData()
    known.reflect(world.database.engine)
    with world.database.engine.connect() as connection:
        stored = {name: connection.execute(select(table)).fetchall() for name, table in known.tables.items()}
    assert stored
    lake = world.home / "lake"
    files = {path.relative_to(lake): path.read_bytes() if path.is_file() else None for path in lake.rglob("*")}
    return stored, files


def after(done: DryRun) -> list[Any]:
    return [dict(row.after) for row in done.rows]


def landed(world: World) -> list[dict[str, Any]]:
    """The rows of the dataset by `n`, without the system column."""
    dataset = world.database.datasets.get(SCOPE, "dataset")
    rows = world.lake.dataset(dataset.table).to_table().drop_columns(["_flowservice"]).to_pylist()
    return sorted(rows, key=lambda row: int(row["n"]))


def counted(done: DryRun) -> tuple[int, int, int, int, int]:
    counts = done.counts
    return counts.read, counts.filtered, counts.rejected, counts.superseded, counts.written


def test_it_shows_rows_that_a_run_then_lands_and_leaves_no_trace(tmp_path: Path) -> None:
    world = World(tmp_path, source=Numbers(rows=15, splits=2, batch_rows=4))
    done = Rehearsed(world).dry_run()
    assert (counted(done), done.cut) == ((15, 0, 0, 0, 15), None)
    assert [dict(row.before) for row in done.rows] == [{"n": n} for n in range(15)]
    run = world.executed()
    assert after(done) == landed(world)
    assert replace(run.counts, output_bytes=0, output_files=0) == done.counts


def test_it_takes_as_many_rows_as_are_asked_for_and_shows_twenty(tmp_path: Path) -> None:
    world = World(tmp_path)
    rehearsed = Rehearsed(world)
    for rows in (1, 39, 40, 41, 333, 334, 335, 999):
        done = rehearsed.dry_run(rows)
        assert (counted(done), done.cut) == ((rows, 0, 0, 0, rows), Cut.ROWS), rows
        assert after(done) == [{"n": n, "nested": {"double": 2 * n}} for n in range(min(rows, 20))]
    for rows in (1000, 1001, 10_000):
        done = rehearsed.dry_run(rows)
        assert (counted(done), done.cut) == ((1000, 0, 0, 0, 1000), None), rows


def test_the_source_is_closed_and_asked_for_no_more_than_is_wanted(tmp_path: Path) -> None:
    read: list[str] = []
    world = World(tmp_path, source=Numbers(rows=1000, splits=1, hook=read.append))
    Rehearsed(world).dry_run(100)
    assert (world.source.opened, world.source.closed) == (1, 1)
    assert read.count("batch") == 3


def test_rows_that_do_not_pass_the_filter_are_counted_up_to_the_last_one_that_is_wanted(tmp_path: Path) -> None:
    world = World(tmp_path, source=Numbers(rows=200, splits=1, batch_rows=64))
    rehearsed = Rehearsed(world)
    flow = rehearsed.filtering({"type": "PQL", "format": "pql/json", "value": above(99)})
    done = rehearsed.dry_run(7, flow)
    assert (counted(done), done.cut) == ((107, 100, 0, 0, 7), Cut.ROWS)
    assert [row.before["n"] for row in done.rows] == list(range(100, 107))
    done = rehearsed.dry_run(1000, flow)
    assert (counted(done), done.cut) == ((200, 100, 0, 0, 100), None)


def above(n: int) -> dict[str, Any]:
    field = {"nodeType": "fieldLookup", "fieldName": "n"}
    return {"nodeType": "fnApply", "fnName": ">", "params": [field, {"nodeType": "literal", "value": n}]}


def test_rejected_rows_are_shown_with_their_reasons(tmp_path: Path) -> None:
    world = World(tmp_path, mapper=Doubling(reject_every=4), source=Numbers(rows=500, splits=1))
    done = Rehearsed(world).dry_run()
    assert counted(done) == (500, 0, 125, 0, 375)
    assert len(done.rejects) == 100
    first = done.rejects[1]
    assert (first.code, first.field, first.message, first.value) == ("INGEST-1555-400", "n", "not wanted", "4")
    assert json.dumps(first.row) == '{"n": "4"}'
    assert done.rejections == (Tally(code="INGEST-1555-400", field="n", message="not wanted", count=125),)
    assert [row.before["n"] for row in done.rows][:4] == [1, 2, 3, 5]
    assert [row["n"] for row in after(done)][:4] == [1, 2, 3, 5]
    run = world.executed()
    assert run.rejections == done.rejections


@pytest.mark.parametrize(("tolerated", "is_tolerable"), [(0, False), (24.9, False), (25, True), (100, True)])
def test_it_tells_whether_the_flow_tolerates_as_many_rejects(
    tmp_path: Path, tolerated: float, is_tolerable: bool
) -> None:
    world = World(tmp_path, mapper=Doubling(reject_every=4), tolerated_percent=tolerated)
    done = Rehearsed(world).dry_run()
    assert (done.tolerated_percent, done.is_tolerable) == (tolerated, is_tolerable)
    assert world.executed().state.value == ("partialSuccess" if is_tolerable else "failed")


def test_of_an_upsert_it_tells_how_many_rows_are_new_and_how_many_take_the_place_of_others(tmp_path: Path) -> None:
    world = World(tmp_path, mapper=Doubling(modulo=50), keys=("n",), source=Numbers(rows=120, splits=2))
    rehearsed = Rehearsed(world)
    done = rehearsed.dry_run()
    assert (counted(done), done.inserted, done.updated) == ((120, 0, 0, 70, 50), 50, 0)
    earlier = replace(world.source, rows=30)
    world.source, source = earlier, world.source
    world.executed(1)
    world.source = source
    done = rehearsed.dry_run()
    assert (counted(done), done.inserted, done.updated) == ((120, 0, 0, 70, 50), 20, 30)
    assert replace(world.executed(2).counts, output_bytes=0, output_files=0) == done.counts
    done = rehearsed.dry_run(10)
    assert (counted(done), done.inserted, done.updated, done.mode.keys) == ((10, 0, 0, 0, 10), 0, 10, ("n",))


def test_a_nested_field_may_be_the_key(tmp_path: Path) -> None:
    world = World(tmp_path, keys=("nested.double",), source=Numbers(rows=30, splits=1))
    world.executed(1)
    world.source = Numbers(rows=45, splits=1)
    done = Rehearsed(world).dry_run()
    assert (done.inserted, done.updated) == (15, 30)


def test_where_rows_are_appended_nothing_is_told_of_keys(tmp_path: Path) -> None:
    done = Rehearsed(World(tmp_path)).dry_run()
    assert (done.inserted, done.updated, done.mode.is_upsert) == (None, None, False)


def hourly(tmp_path: Path, events: Events, **schedule: Any) -> Rehearsed:
    world = World(tmp_path, clock=lambda: NOON + 40 * MINUTE)
    Recurring.at(world, events, **schedule)
    return Rehearsed(world, sources=events)


def test_a_recurring_flow_is_tried_over_the_window_that_its_next_run_takes(tmp_path: Path) -> None:
    events = TimedEvents([(n, NOON + n * MINUTE) for n in range(60)], clock=NOON + 10 * MINUTE)
    rehearsed = hourly(tmp_path, events)
    column = DeltaColumn(name="changed")
    first = rehearsed.dry_run()
    assert first.window == Window(column=column, start=None, end=NOON + 8 * MINUTE)
    assert sorted(row["n"] for row in after(first)) == list(range(8))
    assert counted(first) == (60, 52, 0, 0, 8)
    Recurring(rehearsed.world, events).run(1)
    assert after(first) != []
    assert sorted(after(first), key=lambda row: int(row["n"])) == landed(rehearsed.world)
    events.clock = NOON + 20 * MINUTE
    for _ in range(2):
        # The watermark stays: it takes the same rows again.
        second = rehearsed.dry_run()
        assert second.window == Window(column=column, start=NOON + 8 * MINUTE, end=NOON + 18 * MINUTE)
        assert sorted(row["n"] for row in after(second)) == list(range(8, 18))


def test_a_source_without_a_clock_is_taken_up_to_the_time_of_the_server(tmp_path: Path) -> None:
    events = Events([(n, NOON + n * MINUTE) for n in range(60)])
    done = hourly(tmp_path, events).dry_run(5)
    assert done.window is not None
    assert done.window.end == NOON + 38 * MINUTE
    assert (done.counts.written, done.cut) == (5, Cut.ROWS)


def test_rows_that_belong_to_no_window_are_told_by_their_reason(tmp_path: Path) -> None:
    events = Events([(0, None), (1, "soon"), (2, "2026-03-01T12:05:00Z")], kind=pa.string())
    done = hourly(tmp_path, events).dry_run()
    assert counted(done) == (3, 2, 0, 0, 1)
    assert {tally.code: tally.count for tally in done.skipped} == {
        "delta-column-empty": 1,
        "delta-column-unreadable": 1,
    }


def test_columns_that_a_run_would_add_are_told(tmp_path: Path) -> None:
    world = World(tmp_path, source=Numbers(rows=5))
    rehearsed = Rehearsed(world)
    new = rehearsed.dry_run().changes
    assert new.makes_table
    assert {column.path: column.type for column in new.columns} == {
        "n": "int64",
        "nested.double": "int64",
        "_flowservice.batchId": "string",
        "_flowservice.ingestedAt": "timestamp[us, tz=UTC]",
    }
    world.executed()
    known = rehearsed.dry_run().changes
    assert (known.makes_table, known.columns, known.clash) == (False, (), None)
    world.mapper = Wider()
    wider = rehearsed.dry_run().changes
    assert [(column.path, column.type) for column in wider.columns] == [("nested.more", "string")]


class Wider(Doubling):
    """With a field that nothing feeds."""

    def __init__(self) -> None:
        nested = pa.struct([("double", pa.int64()), ("more", pa.string())])
        super().__init__(schema=pa.schema([("n", pa.int64()), ("nested", nested)]))

    def apply(self, batch: pa.RecordBatch) -> Any:
        mapped = Doubling().apply(batch)
        return replace(mapped, rows=pa.Table.from_pylist(mapped.rows.to_pylist(), self.schema))


def test_a_clash_with_the_table_is_part_of_the_answer(tmp_path: Path) -> None:
    world = World(tmp_path, source=Numbers(rows=5), keys=("n",))
    rehearsed = Rehearsed(world)
    dataset = world.database.datasets.get(SCOPE, "dataset")
    world.lake.prepare(dataset.table, pa.schema([("n", pa.string())]))
    done = rehearsed.dry_run()
    assert done.changes.clash is not None
    assert "column n is string" in done.changes.clash.message
    assert (done.inserted, done.updated, done.counts.written) == (None, None, 5)
    (error,) = world.executed().errors
    assert (error.code, error.message) == (done.changes.clash.code, done.changes.clash.message)


def test_columns_that_the_source_does_not_show_are_named(tmp_path: Path) -> None:
    world = World(tmp_path, mapper=Doubling(source_columns=("n", "gone")))
    assert Rehearsed(world).dry_run().absent == ("gone",)


@pytest.mark.parametrize("point", ["plan", "batch"])
def test_a_source_that_fails_is_told_at_once_and_closed(tmp_path: Path, point: str) -> None:
    def fail(at: str) -> None:
        if at == point:
            raise SourceUnavailable("the source is down")

    world = World(tmp_path, source=Numbers(hook=fail))
    with pytest.raises(SourceUnavailable):
        Rehearsed(world).dry_run()
    assert (world.source.opened, world.source.closed, world.slept) == (1, 1, [])


def test_a_source_is_checked_first(tmp_path: Path) -> None:
    @dataclass
    class Shut(Numbers):
        def check(self) -> None:
            raise BadCredentials("the key is wrong")

    asked: list[str] = []
    world = World(tmp_path, source=Shut(hook=asked.append))
    with pytest.raises(BadCredentials):
        Rehearsed(world).dry_run()
    assert (asked, world.source.closed) == ([], 1)


def test_a_slow_source_is_left_after_twenty_seconds_with_what_came_until_then(tmp_path: Path) -> None:
    world = World(tmp_path, source=Numbers(rows=1000, splits=1, batch_rows=40))
    done = Rehearsed(world, watch=Watch(step=6)).dry_run()
    assert (counted(done), done.cut) == ((160, 0, 0, 0, 160), Cut.TIME)


def test_a_source_that_finds_nothing_for_long_is_left_too(tmp_path: Path) -> None:
    world = World(tmp_path, source=Sparse(rows=1000, splits=1))
    done = Rehearsed(world, watch=Watch(step=0.1)).dry_run(5)
    assert (done.counts.read, done.cut) == (2, Cut.TIME)


def test_large_rows_end_it_before_memory_does(tmp_path: Path) -> None:
    @dataclass
    class Heavy(Numbers):
        """Ten rows of a MiB a batch."""

        def read(self, split: Any, *, after: Any) -> Any:
            for batch in super().read(split, after=after):
                heavy = pa.array(["x" * 2**20] * batch.rows.num_rows)
                yield replace(batch, rows=pa.record_batch({"n": batch.rows.column("n"), "heavy": heavy}))

    world = World(tmp_path, source=Heavy(rows=500, splits=1, batch_rows=10), mapper=Doubling(reject_every=2))
    done = Rehearsed(world).dry_run()
    assert (done.counts.read, done.cut) == (70, Cut.SIZE)
    assert len(done.rows) == 1


def test_a_flow_without_a_mapping_or_whose_dataset_is_gone_is_refused(tmp_path: Path) -> None:
    rehearsed = Rehearsed(World(tmp_path))
    flow = rehearsed.flow
    with pytest.raises(MissingMapping):
        rehearsed.dry_run(flow=replace(flow, transformations=()))
    with pytest.raises(NotFound):
        rehearsed.dry_run(flow=replace(flow, target=replace(flow.target, params={"dataSetId": "gone"})))


def test_a_recurring_flow_without_a_delta_column_is_refused(tmp_path: Path) -> None:
    rehearsed = hourly(tmp_path, Events())
    flow = rehearsed.flow
    with pytest.raises(MissingDeltaColumn):
        rehearsed.dry_run(flow=replace(flow, transformations=flow.transformations[1:]))
