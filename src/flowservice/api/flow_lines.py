"""Flows as people look for them. Our own addition: the documented lists know no part of a name, and no next run."""

from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Path, Query

from flowservice.api import answers
from flowservice.api import flow_line_answers as told
from flowservice.api.calls import Calling
from flowservice.api.reasons import hindrance_json, reason_json
from flowservice.api.wire import epoch_ms, spec_ref
from flowservice.domain.epoch import milliseconds
from flowservice.domain.flow import FlowState
from flowservice.domain.flow_line import FlowLine, FlowOrder, FlowSearch, RecentRun
from flowservice.domain.resource import MAX_NAME
from flowservice.domain.write_mode import APPEND, UPSERT
from flowservice.service.flow_lines import FlowLines

BASE: Final = "/v1/flows"
_MOST: Final = 100
_MOST_VALUES: Final = 50
_FARTHEST: Final = 1_000_000
Order = Literal[
    "name", "-name", "state", "-state", "createdAt", "-createdAt", "updatedAt", "-updatedAt",
    "lastRun", "-lastRun", "nextRun", "-nextRun",
]  # fmt: skip
LastRun = Literal["success", "partialSuccess", "failed", "never"]


def router(lines: FlowLines) -> APIRouter:
    """Look."""
    routes = APIRouter(prefix=BASE, tags=["Flows"])

    @routes.get("", summary="Find flows", responses=answers.of(told.FlowLines))
    def find(
        caller: Calling,
        q: Annotated[str, Query(max_length=MAX_NAME, description="Part of a name, or an id.")] = "",
        states: Annotated[list[FlowState] | None, _values("state", "State; may be repeated.")] = None,
        last_runs: Annotated[
            list[LastRun] | None, _values("lastRun", "How the last run ended; may be repeated.")
        ] = None,
        specs: Annotated[list[str] | None, _values("source", "Connection spec of the source; may be repeated.")] = None,
        accounts: Annotated[list[str] | None, _values("account", "Id of a connection; may be repeated.")] = None,
        datasets: Annotated[list[str] | None, _values("dataset", "Id of a dataset; may be repeated.")] = None,
        late: Annotated[bool, Query(description="Only flows that have been due for a minute.")] = False,
        order: Annotated[Order, Query(alias="orderby", description="`-` before it turns it round.")] = "-lastRun",
        offset: Annotated[int, Query(ge=0, le=_FARTHEST, description="How many to leave out.")] = 0,
        limit: Annotated[int, Query(ge=1, le=_MOST, description="Flows a page.")] = 50,
    ) -> dict[str, Any]:
        """Each with its ends by name, its next run, and its ten newest runs. What has no value comes last."""
        search = FlowSearch(
            text=q.strip(),
            states=tuple(states or ()),
            last_runs=tuple(last_runs or ()),
            spec_ids=tuple(specs or ()),
            account_ids=tuple(accounts or ()),
            dataset_ids=tuple(datasets or ()),
            order=FlowOrder(order.removeprefix("-")),
            descending=order.startswith("-"),
            offset=offset,
            limit=limit,
        )
        found, count = lines.find(caller, search, late=late)
        return {"items": [line_json(line) for line in found], "count": count}

    @routes.get("/{flow_id}", summary="Read a flow with its newest runs", responses=answers.of(told.FlowLine))
    def glance(caller: Calling, flow_id: Annotated[str, Path(description="Id of a flow: a UUID.")]) -> dict[str, Any]:
        """As in the list."""
        return line_json(lines.get(caller, flow_id))

    return routes


def _values(alias: str, description: str) -> Any:
    return Query(alias=alias, max_length=_MOST_VALUES, description=description)


def line_json(line: FlowLine) -> dict[str, Any]:
    """A flow with what stands around it, as JSON."""
    flow = line.flow
    account, last = flow.source.base_connection_id, flow.last_run
    return {
        "id": flow.id,
        "name": flow.name,
        "description": flow.description,
        "state": flow.state.value,
        "source": {"connectionSpec": spec_ref(flow.source.spec), "path": _path(flow.source.params)},
        "account": None if not account else {"id": account, "name": line.account_name},
        "dataset": None if not flow.dataset_id else {"id": flow.dataset_id, "name": line.dataset_name},
        "writeMode": UPSERT if flow.mode.is_upsert else APPEND,
        "keyFields": list(flow.mode.keys),
        "schedule": None
        if flow.state is FlowState.DRAFT and not flow.schedule_sent
        else {
            "frequency": flow.schedule.frequency.value,
            "interval": flow.schedule.interval or None,
            "startTime": milliseconds(flow.schedule.start_at),
        },
        "nextRunAt": epoch_ms(flow.next_run_at) if flow.state is FlowState.ENABLED else None,
        "lateByMs": None if line.late_by is None else round(line.late_by.total_seconds() * 1_000),
        "hindrance": hindrance_json(line.hindrance),
        "lastRun": None
        if last is None
        else {
            "id": last.id,
            "state": last.state,
            "startedAt": milliseconds(last.started_at),
            "completedAt": milliseconds(last.completed_at),
            "reason": reason_json(line.reason),
        },
        "recentRuns": [_run(run) for run in line.recent],
        "createdAt": milliseconds(flow.stamp.created.at),
        "updatedAt": milliseconds(flow.stamp.updated.at),
        "updatedBy": flow.stamp.updated.by,
    }


def _path(params: Any) -> str | None:
    """What a source connection names: a table, as far as there are connectors."""
    found = params.get("tableName") or params.get("path")
    return found if isinstance(found, str) else None


def _run(run: RecentRun) -> dict[str, Any]:
    return {
        "id": run.id,
        "state": run.state.value,
        "createdAt": milliseconds(run.created_at),
        "startedAt": epoch_ms(run.started_at),
        "received": run.read,
        "ingested": run.written,
        "rejected": run.rejected,
    }
