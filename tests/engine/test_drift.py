"""The columns of a source change between runs: what a flow's policy says is done, and no row is lost or comes twice."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from flowservice.domain.drift import Change, ChangeKind, HeldDrift, SourceShape, ToldDrift
from flowservice.domain.flow import Flow
from flowservice.domain.identity import ALL_PERMISSIONS, Caller, Permission
from flowservice.domain.run import Run, RunState
from flowservice.errors import DriftChanged, Forbidden, NotFound, SourceUnavailable
from flowservice.sdk import MixedColumn, Sample
from flowservice.service.added_columns import AddedColumns
from flowservice.service.drifts import Drifts
from tests.engine.events import Recurring, TimedEvents
from tests.engine.test_resumption import Killed
from tests.engine.world import NOON, SCOPE, AtOnce, Doubling, Numbers, World, nothing
from tests.service.conftest import CountingIds

HOUR = timedelta(hours=1)
HOLD = {"newColumns": "hold", "removedColumns": "hold", "typeChanges": "hold"}
CALLER = Caller(scope=SCOPE, tenant_id="tenant", user_id="u", client_id="c", permissions=ALL_PERMISSIONS)


@dataclass
class Shaped(Numbers):
    """Numbers with further columns; `n` may be missing, or be of other types."""

    columns: Mapping[str, pa.DataType] = field(default_factory=lambda: {"n": pa.int64()})
    mixed: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    rare: Mapping[str, pa.DataType] = field(default_factory=dict)
    """Columns that a larger sample alone shows."""
    sampled: list[int] = field(default_factory=list)

    def sample(self, path: str, *, rows: int) -> Sample:
        self.hook("sample")
        self.sampled.append(rows)
        shown = {**self.columns, **(self.rare if rows > 1000 else {})}
        empty = pa.table({name: pa.array([None], kind) for name, kind in shown.items()})
        mixed = tuple(
            MixedColumn(name=name, seen=seen, widened_to="string") for name, seen in self.mixed.items() if name in shown
        )
        return Sample(rows=empty, mixed=mixed)


def with_policy(world: World, **policy: str) -> World:
    flow: Flow = world.database.flows.get(SCOPE, "flow")
    options = {**flow.options, "schemaDrift": policy}
    world.database.flows.replace(flow, replace(flow, options=options, stamp=flow.stamp.touched()))
    return world


def world_of(
    home: Path, columns: Mapping[str, pa.DataType] | None = None, policy: Mapping[str, str] | None = None
) -> tuple[World, Shaped]:
    source = Shaped(rows=100, splits=2, columns=columns or {"n": pa.int64()})
    return with_policy(World(home, source=source), **policy or {}), source


def drifts_of(world: World) -> Drifts:
    def itself(scope: Any) -> Caller:
        return replace(CALLER, scope=scope)

    ids: Any = CountingIds()
    adding = AddedColumns(database=world.database, now=lambda: NOON, ids=ids, itself=itself)
    return Drifts(database=world.database, adding=adding, now=lambda: NOON)


def shape(world: World) -> SourceShape:
    found: SourceShape = world.database.source_shapes.get(SCOPE, "flow")
    return found


def held(world: World) -> HeldDrift:
    found = shape(world).held
    assert found is not None
    return found


def told(world: World) -> ToldDrift:
    found = shape(world).told
    assert found is not None
    return found


def kinds(run: Run) -> list[tuple[str, str]]:
    return [(change.kind.value, change.column) for change in run.drift]


def codes(run: Run) -> list[str]:
    return [error.code for error in run.errors]


# --- what is told ----------------------------------------------------------------------------------------------------


def test_a_first_run_learns_the_columns_and_tells_of_nothing(tmp_path: Path) -> None:
    world, source = world_of(tmp_path, {"n": pa.int64(), "more": pa.string()})
    run = world.executed(1)
    assert (run.state, run.drift) == (RunState.SUCCESS, ())
    assert (shape(world).columns, shape(world).held, shape(world).told) == (
        {"n": ("int64",), "more": ("string",)},
        None,
        None,
    )
    assert source.sampled == [1000]


def test_without_a_policy_changes_are_told_once_and_runs_go_on(tmp_path: Path) -> None:
    world, source = world_of(tmp_path)
    world.executed(1)
    source.columns = {"n": pa.string(), "more": pa.float64()}
    run = world.executed(2)
    assert run.state is RunState.SUCCESS
    assert run.drift == (
        Change(kind=ChangeKind.NEW, column="more", now=("double",), xdm="number"),
        Change(kind=ChangeKind.TYPE, column="n", was=("int64",), now=("string",)),
    )
    assert (told(world).run_id, told(world).changes) == ("run2", run.drift)
    assert shape(world).columns == {"n": ("int64", "string"), "more": ("double",)}
    assert world.executed(3).drift == ()
    assert told(world).run_id == "run2"
    assert source.sampled == [1000] * 3


def test_a_column_that_is_gone_is_told_once_and_null(tmp_path: Path) -> None:
    world, source = world_of(tmp_path, {"n": pa.int64(), "other": pa.int64()})
    world.mapper = Doubling(source_columns=("n", "other"))
    world.executed(1)
    source.columns = {"n": pa.int64()}
    assert kinds(world.executed(2)) == [("removedColumn", "other")]
    assert [kinds(world.executed(number)) for number in (3, 4)] == [[], []]


def test_a_column_that_nothing_reads_may_come_go_and_change_its_type(tmp_path: Path) -> None:
    world, source = world_of(tmp_path, {"n": pa.int64(), "other": pa.int64()}, HOLD)
    world.executed(1)
    for number, columns in enumerate(
        ({"n": pa.int64()}, {"n": pa.int64(), "other": pa.string()}, {"n": pa.int64(), "other": pa.bool_()}), start=2
    ):
        source.columns = columns
        run = world.executed(number)
        assert (run.state, run.drift) == (RunState.SUCCESS, ())


def test_types_of_a_mixed_column_count_one_by_one(tmp_path: Path) -> None:
    world, source = world_of(tmp_path)
    source.mixed = {"n": ("Edm.Int32", "Edm.Int64")}
    world.executed(1)
    source.mixed = {"n": ("Edm.Int64",)}
    assert world.executed(2).drift == ()
    source.mixed = {"n": ("Edm.Int32", "Edm.String")}
    (change,) = world.executed(3).drift
    assert (change.was, change.now) == (("Edm.Int32", "Edm.Int64"), ("Edm.Int32", "Edm.String"))


def test_a_table_without_rows_tells_nothing(tmp_path: Path) -> None:
    world, source = world_of(tmp_path, policy=HOLD)
    world.executed(1)
    source.columns = {}
    source.rows = 0
    run = world.executed(2)
    assert (run.state, run.drift, shape(world).columns) == (RunState.SUCCESS, (), {"n": ("int64",)})


def test_columns_that_the_source_connection_does_not_select_are_none_of_the_flow(tmp_path: Path) -> None:
    world, source = world_of(tmp_path, policy=HOLD)
    flow: Flow = world.database.flows.get(SCOPE, "flow")
    params = {**flow.source.params, "columns": [{"name": "n"}]}
    selecting = replace(flow, source=replace(flow.source, params=params), stamp=flow.stamp.touched())
    world.database.flows.replace(flow, selecting)
    world.executed(1)
    source.columns = {"n": pa.int64(), "more": pa.string()}
    assert world.executed(2).state is RunState.SUCCESS
    assert shape(world).columns == {"n": ("int64",)}


# --- what is held ----------------------------------------------------------------------------------------------------

CHANGED: dict[str, tuple[dict[str, Any], str]] = {
    "newColumn": ({"n": pa.int64(), "more": pa.string()}, "newColumns"),
    "typeChange": ({"n": pa.string()}, "typeChanges"),
    "removedColumn": ({"other": pa.int64()}, "removedColumns"),
}


@pytest.mark.parametrize("kind", CHANGED)
def test_a_run_that_meets_a_held_change_reads_nothing_and_says_what_to_do(tmp_path: Path, kind: str) -> None:
    columns, member = CHANGED[kind]
    world, source = world_of(tmp_path, {"n": pa.int64(), "other": pa.int64()}, {member: "hold"})
    world.executed(1)
    read: list[str] = []
    source.columns, source.hook = columns, read.append
    run = world.executed(2)
    assert (run.state, codes(run), kinds(run)) == (
        RunState.FAILED,
        ["schema-drift-held"],
        [(kind, held(world).changes[0].change.column)],
    )
    assert set(read) == {"sample"}
    (error,) = run.errors
    assert "/v1/flows/flow/drift" in error.advice
    assert held(world).changes[0].change.column in error.message
    assert (run.counts.read, world.landed()) == (0, list(range(100)))
    assert (held(world).runs, held(world).run_id) == (1, "run2")


@pytest.mark.parametrize("kind", CHANGED)
def test_a_change_of_a_kind_that_is_not_held_holds_no_run(tmp_path: Path, kind: str) -> None:
    columns, member = CHANGED[kind]
    others = {name: "hold" for name in HOLD if name != member}
    world, source = world_of(tmp_path, {"n": pa.int64(), "other": pa.int64()}, others)
    world.executed(1)
    source.columns = columns
    run = world.executed(2)
    assert (run.state, [change for change, _ in kinds(run)]) == (RunState.SUCCESS, [kind])


def test_further_runs_wait_as_well_and_the_first_one_keeps_its_time(tmp_path: Path) -> None:
    world, source = world_of(tmp_path, policy=HOLD)
    times = iter(NOON + minute * timedelta(minutes=1) for minute in range(1000))
    world.clock = lambda: next(times)
    world.executed(1)
    source.columns = {"n": pa.int64(), "more": pa.string()}
    world.executed(2)
    first = held(world)
    world.executed(3)
    assert (held(world).id, held(world).since, held(world).changes) == (first.id, first.since, first.changes)
    assert (held(world).runs, held(world).run_id) == (2, "run3")
    source.columns = {**source.columns, "most": pa.string()}
    world.executed(4)
    assert held(world).id != first.id
    seen = {one.change.column: one.first_seen for one in held(world).changes}
    assert seen["more"] == first.since < seen["most"]
    assert held(world).since == first.since


@pytest.mark.parametrize("decision", ["accept", "ignore"])
@pytest.mark.parametrize("kind", ["typeChange", "removedColumn"])
def test_after_a_decision_runs_go_on_and_meet_the_change_no_more(tmp_path: Path, kind: str, decision: str) -> None:
    world, source = world_of(tmp_path, {"n": pa.int64(), "other": pa.int64()}, HOLD)
    world.executed(1)
    source.columns = CHANGED[kind][0]
    assert world.executed(2).state is RunState.FAILED
    drifts = drifts_of(world)
    after = getattr(drifts, decision)(CALLER, "flow", held(world).id)
    assert after.shape.held is None
    for number in (3, 4):
        run = world.executed(number)
        assert (run.state, run.drift) == (RunState.SUCCESS, ())


def test_a_decision_is_about_exactly_what_was_shown(tmp_path: Path) -> None:
    world, source = world_of(tmp_path, policy=HOLD)
    world.executed(1)
    drifts = drifts_of(world)
    with pytest.raises(DriftChanged, match="holds no changes"):
        drifts.ignore(CALLER, "flow", "anything")
    source.columns = {"n": pa.int64(), "more": pa.string()}
    world.executed(2)
    shown = held(world).id
    source.columns = {"n": pa.int64(), "more": pa.bool_()}
    world.executed(3)
    before = shape(world)
    for decide in (drifts.accept, drifts.ignore):
        with pytest.raises(DriftChanged, match="other changes"):
            decide(CALLER, "flow", shown)
    assert shape(world) == before
    decided = held(world).id
    drifts.ignore(CALLER, "flow", decided)
    with pytest.raises(DriftChanged, match="holds no changes"):
        drifts.ignore(CALLER, "flow", decided)
    assert world.executed(4).state is RunState.SUCCESS


def test_who_decides_has_to_manage_sources_and_the_flow_must_be_there(tmp_path: Path) -> None:
    world, _ = world_of(tmp_path)
    drifts = drifts_of(world)
    viewer = replace(CALLER, permissions=frozenset({Permission.VIEW_SOURCES}))
    assert drifts.get(viewer, "flow").shape is None
    for decide in (drifts.accept, drifts.ignore):
        with pytest.raises(Forbidden):
            decide(viewer, "flow", "x")
        with pytest.raises(NotFound):
            decide(CALLER, "gone", "x")


def test_columns_as_they_were_let_the_next_run_read_without_a_decision(tmp_path: Path) -> None:
    world, source = world_of(tmp_path, policy=HOLD)
    world.executed(1)
    source.columns = {"n": pa.string()}
    assert world.executed(2).state is RunState.FAILED
    source.columns = {"n": pa.int64()}
    run = world.executed(3)
    assert (run.state, run.drift, shape(world).held) == (RunState.SUCCESS, (), None)


def test_a_new_column_that_the_mapping_reads_by_now_is_held_no_more(tmp_path: Path) -> None:
    world, source = world_of(tmp_path, policy=HOLD)
    world.executed(1)
    source.columns = {"n": pa.int64(), "more": pa.string()}
    assert world.executed(2).state is RunState.FAILED
    world.mapper = Doubling(source_columns=("n", "more"))
    run = world.executed(3)
    assert (run.state, shape(world).held) == (RunState.SUCCESS, None)


def test_a_run_is_not_held_for_a_column_that_a_larger_sample_shows(tmp_path: Path) -> None:
    world, source = world_of(tmp_path, {"n": pa.int64(), "seldom": pa.int64()}, {"removedColumns": "hold"})
    world.mapper = Doubling(source_columns=("n", "seldom"))
    world.executed(1)
    source.columns, source.rare = {"n": pa.int64()}, {"seldom": pa.int64()}
    assert (world.executed(2).state, source.sampled) == (RunState.SUCCESS, [1000, 1000, 20_000])
    source.rare = {}
    assert world.executed(3).state is RunState.FAILED


def test_what_cannot_be_added_is_held_with_the_reason(tmp_path: Path) -> None:
    world, source = world_of(tmp_path, policy={"newColumns": "add"})
    world.executed(1)
    source.columns = {"n": pa.int64(), "more": pa.string()}
    run = world.executed(2)
    assert (run.state, codes(run), held(world).reason) == (
        RunState.FAILED,
        ["schema-drift-held"],
        "the schema is not ours",
    )
    drifts_of(world).ignore(CALLER, "flow", held(world).id)
    assert world.executed(3).state is RunState.SUCCESS


# --- no row is lost or comes twice -----------------------------------------------------------------------------------


@dataclass
class ShapedEvents(TimedEvents):
    """Events with one more column, once it is named."""

    more: str = ""

    def sample(self, path: str, *, rows: int) -> Sample:
        sample = super().sample(path, rows=rows)
        if not self.more:
            return sample
        return replace(sample, rows=sample.rows.append_column(self.more, pa.nulls(sample.rows.num_rows, pa.string())))


@pytest.mark.parametrize("decision", ["accept", "ignore"])
def test_rows_that_waited_for_a_decision_are_taken_by_the_next_run_once(tmp_path: Path, decision: str) -> None:
    events = ShapedEvents([(n, NOON + n * timedelta(minutes=1)) for n in range(300)], clock=NOON + HOUR)
    hourly = Recurring.at(with_policy(World(tmp_path), **HOLD), events)
    hourly.run(1)
    before = hourly.world.landed()
    events.more = "more"
    for number in (2, 3):
        events.clock += HOUR
        assert hourly.run(number).state is RunState.FAILED
    assert hourly.world.landed() == before
    assert held(hourly.world).runs == 2
    if decision == "ignore":
        drifts_of(hourly.world).ignore(CALLER, "flow", held(hourly.world).id)
    else:
        with_policy(hourly.world, newColumns="ignore")
    events.clock += 3 * HOUR
    assert hourly.run(4).state is RunState.SUCCESS
    assert hourly.world.landed() == list(range(300))


def test_a_held_run_that_is_repeated_after_a_decision_lands_its_rows_once(tmp_path: Path) -> None:
    world, source = world_of(tmp_path, policy=HOLD)
    world.executed(1)
    source.columns = {"n": pa.int64(), "more": pa.string()}
    world.executed(2)
    drifts_of(world).ignore(CALLER, "flow", held(world).id)
    assert world.executed(3, parent_id="run2", root_id="run2").state is RunState.SUCCESS
    assert world.landed() == sorted(2 * list(range(100)))


@pytest.mark.parametrize("columns", [{"n": pa.int64(), "more": pa.string()}, {"n": pa.int64()}])
def test_a_run_that_dies_after_its_plan_was_kept_tells_and_learns_all_the_same(
    tmp_path: Path, columns: dict[str, pa.DataType]
) -> None:
    world, source = world_of(tmp_path)
    world.executed(1)
    source.columns = columns

    def die(place: str) -> None:
        if place == "batch":
            raise Killed

    source.hook = die
    world.add_run(2)
    with pytest.raises(Killed):
        world.execution.execute("run2", AtOnce())
    source.hook = nothing
    # What is seen now is of no account: the plan is kept.
    source.columns = {"n": pa.int64(), "later": pa.string()}
    world.execution.execute("run2", AtOnce())
    assert world.run(2).state is RunState.SUCCESS
    assert [column for _, column in kinds(world.run(2))] == [name for name in columns if name != "n"]
    assert set(shape(world).columns) == set(columns)


def test_a_held_run_counts_once_however_often_it_is_executed(tmp_path: Path) -> None:
    world, source = world_of(tmp_path, policy=HOLD)
    world.executed(1)
    source.columns = {"n": pa.int64(), "more": pa.string()}
    world.add_run(2)

    class Dying(AtOnce):
        def run(self, name: str, step: Any) -> Any:
            result = step()
            if name == "plan":
                raise Killed
            return result

    with pytest.raises(Killed):
        world.execution.execute("run2", Dying())
    world.execution.execute("run2", AtOnce())
    assert (held(world).runs, world.run(2).state) == (1, RunState.FAILED)


def test_a_source_that_is_down_says_nothing_about_columns(tmp_path: Path) -> None:
    world, source = world_of(tmp_path, policy=HOLD)
    world.executed(1)
    before = shape(world)

    def fail(_: str) -> None:
        raise SourceUnavailable("down")

    source.hook = fail
    assert codes(world.executed(2)) == ["source-unavailable"]
    assert shape(world) == before


# --- many columns ----------------------------------------------------------------------------------------------------


def test_of_endless_new_names_a_bounded_number_is_kept(tmp_path: Path) -> None:
    world, source = world_of(tmp_path)
    for number in range(1, 3):
        source.columns = {f"c{number}-{n}": pa.string() for n in range(1500)} | {"n": pa.int64()}
        run = world.executed(number)
        assert run.state is RunState.SUCCESS
    assert len(run.drift) == 50
    assert len(shape(world).columns) == 1501
    assert "n" in shape(world).columns
