"""A scan under way: how far it has come, where it ends, and where what is left of it can be cut in two.

The thread that reads tells of each page; another one may move the end nearer, but never to what was read already.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock

from flowservice.connectors.azure_table.keys import (
    Key,
    KeyRange,
    Span,
    letters_between,
    midway,
    order,
    part_done,
    rank,
)
from flowservice.connectors.azure_table.probing import CLOSE, FirstKey, ceiling, narrowed

_PROBES = 6
"""Fruitless ones in a row, after which a scan is left until it has got on."""
_KNOWN = 200
_RECENT = 5


@dataclass(slots=True)
class Landmarks:
    """What the scans of one table have seen of its keys. Hints alone: rows come and go meanwhile."""

    rows: int = 0
    row_bytes: float | None = None
    """Of an entity on the newest page, as JSON: how many fit into a page."""
    partitions: deque[str] = field(default_factory=lambda: deque(maxlen=_KNOWN))
    row_keys: deque[str] = field(default_factory=lambda: deque(maxlen=_KNOWN))
    tops: dict[tuple[Key | None, str | None], str] = field(default_factory=dict)
    """By the end of a range, and the partition or None for the range as a whole: nothing was found from there on."""

    def note(self, key: Key) -> None:
        """Remember a key that exists."""
        for known, part in ((self.partitions, key[0]), (self.row_keys, key[1])):
            if not known or known[-1] != part:
                known.append(part)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where a scan stands at a moment."""

    last: Key
    """The last key that was read."""
    end: Key | None
    recent: tuple[tuple[Key, int], ...]
    """The last keys of the newest pages, and of the range's beginning, with how many rows were read by then."""


class Course:
    """Shared by the thread that scans a span and one that takes a part of it."""

    def __init__(self, end: Key | None, landmarks: Landmarks, *, start: Key | None = None) -> None:
        """Of a scan up to `end`; `start` only if nothing was read of it yet."""
        self.landmarks = landmarks
        self._moving = Lock()
        self._end = end
        self._is_cut = self._is_over = self._has_ended = self._is_blind = False
        self._last: Key | None = None
        self._pages = self._rows = 0
        self._left_at = -1
        self._recent: deque[tuple[Key, int]] = deque([] if start is None else [(start, 0)], maxlen=_RECENT)

    @property
    def end(self) -> Key | None:
        """Where the scan ends now."""
        with self._moving:
            return self._end

    @property
    def is_cut(self) -> bool:
        """Whether somebody has taken a part."""
        with self._moving:
            return self._is_cut

    @property
    def is_over(self) -> bool:
        """Whether the scan has reached its end."""
        with self._moving:
            return self._is_over

    def has_reached_end(self, key: Key | None, rows: int) -> bool:
        """To be asked before any row of a page is handed over: `rows` were found, `key` is the last of all so far.

        If so, rows from the end on are another's, and no page is to be read any more.
        """
        with self._moving:
            self._pages += 1
            self._rows += rows
            self.landmarks.rows += rows
            # Where a page without rows has come to, nobody knows.
            self._is_blind = not rows
            if key is None or not rows:
                return False
            self.landmarks.note(key)
            self._last = key
            self._recent.append((key, self._rows))
            self._is_over = self._end is not None and rank(key) >= rank(self._end)
            return self._is_over

    def finish(self) -> None:
        """Nobody reads here any more."""
        with self._moving:
            self._has_ended = True

    def cut(self, at: Key) -> bool:
        """Let the scan end before `at`; False if it has come too far for that."""
        with self._moving:
            has_passed = self._last is None or rank(at) <= rank(self._last)
            if has_passed or self._has_ended or (self._end is not None and rank(at) >= rank(self._end)):
                return False
            self._end, self._is_cut = at, True
            return True

    def standing(self) -> Standing | None:
        """Where the scan stands; None if it is not known, or has not changed since it was left."""
        with self._moving:
            if self._last is None or self._has_ended or self._is_blind or self._pages == self._left_at:
                return None
            return Standing(last=self._last, end=self._end, recent=tuple(self._recent))

    def leave(self) -> None:
        """Have no standing until another page is read."""
        with self._moving:
            self._left_at = self._pages


def middle_of(course: Course, first_key: FirstKey, *, least_pages: int, page_rows: int) -> Key | None:
    """A key about halfway through what is left of a scan, in a few probes; None if there is little left, or none found.

    Little: by how far the newest pages have come, fewer than `least_pages` of `page_rows` rows. That is known once two
    pages of the table were read.
    """
    standing = course.standing()
    if standing is None or course.landmarks.rows < min(least_pages, 2) * page_rows:
        return None
    found = None
    try:
        found = _Search(standing, course.landmarks, first_key, least_pages * page_rows).found()
    finally:
        if found is None:
            course.leave()
    return found


@dataclass(frozen=True, slots=True)
class _Search:
    """For a key to cut at."""

    at: Standing
    landmarks: Landmarks
    first_key: FirstKey
    least_rows: int

    def found(self) -> Key | None:
        partition = self.at.last[0]
        span = Span(end=self.at.end)
        following = span.partitions(after=partition)
        if following and self._is_little(None):
            return None
        following_key = self.first_key(following) if following else None
        if following_key is None:
            row = None if self._is_little(partition) else self._row(partition)
            return None if row is None else (partition, row)
        self.landmarks.note(following_key)
        cut = self._partition(span)
        if cut is None and self._is_hot():
            cut = following_key[0]
        return None if cut is None else (cut, "")

    def _partition(self, span: Span) -> str | None:
        def key_from(start: str) -> str | None:
            key = self.first_key(span.partitions(start=start))
            return None if key is None else key[0]

        return self._between(self.at.last[0], key_from, None)

    def _row(self, partition: str) -> str | None:
        bound = self._bound(partition)

        def key_from(start: str) -> str | None:
            key = self.first_key([KeyRange(partition=partition, start=start, end=bound)])
            return None if key is None else key[1]

        return self._between(self.at.last[1], key_from, partition)

    def _between(self, low: str, key_from: Callable[[str], str | None], partition: str | None) -> str | None:
        """A key above `low`, about halfway to the highest."""
        tops, here = self.landmarks.tops, (self.at.end, partition)
        high = tops.get(here) or self._bound(partition) or ceiling(low, lambda above: key_from(above) is not None)
        tops[here] = high
        for misses in range(_PROBES):
            if misses == CLOSE:
                high = narrowed(low, high, key_from)
            middle = midway(low, high, letters=letters_between(low, high, self._known(partition)))
            found = None if middle is None else key_from(middle)
            if middle is None or (found is not None and order(found) < order(high)):
                return found
            high = tops[here] = middle
        return None

    def _is_little(self, partition: str | None) -> bool:
        """Whether by how far the newest pages came few rows are left."""
        high = self.landmarks.tops.get((self.at.end, partition)) or self._bound(partition)
        if high is None:
            return False
        side = 0 if partition is None else 1
        (first, rows_then), (last, rows_now) = self.at.recent[0], self.at.recent[-1]
        if partition is not None and first[0] != partition:
            return False
        low, at = first[side], last[side]
        done = part_done(low, at, high, letters=letters_between(low, high, self._known(partition)))
        return done > 0 and (rows_now - rows_then) * (1 - done) / done < self.least_rows

    def _bound(self, partition: str | None) -> str | None:
        """The end, as the level at which keys are told apart knows it."""
        if self.at.end is None:
            return None
        if partition is None:
            return self.at.end[0]
        return self.at.end[1] if self.at.end[0] == partition else None

    def _is_hot(self) -> bool:
        """Whether the newest pages are all of one partition."""
        return self.at.recent[0][0][0] == self.at.last[0]

    def _known(self, partition: str | None) -> list[str]:
        return list(self.landmarks.partitions if partition is None else self.landmarks.row_keys)
