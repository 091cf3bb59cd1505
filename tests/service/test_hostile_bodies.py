"""Whatever JSON comes, the answer is an error of ours or a resource; never a crash."""

import copy
import json
import random
from collections.abc import Callable
from itertools import count
from typing import Any

import pytest

from flowservice.domain.identity import Caller
from flowservice.domain.schema import SchemaKind, SchemaResource
from flowservice.domain.xdm_arrow import arrow_schema
from flowservice.errors import Error
from flowservice.service.datasets import Datasets
from flowservice.service.mapping_sets import MappingSets
from flowservice.service.schemas import Schemas

XDM = "https://ns.adobe.com/xdm/"
JUNK: list[Any] = [
    None, True, 0, -1, 1.5, 10**400, "", "x", "#/", "#/definitions/d", [], [[]], [None], {}, {"$ref": 7},
    {"type": "object"}, {"type": "array"}, XDM + "context/profile", "map", "int", ["object"], {"$ref": "#"},
    {"a": {"b": []}},
]  # fmt: skip
LEAVES = {
    "a": {"type": "string", "enum": ["x"], "pattern": "x", "minLength": 1, "maxLength": 2, "meta:xdmType": "string"},
    "b": {"type": "integer", "minimum": 1, "maximum": 2, "enum": [1], "meta:xdmType": "int"},
    "c": {"type": "array", "items": {"type": "string", "format": "date"}},
    "d": {"type": "object", "additionalProperties": {"type": "integer"}, "required": ["x"]},
}
GROUP = {
    "title": "G",
    "type": "object",
    "description": "",
    "meta:intendedToExtend": [XDM + "context/profile"],
    "definitions": {"d": {"properties": {"_northwind": {"type": "object", "required": ["a"], "properties": LEAVES}}}},
    "allOf": [{"$ref": "#/definitions/d"}],
}
CLASS = {"title": "C", "type": "object", "allOf": [{"$ref": XDM + "data/adhoc"}, {"properties": {"_adhoc": LEAVES}}]}
SCHEMA = {"title": "S", "type": "object", "allOf": [{"$ref": XDM + "context/profile", "type": "object"}]}


def mutated(body: Any, random_: random.Random) -> Any:
    """A copy with one to three places replaced by junk, or keys added or removed."""
    out = copy.deepcopy(body)
    for _ in range(random_.randint(1, 3)):
        node = out
        while True:
            keys = list(node) if isinstance(node, dict) else list(range(len(node)))
            if not keys:
                break
            key = random_.choice(keys)
            if isinstance(node[key], dict | list) and random_.random() < 0.75:
                node = node[key]
                continue
            if isinstance(node, dict) and random_.random() < 0.2:
                del node[key]
            else:
                node[key] = copy.deepcopy(random_.choice(JUNK))
            break
    return out


def accepted(create: Callable[[Any], Any], body: Any, *, seed: int, rounds: int) -> list[Any]:
    random_ = random.Random(seed)
    made, longest = [], 0
    for _ in range(rounds):
        hostile = mutated(body, random_)
        before = json.dumps(hostile)
        try:
            made.append(create(hostile))
        except Error as error:
            longest = max(longest, len(error.message))
        assert json.dumps(hostile) == before
    assert made
    assert longest < 1000
    return made


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize(
    ("kind", "body"),
    [(SchemaKind.FIELD_GROUPS, GROUP), (SchemaKind.CLASSES, CLASS), (SchemaKind.SCHEMAS, SCHEMA)],
)
def test_schema_resources(schemas: Schemas, caller: Caller, kind: SchemaKind, body: dict[str, Any], seed: int) -> None:
    titles = count()

    def create(hostile: dict[str, Any]) -> SchemaResource:
        # Two schemas of one title would be refused for that alone.
        titled = {"title": f"T{next(titles)}"} if hostile.get("title") == body["title"] else {}
        return schemas.create(caller, kind, hostile | titled)

    for made in accepted(create, body, seed=seed, rounds=500):
        arrow_schema(schemas.tree(caller, made.id))


def test_datasets(schemas: Schemas, datasets: Datasets, caller: Caller) -> None:
    schema = schemas.create(caller, SchemaKind.SCHEMAS, SCHEMA)
    body = {
        "name": "D",
        "description": "",
        "schemaRef": {"id": schema.id, "contentType": "x"},
        "tags": {"a": ["b"]},
        "fileDescription": {"format": "parquet"},
        "enableErrorDiagnostics": True,
    }
    accepted(lambda hostile: datasets.create(caller, hostile), body, seed=1, rounds=500)


def test_mapping_sets(schemas: Schemas, mapping_sets: MappingSets, caller: Caller) -> None:
    schema = schemas.create(caller, SchemaKind.SCHEMAS, SCHEMA)
    mapping = {"sourceType": "ATTRIBUTE", "source": "a", "destination": "_id", "name": "n", "identity": False}
    body = {
        "name": "M",
        "outputSchema": {"schemaRef": {"id": schema.id, "contentType": "x"}},
        "xdmSchema": schema.id,
        "mappings": [mapping, {"sourceAttribute": "b", "destinationXdmPath": "personID", "identityGroup": None}],
        "tags": {},
    }
    accepted(lambda hostile: mapping_sets.create(caller, hostile), body, seed=1, rounds=500)
