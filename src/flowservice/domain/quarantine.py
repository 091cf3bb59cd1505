"""Rows that a run rejected: what is known of each, what became of it, and which of them somebody means."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

MOST_NAMED: Final = 1_000
"""Rows that a choice may name."""


class Told(StrEnum):
    """What a line of a quarantine table says of its row."""

    REJECTED = "rejected"
    REPLAYED = "replayed"


class RejectState(StrEnum):
    """What became of a rejected row, by its name on the wire."""

    NEW = "new"
    REPLAYED = "replayed"
    """It passed, and landed."""
    REPLAY_FAILED = "replayFailed"
    """It was replayed and rejected again."""


WAITING: Final = (RejectState.NEW, RejectState.REPLAY_FAILED)
"""States of rows that may be replayed."""


def row_id(run_id: str, split: int, number: int) -> str:
    """The name of the rejected row of that number (from 0) of a split. Names of a run sort as its rows were read."""
    return f"{run_id}-{split:05d}-{number:010d}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which rejected rows are meant: those that fit everything that is named. Empty means any."""

    run_id: str | None = None
    """The run that read them."""
    batch_id: str | None = None
    """As the run of that batch told of them, whatever became of them later."""
    codes: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    rows: tuple[str, ...] = ()
    states: tuple[RejectState, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The choice that a client made, as it is kept with a run."""
        named = {"codes": self.codes, "fields": self.fields, "rows": self.rows}
        return {name: list(values) for name, values in named.items() if values}

    @classmethod
    def waiting_of(cls, run_id: str, chosen: Mapping[str, Any]) -> "Wanted":
        """The rows of a run that wait, and fit what `to_json` wrote."""
        codes, fields, rows = (tuple(chosen.get(name, ())) for name in ("codes", "fields", "rows"))
        return cls(run_id=run_id, states=WAITING, codes=codes, fields=fields, rows=rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarantined:
    """A rejected row as it stands now. `value` is the source's value of `field`, cut short."""

    id: str
    run_id: str
    flow_id: str
    state: RejectState
    code: str
    field: str
    message: str
    value: str | None
    row: Mapping[str, str]
    """The row of the source as it was read, each value as text; what was null is not there."""
    key: Mapping[str, str] | None
    """Its key at the source, where that has keys."""
    mapping_version: int
    """The version of the mapping set that refused it, or that it passed."""
    split: int
    rejected_at: datetime
    changed_at: datetime
    replay_run_id: str | None
    """The last run that replayed it; in state `replayed`, the one by which it landed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectTally:
    """How many rows a code and field have, by state."""

    code: str
    field: str
    message: str
    """Of one of them."""
    states: Mapping[RejectState, int]

    @property
    def count(self) -> int:
        """All of them."""
        return sum(self.states.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class TriedTally:
    """Of the rows that were rejected by a code and field, how many would pass now."""

    code: str
    field: str
    count: int
    would_pass: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayTrial:
    """What a replay would do."""

    run_id: str
    mapping_id: str
    mapping_version: int
    count: int
    would_pass: int
    tallies: tuple[TriedTally, ...]
    has_more: bool
    """Whether time was up before all rows were tried."""
