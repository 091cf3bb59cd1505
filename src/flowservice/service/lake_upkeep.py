"""What the lake needs beside runs: files put together, files that nobody needs any more deleted."""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from flowservice.domain.dataset import Dataset, TableRef
from flowservice.domain.identity import SandboxState, Scope
from flowservice.errors import LakeError
from flowservice.ports.database import Database, every
from flowservice.ports.lake import Compacted, Lake, Vacuumed

_LOG: Final = logging.getLogger(__name__)


def tidied(lake: Lake) -> None:
    """Delete the files of what was removed. What cannot be deleted now costs room and is tried again next time."""
    try:
        lake.tidy()
    except LakeError as error:
        _LOG.warning("what was removed from the lake is still on disk: %s", error.message)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What was done to one table, or why nothing could be."""

    table: TableRef
    done: Compacted | Vacuumed | None = None
    failure: LakeError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LakeUpkeep:
    """Goes over the tables of datasets. One that cannot be kept now keeps no other from it."""

    database: Database
    lake: Lake
    target_bytes: int
    """Smaller files are put together."""
    least_files: int
    """Only where there are so many of them."""

    def datasets(self, scopes: Sequence[Scope] | None = None) -> Iterator[Dataset]:
        """Those of some sandboxes; of all that are in use."""
        for scope in self._scopes() if scopes is None else scopes:
            yield from every(self.database.datasets, scope)

    def compact(self, datasets: Iterator[Dataset]) -> Iterator[Kept]:
        """Put small files together, where there are many and no run is at work on the dataset.

        Of a run and a compaction that meet all the same, whoever commits second does nothing and tries again later.
        """
        for dataset in datasets:
            if dataset.id not in self.database.runs.not_ended().values():
                for table in (dataset.table, dataset.quarantine):
                    yield _kept(table, self._compacted(table))

    def vacuum(self, datasets: Iterator[Dataset], *, dry_run: bool = False) -> Iterator[Kept]:
        """Delete the files that are older than upserts can be undone, and that nothing needs."""
        for dataset in datasets:
            for table in (dataset.table, dataset.quarantine):
                yield _kept(table, self._vacuumed(table, dry_run=dry_run))

    def go_round(self, *, vacuum: bool) -> None:
        """What the service does by itself, told in the log where there was something to do."""
        for kept in self.compact(self.datasets()):
            _tell(kept)
        for kept in self.vacuum(self.datasets()) if vacuum else ():
            _tell(kept)

    def _compacted(self, table: TableRef) -> Callable[[], Compacted | None]:
        return lambda: self.lake.compact(table, target_bytes=self.target_bytes, least_files=self.least_files)

    def _vacuumed(self, table: TableRef, *, dry_run: bool) -> Callable[[], Vacuumed]:
        return lambda: self.lake.vacuum(table, lambda: self.database.runs.not_ended().keys(), dry_run=dry_run)

    def _scopes(self) -> Iterator[Scope]:
        for org in self.database.tenancy.orgs():
            for sandbox in self.database.tenancy.sandboxes(org.id):
                if sandbox.state is SandboxState.ACTIVE:
                    yield sandbox.scope


def _kept(table: TableRef, keep: Callable[[], Compacted | Vacuumed | None]) -> Kept:
    try:
        return Kept(table=table, done=keep())
    except LakeError as error:
        return Kept(table=table, failure=error)


def _tell(kept: Kept) -> None:
    name = f"{kept.table.dataset_id} ({kept.table.kind.value})"
    if kept.failure is not None:
        _LOG.warning("the table %s is kept later: %s", name, kept.failure.message)
    elif isinstance(kept.done, Compacted):
        _LOG.info("%d files of the table %s became %d", kept.done.before, name, kept.done.after)
    elif kept.done is not None and kept.done.files:
        _LOG.info("%d old files of the table %s are deleted: %d bytes", kept.done.files, name, kept.done.size_bytes)
