"""The Dataset Service: usage labels of datasets."""

from http import HTTPStatus
from typing import Annotated, Any, Final

from fastapi import APIRouter, Body, Path, Response

from flowservice.api import answers
from flowservice.api import label_answers as told
from flowservice.api.calls import Calling, IfMatch, matching
from flowservice.domain.dataset_labels import DatasetLabels
from flowservice.errors import PreconditionMissing
from flowservice.service.dataset_labels import NAMESPACE, Labelled, LabelsOfDatasets, Matches

BASE: Final = "/data/foundation/dataset"
DatasetId = Annotated[str, Path(description="Id of a dataset: 24 hexadecimal digits.")]
LabelsBody = Annotated[
    dict[str, Any],
    Body(description="`labels`, by name; `optionalLabels`, of fields, may only be taken away. It replaces all."),
]
_PATH: Final = "/datasets/{dataset_id}/labels"


def router(labels: LabelsOfDatasets) -> APIRouter:
    """One resource for each dataset."""
    routes = APIRouter(prefix=BASE, tags=["Dataset labels"])

    @routes.get(_PATH, summary="Read the labels of a dataset", responses=answers.of(told.LabelsOfDataset))
    def read(caller: Calling, dataset_id: DatasetId, response: Response) -> dict[str, Any]:
        """404 where the dataset has none. What its fields inherit from the schema is told by descriptors."""
        found = labels.get(caller, dataset_id)
        response.headers["ETag"] = found.labels.etag
        entity = {**_shown(found), "imsOrg": caller.scope.org_id, "_etag": found.labels.etag}
        return {f"{NAMESPACE}:dataset:{dataset_id}": entity}

    @routes.head(_PATH, summary="Read the etag of the labels of a dataset", include_in_schema=False)
    def head(caller: Calling, dataset_id: DatasetId) -> Response:
        return Response(headers={"ETag": labels.get(caller, dataset_id).labels.etag})

    @routes.post(
        _PATH,
        status_code=201,
        summary="Give a dataset labels",
        responses=answers.of(told.LabelsChanged, status=201),
    )
    def create(caller: Calling, dataset_id: DatasetId, body: LabelsBody, response: Response) -> dict[str, Any]:
        """Refused (403) where it has some: `PUT` replaces them."""
        return _changed(labels.create(caller, dataset_id, body), response, HTTPStatus.CREATED, "POST")

    @routes.put(_PATH, summary="Replace the labels of a dataset", responses=answers.of(told.LabelsChanged))
    def replace(
        caller: Calling, dataset_id: DatasetId, body: LabelsBody, response: Response, if_match: IfMatch
    ) -> dict[str, Any]:
        """`If-Match` is the etag as last read, or `*`: then labels are made where there are none."""
        made = labels.replace(
            caller, dataset_id, body, matches=_matching(if_match), creates=(if_match or "").strip() == "*"
        )
        return _changed(made, response, HTTPStatus.OK, "PUT")

    @routes.delete(_PATH, summary="Take the labels off a dataset", response_class=Response)
    def delete(caller: Calling, dataset_id: DatasetId, if_match: IfMatch) -> Response:
        labels.delete(caller, dataset_id, matches=_matching(if_match))
        return Response()

    return routes


def _matching(if_match: str | None) -> Matches:
    def matches(held: DatasetLabels) -> None:
        if if_match is None:
            raise PreconditionMissing(
                "the header If-Match is missing", advice="Send the ETag that a GET returned, or * for any."
            )
        matching(held, if_match)

    return matches


def _shown(found: Labelled) -> dict[str, Any]:
    return {
        "labels": list(found.labels.labels),
        "optionalLabels": [
            {
                "option": {"id": one.schema_id, "contentType": one.content_type, "schemaPath": one.schema_path},
                "labels": list(one.labels),
            }
            for one in found.labels.fields
        ],
        "parents": [{"id": found.schema_alt_id, "type": "schema", "namespace": NAMESPACE}],
    }


def _changed(found: Labelled, response: Response, status: HTTPStatus, method: str) -> dict[str, Any]:
    response.headers["ETag"] = found.labels.etag
    return {**_shown(found), "code": f"PES-{status.value}", "message": f"{method} Successful"}
