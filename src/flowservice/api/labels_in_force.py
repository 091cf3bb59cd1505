"""Labels that hold for datasets, wherever they were put. Our own addition."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Query

from flowservice.api import answers
from flowservice.api import dataset_label_answers as told
from flowservice.api.calls import Calling
from flowservice.domain.dataset_labels import FieldPath
from flowservice.service.labels_in_force import InForce, LabelsInForce

_MOST: Final = 100
DatasetIds = Annotated[
    list[str],
    Query(alias="dataSet", min_length=1, max_length=_MOST, description=f"Id of a dataset; repeatable, up to {_MOST}."),
]


def router(labels: LabelsInForce) -> APIRouter:
    """Look."""
    routes = APIRouter(prefix="/v1/datasets", tags=["Dataset labels"])

    @routes.get("/labels", summary="Read the labels that hold for datasets", responses=answers.of(told.LabelsTold))
    def in_force(caller: Calling, dataset_ids: DatasetIds) -> dict[str, Any]:
        """Of each, its own labels, and those that its fields have from schema, field groups, class and data types."""
        return {"dataSets": [_shown(each) for each in labels.of(caller, dataset_ids)]}

    return routes


def _shown(found: InForce) -> dict[str, Any]:
    columns = {path for path in found.labels.known if len(path) == 1}
    return {
        "dataSetId": found.dataset_id,
        "labels": sorted(found.labels.dataset),
        "hidden": bool(columns) and columns <= found.hidden,
        "fields": [
            {"path": ".".join(path), "labels": sorted(labels), "hidden": _is_hidden(path, found.hidden)}
            for path, labels in sorted(found.labels.fields.items())
        ],
    }


def _is_hidden(path: FieldPath, hidden: frozenset[FieldPath]) -> bool:
    return any(path[: len(outer)] == outer for outer in hidden)
