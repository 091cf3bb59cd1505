"""Versions of a dataset's table. Our own addition."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query

from flowservice.api import answers
from flowservice.api import monitoring_answers as told
from flowservice.api.calls import Calling
from flowservice.domain.epoch import milliseconds
from flowservice.service.snapshots import MadeSnapshot, Snapshots

DatasetId = Annotated[str, Path(description="Id of a dataset: 24 hexadecimal digits.")]


def router(snapshots: Snapshots) -> APIRouter:
    """Look back."""
    routes = APIRouter(prefix="/v1/datasets", tags=["Monitoring"])

    @routes.get("/{dataset_id}/snapshots", summary="List the versions of a table", responses=answers.of(told.History))
    def history(
        caller: Calling,
        dataset_id: DatasetId,
        limit: Annotated[int, Query(ge=1, le=1_000, description="Versions to tell.")] = 100,
    ) -> dict[str, Any]:
        """The newest first, as far back as the table's log tells, with the runs that made them. `location` is where
        other engines find the table, if they can reach that place."""
        found = snapshots.of(caller, dataset_id, limit=limit)
        return {"location": found.location, "snapshots": [_shown(each) for each in found.snapshots]}

    return routes


def _shown(made: MadeSnapshot) -> dict[str, Any]:
    snapshot, run = made.snapshot, made.run
    return {
        "version": snapshot.version,
        "committedAt": milliseconds(snapshot.at),
        "operation": snapshot.operation,
        "runId": snapshot.run_id,
        "flowId": None if run is None else run.flow_id,
        "written": None if run is None else run.counts.written,
        "deleted": None if run is None else run.counts.deleted,
    }
