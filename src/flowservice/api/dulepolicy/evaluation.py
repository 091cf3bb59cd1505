"""Evaluations: whether a marketing action may be done with labels, with datasets, or several such questions at once."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Body, Depends, Path, Query, Request

from flowservice.api import answers
from flowservice.api.calls import Calling
from flowservice.api.dulepolicy import BASE, evaluation_wire, wire
from flowservice.api.dulepolicy import answers as told
from flowservice.api.problems import problem_body, status_of
from flowservice.domain.evaluation import Question, Verdict
from flowservice.domain.label import CORE, CUSTOM
from flowservice.domain.marketing_action import ActionRef
from flowservice.errors import BadQuery, Error, MissingParameter
from flowservice.service.evaluations import Evaluations

_MAX_JOBS: Final = 100
_ALIAS: Final = "/data/foundation/dulepolicymarketingActions"
"""A published client leaves the slash out when it asks about labels."""

Name = Annotated[str, Path(description="Name of the marketing action.")]
Jobs = Annotated[list[evaluation_wire.JobBody], Body(min_length=1, max_length=_MAX_JOBS)]


async def _draft_included(
    include_draft: Annotated[
        str, Query(alias="includeDraft", description="`true`: policies that are drafts count, too.")
    ] = "false",
) -> bool:
    # A published client writes True.
    if include_draft.strip().lower() not in {"true", "false", ""}:
        raise BadQuery("includeDraft must be true or false", advice="Send true or false, or leave it out.")
    return include_draft.strip().lower() == "true"


DraftIncluded = Annotated[bool, Depends(_draft_included)]


async def _labels(
    text: Annotated[
        str | None, Query(alias="duleLabels", description="Labels that the data carries, with commas between them.")
    ] = None,
) -> tuple[str, ...]:
    labels = tuple(label.strip() for label in (text or "").split(",") if label.strip())
    if not labels:
        raise MissingParameter("duleLabels names no label", advice="Send at least one: duleLabels=C2,I1.")
    return labels


Labels = Annotated[tuple[str, ...], Depends(_labels)]


def router(evaluations: Evaluations, public_url: str | None) -> APIRouter:
    """Evaluations."""
    routes = APIRouter(tags=["Evaluations"])
    for kind in (CORE, CUSTOM):
        _add_evaluations(routes, evaluations, public_url, kind)
    _add_bulk(routes, evaluations, public_url)
    return routes


def _add_evaluations(routes: APIRouter, evaluations: Evaluations, public_url: str | None, kind: str) -> None:
    path = f"/marketingActions/{kind}/{{name}}/constraints"

    @routes.get(_ALIAS + path.removeprefix("/marketingActions"), name=f"alias-{kind}", include_in_schema=False)
    @routes.get(
        BASE + path,
        summary=f"Evaluate a {kind} marketing action on labels",
        name=f"labels-{kind}",
        responses=answers.of(told.Evaluated),
    )
    def of_labels(
        caller: Calling, name: Name, labels: Labels, include_draft: DraftIncluded, request: Request
    ) -> dict[str, Any]:
        """Where it is denied, the answer is 200 too: `violatedPolicies` says by which policies."""
        asked = Question(action=ActionRef(kind, name), labels=labels, include_draft=include_draft)
        return evaluation_wire.verdict(evaluations.one(caller, asked), caller, wire.address(request, public_url))

    @routes.post(
        BASE + path,
        summary=f"Evaluate a {kind} marketing action on datasets",
        name=f"datasets-{kind}",
        responses=answers.of(told.EvaluatedDatasets),
    )
    def of_entities(
        caller: Calling,
        name: Name,
        body: Annotated[evaluation_wire.Entities, Body()],
        include_draft: DraftIncluded,
        request: Request,
    ) -> dict[str, Any]:
        """The labels of all datasets and fields count together."""
        entities = evaluation_wire.entities(body)
        asked = Question(action=ActionRef(kind, name), entities=entities, include_draft=include_draft)
        return evaluation_wire.verdict(evaluations.one(caller, asked), caller, wire.address(request, public_url))


def _add_bulk(routes: APIRouter, evaluations: Evaluations, public_url: str | None) -> None:
    @routes.post(
        f"{BASE}/bulk-eval",
        summary="Evaluate several times at once",
        name="bulk",
        responses=answers.of(told.EvaluatedJobs),
    )
    def bulk(caller: Calling, body: Jobs, request: Request) -> list[dict[str, Any]]:
        """One answer for each job, in the same order: a `body` with `status` 200, or an `error`. A malformed job
        refuses the whole call."""
        at = wire.address(request, public_url)
        questions = evaluation_wire.questions(body)

        def shown(found: Verdict | Error) -> dict[str, Any]:
            if isinstance(found, Verdict):
                return {"status": 200, "body": evaluation_wire.verdict(found, caller, at)}
            path, request_id = request.scope["path"], request.state.request_id
            return {"status": status_of(found), "error": problem_body(found, path=path, request_id=request_id)}

        return [shown(found) for found in evaluations.each(caller, questions)]
