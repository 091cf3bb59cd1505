"""Samples of schemas: valid by the schema, with a value in every field where there is one."""

from typing import Any

import jsonschema
import pytest

from flowservice.domain.xdm_resolve import resolved
from flowservice.domain.xdm_sample import sample_of
from flowservice.domain.xdm_standard import standard_resource, standard_resources


def checked(schema: dict[str, Any]) -> dict[str, Any]:
    sample = sample_of(schema)
    jsonschema.Draft7Validator(schema, format_checker=jsonschema.FormatChecker()).validate(sample)
    return sample


@pytest.mark.parametrize("ref", list(standard_resources()))
def test_a_sample_of_every_standard_resource_is_valid(ref: str) -> None:
    full = resolved(standard_resources()[ref], standard_resource)
    assert checked(full).keys() == full.get("properties", {}).keys()


@pytest.mark.parametrize(
    "node",
    [
        {"type": "string", "minLength": 30},
        {"type": "string", "maxLength": 2, "title": "A long title"},
        {"type": "string", "enum": ["x", "y"]},
        {"type": "string", "format": "email"},
        {"type": "string", "pattern": "^[A-Z]{3}$"},
        {"type": "string", "pattern": r"^\d{4}-(0[1-9]|1[0-2])$"},
        {"type": "string", "pattern": r"^(?:ab+|c)?[^a-z0-9]\w+\.x$"},
        {"type": "string", "pattern": "^a*$", "minLength": 4},
        {"type": "string", "pattern": "x", "minLength": 8},
        {"type": "integer", "minimum": 1, "maximum": 32767},
        {"type": "integer", "minimum": -9, "maximum": -7},
        {"type": "integer", "exclusiveMinimum": 3, "exclusiveMaximum": 5},
        {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 0.001},
        {"type": "number", "maximum": -1e30},
        {"type": "boolean"},
        {"type": "array", "items": {"type": "object", "properties": {"a": {"type": "number"}}}},
        {"type": "object", "additionalProperties": {"type": "array", "items": {"type": "integer"}}},
    ],
)
def test_a_sample_obeys_the_rules_of_its_fields(node: dict[str, Any]) -> None:
    full = resolved({"type": "object", "properties": {"f": node}, "required": ["f"]}, lambda _: None)
    assert "f" in checked(full)


@pytest.mark.parametrize(
    "node",
    [
        {"type": "string", "pattern": "^a$", "minLength": 4},
        {"type": "string", "minLength": 4, "maxLength": 3},
        {"type": "string", "minLength": 2_000_000_000},
        {"type": "string", "pattern": r"\p{Greek}{3}"},
        {"type": "integer", "minimum": 5, "maximum": 4},
        {"type": "string", "format": "email", "maxLength": 3},
    ],
)
def test_a_field_without_a_value_that_was_found_is_left_out(node: dict[str, Any]) -> None:
    full = resolved({"type": "object", "properties": {"f": node, "g": {"type": "boolean"}}}, lambda _: None)
    assert checked(full) == {"g": True}
