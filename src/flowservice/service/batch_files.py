"""The rows of a batch as Parquet files.

What a batch brought is in files of its own at first, and these are shown as they are. After a compaction, an upsert or
an undo, rows of several batches share files; then one file is made of this batch's rows in them. A file that was listed
can be read until it is deleted, so that a download outlasts a change of the table; what was taken back is not shown.
For whoever may not see what labels hide, one file is made of all rows, without those values.
"""

import json
import re
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from hashlib import sha256
from threading import Lock
from typing import Any, Final

import pyarrow as pa

from flowservice.domain.dataset import BATCH_COLUMN, Batch, BatchStatus, Dataset
from flowservice.domain.dataset_labels import FieldPath
from flowservice.domain.identity import Caller, Permission
from flowservice.domain.staging import run_folder, run_of
from flowservice.errors import Forbidden, LakeUnavailable, NotFound
from flowservice.ports.database import Database
from flowservice.ports.lake import MADE, DataFile, Lake, LakeFiles, Marked, StoredFile
from flowservice.service.masked_rows import masked
from flowservice.service.masking import Masking

_FILE_ID: Final = re.compile(r"(?P<batch>[0-9A-Za-z]{1,64})-[0-9a-f]{16}")
_OWN: Final = re.compile(r"[0-9-]{1,100}\.parquet")
_OF_MADE: Final = re.compile(r"rows-[0-9a-f]{32}(?:-without-(?P<mask>[0-9a-f]{16}))?\.parquet")
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
    masking: Masking
    _making: Lock = field(default_factory=Lock, repr=False, compare=False)

    def of_batch(self, caller: Caller, batch_id: str) -> tuple[Dataset, Sequence[BatchFile]]:
        """The files of a batch, and the dataset that it is of. Raises NotFound, LakeError."""
        batch, dataset = self._batch(caller, batch_id)
        return dataset, self._files_of(batch, dataset, self.masking.hidden(caller, dataset.id))

    def one(self, caller: Caller, sought: str) -> BatchFile:
        """The file with that id. Raises NotFound, LakeError."""
        batch, dataset = self._batch_of(caller, sought)
        files = self._files_of(batch, dataset, self.masking.hidden(caller, dataset.id))
        found = next((file for file in files if file.id == sought), None)
        if found is None:
            raise _no_file(sought)
        return found

    def content(self, caller: Caller, sought: str, name: str) -> Content:
        """The file with that id, which is called so, to be read.

        Raises NotFound, LakeError; Forbidden for one with values that labels hide from the caller.
        """
        batch, dataset = self._batch_of(caller, sought)
        path = _path_of(batch, name)
        if batch.status is not BatchStatus.SUCCESS or file_id(batch.id, name) != sought or path is None:
            raise _no_file(sought)
        hidden = self.masking.hidden(caller, dataset.id)
        if hidden and not name.endswith(f"{_without(hidden)}.parquet"):
            raise Forbidden(
                f"the file has values that labels hide from credentials without {Permission.VIEW_MASKED_DATA.value}",
                advice="GET /batches/{id}/files lists one without them, or ask an administrator to grant it.",
            )
        found = self.files.find(dataset.table, path)
        if found is None and any(file.id == sought for file in self._files_of(batch, dataset, hidden)):
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

    def _files_of(self, batch: Batch, dataset: Dataset, hidden: AbstractSet[FieldPath]) -> Sequence[BatchFile]:
        if batch.status is not BatchStatus.SUCCESS:
            return ()
        own, shared = self._holding(batch, dataset)
        if hidden:
            shared |= {file.path: file.rows for file in own}
            own = ()
        shown = [_shown(batch, file.path.rpartition("/")[2], file.rows, file) for file in own]
        if shared:
            name, made = self._made(batch, dataset, list(shared), hidden)
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

    def _made(
        self, batch: Batch, dataset: Dataset, paths: Sequence[str], hidden: AbstractSet[FieldPath]
    ) -> tuple[str, StoredFile]:
        """The file of the batch's rows in these files of the table, and its name: as it is, or made now."""
        known = self.lake.schema(dataset.table)
        if known is None:
            raise NotFound("the dataset was deleted meanwhile", advice="List datasets to see which there are.")
        # What a table says of its columns beside their types may change; the rows do not.
        schema = pa.schema([pa.field(column.name, column.type) for column in known])
        columns = schema.to_string(show_field_metadata=False)
        name = f"rows-{_digest(sorted(paths), columns)[:32]}{_without(hidden)}.parquet"
        make = partial(self.files.make, dataset.table, f"{batch.id}/{name}", paths, _rows_of(batch), schema=schema)
        if not self._making.acquire(timeout=_PATIENCE_S):
            raise LakeUnavailable(
                "other files are being made of rows that are in no file of their own",
                advice="Try again in a minute.",
            )
        try:
            return name, make(change=partial(masked, hidden=hidden))
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


def _without(hidden: AbstractSet[FieldPath]) -> str:
    """What the name of a file says that lacks the values of these fields."""
    return f"-without-{_digest(sorted(hidden))[:16]}" if hidden else ""


def _digest(*told: Any) -> str:
    """Of what a file is made of: the same files of a table, without the same fields, make the same file."""
    return sha256(json.dumps(told).encode()).hexdigest()


def _no_file(sought: str) -> NotFound:
    return NotFound(
        "there is no such file",
        advice="GET /batches/{id}/files lists the files with the rows of a batch, as they are now.",
        resource_id=sought,
    )
