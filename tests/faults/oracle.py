"""What dataset, quarantine and runs must hold, computed from the harness's own record of the source.

Plain Python by the published rules; it knows nothing of how the service goes about it, and imports nothing of it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, TypeAlias

from tests.faults.modes import Mode, Row

LAG: Final = timedelta(minutes=2)
"""How far a window's end stays behind the source's clock (the setting `window_lag_s`)."""

Landed: TypeAlias = tuple[int, str, str, str | None, int]
"""Number of the run, then the values: key, row, name, age."""
Kept: TypeAlias = tuple[int, str, str]
"""Of a rejected row: number of the run, row, code."""
Window: TypeAlias = tuple[datetime | None, datetime]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a run must have ended."""

    number: int
    state: str
    read: int = 0
    rejected: int = 0
    superseded: int = 0
    written: int = 0
    window: Window | None = None
    undoes: int | None = None
    replays: int | None = None
    error: str | None = None
    """The code of its first error."""


@dataclass(slots=True)
class Oracle:
    """Follows a case: told of each act, it says what must be there."""

    mode: Mode
    rows: list[Landed] = field(default_factory=list)
    kept: list[Kept] = field(default_factory=list)
    perhaps_kept: list[Kept] = field(default_factory=list)
    """Rejected rows of runs that were cut off, which may have come to some of them."""
    cut_off: set[int] = field(default_factory=set)
    """Numbers of those runs."""
    ended: list[Ended] = field(default_factory=list)
    _watermark: datetime | None = None
    _rejected: list[Row] = field(default_factory=list)
    """By the newest run, if that landed."""
    _before: list[list[Landed]] = field(default_factory=list)
    """The rows before each landed run, for undos."""

    def run(self, source: Iterable[Row], clock: datetime, *, repeats: Window | None = None) -> Ended:
        """A run over the source as it is, when it is `clock` there, or over the window of one that failed."""
        number = len(self.ended) + 1
        window = self._window(clock) if repeats is None else (self._watermark, repeats[1])
        wanted = [row for row in source if window is None or _is_in(row, window)]
        rejected = [row for row in wanted if row.rejection is not None]
        self.kept += [(number, row.row, row.rejection or "") for row in rejected]
        counts = {"read": len(wanted), "rejected": len(rejected)}
        if 100 * len(rejected) > self.mode.tolerated * len(wanted):
            ended = Ended(number=number, state="failed", window=window, error="rejected-above-threshold", **counts)
            self._rejected = []
        else:
            self._rejected = rejected
            ended = self._landed(number, [row for row in wanted if row.rejection is None], window, counts)
        self.ended.append(ended)
        return ended

    def failed(self, source: Iterable[Row], clock: datetime, error: str) -> Ended:
        """A run that failed before it published anything; what it rejected until then is kept."""
        number, window = len(self.ended) + 1, self._window(clock)
        wanted = (row for row in source if window is None or _is_in(row, window))
        self.perhaps_kept += [(number, row.row, row.rejection) for row in wanted if row.rejection is not None]
        self.cut_off.add(number)
        self._rejected = []
        ended = Ended(number=number, state="failed", window=window, error=error)
        self.ended.append(ended)
        return ended

    def could_not_keep(self) -> None:
        """The newest run failed, and the lake took none of its rejected rows."""
        number = self.ended[-1].number
        self.kept = [kept for kept in self.kept if kept[0] != number]

    def undo(self) -> Ended:
        """The newest run taken back."""
        undone = self.ended[-1]
        self._rejected = []
        self.rows = self._before.pop()
        self.kept = [kept for kept in self.kept if kept[0] != undone.number]
        if undone.window is not None and undone.replays is None:
            self._watermark = undone.window[0]
        ended = Ended(number=len(self.ended) + 1, state="success", window=undone.window, undoes=undone.number)
        self.ended.append(ended)
        return ended

    @property
    def can_replay(self) -> bool:
        """Whether the newest run left rows that wait."""
        return bool(self._rejected)

    def replay(self) -> Ended:
        """The rejected rows of the newest run, named by their row keys. In an upsert they are older than all that the
        run itself landed, and newer than what was there before it."""
        origin, number, tried = self.ended[-1], len(self.ended) + 1, self._rejected
        self._rejected = []
        self.kept += [(number, row.row, row.rejection or "") for row in tried]
        self._before.append(list(self.rows))
        good = [row.named for row in tried if row.named.rejection is None]
        came = good
        if self.mode.write == "upsert":
            newer = {landed[1] for landed in self.rows if landed[0] >= origin.number}
            came = [row for row in _last_of_each_key(good, by_time=self.mode.windows) if row.key not in newer]
            keys = {row.key for row in came}
            self.rows = [landed for landed in self.rows if landed[1] not in keys]
        self.rows += [(number, row.key, row.row, row.name, row.age) for row in came]
        failed = len(tried) - len(good)
        ended = Ended(
            number=number,
            state="partialSuccess" if failed else "success",
            read=len(tried),
            rejected=failed,
            superseded=len(good) - len(came),
            written=len(came),
            window=origin.window,
            replays=origin.number,
            error="INGEST-1212-400" if failed else None,
        )
        self.ended.append(ended)
        return ended

    def _window(self, clock: datetime) -> Window | None:
        return (self._watermark, (clock - LAG).replace(microsecond=0)) if self.mode.windows else None

    def _landed(self, number: int, good: Sequence[Row], window: Window | None, counts: dict[str, int]) -> Ended:
        self._before.append(list(self.rows))
        came = _last_of_each_key(good, by_time=self.mode.windows) if self.mode.write == "upsert" else list(good)
        if self.mode.write == "upsert":
            keys = {row.key for row in came}
            self.rows = [landed for landed in self.rows if landed[1] not in keys]
        self.rows += [(number, row.key, row.row, row.name, row.age) for row in came]
        if window is not None:
            self._watermark = window[1]
        return Ended(
            number=number,
            state="partialSuccess" if counts["rejected"] else "success",
            window=window,
            superseded=len(good) - len(came),
            written=len(came),
            error="INGEST-1212-400" if counts["rejected"] else None,
            **counts,
        )


def _is_in(row: Row, window: Window) -> bool:
    start, end = window
    return (start is None or row.at >= start) and row.at < end


def _last_of_each_key(rows: Sequence[Row], *, by_time: bool) -> list[Row]:
    """Of each key the last row by its time; without times by its values, which rise together."""
    last: dict[str, Row] = {}
    for row in sorted(rows, key=lambda row: (row.at if by_time else 0, row.row)):
        last[row.key] = row
    return list(last.values())
