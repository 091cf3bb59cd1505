"""Many flows that fall due, and processes that tick over them at the same time.

`python -m tests.crowd DATABASE_URL NAME [AT]` prints `ready` and waits for a line. With AT (a moment, ISO 8601) it
starts what is due then until nothing more is, whoever leads, and prints how many runs that were. Without, it ticks as a
server does, by the clock and under that name, until its standard input closes.
"""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from flowservice.adapters.dbos import DbosRuns
from flowservice.adapters.sealing.box import EnvelopeBox
from flowservice.adapters.sql.database import SqlDatabase
from flowservice.adapters.sql.engine import open_engine
from flowservice.api.search_forms import FORMS
from flowservice.domain.dataset import Dataset
from flowservice.domain.flow import COPY, Flow, Transformation
from flowservice.domain.resource import SpecRef
from flowservice.domain.schedule import Frequency, Schedule
from flowservice.ids import RandomIds
from flowservice.ports.runtime import Clock, RunQueue
from flowservice.sdk import Egress
from flowservice.service.connections import Connections
from flowservice.service.delta_columns import DeltaColumns
from flowservice.service.leadership import Leadership
from flowservice.service.masking import Masking
from flowservice.service.runs import Runs
from flowservice.service.sources import OpenSources
from flowservice.service.specs import Specs
from flowservice.serving import tick
from tests.engine.world import SCOPE, World

_ROOT: Final = Path(__file__).resolve().parent.parent


def runs_over(database: SqlDatabase, queue: RunQueue, now: Clock) -> Runs:
    """The use cases of runs, without any connector."""
    ids, specs = RandomIds(), Specs((), database)
    sources = OpenSources(specs, EnvelopeBox(lambda: [b"k" * 32]), Egress(local=True))
    accounts = Connections(database, specs, sources, now, ids, Masking(database=database, labels=frozenset()))
    return Runs(database, queue, now, ids, DeltaColumns(database, specs, accounts))


def add_flows(world: World, slots: Sequence[datetime], *, period: timedelta = timedelta(hours=1)) -> list[Flow]:
    """A flow due at each of these moments, and from there on every `period` (whole minutes); each with a dataset.

    Their delta column is `changed`.
    """
    database, known = world.database, world.database.flows.get(SCOPE, "flow")
    dataset: Dataset = database.datasets.get(SCOPE, "dataset")
    copy = Transformation(name=COPY, params={"deltaColumn": {"name": "changed"}})
    minutes = period // timedelta(minutes=1)
    flows = [
        replace(
            known,
            id=f"flow{number}",
            schedule=Schedule(frequency=Frequency.MINUTE, interval=minutes, start_at=slot, backfill=True),
            target=replace(known.target, spec=SpecRef(id="lake"), params={"dataSetId": f"dataset{number}"}),
            transformations=(*known.transformations, copy),
            next_run_at=slot,
        )
        for number, slot in enumerate(slots)
    ]
    with database.transaction() as tx:
        tx.datasets.add_all([replace(dataset, id=f"dataset{number}") for number in range(len(flows))])
        tx.flows.add_all(flows)
    return flows


class Ticker:
    """A process that ticks."""

    def __init__(self, url: str, name: str, *, at: datetime | None = None) -> None:
        path = f"{_ROOT / 'src'}{os.pathsep}{_ROOT}"
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.crowd", url, name, *([at.isoformat()] if at else [])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": path},
            cwd=_ROOT,
        )

    def ready(self) -> "Ticker":
        """Return once it waits."""
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "ready\n"
        return self

    def go(self) -> None:
        """Let it tick."""
        assert self.process.stdin is not None
        self.process.stdin.write("go\n")
        self.process.stdin.flush()

    def started(self) -> int:
        """How many runs it started at its moment, when it is done."""
        return int(self.process.communicate(timeout=120)[0])

    def signal(self, number: int) -> None:
        """Send a signal."""
        self.process.send_signal(number)

    def end(self) -> None:
        """Kill it, also where it was stopped."""
        self.process.kill()
        self.process.communicate()


@contextmanager
def tickers(*made: Ticker) -> Iterator[Sequence[Ticker]]:
    """Processes that are ready; they have ended after the block."""
    try:
        yield [ticker.ready() for ticker in made]
    finally:
        for ticker in made:
            ticker.end()


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main(url: str, name: str, at: datetime | None) -> None:
    """Tick once told to."""
    database = SqlDatabase(engine=open_engine(url), forms=FORMS)
    queue = DbosRuns(engine=database.engine)
    queue.prepare()
    runs = runs_over(database, queue, lambda: at or datetime.now(UTC))
    _say("ready")
    sys.stdin.readline()
    if at is None:
        rounds = tick(runs, Leadership(database=database, holder=name))
        rounds.start()
        sys.stdin.read()
        rounds.stop()
        return
    total = 0
    while started := runs.start_due():
        total += started
    _say(str(total))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], datetime.fromisoformat(sys.argv[3]) if sys.argv[3:] else None)
