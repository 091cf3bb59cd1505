"""The plan of a run: what is read, in which splits, through which mapping, into which dataset. Made once, then kept."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flowservice.domain.dataset import Dataset
from flowservice.domain.drift import Change, ChangeKind, DriftPolicy, SeenColumn, SourceShape
from flowservice.domain.flow import Endpoint, Flow
from flowservice.domain.mapping import MappingSet
from flowservice.domain.run import Run
from flowservice.domain.staging import SplitProgress
from flowservice.domain.window import DeltaColumn, Late, Window
from flowservice.domain.write_mode import BESIDE, WriteMode
from flowservice.engine.drift import Observed, observed
from flowservice.engine.row_mapper import MapperFor, RowMapper
from flowservice.errors import BadMapping, MissingField, MissingMapping, MissingParameter
from flowservice.ports.database import Database
from flowservice.ports.runtime import Sources
from flowservice.sdk import (
    Keyed,
    RowFilter,
    Selection,
    Source,
    Split,
    columns_of,
    filter_json,
    outline,
    parts_of,
    row_filter,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a run does. A retry, and a run that goes on after a crash, follow the stored one."""

    path: str
    """The table at the source."""
    columns: tuple[str, ...]
    """The columns that the mapping reads."""
    absent: tuple[str, ...]
    """Those of them that a sample of the source did not show: their values will be null."""
    mapping_id: str
    mapping_version: int
    splits: tuple[Split, ...]
    tolerated_percent: float | None = 0.0
    """The share of rejected rows up to which the run publishes; None, in the first version's plans: the flow tells."""
    window: Window | None = None
    """The rows that the run takes; None: all."""
    watermark: datetime | None = None
    """Where the next window of the flow begins once this run is in the lake."""
    clock: datetime | None = None
    """What the source's clock showed when the window was decided; None: it has none, or there is no window."""
    late: Late | None = None
    """Which rows before the window are told of; None: nobody can tell them from those that landed."""
    filter: RowFilter | None = None
    """The rows that the run takes; None: all. Each row is put to it, whatever the source leaves out by itself."""
    filtered: RowFilter | None = None
    """The part of it by which the source leaves rows out; None: it leaves out none."""
    mode: WriteMode = BESIDE
    most_rejected: int | None = None
    """How many rejected rows there may be for the run to publish; None: any number, if their share is tolerated."""
    row_key: tuple[str, ...] = ()
    """The columns that tell a row of the source from all others; they come along with each."""
    seen: tuple[SeenColumn, ...] = ()
    """The columns of the source as a sample showed them."""
    drift: tuple[Change, ...] = ()
    """How they differ from what the flow knew."""

    @property
    def reads(self) -> tuple[str, ...]:
        """The columns that the run reads for whatever reason: mapping, row filter, window."""
        return _read(self.columns, self.filter, self.window, self.late)

    @property
    def kept_columns(self) -> frozenset[str] | None:
        """The columns of the source that a rejected row is kept with; None: all."""
        named = [split.columns for split in self.splits]
        if any(columns is None for columns in named):
            return None
        return frozenset(self.row_key).union(*(columns for columns in named if columns is not None))

    @property
    def telling(self) -> str:
        """Who applies which part of the row filter, for the log; empty where there is none."""
        if self.filter is None:
            return ""
        at_source = parts_of(self.filtered) if self.filtered is not None else ()
        after = [part for part in parts_of(self.filter) if part not in at_source]
        words = (("by the source", at_source), ("after reading", after))
        return "; ".join(f"{who}: {', '.join(map(outline, parts))}" for who, parts in words if parts)

    def to_json(self) -> dict[str, Any]:
        """The plan as JSON."""
        return {
            "path": self.path,
            "columns": list(self.columns),
            "absent": list(self.absent),
            "mappingId": self.mapping_id,
            "mappingVersion": self.mapping_version,
            "window": None if self.window is None else _window_json(self.window),
            "watermark": time_text(self.watermark),
            "clock": time_text(self.clock),
            "late": None if self.late is None else _late_json(self.late),
            "toleratedPercent": self.tolerated_percent,
            "filter": _filter_json(self.filter),
            "filtered": _filter_json(self.filtered),
            "keys": list(self.mode.keys),
            "mostRejected": self.most_rejected,
            "rowKey": list(self.row_key),
            "seen": [{"name": column.name, "types": list(column.types), "xdm": column.xdm} for column in self.seen],
            "drift": [_change_json(change) for change in self.drift],
            "splits": [{"number": split.number, **reads_json(split)} for split in self.splits],
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Plan":
        """The plan that `to_json` wrote."""
        return cls(
            path=stored["path"],
            columns=tuple(stored["columns"]),
            absent=tuple(stored["absent"]),
            mapping_id=stored["mappingId"],
            mapping_version=stored["mappingVersion"],
            splits=tuple(split_reading(split["number"], split) for split in stored["splits"]),
            # Plans of earlier versions have none of these.
            window=_window(stored.get("window")),
            watermark=time_of(stored.get("watermark")),
            clock=time_of(stored.get("clock")),
            late=_late(stored.get("late")),
            tolerated_percent=stored.get("toleratedPercent"),
            filter=row_filter(stored.get("filter") or {}, at="filter"),
            filtered=row_filter(stored.get("filtered") or {}, at="filtered"),
            mode=WriteMode(keys=tuple(stored.get("keys", ()))),
            most_rejected=stored.get("mostRejected"),
            row_key=tuple(stored.get("rowKey", ())),
            seen=tuple(
                SeenColumn(name=column["name"], types=tuple(column["types"]), xdm=column["xdm"])
                for column in stored.get("seen", ())
            ),
            drift=tuple(_change(change) for change in stored.get("drift", ())),
        )

    def unread(self, progress: Iterable[SplitProgress]) -> tuple[Split, ...]:
        """The splits that are not done: as planned, but for those that were divided since."""
        splits = {split.number: split for split in self.splits}
        for one in progress:
            if one.reads is not None:
                splits[one.number] = split_reading(one.number, one.reads)
            if one.done:
                splits.pop(one.number, None)
        return tuple(splits.values())


def reads_json(split: Split) -> dict[str, Any]:
    """What a split reads, as JSON."""
    return {
        "path": split.path,
        "columns": None if split.columns is None else list(split.columns),
        "range": dict(split.range),
    }


def split_reading(number: int, stored: Mapping[str, Any]) -> Split:
    """The split of that number that reads what `reads_json` wrote."""
    columns = stored["columns"]
    return Split(
        number=number,
        path=stored["path"],
        columns=None if columns is None else tuple(columns),
        range=stored["range"],
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """The rows that a run has to take, and the flow's watermark after it."""

    window: Window | None = None
    watermark: datetime | None = None
    clock: datetime | None = None
    late: Late | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """The resources that a run joins: as they are now, but with the mapping set of the plan once there is one."""

    flow: Flow
    dataset: Dataset
    mapping_set: MappingSet

    @classmethod
    def of(cls, run: Run, database: Database, plan: Plan | None) -> "Route":
        """The route of `run`. Raises NotFound for what is gone, MissingMapping."""
        flow = database.flows.get(run.stamp.scope, run.flow_id)
        return cls.along(flow, database, run.dataset_id, flow.mapping_id if plan is None else plan.mapping_id)

    @classmethod
    def along(cls, flow: Flow, database: Database, dataset_id: str, mapping_id: str | None) -> "Route":
        """The route of a run of `flow`. Raises NotFound for what is gone, MissingMapping."""
        scope = flow.stamp.scope
        if mapping_id is None:
            raise MissingMapping(
                f"flow {flow.id} has no mapping", advice="Add the transformation Mapping with its mappingId."
            )
        return cls(
            flow=flow,
            dataset=database.datasets.get(scope, dataset_id),
            mapping_set=database.mapping_sets.get(scope, mapping_id),
        )

    @property
    def source(self) -> Endpoint:
        """What is read, as it was when the flow took it up."""
        return self.flow.source

    @property
    def path(self) -> str:
        """The table at the source. Raises MissingParameter."""
        path = self.source.params.get("tableName")
        if not isinstance(path, str) or not path:
            raise MissingParameter(
                f"source connection {self.source.id} names no table",
                advice="Set params.tableName of the source connection.",
            )
        return path

    @property
    def selected(self) -> frozenset[str] | None:
        """The columns that the source connection names; None: all."""
        named = self.source.params.get("columns")
        return frozenset(str(column["name"]) for column in named) if named else None

    @property
    def filter(self) -> RowFilter | None:
        """The rows that are wanted; None: all. Raises BadRowFilter."""
        return row_filter(self.source.params.get("filters") or {}, at="params/filters")

    def look(self, source: Source, mapper: RowMapper, pending: "Pending", known: SourceShape | None) -> Observed:
        """What a sample shows of the source's columns.

        Raises MissingParameter, BadMapping, BadRowFilter, BadField, SourceError.
        """
        _check_selected(self.selected, mapper.source_columns)
        return observed(
            source,
            self.path,
            mapped=mapper.source_columns,
            reads=_read(mapper.source_columns, self.filter, pending.window, pending.late),
            selected=self.selected,
            known=known,
            policy=DriftPolicy.of(self.flow.options),
        )

    def mapper(self, version: int, mapper_for: MapperFor, mode: WriteMode) -> RowMapper:
        """The mapper of that version of the mapping set."""
        return mapper_for(self.mapping_set, version, self.dataset, mode.keys)

    @contextmanager
    def opened(self, database: Database, sources: Sources) -> Iterator[Source]:
        """The source, closed at the end. Dials nothing. Raises MissingField, NotFound, NoConnector."""
        base_id = self.source.base_connection_id
        if base_id is None:
            raise MissingField(f"source connection {self.source.id} has no base connection")
        with closing(sources.open(database.connections.get(self.flow.stamp.scope, base_id))) as source:
            yield source


def planned(route: Route, source: Source, mapper: RowMapper, version: int, pending: Pending, seen: Observed) -> Plan:
    """A new plan for what is `pending`, of the columns `seen`. Raises MissingParameter, BadRowFilter, SourceError."""
    columns, window, wanted, path = mapper.source_columns, pending.window, route.filter, route.path
    read = _read(columns, wanted, window, pending.late)
    bounds = None if window is None else (window.column.name, window.start, window.end)
    late = None if pending.late is None else (pending.late.column, pending.late.since)
    reading = source.plan(Selection(path=path, columns=read or None, filter=wanted, window=bounds, late=late))
    return Plan(
        path=path,
        columns=columns,
        absent=seen.absent,
        mapping_id=route.mapping_set.id,
        mapping_version=version,
        splits=reading.splits,
        tolerated_percent=route.flow.tolerated_percent,
        window=window,
        watermark=pending.watermark,
        clock=pending.clock,
        late=pending.late,
        filter=wanted,
        filtered=reading.filtered,
        mode=route.flow.mode,
        most_rejected=route.flow.most_rejected,
        row_key=source.key_columns if isinstance(source, Keyed) else (),
        seen=seen.seen,
        drift=seen.changes,
    )


def _read(
    mapped: tuple[str, ...], wanted: RowFilter | None, window: Window | None, late: Late | None
) -> tuple[str, ...]:
    """The columns to read, each once. A mapping of constants alone reads no column, yet wants every row."""
    asked = (
        *(columns_of(wanted) if wanted is not None else ()),
        *((window.column.name,) if window is not None else ()),
        *((late.column,) if late is not None else ()),
    )
    return tuple(dict.fromkeys((*mapped, *asked))) if mapped else ()


def _check_selected(selected: frozenset[str] | None, columns: tuple[str, ...]) -> None:
    """Return if the source connection selects them all: a new version of the mapping set may read others.

    Raises BadMapping.
    """
    outside = set() if selected is None else set(columns).difference(selected)
    if outside:
        raise BadMapping(
            f"the mapping reads {', '.join(sorted(name[:80] for name in outside)[:5])}, "
            "which the source connection does not select",
            advice="Map columns of params.columns, or make a source connection with more of them.",
        )


def _change_json(change: Change) -> dict[str, Any]:
    return {
        "kind": change.kind.value,
        "column": change.column,
        "was": list(change.was),
        "now": list(change.now),
        "xdm": change.xdm,
    }


def _change(stored: Mapping[str, Any]) -> Change:
    return Change(
        kind=ChangeKind(stored["kind"]),
        column=stored["column"],
        was=tuple(stored["was"]),
        now=tuple(stored["now"]),
        xdm=stored["xdm"],
    )


def _filter_json(wanted: RowFilter | None) -> dict[str, Any] | None:
    return None if wanted is None else filter_json(wanted)


def _window_json(window: Window) -> dict[str, Any]:
    return {"column": window.column.to_json(), "from": time_text(window.start), "to": time_text(window.end)}


def _window(stored: Mapping[str, Any] | None) -> Window | None:
    if stored is None:
        return None
    column = DeltaColumn.of(stored["column"])
    return Window(column=column, start=time_of(stored["from"]), end=time_of(stored["to"]))


def _late_json(late: Late) -> dict[str, Any]:
    return {"column": late.column, "since": time_text(late.since)}


def _late(stored: Mapping[str, Any] | None) -> Late | None:
    return None if stored is None else Late(column=stored["column"], since=datetime.fromisoformat(stored["since"]))


def time_text(at: datetime | None) -> str | None:
    """A time in the JSON of a plan."""
    return None if at is None else at.isoformat()


def time_of(stored: str | None) -> datetime | None:
    """The time that `time_text` wrote."""
    return None if stored is None else datetime.fromisoformat(stored)
