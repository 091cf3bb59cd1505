"""What a replay would do, told without doing it: how many of the rejected rows would pass now."""

import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from typing import Final

import pyarrow as pa

from flowservice.domain.flow import Flow
from flowservice.domain.quarantine import ReplayTrial, TriedTally, Wanted
from flowservice.domain.run import Run
from flowservice.engine.plan import Route
from flowservice.engine.replaying import QuarantinedRows, Replaying, taken
from flowservice.engine.row_mapper import RowMapper
from flowservice.sdk import Split

_LONGEST_S: Final = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayTrials:
    """Fills `ports.runtime.TryingReplays`, from any thread, by what replays use."""

    replaying: Replaying
    clock: Callable[[], float] = time.monotonic
    """Seconds, from whenever."""

    def replay_trial(self, flow: Flow, run: Run, chosen: Wanted) -> ReplayTrial:
        """What a replay that started now would do with the chosen rows, as the port says."""
        replaying = self.replaying
        route = Route.along(flow, replaying.database, run.dataset_id, flow.mapping_id)
        version = route.mapping_set.current.version
        mapper = replaying.mapper(route, version, replaying.plan_of(run))
        wanted = Wanted.waiting_of(run.id, chosen.to_json())
        rows = QuarantinedRows(quarantine=replaying.quarantine, dataset=route.dataset, wanted=wanted)
        tried = _Tried()
        until = self.clock() + _LONGEST_S
        has_more = False
        with closing(rows.read(Split(number=0, path="", columns=None, range={}), after=None)) as batches:
            for batch in batches:
                # Looked at before a batch: the last one leaves nothing behind it.
                if has_more := self.clock() >= until:
                    break
                tried.add(batch.rows, mapper)
        return ReplayTrial(
            run_id=run.id,
            mapping_id=route.mapping_set.id,
            mapping_version=version,
            count=tried.count.total(),
            would_pass=tried.passing.total(),
            tallies=tried.tallies,
            has_more=has_more,
        )


class _Tried:
    """Counts rows by the code and field that rejected them."""

    def __init__(self) -> None:
        self.count: Counter[tuple[str, str]] = Counter()
        self.passing: Counter[tuple[str, str]] = Counter()

    def add(self, batch: pa.RecordBatch, mapper: RowMapper) -> None:
        """Map a batch."""
        rows = taken(batch)
        if rows.earlier is None:
            return
        kept = mapper.apply(rows.rows).kept
        passing = rows.earlier if kept is None else rows.earlier.filter(kept)
        self.count.update(_reasons(rows.earlier))
        self.passing.update(_reasons(passing))

    @property
    def tallies(self) -> tuple[TriedTally, ...]:
        """The most frequent first."""
        return tuple(
            TriedTally(code=code, field=field, count=count, would_pass=self.passing[code, field])
            for (code, field), count in self.count.most_common()
        )


def _reasons(lines: pa.Table) -> list[tuple[str, str]]:
    return list(zip(lines.column("code").to_pylist(), lines.column("field").to_pylist(), strict=True))
