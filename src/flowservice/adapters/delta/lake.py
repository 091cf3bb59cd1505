"""The lake: a Delta table a dataset, and one for its rejected rows."""

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from threading import Lock
from typing import Any, Final

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, Schema, Transaction, WriterProperties, write_deltalake
from deltalake.exceptions import TableNotFoundError
from pyarrow import fs

from flowservice.adapters.delta.column_labels import lacking
from flowservice.adapters.delta.file_entry import entry, footer_of
from flowservice.adapters.delta.held_keys import held
from flowservice.adapters.delta.newest import NewestRows, giving_way, quoted, text
from flowservice.adapters.delta.part_file import PartFile
from flowservice.adapters.delta.replaced import ReplacedRows, change_of, gone
from flowservice.adapters.delta.storage import REFUSALS, Storage, refusing
from flowservice.adapters.delta.table_schema import fits, landed, landed_rows, missing
from flowservice.adapters.delta.upkeep import Files, clean_log, compacted, properties
from flowservice.domain.dataset import TableKind, TableRef
from flowservice.domain.dataset_labels import ColumnLabels
from flowservice.domain.staging import Part
from flowservice.errors import LakeError, OutcomeUnknown
from flowservice.ports.lake import RUN_NOTE, Change, Compacted, DataFile, Marked, Snapshot, Upserted, Vacuumed, Versions

_ZSTD: Final = WriterProperties(compression="ZSTD")
_OF_A_FILE: Final = ["path", "num_records", "size_bytes", "modification_time"]
_AT_ONCE: Final = 8
"""Parts that are looked at: in an object store each look takes a few answers of its server."""


@dataclass(frozen=True, slots=True)
class DeltaLake:
    """Fills ports.lake.Lake in `storage`: `<sandbox id>/<dataset id>` and `<sandbox id>/<dataset id>-quarantine`."""

    storage: Storage
    undo: timedelta = timedelta(days=30)
    """How long what a run replaced is kept."""
    _preparing: Lock = field(default_factory=Lock, repr=False, compare=False)

    def prepare(self, table: TableRef, schema: pa.Schema) -> None:
        """Create the table, or widen it, in a commit of its own. Raises LakeError for a type clash, LakeUnavailable."""
        wanted = landed(schema)
        path = path_of(table)
        # Within this process one thread creates; another process that wins the race is met by mode="ignore".
        with self._refusing(), self._preparing:
            known = self._open(table)
            if known is None:
                self.storage.make_room(path)
                DeltaTable.create(
                    self.storage.url(path),
                    schema=Schema.from_arrow(wanted),
                    mode="ignore",
                    configuration=properties(self.undo),
                    storage_options=dict(self.storage.options),
                )
            elif missing(_schema(known), wanted):
                # An empty append is the one way that widens nested fields too.
                write_deltalake(known, wanted.empty_table(), mode="append", schema_mode="merge")

    def label(self, table: TableRef, columns: Mapping[str, ColumnLabels]) -> int:
        """Have the columns of the table say these labels; how many did not. Raises LakeError, LakeUnavailable."""
        with self._refusing():
            known = self._open(table)
            if known is None:
                return 0
            told = list(lacking(known, columns))
            for name, metadata in told:
                known.alter.set_column_metadata(name, metadata)
            return len(told)

    def lacking(self, table: TableRef, schema: pa.Schema) -> Sequence[pa.Field]:
        """The columns that `prepare` would add. Raises LakeError for a type clash, LakeUnavailable."""
        wanted = landed(schema)
        with self._refusing():
            known = self._open(table)
            return missing(pa.schema([]) if known is None else _schema(known), wanted)

    def holding(self, table: TableRef, keys: pa.Table, *, most_rows: int) -> int | None:
        """How many of `keys` rows of the table have; None if it has more than `most_rows`. Raises LakeError."""
        if sum(file.rows for file in self.files(table)) > most_rows:
            return None
        with self._refusing():
            known = self._open(table)
            return 0 if known is None else held(self._rows(known, table), landed_rows(keys))

    def writer(self, table: TableRef, name: str, schema: pa.Schema) -> PartFile:
        """Start the file `name`. Raises LakeUnavailable."""
        return PartFile(self.storage, path_of(table), name, schema)

    def committed(self, table: TableRef, app_id: str) -> int | None:
        """The highest number that `app_id` has committed; None if there is none or no table."""
        with self._refusing():
            known = self._open(table)
            return None if known is None else known.transaction_version(app_id)

    def commit(
        self, table: TableRef, parts: Sequence[Part], *, app_id: str, number: int, note: Mapping[str, Any]
    ) -> bool:
        """Publish `parts` and the app transaction at once; False, and nothing done, if that was done before.

        A commit of no parts is written too, so that a later look finds the number.
        """

        def write(known: DeltaTable, properties: CommitProperties) -> None:
            entry_of = partial(entry, self.storage.filesystem, path_of(table), table=_schema(known))
            with ThreadPoolExecutor(_AT_ONCE) as looking:
                entries = list(looking.map(entry_of, parts))
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

        def write(known: DeltaTable, properties: CommitProperties) -> None:
            change = change_of(known, dict(upserted.note))
            if change is None or not change.inserted + change.updated:
                raise gone()
            column, value, schema = quoted(upserted.rows.column), text(upserted.rows.value), _schema(known)
            replaced = ReplacedRows(
                storage=self.storage, path=path_of(table), known=known, upserted=upserted, change=change
            )
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
        with self._refusing():
            known = self._open(table)
            return None if known is None else change_of(known, dict(note))

    def snapshots(self, table: TableRef, *, limit: int) -> Sequence[Snapshot]:
        """The newest versions that the log tells, the newest first; none if there is no table. Raises LakeError."""
        with self._refusing():
            known = self._open(table)
            entries = [] if known is None else known.history(limit)
        return [
            Snapshot(
                version=int(entry["version"]),
                at=datetime.fromtimestamp(entry["timestamp"] / 1_000, UTC),
                operation=str(entry.get("operation", "")),
                run_id=entry.get(RUN_NOTE),
            )
            for entry in entries
        ]

    def superseded(self, table: TableRef, staged: Versions) -> int:
        """How many staged rows are not the last of their key. Raises LakeError, LakeUnavailable."""
        return self._newest(table, staged, None).superseded()

    def _newest(self, table: TableRef, staged: Versions, schema: pa.Schema | None) -> NewestRows:
        """The staged rows. Raises LakeError for a part that is not what was recorded, or does not fit the schema."""
        files, path = self.storage.filesystem, path_of(table)
        with self._refusing(), ThreadPoolExecutor(_AT_ONCE) as looking:
            footers = list(looking.map(partial(footer_of, files, path), staged.parts))
        for part, footer in zip(staged.parts, footers, strict=True):
            came = footer.schema.to_arrow_schema()
            if schema is not None:
                fits(came.remove(came.get_field_index(staged.version)), schema, part.path)
        return NewestRows(
            filesystem=files,
            files=[f"{path}/{part.path}" for part in staged.parts],
            keys=staged.keys,
            version=staged.version,
            untold=staged.untold,
            rows=sum(part.rows for part in staged.parts),
        )

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
        with self._refusing():
            known = self._open(table)
        if known is None:
            raise LakeError(f"the table {path_of(table)} does not exist", advice="Prepare it first.")
        if _reached(known, app_id, number):
            return False
        transaction = Transaction(app_id, number)
        try:
            write(known, CommitProperties(app_transactions=[transaction], custom_metadata=dict(note)))
        except REFUSALS as error:
            # Work after the commit (a checkpoint, a clean-up) may fail too: only the table knows.
            if not self._has_landed(table, app_id, number):
                raise self.storage.refused(error) from None
        return True

    def sweep(self, table: TableRef, prefix: str, keep: Sequence[Part]) -> int:
        """Remove files below `prefix` that are neither in `keep` nor in the table; how many."""
        path, files = path_of(table), self.storage.filesystem
        folder = f"{path}/{prefix}".rstrip("/")
        with self._refusing():
            found = files.get_file_info(fs.FileSelector(folder, allow_not_found=True, recursive=True))
            if not found:
                return 0
            known = self._open(table)
            in_table = set() if known is None else _paths(known)
            kept = {f"{path}/{name}" for name in in_table | {part.path for part in keep}}
            orphans = [info.path for info in found if info.type is fs.FileType.File and info.path not in kept]
            for orphan in orphans:
                with suppress(FileNotFoundError):
                    files.delete_file(orphan)
            self.storage.drop_empty(folder)
        return len(orphans)

    def version(self, table: TableRef) -> int | None:
        """The number of the table's last commit; None if there is no table. Raises LakeError."""
        with self._refusing():
            known = self._open(table)
            return None if known is None else known.version()

    def schema(self, table: TableRef) -> pa.Schema | None:
        """The table's schema; None if there is no table. Raises LakeError."""
        with self._refusing():
            known = self._open(table)
            return None if known is None else _schema(known)

    def dataset(self, table: TableRef) -> Any:
        """The table as a pyarrow dataset; None if there is no table. Raises LakeError."""
        with self._refusing():
            known = self._open(table)
            return None if known is None else self._rows(known, table)

    def files(self, table: TableRef) -> Sequence[DataFile]:
        """The files that make up the table now. Raises LakeError."""
        with self._refusing():
            known = self._open(table)
            if known is None:
                return []
            actions = pa.table(known.get_add_actions(flatten=True)).select(_OF_A_FILE).to_pylist()
        return [
            DataFile(
                path=action["path"],
                rows=action["num_records"] or 0,
                size_bytes=action["size_bytes"],
                modified_at=datetime.fromtimestamp(action["modification_time"] / 1000, UTC),
            )
            for action in actions
        ]

    def first(self, table: TableRef, *, rows: int) -> pa.Table | None:
        """Up to so many rows of the table as it is now; None if there is no table. Raises LakeError."""
        with self._refusing():
            known = self._open(table)
            # Nothing is read ahead: the first file has them, mostly.
            few = {"batch_size": rows, "batch_readahead": 1, "fragment_readahead": 1}
            return None if known is None else self._rows(known, table).scanner(**few).head(rows)

    def compact(self, table: TableRef, *, target_bytes: int, least_files: int) -> Compacted | None:
        """Put small files together; None where there are fewer than so many. Raises LakeUnavailable."""
        with self._refusing():
            known = self._open(table)
            return None if known is None else compacted(known, target_bytes=target_bytes, least_files=least_files)

    def vacuum(self, table: TableRef, at_work: Callable[[], AbstractSet[str]], *, dry_run: bool) -> Vacuumed:
        """Delete files that are older than `undo` and needed by nobody. Raises LakeError, LakeUnavailable."""
        path, files = path_of(table), self.storage.filesystem
        with self._refusing():
            listed = Files.listed(files, path)
            # In this order: the run of a listed file is at work now, or has ended, and its file is in the table then.
            busy = at_work()
            known = self._open(table)
            if known is None:
                return Vacuumed(files=0, size_bytes=0)
            did = listed.vacuum(known, undo=self.undo, at_work=busy, dry_run=dry_run)
            if not dry_run:
                if properties(self.undo).items() - known.metadata().configuration.items():
                    known.alter.set_table_properties(properties(self.undo))
                clean_log(known, files, path)
            return did

    def remove(self, table: TableRef) -> None:
        """Remove the table in one step: nobody finds half of it. Raises LakeUnavailable."""
        with self._refusing():
            self.storage.remove(path_of(table))

    def remove_sandbox(self, sandbox_id: str) -> None:
        """Remove every table of a sandbox. Raises LakeUnavailable."""
        with self._refusing():
            self.storage.remove_sandbox(sandbox_id)

    def tidy(self) -> None:
        """Delete the files of what was removed, also by others and before. Raises LakeUnavailable."""
        with self._refusing():
            self.storage.tidy()

    def location(self, table: TableRef) -> str:
        """The table's folder or URL."""
        return self.storage.url(path_of(table))

    def ping(self) -> None:
        """Return if the lake can be written. Raises LakeUnavailable."""
        with self._refusing():
            self.storage.ping()

    def _rows(self, known: DeltaTable, table: TableRef) -> Any:
        return known.to_pyarrow_dataset(filesystem=self.storage.within(path_of(table)))

    def _refusing(self) -> AbstractContextManager[None]:
        return refusing(self.storage)

    def _open(self, table: TableRef) -> DeltaTable | None:
        path = path_of(table)
        if not self.storage.may_hold_table(path):
            return None
        try:
            return DeltaTable(self.storage.url(path), storage_options=dict(self.storage.options))
        except TableNotFoundError:
            return None

    def _has_landed(self, table: TableRef, app_id: str, number: int) -> bool:
        """Whether the commit whose answer was an error is in the table. Raises OutcomeUnknown if nobody can tell."""
        try:
            known = self._open(table)
            return known is not None and _reached(known, app_id, number)
        except REFUSALS:
            raise OutcomeUnknown(
                "a commit was sent, its answer was an error, and the table cannot be read now",
                advice="The run looks again by itself; check that the lake can be read.",
            ) from None


def path_of(table: TableRef) -> str:
    """The place of a table within a lake."""
    suffix = "-quarantine" if table.kind is TableKind.QUARANTINE else ""
    return f"{table.sandbox_id}/{table.dataset_id}{suffix}"


def _reached(known: DeltaTable, app_id: str, number: int) -> bool:
    committed = known.transaction_version(app_id)
    return committed is not None and committed >= number


def _write_nothing(known: DeltaTable, properties: CommitProperties) -> None:
    known.create_write_transaction([], "append", known.schema(), commit_properties=properties)


def _schema(known: DeltaTable) -> pa.Schema:
    return pa.schema(known.schema())


def _paths(known: DeltaTable) -> set[str]:
    return set(pa.table(known.get_add_actions(flatten=True)).column("path").to_pylist())
