"""A thousand flows fall due within one minute: how long from its slot until each run is in the queue?

    python -m benchmarks.start_due

The tick of the service, its store and its run queue on each database, in one process with the workers that execute the
runs: they read one row each from a source that answers at once, and land it in the lake. Slots are spread over a
minute, as those of flows that people made one by one, and then all the same, as those of a program; how late those runs
are is shown, and nothing is claimed of it. A run counts as queued once another connection sees its workflow.
"""

import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import pyarrow as pa
import sqlalchemy as sa

from benchmarks.measuring import claim
from flowservice.adapters.dbos import DbosRuns
from flowservice.domain.query import Query
from flowservice.sdk import Batch, Cursor, Split
from flowservice.service.leadership import Leadership
from flowservice.serving import tick
from tests.crowd import add_flows, runs_over
from tests.engine.world import SCOPE, Numbers, World
from tests.postgres import running

FLOWS: Final = 1_000
MINUTE_S: Final = 60.0
P99_S: Final = 5.0
SPREAD: Final = "spread over a minute"
_AHEAD_S: Final = 6.0
"""Between the writing of the flows and the first slot."""
_LONGEST_S: Final = 120.0
_LOOK_S: Final = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of the slots."""

    missed: int
    doubled: int
    late_s: Sequence[float]
    """From each slot to its run in the queue, the quickest first."""

    def percentile(self, percent: int) -> float:
        """In seconds."""
        return self.late_s[min(len(self.late_s) - 1, len(self.late_s) * percent // 100)]


class Instant(Numbers):
    """A source of one row, which it hands over at once."""

    def read(self, split: Split, *, after: Cursor | None) -> Iterator[Batch]:
        if after is not None or split.number:
            return
        changed = pa.array([datetime(2020, 1, 1, tzinfo=UTC)], pa.timestamp("us", "UTC"))
        yield Batch(rows=pa.record_batch({"n": pa.array([1], pa.int64()), "changed": changed}), resume={"next": 1})


def run() -> list[str]:
    """Print the table; the claims that do not hold."""
    cases = ((SPREAD, MINUTE_S), ("all in one slot", 0.0))
    outcomes: list[tuple[str, Outcome]] = []
    print(f"{f'{FLOWS} flows':<34}{'missed':>9}{'doubled':>9}{'p50 s':>9}{'p99 s':>9}{'slowest s':>11}")
    with running(durable=True) as postgres, tempfile.TemporaryDirectory() as folder:
        for number, (title, over_s) in enumerate(cases):
            for kind, url in (("SQLite", ""), ("PostgreSQL", postgres.new_database())):
                home = Path(folder) / f"{kind}{number}"
                home.mkdir()
                name, outcome = f"{kind}, {title}", _outcome(World(home, Instant(rows=1, splits=1), url=url), over_s)
                times = "".join(f"{outcome.percentile(percent):>9.2f}" for percent in (50, 99))
                print(f"{name:<34}{outcome.missed:>9}{outcome.doubled:>9}{times}{outcome.late_s[-1]:>11.2f}")
                outcomes.append((name, outcome))
    print()
    return [missed for (name, outcome) in outcomes for missed in _claims(name, outcome)]


def _claims(name: str, outcome: Outcome) -> list[str]:
    """Those that do not hold."""
    late_s = outcome.percentile(99)
    return [
        *claim(f"{name}: no slot is missed", str(outcome.missed), outcome.missed == 0),
        *claim(f"{name}: no slot is started twice", str(outcome.doubled), outcome.doubled == 0),
        *(
            claim(
                f"{name}: 99 of 100 runs are queued within {P99_S:.0f} s of their slot",
                f"{late_s:.2f} s",
                late_s < P99_S,
            )
            if SPREAD in name
            else ()
        ),
    ]


def _outcome(world: World, over_s: float) -> Outcome:
    """Slots evenly over so many seconds, from soon on; waits until every flow has a run, or no longer."""
    database = world.database
    queue = DbosRuns(engine=database.engine)
    queue.prepare()
    first = datetime.now(UTC) + timedelta(seconds=_AHEAD_S)
    slots = [first + timedelta(seconds=over_s * number / FLOWS) for number in range(FLOWS)]
    flows = add_flows(world, slots)
    if datetime.now(UTC) > first:
        raise RuntimeError("the flows were not written before their first slot")
    leadership = Leadership(database=database, holder="benchmark")
    rounds = tick(runs_over(database, queue, lambda: datetime.now(UTC)), leadership)
    with _seen(world) as seen:
        queue.start(world.execution.execute)
        rounds.start()
        deadline = time.monotonic() + _AHEAD_S + over_s + _LONGEST_S
        while len(seen) < FLOWS and time.monotonic() < deadline:
            time.sleep(_LOOK_S)
        # Whoever starts a slot twice has time to.
        time.sleep(2)
        rounds.stop()
        queue.stop()
    runs = database.runs.list(SCOPE, Query(limit=3 * FLOWS)).items
    slot_of = dict(zip((flow.id for flow in flows), slots, strict=True))
    started = {run.flow_id for run in runs}
    late_s = sorted(
        (seen[run.id] - slot_of[run.flow_id]).total_seconds()
        for run in runs
        if run.id in seen and run.flow_id in slot_of
    )
    database.engine.dispose()
    return Outcome(missed=len(slot_of.keys() - started), doubled=len(runs) - len(started), late_s=late_s)


@contextmanager
def _seen(world: World) -> Iterator[dict[str, datetime]]:
    """When each workflow was first seen, by id, as long as the block lasts."""
    engine = world.database.engine
    table = "dbos.workflow_status" if engine.dialect.name == "postgresql" else "workflow_status"
    seen: dict[str, datetime] = {}
    done = threading.Event()

    def look() -> None:
        while not done.wait(_LOOK_S):
            with engine.connect() as connection:
                ids = connection.execute(sa.text(f"SELECT workflow_uuid FROM {table}")).scalars().all()
            at = datetime.now(UTC)
            for workflow_id in ids:
                seen.setdefault(workflow_id, at)

    looking = threading.Thread(target=look)
    looking.start()
    try:
        yield seen
    finally:
        done.set()
        looking.join()


if __name__ == "__main__":
    sys.exit(1 if run() else 0)
