"""A copy of a control store in SQLite, as it was at one moment, and what it says of runs and their tables.

It is asked by SQL of what every version of the store has, so that a store can be backed up before it is migrated.
"""

import json
import sqlite3
from collections.abc import Iterator, Mapping, Set
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from flowservice.domain.dataset import TableKind, TableRef
from flowservice.domain.staging import Part

_BUSY_TIMEOUT_S: Final = 30


def copied(store: Path, to: Path) -> "Snapshot":
    """A copy of `store` at `to`, while others write. Raises OSError, sqlite3.Error."""
    to.touch(mode=0o600)
    with (
        closing(sqlite3.connect(store, timeout=_BUSY_TIMEOUT_S)) as source,
        closing(sqlite3.connect(to)) as copy,
    ):
        # All pages in one step are those of one moment; with a write-ahead log nobody waits for it.
        source.backup(copy)
        # One file, without a log beside it.
        copy.execute("PRAGMA journal_mode = DELETE")
    return Snapshot(to)


@dataclass(frozen=True)
class Snapshot:
    """A control store that nobody writes."""

    path: Path

    @cached_property
    def revision(self) -> str:
        """Of its schema."""
        return str(self._rows("SELECT version_num FROM alembic_version")[0][0])

    @cached_property
    def tables(self) -> Set[TableRef]:
        """The tables that its datasets may have."""
        return {
            TableRef(sandbox_id=sandbox_id, dataset_id=dataset_id, kind=kind)
            for sandbox_id, dataset_id in self._rows("SELECT sandbox_id, id FROM datasets")
            for kind in TableKind
        }

    @cached_property
    def may_have_committed(self) -> Set[str]:
        """The runs that are past reading: what they commit to the table of a dataset is theirs in this store, too."""
        undoing = {run_id for run_id, _, document in self._runs if document.get("undoes")}
        read = {run_id for run_id, _, document in self._runs if document.get("read_completed_at")}
        return self._ended | read | (undoing & self._planned)

    @cached_property
    def planned(self) -> Set[str]:
        """The runs whose plan is kept, and those that have ended."""
        return self._ended | self._planned

    @cached_property
    def parts(self) -> Mapping[TableRef, Set[Part]]:
        """What runs that have not ended have staged."""
        found: dict[TableRef, set[Part]] = {}
        query = (
            "SELECT runs.sandbox_id, runs.document, splits.document FROM splits JOIN runs ON runs.id = splits.run_id"
            " WHERE runs.state IN ('scheduled', 'inProgress')"
        )
        for sandbox_id, run, split in self._rows(query):
            dataset_id = json.loads(run)["dataset_id"]
            for staged in json.loads(split)["staged"]:
                for kind, part in ((TableKind.DATA, staged["data"]), (TableKind.QUARANTINE, staged["rejects"])):
                    if part is not None:
                        table = TableRef(sandbox_id=sandbox_id, dataset_id=dataset_id, kind=kind)
                        found.setdefault(table, set()).add(Part(**part))
        return found

    @cached_property
    def _runs(self) -> list[tuple[str, str, dict[str, Any]]]:
        rows = self._rows("SELECT id, state, document FROM runs")
        return [(run_id, state, json.loads(document)) for run_id, state, document in rows]

    @cached_property
    def _ended(self) -> Set[str]:
        return {run_id for run_id, state, _ in self._runs if state not in _AT_WORK}

    @cached_property
    def _planned(self) -> Set[str]:
        return {run_id for (run_id,) in self._rows("SELECT run_id FROM plans")}

    def _rows(self, query: str) -> list[Any]:
        with self._opened() as store:
            return store.execute(query).fetchall()

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(f"file:{self.path}?mode=ro", uri=True)) as store:
            yield store


_AT_WORK: Final = frozenset({"scheduled", "inProgress"})
