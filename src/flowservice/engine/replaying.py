"""Replaying rejected rows: those of one run, as they were read, through the mapping as it is now."""

import json
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import Final

import pyarrow as pa

from flowservice.domain.dataset import BATCH_COLUMN, SYSTEM_COLUMN, Dataset
from flowservice.domain.quarantine import Wanted
from flowservice.domain.run import Run
from flowservice.engine.flow_runs import replays_in_flow_of, replays_of
from flowservice.engine.landing import ORIGIN, data_schema
from flowservice.engine.patience import Patience
from flowservice.engine.pending import reached
from flowservice.engine.plan import Plan, Route
from flowservice.engine.row_mapper import REJECTS, MapperFor, RowMapper
from flowservice.engine.windowing import Selected
from flowservice.errors import LakeError, NotFound, NotReplayable
from flowservice.ports.database import Database
from flowservice.ports.lake import Earlier, Lake
from flowservice.ports.quarantine import Quarantine
from flowservice.sdk import Batch, Cursor, Node, Reading, Sample, Selection, Split, whole

_LINE: Final = pa.schema([*REJECTS, *ORIGIN])
_PREFIX: Final = f"{SYSTEM_COLUMN}."
"""Of the columns in which the line of quarantine goes along with its row; no source has such columns."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QuarantinedRows:
    """Fills sdk.Source: the rows of one run that wait in quarantine, each with its line."""

    quarantine: Quarantine
    dataset: Dataset
    wanted: Wanted

    def check(self) -> None:
        """There is nothing to reach."""

    def explore(self, path: str) -> Iterator[Node]:  # noqa: ARG002 - as the protocol names it
        """No children."""
        return iter(())

    def sample(self, path: str, *, rows: int) -> Sample:  # noqa: ARG002 - as the protocol names it
        """Nobody asks for it."""
        return Sample(rows=pa.table({}))

    def plan(self, selection: Selection) -> Reading:
        """One split."""
        return whole(selection)

    def read(self, split: Split, *, after: Cursor | None) -> Generator[Batch]:  # noqa: ARG002 - there is one
        """Rows by their names: nobody but a later run of the flow changes them. Raises LakeError."""
        past = None if after is None else str(after["after"])
        lines = self.quarantine.lines(self.dataset.quarantine, self.wanted, _LINE, after=past)
        for batch in lines:
            yield Batch(rows=_rows(batch), resume={"after": batch.column("rowId")[-1].as_py()}, wire_bytes=batch.nbytes)

    def close(self) -> None:
        """Nothing is held."""


def _rows(lines: pa.RecordBatch) -> pa.RecordBatch:
    """The rows of the source as text, and beside them their lines."""
    rows = [json.loads(text) for text in lines.column("row").to_pylist()]
    names = dict.fromkeys(name for row in rows for name in row)
    columns: dict[str, pa.Array] = {name: pa.array([row.get(name) for row in rows], pa.string()) for name in names}
    columns |= {f"{_PREFIX}{name}": lines.column(name) for name in lines.schema.names}
    return pa.RecordBatch.from_pydict(columns)


def taken(batch: pa.RecordBatch) -> Selected:
    """The rows of a batch of `QuarantinedRows`: all of them, for the run that read them had picked them."""
    own = [name for name in batch.schema.names if not name.startswith(_PREFIX)]
    lines = pa.Table.from_arrays([batch.column(f"{_PREFIX}{name}") for name in _LINE.names], schema=_LINE)
    rows = batch.select(own) if own else batch
    return Selected(rows=rows, times=batch.column(f"{_PREFIX}deltaTime"), earlier=lines)


@dataclass(frozen=True, slots=True, kw_only=True)
class Replaying:
    """Plans replays and opens what they read. Every method may be repeated."""

    database: Database
    lake: Lake
    quarantine: Quarantine
    mapper_for: MapperFor

    def planned(self, run: Run, patience: Patience) -> Plan:
        """A new plan for a replay whose turn has come. Raises NotReplayable, NotFound, BadMapping, LakeError."""
        origin = self._origin(run)
        origin.check_replayable()
        dataset = self._dataset(run)
        patience.repeated(lambda: self._check_told(origin, dataset))
        route, kept = Route.of(run, self.database, None), self.plan_of(origin)
        version = route.mapping_set.current.version
        mapper = self.mapper(route, version, kept)
        patience.repeated(lambda: self.lake.prepare(dataset.table, data_schema(mapper.schema)))
        known = patience.repeated(lambda: reached(run, dataset, database=self.database, lake=self.lake))
        return Plan(
            path=kept.path,
            columns=mapper.source_columns,
            absent=(),
            mapping_id=route.mapping_set.id,
            mapping_version=version,
            splits=whole(Selection(path=kept.path)).splits,
            # Rows that fail again stay where they are.
            tolerated_percent=100.0,
            window=origin.window,
            watermark=known.watermark,
            clock=known.clock,
            mode=kept.mode,
            row_key=kept.row_key,
        )

    def mapper(self, route: Route, version: int, kept: Plan) -> RowMapper:
        """The mapper of that version for rows that a run with the plan `kept` read.

        Raises NotReplayable, BadMapping.
        """
        mapper = route.mapper(version, self.mapper_for, kept.mode)
        if kept.kept_columns is not None and (lacking := set(mapper.source_columns) - kept.kept_columns):
            raise NotReplayable(
                f"the mapping reads {', '.join(sorted(name[:80] for name in lacking)[:5])}, which the run did not read",
                advice="Undo the run and run it again, or map columns that it read.",
            )
        return mapper

    def rows(self, run: Run) -> QuarantinedRows:
        """What the replay `run` takes. Raises NotFound."""
        wanted = Wanted.waiting_of(run.replays or "", run.params)
        return QuarantinedRows(quarantine=self.quarantine, dataset=self._dataset(run), wanted=wanted)

    def earlier(self, run: Run) -> Earlier:
        """The rows that a replayed row may take the place of: those that were there before the run that read it, and
        those that replays of still earlier runs put there. All others are newer, or nobody can tell."""
        origin = self._origin(run)
        replays = replays_in_flow_of(self.database, run)
        batches = {replay.batch_id for replay in replays if self._number(replay) < origin.number}
        return Earlier(
            time=f"{SYSTEM_COLUMN}.ingestedAt",
            before=origin.started_at or origin.stamp.created.at,
            mark=BATCH_COLUMN,
            marked=frozenset(batches),
        )

    def _number(self, replay: Run) -> int:
        try:
            return self.database.runs.find(replay.replays or "").number
        except NotFound:
            return 0

    def _check_told(self, origin: Run, dataset: Dataset) -> None:
        """Return if quarantine knows what earlier replays landed: else it would land twice. Raises LakeError."""
        for replay in replays_of(self.database, origin):
            if not replay.has_landed:
                continue
            told = self.quarantine.lines_of(dataset.quarantine, replay.batch_id)
            if told < replay.counts.read:
                raise LakeError(
                    f"quarantine does not tell which rows run {replay.id} replayed",
                    advice=f"Undo that run (POST /v1/runs/{replay.id}/undo); then replay the rows again.",
                )

    def _origin(self, run: Run) -> Run:
        return self.database.runs.find(run.replays or "")

    def plan_of(self, origin: Run) -> Plan:
        """The plan by which the rows were read. Raises NotFound."""
        stored = self.database.progress.plan(origin.id)
        if stored is None:
            raise NotFound(f"the plan of run {origin.id} is gone", advice="Its rejected rows can be read alone.")
        return Plan.from_json(stored)

    def _dataset(self, run: Run) -> Dataset:
        return self.database.datasets.get(run.stamp.scope, run.dataset_id)
