"""Flows as people look for them, as SQL over their table; and the newest runs of many flows at once."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from flowservice.adapters.sql import tables
from flowservice.domain.epoch import milliseconds
from flowservice.domain.flow import FlowState
from flowservice.domain.flow_line import NEVER_RAN, FlowOrder, FlowSearch, RecentRun
from flowservice.domain.identity import Scope
from flowservice.domain.run import RunState

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_TABLE: Final = tables.flows


def _text(*path: str) -> sa.ColumnElement[str]:
    """A text within the document; null where it is missing."""
    found: sa.ColumnElement[str] = _TABLE.c.document[path].as_string()
    return found


_IS_ENABLED: Final = _TABLE.c.state == FlowState.ENABLED.value
_KEYS: Final[Mapping[FlowOrder, sa.ColumnElement[Any]]] = {
    FlowOrder.NAME: sa.func.lower(_TABLE.c.name),
    FlowOrder.STATE: _TABLE.c.state,
    FlowOrder.CREATED: _TABLE.c.created_at_ms,
    FlowOrder.UPDATED: _TABLE.c.updated_at_ms,
    # Times stand in documents as ISO 8601 in UTC, which sorts as they do.
    FlowOrder.LAST_RUN: _text("last_run", "started_at"),
    # Only an enabled flow has a next run.
    FlowOrder.NEXT_RUN: sa.case((_IS_ENABLED, _TABLE.c.next_run_at_ms)),
}


def matching(scope: Scope, search: FlowSearch) -> list[sa.ColumnElement[bool]]:
    """What a flow has to fulfil."""
    table = _TABLE
    found: list[sa.ColumnElement[bool]] = [table.c.sandbox_id == scope.sandbox_id, table.c.org_id == scope.org_id]
    if search.text:
        # SQLite folds no letters but those of ASCII: others are found as they are written, too.
        folded = sa.func.lower(table.c.name).contains(search.text.lower(), autoescape=True)
        found.append(sa.or_(folded, table.c.name.contains(search.text, autoescape=True), table.c.id == search.text))
    if search.states:
        found.append(table.c.state.in_([state.value for state in search.states]))
    if search.last_runs:
        state = _text("last_run", "state")
        found.append(sa.func.coalesce(state, NEVER_RAN).in_(search.last_runs))
    for path, ids in (
        (("source", "spec", "id"), search.spec_ids),
        (("source", "base_connection_id"), search.account_ids),
        (("target", "params", "dataSetId"), search.dataset_ids),
    ):
        if ids:
            found.append(_text(*path).in_(ids))
    if search.due_before is not None:
        found += [_IS_ENABLED, table.c.next_run_at_ms < milliseconds(search.due_before)]
    return found


def ordered(search: FlowSearch) -> list[sa.ColumnElement[Any]]:
    """Sort keys. What has no value comes last, whichever way the rest goes."""
    key = _KEYS[search.order]
    down = search.descending
    return [
        key.is_(None).cast(sa.Integer),
        key.desc() if down else key.asc(),
        _TABLE.c.created_at_ms.desc(),
        _TABLE.c.id.desc(),
    ]


def newest_runs(scope: Scope, flow_ids: Sequence[str], *, each: int) -> sa.CompoundSelect[Any]:
    """The newest runs of each flow: as many reads of the index that holds them in this order."""
    table = tables.runs_search
    parts = [
        sa.select(table)
        .where(table.c.sandbox_id == scope.sandbox_id, table.c.flow_id == flow_id)
        .order_by(table.c.created_at_ms.desc(), table.c.id.desc())
        .limit(each)
        .subquery()
        for flow_id in flow_ids
    ]
    return sa.union_all(*(sa.select(part) for part in parts))


def recent_run(row: Any) -> RecentRun:
    """A row of the search table of runs."""
    started = row.started_at_ms
    return RecentRun(
        id=row.id,
        flow_id=row.flow_id,
        state=_STATES[row.state],
        created_at=_moment(row.created_at_ms),
        started_at=None if started is None else _moment(started),
        read=row.records_read or 0,
        written=row.records_written or 0,
        rejected=row.records_rejected or 0,
    )


def _moment(ms: int) -> datetime:
    return _EPOCH + timedelta(milliseconds=ms)


# Search rows hold words folded, as filters compare them.
_STATES: Final[Mapping[str, RunState]] = {state.value.lower(): state for state in RunState}
