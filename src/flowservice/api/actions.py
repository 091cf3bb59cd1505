"""Actions on a resource: `?op=`, `?subOp=` and the body that may come along."""

from collections.abc import Awaitable, Callable, Mapping
from enum import StrEnum
from typing import Annotated, Any, Final

from fastapi import Body, Depends, Query
from pydantic import ConfigDict, Field

from flowservice.api.wire import Wire
from flowservice.errors import (
    BadPercent,
    BadQuery,
    BadStatusValue,
    FailedProgress,
    MissingParameter,
    ProgressNotAlone,
    ProvidersOnly,
    SubActionNotAllowed,
    UnknownAction,
    UnknownRunAction,
    UnknownSubAction,
)


class Op(StrEnum):
    """Actions that users may take, without regard to case, `-` and `_`."""

    PUBLISH = "publish"
    ENABLE = "enable"
    DISABLE = "disable"
    RETRIGGER = "re-trigger"


_PROVIDERS: Final = frozenset({"finalize", "finalizeupdate"})
_SUB_OPS: Final = frozenset({"APPLY", "ROLLBACK", "PROGRESS"})
_STATUSES: Final[Mapping[str, bool]] = {
    # Whether it is a failure; the two lists below say the rest.
    "IN_PROGRESS": False,
    "COMPLETED": False,
    "SUCCESS": False,
    "PARTIAL_SUCCESS": False,
    "FAILED": True,
    "PARTIAL_FAILURE": True,
    "QUEUED": False,
    "SCHEDULED": False,
}
_DONE: Final = frozenset({"COMPLETED", "SUCCESS", "PARTIAL_SUCCESS", "FAILED", "PARTIAL_FAILURE"})


class StatusBody(Wire):
    """How far a provider has come."""

    value: str
    properties: dict[str, Any] | None = None
    errors: list[dict[str, Any]] | None = None


class StateAction(Wire):
    """What may come along with an action; only providers have something to say."""

    model_config = ConfigDict(title="StateActionDTO")

    percent_completed: int | None = Field(default=None, ge=0, le=100)
    status: StatusBody | None = None
    record_types: list[dict[str, Any]] | None = None


def action(*allowed: Op, unknown: type[BadQuery] = UnknownAction) -> Callable[..., Awaitable[Op]]:
    """A dependency: the action that was asked for.

    Raises MissingParameter, `unknown`, UnknownSubAction, ProgressNotAlone, SubActionNotAllowed, BadStatusValue,
    BadPercent, FailedProgress, ProvidersOnly.
    """
    words = " or ".join(f"op={op.value}" for op in allowed)

    async def read(
        op: Annotated[str, Query(max_length=100, description=f"{words}; case, `-` and `_` do not matter.")] = "",
        sub_op: Annotated[
            list[str] | None, Query(alias="subOp", description="`APPLY`, or nothing: the others are for providers.")
        ] = None,
        body: Annotated[StateAction | None, Body(description="Optional.")] = None,
    ) -> Op:
        if not op:
            raise MissingParameter("the query parameter op is missing", advice=f"Send {words}.")
        word = _bare(op)
        asked = next((known for known in allowed if _bare(known.value) == word), None)
        providers = word in _PROVIDERS
        if not providers and asked is None:
            raise unknown("op is not an action of this resource", advice=f"Send {words}.")
        subs = {part.strip().upper() for item in sub_op or () for part in item.split(",") if part.strip()}
        _check_sub_ops(subs, providers=providers)
        if body is not None:
            _check_body(body, progress="PROGRESS" in subs)
        if asked is None:
            raise ProvidersOnly("this action is for providers", advice=f"Send {words}.")
        return asked

    return read


def _bare(word: str) -> str:
    return word.lower().replace("-", "").replace("_", "")


def _check_sub_ops(subs: set[str], *, providers: bool) -> None:
    if not subs <= _SUB_OPS:
        raise UnknownSubAction("subOp is unknown", advice="Send APPLY, or leave it out.")
    if "PROGRESS" in subs and len(subs) > 1:
        raise ProgressNotAlone("PROGRESS cannot be combined with other sub-operations", advice="Leave subOp out.")
    if not providers and not subs <= {"APPLY"}:
        raise SubActionNotAllowed("that subOp does not go with this op", advice="Leave subOp out.")


def _check_body(body: StateAction, *, progress: bool) -> None:
    if body.status is None:
        return
    value = body.status.value.upper()
    if value not in _STATUSES:
        raise BadStatusValue("status.value is unknown", advice=f"It is one of {', '.join(_STATUSES)}.")
    if progress and _STATUSES[value]:
        raise FailedProgress("a failed status cannot accompany PROGRESS", advice="Send subOp=ROLLBACK.")
    if value in _DONE and body.percent_completed not in {None, 100}:
        raise BadPercent(f"percentCompleted must be 100 for {value}", advice="Send 100, or leave it out.")


Publishing = Annotated[Op, Depends(action(Op.PUBLISH))]
RunAction = Annotated[Op, Depends(action(Op.RETRIGGER, unknown=UnknownRunAction))]
FlowAction = Annotated[Op, Depends(action(Op.PUBLISH, Op.ENABLE, Op.DISABLE))]
