"""Columnar validation against a row-by-row JSON Schema validator, over random schemas and rows."""

import random
from collections.abc import Iterator, Mapping
from typing import Any

import jsonschema
import pyarrow as pa
import pytest

from flowservice.domain.mapping import Mapping as FieldMapping
from flowservice.domain.mapping import MappingKind, MappingVersion
from flowservice.domain.xdm_tree import leaves, tree_of
from flowservice.engine.mapping import Mapper

Json = dict[str, Any]


def _leaf(random_: random.Random) -> Json:
    return random_.choice(
        [
            {"type": "string"},
            {"type": "string", "enum": ["a", "bb", "7"]},
            {"type": "string", "minLength": 2, "maxLength": 3},
            {"type": "string", "pattern": "[a-c]"},
            {"type": "integer", "minimum": -3, "maximum": 7},
            {"type": "integer", "exclusiveMinimum": -2.5, "exclusiveMaximum": 8},
            {"type": "integer", "enum": [1, 2, 7]},
            {"type": "number", "minimum": -1.5, "exclusiveMaximum": 7},
            {"type": "number", "exclusiveMinimum": 0, "maximum": 7.5},
            {"type": "boolean"},
        ]
    )


def _object(random_: random.Random, depth: int) -> Json:
    properties: Json = {}
    for n in range(random_.randint(1, 4)):
        is_object = depth > 0 and random_.random() < 0.4
        properties[f"f{n}"] = _object(random_, depth - 1) if is_object else _leaf(random_)
    required = [name for name in properties if random_.random() < 0.3]
    return {"type": "object", "properties": properties, "required": required}


def _without_rules(node: Json) -> Json:
    if node["type"] != "object":
        return {"type": node["type"]}
    return {"type": "object", "properties": {name: _without_rules(child) for name, child in node["properties"].items()}}


def _given(value: Any) -> Any:
    """A landed value as XDM's JSON: what is null is left out."""
    if not isinstance(value, Mapping):
        return value
    return {name: _given(child) for name, child in value.items() if child is not None}


def _paths(schema: Json) -> Iterator[str]:
    return (path for path, _ in leaves(tree_of(schema)))


def _mapper(schema: Json, fed: Mapping[str, str]) -> Mapper:
    mappings = tuple(
        FieldMapping(id="", kind=MappingKind.ATTRIBUTE, source_type="", source=column, destination=path)
        for path, column in fed.items()
    )
    version = MappingVersion(version=0, schema_id="", schema_content_type="", mappings=mappings)
    return Mapper(version, tree_of(schema))


@pytest.mark.parametrize("seed", range(40))
def test_a_row_lands_if_and_only_if_a_json_schema_validator_accepts_it(seed: int) -> None:
    random_ = random.Random(seed)
    schema = _object(random_, depth=3)
    paths = list(_paths(schema))
    # Some fields are fed by nothing.
    fed = {path: f"c{n}" for n, path in enumerate(paths) if n == 0 or random_.random() < 0.85}
    words = [None, None, "a", "bb", "cccc", "", "7", "-3", "1", "7.0", "0.5", "8", "true", "no", "-1.5"]
    rows = 60
    columns = {column: pa.array([random_.choice(words) for _ in range(rows)], pa.string()) for column in fed.values()}
    batch = pa.RecordBatch.from_pydict(columns)
    # Without minimum and maximum an integer is stored wider, so types differ; the values do not.
    loose = _mapper(_without_rules(schema), fed).apply(batch).rows.to_pylist()
    mapped = _mapper(schema, fed).apply(batch)
    validator = jsonschema.Draft202012Validator(schema)
    accepted = [row for row in loose if validator.is_valid(_given(row))]
    assert mapped.rows.to_pylist() == accepted
    assert mapped.rejects.num_rows == rows - len(accepted)
    assert mapped.rejects["code"].null_count == mapped.rejects["field"].null_count == 0
