"""A run: one execution of a flow, from scheduled to a state that never changes again."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from flowservice.domain.drift import Change
from flowservice.domain.resource import Resource, SpecRef
from flowservice.domain.window import Window
from flowservice.errors import BadTransition, NotReplayable, NotUndoable, Unbalanced


class RunState(StrEnum):
    """States of a run, by their names on the wire."""

    SCHEDULED = "scheduled"
    IN_PROGRESS = "inProgress"
    SUCCESS = "success"
    PARTIAL_SUCCESS = "partialSuccess"
    FAILED = "failed"


_NEXT: Final[Mapping[RunState, frozenset[RunState]]] = {
    RunState.SCHEDULED: frozenset({RunState.IN_PROGRESS, RunState.FAILED}),
    RunState.IN_PROGRESS: frozenset({RunState.SUCCESS, RunState.PARTIAL_SUCCESS, RunState.FAILED}),
}


LANDED: Final = frozenset({RunState.SUCCESS, RunState.PARTIAL_SUCCESS})
"""The states of a run whose rows were published."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """What a run, a split or a part counted. Rows unless the name says otherwise."""

    read: int = 0
    filtered: int = 0
    rejected: int = 0
    superseded: int = 0
    written: int = 0
    deleted: int = 0
    """Rows of another run that an undo took out of the dataset, with nothing in their place."""
    restored: int = 0
    """Rows that an undo put back in place of those of another run."""
    warnings: int = 0
    input_bytes: int = 0
    output_bytes: int = 0
    output_files: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(**{f.name: getattr(self, f.name) + getattr(other, f.name) for f in fields(self)})

    def tolerable(self, percent: float, most: int | None = None) -> bool:
        """Whether at most `percent` of the rows read, and at most so many (None: any number), were rejected."""
        return self.rejected * 100 <= percent * self.read and (most is None or self.rejected <= most)

    def balanced(self) -> "Counts":
        """These counts. Raises Unbalanced unless every row read is accounted for once."""
        accounted = self.filtered + self.rejected + self.superseded + self.written
        if self.read != accounted:
            raise Unbalanced(
                f"{self.read} rows were read but {accounted} accounted for "
                f"(filtered {self.filtered}, rejected {self.rejected}, superseded {self.superseded}, "
                f"written {self.written})",
                advice="This is a defect of the service. Nothing was published; please report it with the run's id.",
            )
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """How often one thing went wrong with one field: a warning (value became null) or a rejection (row kept back)."""

    code: str
    field: str
    message: str
    count: int


def merged(tallies: Iterable[Tally]) -> tuple[Tally, ...]:
    """One tally a (code, field), the most frequent first."""
    sums: dict[tuple[str, str], Tally] = {}
    for tally in tallies:
        known = sums.get((tally.code, tally.field))
        sums[tally.code, tally.field] = replace(tally, count=tally.count + (known.count if known else 0))
    return tuple(sorted(sums.values(), key=lambda tally: (-tally.count, tally.code, tally.field)))


@dataclass(frozen=True, slots=True, kw_only=True)
class RunError:
    """Why a run failed or is only a partial success: a stable code, what happened, what to do."""

    code: str
    message: str
    advice: str = ""


ROWS_FAILED: Final = "INGEST-1212-400"
"""Code of the summary of a run, and of its batch, with rejected rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why not all that a run was for was done, as short as it can be told."""

    error: RunError | None
    """The first one; None: rows were rejected, and nothing else."""
    rejection: Tally | None
    """The most frequent one; None: no row was rejected, or it is not known."""
    rejection_kinds: int
    """How many there are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run(Resource):
    """One execution of a flow. `number` counts the runs of the flow from 1 and guards its commit in the lake.

    A run that waits for `starts_at` has no number yet: later ones need not wait for it.
    """

    flow_id: str
    flow_spec: SpecRef
    source_connection_id: str
    target_connection_id: str
    dataset_id: str
    number: int
    batch_id: str
    state: RunState = RunState.SCHEDULED
    params: Mapping[str, Any] = field(default_factory=dict)
    starts_at: datetime | None = None
    """When it shall start; None: as soon as it can."""
    slot_at: datetime | None = None
    """The slot of a recurring flow that it stands for."""
    window: Window | None = None
    """The rows it reads: from the beginning where someone asked for a window, else since it was planned."""
    parent_id: str | None = None
    """The run that it repeats."""
    root_id: str | None = None
    """The first one of the runs that repeat each other."""
    undoes: str | None = None
    """The run whose rows it takes out of the dataset again; it reads none."""
    rewinds: bool = False
    """Of an undo: whether the next run of the flow takes the rows of that run's window again."""
    undone_by: str | None = None
    """The undo that took its rows out again."""
    replays: str | None = None
    """The run whose rejected rows it maps and lands; it reads no source."""
    connection_id: str | None = None
    """The account that it reads from. Runs of earlier versions do not tell."""
    cancelled_by: str | None = None
    """Who asked for its end. It may have come too late: `state` tells how it ended."""
    started_at: datetime | None = None
    planned_at: datetime | None = None
    """When it was settled what it reads: a sample was looked at, the table readied. Undos and replays do not tell."""
    read_completed_at: datetime | None = None
    completed_at: datetime | None = None
    counts: Counts = Counts()
    warnings: tuple[Tally, ...] = ()
    rejections: tuple[Tally, ...] = ()
    skipped: tuple[Tally, ...] = ()
    """Rows that belong to no window, by reason. They are among `counts.filtered`."""
    errors: tuple[RunError, ...] = ()
    drift: tuple[Change, ...] = ()
    """How the columns of the source differ from what the flow knew when the run was planned."""

    @property
    def is_waiting(self) -> bool:
        """Whether its time has yet to come."""
        return self.number == 0 and not self.has_ended

    @property
    def has_rows(self) -> bool:
        """Whether rows of it are in the dataset or in quarantine: it published some, and no undo took them back."""
        landed = self.state in LANDED and self.undone_by is None
        return landed and self.counts.written + self.counts.rejected > 0

    @property
    def has_landed(self) -> bool:
        """Whether rows of it are in the dataset: it published some, and no undo took them back."""
        return self.state in LANDED and self.undone_by is None and self.counts.written > 0

    @property
    def reason(self) -> Reason | None:
        """Why it failed or is only a partial success; None: it is neither."""
        errors = [error for error in self.errors if error.code != ROWS_FAILED]
        if self.state not in {RunState.FAILED, RunState.PARTIAL_SUCCESS} or not (errors or self.rejections):
            return None
        return Reason(
            error=errors[0] if errors else None,
            rejection=self.rejections[0] if self.rejections else None,
            rejection_kinds=len(self.rejections),
        )

    def check_replayable(self) -> None:
        """Return if rows that the run rejected may land by a replay. Raises NotReplayable."""
        if not self.reads_source:
            raise NotReplayable(
                f"run {self.id} is {'an undo' if self.replays is None else 'a replay'} itself",
                advice=f"Replay the run that rejected the rows: POST /v1/runs/{self.undoes or self.replays}/replay.",
            )
        if not self.has_ended:
            raise NotReplayable(f"run {self.id} has not ended", advice="Wait for its end.")
        if self.undone_by is not None:
            raise NotReplayable(
                f"run {self.id} is undone, by run {self.undone_by}",
                advice=f"Run it again, with all of its rows: POST /runs/{self.id}/action?op=re-trigger.",
            )
        if self.state not in LANDED:
            raise NotReplayable(
                f"run {self.id} failed and published nothing: its rejected rows are kept as diagnostics",
                advice="Correct the mapping or the source, then run it again with all of its rows: "
                f"POST /runs/{self.id}/action?op=re-trigger.",
            )
        if not self.counts.rejected:
            raise NotReplayable(f"run {self.id} rejected no row", advice="There is nothing to replay.")

    def check_unreplayed(self, origin: "Run") -> None:
        """Return if `origin` may be undone for all that this replay of it did: the rows of both go or stay together.

        Else a repeat of `origin` would land once more what was replayed. Raises NotUndoable.
        """
        if self.has_landed:
            raise NotUndoable(
                f"rejected rows of run {origin.id} landed by run {self.id}, which replayed them",
                advice=f"Undo that run first: POST /v1/runs/{self.id}/undo.",
            )

    @property
    def reads_source(self) -> bool:
        """Whether it takes rows from the source: neither an undo nor a replay does."""
        return self.undoes is None and self.replays is None

    @property
    def has_ended(self) -> bool:
        """Whether the run's state is final."""
        return self.state not in _NEXT

    def moved_to(self, state: RunState, *, at: datetime) -> "Run":
        """This run in `state`. Raises BadTransition where no such move exists."""
        if state not in _NEXT.get(self.state, frozenset()):
            raise BadTransition(f"run {self.id} is {self.state.value}; it cannot become {state.value}")
        return replace(
            self,
            state=state,
            started_at=at if state is RunState.IN_PROGRESS else self.started_at,
            completed_at=at if state not in _NEXT else None,
            stamp=self.stamp.moved(None, at=at),
        )
