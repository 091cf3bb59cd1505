"""A dataset over a schema with objects, lists and maps: a Delta table with nested columns that grow with the schema."""

import json
from typing import Any
from urllib.parse import quote

from deltalake import DeltaTable

from demo.azurite import Azurite
from tests.live import Client, Server
from tests.wire import resources
from tests.wire.resources import REGISTRY

XDM = "https://ns.adobe.com/xdm/"
LINE: dict[str, Any] = {
    "type": "object",
    "properties": {
        "sku": {"type": "string"},
        "pieces": {"type": "integer", "minimum": 0, "maximum": 100},
        "sold": {"type": "string", "format": "date-time"},
        "marks": {"type": "array", "items": {"type": "array", "items": {"type": "number"}}},
    },
}
FIELDS: dict[str, Any] = {
    "name": {"type": "string"},
    "visits": {"type": "integer", "minimum": -(2**53) + 1, "maximum": 2**53 - 1},
    "short": {"type": "integer", "minimum": 1, "maximum": 32767},
    "born": {"type": "string", "format": "date"},
    "lines": {"type": "array", "items": LINE},
    "scores": {"type": "object", "additionalProperties": {"type": "integer"}},
    "shelves": {"type": "object", "additionalProperties": {"type": "array", "items": LINE}},
    "bought": {"$ref": XDM + "context/commerce"},
    "nothing": {"type": "object", "properties": {}},
}


def columns(fields: list[dict[str, Any]]) -> dict[str, Any]:
    """Fields of a Delta schema by name, in short."""
    return {field["name"]: short(field["type"]) for field in fields}


def short(kind: Any) -> Any:
    if isinstance(kind, str):
        return kind
    if kind["type"] == "struct":
        return columns(kind["fields"])
    if kind["type"] == "array":
        return [short(kind["elementType"])]
    return {kind["keyType"]: short(kind["valueType"])}


def delta(server: Server, dataset_id: str) -> dict[str, Any]:
    (table,) = server.home.rglob(dataset_id)
    fields: list[dict[str, Any]] = json.loads(DeltaTable(str(table)).schema().to_json())["fields"]
    return columns(fields)


def test_rows_land_in_nested_columns_and_these_grow_with_the_schema(
    server: Server, client: Client, azurite: Azurite
) -> None:
    table = resources.seeded(azurite, "nestedpeople", resources.people(20))
    own = resources.dataflow(
        client,
        azurite.connection_string,
        table,
        fields=FIELDS,
        mapping={"RowKey": "_id", "name": ".name", "age": ".bought.purchases.value"},
    )
    (run,) = resources.ended(client, own.started())
    assert resources.status(run) == "success", run
    line = {"sku": "string", "pieces": "byte", "sold": "timestamp", "marks": [["double"]]}
    landed = delta(server, own.dataset_id)
    tenant = landed[own.tenant]
    assert {name: tenant[name] for name in FIELDS if name not in ("bought", "nothing")} == {
        "name": "string",
        "visits": "long",
        "short": "short",
        "born": "date",
        "lines": [line],
        "scores": {"string": "long"},
        "shelves": {"string": [line]},
    }
    payment = {"transactionID": "string", "paymentAmount": "double", "paymentType": "string", "currencyCode": "string"}
    assert tenant["bought"]["order"]["payments"] == [payment]
    assert tenant["bought"]["purchases"] == {"id": "string", "value": "double"}
    assert "nothing" not in tenant
    rows = server.rows(f'SELECT {own.tenant} AS own FROM "rows of {table}" ORDER BY _id LIMIT 2')
    assert [(row["own"]["name"], row["own"]["bought"]["purchases"]["value"]) for row in rows] == [
        ("Person 0", 0.0),
        ("Person 1", 1.0),
    ]
    assert rows[0]["own"]["lines"] is None
    _grow(client, own)
    (again,) = resources.ended(client, own.started())
    assert resources.status(again) == "success", again
    grown = delta(server, own.dataset_id)[own.tenant]
    more = {**line, "colour": "string"}
    assert (grown["lines"], grown["shelves"], grown["colours"]) == ([more], {"string": [more]}, ["string"])
    assert server.rows(f'SELECT count(*) AS n FROM "rows of {table}"') == [{"n": 40}]


def _grow(client: Client, own: resources.Dataflow) -> None:
    """Give the lines a colour, and the customer colours."""
    full = client.get(f"{REGISTRY}/tenant/schemas/{quote(own.schema_id, safe='')}").json()
    group = full["allOf"][1]["$ref"]
    at = f"/definitions/own/properties/{own.tenant}/properties"
    text = {"type": "string"}
    steps = [
        {"op": "add", "path": f"{at}/lines/items/properties/colour", "value": text},
        {"op": "add", "path": f"{at}/shelves/additionalProperties/items/properties/colour", "value": text},
        {"op": "add", "path": f"{at}/colours", "value": {"type": "array", "items": text}},
    ]
    changed = client.patch(f"{REGISTRY}/tenant/fieldgroups/{quote(group, safe='')}", json=steps)
    assert changed.status_code == 200, changed.text
