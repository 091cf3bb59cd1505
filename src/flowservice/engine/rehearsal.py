"""A run that writes nothing: it reads the first rows that the next run of a flow would take, and tells what would
become of them."""

import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from flowservice.domain.drift import DriftPolicy
from flowservice.domain.dry_run import DryRun, NewColumn, SchemaChanges
from flowservice.domain.flow import Flow
from flowservice.domain.run import Run, RunError
from flowservice.engine.drift import known_shape
from flowservice.engine.landing import data_schema
from flowservice.engine.pending import pending
from flowservice.engine.plan import Plan, Route, planned
from flowservice.engine.row_mapper import MapperFor, RowMapper
from flowservice.engine.taken_rows import TakenRows
from flowservice.errors import LakeError, Transient
from flowservice.ports.database import Database
from flowservice.ports.lake import Lake
from flowservice.ports.runtime import Clock, Sources
from flowservice.sdk import Batch, Source

_LONGEST_S: Final = 20.0
_MOST_COMPARED: Final = 5_000_000
"""Rows of a table whose keys are looked through: one to two seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """Fills `ports.runtime.Rehearsing`, from any thread. What a run does about rows is done by what a run uses."""

    database: Database
    lake: Lake
    sources: Sources
    mapper_for: MapperFor
    now: Clock
    window_lag: timedelta
    clock: Callable[[], float] = time.monotonic
    """Seconds, from whenever."""

    def dry_run(self, flow: Flow, *, rows: int) -> DryRun:
        """What the next run of `flow` would do, as the port says."""
        until = self.clock() + _LONGEST_S
        run = _next_run(flow)
        route = Route.along(flow, self.database, run.dataset_id, flow.mapping_id)
        mapper = route.mapper(flow.mapping_version, self.mapper_for, flow.mode)
        changes = self._changes(route, mapper)
        with route.opened(self.database, self.sources) as source:
            # It answers within 10 s: what a caller waits for must not try a dead host for long, as a run may.
            source.check()
            span = pending(
                run, route, source, database=self.database, lake=self.lake, now=self.now, window_lag=self.window_lag
            )
            seen = route.look(source, mapper, span, known_shape(self.database, flow))
            plan = planned(route, source, mapper, flow.mapping_version, span, seen)
            taken = TakenRows(plan=plan, mapper=mapper, wanted=rows)
            with closing(_batches(source, plan)) as batches:
                for batch in batches:
                    taken.add(batch)
                    if self.clock() >= until:
                        taken.leave_off()
                    if taken.cut is not None:
                        break
        return self._told(route, plan, taken, changes)

    def _changes(self, route: Route, mapper: RowMapper) -> SchemaChanges:
        table, schema = route.dataset.table, data_schema(mapper.schema)
        makes_table = self.lake.schema(table) is None
        try:
            lacking = self.lake.lacking(table, schema)
        except LakeError as error:
            if isinstance(error, Transient):
                raise
            clash = RunError(code=error.code, message=error.message, advice=error.advice)
            return SchemaChanges(makes_table=makes_table, clash=clash)
        columns = tuple(NewColumn(path=field.name, type=str(field.type)) for field in lacking)
        return SchemaChanges(makes_table=makes_table, columns=columns)

    def _told(self, route: Route, plan: Plan, taken: TakenRows, changes: SchemaChanges) -> DryRun:
        counts, inserted, updated = taken.counts, None, None
        if plan.mode.is_upsert:
            keys = taken.keys
            counts = replace(counts, superseded=counts.written - keys.num_rows, written=keys.num_rows)
            # Keys of other types than the table's cannot be compared.
            if changes.clash is None:
                updated = self.lake.holding(route.dataset.table, keys, most_rows=_MOST_COMPARED)
                inserted = None if updated is None else keys.num_rows - updated
        return DryRun(
            flow_id=route.flow.id,
            path=plan.path,
            mode=plan.mode,
            window=plan.window,
            counts=counts.balanced(),
            cut=taken.cut,
            inserted=inserted,
            updated=updated,
            rows=tuple(taken.shown),
            rejects=tuple(taken.rejects),
            warnings=taken.warnings,
            rejections=taken.rejections,
            skipped=taken.skipped,
            absent=plan.absent,
            changes=changes,
            drift=plan.drift,
            is_held=any(map(DriftPolicy.of(route.flow.options).holds, plan.drift)),
            tolerated_percent=plan.tolerated_percent or 0.0,
            most_rejected=plan.most_rejected,
        )


def _next_run(flow: Flow) -> Run:
    """The run that would be the next one of the flow if it started now. It is kept nowhere."""
    return Run(
        id="",
        stamp=flow.stamp,
        flow_id=flow.id,
        flow_spec=flow.flow_spec,
        source_connection_id=flow.source.id,
        target_connection_id=flow.target.id,
        dataset_id=flow.dataset_id,
        number=flow.runs_started + 1,
        batch_id="",
    )


def _batches(source: Source, plan: Plan) -> Generator[Batch]:
    """The batches of all splits, one after the other. Closed, it lets go of the source's threads and connections."""
    for split in plan.splits:
        batches: Iterator[Batch] = source.read(split, after=None)
        try:
            yield from batches
        finally:
            if isinstance(batches, Generator):
                batches.close()
