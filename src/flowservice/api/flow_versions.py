"""Versions of flows. Our own addition: what was changed can be looked at, and taken back."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query

from flowservice.api import answers, wire
from flowservice.api import flow_version_answers as told
from flowservice.api.calls import Calling, IfMatch, matching
from flowservice.api.flow_lines import BASE
from flowservice.domain.epoch import milliseconds
from flowservice.domain.flow import Endpoint, Flow
from flowservice.domain.flow_version import FlowVersion
from flowservice.service.contention import repeated
from flowservice.service.flow_versions import FlowVersions
from flowservice.service.flows import Flows

_MOST = 100
FlowId = Annotated[str, Path(description="Id of a flow: a UUID.")]
Number = Annotated[int, Path(ge=1, le=2**31 - 1, description="Number of a version.", examples=[1])]


def router(versions: FlowVersions, flows: Flows, wake: Callable[[], None]) -> APIRouter:
    """List, read and revert. `wake` tells the tick that a flow may be due."""
    routes = APIRouter(prefix=BASE, tags=["Flow versions"])

    @routes.get("/{flow_id}/versions", summary="List the versions of a flow", responses=answers.of(told.FlowVersions))
    def listed(
        caller: Calling,
        flow_id: FlowId,
        limit: Annotated[int, Query(ge=1, le=_MOST, description="Versions a page.")] = 50,
        below: Annotated[int | None, Query(ge=1, le=2**31 - 1, description="`next` of the page before.")] = None,
    ) -> dict[str, Any]:
        """Each saved change of a flow makes one, by whomever; enabling and disabling do not."""
        newest = flows.get(caller, flow_id).versions or 1
        found = versions.list(caller, flow_id, limit=limit, below=below)
        last = found[-1].number if found else 1
        return {"items": [_shown(version, newest) for version in found], "next": last if last > 1 else None}

    @routes.get(
        "/{flow_id}/versions/{number}", summary="Read a version of a flow", responses=answers.of(told.FlowVersion)
    )
    def read(caller: Calling, flow_id: FlowId, number: Number) -> dict[str, Any]:
        newest = flows.get(caller, flow_id).versions or 1
        return _shown(versions.get(caller, flow_id, number), newest)

    @routes.post(
        "/{flow_id}/versions/{number}/revert", summary="Revert to a version", responses=answers.of(told.Reverted)
    )
    def revert(caller: Calling, flow_id: FlowId, number: Number, if_match: IfMatch) -> dict[str, Any]:
        """What that version said becomes a further version, checked as any change is: name, description, labels,
        schedule, steps (with the version of the mapping set that they name) and options. A run under way goes on as it
        was planned. What cannot be changed any more, such as a schedule's start, cannot be reverted either."""

        def reverted() -> Flow:
            flow = flows.get(caller, flow_id)
            matching(flow, if_match, required=False)
            return versions.revert(caller, flow, number)

        flow = repeated(reverted)
        wake()
        return wire.created(flow) | {"number": flow.versions or 1}

    return routes


def _shown(version: FlowVersion, newest: int) -> dict[str, Any]:
    saved = version.stamp.created
    return {
        "number": version.number,
        "flowId": version.flow_id,
        "isCurrent": version.number == newest,
        "origin": version.origin.value,
        "revertsTo": version.reverts_to,
        "savedAt": milliseconds(saved.at),
        "savedBy": saved.by,
        "savedClient": saved.client,
        "name": version.name,
        "description": version.description,
        "labels": list(version.governance.labels),
        "source": _end(version.source),
        "target": _end(version.target),
        "scheduleParams": version.schedule_sent,
        "transformations": [{"name": step.name, "params": step.params} for step in version.transformations],
        "options": version.options,
    }


def _end(end: Endpoint) -> dict[str, Any]:
    return {
        "id": end.id,
        "connectionSpec": wire.spec_ref(end.spec),
        "baseConnectionId": end.base_connection_id,
        "params": end.params,
    }
