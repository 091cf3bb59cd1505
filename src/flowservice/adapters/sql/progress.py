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
                run_id=run_id, number=split, attempt=0, document=_SPLIT.dump_python(first, mode="json")
            )
            connection.execute(insert.on_conflict_do_nothing())
            # The update locks the row: of two attempts that begin at once each gets a number of its own.
            connection.execute(self._row(table.update(), run_id, split).values(attempt=table.c.attempt + 1))
            attempt, document = connection.execute(
                self._row(sa.select(table.c.attempt, table.c.document), run_id, split)
            ).one()
            return replace(_SPLIT.validate_python(document), attempt=attempt)

    def record(self, progress: SplitProgress, staged: Staged, *, done: bool) -> SplitProgress:
        table = tables.splits
        new = replace(progress, staged=(*progress.staged, staged), done=done)
        update = self._row(table.update(), progress.run_id, progress.number).where(table.c.attempt == progress.attempt)
        with self.connect() as connection:
            if not connection.execute(update.values(document=_SPLIT.dump_python(new, mode="json"))).rowcount:
                raise Stale(f"another attempt works on split {progress.number} of run {progress.run_id}")
        return new

    def splits(self, run_id: str) -> Sequence[SplitProgress]:
        table = tables.splits
        query = sa.select(table.c.attempt, table.c.document).where(table.c.run_id == run_id).order_by(table.c.number)
        with self.connect() as connection:
            rows = connection.execute(query).all()
        return [replace(_SPLIT.validate_python(row.document), attempt=row.attempt) for row in rows]

    def _plan(self, connection: sa.Connection, run_id: str) -> Mapping[str, Any] | None:
        query = sa.select(tables.plans.c.document).where(tables.plans.c.run_id == run_id)
        found: Mapping[str, Any] | None = connection.execute(query).scalar_one_or_none()
        return found

    def _row(self, statement: Any, run_id: str, split: int) -> Any:
        return statement.where(tables.splits.c.run_id == run_id, tables.splits.c.number == split)


def _insert(connection: sa.Connection, table: sa.Table) -> Any:
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    return dialect.insert(table)
