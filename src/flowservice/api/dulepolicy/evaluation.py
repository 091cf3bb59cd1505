"""Evaluations: whether a marketing action may be done with labels, with datasets, or several such questions at once."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Body, Depends, Path, Query, Request

from flowservice.api import answers
from flowservice.api.calls import Calling
from flowservice.api.dulepolicy import BASE, evaluation_wire, wire
from flowservice.api.dulepolicy import answers as told
from flowservice.api.problems import problem_body, status_of
from flowservice.domain.evaluation import Verdict
from flowservice.domain.identity import Caller
from flowservice.domain.label import CORE, CUSTOM
from flowservice.domain.marketing_action import ActionRef
from flowservice.errors import BadField, BadQuery, MissingParameter, NotFound
from flowservice.service.evaluation import Evaluation

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
) -> list[str]:
    labels = [label.strip() for label in (text or "").split(",") if label.strip()]
    if not labels:
        raise MissingParameter("duleLabels names no label", advice="Send at least one: duleLabels=C2,I1.")
    return labels


Labels = Annotated[list[str], Depends(_labels)]


def router(evaluation: Evaluation, public_url: str | None) -> APIRouter:
    """Evaluations."""
    routes = APIRouter(tags=["Evaluations"])
    for kind in (CORE, CUSTOM):
        _add_evaluations(routes, evaluation, public_url, kind)
    _add_bulk(routes, evaluation, public_url)
    return routes


def _add_evaluations(routes: APIRouter, evaluation: Evaluation, public_url: str | None, kind: str) -> None:
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
        found = evaluation.of_labels(caller, ActionRef(kind, name), labels, include_draft=include_draft)
        return evaluation_wire.verdict(found, caller, wire.address(request, public_url))

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
        entities = [one.entity() for one in body]
        found = evaluation.of_entities(caller, ActionRef(kind, name), entities, include_draft=include_draft)
        return evaluation_wire.verdict(found, caller, wire.address(request, public_url))


def _add_bulk(routes: APIRouter, evaluation: Evaluation, public_url: str | None) -> None:
    @routes.post(
        f"{BASE}/bulk-eval",
        summary="Evaluate several times at once",
        name="bulk",
        responses=answers.of(told.EvaluatedJobs),
    )
    def bulk(caller: Calling, body: Jobs, request: Request) -> list[dict[str, Any]]:
        """One answer for each job, in the same order: a `body` with `status` 200, or an `error`."""
        at = wire.address(request, public_url)
        # A malformed job refuses the whole call.
        actions = [job.action(at=str(place)) for place, job in enumerate(body)]
        done = []
        for job, action in zip(body, actions, strict=True):
            try:
                found = _evaluated(evaluation, caller, action, job)
            except (NotFound, BadField) as error:
                told_error = problem_body(error, path=request.scope["path"], request_id=request.state.request_id)
                done.append({"status": status_of(error), "error": told_error})
            else:
                done.append({"status": 200, "body": evaluation_wire.verdict(found, caller, at)})
        return done


def _evaluated(evaluation: Evaluation, caller: Caller, action: ActionRef, job: evaluation_wire.JobBody) -> Verdict:
    if job.entity_list is None:
        return evaluation.of_labels(caller, action, job.labels or (), include_draft=job.include_draft)
    entities = [one.entity() for one in job.entity_list]
    return evaluation.of_entities(caller, action, entities, include_draft=job.include_draft)
