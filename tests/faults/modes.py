"""What a case is about: how its rows land, which rows there are, and what is asked of the service in which order."""

import random
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final, Literal

NOON: Final = datetime(2026, 3, 1, 12, tzinfo=UTC)
"""When a home was furnished, by the case's own clock. Its flow is due an hour later."""
HOUR: Final = timedelta(hours=1)
TOLERATED: Final = 50
"""Percent of the rows of a run that may be rejected where any may."""

Write = Literal["append", "upsert"]
Rejects = Literal["none", "some", "too many"]
Act = Literal["run", "undo", "replay"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mode:
    """How rows land. `windows`: every hour those that changed since, by `Timestamp`; else once, all of them."""

    write: Write = "append"
    windows: bool = False
    rejects: Rejects = "none"
    undo: bool = False
    """Whether the newest run is undone."""
    replay: bool = False
    """Whether the rejected rows of the newest run are replayed, by a mapping that lets those without a name pass."""

    @property
    def name(self) -> str:
        """For tables."""
        parts = [self.write, "windows" if self.windows else "once"]
        parts += [f"{self.rejects} rejected"] if self.rejects != "none" else []
        parts += ["undo"] if self.undo else []
        parts += ["replay"] if self.replay else []
        return ", ".join(parts)

    @property
    def tolerated(self) -> int:
        """Percent."""
        return TOLERATED if self.rejects == "some" else 0

    @property
    def features(self) -> frozenset[str]:
        """What happens in it: see `points.Point.needs`."""
        found = {self.write, "windows" if self.windows else "once"}
        found |= {"undo", f"undo of {self.write}"} if self.undo else set()
        found |= {"replay", f"replay of {self.write}"} if self.replay else set()
        found |= {"rejects"} if self.rejects != "none" else set()
        found |= {"fails"} if self.rejects == "too many" else set()
        found |= {f"publishes {self.write}"} if self.rejects != "too many" else set()
        found |= {"publishes rejects"} if self.rejects == "some" else set()
        found |= {"undo of rejects"} if self.rejects == "some" and self.undo else set()
        return frozenset(found)

    def clock(self, act: int) -> datetime:
        """The time of the act of that number, from 0. An undo or a replay comes before the flow is due again."""
        runs = self.acts[: act + 1].count("run")
        return NOON + runs * HOUR + timedelta(minutes=5 + act - runs)

    @property
    def repair(self) -> Act:
        """What it does with a run; `run`: nothing."""
        return "undo" if self.undo else "replay" if self.replay else "run"

    @property
    def acts(self) -> tuple[Act, ...]:
        """What is asked of the service, one after the other."""
        match self.windows, self.repair:
            case False, "run":
                return ("run",)
            case False, repair:
                return "run", repair
            case _, "run":
                return "run", "run"
            case _, repair:
                # After an undo, the last one takes the rows of the window again.
                return "run", "run", repair, "run"


MODES: Final = tuple(
    Mode(write=write, windows=windows, rejects=rejects)
    for write in ("append", "upsert")
    for windows in (False, True)
    for rejects in ("none", "some", "too many")
)
UNDOS: Final = tuple(
    Mode(write=write, windows=windows, rejects=rejects, undo=True)
    for write in ("append", "upsert")
    for windows in (False, True)
    for rejects in ("none", "some")
)
REPLAYS: Final = tuple(
    Mode(write=write, windows=windows, rejects="some", replay=True)
    for write in ("append", "upsert")
    for windows in (False, True)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """Sizes that a seed draws. Small enough for a second, and there are always several pages, batches and parts."""

    rows: int
    """Of each window."""
    keys: int
    page_rows: int
    batch_rows: int
    part_rows: int
    threads: int

    @classmethod
    def drawn(cls, draw: random.Random) -> "Shape":
        """One of them."""
        rows = draw.randint(50, 90)
        return cls(
            rows=rows,
            keys=draw.randint(rows // 4, rows),
            page_rows=draw.randint(3, 8),
            batch_rows=draw.randint(3, 8),
            part_rows=draw.randint(4, 9),
            threads=draw.choice([1, 2, 4]),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """An entity of the source, at one moment. It is rejected without a name, or with an age below 0."""

    partition: str
    row: str
    key: str
    name: str | None
    age: int
    at: datetime

    @property
    def rejection(self) -> str | None:
        """The code with which it is rejected."""
        if self.name is None:
            return "INGEST-1555-400"
        return "INGEST-1404-400" if self.age < 0 else None

    @property
    def named(self) -> "Row":
        """As the mapping of replays takes it: named by its row key."""
        return replace(self, name=self.row)


def edited(rows: dict[str, Row], mode: Mode, shape: Shape, draw: random.Random, *, end: datetime) -> None:
    """Let rows come, change and go within the hour before `end`, in place; the newest are too new for a window."""
    start, are_first = end - HOUR, not rows
    gone = draw.sample(sorted(rows), len(rows) // 20)
    for number in range(shape.rows):
        name = f"{number if are_first else draw.randrange(4 * shape.rows):05d}"
        at = start + (end - start) * ((number + draw.random()) / shape.rows)
        rows[name] = _row(name, at, _is_bad(mode, draw), shape, draw)
    for name in gone:
        del rows[name]


def _is_bad(mode: Mode, draw: random.Random) -> bool:
    # Far from the share that is tolerated, be it below or above.
    share = {"none": 0.0, "some": 0.1, "too many": 0.5}[mode.rejects]
    return draw.random() < share


def _row(name: str, at: datetime, is_bad: bool, shape: Shape, draw: random.Random) -> Row:
    key = f"k{draw.randrange(shape.keys):04d}"
    lacks_name = is_bad and draw.random() < 0.5
    # Of rows that no time tells apart, the one with the highest values is the last: the same row in all of them.
    return Row(
        partition=f"p{int(name) % 3}",
        row=name,
        key=key,
        name=None if lacks_name else f"n{name}",
        age=-1 if is_bad and not lacks_name else int(name),
        at=at.replace(microsecond=draw.randrange(1_000_000)),
    )
