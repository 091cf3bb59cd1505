"""A process that executes one small run after the other, and says at times what it takes up."""

import ctypes
import gc
import json
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

import pyarrow as pa
import sqlalchemy as sa

from flowservice import logs
from flowservice.app import App
from flowservice.domain.query import Query
from flowservice.domain.run import RunState
from flowservice.serving import tick
from flowservice.settings import Settings
from tests.faults.modes import NOON, Mode, Shape
from tests.faults.subject import begin_work, caller, hurried, is_idle

TOGETHER: Final = tuple(Mode(write=write, rejects="some") for write in ("append", "upsert", "append", "upsert"))
"""One run of a flow at a time: so many are at work together."""
GENERATIONS: Final = 8
FLOWS: Final = TOGETHER * GENERATIONS
"""So many after the other, each with tables of its own.

What Delta takes up grows with the log of a table: by 8 kB a commit where delta-rs alone appends to one table (1,500
commits; by nothing where every 25 commits go into a table of their own). So no table may grow with the soak.
"""
SHAPE: Final = Shape(rows=40, keys=30, page_rows=10, batch_rows=10, part_rows=20, threads=2)
_LOOK_S: Final = 0.02
_UPKEEP: Final = 200
"""Runs between two rounds of the lake's upkeep: an hour of a run every 18 seconds."""
_STUCK_S: Final = 60.0
_LIST: Final = 20
_POOLED: Final = "tokio-rt-worker"


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What the process takes up after so many runs."""

    runs: int
    landed: int
    """How many of them ended with all that they had to."""
    own_bytes: int
    """Resident memory but for files: libraries count as much as was used of them yet."""
    files: int
    """Open descriptors."""
    threads: int
    """But for those of Delta's pool, which has a limit of its own (512) and shrinks when it is idle."""
    lists_s: float
    """A page of runs and one of flows."""
    table_rows: dict[str, int]
    """Of each table of the store."""
    elapsed_s: float


def soak(home: Path, runs: int, every: int, told: Path) -> None:
    """Execute at least so many runs on a furnished home of `FLOWS`; a line of `told` each `every` runs is a `Taken`."""
    logs.configure("error")
    hurried(SHAPE)
    began = time.monotonic()
    start = NOON + timedelta(minutes=2)  # long before the flows are due: their runs are asked for, four at a time
    settings = Settings(home=home, part_max_rows=SHAPE.part_rows, split_threads=SHAPE.threads, compact_min_files=5)
    app = App(settings, lambda: start + timedelta(seconds=time.monotonic() - began))
    begin_work(app, tries=8)
    ticks = tick(app.runs, app.leadership)
    ticks.start()
    with told.open("w") as lines:
        for done in _rounds(app, runs):
            if done % _UPKEEP == 0:
                app.lake_upkeep.go_round(vacuum=False)
            if done % every == 0:
                lines.write(json.dumps(asdict(_taken(app, done, time.monotonic() - began))) + "\n")
                lines.flush()
    ticks.stop()
    app.queue.stop()


def read(told: Path) -> dict[int, Taken]:
    """What was told, by the number of runs."""
    return {taken.runs: taken for taken in (Taken(**json.loads(line)) for line in told.read_text().splitlines())}


def _rounds(app: App, runs: int) -> Iterator[int]:
    """A run of each flow of a generation at a time; how many runs there were."""
    who = caller(app)
    flows = app.database.flows.list(who.scope, Query(limit=100)).items
    for done in range(0, runs, len(TOGETHER)):
        first = GENERATIONS * done // runs * len(TOGETHER)
        for flow in flows[first : first + len(TOGETHER)]:
            app.runs.create(who, flow_id=flow.id, params={})
        _wait(app)
        yield done + len(TOGETHER)


def _wait(app: App) -> None:
    until = time.monotonic() + _STUCK_S
    while not is_idle(app):
        assert time.monotonic() < until, "a run is stuck"
        time.sleep(_LOOK_S)


def _taken(app: App, runs: int, elapsed_s: float) -> Taken:
    began, scope = time.perf_counter(), caller(app).scope
    app.database.runs.list(scope, Query(limit=_LIST))
    app.database.flows.list(scope, Query(limit=_LIST))
    lists_s = time.perf_counter() - began
    with app.database.engine.connect() as connection:
        tables = {name: _count(connection, name) for name in sa.inspect(connection).get_table_names()}
        ended = f"SELECT count(*) FROM runs WHERE state = '{RunState.PARTIAL_SUCCESS.value}'"
        landed = connection.execute(sa.text(ended)).scalar_one()
    gc.collect()
    pa.default_memory_pool().release_unused()
    with suppress(OSError, AttributeError):
        # Free memory that the allocator keeps is no leak: let it go first.
        ctypes.CDLL(None).malloc_trim(0)
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return Taken(
        runs=runs,
        landed=landed,
        own_bytes=1024 * int(status["RssAnon"].split()[0]),
        files=len(list(Path("/proc/self/fd").iterdir())),
        threads=sum(name != _POOLED for name in _thread_names()),
        lists_s=lists_s,
        table_rows=tables,
        elapsed_s=elapsed_s,
    )


def _thread_names() -> Iterator[str]:
    for thread in Path("/proc/self/task").iterdir():
        with suppress(OSError):
            # It may end while we look.
            yield (thread / "comm").read_text().strip()


def _count(connection: sa.Connection, table: str) -> int:
    found: int = connection.execute(sa.select(sa.func.count()).select_from(sa.table(table))).scalar_one()
    return found
