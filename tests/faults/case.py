"""One case: a home, a source that changes, a process that meets its fate, others after it, and the verdict."""

import multiprocessing
import os
import random
import shutil
import signal
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path
from typing import Final

from tests.faults import subject
from tests.faults.evidence import Evidence
from tests.faults.front import Front, Table
from tests.faults.furnished import furnish
from tests.faults.modes import NOON, Mode, Row, Shape, edited
from tests.faults.oracle import Oracle
from tests.faults.strikes import Strike, revival
from tests.forked import PRELOADED
from tests.live import ROOT, SOURCE
from tests.postgres import Postgres

_WITHIN_S: Final = 60.0


@dataclass
class Stage:
    """Where cases take place: the front, and furnished homes to copy."""

    folder: Path
    front: Front
    context: ForkServerContext
    postgres: Postgres | None = None
    """Where stores are; none: in the homes."""
    _furnished: dict[str, Path] = field(default_factory=dict)
    _on: dict[str, "Stage"] = field(default_factory=dict)

    def on(self, postgres: Postgres) -> "Stage":
        """The stage of cases whose stores are on that server."""
        if postgres.admin_url not in self._on:
            folder = self.folder / f"postgres{len(self._on)}"
            self._on[postgres.admin_url] = Stage(folder, self.front, self.context, postgres)
        return self._on[postgres.admin_url]

    def home(self, mode: Mode, at: Path) -> Path:
        """A furnished home of that mode, below `at`."""
        home = at / "home"
        shutil.copytree(self.furnished(mode), home)
        return home

    def furnished(self, mode: Mode) -> Path:
        """The one that is copied; made by the first who asks."""
        key = f"{mode.write}_{mode.windows}_{mode.tolerated}".lower()
        if key not in self._furnished:
            home = self.folder / key
            self.front.behind(sample())
            url = None if self.postgres is None else self.postgres.new_database(f"furnished_{key}")
            made = self.process(furnish, home, mode, self.front.connection_string, url)
            made.join(60)
            assert made.exitcode == 0, "a home could not be furnished"
            self._furnished[key] = home
        return self._furnished[key]

    def database(self, mode: Mode) -> str | None:
        """The URL of a store of that mode for one case; None: it is in the home."""
        self.furnished(mode)
        key = f"{mode.write}_{mode.windows}_{mode.tolerated}".lower()
        return None if self.postgres is None else self.postgres.new_database(like=f"furnished_{key}")

    def process(self, work: Callable[..., None], *args: object) -> ForkServerProcess:
        """A process of its own that does that, forked from one that has loaded everything and done nothing."""
        started = self.context.Process(target=work, args=args)
        started.start()
        return started


def sample() -> Table:
    """Something to look at for who makes a flow: the service checks columns."""
    table, draw = Table(), random.Random(0)
    edited(table.rows, Mode(), Shape.drawn(draw), draw, end=NOON)
    return table


@contextmanager
def staged(folder: Path, front: Front) -> Iterator[Stage]:
    """A stage in that folder."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(PRELOADED))
    # What the server of forks preloads it finds there alone.
    os.environ["PYTHONPATH"] = os.pathsep.join(map(str, (SOURCE, ROOT)))
    yield Stage(folder=folder, front=front, context=context)


@dataclass
class Case:
    """A mode, a seed, and what was done so far."""

    stage: Stage
    mode: Mode
    seed: str
    at: Path
    draw: random.Random = field(init=False)
    shape: Shape = field(init=False)
    oracle: Oracle = field(init=False)
    table: Table = field(init=False)
    home: Path = field(init=False)
    database_url: str = field(init=False)
    """Of the store."""
    rows: dict[str, Row] = field(default_factory=dict)
    tries: int = 8
    within_s: float = _WITHIN_S
    """So long a process may take."""
    unswept: bool = False
    """Whether files of a failed run may stay, for the lake could not be written when it ended."""

    def __post_init__(self) -> None:
        self.draw = random.Random(self.seed)
        self.shape = Shape.drawn(self.draw)
        self.oracle = Oracle(self.mode)
        self.table = Table(page_rows=self.draw.randint(3, 12))
        self.home = self.stage.home(self.mode, self.at)
        self.database_url = self.stage.database(self.mode) or f"sqlite:///{self.home / 'flowservice.db'}"
        self.stage.front.behind(self.table)

    def acted(self, number: int, *strikes: Strike) -> None:
        """The act of that number, in a process a strike, each of which is killed by it, and in one that finishes."""
        self.prepare(number)
        for strike in strikes:
            self.killed(number, strike)
        self.finished(number)
        self.expect(number)

    def prepare(self, number: int) -> None:
        """Let the source be as that act finds it."""
        if self.mode.acts[number] == "run":
            edited(self.rows, self.mode, self.shape, self.draw, end=self.mode.clock(number))
        self.table.rows, self.table.clock = dict(self.rows), self.mode.clock(number)

    def expect(self, number: int) -> None:
        """Let the oracle know of that act."""
        if self.mode.acts[number] == "run":
            self.oracle.run(self.rows.values(), self.mode.clock(number))
        elif self.mode.acts[number] == "undo":
            self.oracle.undo()
        elif self.oracle.can_replay:
            self.oracle.replay()

    def killed(self, number: int, strike: Strike) -> None:
        """A process for that act, which has to come by the point of the strike, and dies there."""
        process = self.started(number, strike)
        process.join(self.within_s)
        code = process.exitcode
        assert self.has_struck, f"{strike.name} was never reached; the process ended with {code}: {self.said()}"
        assert code == -signal.SIGKILL, f"{strike.name}: the process ended with {code}: {self.said()}"

    def killed_or_done(self, number: int, strike: Strike) -> None:
        """A process for that act, which dies at that point, or comes to its end without passing it."""
        process = self.started(number, strike)
        process.join(self.within_s)
        wanted = -signal.SIGKILL if self.has_struck else 0
        assert process.exitcode == wanted, f"{strike.name}: the process ended with {process.exitcode}: {self.said()}"

    def finished(self, number: int) -> None:
        """A process for that act that nobody disturbs; it has to come to an end."""
        self.ended(self.started(number))

    def ended(self, process: ForkServerProcess) -> None:
        """Return once the process has done all there was to do."""
        process.join(self.within_s)
        if process.exitcode is None:
            process.kill()
        assert process.exitcode == 0, f"stuck ({process.exitcode}): {self.said()}"

    def started(self, number: int, strike: Strike | None = None) -> ForkServerProcess:
        """A process for that act."""
        orders = subject.Orders(
            home=self.home,
            clock=self.mode.clock(number),
            act=self.mode.acts[number],
            shape=self.shape,
            strike=strike,
            within_s=self.within_s / 2,
            tries=self.tries,
            database_url=None if self.database_url.startswith("sqlite") else self.database_url,
        )
        orders.mark.unlink(missing_ok=True)
        revival(orders.mark).unlink(missing_ok=True)
        return self.stage.process(subject.work, orders)

    @property
    def has_struck(self) -> bool:
        """Whether the strike of the newest process came."""
        return (self.at / "struck").exists()

    def stopped(self, process: ForkServerProcess) -> None:
        """Return once the strike of a process has stopped it."""
        self.stopped_or_done(process)
        assert process.exitcode is None, f"the process did not come to where it is stopped: {self.said()}"

    def stopped_or_done(self, process: ForkServerProcess) -> None:
        """Return once the strike of a process has stopped it, or it has come to its end without passing the point."""
        until = time.monotonic() + self.within_s
        while process.exitcode is None and not (self.has_struck and _state(process.pid) == "T" and self._is_free()):
            assert time.monotonic() < until, f"the process neither stopped nor ended: {self.said()}"
            if self.has_struck and process.pid is not None:
                # Stopped while another thread was at the store, it goes on for a moment.
                os.kill(process.pid, signal.SIGCONT)
            process.join(0.01)

    def revived(self, process: ForkServerProcess) -> None:
        """Let a stopped process go on."""
        revival(self.at / "struck").touch()
        if process.pid is not None and process.exitcode is None:
            os.kill(process.pid, signal.SIGCONT)

    def _is_free(self) -> bool:
        """Whether nobody holds the store against others."""
        if not self.database_url.startswith("sqlite"):
            return True
        with closing(sqlite3.connect(self.home / "flowservice.db", timeout=0.05, isolation_level=None)) as store:
            try:
                store.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError:
                return False
            store.execute("ROLLBACK")
            return True

    def errors(self, number: int) -> list[dict[str, str]]:
        """Of the run of that number, from 0."""
        found: list[dict[str, str]] = Evidence(self.home, self.at / "log", self.database_url).runs[number]["errors"]
        return found

    def codes(self) -> list[str | None]:
        """Why each run failed: the code of its first error; None: it landed."""
        found = Evidence(self.home, self.at / "log", self.database_url).runs
        return [run["errors"][0]["code"] if run["state"] == "failed" else None for run in found]

    def judged(self) -> None:
        """Raises AssertionError with all that is not as it has to be."""
        faults = list(Evidence(self.home, self.at / "log", self.database_url).faults(self.oracle, unswept=self.unswept))
        assert not faults, "\n".join([f"seed {self.seed}, {self.shape}", *faults, self.said()])

    def said(self) -> str:
        """The end of what the processes said."""
        log = self.at / "log"
        return log.read_text(errors="replace")[-12000:] if log.exists() else ""


def _state(pid: int | None) -> str:
    """Of a process, as the kernel has it: `T` is stopped."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return ""
