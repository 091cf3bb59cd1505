"""Parts of splits that are being read, taken over for idle threads. Each is stored before anybody reads it.

1. The source cuts the range; from then on its reader stops at the cut.
2. One transaction stores what is kept, and a further split that reads what is given.
3. The further split is read.

Until 2. is settled the split records nothing: were it recorded as done, and the process killed, nobody would read the
rest. A process killed at any other point finds in the store who reads what.
"""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import Final

from flowservice.domain.staging import SplitProgress, Staged
from flowservice.engine.plan import Plan, reads_json, split_reading
from flowservice.errors import Cancelled, SourceError, Throttled
from flowservice.ports.database import ProgressStore
from flowservice.sdk import Division, Source, Split, Stealing

_LOG: Final = logging.getLogger(__name__)
_PAUSE_S: Final = 10.0


@dataclass(slots=True, kw_only=True)
class Attempt:
    """A split while it is read."""

    split: Split
    progress: SplitProgress
    store: ProgressStore
    settling: Lock = field(default_factory=Lock)
    is_unsettled: bool = False
    """The range was cut, and whether that was stored nobody knows."""
    has_begun: bool = False
    """The source knows of it."""
    has_ended: bool = False

    def record(self, staged: Staged, *, done: bool) -> SplitProgress:
        """Add `staged`. Raises Stale if another attempt has begun since, Cancelled if a division was not stored."""
        with self.settling:
            if self.is_unsettled:
                raise Cancelled("a part of the split was taken, and that could not be stored")
            self.progress = self.store.record(self.progress, staged, done=done)
            return self.progress


@dataclass(slots=True, kw_only=True)
class Attempts:
    """The splits of a run that are being read at the moment."""

    source: Source
    store: ProgressStore
    plan: Plan
    _running: dict[int, Attempt] = field(default_factory=dict)
    _portions: dict[int, float] = field(default_factory=dict)
    """Of the rows of its planned split, if every division halves."""
    _not_before: float = 0.0
    """On the monotonic clock: the source could not be asked for a cut a moment ago."""

    @contextmanager
    def at(self, split: Split, progress: SplitProgress) -> Iterator[Attempt]:
        """An attempt at `split`, from which parts may be taken meanwhile; it reads what `progress` says."""
        if progress.reads is not None:
            split = split_reading(split.number, progress.reads)
        attempt = Attempt(split=split, progress=progress, store=self.store)
        self._running[split.number] = attempt
        try:
            yield attempt
        finally:
            # Not while a part is being taken: by its number, the source would then cut the next attempt's range.
            with attempt.settling:
                attempt.has_ended = True
                del self._running[split.number]

    def stolen(self) -> Split | None:
        """A further split, stored, out of one that is being read; None if at the moment none can spare a part.

        Only one thread may ask at a time. Raises StoreUnavailable, Stale: then what is stored has to be read anew.
        """
        if not isinstance(self.source, Stealing) or time.monotonic() < self._not_before:
            return None
        largest_first = sorted(self._running.copy().items(), key=lambda one: -self._portions.get(one[0], 1.0))
        for _, attempt in largest_first:
            # While one is being recorded, another one may do.
            if attempt.settling.acquire(blocking=False):
                try:
                    taken = self._taken(attempt, self.source)
                finally:
                    attempt.settling.release()
                if taken is not None:
                    return taken
        return None

    def _taken(self, attempt: Attempt, source: Stealing) -> Split | None:
        if not attempt.has_begun or attempt.has_ended or attempt.progress.done:
            return None
        try:
            division = source.steal(attempt.split)
        except SourceError as error:
            # Nothing was cut, and reading goes on. A source that is busy is left to those who read.
            _LOG.info("no part of split %s could be taken: %s", attempt.split.number, error)
            asked_for = error.retry_after_s if isinstance(error, Throttled) else None
            self._not_before = time.monotonic() + max(_PAUSE_S, asked_for or 0.0)
            return None
        return None if division is None else self._stored(attempt, division)

    def _stored(self, attempt: Attempt, division: Division) -> Split:
        attempt.is_unsettled = True
        kept = replace(attempt.split, range=division.kept)
        given = reads_json(replace(attempt.split, range=division.given))
        above = max(split.number for split in self.plan.splits)
        new = self.store.divide(attempt.progress, kept=reads_json(kept), given=given, above=above)
        attempt.split, attempt.is_unsettled = kept, False
        portion = self._portions.get(kept.number, 1.0) / 2
        self._portions[kept.number] = self._portions[new.number] = portion
        return split_reading(new.number, given)
