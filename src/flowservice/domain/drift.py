"""Schema drift: the columns of a flow's source are not those that it knows, and what its policy says to that."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from flowservice.domain.resource import Resource
from flowservice.errors import BadField

MOST_COLUMNS: Final = 2_000
"""Columns of a source that a flow keeps in mind. Tables without a schema may have new names in every row."""
_NAMED: Final = 5
_LONGEST_NAME: Final = 80
_ID_DIGITS: Final = 32
OPTION: Final = "schemaDrift"
"""The member of a flow's options that holds its policy."""


class ChangeKind(StrEnum):
    """What became of a column, by its name on the wire."""

    NEW = "newColumn"
    """The flow does not know it, and its mapping does not read it."""
    REMOVED = "removedColumn"
    """The flow reads it, and the source shows it no more."""
    TYPE = "typeChange"
    """The flow reads it, and the source shows values of a type that it had not before."""


class Policy(StrEnum):
    """What a flow does about changes of one kind."""

    ADD = "add"
    """The column is added to the dataset's schema and to the mapping, and its values land."""
    IGNORE = "ignore"
    NULL = "null"
    """Its values are null."""
    REJECT = "reject"
    """Each value is converted, and what cannot be becomes a warning or a rejected row."""
    HOLD = "hold"
    """Nothing is read until somebody has decided."""


_MEMBERS: Final[Mapping[ChangeKind, tuple[str, tuple[Policy, ...]]]] = {
    # The first one is what happens where nothing is said.
    ChangeKind.NEW: ("newColumns", (Policy.IGNORE, Policy.ADD, Policy.HOLD)),
    ChangeKind.REMOVED: ("removedColumns", (Policy.NULL, Policy.HOLD)),
    ChangeKind.TYPE: ("typeChanges", (Policy.REJECT, Policy.HOLD)),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftPolicy:
    """What a flow does about each kind of change."""

    choices: Mapping[ChangeKind, Policy]

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> "DriftPolicy":
        """The policy in the options of a flow. Raises BadField."""
        sent = options.get(OPTION)
        sent = {} if sent is None else sent
        if not isinstance(sent, Mapping):
            raise BadField(f"options.{OPTION} must be an object", advice='Send {"newColumns": "hold"}, for example.')
        known = [name for name, _ in _MEMBERS.values()]
        if unknown := sorted(name for name in sent if name not in known):
            raise BadField(
                f"options.{OPTION} has no member {unknown[0][:_LONGEST_NAME]!r}", advice=f"Use {', '.join(known)}."
            )
        return cls(choices={kind: _chosen(sent, name, words) for kind, (name, words) in _MEMBERS.items()})

    def holds(self, change: "Change") -> bool:
        """Whether a run may not read for this change."""
        return self.choices[change.kind] is Policy.HOLD

    @property
    def adds(self) -> bool:
        """Whether new columns are added to the dataset."""
        return self.choices[ChangeKind.NEW] is Policy.ADD

    @property
    def holds_removed(self) -> bool:
        """Whether a run may not read for lack of a column."""
        return self.choices[ChangeKind.REMOVED] is Policy.HOLD


def _chosen(sent: Mapping[str, Any], name: str, words: Sequence[Policy]) -> Policy:
    value = sent.get(name, words[0].value)
    if value not in [word.value for word in words]:
        raise BadField(
            f"options.{OPTION}.{name} must be one of {', '.join(words)}", advice=f"Without it, {words[0]} is meant."
        )
    return Policy(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenColumn:
    """A column as a sample of the source shows it."""

    name: str
    types: tuple[str, ...]
    """The source's own names of the types that its values have, such as `Edm.Int64`, sorted."""
    xdm: str = ""
    """The XDM type that takes all of its values; empty: there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A column that is not as the flow knows it."""

    kind: ChangeKind
    column: str
    was: tuple[str, ...] = ()
    """The types that it was known with, as the source names them; none of a new column."""
    now: tuple[str, ...] = ()
    """Those that it has now; none of a removed column."""
    xdm: str = ""
    """Of a new column: the XDM type that takes its values; empty: there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldChange:
    """A change for which runs wait, and when the first of them met it."""

    change: Change
    first_seen: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldDrift:
    """The changes for which the runs of a flow read nothing until somebody has decided."""

    changes: tuple[HeldChange, ...]
    since: datetime
    """When the first run failed for want of a decision: rows wait since then."""
    runs: int
    """How many runs failed so."""
    run_id: str
    """The last of them."""
    reason: str = ""
    """Why columns that were to be added are held instead."""

    @property
    def id(self) -> str:
        """Names exactly these changes: whoever decides says by it what was shown."""
        told = [
            [held.change.kind, held.change.column, held.change.was, held.change.now, held.change.xdm]
            for held in self.changes
        ]
        return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:_ID_DIGITS]


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldDrift:
    """The last changes that a run met and went on with."""

    changes: tuple[Change, ...]
    run_id: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceShape(Resource):
    """What a flow knows of the columns of its source. It has the flow's id.

    A flow that has never seen a row of its source has none.
    """

    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Types by column: all that were seen so far and raised no question, or were decided about."""
    held: HeldDrift | None = None
    told: ToldDrift | None = None

    def changes(self, seen: Sequence[SeenColumn], reads: Sequence[str]) -> tuple[Change, ...]:
        """What is new about the columns `seen`; `reads` are those that the flow reads. A source without rows shows
        nothing, and so tells nothing."""
        if not seen:
            return ()
        now = {column.name: column for column in seen}
        new = [
            Change(kind=ChangeKind.NEW, column=column.name, now=column.types, xdm=column.xdm)
            for column in seen
            if column.name not in self.columns and column.name not in reads
        ]
        known = [name for name in reads if name in self.columns]
        removed = [
            Change(kind=ChangeKind.REMOVED, column=name, was=self.columns[name]) for name in known if name not in now
        ]
        # Types that are seen no more are no change: a sample may have missed them.
        other = [
            Change(kind=ChangeKind.TYPE, column=name, was=self.columns[name], now=now[name].types)
            for name in known
            if name in now and not set(now[name].types) <= set(self.columns[name])
        ]
        return (*new, *removed, *other)

    def learned(
        self, seen: Sequence[SeenColumn], changes: Sequence[Change], *, reads: Sequence[str], told: ToldDrift | None
    ) -> "SourceShape":
        """The shape once a run goes on with what it saw. To learn the same twice changes nothing."""
        known = _without_removed(self.columns, changes)
        for column in seen:
            known[column.name] = _united(known.get(column.name, ()), column.types)
        if len(known) > MOST_COLUMNS:
            kept = {*reads, *(column.name for column in seen)}
            known = {name: types for name, types in known.items() if name in kept}
        return replace(self, columns=known, held=None, told=told or self.told)

    def holding(self, changes: Sequence[Change], *, run_id: str, at: datetime, reason: str = "") -> "SourceShape":
        """The shape once a run failed for these changes. A run counts once, however often it says so."""
        before = self.held
        first = {held.change: held.first_seen for held in before.changes} if before else {}
        held = HeldDrift(
            changes=tuple(HeldChange(change=change, first_seen=first.get(change, at)) for change in changes),
            since=before.since if before else at,
            runs=(before.runs if before else 0) + (0 if before and before.run_id == run_id else 1),
            run_id=run_id,
            reason=reason,
        )
        return replace(self, held=held)

    def decided(self) -> "SourceShape":
        """The shape once somebody took what is held for what the source is like now."""
        changes = [held.change for held in self.held.changes] if self.held else []
        known = _without_removed(self.columns, changes)
        for change in changes:
            if change.kind is not ChangeKind.REMOVED:
                known[change.column] = _united(change.was, change.now)
        return replace(self, columns=known, held=None)


def in_words(changes: Iterable[Change]) -> str:
    """The changes for people: a few by name, the others by number."""
    words = [f"{change.column[:_LONGEST_NAME]} {_WORDS[change.kind]}{_types(change)}" for change in changes]
    more = len(words) - _NAMED
    return ", ".join(words[:_NAMED]) + (f" and {more} more" if more > 0 else "")


_WORDS: Final = {ChangeKind.NEW: "is new", ChangeKind.REMOVED: "is gone", ChangeKind.TYPE: "has other types"}


def _types(change: Change) -> str:
    if change.kind is ChangeKind.REMOVED:
        return ""
    now = "/".join(change.now)
    return f" ({'/'.join(change.was)} to {now})" if change.was else f" ({now})"


def _without_removed(columns: Mapping[str, tuple[str, ...]], changes: Iterable[Change]) -> dict[str, tuple[str, ...]]:
    removed = {change.column for change in changes if change.kind is ChangeKind.REMOVED}
    return {name: types for name, types in columns.items() if name not in removed}


def _united(some: Sequence[str], others: Sequence[str]) -> tuple[str, ...]:
    return tuple(sorted({*some, *others}))
