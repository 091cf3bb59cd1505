"""The Catalog: datasets, and the batches that runs add to them."""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Final

from fastapi import APIRouter, Body
from fastapi import Path as PathParam
from fastapi import Query as QueryParam

from flowservice.api import answers, catalog_wire
from flowservice.api import neighbour_answers as told
from flowservice.api.calls import Calling
from flowservice.api.catalog_names import BATCHES, DATASETS
from flowservice.api.catalog_search import ListCall, Listing, found
from flowservice.domain.criteria import Path
from flowservice.domain.dataset import Batch, Dataset
from flowservice.domain.identity import Caller
from flowservice.errors import BadQuery, MissingParameter, NotFound
from flowservice.service.datasets import Datasets, Landed

BASE: Final = "/data/foundation/catalog"
Properties = Annotated[str | None, QueryParam(description="Properties to show, with commas between them.")]
DatasetId = Annotated[str, PathParam(description="Id of a dataset: 24 hexadecimal digits.")]
ViewId = Annotated[str, PathParam(description="Id of the view, the dataset's `viewId`.")]
BatchId = Annotated[str, PathParam(description="Id of a batch.")]
Limit = Annotated[int, QueryParam(ge=1, le=100, description="Files a page.")]
Start = Annotated[int, QueryParam(ge=0, le=1_000_000, description="How many to pass over.")]
_OF_DATASET: Final[Mapping[str, Path]] = {
    "dataSet": ("relatedObjects", "id"),
    "dataSetId": ("relatedObjects", "id"),
}


def router(datasets: Datasets) -> APIRouter:
    """Datasets whole; batches and files to be read."""
    routes = APIRouter(prefix=BASE, tags=["Catalog"])
    _add_datasets(routes, datasets)
    _add_batches(routes, datasets)
    _add_files(routes, datasets)

    @routes.get("/", summary="List what there is", include_in_schema=False)
    @routes.get("", summary="List what there is", responses=answers.of(told.References))
    def resources(_caller: Calling) -> list[str]:
        return ["@/dataSets", "@/batches", "@/lastBatches", "@/dataSetFiles"]

    return routes


def _add_datasets(routes: APIRouter, datasets: Datasets) -> None:
    def whole(dataset: Dataset) -> dict[str, Any]:
        return catalog_wire.dataset_json(dataset) | catalog_wire.extensions(datasets.size(dataset))

    def shown(those: Iterable[Dataset], properties: str | None) -> dict[str, Any]:
        # How large a table is takes a look into the lake; nobody shall wait for what they did not ask for.
        sized = not properties or "extensions" in properties
        show = whole if sized else catalog_wire.dataset_json
        return {one.id: catalog_wire.selected(show(one), properties) for one in those}

    @routes.post(
        "/dataSets", status_code=201, summary="Create a dataset", responses=answers.of(told.References, status=201)
    )
    def create(caller: Calling, body: Annotated[dict[str, Any], Body()]) -> list[str]:
        return catalog_wire.reference(datasets.create(caller, body))

    @routes.get("/dataSets", summary="List datasets", responses=answers.of(told.Datasets))
    def listed(caller: Calling, call: Listing) -> dict[str, Any]:
        """Any property filters by its name too: `name=x`, `name=x,y`, `name=!x`; `createdAfter` and `createdBefore`."""
        those = found(
            call,
            DATASETS,
            lambda search: datasets.find(caller, search),
            lambda one: {"id": one.id, **catalog_wire.dataset_json(one)},
        )
        return shown(those, call.properties)

    @routes.get("/dataSets/{dataset_id}", summary="Read a dataset", responses=answers.of(told.Datasets))
    def read(caller: Calling, dataset_id: DatasetId, properties: Properties = None) -> dict[str, Any]:
        return shown([datasets.get(caller, dataset_id)], properties)

    @routes.put("/dataSets/{dataset_id}", summary="Replace a dataset", responses=answers.of(told.References))
    def replace(caller: Calling, dataset_id: DatasetId, body: Annotated[dict[str, Any], Body()]) -> list[str]:
        """What the service keeps of itself may stand in the body, and is left alone. The schema cannot be changed."""
        return catalog_wire.reference(datasets.replace(caller, dataset_id, body))

    @routes.patch("/dataSets/{dataset_id}", summary="Change a dataset", responses=answers.of(told.References))
    def patch(caller: Calling, dataset_id: DatasetId, change: Annotated[Any, Body()]) -> list[str]:
        """An object of members to set, or a JSON Patch: the body's form tells which."""
        return catalog_wire.reference(datasets.change(caller, dataset_id, change, nested=False))

    @routes.patch(
        "/v2/dataSets/{dataset_id}", summary="Change a dataset in depth", responses=answers.of(told.References)
    )
    def merge(caller: Calling, dataset_id: DatasetId, change: Annotated[Any, Body()]) -> list[str]:
        """Merges the body in at every depth; a null takes a member away."""
        return catalog_wire.reference(datasets.change(caller, dataset_id, change, nested=True))

    @routes.delete("/dataSets/{dataset_id}", summary="Delete a dataset", responses=answers.of(told.References))
    def delete(caller: Calling, dataset_id: DatasetId) -> list[str]:
        """Its rows in the lake go too. Refused while a flow writes into it."""
        datasets.delete(caller, dataset_id)
        return [f"@/dataSets/{dataset_id}"]


def _add_batches(routes: APIRouter, datasets: Datasets) -> None:
    def page(caller: Caller, call: ListCall) -> dict[str, Any]:
        those = found(
            call,
            BATCHES,
            lambda search: datasets.find_batches(caller, search),
            catalog_wire.batch_json,
            aliases=_OF_DATASET,
        )
        return _selected(those, call.properties)

    @routes.get("/batches", summary="List batches", responses=answers.of(told.Batches))
    def batches(caller: Calling, call: Listing) -> dict[str, Any]:
        """`dataSet=<id>`, `status=failed`, `createdAfter`, `startBefore`, `endAfter` and any other property filter."""
        return page(caller, call)

    @routes.get("/batches/{batch_id}", summary="Read a batch", responses=answers.of(told.Batches))
    def batch(caller: Calling, batch_id: BatchId, properties: Properties = None) -> dict[str, Any]:
        return _selected([datasets.batch(caller, batch_id)], properties)

    @routes.get("/lastBatches", summary="List the newest batches", responses=answers.of(told.Batches))
    def last(caller: Calling, call: Listing) -> dict[str, Any]:
        """Of the sandbox, or with `dataSetId` of one dataset."""
        return page(caller, call)


def _add_files(routes: APIRouter, datasets: Datasets) -> None:
    def viewed(caller: Caller, dataset_id: str, view_id: str) -> Dataset:
        dataset = datasets.get(caller, dataset_id)
        if dataset.view_id != view_id:
            raise NotFound("the dataset has no such view", advice=f"Its one view is {dataset.view_id}.")
        return dataset

    def page(dataset: Dataset, files: Iterable[Landed], limit: int, start: int) -> dict[str, Any]:
        documents = [catalog_wire.file_json(dataset, file) for file in files]
        return {document["id"]: document for document in documents[start : start + limit]}

    @routes.get("/dataSets/{dataset_id}/views", summary="List the views of a dataset", responses=answers.of(told.Views))
    def views(caller: Calling, dataset_id: DatasetId) -> dict[str, Any]:
        """One: the dataset as it is."""
        return catalog_wire.view_json(datasets.get(caller, dataset_id))

    @routes.get(
        "/dataSets/{dataset_id}/views/{view_id}",
        summary="Read a view of a dataset",
        responses=answers.of(told.Views),
    )
    def view(caller: Calling, dataset_id: DatasetId, view_id: ViewId) -> dict[str, Any]:
        return catalog_wire.view_json(viewed(caller, dataset_id, view_id))

    @routes.get(
        "/dataSets/{dataset_id}/views/{view_id}/files",
        summary="List the files of a dataset",
        responses=answers.of(told.Files),
    )
    def view_files(
        caller: Calling, dataset_id: DatasetId, view_id: ViewId, limit: Limit = 100, start: Start = 0
    ) -> dict[str, Any]:
        dataset = viewed(caller, dataset_id, view_id)
        return page(dataset, datasets.files(caller, dataset), limit, start)

    @routes.get("/dataSetFiles", summary="List the files of a dataset or of a batch", responses=answers.of(told.Files))
    def files(
        caller: Calling,
        dataset_id: Annotated[str | None, QueryParam(alias="dataSet", description="Id of a dataset.")] = None,
        batch_id: Annotated[str | None, QueryParam(alias="batch", description="Id of a batch.")] = None,
        limit: Limit = 20,
        start: Start = 0,
    ) -> dict[str, Any]:
        if batch_id is not None:
            of_batch = datasets.batch(caller, batch_id).dataset_id
            if dataset_id not in {None, of_batch}:
                raise BadQuery("the batch is of another dataset", advice="Send batch alone.")
            dataset_id = of_batch
        if dataset_id is None:
            raise MissingParameter("the query parameter batch or dataSet is missing", advice="Send one of them.")
        dataset = datasets.get(caller, dataset_id)
        landed = datasets.files(caller, dataset)
        return page(dataset, [file for file in landed if batch_id in {None, file.batch_id}], limit, start)


def _selected(those: Iterable[Batch], properties: str | None) -> dict[str, Any]:
    return {one.id: catalog_wire.selected(catalog_wire.batch_json(one), properties) for one in those}
