"""PostgreSQL that is stopped in mid-run, and started again: the run waits for it, and lands each row once."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.faults.case import Case, Stage
from tests.faults.modes import MODES, UNDOS, Mode
from tests.faults.points import RUNNING, UNDOING, Point
from tests.faults.sampling import SEED, cases, spread
from tests.faults.strikes import Strike
from tests.postgres import Postgres, running

_OUTAGES = [
    (f"{point.name}, {mode.name}", (point, mode))
    for point, mode in [
        *list(spread([point for point in RUNNING if "fsynced" not in point.name], MODES, each=1))[::3],
        *list(spread(UNDOING, UNDOS, each=1))[::3],
    ]
]


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    """A server of these tests' own: they stop it."""
    with running() as own:
        yield own


@pytest.fixture
def on_postgres(
    stage: Stage, server: Postgres, folder: Path, record_property: Callable[[str, object], None]
) -> Callable[[Mode, str], Case]:
    """Begins a case on that server."""
    on_server = stage.on(server)

    def begun(mode: Mode, seed: str) -> Case:
        record_property("fault", "PostgreSQL stopped and started")
        record_property("mode", mode.name)
        # What the library of durable runs could not write, it tries again after ever longer pauses.
        return Case(stage=on_server, mode=mode, seed=seed, at=folder, within_s=60)

    return begun


@pytest.mark.postgres
@pytest.mark.parametrize(("point", "mode"), cases(_OUTAGES, quick=(17,)))
def test_a_run_waits_for_a_store_that_is_gone(
    on_postgres: Callable[[Mode, str], Case], server: Postgres, point: Point, mode: Mode
) -> None:
    waiting = on_postgres(mode, f"{SEED} {point.name} {mode.name}")
    struck = max(number for number, act in enumerate(mode.acts) if act == point.act)
    for number in range(len(mode.acts)):
        waiting.prepare(number)
        if number == struck:
            process = waiting.started(number, Strike(point=point, call=point.first, deed="stop"))
            waiting.stopped(process)
            server.stop()
            waiting.revived(process)
            time.sleep(waiting.draw.uniform(0.1, 0.6))
            server.start()
            waiting.ended(process)
        else:
            waiting.finished(number)
        waiting.expect(number)
    waiting.judged()
