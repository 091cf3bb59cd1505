"""Runs of a flow with a row filter: exactly the rows that pass land, and all others are counted."""

import json
import logging
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from flowservice.domain.flow import Flow
from flowservice.domain.run import Run, RunState
from flowservice.engine.plan import Plan
from flowservice.sdk import AllOf, Condition, Reading, Relation, RowFilter, Selection, filter_json
from tests.engine.events import LAG, Recurring, TimedEvents
from tests.engine.test_resumption import Fate, Killed
from tests.engine.test_windows import MINUTE, every_minute
from tests.engine.world import NOON, SCOPE, AtOnce, Doubling, Numbers, World


def asked(relation: Relation, *values: Any, column: str = "n") -> Condition:
    return Condition(column=column, relation=relation, values=values)


SMALL = asked(Relation.LT, 100)
NOT_FIVE = asked(Relation.NE, 5)


def filtered(world: World, wanted: RowFilter | None, **params: Any) -> World:
    """The world with a flow whose source connection said so when the flow took it up."""
    flow: Flow = world.database.flows.get(SCOPE, "flow")
    said = {**flow.source.params, **params, **({} if wanted is None else {"filters": filter_json(wanted)})}
    world.database.flows.replace(
        flow, replace(flow, source=replace(flow.source, params=said), stamp=flow.stamp.touched())
    )
    return world


def plan_of(world: World, number: int = 1) -> Plan:
    return Plan.from_json(world.database.progress.plan(f"run{number}"))


def counts(run: Run) -> tuple[int, int, int, int]:
    return run.counts.read, run.counts.filtered, run.counts.rejected, run.counts.written


def test_rows_that_pass_land_and_the_others_count_as_filtered(tmp_path: Path) -> None:
    world = World(tmp_path, mapper=Doubling(reject_every=30), tolerated_percent=50)
    run = filtered(world, AllOf((SMALL, NOT_FIVE))).executed()
    assert run.state is RunState.PARTIAL_SUCCESS
    assert world.landed() == [n for n in range(100) if n != 5 and n % 30]
    assert counts(run) == (1000, 901, 4, 95)


def test_a_filter_that_no_row_passes_lands_nothing_and_succeeds(tmp_path: Path) -> None:
    world = filtered(World(tmp_path), asked(Relation.IS_NULL))
    run = world.executed()
    assert (run.state, counts(run), world.landed()) == (RunState.SUCCESS, (1000, 1000, 0, 0), [])


@pytest.mark.parametrize("fatal", range(1, 29, 3))
def test_a_killed_run_goes_on_with_the_filter_of_its_plan(tmp_path: Path, fatal: int) -> None:
    fate = Fate(fatal)
    world = filtered(World(tmp_path, Numbers(hook=fate.strike)), SMALL)
    world.add_run()
    with pytest.raises(Killed):
        world.execution.execute("run1", AtOnce())
    restarted = World(tmp_path, Numbers())
    if restarted.database.progress.plan("run1") is not None:
        # What became of the flow in between changes nothing.
        filtered(restarted, asked(Relation.IS_NULL))
    restarted.execution.execute("run1", AtOnce())
    assert restarted.landed() == list(range(100))
    assert counts(restarted.run()) == (1000, 900, 0, 100)


@dataclass
class Choosy(Numbers):
    """Leaves out numbers of 100 and more by itself where a filter asks for it, and all that it reads is below."""

    selected: Selection | None = None

    def open(self, connection: Any) -> "Choosy":
        return self

    def plan(self, selection: Selection) -> Reading:
        self.selected = selection
        reading = Numbers(rows=100, splits=self.splits).plan(selection)
        return replace(reading, filtered=SMALL)


def test_the_plan_keeps_which_part_the_source_applies_and_the_rest_is_applied_after(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    source = Choosy()
    world = filtered(World(tmp_path, source), AllOf((SMALL, NOT_FIVE)))
    run = world.executed()
    assert world.landed() == [n for n in range(100) if n != 5]
    assert counts(run) == (100, 1, 0, 99)
    assert source.selected is not None
    assert source.selected.filter == AllOf((SMALL, NOT_FIVE))
    plan = plan_of(world)
    assert (plan.filter, plan.filtered) == (AllOf((SMALL, NOT_FIVE)), SMALL)
    assert "run run1 filters rows by the source: n <; after reading: n !=" in caplog.text


def test_a_plan_of_an_earlier_version_has_no_filter(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.executed()
    stored = json.loads(json.dumps(world.database.progress.plan("run1")))
    assert (stored.pop("filter"), stored.pop("filtered")) == (None, None)
    plan = Plan.from_json(stored)
    assert (plan.filter, plan.filtered, plan.telling) == (None, None, "")


def test_the_columns_of_filter_and_window_are_read_though_they_are_not_mapped(tmp_path: Path) -> None:
    hourly = Recurring.at(
        filtered(World(tmp_path), asked(Relation.NOT_NULL, column="other")), TimedEvents(every_minute(-9, 9))
    )
    hourly.run(1)
    assert hourly.events.asked[-1].columns == ("n", "other", "changed")


def test_filter_and_window_hold_together_and_only_rows_that_pass_are_told_of(tmp_path: Path) -> None:
    rows: list[Any] = [*every_minute(-20, 20), (30, None), (-30, None)]
    hourly = Recurring.at(filtered(World(tmp_path), asked(Relation.GE, -10)), TimedEvents(rows, clock=NOON + LAG))
    run = hourly.run(1)
    assert hourly.world.landed() == list(range(-10, 0))
    assert counts(run) == (42, 32, 0, 10)
    assert [(tally.code, tally.count) for tally in run.skipped] == [("delta-column-empty", 1)]
    hourly.events.rows += [(n, NOON + n * MINUTE) for n in range(-40, -30)]
    assert isinstance(hourly.events, TimedEvents)
    hourly.events.clock = NOON + LAG + 5 * MINUTE
    hourly.run(2)
    assert hourly.world.landed() == list(range(-10, 5))


def test_a_mapping_that_reads_what_the_source_connection_does_not_select_fails_the_run(tmp_path: Path) -> None:
    world = filtered(World(tmp_path), None, columns=[{"name": "m"}])
    run = world.executed()
    assert (run.state, run.errors[0].code) == (RunState.FAILED, "mapping-invalid")
    assert "n" in run.errors[0].message
    assert world.landed() == []
