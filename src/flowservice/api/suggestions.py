"""Data Prep: mappings proposed for a source and a schema."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Body, Query

from flowservice.api import answers
from flowservice.api import mapping_trial_answers as told
from flowservice.api.calls import Calling
from flowservice.domain.source_path import quoted
from flowservice.domain.suggestion import Suggestion
from flowservice.errors import MissingField
from flowservice.service.suggestions import Proposal, Suggestions

BASE: Final = "/data/foundation/conversion"


def router(suggestions: Suggestions) -> APIRouter:
    """Propose mappings. The answer is the body of a mapping set to look over and send."""
    routes = APIRouter(prefix=BASE, tags=["Data Prep"])

    @routes.get(
        "/mappingSets/suggestion",
        summary="Suggest mappings for a dataset",
        responses=answers.of(told.MappingSuggestion),
    )
    def suggested(
        caller: Calling,
        dataset_id: Annotated[str | None, Query(alias="datasetId", description="The dataset to land in.")] = None,
        batch_id: Annotated[
            str | None, Query(alias="batchId", description="A batch: of the flow that made it the columns are taken.")
        ] = None,
        exclude_unmapped: Annotated[
            str, Query(alias="excludeUnmapped", description="`false` lists columns without a suggestion, too.")
        ] = "true",
    ) -> dict[str, Any]:
        """Of the columns of the flow that writes into it."""
        if not dataset_id:
            raise MissingField("datasetId is missing", advice="Name the dataset whose schema is to be fed.")
        proposal = suggestions.for_dataset(caller, dataset_id, batch_id or None)
        return _shown(proposal, with_unmapped=exclude_unmapped.lower() == "false")

    @routes.post(
        "/mappingSets/suggestion", summary="Suggest mappings for columns", responses=answers.of(told.MappingSuggestion)
    )
    def suggest(caller: Calling, body: Annotated[dict[str, Any], Body()]) -> dict[str, Any]:
        """The target is a `datasetId` or a schema, as in a mapping set; the source is told by `columns` (names, or
        objects of `name` and XDM `type`), a `sourceConnectionId`, or a `connectionId` with an `object`."""
        return _shown(suggestions.of(caller, body), with_unmapped=body.get("excludeUnmapped") is False)

    return routes


def _shown(proposal: Proposal, *, with_unmapped: bool) -> dict[str, Any]:
    ref = {"id": proposal.schema.id, "contentType": proposal.schema.content_type}
    mapped = {each.source for each in proposal.found}
    return {
        "outputSchema": {"schemaRef": ref},
        "xdmSchema": proposal.schema.id,
        "xdmVersion": "1.0",
        "mappings": [_mapping(each) for each in proposal.found],
        "unmapped": [name for name in proposal.columns if name not in mapped] if with_unmapped else [],
    }


def _mapping(found: Suggestion) -> dict[str, Any]:
    source = quoted(found.source)
    return {
        "sourceType": "ATTRIBUTE",
        "source": source,
        "destination": found.destination,
        "sourceAttribute": source,
        "destinationXdmPath": found.destination,
        "matchScore": found.confidence,
        "reason": found.reason,
    }
