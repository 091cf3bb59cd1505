"""Open tables that any engine can read."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol

import pyarrow as pa

from flowservice.domain.dataset import TableRef
from flowservice.domain.dataset_labels import ColumnLabels
from flowservice.domain.staging import Part


@dataclass(frozen=True, slots=True, kw_only=True)
class DataFile:
    """A file of a table: its path within the table's folder, and what the table's log says of it."""

    path: str
    rows: int
    size_bytes: int
    modified_at: datetime


RUN_NOTE: Final = "flowRun"
"""Under this name the note of a commit has the id of the run that made it."""
MADE: Final = "_made/"
"""Where files made of rows of a table are, in its folder. No reader of the table looks there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFile:
    """A file in the folder of a table, whether or not the table has it now."""

    path: str
    size_bytes: int
    modified_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """The rows of a table that are older than those of an upsert, and alone give way to them: those whose `time` (the
    dotted path of a timestamp) lies before `before`, or whose `mark` (that of a text) is one of `marked`."""

    time: str
    before: datetime
    mark: str
    marked: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Versions:
    """Staged rows of which several may mean the same row: those with equal values in the fields `keys`, dotted paths.

    The one with the highest `version`, a column of timestamps that the table has not, is the last. Where that does not
    tell, the values do, but for those of the columns `untold`.
    """

    parts: Sequence[Part]
    keys: Sequence[str]
    version: str
    untold: frozenset[str] = frozenset()
    earlier: Earlier | None = None
    """The rows of the table that give way; None: all with one of the keys."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Marked:
    """The rows of a table whose `column` (a dotted path) holds the text `value`."""

    column: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Upserted:
    """The rows that one upsert left in a table, those with equal `keys` (dotted paths) meaning the same row.

    `note` is that of its commit. What it replaced counts as nothing where it was `withdrawn`: marked with one of these
    values of the column.
    """

    rows: Marked
    keys: Sequence[str]
    note: Mapping[str, str]
    withdrawn: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What a commit did to the rows of its table: the commit's version, and how many rows, where the log tells it."""

    version: int
    inserted: int
    updated: int
    deleted: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """A version of a table: a commit that made it."""

    version: int
    at: datetime
    operation: str
    """Delta's word for it: `WRITE`, `MERGE`, `DELETE`, `OPTIMIZE`, `CREATE TABLE` …"""
    run_id: str | None
    """The run whose rows it published, put back or took out; None: no run's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Compacted:
    """How many files became how many."""

    before: int
    after: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Vacuumed:
    """What was deleted, or would be."""

    files: int
    size_bytes: int


class PartWriter(Protocol):
    """Writes one new file of a table. Nothing refers to the file until it is committed."""

    def write(self, rows: pa.Table) -> None:
        """Append rows of the writer's schema. Raises LakeUnavailable."""

    def close(self) -> Part:
        """Finish the file, safe on disk. Raises LakeUnavailable."""

    def abandon(self) -> None:
        """Give up: remove what was written, finished or not. Nothing may refer to the file."""


class Lake(Protocol):
    """Tables by reference. A table that was never prepared does not exist."""

    def prepare(self, table: TableRef, schema: pa.Schema) -> None:
        """Create the table, or add the columns (nested ones too) that it lacks, in a commit of its own.

        Raises LakeError if a column has another type, LakeUnavailable.
        """

    def lacking(self, table: TableRef, schema: pa.Schema) -> Sequence[pa.Field]:
        """The columns that `prepare` would add, of a table that does not exist all of them. Nothing is written.

        Each is named by its dotted path; an object that is missing, by the fields in it.

        Raises LakeError if a column has another type, LakeUnavailable.
        """

    def holding(self, table: TableRef, keys: pa.Table, *, most_rows: int) -> int | None:
        """How many of `keys` (distinct rows; its columns are named by the dotted paths of single fields) rows of the
        table have; None if the table has more than `most_rows` rows, which would take too long to compare.

        Raises LakeError, LakeUnavailable.
        """

    def label(self, table: TableRef, columns: Mapping[str, ColumnLabels]) -> int:
        """Have the columns of the table say these labels, where readers of the table find them; how many did not.

        Each column that did not is a commit of its own, which changes no row; a column that the table lacks, or that is
        not named, is passed over. May be repeated, also after a failure halfway. Raises LakeError, LakeUnavailable,
        also where another commit came in between.
        """

    def writer(self, table: TableRef, name: str, schema: pa.Schema) -> PartWriter:
        """Start the file `name` (a relative path, used once). Raises LakeUnavailable."""

    def committed(self, table: TableRef, app_id: str) -> int | None:
        """The highest number that `app_id` has committed; None if there is none or no table."""

    def commit(
        self, table: TableRef, parts: Sequence[Part], *, app_id: str, number: int, note: Mapping[str, Any]
    ) -> bool:
        """Publish `parts` in one transaction that also says: `app_id` has committed `number`.

        False, and nothing done, if that number or a higher one is in the table already. Every part's schema is
        checked against the table first. Raises LakeError for a part that does not fit, OutcomeUnknown, LakeUnavailable.
        """

    def upsert(self, table: TableRef, staged: Versions, *, app_id: str, number: int, note: Mapping[str, Any]) -> bool:
        """As `commit`, but of each key the last row alone, in place of the rows of the table with that key."""

    def superseded(self, table: TableRef, staged: Versions) -> int:
        """How many staged rows are not the last of their key. Raises LakeError, LakeUnavailable."""

    def withdraw(self, table: TableRef, rows: Marked, *, app_id: str, number: int, note: Mapping[str, Any]) -> bool:
        """As `commit`, but delete these rows, whatever files they are in by now. A commit of none is written too."""

    def restore(
        self, table: TableRef, upserted: Upserted, *, app_id: str, number: int, note: Mapping[str, Any]
    ) -> bool:
        """As `commit`, but put what an upsert replaced back in place of its rows, and delete those that replaced none.

        Raises ChangedSince if not every row is as the upsert left it, EarlierRowsGone.
        """

    def change(self, table: TableRef, note: Mapping[str, str]) -> Change | None:
        """What the newest commit whose note holds all of `note` did; None if the table's log does not know it (any
        more). Raises LakeError."""

    def snapshots(self, table: TableRef, *, limit: int) -> Sequence[Snapshot]:
        """The newest versions of the table that its log still tells, the newest first; none if there is no table.

        Raises LakeError, LakeUnavailable.
        """

    def sweep(self, table: TableRef, prefix: str, keep: Sequence[Part]) -> int:
        """Remove files below `prefix` that are neither in `keep` nor in the table; how many."""

    def schema(self, table: TableRef) -> pa.Schema | None:
        """The table's schema; None if there is no table."""

    def dataset(self, table: TableRef) -> Any:
        """The table as a pyarrow dataset; None if there is no table."""

    def files(self, table: TableRef) -> Sequence[DataFile]:
        """The files that make up the table now; none if there is no table. Raises LakeError."""

    def first(self, table: TableRef, *, rows: int) -> pa.Table | None:
        """Up to so many rows of the table as it is now; None if there is no table. Raises LakeError."""

    def compact(self, table: TableRef, *, target_bytes: int, least_files: int) -> Compacted | None:
        """Put files that are smaller than the target together; None where there are fewer than so many, or no table.

        Rows, and what was committed, stay as they are; an undo finds what it needs. If a commit that took rows out came
        in between, nothing is changed. Raises LakeUnavailable, also then.
        """

    def vacuum(self, table: TableRef, at_work: Callable[[], AbstractSet[str]], *, dry_run: bool) -> Vacuumed:
        """Delete files that the table has not had for as long as upserts can be undone, and old ends of its log.

        Files that were never in the table go if they are that old and a run wrote them that is not among `at_work`, the
        ids of the runs that have not ended. Files that were made of rows go after a day. Whatever somebody else wrote
        stays. Raises LakeError, LakeUnavailable.
        """

    def remove(self, table: TableRef) -> None:
        """Remove the table, in one quick step; nothing if there is none. Raises LakeUnavailable."""

    def remove_sandbox(self, sandbox_id: str) -> None:
        """Remove every table of a sandbox, in one quick step. Raises LakeUnavailable."""

    def tidy(self) -> None:
        """Delete the files of what was removed, which may take long. Raises LakeUnavailable."""

    def location(self, table: TableRef) -> str:
        """Where the table is, for people and other engines."""

    def ping(self) -> None:
        """Return if the lake can be written. Raises LakeUnavailable."""


class LakeFiles(Protocol):
    """Files in the folders of tables as bytes, and files made of rows of a table, which are no part of it.

    A file never changes under its path; paths are relative to the table's folder.
    """

    def find(self, table: TableRef, path: str) -> StoredFile | None:
        """The file there; None if there is none, or no table. Raises LakeUnavailable."""

    def read(self, table: TableRef, path: str, *, start: int, end: int) -> Iterator[bytes]:
        """The bytes of a file from `start` up to `end`, in pieces of a few MiB. Raises LakeUnavailable, also later."""

    def counts(self, table: TableRef, paths: Sequence[str], rows: Marked) -> Sequence[int]:
        """How many of these rows each of the Parquet files holds. Raises LakeError for a broken one."""

    def make(
        self,
        table: TableRef,
        path: str,
        paths: Sequence[str],
        rows: Marked,
        *,
        schema: pa.Schema,
        change: Callable[[pa.Table], pa.Table],
    ) -> StoredFile:
        """The Parquet file `path` below `MADE`, made if it is not there: these rows of the files `paths`.

        Args:
            schema: the columns, those of the table or fewer; what a file lacks is null.
            change: what becomes of so many rows at a time; the same columns must come out for any rows.
        Raises: LakeError for a broken file, LakeUnavailable.
        The same arguments make the same bytes. One thread at a time makes files of a table.
        """
