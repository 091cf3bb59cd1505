"""Schema drift of flows, shown and decided about: our own addition."""

from collections.abc import Iterable
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path
from pydantic import Field

from flowservice.api import answers
from flowservice.api import drift_answers as told
from flowservice.api.calls import Calling
from flowservice.api.exploring import json_value
from flowservice.api.wire import OwnWire
from flowservice.domain.drift import Change, ChangeKind, HeldDrift, ToldDrift
from flowservice.service.drifts import Drifts, FlowDrift

BASE: Final = "/v1/flows"
_LONGEST_ID: Final = 120
FlowId = Annotated[str, Path(description="Id of a flow: a UUID.")]


class DecisionBody(OwnWire):
    """About which changes is decided."""

    id: str = Field(
        min_length=1,
        max_length=_LONGEST_ID,
        description="`held.id` as it was shown: names exactly these changes.",
        examples=["3f0b8a52c1de4d77a0915d1c9f0f6f3c"],
    )


def router(drifts: Drifts) -> APIRouter:
    """Look, accept, ignore."""
    routes = APIRouter(prefix=BASE, tags=["Schema drift"])

    @routes.get("/{flow_id}/drift", summary="Read how a source's columns changed", responses=_DRIFT)
    def read(caller: Calling, flow_id: FlowId) -> dict[str, Any]:
        """The columns that the flow knows of its source, the changes that its last runs met, and those for which runs
        wait until somebody has decided."""
        return shown(drifts.get(caller, flow_id))

    @routes.post("/{flow_id}/drift/accept", summary="Accept held changes", responses=_DRIFT)
    def accept(caller: Calling, flow_id: FlowId, body: DecisionBody) -> dict[str, Any]:
        """New columns are added to the dataset's schema and to the flow's mapping, columns that are gone are no longer
        expected, further types of values are known. The next run takes all rows that waited."""
        return shown(drifts.accept(caller, flow_id, body.id))

    @routes.post("/{flow_id}/drift/ignore", summary="Ignore held changes", responses=_DRIFT)
    def ignore(caller: Calling, flow_id: FlowId, body: DecisionBody) -> dict[str, Any]:
        """Runs go on as if nothing had changed: new columns do not land, values of columns that are gone are null. The
        next run takes all rows that waited."""
        return shown(drifts.ignore(caller, flow_id, body.id))

    return routes


_DRIFT: Final = answers.of(told.Drift)


def shown(drift: FlowDrift) -> dict[str, Any]:
    """The drift of a flow as JSON."""
    shape, choices = drift.shape, drift.policy.choices
    return {
        "flowId": drift.flow.id,
        "policy": {
            "newColumns": choices[ChangeKind.NEW].value,
            "removedColumns": choices[ChangeKind.REMOVED].value,
            "typeChanges": choices[ChangeKind.TYPE].value,
        },
        "held": None if shape is None or shape.held is None else _held(shape.held),
        "lastMet": None if shape is None or shape.told is None else _told(shape.told),
        "columns": []
        if shape is None
        else [{"name": name, "types": list(types)} for name, types in sorted(shape.columns.items())],
    }


def changes_json(changes: Iterable[Change]) -> list[dict[str, Any]]:
    """Changes of columns as JSON."""
    return [
        {"kind": change.kind.value, "column": change.column, "was": list(change.was), "now": list(change.now)}
        for change in changes
    ]


def _held(held: HeldDrift) -> dict[str, Any]:
    changes = changes_json(one.change for one in held.changes)
    return {
        "id": held.id,
        "since": json_value(held.since),
        "runs": held.runs,
        "lastRunId": held.run_id,
        "reason": held.reason or None,
        "changes": [
            change | {"firstSeen": json_value(one.first_seen)}
            for change, one in zip(changes, held.changes, strict=True)
        ],
    }


def _told(told_drift: ToldDrift) -> dict[str, Any]:
    return {
        "runId": told_drift.run_id,
        "at": json_value(told_drift.at),
        "changes": changes_json(told_drift.changes),
    }
