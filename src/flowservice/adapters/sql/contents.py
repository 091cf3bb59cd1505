"""All that a sandbox holds, whatever the table: for emptying it."""

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from flowservice.adapters.sql import tables
from flowservice.adapters.sql.resources import Connect
from flowservice.domain.run import RunState


@dataclass(frozen=True, slots=True, kw_only=True)
class SqlContents:
    """Fills `ports.database.ContentsStore`. A table belongs here by its columns: `sandbox_id`, or else `run_id`."""

    connect: Connect

    def stop(self, sandbox_id: str) -> None:
        flows, runs = tables.flows, tables.runs
        with self.connect() as connection:
            # First the flows: whoever is about to start a run of one writes its row in the same transaction, and so
            # has either committed the run before or fails now.
            connection.execute(flows.delete().where(flows.c.sandbox_id == sandbox_id))
        waiting = sa.and_(runs.c.sandbox_id == sandbox_id, runs.c.state == RunState.SCHEDULED.value)
        with self.connect() as connection:
            for part in of_runs():
                connection.execute(part.delete().where(part.c.run_id.in_(sa.select(runs.c.id).where(waiting))))
            connection.execute(runs.delete().where(waiting))

    def at_work(self, sandbox_id: str) -> int:
        runs = tables.runs
        query = sa.select(sa.func.count()).where(
            runs.c.sandbox_id == sandbox_id, runs.c.state == RunState.IN_PROGRESS.value
        )
        with self.connect() as connection:
            return int(connection.execute(query).scalar_one())

    def remove(self, sandbox_id: str, *, limit: int) -> int:
        removed = 0
        for table in of_sandboxes():
            with self.connect() as connection:
                chosen = sa.select(table.c.id).where(table.c.sandbox_id == sandbox_id).limit(limit)
                ids = connection.execute(chosen).scalars().all()
                if table is tables.runs:
                    for part in of_runs():
                        connection.execute(part.delete().where(part.c.run_id.in_(ids)))
                connection.execute(table.delete().where(table.c.id.in_(ids)))
                removed += len(ids)
        return removed


def of_sandboxes() -> Sequence[sa.Table]:
    """The tables whose rows belong to a sandbox; what refers to others comes before them."""
    return [table for table in reversed(tables.metadata.sorted_tables) if "sandbox_id" in table.c]


def of_runs() -> Sequence[sa.Table]:
    """The tables whose rows belong to a run."""
    return [table for table in tables.metadata.sorted_tables if "run_id" in table.c and "sandbox_id" not in table.c]
