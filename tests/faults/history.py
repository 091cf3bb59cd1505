"""Random histories: rows come, change and go; runs, undos, replays, retries and upkeep
follow each other; some are cut off or fail.

A history runs in a process of its own making, with the service's own wiring but for the queue: what is queued is
executed at once, and a process that dies is an exception that nothing may catch. After each act the lake is compared
with the oracle.
"""

import random
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from threading import Event
from typing import Any, Final

from flowservice.app import App
from flowservice.domain.quarantine import Wanted
from flowservice.domain.query import Query
from flowservice.domain.run import Run
from flowservice.settings import Settings
from tests.engine.world import AtOnce
from tests.faults.evidence import Evidence
from tests.faults.front import Front, Table
from tests.faults.modes import HOUR, NOON, Mode, Row, Shape, edited
from tests.faults.oracle import Oracle
from tests.faults.points import REPLAYING, RUNNING, UNDOING, UPKEEP
from tests.faults.proxy import troubles
from tests.faults.strikes import wrapped
from tests.faults.subject import caller, name_all, newest

MODES: Final = tuple(
    Mode(write=write, windows=windows, rejects=rejects)
    for write in ("append", "upsert")
    for windows in (True, False)
    for rejects in ("none", "some")
)
_REACH: Final = 120
"""Points of one act, or so: a kill is drawn among them, and may come too late."""
_DOWN: Final = next(trouble for trouble in troubles() if trouble.name == "404 for good")


class Killed(BaseException):
    """The end of the process: nothing in the service may take it for an error and act on it."""


@dataclass
class Fate:
    """Counts the points that are passed; at the fatal one the process ends."""

    fatal: int | None = None
    passed: int = 0

    def strike(self, *_: object) -> None:
        """A point is passed."""
        self.passed += 1
        if self.passed == self.fatal:
            raise Killed

    def armed(self) -> None:
        """From now on every point of this process counts, for good."""
        for target in dict.fromkeys(
            point.target for point in (*RUNNING, *UNDOING, *REPLAYING, *UPKEEP) if ".dbos." not in point.target
        ):
            wrapped(target, before=self.strike, after=self.strike)


class Instantly:
    """Fills the run queue of `app.App`: keeps what was queued."""

    stopping = Event()

    def enqueue(self, run: Run, within: object) -> None:
        """Whoever waits looks into the store."""


@dataclass
class History:
    """One of them, by its seed."""

    seed: str
    mode: Mode
    home: Path
    front: Front
    fate: Fate
    told: list[str] = field(default_factory=list)
    """What was done, for people."""
    _rows: dict[str, Row] = field(default_factory=dict)
    _table: Table = field(init=False)
    _hours: int = 0

    def __post_init__(self) -> None:
        self.draw = random.Random(self.seed)
        self.shape = Shape.drawn(self.draw)
        self.oracle = Oracle(self.mode)
        self._table = Table(page_rows=self.draw.randint(3, 12))

    def lived(self) -> list[str]:
        """What was not as it had to be, after the first act that went wrong."""
        for number in range(self.draw.randint(3, 7)):
            act = self._acts()[self.draw.randrange(len(self._acts()))] if number else self._run
            act()
            database = f"sqlite:///{self.home / 'flowservice.db'}"
            if faults := list(Evidence(self.home, self.home / "log", database).faults(self.oracle)):
                return [f"seed {self.seed} ({self.mode.name}): {', '.join(self.told)}", *faults]
        return []

    @property
    def clock(self) -> datetime:
        """The time of the newest act."""
        return NOON + self._hours * HOUR + timedelta(minutes=5)

    def _acts(self) -> list[Callable[[], None]]:
        """What may come next; runs come more often."""
        newest = self.oracle.ended[-1]
        found = [self._run, self._run, self._fail, self._keep]
        if newest.written and newest.undoes is None:
            found += [self._undo, self._undo]
        if newest.state == "failed" and self.mode.windows:
            found += [self._retry]
        if self.oracle.can_replay:
            found += [self._replay, self._replay]
        return found

    def _run(self) -> None:
        self._edit()
        self._done("run", self._start, down=False)
        self.oracle.run(self._rows.values(), self.clock)

    def _fail(self) -> None:
        self._edit()
        self._done("run without a source", self._start, down=True)
        self.oracle.failed(self._rows.values(), self.clock, "source-object-unknown")

    def _undo(self) -> None:
        self._done("undo", lambda app: app.runs.undo(caller(app), newest(app).id), down=False)
        self.oracle.undo()

    def _retry(self) -> None:
        window = self.oracle.ended[-1].window
        self._done("retry", lambda app: app.runs.repeat(caller(app), newest(app)), down=False)
        self.oracle.run(self._rows.values(), self.clock, repeats=window)

    def _replay(self) -> None:
        self._done("replay", self._ask_for_replay, down=False)
        self.oracle.replay()

    def _ask_for_replay(self, app: App) -> None:
        name_all(app)
        app.runs.replay(caller(app), newest(app).id, Wanted())

    def _keep(self) -> None:
        """Compaction and vacuum, cut off or not: they change no row, and take away nothing that an undo needs."""
        is_cut_off = self.draw.choice([False, True])
        self.told.append("upkeep, cut off" if is_cut_off else "upkeep")
        self.fate.passed, self.fate.fatal = 0, self.draw.randint(1, 8) if is_cut_off else None
        app = self._app()
        try:
            app.lake_upkeep.go_round(vacuum=True)
        except Killed:
            pass
        finally:
            app.database.engine.dispose()

    def _edit(self) -> None:
        self._hours += 1
        edited(self._rows, self.mode, self.shape, self.draw, end=self.clock)
        self._table.rows, self._table.clock = dict(self._rows), self.clock

    def _start(self, app: App) -> None:
        if self.mode.windows or not self.oracle.ended:
            assert app.runs.start_due() == 1, "nothing was due"
        else:
            (flow,) = app.database.flows.list(caller(app).scope, Query(limit=2)).items
            app.runs.create(caller(app), flow_id=flow.id, params={})

    def _done(self, what: str, asked: Callable[[App], Any], *, down: bool) -> None:
        """Ask for a run and execute it, cut off up to three times."""
        kills = self.draw.choice([0, 0, 1, 2, 3])
        self.told.append(f"{what} ({kills} kills)" if kills else what)
        self.front.behind(self._table, _DOWN.fault if down else None)
        self.fate.fatal = None
        asked(self._app())
        for attempt in range(kills + 1):
            self.fate.passed = 0
            self.fate.fatal = self.draw.randint(1, _REACH) if attempt < kills else None
            try:
                app = self._app()
                app.execution().execute(newest(app).id, AtOnce())
            except Killed:
                continue
            finally:
                app.database.engine.dispose()
            return

    def _app(self) -> App:
        """A process that starts on the home."""
        settings = Settings(
            home=self.home, part_max_rows=self.shape.part_rows, split_threads=self.shape.threads, compact_min_files=2
        )
        app = App(settings, lambda: self.clock)
        app.__dict__["queue"] = Instantly()
        return app


def copied(furnished: Path, at: Path) -> Path:
    """A furnished home for one history."""
    if at.exists():
        shutil.rmtree(at)
    shutil.copytree(furnished, at)
    return at
