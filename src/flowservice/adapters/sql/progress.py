"""Plans and staged parts of runs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import sqlalchemy as sa
from pydantic import TypeAdapter
from sqlalchemy.dialects import postgresql, sqlite

from flowservice.adapters.sql import tables
from flowservice.adapters.sql.resources import Connect
from flowservice.domain.staging import SplitProgress, Staged
from flowservice.errors import Stale

_SPLIT: Final = TypeAdapter(SplitProgress)
_STORED: Final = sa.select(tables.splits.c.attempt, tables.splits.c.document, tables.splits.c.reads)


@dataclass(frozen=True, slots=True, kw_only=True)
class SqlProgress:
    """Fills `ports.database.ProgressStore`."""

    connect: Connect

    def keep_plan(self, run_id: str, plan: Mapping[str, Any]) -> Mapping[str, Any]:
        with self.connect() as connection:
            insert = _insert(connection, tables.plans).values(run_id=run_id, document=dict(plan))
            connection.execute(insert.on_conflict_do_nothing())
            return self._plan(connection, run_id) or {}

    def plan(self, run_id: str) -> Mapping[str, Any] | None:
        with self.connect() as connection:
            return self._plan(connection, run_id)

    def begin(self, run_id: str, split: int) -> SplitProgress:
        table = tables.splits
        with self.connect() as connection:
            first = SplitProgress(run_id=run_id, number=split, attempt=0)
            insert = _insert(connection, table).values(
                run_id=run_id, number=split, attempt=0, document=_document(first)
            )
            connection.execute(insert.on_conflict_do_nothing())
            # The update locks the row: of two attempts that begin at once each gets a number of its own.
            connection.execute(self._row(table.update(), run_id, split).values(attempt=table.c.attempt + 1))
            return _progress(connection.execute(self._row(_STORED, run_id, split)).one())

    def record(self, progress: SplitProgress, staged: Staged, *, done: bool) -> SplitProgress:
        table = tables.splits
        new = replace(progress, staged=(*progress.staged, staged), done=done)
        update = self._row(table.update(), progress.run_id, progress.number).where(table.c.attempt == progress.attempt)
        with self.connect() as connection:
            if not connection.execute(update.values(document=_document(new))).rowcount:
                raise Stale(f"another attempt works on split {progress.number} of run {progress.run_id}")
        return new

    def divide(
        self, progress: SplitProgress, *, kept: Mapping[str, Any], given: Mapping[str, Any], above: int
    ) -> SplitProgress:
        table, run_id = tables.splits, progress.run_id
        with self.connect() as connection:
            # Locks the run's splits against another division, which would take the same number.
            connection.execute(tables.plans.update().where(tables.plans.c.run_id == run_id).values(run_id=run_id))
            update = self._row(table.update(), run_id, progress.number).where(table.c.attempt == progress.attempt)
            has_changed = connection.execute(update.values(reads=dict(kept))).rowcount
            stored = [_progress(row) for row in connection.execute(_STORED.where(table.c.run_id == run_id)).all()]
            if not has_changed or any(split.done for split in stored if split.number == progress.number):
                raise Stale(f"another attempt works on split {progress.number} of run {run_id}")
            number = max(above, *(split.number for split in stored)) + 1
            new = SplitProgress(run_id=run_id, number=number, attempt=0, reads=given)
            connection.execute(
                table.insert().values(
                    run_id=run_id, number=new.number, attempt=0, document=_document(new), reads=dict(given)
                )
            )
        return new

    def splits(self, run_id: str) -> Sequence[SplitProgress]:
        query = _STORED.where(tables.splits.c.run_id == run_id).order_by(tables.splits.c.number)
        with self.connect() as connection:
            return [_progress(row) for row in connection.execute(query).all()]

    def _plan(self, connection: sa.Connection, run_id: str) -> Mapping[str, Any] | None:
        query = sa.select(tables.plans.c.document).where(tables.plans.c.run_id == run_id)
        found: Mapping[str, Any] | None = connection.execute(query).scalar_one_or_none()
        return found

    def _row(self, statement: Any, run_id: str, split: int) -> Any:
        return statement.where(tables.splits.c.run_id == run_id, tables.splits.c.number == split)


def _progress(row: Any) -> SplitProgress:
    return replace(_SPLIT.validate_python(row.document), attempt=row.attempt, reads=row.reads)


def _document(progress: SplitProgress) -> Any:
    # What it reads has a column of its own.
    return _SPLIT.dump_python(replace(progress, reads=None), mode="json")


def _insert(connection: sa.Connection, table: sa.Table) -> Any:
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    return dialect.insert(table)
