"""A copy of a table in a folder, while runs commit to it: as of the last commit that a control store accounts for.

The files of a table are never written twice, so they are copied ahead, at leisure; what makes them a table of one
version is the log, which is copied last and no further than wanted.
"""

import json
import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pyarrow as pa
from deltalake import DeltaTable

from flowservice.adapters.delta.folder import UNFINISHED
from flowservice.adapters.delta.lake import path_of
from flowservice.adapters.delta.storage import REFUSALS, REMOVED
from flowservice.domain.dataset import TableKind, TableRef
from flowservice.ports.lake import MADE, RUN_NOTE

_LOG: Final = "_delta_log"
_LAST_CHECKPOINT: Final = "_last_checkpoint"
_OF_THE_LOG: Final = re.compile(r"(\d{20})\.(?:json|checkpoint(?:\.\d+\.\d+)?\.parquet)")
"""The commits and checkpoints; a log has names of files that are being written, too."""
_BEING_WRITTEN: Final = re.compile(rf"{re.escape(UNFINISHED)}$|#\d+$")


class Moved(Exception):
    """Somebody removed what was to be copied."""


@dataclass(slots=True)
class TableCopy:
    """The table at `path` below the folder `root` of a lake, copied below `to`."""

    root: Path
    to: Path
    table: TableRef
    seen: int = -1
    """The version that it had before the control store was copied; -1: it had none."""
    copied: set[str] = field(default_factory=set)
    """What of it is there, but for its log."""
    logged: set[str] = field(default_factory=set)
    """What of its log is there."""

    @property
    def source(self) -> Path:
        """Where it is."""
        return self.root / path_of(self.table)

    @property
    def target(self) -> Path:
        """Where its copy is."""
        return self.to / path_of(self.table)

    def ahead(self) -> None:
        """Copy the files that are there, which takes as long as it takes. Raises OSError."""
        for folder, _, names in os.walk(self.source):
            place = Path(folder).relative_to(self.source).as_posix()
            # What was made of rows is made again when somebody asks for it.
            if place == _LOG or f"{place}/".startswith((f"{_LOG}/", MADE)):
                continue
            for name in names:
                if not _BEING_WRITTEN.search(name):
                    with suppress(Moved):
                        self._take((Path(place) / name).as_posix())

    def look(self) -> None:
        """Note the version that the table has: what is committed until now was there before the store's copy."""
        self.seen = max(_commits(self.source), default=-1)

    def finish(self, parts: Iterable[str], accounts_for: Callable[[str], bool]) -> int | None:
        """The version of the copy, with the `parts` that runs under way wait to commit; None: it is no table yet.

        Args:
            accounts_for: whether the control store knows that the run of that id may have committed.
        Raises: Moved, OSError.
        """
        wanted = set(parts)
        version = self._last_accounted_for(accounts_for)
        self._take_log(version)
        if version >= 0:
            wanted |= self._named(version)
        for name in wanted - self.copied:
            self._take(name)
        for name in self.copied - wanted:
            (self.target / name).unlink(missing_ok=True)
        self.copied &= wanted
        return version if version >= 0 else None

    def _last_accounted_for(self, accounts_for: Callable[[str], bool]) -> int:
        """What a run committed that the store does not account for, and whatever came later, stays behind."""
        version = self.seen
        for later in sorted(found for found in _commits(self.source) if found > version):
            run_id = _run_of(self.source / _LOG / f"{later:020}.json")
            if run_id is not None and not accounts_for(run_id):
                break
            version = later
        return version

    def _take_log(self, version: int) -> None:
        if version < 0:
            return
        for name, of in _log(self.source).items():
            if of <= version and f"{_LOG}/{name}" not in self.logged:
                self._take(f"{_LOG}/{name}", to=self.logged)
        # It points at a checkpoint: the last one that was copied, or whatever a reader finds by itself.
        with suppress(FileNotFoundError, ValueError):
            if json.loads((self.source / _LOG / _LAST_CHECKPOINT).read_bytes())["version"] <= version:
                self._take(f"{_LOG}/{_LAST_CHECKPOINT}", to=self.logged)

    def _named(self, version: int) -> set[str]:
        """The files of the copied table, and those that undoing a run takes rows from, as far as they are there."""
        try:
            known = DeltaTable(str(self.target))
            if known.version() != version:
                raise Moved(f"{self.target} is of version {known.version()}, not {version}")
            active = set(pa.table(known.get_add_actions(flatten=True)).column("path").to_pylist())
            former = set(known.vacuum(retention_hours=0, dry_run=True, enforce_retention_duration=False, full=False))
        except REFUSALS as error:
            # A log that was cleaned up while it was copied is not whole.
            raise Moved(str(error)) from None
        return active | {name for name in former if name in self.copied or (self.source / name).is_file()}

    def _take(self, name: str, *, to: set[str] | None = None) -> None:
        """Raises Moved if there is no such file."""
        place = self.target / name
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            take_file(self.source / name, place)
        except FileNotFoundError:
            raise Moved(f"{self.source / name} is gone") from None
        (self.copied if to is None else to).add(name)


def tables_in(root: Path) -> Iterator[TableRef]:
    """The tables below the folder of a lake that have a log, whoever knows them."""
    for log in root.glob(f"*/*/{_LOG}"):
        sandbox_id, name = log.parent.parent.name, log.parent.name
        if sandbox_id == REMOVED:
            continue
        for kind in TableKind:
            table = TableRef(sandbox_id=sandbox_id, dataset_id=name.removesuffix("-quarantine"), kind=kind)
            if path_of(table) == f"{sandbox_id}/{name}":
                yield table


def take_file(source: Path, target: Path) -> None:
    """Copy a file, readable by its owner alone, so that it outlasts a power cut. Raises OSError."""
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with source.open("rb") as held, os.fdopen(descriptor, "wb") as copy:
        shutil.copyfileobj(held, copy, 1 << 20)
        copy.flush()
        os.fsync(copy.fileno())


def _log(table: Path) -> dict[str, int]:
    """The commits and checkpoints of a table, with their versions."""
    with suppress(FileNotFoundError):
        names = (entry.name for entry in os.scandir(table / _LOG))
        return {name: int(match[1]) for name in names if (match := _OF_THE_LOG.fullmatch(name))}
    return {}


def _commits(table: Path) -> set[int]:
    return {version for name, version in _log(table).items() if name.endswith(".json")}


def _run_of(commit: Path) -> str | None:
    """The run that made a commit; None: it was none."""
    try:
        lines = commit.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        raise Moved(f"{commit} is gone") from None
    told = (json.loads(line).get("commitInfo") for line in lines if '"commitInfo"' in line)
    return next((info.get(RUN_NOTE) for info in told if info), None)
