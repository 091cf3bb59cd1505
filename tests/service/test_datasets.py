"""Datasets: what may be created, and how the catalog shows them."""

from dataclasses import replace
from typing import Any

import pytest

from flowservice.api import catalog_wire
from flowservice.domain.criteria import Search
from flowservice.domain.dataset import Batch, BatchStatus
from flowservice.domain.identity import Caller, Permission
from flowservice.domain.resource import Stamp
from flowservice.domain.schema import SchemaKind
from flowservice.errors import BadField, Forbidden, MissingField, NotFound
from flowservice.service.datasets import Datasets
from flowservice.service.schemas import Schemas
from tests.service.conftest import NOON

XDM = "https://ns.adobe.com/xdm/"


@pytest.fixture
def schema_id(schemas: Schemas, caller: Caller) -> str:
    body = {"title": "Orders", "type": "object", "allOf": [{"$ref": XDM + "context/profile"}]}
    return schemas.create(caller, SchemaKind.SCHEMAS, body).id


def body(schema_id: str, **more: Any) -> dict[str, Any]:
    content_type = "application/vnd.adobe.xed-full+json;version=1"
    return {"name": "Orders landing", "schemaRef": {"id": schema_id, "contentType": content_type}, **more}


def test_a_dataset_is_shown_by_its_id_with_all_that_clients_index(
    datasets: Datasets, caller: Caller, schema_id: str
) -> None:
    made = datasets.create(caller, body(schema_id, tags={"source": ["erp"]}, enableErrorDiagnostics=True))
    assert len(made.id) == 24
    assert catalog_wire.reference(made) == [f"@/dataSets/{made.id}"]
    shown = catalog_wire.datasets([datasets.get(caller, made.id)])[made.id]
    assert shown["name"] == "Orders landing"
    assert shown["schemaRef"] == body(schema_id)["schemaRef"]
    assert shown["tags"] == {
        "source": ["erp"],
        "adobe/pqs/table": ["orders_landing"],
        "adobe/siphon/table/format": ["delta"],
    }
    assert shown["classification"] == {"dataBehavior": "record", "managedBy": "CUSTOMER"}
    assert shown["enableErrorDiagnostics"] is True
    assert shown["created"] == shown["updated"] == 1772452800000
    assert shown["version"] == "1.0.0"
    assert shown["files"] == f"@/dataSets/{made.id}/views/{made.view_id}/files"
    assert "lastBatchId" not in shown


def test_a_name_without_letters_still_has_a_table_name(datasets: Datasets, caller: Caller, schema_id: str) -> None:
    made = datasets.create(caller, body(schema_id) | {"name": "注文"})
    assert catalog_wire.table_name(made) == f"dataset_{made.id}"


def test_properties_select_top_level_ones(datasets: Datasets, caller: Caller, schema_id: str) -> None:
    made = catalog_wire.dataset_json(datasets.create(caller, body(schema_id)))
    assert set(catalog_wire.selected(made, "name, tags,observableSchema")) == {"name", "tags"}
    assert catalog_wire.selected(made, None) == made


def test_datasets_are_listed_in_their_sandbox_alone(datasets: Datasets, caller: Caller, schema_id: str) -> None:
    made = datasets.create(caller, body(schema_id))
    elsewhere = replace(caller, scope=replace(caller.scope, sandbox_id="other"))
    assert [one.id for one in datasets.find(caller, Search())] == [made.id]
    assert datasets.find(elsewhere, Search()) == []
    with pytest.raises(NotFound):
        datasets.get(elsewhere, made.id)


@pytest.mark.parametrize("name", [None, "", "  ", 7])
def test_a_name_is_needed(datasets: Datasets, caller: Caller, schema_id: str, name: Any) -> None:
    with pytest.raises(MissingField):
        datasets.create(caller, body(schema_id) | {"name": name})


@pytest.mark.parametrize(
    "wrong",
    [
        {"schemaRef": "x"},
        {"schemaRef": {}},
        {"schemaRef": {"id": "https://ns.adobe.com/northwind/schemas/unknown"}},
        {"schemaRef": {"id": XDM + "context/profile"}},
        {"tags": []},
        {"tags": {"a": "b"}},
        {"tags": {"a": [1]}},
        {"description": 7},
        {"enableErrorDiagnostics": "yes"},
        {"fileDescription": "parquet"},
    ],
)
def test_a_wrong_field_is_refused(datasets: Datasets, caller: Caller, schema_id: str, wrong: dict[str, Any]) -> None:
    with pytest.raises(BadField):
        datasets.create(caller, body(schema_id) | wrong)


def test_a_schema_is_needed(datasets: Datasets, caller: Caller) -> None:
    with pytest.raises(MissingField):
        datasets.create(caller, {"name": "x"})


def test_writing_needs_its_permission(datasets: Datasets, caller: Caller, schema_id: str) -> None:
    reader = replace(caller, permissions=frozenset({Permission.VIEW_SOURCES}))
    with pytest.raises(Forbidden):
        datasets.create(reader, body(schema_id))


def test_a_batch_has_all_that_clients_index(caller: Caller) -> None:
    batch = Batch(
        id="01JQ",
        stamp=Stamp.first(caller, at=NOON),
        dataset_id="d",
        flow_id="f",
        run_id="r",
        status=BatchStatus.SUCCESS,
        started_at=NOON,
        metrics={"inputRecordCount": 3, "outputRecordCount": 2, "failedRecordCount": 1},
        tags={"acp_partialIngestionPercent": ("5",)},
    )
    shown = catalog_wire.batches([batch])["01JQ"]
    assert shown["status"] == "success"
    assert shown["relatedObjects"] == [{"type": "dataSet", "id": "d"}]
    assert shown["tags"] == {"flowId": ["f"], "flowRunId": ["r"], "acp_partialIngestionPercent": ["5"]}
    assert shown["errors"] == []
    assert shown["started"] == shown["created"] == 1772452800000
    assert "completed" not in shown
