"""A run on the wire: its metrics and activities."""

from typing import Any

from flowservice.api.drift_document import changes_json
from flowservice.api.export_names import BASE as EXPORT
from flowservice.api.export_names import ROW_ERRORS, SAMPLE
from flowservice.api.wire import epoch_ms, spec_ref, stamped
from flowservice.domain.run import Run, RunState, Tally


def run(item: Run, address: str = "") -> dict[str, Any]:
    """A run, with metrics as far as they are known. `address` is that of the server, for links that lead to files."""
    return stamped(item) | {
        "flowId": item.flow_id,
        "flowSpec": spec_ref(item.flow_spec),
        "providerRefId": item.batch_id,
        "params": item.params,
        "state": item.state.value,
        "recordTypes": ["DEFAULT"],
        "predecessors": [],
        "parentFlowRunId": item.parent_id,
        "childFlowRunIds": [],
        "metrics": {
            "durationSummary": _duration(item.started_at, item.completed_at)
            | {"extensions": _window(item) | _planned(item)},
            "latencySummary": {},
            "sizeSummary": {
                "inputBytes": _known(item, item.counts.input_bytes),
                "outputBytes": item.counts.output_bytes,
            },
            "recordSummary": _records(item),
            "fileSummary": {
                "inputFileCount": 0,
                "outputFileCount": item.counts.output_files,
                "skippedFileCount": 0,
                "failedFileCount": 0,
                "activityRefs": ["promotionActivity"],
                "extensions": {},
            },
            "statusSummary": _status(item, address),
        },
        "activities": _activities(item) if item.started_at else [],
    }


def _duration(started: Any, completed: Any) -> dict[str, Any]:
    known = {"startedAtUTC": epoch_ms(started), "completedAtUTC": epoch_ms(completed)}
    return {name: value for name, value in known.items() if value is not None}


def _window(item: Run) -> dict[str, Any]:
    """The bounds of the delta column; an open end has no member."""
    if item.window is None:
        return {}
    known = {"windowStart": epoch_ms(item.window.start), "windowEnd": epoch_ms(item.window.end)}
    return {name: value for name, value in known.items() if value is not None}


def _planned(item: Run) -> dict[str, Any]:
    """Our own member: between its start and this it looked at a sample and readied the table; then it read."""
    return {} if item.planned_at is None else {"plannedAt": epoch_ms(item.planned_at)}


def _known(item: Run, count: int) -> int:
    """A count of what was read: a run that failed before it had read all cannot tell it."""
    return -1 if item.state is RunState.FAILED and item.read_completed_at is None else count


def _records(item: Run) -> dict[str, Any]:
    counts = item.counts
    return {
        "inputRecordCount": _known(item, counts.read),
        "outputRecordCount": counts.written,
        "createdRecordCount": counts.written,
        "updatedRecordCount": counts.restored,
        "skippedRecordCount": _known(item, counts.filtered + counts.superseded),
        "failedRecordCount": _known(item, counts.rejected),
        "deletedRecordCount": counts.deleted,
        "warningRecordCount": _known(item, counts.warnings),
        "failedInfo": [_info(tally) for tally in item.rejections],
        "warningInfo": [_info(tally) for tally in item.warnings],
        "skippedInfo": [_info(tally) for tally in item.skipped],
        "extensions": {},
    }


def _info(tally: Tally) -> dict[str, Any]:
    return {"code": tally.code, "message": tally.message, "count": tally.count, "field": tally.field}


def _status(item: Run, address: str) -> dict[str, Any]:
    return {
        "status": item.state.value,
        "errors": [
            {"code": error.code, "message": error.message, **({"advice": error.advice} if error.advice else {})}
            for error in item.errors
        ],
        "activityRefs": ["promotionActivity"],
        "extensions": {
            "type": _type(item),
            **_cancelled(item),
            **_relations(item),
            **_drift(item),
            **_manifest(item, address),
        },
    }


def _cancelled(item: Run) -> dict[str, Any]:
    """Our own member: who asked for its end."""
    return {} if item.cancelled_by is None else {"cancelledBy": item.cancelled_by}


def _drift(item: Run) -> dict[str, Any]:
    """Our own member: how the source's columns differ from what the flow knew before the run."""
    return {"schemaDrift": changes_json(item.drift)} if item.drift else {}


def _manifest(item: Run, address: str) -> dict[str, Any]:
    """Where the rejected rows are to be read."""
    if not item.has_ended or not item.counts.rejected:
        return {}
    meta = f"{address}{EXPORT}/batches/{item.batch_id}/meta?path="
    return {"manifest": {"failedRecords": f"{meta}{ROW_ERRORS}", "sampleErrors": f"{meta}{SAMPLE}"}}


def _relations(item: Run) -> dict[str, Any]:
    """Our own members, where the documented ones leave room: who undid the run, what it undid or replays."""
    if item.replays is not None:
        undone = {} if item.undone_by is None else {"undoneBy": item.undone_by}
        return {"replays": item.replays, **undone}
    if item.undone_by is not None:
        return {"undoneBy": item.undone_by}
    if item.undoes is not None:
        return {"undoes": item.undoes, "takesWindowAgain": item.rewinds}
    return {}


def _type(item: Run) -> str:
    return "one-time" if item.slot_at is None else "periodic"


def _activities(item: Run) -> list[dict[str, Any]]:
    read_done = item.read_completed_at is not None
    ended = item.has_ended
    copied = RunState.SUCCESS if read_done else item.state if ended else RunState.IN_PROGRESS
    activities: list[dict[str, Any]] = [
        {
            "id": "copyActivity",
            "name": "Copy Activity",
            "updatedAtUTC": epoch_ms(item.stamp.updated.at),
            "durationSummary": _duration(item.started_at, item.read_completed_at),
            "latencySummary": {},
            "sizeSummary": {"inputBytes": _known(item, item.counts.input_bytes)},
            "recordSummary": {"inputRecordCount": _known(item, item.counts.read)},
            "fileSummary": {"inputFileCount": 0, "activityRefs": ["promotionActivity"]},
            "statusSummary": {"status": copied.value, "extensions": {"type": _type(item)}},
            "sourceInfo": [
                {
                    "id": item.source_connection_id,
                    "type": "SourceConnection",
                    "reference": {"type": "FlowRunId", "ids": [item.id]},
                }
            ],
        }
    ]
    if read_done or ended:
        activities.append(
            {
                "id": "promotionActivity",
                "name": "Promotion Activity",
                "updatedAtUTC": epoch_ms(item.stamp.updated.at),
                "durationSummary": _duration(item.read_completed_at, item.completed_at),
                "latencySummary": {},
                "sizeSummary": {"outputBytes": item.counts.output_bytes},
                "recordSummary": {"outputRecordCount": item.counts.written},
                "fileSummary": {"outputFileCount": item.counts.output_files},
                "statusSummary": {"status": item.state.value},
                "targetInfo": [
                    {
                        "id": item.target_connection_id,
                        "type": "TargetConnection",
                        "reference": {"type": "Batch", "ids": [item.batch_id]},
                    }
                ],
            }
        )
    return activities
