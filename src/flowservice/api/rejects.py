"""Rejected rows, read and replayed: our own addition, for the documented diagnostics cannot be filtered or repaired."""

from collections.abc import Sequence
from typing import Annotated, Any, Final

from fastapi import APIRouter, Body, Path, Query, Response
from fastapi.responses import JSONResponse
from pydantic import Field

from flowservice.api import answers, wire
from flowservice.api import reject_answers as told
from flowservice.api.calls import Calling
from flowservice.api.exploring import json_value
from flowservice.api.flowservice import BASE as FLOW_SERVICE
from flowservice.api.flowservice.runs import RunId
from flowservice.api.wire import OwnWire
from flowservice.domain.quarantine import MOST_NAMED, Quarantined, RejectState, RejectTally, ReplayTrial, Wanted
from flowservice.service.rejects import RejectPage, Rejects
from flowservice.service.runs import Runs

_MOST_ROWS: Final = 1_000
_LONGEST: Final = 500
_LONGEST_ID: Final = 120
_MOST_WORDS: Final = 100
_TRIAL: Final = {
    "runId": "1f7b4a52-93ce-4d0a-8a44-5d1c9f0f6f3c",
    "mappingId": "5ab1d8c0f2e34a6f9d7c1b2a3f4e5d6c",
    "mappingVersion": 1,
    "count": 3,
    "wouldPass": 2,
    "codes": [{"code": "INGEST-1555-400", "field": "_tenant.visits", "count": 3, "wouldPass": 2}],
    "hasMore": False,
}
Name = Annotated[str, Field(min_length=1, max_length=_LONGEST)]
Names = Annotated[list[Name], Field(max_length=_MOST_WORDS)]
Ids = Annotated[list[Annotated[str, Field(min_length=1, max_length=_LONGEST_ID)]], Field(max_length=MOST_NAMED)]
DatasetId = Annotated[str, Path(description="Id of a dataset: 24 hexadecimal digits.")]
Codes = Annotated[list[Name] | None, Query(alias="code", max_length=100, description="Code; may be repeated.")]
Fields = Annotated[list[Name] | None, Query(alias="field", max_length=100, description="Field; may be repeated.")]
States = Annotated[list[RejectState] | None, Query(alias="state", max_length=10, description="May be repeated.")]
Limit = Annotated[int, Query(ge=0, le=_MOST_ROWS, description="Rows a page; 0 answers the counts alone.")]
After = Annotated[Name | None, Query(description="`next` of the page before.")]


class ReplayBody(OwnWire):
    """Which rows are replayed: those that fit all that is named; of those that wait, all if nothing is."""

    codes: Names = Field(default=[], description="Codes that rejected them.", examples=[["INGEST-1555-400"]])
    fields: Names = Field(default=[], description="Fields that had no good value.", examples=[["_tenant.visits"]])
    rows: Ids = Field(default=[], description="Ids of rows.")
    dry_run: bool = Field(default=False, description="Only tell how many would pass; nothing is written.")

    @property
    def chosen(self) -> Wanted:
        """What the body says."""
        return Wanted(codes=tuple(self.codes), fields=tuple(self.fields), rows=tuple(self.rows))


def router(rejects: Rejects, runs: Runs) -> APIRouter:
    """Read, try and replay."""
    routes = APIRouter(prefix="/v1", tags=["Rejected rows"])

    @routes.get("/runs/{run_id}/rejects", summary="List the rows that a run rejected", responses=_PAGE)
    def of_run(
        caller: Calling,
        run_id: RunId,
        codes: Codes = None,
        fields: Fields = None,
        states: States = None,
        limit: Limit = 100,
        after: After = None,
    ) -> dict[str, Any]:
        """As they stand now, in the order in which they were read, with counts of each code and field before them."""
        return page_json(rejects.of_run(caller, run_id, _wanted(codes, fields, states), after=after, limit=limit))

    @routes.get("/datasets/{dataset_id}/rejects", summary="List the rows rejected on their way", responses=_PAGE)
    def of_dataset(
        caller: Calling,
        dataset_id: DatasetId,
        codes: Codes = None,
        fields: Fields = None,
        states: States = None,
        limit: Limit = 100,
        after: After = None,
    ) -> dict[str, Any]:
        """Those of all runs into the dataset, run by run."""
        return page_json(
            rejects.of_dataset(caller, dataset_id, _wanted(codes, fields, states), after=after, limit=limit)
        )

    @routes.post(
        "/runs/{run_id}/replay",
        status_code=201,
        summary="Replay the rows that a run rejected",
        response_model=None,
        responses={
            **answers.of(answers.Created, status=201),
            200: {"model": told.ReplayTrial, "content": {"application/json": {"example": _TRIAL}}},
        },
    )
    def replay(
        caller: Calling,
        run_id: RunId,
        response: Response,
        body: Annotated[ReplayBody | None, Body(description="Optional.")] = None,
    ) -> Any:
        """A new run of the flow maps the rows that wait in quarantine, as they were read, by the newest version of the
        flow's mapping set, and lands those that pass, once. With `dryRun`, only how many would pass is told (200)."""
        asked = body or ReplayBody()
        if asked.dry_run:
            return JSONResponse(trial_json(rejects.tried(caller, run_id, asked.chosen)))
        made = runs.replay(caller, run_id, asked.chosen)
        response.headers["Location"] = f"{FLOW_SERVICE}/runs/{made.id}"
        return wire.created(made)

    return routes


_PAGE: Final = answers.of(told.Rejects)


def _wanted(codes: Sequence[str] | None, fields: Sequence[str] | None, states: Sequence[RejectState] | None) -> Wanted:
    return Wanted(codes=tuple(codes or ()), fields=tuple(fields or ()), states=tuple(states or ()))


def page_json(page: RejectPage) -> dict[str, Any]:
    """Rejected rows as JSON."""
    return {
        "counts": [_tally(tally) for tally in page.tallies],
        "rejects": [_row(row) for row in page.rows],
        "next": page.next,
    }


def _tally(tally: RejectTally) -> dict[str, Any]:
    return {
        "code": tally.code,
        "field": tally.field,
        "message": tally.message,
        "count": tally.count,
        "states": {state.value: count for state, count in tally.states.items()},
    }


def _row(row: Quarantined) -> dict[str, Any]:
    return {
        "id": row.id,
        "runId": row.run_id,
        "flowId": row.flow_id,
        "state": row.state.value,
        "code": row.code,
        "field": row.field,
        "message": row.message,
        "value": row.value,
        "row": dict(row.row),
        "key": None if row.key is None else dict(row.key),
        "mappingVersion": row.mapping_version,
        "split": row.split,
        "rejectedAt": json_value(row.rejected_at),
        "changedAt": json_value(row.changed_at),
        "replayRunId": row.replay_run_id,
    }


def trial_json(trial: ReplayTrial) -> dict[str, Any]:
    """What a replay would do, as JSON."""
    return {
        "runId": trial.run_id,
        "mappingId": trial.mapping_id,
        "mappingVersion": trial.mapping_version,
        "count": trial.count,
        "wouldPass": trial.would_pass,
        "codes": [
            {"code": tally.code, "field": tally.field, "count": tally.count, "wouldPass": tally.would_pass}
            for tally in trial.tallies
        ],
        "hasMore": trial.has_more,
    }
