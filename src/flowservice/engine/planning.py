"""The plan step of a run that reads a source: the table is made or widened, the source looked at, the plan kept."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from flowservice.domain.drift import Change, ChangeKind, DriftPolicy
from flowservice.domain.run import Run
from flowservice.engine.drift import Observed, held_back, known_shape
from flowservice.engine.landing import data_schema
from flowservice.engine.ledger import Ledger
from flowservice.engine.patience import Patience
from flowservice.engine.pending import pending
from flowservice.engine.plan import Plan, Route, planned
from flowservice.engine.row_mapper import MapperFor, RowMapper
from flowservice.errors import ColumnsNotAddable
from flowservice.ports.database import Database
from flowservice.ports.lake import Lake
from flowservice.ports.runtime import AddingColumns, Clock, LabellingTables, Sources
from flowservice.sdk import Source

_LOG: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Planning:
    """Makes plans and keeps them. Every method may be repeated."""

    database: Database
    lake: Lake
    sources: Sources
    mapper_for: MapperFor
    now: Clock
    window_lag: timedelta
    adding: AddingColumns
    labelling: LabellingTables
    patience: Patience

    def plan(self, run: Run) -> Plan:
        """The kept plan of `run`; made where there is none.

        Raises NotFound, MissingMapping, BadMapping, MissingParameter, BadRowFilter, MissingDeltaColumn,
        SchemaDriftHeld, SourceError, LakeError.
        """
        stored = self.database.progress.plan(run.id)
        kept = None if stored is None else Plan.from_json(stored)
        route = Route.of(run, self.database, kept)
        if kept is not None:
            self._prepared(route, kept.mapping_version, kept)
            return kept
        # A type that the table cannot take shows now, not after hours of reading.
        mapper = self._prepared(route, route.flow.mapping_version, None)
        with route.opened(self.database, self.sources) as source:
            plan = self.patience.repeated(lambda: self._new(run, route, source, mapper))
        if plan.telling:
            _LOG.info("run %s filters rows %s", run.id, plan.telling)
        return Plan.from_json(self.database.progress.keep_plan(run.id, plan.to_json()))

    def _prepared(self, route: Route, version: int, kept: Plan | None) -> RowMapper:
        """The mapper of that version, and a table that takes what it makes."""
        mapper = route.mapper(version, self.mapper_for, route.flow.mode if kept is None else kept.mode)
        self.patience.repeated(lambda: self.lake.prepare(route.dataset.table, data_schema(mapper.schema)))
        # Before the first row is in.
        self.patience.repeated(lambda: self.labelling.label(route.dataset))
        return mapper

    def _new(self, run: Run, route: Route, source: Source, mapper: RowMapper) -> Plan:
        span = pending(
            run, route, source, database=self.database, lake=self.lake, now=self.now, window_lag=self.window_lag
        )
        seen = route.look(source, mapper, span, known_shape(self.database, route.flow))
        policy = DriftPolicy.of(route.flow.options)
        if held := seen.held_by(policy):
            raise self._held(run, route, held)
        new = _new_columns(seen)
        if new and policy.adds:
            try:
                self.adding.add(route.flow, new)
            except ColumnsNotAddable as error:
                raise self._held(run, route, new, reason=error.message) from None
            route = Route.of(run, self.database, None)
            mapper = self._prepared(route, route.flow.mapping_version, None)
        return planned(route, source, mapper, route.flow.mapping_version, span, seen)

    def _held(self, run: Run, route: Route, held: Sequence[Change], reason: str = "") -> Exception:
        """The error that ends the run, once the flow tells for what it waits."""
        Ledger(database=self.database, now=self.now).hold(run, held, reason=reason)
        return held_back(route.flow, held, reason=reason)


def _new_columns(seen: Observed) -> tuple[Change, ...]:
    return tuple(change for change in seen.changes if change.kind is ChangeKind.NEW)
