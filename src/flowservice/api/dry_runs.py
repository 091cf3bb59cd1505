"""Dry runs of flows: our own addition."""

from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Body, Path
from pydantic import Field

from flowservice.api import answers
from flowservice.api import dry_run_answers as told
from flowservice.api.calls import Calling
from flowservice.api.drift_document import changes_json
from flowservice.api.exploring import json_value, row_json
from flowservice.api.wire import OwnWire
from flowservice.domain.dry_run import MOST_ROWS, ROWS, DryRun, SchemaChanges
from flowservice.domain.run import Tally
from flowservice.domain.window import Window
from flowservice.domain.write_mode import APPEND, UPSERT
from flowservice.service.dry_runs import DryRuns

BASE: Final = "/v1/flows"
FlowId = Annotated[str, Path(description="Id of a flow: a UUID.")]


class DryRunBody(OwnWire):
    """How much of the flow is tried."""

    rows: int = Field(default=ROWS, ge=1, le=MOST_ROWS, description="How many rows are read.", examples=[ROWS])


def router(dry_runs: DryRuns) -> APIRouter:
    """One call."""
    routes = APIRouter(prefix=BASE, tags=["Dry runs"])

    @routes.post("/{flow_id}/dryRun", summary="Try a flow on its first rows", responses=answers.of(told.DryRun))
    def take(
        caller: Calling, flow_id: FlowId, body: Annotated[DryRunBody | None, Body(description="Optional.")] = None
    ) -> dict[str, Any]:
        """What the next run would do with the first rows that it takes, or with those that come in about 20 s: they are
        read, filtered, mapped and checked. Nothing is written, and the watermark of the flow stays where it is."""
        return shown(dry_runs.take(caller, flow_id, rows=(body or DryRunBody()).rows))

    return routes


def shown(done: DryRun) -> dict[str, Any]:
    """A dry run as JSON."""
    counts = done.counts
    known = {"inserted": done.inserted, "updated": done.updated}
    return {
        "flowId": done.flow_id,
        "tableName": done.path,
        "writeMode": UPSERT if done.mode.is_upsert else APPEND,
        "keyFields": list(done.mode.keys),
        "window": None if done.window is None else _window(done.window),
        "hasMore": done.cut is not None,
        "cutBy": None if done.cut is None else done.cut.value,
        "counts": {
            "read": counts.read,
            "filtered": counts.filtered,
            "rejected": counts.rejected,
            "superseded": counts.superseded,
            "written": counts.written,
            "warnings": counts.warnings,
            **{name: count for name, count in known.items() if count is not None},
        },
        "toleratedPercent": done.tolerated_percent,
        "maxRejectedRecords": done.most_rejected,
        "isTolerable": done.is_tolerable,
        "rows": [{"before": row_json(row.before), "after": row_json(row.after)} for row in done.rows],
        "rejects": [
            {"code": row.code, "field": row.field, "message": row.message, "value": row.value, "row": dict(row.row)}
            for row in done.rejects
        ],
        "rejections": [_tally(tally) for tally in done.rejections],
        "warnings": [_tally(tally) for tally in done.warnings],
        "skipped": [_tally(tally) for tally in done.skipped],
        "absentColumns": list(done.absent),
        "schemaChanges": _changes(done.changes),
        "schemaDrift": {"changes": changes_json(done.drift), "isHeld": done.is_held},
    }


def _window(window: Window) -> dict[str, Any]:
    return {"deltaColumn": window.column.to_json(), "start": _time(window.start), "end": _time(window.end)}


def _time(at: datetime | None) -> str | None:
    return None if at is None else str(json_value(at))


def _tally(tally: Tally) -> dict[str, Any]:
    return {"code": tally.code, "field": tally.field, "message": tally.message, "count": tally.count}


def _changes(changes: SchemaChanges) -> dict[str, Any]:
    clash = changes.clash
    return {
        "makesTable": changes.makes_table,
        "columns": [{"path": column.path, "type": column.type} for column in changes.columns],
        "clash": None if clash is None else {"code": clash.code, "message": clash.message, "advice": clash.advice},
    }
