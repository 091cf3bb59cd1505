"""The rows of a batch as Parquet files.

What a batch brought is in files of its own at first, and these are shown as they are. After a compaction, an upsert or
an undo, rows of several batches share files; then one file is made of this batch's rows in them. A file that was listed
can be read until it is deleted, so that a download outlasts a change of the table; what was taken back is not shown.
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from hashlib import sha256
from threading import Lock
from typing import Final

import pyarrow as pa

from flowservice.domain.dataset import BATCH_COLUMN, Batch, BatchStatus, Dataset
from flowservice.domain.identity import Caller, Permission
from flowservice.domain.staging import run_folder, run_of
from flowservice.errors import LakeUnavailable, NotFound
from flowservice.ports.database import Database
from flowservice.ports.lake import MADE, DataFile, Lake, LakeFiles, Marked, StoredFile

_FILE_ID: Final = re.compile(r"(?P<batch>[0-9A-Za-z]{1,64})-[0-9a-f]{16}")
_OWN: Final = re.compile(r"[0-9-]{1,100}\.parquet")
_OF_MADE: Final = re.compile(r"rows-[0-9a-f]{32}\.parquet")
_PATIENCE_S: Final = 30.0
"""How long a call waits for files that others have made; beyond that it would hold up calls of another kind."""


def file_id(batch_id: str, name: str) -> str:
    """The id of a file of a batch: the same each time it is shown."""
    return f"{batch_id}-{sha256(f'{batch_id}/{name}'.encode()).hexdigest()[:16]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchFile:
    """A file with rows of a batch: Parquet, with the columns of its dataset and the system column."""

    id: str
    name: str
    rows: int
    size_bytes: int
    modified_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """A file that may be read."""

    dataset: Dataset
    file: StoredFile
    files: LakeFiles

    @property
    def size_bytes(self) -> int:
        """How long it is."""
        return self.file.size_bytes

    def read(self, start: int, end: int) -> Iterator[bytes]:
        """Its bytes from `start` up to `end`, in pieces. Raises LakeUnavailable, also later."""
        return self.files.read(self.dataset.table, self.file.path, start=start, end=end)


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchFiles:
    """Files of batches. Only a batch that landed has any."""

    database: Database
    lake: Lake
    files: LakeFiles
    _making: Lock = field(default_factory=Lock, repr=False, compare=False)

    def of_batch(self, caller: Caller, batch_id: str) -> tuple[Dataset, Sequence[BatchFile]]:
        """The files of a batch, and the dataset that it is of. Raises NotFound, LakeError."""
        batch, dataset = self._batch(caller, batch_id)
        return dataset, self._files_of(batch, dataset)

    def one(self, caller: Caller, sought: str) -> BatchFile:
        """The file with that id. Raises NotFound, LakeError."""
        batch, dataset = self._batch_of(caller, sought)
        found = next((file for file in self._files_of(batch, dataset) if file.id == sought), None)
        if found is None:
            raise _no_file(sought)
        return found

    def content(self, caller: Caller, sought: str, name: str) -> Content:
        """The file with that id, which is called so, to be read. Raises NotFound, LakeError."""
        batch, dataset = self._batch_of(caller, sought)
        if batch.status is not BatchStatus.SUCCESS or file_id(batch.id, name) != sought:
            raise _no_file(sought)
        path = _path_of(batch, name)
        found = None if path is None else self.files.find(dataset.table, path)
        if found is None and path is not None and any(file.id == sought for file in self._files_of(batch, dataset)):
            # It had been made, was deleted since, and has just been made anew.
            found = self.files.find(dataset.table, path)
        if found is None:
            raise _no_file(sought)
        return Content(dataset=dataset, file=found, files=self.files)

    def _batch(self, caller: Caller, batch_id: str) -> tuple[Batch, Dataset]:
        for permission in (Permission.VIEW_SOURCES, Permission.VIEW_DATA):
            caller.may(permission)
        batch = self.database.batches.get(caller.scope, batch_id)
        return batch, self.database.datasets.get(caller.scope, batch.dataset_id)

    def _batch_of(self, caller: Caller, sought: str) -> tuple[Batch, Dataset]:
        """The batch that the id of a file names. Raises NotFound, in the same words for each id that leads nowhere."""
        found = _FILE_ID.fullmatch(sought)
        if found is None:
            raise _no_file(sought)
        try:
            return self._batch(caller, found["batch"])
        except NotFound:
            raise _no_file(sought) from None

    def _files_of(self, batch: Batch, dataset: Dataset) -> Sequence[BatchFile]:
        if batch.status is not BatchStatus.SUCCESS:
            return ()
        own, shared = self._holding(batch, dataset)
        shown = [_shown(batch, file.path.rpartition("/")[2], file.rows, file) for file in own]
        if shared:
            name, made = self._made(batch, dataset, list(shared))
            shown.append(_shown(batch, name, sum(shared.values()), made))
        return shown

    def _holding(self, batch: Batch, dataset: Dataset) -> tuple[Sequence[DataFile], dict[str, int]]:
        """The files with the batch's rows alone, and those with rows of others too, with how many are the batch's."""
        files = sorted(self.lake.files(dataset.table), key=lambda file: file.path)
        own = [file for file in files if run_of(file.path) == batch.run_id]
        # A file of another run holds no row of this one.
        others = [file.path for file in files if run_of(file.path) is None]
        counts = self.files.counts(dataset.table, others, _rows_of(batch))
        return own, {path: count for path, count in zip(others, counts, strict=True) if count}

    def _made(self, batch: Batch, dataset: Dataset, paths: Sequence[str]) -> tuple[str, StoredFile]:
        """The file of the batch's rows in these files of the table, and its name: as it is, or made now."""
        schema = self.lake.schema(dataset.table)
        if schema is None:
            raise NotFound("the dataset was deleted meanwhile", advice="List datasets to see which there are.")
        name = f"rows-{_digest(paths, schema)}.parquet"
        make = partial(self.files.make, dataset.table, f"{batch.id}/{name}", paths, _rows_of(batch), schema=schema)
        if not self._making.acquire(timeout=_PATIENCE_S):
            raise LakeUnavailable(
                "other files are being made of rows that are in no file of their own",
                advice="Try again in a minute.",
            )
        try:
            return name, make(change=lambda rows: rows)
        finally:
            self._making.release()


def _rows_of(batch: Batch) -> Marked:
    return Marked(column=BATCH_COLUMN, value=batch.id)


def _shown(batch: Batch, name: str, rows: int, file: DataFile | StoredFile) -> BatchFile:
    return BatchFile(
        id=file_id(batch.id, name), name=name, rows=rows, size_bytes=file.size_bytes, modified_at=file.modified_at
    )


def _path_of(batch: Batch, name: str) -> str | None:
    """Where a file of the batch with that name is; None where no file has such a name."""
    if _OF_MADE.fullmatch(name):
        return f"{MADE}{batch.id}/{name}"
    return f"{run_folder(batch.run_id)}{name}" if _OWN.fullmatch(name) else None


def _digest(paths: Sequence[str], schema: pa.Schema) -> str:
    """Told by what a file is made of: the same rows in the same files of the table make the same file."""
    return sha256(json.dumps([sorted(paths), schema.to_string()]).encode()).hexdigest()[:32]


def _no_file(sought: str) -> NotFound:
    return NotFound(
        "there is no such file",
        advice="GET /batches/{id}/files lists the files with the rows of a batch, as they are now.",
        resource_id=sought,
    )
