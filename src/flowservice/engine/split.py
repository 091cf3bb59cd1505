"""One split of a run: read, map, stage. Every finished part is recorded with the place to read on from."""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from functools import partial

import pyarrow as pa

from flowservice.domain.dataset import Dataset
from flowservice.domain.run import Run
from flowservice.domain.staging import SplitProgress
from flowservice.engine.patience import Patience
from flowservice.engine.plan import Plan
from flowservice.engine.reject_limit import RejectLimit
from flowservice.engine.row_mapper import RowMapper
from flowservice.engine.split_runner import SplitTask
from flowservice.engine.stealing import Attempt, Attempts
from flowservice.engine.step import PartLimits, Step
from flowservice.engine.windowing import Selected, selected
from flowservice.errors import Cancelled, Stale, Transient
from flowservice.ports.database import ProgressStore
from flowservice.ports.lake import Lake
from flowservice.ports.runtime import Clock
from flowservice.sdk import Cursor, Source, Split


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitReader:
    """Stages the splits of one run."""

    run: Run
    plan: Plan
    dataset: Dataset
    source: Source
    mapper: RowMapper
    lake: Lake
    progress: ProgressStore
    now: Clock
    limits: PartLimits
    patience: Patience
    attempts: Attempts
    limit: RejectLimit
    choose: Callable[[pa.RecordBatch], Selected] | None = None
    """Which rows of a batch the run takes; None: those of the plan's filter and window."""

    def more(self) -> SplitTask | None:
        """Further work, taken from a split that is being staged; None if at the moment there is none."""
        split = self.attempts.stolen()
        return None if split is None else partial(self.stage, split)

    def stage(self, split: Split, leave_off: Callable[[], bool]) -> None:
        """Read `split` to its end, from where an earlier attempt left it.

        Raises the source's error when patience ends, Stale if another worker took over the split, Cancelled if
        `leave_off` said so, Interrupted when the process stops. What was recorded until then stays.
        """
        failures = 0
        reached: list[Cursor | None] = []
        while True:
            progress = self.progress.begin(self.run.id, split.number)
            if progress.done:
                return
            # An attempt that got on gives the next one its full patience again.
            failures = 0 if reached and progress.resume != reached[0] else failures
            reached = [progress.resume]
            try:
                with self.attempts.at(split, progress) as attempt:
                    self._read(attempt, leave_off)
            except Transient as error:
                failures += 1
                if failures >= self.patience.tries:
                    raise
                self.patience.wait(failures, error)
            else:
                return

    def _read(self, attempt: Attempt, leave_off: Callable[[], bool]) -> None:
        cursor = attempt.progress.resume
        step = self._step(attempt.progress)
        batches = self.source.read(attempt.split, after=cursor)
        attempt.has_begun = True
        try:
            for batch in batches:
                self.patience.keep_going()
                if leave_off():
                    raise Cancelled("another split of the run failed")
                wanted = self._chosen(batch.rows)
                step.add(batch, wanted, self.mapper.apply(wanted.rows) if wanted.rows.num_rows else None)
                cursor = batch.resume
                if self.limit.has_passed(attempt.split.number, step.rejected):
                    # What was rejected until now tells why the run fails.
                    _recorded(attempt, step, cursor, done=False)
                    self.limit.check()
                if step.is_full(self.now()):
                    step = self._step(_recorded(attempt, step, cursor, done=False))
            _recorded(attempt, step, cursor, done=True)
        except BaseException:
            # Also when the process stops: what is half written is of no use to anyone.
            step.abandon()
            raise
        finally:
            # Its threads and connections are not to outlast the attempt.
            if isinstance(batches, Generator):
                batches.close()

    def _chosen(self, rows: pa.RecordBatch) -> Selected:
        if self.choose is not None:
            return self.choose(rows)
        return selected(rows, self.plan.window, self.plan.filter, self.plan.late)

    def _step(self, progress: SplitProgress) -> Step:
        return Step(
            run=self.run,
            dataset=self.dataset,
            rows_schema=self.mapper.schema,
            mapping_version=self.plan.mapping_version,
            mode=self.plan.mode,
            row_key=self.plan.row_key,
            lake=self.lake,
            progress=progress,
            limits=self.limits,
            at=self.now(),
        )


def _recorded(attempt: Attempt, step: Step, cursor: Cursor | None, *, done: bool) -> SplitProgress:
    """The progress with what `step` came to. Raises as `Attempt.record`."""
    staged = step.finished(cursor)
    try:
        return attempt.record(staged, done=done)
    except (Stale, Cancelled):
        # Nothing refers to the parts, and whoever took over may have swept already.
        step.discard()
        raise
