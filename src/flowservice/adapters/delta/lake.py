"""The lake on a local folder: a Delta table a dataset, and one for its rejected rows."""

import os
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import Any, Final
from uuid import uuid4

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, Schema, Transaction, WriterProperties, write_deltalake
from deltalake.exceptions import CommitFailedError, DeltaError, TableNotFoundError

from flowservice.adapters.delta.file_entry import entry, footer_of
from flowservice.adapters.delta.held_keys import held
from flowservice.adapters.delta.newest import NewestRows, giving_way, quoted, text
from flowservice.adapters.delta.part_file import PartFile, unavailable
from flowservice.adapters.delta.replaced import ReplacedRows, change_of, gone
from flowservice.adapters.delta.table_schema import fits, landed, landed_rows, missing
from flowservice.domain.dataset import TableKind, TableRef
from flowservice.domain.staging import Part
from flowservice.errors import LakeError, LakeUnavailable, OutcomeUnknown
from flowservice.ports.lake import Change, DataFile, Marked, Upserted, Versions

_REMOVED: Final = ".removed"
"""Folder, beside those of the sandboxes, of what is being removed."""
_ZSTD: Final = WriterProperties(compression="ZSTD")
_OF_A_FILE: Final = ["path", "num_records", "size_bytes", "modification_time"]


@dataclass(frozen=True, slots=True)
class DeltaLake:
    """Fills ports.lake.Lake below `root`: `<sandbox id>/<dataset id>` and `<sandbox id>/<dataset id>-quarantine`."""

    root: Path
    _preparing: Lock = field(default_factory=Lock, repr=False, compare=False)

    def prepare(self, table: TableRef, schema: pa.Schema) -> None:
        """Create the table, or widen it, in a commit of its own. Raises LakeError for a type clash, LakeUnavailable."""
        wanted = landed(schema)
        path = self._path(table)
        try:
            # Within this process one thread creates; another process that wins the race is met by mode="ignore".
            with self._preparing:
                known = self._open(table)
                if known is None:
                    path.mkdir(parents=True, exist_ok=True)
                    DeltaTable.create(str(path), schema=Schema.from_arrow(wanted), mode="ignore")
                elif missing(_schema(known), wanted):
                    # An empty append is the one way that widens nested fields too.
                    write_deltalake(known, wanted.empty_table(), mode="append", schema_mode="merge")
        except (DeltaError, OSError) as error:
            raise _translated(error, path) from error

    def lacking(self, table: TableRef, schema: pa.Schema) -> Sequence[pa.Field]:
        """The columns that `prepare` would add. Raises LakeError for a type clash, LakeUnavailable."""
        wanted = landed(schema)
        try:
            known = self._open(table)
            return missing(pa.schema([]) if known is None else _schema(known), wanted)
        except (DeltaError, OSError) as error:
            raise _translated(error, self._path(table)) from error

    def holding(self, table: TableRef, keys: pa.Table, *, most_rows: int) -> int | None:
        """How many of `keys` rows of the table have; None if it has more than `most_rows`. Raises LakeError."""
        if sum(file.rows for file in self.files(table)) > most_rows:
            return None
        try:
            known = self._open(table)
            return 0 if known is None else held(known.to_pyarrow_dataset(), landed_rows(keys))
        except (DeltaError, OSError) as error:
            raise _translated(error, self._path(table)) from error

    def writer(self, table: TableRef, name: str, schema: pa.Schema) -> PartFile:
        """Start the file `name`. Raises LakeUnavailable."""
        return PartFile(self._path(table), name, schema)

    def committed(self, table: TableRef, app_id: str) -> int | None:
        """The highest number that `app_id` has committed; None if there is none or no table."""
        try:
            known = self._open(table)
            return None if known is None else known.transaction_version(app_id)
        except (DeltaError, OSError) as error:
            raise _translated(error, self._path(table)) from error

    def commit(
        self, table: TableRef, parts: Sequence[Part], *, app_id: str, number: int, note: Mapping[str, Any]
    ) -> bool:
        """Publish `parts` and the app transaction at once; False, and nothing done, if that was done before.

        A commit of no parts is written too, so that a later look finds the number.
        """
        path = self._path(table)

        def write(known: DeltaTable, properties: CommitProperties) -> None:
            schema = _schema(known)
            entries = [entry(path, part, schema) for part in parts]
            known.create_write_transaction(list(entries), "append", known.schema(), commit_properties=properties)

        return self._once(table, write, app_id=app_id, number=number, note=note)

    def upsert(self, table: TableRef, staged: Versions, *, app_id: str, number: int, note: Mapping[str, Any]) -> bool:
        """As `commit`, of each key the last row alone, in place of the rows of the table with that key."""

        def write(known: DeltaTable, properties: CommitProperties) -> None:
            if not staged.parts:
                _write_nothing(known, properties)
                return
            schema = _schema(known)
            same = " AND ".join(f"held.{quoted(key)} = came.{quoted(key)}" for key in staged.keys)
            with self._newest(table, staged, schema).reader(schema) as reader:
                merging = known.merge(
                    reader,
                    same,
                    source_alias="came",
                    target_alias="held",
                    writer_properties=_ZSTD,
                    commit_properties=properties,
                )
                older = None if staged.earlier is None else giving_way(staged.earlier, "held")
                version = known.version()
                merging.when_matched_update_all(older).when_not_matched_insert_all().execute()
            if known.version() == version:
                # Where no row gave way and none was new, nothing was committed either.
                _write_nothing(known, properties)

        return self._once(table, write, app_id=app_id, number=number, note=note)

    def withdraw(self, table: TableRef, rows: Marked, *, app_id: str, number: int, note: Mapping[str, Any]) -> bool:
        """As `commit`, but delete these rows, whatever files they are in by now. A commit of none is written too."""

        def write(known: DeltaTable, properties: CommitProperties) -> None:
            marked = f"{quoted(rows.column)} = {text(rows.value)}"
            version = known.version()
            known.delete(marked, writer_properties=_ZSTD, commit_properties=properties)
            if known.version() == version:
                # Where there was nothing to delete, nothing was committed either.
                _write_nothing(known, properties)

        return self._once(table, write, app_id=app_id, number=number, note=note)

    def restore(
        self, table: TableRef, upserted: Upserted, *, app_id: str, number: int, note: Mapping[str, Any]
    ) -> bool:
        """As `commit`, but put what an upsert replaced back in place of its rows, and delete those that replaced none.

        Raises ChangedSince if not every row is as the upsert left it, EarlierRowsGone.
        """
        path = self._path(table)

        def write(known: DeltaTable, properties: CommitProperties) -> None:
            change = change_of(known, dict(upserted.note))
            if change is None or not change.inserted + change.updated:
                raise gone()
            column, value, schema = quoted(upserted.rows.column), text(upserted.rows.value), _schema(known)
            replaced = ReplacedRows(path=path, known=known, upserted=upserted, change=change)
            with replaced.reader(schema) as reader:
                # The row that has the mark alone meets all rows of the upsert; what is put back meets none.
                merging = known.merge(
                    reader,
                    f"held.{column} = came.{column} AND came.{column} = {value}",
                    source_alias="came",
                    target_alias="held",
                    writer_properties=_ZSTD,
                    commit_properties=properties,
                )
                merging = merging.when_matched_delete()
                merging.when_not_matched_insert_all(f"came.{column} IS DISTINCT FROM {value}").execute()

        return self._once(table, write, app_id=app_id, number=number, note=note)

    def change(self, table: TableRef, note: Mapping[str, str]) -> Change | None:
        """What the newest commit whose note holds all of `note` did; None if the log does not know it (any more).

        Raises LakeError.
        """
        try:
            known = self._open(table)
            return None if known is None else change_of(known, dict(note))
        except (DeltaError, OSError) as error:
            raise _translated(error, self._path(table)) from error

    def superseded(self, table: TableRef, staged: Versions) -> int:
        """How many staged rows are not the last of their key. Raises LakeError, LakeUnavailable."""
        return self._newest(table, staged, None).superseded()

    def _newest(self, table: TableRef, staged: Versions, schema: pa.Schema | None) -> NewestRows:
        """The staged rows. Raises LakeError for a part that is not what was recorded, or does not fit the schema."""
        path = self._path(table)
        try:
            for part in staged.parts:
                came = footer_of(path, part).schema.to_arrow_schema()
                if schema is not None:
                    fits(came.remove(came.get_field_index(staged.version)), schema, part.path)
        except OSError as error:
            raise _translated(error, path) from error
        files = [path / part.path for part in staged.parts]
        return NewestRows(files=files, keys=staged.keys, version=staged.version, untold=staged.untold)

    def _once(
        self,
        table: TableRef,
        write: Callable[[DeltaTable, CommitProperties], None],
        *,
        app_id: str,
        number: int,
        note: Mapping[str, Any],
    ) -> bool:
        """`write` in a transaction that says: `app_id` has committed `number`. False if the table says that already."""
        path = self._path(table)
        try:
            known = self._open(table)
        except (DeltaError, OSError) as error:
            raise _translated(error, path) from error
        if known is None:
            raise LakeError(f"the table {path.name} does not exist", advice="Prepare it first.")
        if _reached(known, app_id, number):
            return False
        transaction = Transaction(app_id, number)
        try:
            write(known, CommitProperties(app_transactions=[transaction], custom_metadata=dict(note)))
        except (DeltaError, OSError) as error:
            # Work after the commit (a checkpoint, a clean-up) may fail too: only the table knows.
            if not self._has_landed(table, app_id, number):
                raise _translated(error, path) from error
        return True

    def sweep(self, table: TableRef, prefix: str, keep: Sequence[Part]) -> int:
        """Remove files below `prefix` that are neither in `keep` nor in the table; how many."""
        path = self._path(table)
        folder = path / prefix
        if not folder.is_dir():
            return 0
        try:
            known = self._open(table)
            in_table = set() if known is None else _paths(known)
            kept = in_table | {part.path for part in keep}
            orphans = [
                found
                for found in folder.rglob("*")
                if found.is_file() and found.relative_to(path).as_posix() not in kept
            ]
            for orphan in orphans:
                orphan.unlink(missing_ok=True)
            if not any(folder.iterdir()):
                folder.rmdir()
        except (DeltaError, OSError) as error:
            raise _translated(error, path) from error
        return len(orphans)

    def schema(self, table: TableRef) -> pa.Schema | None:
        """The table's schema; None if there is no table."""
        known = self._open(table)
        return None if known is None else _schema(known)

    def dataset(self, table: TableRef) -> Any:
        """The table as a pyarrow dataset; None if there is no table."""
        known = self._open(table)
        return None if known is None else known.to_pyarrow_dataset()

    def files(self, table: TableRef) -> Sequence[DataFile]:
        """The files that make up the table now. Raises LakeError."""
        try:
            known = self._open(table)
            if known is None:
                return []
            actions = pa.table(known.get_add_actions(flatten=True)).select(_OF_A_FILE).to_pylist()
        except (DeltaError, OSError) as error:
            raise _translated(error, self._path(table)) from error
        return [
            DataFile(
                path=action["path"],
                rows=action["num_records"] or 0,
                size_bytes=action["size_bytes"],
                modified_at=datetime.fromtimestamp(action["modification_time"] / 1000, UTC),
            )
            for action in actions
        ]

    def remove(self, table: TableRef) -> None:
        """Remove the table in one step: nobody finds half of it. Raises LakeUnavailable."""
        self._remove(self._path(table))

    def remove_sandbox(self, sandbox_id: str) -> None:
        """Remove every table of a sandbox in one step. Raises LakeUnavailable."""
        self._remove(self.root / sandbox_id)

    def tidy(self) -> None:
        """Delete the files of what was removed, also by others and before. Raises LakeUnavailable."""
        removed = self.root / _REMOVED
        failures: list[OSError] = []
        try:
            # The folder itself stays: another one may be about to move a table into it.
            folders = list(removed.iterdir()) if removed.is_dir() else []
        except OSError as error:
            raise unavailable(error, removed) from error
        for folder in folders:
            try:
                shutil.rmtree(folder)
            except FileNotFoundError:
                # Whoever tidies at the same time was ahead.
                continue
            except OSError as error:
                failures.append(error)
        if failures:
            raise unavailable(failures[0], removed) from failures[0]

    def _remove(self, path: Path) -> None:
        removed = self.root / _REMOVED
        try:
            removed.mkdir(parents=True, exist_ok=True)
            with suppress(FileNotFoundError):
                path.rename(removed / uuid4().hex)
        except OSError as error:
            raise unavailable(error, path) from error

    def location(self, table: TableRef) -> str:
        """The table's folder."""
        return str(self._path(table))

    def ping(self) -> None:
        """Return if the lake can be written. Raises LakeUnavailable."""
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.root) as probe:
                probe.write(b"1")
        except OSError as error:
            raise unavailable(error, self.root) from error

    def _path(self, table: TableRef) -> Path:
        suffix = "-quarantine" if table.kind is TableKind.QUARANTINE else ""
        return self.root / table.sandbox_id / f"{table.dataset_id}{suffix}"

    def _open(self, table: TableRef) -> DeltaTable | None:
        path = self._path(table)
        # Parts may lie there before the first commit; only a log makes it a table.
        if not (path / "_delta_log").is_dir():
            return None
        try:
            return DeltaTable(str(path))
        except TableNotFoundError:
            return None

    def _has_landed(self, table: TableRef, app_id: str, number: int) -> bool:
        """Whether the commit whose answer was an error is in the table. Raises OutcomeUnknown if nobody can tell."""
        try:
            known = self._open(table)
            return known is not None and _reached(known, app_id, number)
        except (DeltaError, OSError) as error:
            raise OutcomeUnknown(
                "a commit was sent, its answer was an error, and the table cannot be read now",
                advice="The run looks again by itself; check that the lake can be read.",
            ) from error


def _reached(known: DeltaTable, app_id: str, number: int) -> bool:
    committed = known.transaction_version(app_id)
    return committed is not None and committed >= number


def _write_nothing(known: DeltaTable, properties: CommitProperties) -> None:
    known.create_write_transaction([], "append", known.schema(), commit_properties=properties)


def _schema(known: DeltaTable) -> pa.Schema:
    return pa.schema(known.schema())


def _paths(known: DeltaTable) -> set[str]:
    return set(pa.table(known.get_add_actions(flatten=True)).column("path").to_pylist())


def _translated(error: DeltaError | OSError, path: Path) -> LakeError:
    """delta-rs reports the operating system's refusals as text within its own error."""
    if isinstance(error, OSError) and error.errno is not None:
        return unavailable(error, path)
    text = str(error)
    if isinstance(error, CommitFailedError | OSError) or "os error" in text or "LocalFileSystem" in text:
        reason = next(
            (os.strerror(code) for code in (28, 30, 13, 5) if f"os error {code}" in text), "it did not answer"
        )
        return LakeUnavailable(
            f"the lake could not be used: {reason}",
            advice=f"Check that the disk has room and that {path} can be written; the run goes on by itself.",
        )
    return LakeError(f"the lake refused: {text[:200]}")
