"""Reading a range of keys from its beginning to its end, page by page, without losing or repeating a row.

The headers of a page already name the next one: a thread opens pages ahead while the caller reads and decodes bodies.
What is in flight is bounded: two opened pages waiting, one on its way, and one batch. Large entities make pages short.
"""

import queue
import threading
import time
from bisect import bisect_left
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from flowservice.connectors.azure_table.course import Course
from flowservice.connectors.azure_table.decoder import Decoder, new_decoder
from flowservice.connectors.azure_table.faults import Refused
from flowservice.connectors.azure_table.keys import Key, KeyRange, Span, rank
from flowservice.connectors.azure_table.memory import Memory
from flowservice.connectors.azure_table.page_faults import OversizedPage, keyless
from flowservice.connectors.azure_table.table_service import (
    CONTINUATION,
    Page,
    RepeatedToken,
    Repeats,
    TableService,
    Token,
)
from flowservice.errors import BrokenPage, Drifted, SourceError, Unreachable
from flowservice.sdk import Batch, Cursor

_AHEAD: Final = 2
# With the 8,000 rows of a batch that a source asks for, at a common 1 KiB an entity, both limits come together.
_BATCH_BYTES: Final = 8_000_000
# A thousand entities of 1 MiB each would be a page of 1 GB. How large they are is known once some are there.
_FIRST_ROWS: Final = 100
_PATIENCE_S: Final = 2.0
_STALE_S: Final = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """What to read of a table: `$select`ed columns (None: all) of a range of keys, `page_rows` a request."""

    service: TableService
    table: str
    columns: tuple[str, ...] | None = None
    span: Span = field(default_factory=Span)
    course: Course
    """Of this scan alone; its end, which may come nearer, is where reading ends."""
    memory: Memory = field(default_factory=Memory)
    """Shared by all scans of a source."""
    where: str | None = None
    """A further condition on every row, as `$filter` has it."""
    page_rows: int = 1000
    batch_rows: int = 8_000
    batch_s: float = 5.0
    """Seconds after which a batch is handed over with what rows there are, or none: looking through a table for the
    few rows that pass a condition, the service answers page after page without any."""

    def batches(self, after: Cursor | None) -> Iterator[Batch]:
        """Rows past `after`. Raises Drifted if that is no cursor of ours, else as `faults` says.

        A place to resume at holds whether or not a part that was taken meanwhile is still this scan's to read.
        """
        place = _Place.of(after)
        lost_at: list[Key | None] = []
        while not place.done:
            try:
                for reached, group in self._from(place):
                    place = reached
                    yield Batch(rows=group.rows, resume=place.to_json(), wire_bytes=group.wire_bytes)
            except (_TokenLost, RepeatedToken, _Astray):
                # Cosmos sorts no result by key: what comes after the last key may have been left out before it.
                if place.last is not None and self.service.account.is_cosmos:
                    raise
                # Go on by key after the last batch with rows, an earlier run's or our own; if there was none, nothing
                # comes twice. Once: a service that refuses the token it just gave, or leads back by it, would be asked
                # for ever.
                if place.last in lost_at:
                    raise
                lost_at.append(place.last)
                place = _Place(last=place.last)
            else:
                return

    def _from(self, place: "_Place") -> "Iterator[tuple[_Place, _Group]]":
        """Groups of rows from `place` on, each with the place after it."""
        end, last, token = self.course.end, place.last, place.next or {}
        span = replace(self.span, end=end)
        legs = span.legs(after=last) if place.next is None else (place.leg, *span.beyond(place.leg))
        for leg in legs:
            for group in self._groups(leg, token, end):
                if group is None:
                    # Somebody took a part, and pages without rows do not tell when that is reached: ask for less.
                    yield from self._from(_Place(last=last))
                    return
                if not self.service.account.is_cosmos and (row := first_astray(group.rows, last)) is not None:
                    if row:
                        good = group.up_to(row)
                        yield _Place(last=good.last), good
                    raise _Astray(
                        "the service leads back to rows that it gave already",
                        advice="Try again; if it stays so, report it to the operator of the table service.",
                    )
                last = group.last or last
                if group.next is not None:
                    yield _Place(next=group.next, leg=leg, last=last), group
                    continue
                is_last = leg is legs[-1]
                if is_last:
                    self.course.finish()
                # What was taken may yet come back: whoever took it has to store that first.
                yield _Place(last=last, done=is_last and not self.course.is_cut), group
            if self.course.is_over:
                return
            token = {}

    def _groups(self, leg: KeyRange, token: Token, end: Key | None) -> Iterator["_Group | None"]:
        """Whole pages, enough for a batch or what came in its time, be it none.

        None, and then no more: the end has come nearer than `end`, and is better asked for than waited for.
        """
        pages = new_decoder()
        wire_bytes = 0
        page: Page | None = None
        due = time.monotonic() + self.batch_s
        try:
            for came, size, found in self._decoded(pages, self._query(leg), token):
                if came is None:
                    if pages.rows and page is not None:
                        yield _Group.of(pages, page, wire_bytes)
                    wire_bytes = 0
                    continue
                page = came
                wire_bytes += size
                if self.course.has_reached_end(pages.last_key, found):
                    group = _Group.of(pages, page, wire_bytes).before(self.course.end)
                    if group.rows.num_rows:
                        yield group
                    return
                if not found and page.next is not None and self.course.end != end:
                    if pages.rows:
                        yield _Group.of(pages, page, wire_bytes)
                    yield None
                    return
                most_bytes = min(_BATCH_BYTES, self.memory.share())
                is_full = pages.rows >= self.batch_rows or (pages.rows and wire_bytes >= most_bytes)
                if is_full or (page.next is not None and time.monotonic() >= due):
                    yield _Group.of(pages, page, wire_bytes)
                    wire_bytes = 0
                    # What the caller does in between is not waited for.
                    due = time.monotonic() + self.batch_s
        except SourceError:
            # What was read before is good, and a run that is tried again gets further each time.
            if pages.rows and page is not None:
                yield _Group.of(pages, page, wire_bytes)
            raise
        if pages.rows and page is not None:
            yield _Group.of(pages, page, wire_bytes)

    def _decoded(
        self, pages: Decoder, query: Mapping[str, str], token: Token
    ) -> Iterator[tuple[Page | None, int, int]]:
        """Pages, in order, once they are in `pages`; their bytes and rows. A broken one is asked for again.

        None in place of a page: there is no room for the next one before the batch is taken.
        """
        following: Token | None = token
        landmarks = self.course.landmarks
        rows = _FIRST_ROWS if landmarks.row_bytes is None else self.memory.rows(landmarks.row_bytes)
        rows = min(self.page_rows, rows)
        failed, most, is_unmeasured = 0, self.page_rows, landmarks.row_bytes is None
        is_first = is_unmeasured
        while following is not None:
            broken: BrokenPage | Unreachable | None = None
            opened = partial(self._opened, {**query, "$top": str(rows)})
            with closing(_one_page(opened, following) if is_first else _pages(opened, following)) as coming:
                for page in coming:
                    began = time.monotonic()
                    try:
                        body = page.body()
                        found = pages.add(body)
                    except OversizedPage:
                        if pages.rows:
                            yield None, 0, 0
                            break
                        if rows == 1:
                            raise
                        rows = most = max(1, rows // 8)
                        is_first, is_unmeasured = True, True
                        break
                    except (BrokenPage, Unreachable) as error:
                        if isinstance(error, Unreachable):
                            if began - page.opened_at > _STALE_S:
                                break  # it waited too long for us, and is asked for anew
                            rows = most = max(1, rows // 2)  # a slow line
                        failed += 1
                        broken = error
                        # Leave the pages that were opened ahead, too: the second answer may end at another key than
                        # the first did, and going on after the first one's end would lose or repeat rows.
                        break
                    failed, size, is_first = 0, len(body), False
                    following = page.next
                    del body  # not needed while the caller is at work
                    yield page, size, found
                    if not found:
                        continue
                    landmarks.row_bytes = size / found
                    # What was too much once is tried again little by little.
                    most = min(self.page_rows, most + 1 + most // 16)
                    fitting = min(most, self.memory.rows(landmarks.row_bytes))
                    if is_unmeasured or fitting >= 2 * rows or (size > self.memory.share() and fitting < rows):
                        is_unmeasured, rows = False, fitting
                        break  # and leave the pages that were opened ahead for another number of rows
            if broken is not None:
                self.service.retries.wait(broken, failed=failed, stopped=self.service.closed)

    def _opened(self, query: Mapping[str, str], token: Token, stopped: threading.Event) -> Page:
        try:
            return self.service.open(self.table, {**query, **token}, stopped=stopped)
        except Refused as refused:
            if token:
                raise _TokenLost(refused.message, advice=refused.advice) from None
            raise

    def _query(self, leg: KeyRange) -> dict[str, str]:
        """What every page of a range is asked for with, but for `$top`; the keys are always selected."""
        query = {}
        conditions = [condition for condition in (leg.filter(), self.where) if condition is not None]
        if conditions:
            query["$filter"] = " and ".join(conditions)
        if self.columns is not None:
            query["$select"] = ",".join(dict.fromkeys(("PartitionKey", "RowKey", *self.columns)))
        return query


@dataclass(frozen=True, slots=True)
class _Group:
    """Decoded pages that make a batch."""

    rows: pa.RecordBatch
    last: Key | None
    """The key of the last row; None: there are no rows."""
    next: Token | None
    wire_bytes: int

    @staticmethod
    def of(pages: Decoder, page: Page, wire_bytes: int) -> "_Group":
        """All that `pages` holds, of which `page` came last. Raises BrokenPage."""
        last, has_rows = pages.last_key, pages.rows > 0
        rows = pages.batch()
        if has_rows and (last is None or any(rows.column(name).null_count for name in ("PartitionKey", "RowKey"))):
            raise keyless()
        return _Group(rows, last, page.next, wire_bytes)

    def before(self, end: Key | None) -> "_Group":
        """The rows before `end`, which are in order; no page follows them."""
        keys = [self.rows.column(name) for name in ("PartitionKey", "RowKey")]

        def key_at(row: int) -> Key:
            return keys[0][row].as_py(), keys[1][row].as_py()

        rows = self.rows.num_rows
        if end is not None:
            rows = bisect_left(range(rows), rank(end), key=lambda row: rank(key_at(row)))
        return self.up_to(rows)

    def up_to(self, rows: int) -> "_Group":
        """The first so many rows; no page follows them."""
        last = tuple(self.rows.column(name)[rows - 1].as_py() for name in ("PartitionKey", "RowKey")) if rows else None
        return replace(self, rows=self.rows.slice(0, rows), last=last, next=None)


_Added: TypeAlias = tuple[Page | None, int, int]


class _Astray(BrokenPage):
    """A continuation token led back: rows came that are not behind those before them, and may have landed already."""


def first_astray(rows: pa.RecordBatch, after: Key | None) -> int | None:
    """The first row whose key is not behind that of the row before it, or behind `after`; None: they are in order."""
    if not rows.num_rows:
        return None
    partitions, keys = (rows.column(name) for name in ("PartitionKey", "RowKey"))

    def ranked(row: int) -> tuple[bytes, bytes]:
        return rank((partitions[row].as_py(), keys[row].as_py()))

    if after is not None and ranked(0) <= rank(after):
        return 0
    is_behind = pc.or_(
        pc.greater(partitions[1:], partitions[:-1]),
        pc.and_(pc.equal(partitions[1:], partitions[:-1]), pc.greater(keys[1:], keys[:-1])),
    )
    # Arrow goes by code points, the service by UTF-16 units. They differ beyond the basic plane; either will do.
    doubtful = pc.indices_nonzero(pc.invert(is_behind)).to_pylist()
    return next((row + 1 for row in doubtful if ranked(row + 1) <= ranked(row)), None)


class _TokenLost(Refused):
    """The service refuses a continuation token: it came from an earlier run, or the table was moved since."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """A cursor: the next page's token; the last key, should the token be refused; or that nothing is left."""

    next: Token | None = None
    leg: KeyRange = field(default_factory=KeyRange)
    """What the token belongs to: the service takes it with the filter that it came with."""
    last: Key | None = None
    done: bool = False

    def to_json(self) -> Cursor:
        if self.done:
            return {"done": True}
        place: dict[str, object] = {}
        if self.next is not None:
            place["next"] = dict(self.next)
            if self.leg != KeyRange():
                place["leg"] = self.leg.to_json()
        if self.last is not None:
            place["last"] = list(self.last)
        return place

    @staticmethod
    def of(cursor: Cursor | None) -> "_Place":
        match cursor:
            case None:
                return _Place()
            case {"done": True}:
                return _Place(done=True)
            case {"next": {"NextPartitionKey": str()} as token} if token.keys() <= set(CONTINUATION):
                return _Place(next=token, leg=_leg(cursor.get("leg", {})), last=_key(cursor.get("last")))
            case {"last": [str() as partition, str() as row]}:
                return _Place(last=(partition, row))
            case _:
                raise _foreign()


def _foreign() -> Drifted:
    return Drifted("the stored place to resume at is not one of this connector", advice="Read anew.")


def _leg(value: Cursor) -> KeyRange:
    try:
        return KeyRange.from_json(value)
    except TypeError:
        raise _foreign() from None


def _key(value: object) -> Key | None:
    match value:
        case [str() as partition, str() as row]:
            return partition, row
        case _:
            return None


def _one_page(opened: Callable[[Token, threading.Event], Page], token: Token) -> Generator[Page, None, None]:
    """The page at `token` and none ahead of it: how many rows to ask for next is told by this one."""
    yield opened(token, threading.Event())


_Ahead: TypeAlias = "queue.Queue[Page | BaseException | None]"
"""Opened pages; at the end None, or the error that ended it."""


def _pages(opened: Callable[[Token, threading.Event], Page], token: Token) -> Generator[Page, None, None]:
    """Pages in order, opened at most `_AHEAD` early. Closing the generator ends its thread and connections.

    A request under way then still waits for its headers, in the background, as long as the service takes.
    """
    ahead: _Ahead = queue.Queue(_AHEAD)
    stopped = threading.Event()
    fetcher = threading.Thread(target=_fetch, args=(opened, token, ahead, stopped), name="pages ahead", daemon=True)
    fetcher.start()
    try:
        while (item := ahead.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        stopped.set()
        _drop(ahead)
        fetcher.join(timeout=_PATIENCE_S)


def _fetch(
    opened: Callable[[Token, threading.Event], Page], token: Token, ahead: _Ahead, stopped: threading.Event
) -> None:
    """Open page after page into `ahead`, then None; or the error that ended it."""
    watch = Repeats()
    following: Token | None = token
    try:
        while following is not None and not stopped.is_set():
            page = opened(following, stopped)
            ahead.put(page)
            following = page.next
            if following is not None:
                watch.see(following)
        ahead.put(None)
    except BaseException as error:  # noqa: BLE001 - it is raised in the thread that reads
        ahead.put(error)
    if stopped.is_set():  # nobody takes what was put since
        _drop(ahead)


def _drop(ahead: _Ahead) -> None:
    while True:
        try:
            item = ahead.get_nowait()
        except queue.Empty:
            return
        if isinstance(item, Page):
            item.close()
