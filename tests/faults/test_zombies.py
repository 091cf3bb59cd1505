"""Processes that are stopped at a point, taken for dead, and come back when another one has done their work; and two
that do the same work at the same time."""

from collections.abc import Callable
from typing import Final

import pytest

from tests.faults.case import Case
from tests.faults.modes import MODES, REPLAYS, UNDOS, Mode
from tests.faults.points import REPLAYING, RUNNING, UNDOING, Point
from tests.faults.sampling import SEED, cases, spread
from tests.faults.strikes import Strike

_OUTSIDE: Final = [point for point in RUNNING if not point.is_within]
"""Of a transaction: one that is stopped within holds up everybody, and so nobody overtakes it."""
_ZOMBIES = [(f"{point.name}, {mode.name}", (point, mode)) for point, mode in spread(_OUTSIDE, MODES, each=1)]
_UNDOS = [(f"{point.name}, {mode.name}", (point, mode)) for point, mode in spread(UNDOING, UNDOS, each=1)]
_REPLAYS = [(f"{point.name}, {mode.name}", (point, mode)) for point, mode in spread(REPLAYING, REPLAYS, each=1)]
_REPLAY_RACES = [case for case in _REPLAYS if not case[0].startswith("after")]
_RACES = [
    (f"{point.name}, {mode.name}", (point, mode))
    for point, mode in spread([point for point in _OUTSIDE if not point.name.startswith("after")], MODES, each=1)
]


@pytest.mark.parametrize(("point", "mode"), cases(_ZOMBIES, quick=(36, 50)))
def test_what_a_zombie_writes_changes_nothing(case: Callable[[str, Mode, str], Case], point: Point, mode: Mode) -> None:
    overtaken(case("SIGSTOP, overtaken, SIGCONT", mode, f"{SEED} {point.name} {mode.name}"), point, "run")


@pytest.mark.parametrize(("point", "mode"), cases(_UNDOS, quick=(11,)))
def test_what_a_zombie_undoes_is_undone_once(case: Callable[[str, Mode, str], Case], point: Point, mode: Mode) -> None:
    overtaken(case("SIGSTOP of an undo", mode, f"{SEED} {point.name} {mode.name}"), point, "undo")


@pytest.mark.parametrize(("point", "mode"), cases(_REPLAYS))
def test_what_a_zombie_replays_lands_once(case: Callable[[str, Mode, str], Case], point: Point, mode: Mode) -> None:
    overtaken(case("SIGSTOP of a replay", mode, f"{SEED} {point.name} {mode.name}"), point, "replay")


@pytest.mark.parametrize(("point", "mode"), cases(_REPLAY_RACES))
def test_two_processes_that_replay_the_same_rows_at_the_same_time_land_them_once(
    case: Callable[[str, Mode, str], Case], point: Point, mode: Mode
) -> None:
    raced = case("two processes, one replay", mode, f"{SEED} {point.name} {mode.name}")
    for number, act in enumerate(mode.acts):
        raced.prepare(number)
        if act == "replay":
            race(raced, number, point)
        else:
            raced.finished(number)
        raced.expect(number)
    raced.judged()


@pytest.mark.parametrize(("point", "mode"), cases(_RACES, quick=(33,)))
def test_two_processes_that_execute_the_same_run_at_the_same_time_land_it_once(
    case: Callable[[str, Mode, str], Case], point: Point, mode: Mode
) -> None:
    raced = case("two processes, one run", mode, f"{SEED} {point.name} {mode.name}")
    struck = raced.draw.randrange(len(mode.acts))
    for number in range(len(mode.acts)):
        raced.prepare(number)
        if number == struck:
            race(raced, number, point)
        else:
            raced.finished(number)
        raced.expect(number)
    raced.judged()


def overtaken(zombie: Case, point: Point, act: str) -> None:
    """In the last such act, a process is stopped there until another one has done all there was to do."""
    struck = max(number for number, known in enumerate(zombie.mode.acts) if known == act)
    for number in range(len(zombie.mode.acts)):
        zombie.prepare(number)
        if number == struck:
            call = point.first + zombie.draw.randrange(point.many)
            process = zombie.started(number, Strike(point=point, call=call, deed="stop"))
            zombie.stopped(process)
            zombie.finished(number)
            zombie.revived(process)
            zombie.ended(process)
        else:
            zombie.finished(number)
        zombie.expect(number)
    zombie.judged()


def race(raced: Case, number: int, point: Point) -> None:
    """Two processes come to the same point, and go on from there together."""
    first = raced.started(number, Strike(point=point, call=point.first, deed="stop"))
    raced.stopped(first)
    # Where the other one's work begins later, it may find the point passed.
    second = raced.started(number, Strike(point=point, call=point.first, deed="stop"))
    raced.stopped_or_done(second)
    for process in (second, first):
        raced.revived(process)
    for process in (first, second):
        raced.ended(process)
