"""When a schedule that is not kept would run. Our own addition."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import Field

from flowservice.api import answers
from flowservice.api import monitoring_answers as told
from flowservice.api.calls import Calling
from flowservice.api.wire import OwnWire
from flowservice.domain.epoch import milliseconds
from flowservice.domain.schedule import Schedule
from flowservice.service.flows import Flows


class ScheduleBody(OwnWire):
    """A schedule to look at."""

    schedule_params: dict[str, Any] = Field(
        default={},
        description="As in a flow. Empty: once, and now.",
        examples=[{"startTime": 1_893_456_000, "frequency": "hour", "interval": 6}],
    )


def router(flows: Flows) -> APIRouter:
    """Look ahead."""
    routes = APIRouter(prefix="/v1/schedules", tags=["Flows"])

    @routes.post("/preview", summary="Tell when a schedule runs", responses=answers.of(told.SchedulePreview))
    def preview(
        caller: Calling,
        body: ScheduleBody,
        count: Annotated[int, Query(ge=1, le=100, description="Runs to tell.")] = 5,
    ) -> dict[str, Any]:
        """The next runs of a flow with this schedule that were made now; refused as the flow would be."""
        schedule, slots = flows.slots(caller, body.schedule_params, count=count)
        return {"runs": [milliseconds(slot) for slot in slots], **_shown(schedule)}

    return routes


def _shown(schedule: Schedule) -> dict[str, Any]:
    return {
        "frequency": schedule.frequency.value,
        "interval": schedule.interval or None,
        "backfill": schedule.backfill,
        "takesFrom": None if schedule.takes_from is None else milliseconds(schedule.takes_from),
    }
