"""What keeps a table quick and small: small files put together, and files deleted that no reader and no undo needs.

A vacuum of delta-rs also deletes, by age alone, files that no log names: a run's parts wait in just that state for
their commit. So delta-rs is only asked, without deleting, which files the log says were taken out, and when. Of the
files that no log names those go that a run wrote which has ended; of what others wrote, none.
"""

import json
from collections.abc import Mapping, Set
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pyarrow as pa
from deltalake import DeltaTable, WriterProperties
from pyarrow import fs

from flowservice.domain.staging import run_of
from flowservice.ports.lake import MADE, Compacted, Vacuumed

_LOG: Final = "_delta_log/"
_MADE_KEPT: Final = timedelta(days=1)
"""Files made of rows: whoever lists them again has them made again."""
_TAKEN_OUT_KNOWN: Final = timedelta(days=30)
"""How much longer than its files the log remembers what was taken out: until a vacuum has come by."""


def properties(undo: timedelta) -> dict[str, str]:
    """The properties of a table in which upserts of that age can be undone."""
    # A day more than the files: nothing shall be undone halfway through its last hour.
    return {
        "delta.logRetentionDuration": f"interval {undo.days + 1} days",
        "delta.deletedFileRetentionDuration": f"interval {(undo + _TAKEN_OUT_KNOWN).days} days",
    }


def compacted(known: DeltaTable, *, target_bytes: int, least_files: int) -> Compacted | None:
    """Put files smaller than the target together if there are so many of them; None if not. Raises DeltaError."""
    sizes = pa.table(known.get_add_actions(flatten=True)).column("size_bytes").to_pylist()
    if sum(size < target_bytes for size in sizes) < least_files:
        return None
    did = known.optimize.compact(
        target_size=target_bytes,
        # One at a time: what is put together is held in memory.
        max_concurrent_tasks=1,
        writer_properties=WriterProperties(compression="ZSTD"),
    )
    return Compacted(before=int(did["numFilesRemoved"]), after=int(did["numFilesAdded"]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """The files in the folder of a table, but for its log and what others keep there, by their names in it."""

    filesystem: fs.FileSystem
    table: str
    found: Mapping[str, fs.FileInfo]

    @classmethod
    def listed(cls, filesystem: fs.FileSystem, table: str) -> "Files":
        """All there are now. Raises OSError."""
        infos = filesystem.get_file_info(fs.FileSelector(table, allow_not_found=True, recursive=True))
        named = {info.path.removeprefix(f"{table}/"): info for info in infos if info.type is fs.FileType.File}
        found = {name: info for name, info in named.items() if not name.startswith("_") or name.startswith(MADE)}
        return cls(filesystem=filesystem, table=table, found=found)

    def vacuum(self, known: DeltaTable, *, undo: timedelta, at_work: Set[str], dry_run: bool) -> Vacuumed:
        """Delete what is older than `undo` and needed by nobody; `known` and `at_work` are younger than the list.

        Args:
            at_work: ids of runs that have not ended.
        Raises: DeltaError, OSError.
        """
        going = self._taken_out(known, undo) | self._left_by_runs(known, undo, at_work) | self._made()
        size_bytes = sum(self.found[name].size or 0 for name in going)
        for name in () if dry_run else sorted(going):
            with suppress(FileNotFoundError):
                self.filesystem.delete_file(f"{self.table}/{name}")
        return Vacuumed(files=len(going), size_bytes=size_bytes)

    def _taken_out(self, known: DeltaTable, since: timedelta) -> set[str]:
        """The files of which the log says that they were taken out at least so long ago."""
        hours = since // timedelta(hours=1)
        names = known.vacuum(retention_hours=hours, dry_run=True, enforce_retention_duration=False, full=False)
        return self.found.keys() & set(names)

    def _made(self) -> set[str]:
        """Files made of rows a while ago, finished or not."""
        before = datetime.now(UTC) - _MADE_KEPT
        return {name for name, info in self.found.items() if name.startswith(MADE) and _is_older(info, before)}

    def _left_by_runs(self, known: DeltaTable, since: timedelta, at_work: Set[str]) -> set[str]:
        """Files that old which a run wrote that has ended, and that no log names."""
        named = set(pa.table(known.get_add_actions(flatten=True)).column("path").to_pylist())
        named |= self._taken_out(known, timedelta(0))
        before = datetime.now(UTC) - since
        unnamed = {name for name, info in self.found.items() if name not in named and _is_older(info, before)}
        return {name for name in unnamed if (run := run_of(name)) is not None and run not in at_work}


def clean_log(known: DeltaTable, filesystem: fs.FileSystem, table: str) -> None:
    """Delete what is older than the log shall be, as far as a checkpoint replaces it. Raises DeltaError, OSError.

    App transactions are in the checkpoint: the highest number of each flow stays known.
    """
    if _last_checkpoint(filesystem, table) != known.version():
        known.create_checkpoint()
    known.cleanup_metadata()


def _last_checkpoint(filesystem: fs.FileSystem, table: str) -> int | None:
    try:
        with filesystem.open_input_file(f"{table}/{_LOG}_last_checkpoint") as file:
            told: dict[str, Any] = json.loads(file.read())
    except FileNotFoundError:
        return None
    return int(told["version"])


def _is_older(info: fs.FileInfo, moment: datetime) -> bool:
    return info.mtime_ns is not None and info.mtime_ns < moment.timestamp() * 1e9
