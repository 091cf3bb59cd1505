"""What a connector fills: a source that can be checked, explored, sampled, planned and read.

The engine owns threads, checkpoints, metrics and the order of calls. A connector tells what is there and hands over
rows, each batch with the place to resume after it. Values that cross this line are frozen.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol, TypeAlias, runtime_checkable

import pyarrow as pa

from flowservice.sdk.row_filter import RowFilter

SOURCE_TYPE: Final = b"source_type"
"""Key of the Arrow field metadata under which a source names its own type of a column, such as `Edm.Int64`."""

Json: TypeAlias = Any
"""A value that JSON can say."""

Cursor: TypeAlias = Mapping[str, Json]
"""Where to go on reading: JSON, opaque to the engine, at most 64 KiB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One thing found while exploring.

    `path` is what to pass to `explore` (a folder) or `sample` (a table or file).
    """

    kind: str
    """`table`, `folder` or `file`."""
    name: str
    path: str
    can_preview: bool = True
    can_fetch_schema: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class MixedColumn:
    """A column in which the sample saw several types of the source, and what they were widened to."""

    name: str
    seen: tuple[str, ...]
    widened_to: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """Rows taken from all over a table, and what they tell of its columns.

    `rows.schema` is the widened schema: every field carries `SOURCE_TYPE` metadata. The order of rows is the source's.
    """

    rows: pa.Table
    mixed: tuple[MixedColumn, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What to read: a table, some of its columns (None: all), rows that pass a filter and fall into a window.

    A source answers in `Reading.pushed_down` which parts it applies itself; the engine applies the rest. A window it
    applies itself must keep the rows whose column is empty or no time: the engine looks at each row again, and tells of
    those that are in no window. Of a filter a source may apply what it can say for sure, and let other rows through:
    the engine puts the whole filter (`sdk.passing`) to each row again. The columns of both are among `columns`.
    """

    path: str
    columns: tuple[str, ...] | None = None
    filter: RowFilter | None = None
    window: tuple[str, datetime | None, datetime | None] | None = None
    """(column, from, to): rows with from <= column < to; None is an open end."""
    late: tuple[str, datetime] | None = None
    """(column, since): a source that applies the window leaves no row out for lying before it, either, if this column
    of it is at or after `since`. The column is among `columns`."""
    splits: int | None = None
    """About how many splits are wanted, for as many readers that cannot take parts from each other; None: as many as
    the source finds good for readers that can."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """A part of a selection that one reader reads from its beginning to its end. `range` is the source's own JSON."""

    number: int
    path: str
    columns: tuple[str, ...] | None
    range: Mapping[str, Json]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """The answer to `plan`: disjoint splits that together are the selection, and the parts of it already applied."""

    splits: tuple[Split, ...]
    pushed_down: frozenset[str] = frozenset()
    """Of `columns`, `filter`, `window`."""
    filtered: RowFilter | None = None
    """The part of the filter by which the source leaves rows out; None: it leaves out none. With all of the filter
    here, `pushed_down` has `filter`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Rows, and where to resume once these very rows are safe. There may be none: then only that place has moved on.

    The columns are those that occur in these rows; a column that is absent is null for all of them. A column whose
    values have several source types within the batch is canonical text (`sdk.text`), so that what is made of a value
    never depends on the rows around it.
    """

    rows: pa.RecordBatch
    resume: Cursor
    wire_bytes: int = 0
    """Bytes received from the source for these rows."""


@runtime_checkable
class Clocked(Protocol):
    """A source that can tell the time on its own clock: what it writes into its rows as the time of a change."""

    def server_time(self) -> datetime:
        """Now, aware, never later than the truth. Raises as `Source.check`."""


@runtime_checkable
class Keyed(Protocol):
    """A source whose rows have a key of their own: columns that come along with every row, selected or not."""

    @property
    def key_columns(self) -> tuple[str, ...]:
        """The columns that together tell a row of a table from all others of it."""


@runtime_checkable
class Dated(Protocol):
    """A source that writes the time of its last change into each row, by the clock of `Clocked.server_time`."""

    def change_column(self) -> str | None:
        """The column of that time; None if this account does not tell it."""


@runtime_checkable
class Located(Protocol):
    """A source that can tell which account it reads, whichever way it signs in there."""

    @property
    def account_names(self) -> frozenset[str]:
        """Names by which the account is told from others, such as its own and that of its endpoint, in lower case and
        without secrets. Two sources that share one read the same account. Dials nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Division:
    """The `Split.range` of a split that was cut in two: what it keeps, and what it gives away."""

    kept: Mapping[str, Json]
    given: Mapping[str, Json]


@runtime_checkable
class Stealing(Protocol):
    """A source that can take a part from a split that another thread reads at the time."""

    def steal(self, split: Split) -> Division | None:
        """Cut what `split`, of this number and range, has left in two; None if that cannot be or is not worth while.

        On return the reader hands over no row of what is given, and it has not handed over any; its places to resume at
        hold for the range that it had as well as for the one that it keeps, for the process may end before that is
        stored. Called after `read` was, until what that gave has ended or is closed; every now and then while a thread
        is idle, so it costs little where nothing has changed. Raises as `Source.read`; then nothing was cut.
        """


class Source(Protocol):
    """An opened connection to a foreign system. Methods may be called from any thread, one `read` a thread."""

    def check(self) -> None:
        """Return if the system is reachable and the credentials are good.

        Raises BadCredentials, Denied, Unreachable, Throttled, SourceUnavailable; answers within 10 s.
        """

    def explore(self, path: str) -> Iterator[Node]:
        """The children of `path` ('' is the root), lazily. Raises NoSuchObject."""

    def sample(self, path: str, *, rows: int) -> Sample:
        """About `rows` rows of a table, spread over it, and its columns. Raises NoSuchObject."""

    def plan(self, selection: Selection) -> Reading:
        """How to read a selection. Raises NoSuchObject."""

    def read(self, split: Split, *, after: Cursor | None) -> Iterator[Batch]:
        """Rows of `split` past `after` (None: all), up to 65,536 a batch, in an order that `resume` can continue.

        After a crash reading goes on from the last safe batch, and no row may be missing or come twice. Between batches
        the engine notices that it has to stop, and keeps the place to resume at: a source that looks at much and finds
        little hands over a batch every few seconds all the same, without rows and columns if need be.
        """

    def close(self) -> None:
        """Release sockets and handles. Called once, also after an error."""


def whole(selection: Selection) -> Reading:
    """The plan of a simple source: one split, nothing pushed down."""
    return Reading(splits=(Split(number=0, path=selection.path, columns=selection.columns, range={}),))


def first_rows(source: Source, path: str, *, rows: int) -> Sample:
    """The sample of a simple source: its first rows."""
    taken: list[pa.Table] = []
    left = rows
    for split in source.plan(Selection(path=path)).splits:
        for batch in source.read(split, after=None):
            taken.append(pa.Table.from_batches([batch.rows.slice(0, left)]))
            left -= taken[-1].num_rows
            if left <= 0:
                break
    return Sample(rows=pa.concat_tables(taken, promote_options="permissive") if taken else pa.table({}))
