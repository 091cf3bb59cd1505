"""Checks of connections in steps: our own addition to the test that says yes or no."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Path

from flowservice.api import answers, wire
from flowservice.api import connection_check_answers as told
from flowservice.api.calls import Calling
from flowservice.domain.connection_check import CheckedStep, ConnectionCheck, LastCheck
from flowservice.service.connection_checks import ConnectionChecks

BASE: Final = "/v1/connections"
ConnectionId = Annotated[str, Path(description="Id of a connection: a UUID.")]


def router(checks: ConnectionChecks) -> APIRouter:
    """Check what is typed, check what is stored, and how all of the sandbox are."""
    routes = APIRouter(prefix=BASE, tags=["Connection checks"])

    @routes.post("/check", summary="Check a connection before it is made", responses=answers.of(told.ConnectionCheck))
    def attempt(caller: Calling, body: wire.ConnectionBody) -> dict[str, Any]:
        """Takes what `POST /connections` takes, and keeps nothing. A check that fails is answered with 200 as well."""
        return _shown(checks.attempt(caller, body.connection_spec.ref(), body.content().auth))

    @routes.post(
        "/{connection_id}/check", summary="Check a connection in steps", responses=answers.of(told.ConnectionCheck)
    )
    def check(caller: Calling, connection_id: ConnectionId) -> dict[str, Any]:
        """Each step says what was found, and what to do if it failed; those after it are skipped."""
        return _shown(checks.check(caller, connection_id))

    @routes.get("/health", summary="The last check of each connection", responses=answers.of(told.LastChecks))
    def health(caller: Calling) -> dict[str, Any]:
        """A connection is checked when it is made, changed, published or tested, and when it is asked for."""
        return {"items": [_last(last) for last in checks.latest(caller)]}

    return routes


def _shown(check: ConnectionCheck) -> dict[str, Any]:
    return {"steps": [_step(step) for step in check.steps], "passed": check.failed is None}


def _step(step: CheckedStep) -> dict[str, Any]:
    return {
        "name": step.name,
        "title": step.title,
        "status": step.status.value,
        "ms": step.ms,
        "message": step.message,
        "advice": step.advice or None,
        "code": step.code,
        "warnings": list(step.warnings),
    }


def _last(last: LastCheck) -> dict[str, Any]:
    return {
        "connectionId": last.connection_id,
        "checkedAt": wire.epoch_ms(last.checked_at),
        "passed": last.failed is None,
        "failed": None if last.failed is None else _step(last.failed),
        "warnings": list(last.warnings),
    }
