"""`kill -9` at every named point of a run's course, in every way of landing rows: the next process ends it as if it was
never killed."""

import random
from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.faults.case import Case
from tests.faults.modes import MODES, REPLAYS, UNDOS, Mode
from tests.faults.points import REPLAYING, RUNNING, STEALING, UNDOING, Point
from tests.faults.sampling import SEED, cases, spread
from tests.faults.strikes import Strike

_RUNS = [(f"{point.name}, {mode.name}", (point, mode)) for point, mode in spread(RUNNING, MODES, each=3)]
_UNDOS = [(f"{point.name}, {mode.name}", (point, mode)) for point, mode in spread(UNDOING, UNDOS, each=2)]
_REPLAYS = [(f"{point.name}, {mode.name}", (point, mode)) for point, mode in spread(REPLAYING, REPLAYS, each=2)]
_STEALS = [(f"{point.name}, {mode.name}", (point, mode)) for point, mode in spread(STEALING, MODES, each=6)]
_TWICE = [(f"{number}, {mode.name}", (number, mode)) for number, mode in enumerate(MODES * 2)]


def drawn(point: Point, draw: random.Random) -> Strike:
    """A kill at one of the calls that are certain."""
    return Strike(point=point, call=point.first + draw.randrange(point.many))


@pytest.mark.parametrize(("point", "mode"), cases(_RUNS, quick=(100, 151, 174, 217)))
def test_a_run_that_is_killed_at_a_point_ends_as_if_it_was_not(
    case: Callable[[str, Mode, str], Case], point: Point, mode: Mode
) -> None:
    killed = case("kill -9", mode, f"{SEED} {point.name} {mode.name}")
    struck = killed.draw.randrange(len(mode.acts))
    for number in range(len(mode.acts)):
        killed.acted(number, *([drawn(point, killed.draw)] if number == struck else []))
    killed.judged()


@pytest.mark.parametrize(("point", "mode"), cases(_UNDOS, quick=(14,)))
def test_an_undo_that_is_killed_at_a_point_ends_as_if_it_was_not(
    case: Callable[[str, Mode, str], Case], point: Point, mode: Mode
) -> None:
    killed = case("kill -9 of an undo", mode, f"{SEED} {point.name} {mode.name}")
    for number, act in enumerate(mode.acts):
        killed.acted(number, *([drawn(point, killed.draw)] if act == "undo" else []))
    killed.judged()


@pytest.mark.parametrize(("point", "mode"), cases(_REPLAYS, quick=(46,)))
def test_a_replay_that_is_killed_at_a_point_ends_as_if_it_was_not(
    case: Callable[[str, Mode, str], Case], point: Point, mode: Mode
) -> None:
    killed = case("kill -9 of a replay", mode, f"{SEED} {point.name} {mode.name}")
    for number, act in enumerate(mode.acts):
        killed.acted(number, *([drawn(point, killed.draw)] if act == "replay" else []))
    killed.judged()


@pytest.mark.parametrize(("point", "mode"), cases(_STEALS, quick=(18,)))
def test_a_run_that_is_killed_while_a_range_is_taken_goes_on_with_both(
    case: Callable[[str, Mode, str], Case], point: Point, mode: Mode
) -> None:
    killed = case("kill -9 at a steal", mode, f"{SEED} {point.name} {mode.name}")
    killed.table.page_s = 0.03
    killed.shape = replace(killed.shape, rows=120, page_rows=3, threads=4)
    for number in range(len(mode.acts)):
        killed.acted(number, *([drawn(point, killed.draw)] if number == 0 else []))
    killed.judged()


@pytest.mark.parametrize(("number", "mode"), cases(_TWICE, quick=(8,)))
def test_a_run_that_is_killed_again_and_again_ends_as_if_it_was_not(
    case: Callable[[str, Mode, str], Case], number: int, mode: Mode
) -> None:
    killed = case("kill -9, three times", mode, f"{SEED} {number}")
    reached = [point for point in RUNNING if point.is_reached_in(mode)]
    for act in range(len(mode.acts)):
        killed.prepare(act)
        for point in sorted(killed.draw.sample(range(len(reached)), 3)):
            # A later process may find that done already: then it ends, and nothing is left to kill.
            killed.killed_or_done(act, Strike(point=reached[point]))
        killed.finished(act)
        killed.expect(act)
    killed.judged()
