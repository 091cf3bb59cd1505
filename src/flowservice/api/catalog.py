"""The Catalog: datasets, and the batches that runs add to them."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Body
from fastapi import Query as QueryParam

from flowservice.api import catalog_wire
from flowservice.api.calls import Calling
from flowservice.domain.query import Condition, Operator, Query
from flowservice.service.datasets import Datasets

BASE: Final = "/data/foundation/catalog"
Limit = Annotated[int, QueryParam(ge=1, le=100)]
Start = Annotated[int, QueryParam(ge=0, le=1_000_000, description="How many to pass over.")]


def router(datasets: Datasets) -> APIRouter:
    """Create, list and read datasets; list and read batches."""
    routes = APIRouter(prefix=BASE, tags=["Catalog"])

    @routes.post("/dataSets", status_code=201, summary="Create a dataset")
    def create(caller: Calling, body: Annotated[dict[str, Any], Body()]) -> list[str]:
        return catalog_wire.reference(datasets.create(caller, body))

    @routes.get("/dataSets", summary="List datasets")
    def listed(caller: Calling, limit: Limit = 20, start: Start = 0, properties: str | None = None) -> dict[str, Any]:
        found = catalog_wire.datasets(datasets.list(caller, Query(limit=start + limit)).items[start:])
        return {key: catalog_wire.selected(document, properties) for key, document in found.items()}

    @routes.get("/dataSets/{dataset_id}", summary="Read a dataset")
    def read(caller: Calling, dataset_id: str, properties: str | None = None) -> dict[str, Any]:
        found = catalog_wire.datasets([datasets.get(caller, dataset_id)])
        return {key: catalog_wire.selected(document, properties) for key, document in found.items()}

    @routes.get("/batches", summary="List batches")
    def batches(
        caller: Calling,
        limit: Limit = 20,
        start: Start = 0,
        dataset_id: Annotated[str | None, QueryParam(alias="dataSet")] = None,
    ) -> dict[str, Any]:
        wanted = () if dataset_id is None else (_of_dataset(dataset_id),)
        asked = Query(limit=start + limit, conditions=wanted)
        return catalog_wire.batches(datasets.batches(caller, asked).items[start:])

    @routes.get("/batches/{batch_id}", summary="Read a batch")
    def batch(caller: Calling, batch_id: str) -> dict[str, Any]:
        return catalog_wire.batches([datasets.batch(caller, batch_id)])

    return routes


def _of_dataset(dataset_id: str) -> Condition:
    return Condition(path=("dataset_id",), operator=Operator.EQ, values=(dataset_id,))
