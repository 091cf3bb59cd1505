"""What is done to a process at a named point of its course, from within and without any hook in what it runs."""

import errno
import functools
import importlib
import itertools
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from tests.faults.points import Point

Deed = Literal["kill", "stop", "lose the answer", "refuse", "clean up and kill"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Strike:
    """A deed at the `call`-th passing of a point."""

    point: Point
    call: int = 1
    deed: Deed = "kill"

    @property
    def name(self) -> str:
        """For people."""
        return f"{self.deed} {self.point.name}" + (f" #{self.call}" if self.call > 1 else "")


def armed(strike: Strike, mark: Path) -> None:
    """Let the deed be done in this process once its point is passed so often; `mark` is made just before it."""
    passing = itertools.count(1)

    def strikes(*args: Any) -> None:
        if next(passing) == strike.call:
            _do(strike.deed, mark, args)

    if strike.point.when == "before":
        wrapped(strike.point.target, before=strikes)
    else:
        wrapped(strike.point.target, after=strikes)


def wrapped(
    target: str, *, before: Callable[..., None] = lambda *_: None, after: Callable[..., None] = lambda *_: None
) -> None:
    """Let these be called, with its arguments, around every call of `target` in this process."""
    module, _, path = target.partition(":")
    *owners, name = path.split(".")
    owner: Any = importlib.import_module(module)
    for step in owners:
        owner = getattr(owner, step)
    original = getattr(owner, name)

    @functools.wraps(original)
    def passed(*args: Any, **kwargs: Any) -> Any:
        before(*args)
        result = original(*args, **kwargs)
        after(*args)
        return result

    setattr(owner, name, passed)


def _do(deed: Deed, mark: Path, args: tuple[Any, ...]) -> None:
    mark.touch()
    if deed == "stop":
        # Other threads may go on for a moment, until none of them holds the store: then everybody waits for a signal.
        while not revival(mark).exists():
            os.kill(os.getpid(), signal.SIGSTOP)
            time.sleep(0.002)
    else:
        _DEEDS[deed](args)


def revival(mark: Path) -> Path:
    """Made when a stopped process may go on for good."""
    return mark.with_name("revived")


def _kill(_: tuple[Any, ...]) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _lose_the_answer(_: tuple[Any, ...]) -> None:
    from deltalake.exceptions import CommitFailedError

    raise CommitFailedError("the connection was lost before the answer came")


def _refuse(_: tuple[Any, ...]) -> None:
    raise OSError(errno.EIO, os.strerror(errno.EIO))


def _clean_up_and_kill(args: tuple[Any, ...]) -> None:
    """As an operator's job would: everything that the log can do without goes. The first argument has the table."""
    from deltalake import DeltaTable

    first = args[0]
    path = first.table_uri if isinstance(first, DeltaTable) else first.location(args[1])
    table = DeltaTable(path.removeprefix("file://"))
    table.alter.set_table_properties({"delta.logRetentionDuration": "interval 0 days"})
    table = DeltaTable(path.removeprefix("file://"))
    table.create_checkpoint()
    table.cleanup_metadata()
    table.vacuum(retention_hours=0, enforce_retention_duration=False, dry_run=False, full=False)
    _kill(args)


_DEEDS: dict[Deed, Callable[[tuple[Any, ...]], None]] = {
    "kill": _kill,
    "lose the answer": _lose_the_answer,
    "refuse": _refuse,
    "clean up and kill": _clean_up_and_kill,
}
