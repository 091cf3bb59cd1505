"""What may become of a schema in use: additions, and nothing that a row of today would break."""

from typing import Any

import pytest

from flowservice.domain.evolution import check_additive
from flowservice.domain.xdm_resolve import resolved
from flowservice.errors import BreakingChange

TEXT = {"type": "string"}


def full(**properties: Any) -> dict[str, Any]:
    required = properties.pop("required", [])
    return resolved({"type": "object", "properties": properties, "required": required}, lambda _: None)


def check(old: dict[str, Any], new: dict[str, Any]) -> None:
    check_additive(old, new, what="the schema 'Orders'", why="its dataset 'orders' holds data")


def inside(**properties: Any) -> dict[str, Any]:
    """A schema with the fields in an object, in the items of a list and in the values of a map."""
    node = {"type": "object", "properties": properties}
    return full(o=node, l={"type": "array", "items": node}, m={"type": "object", "additionalProperties": node})


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (full(a=TEXT), full(a=TEXT, b=TEXT)),
        (full(a=TEXT, required=["a"]), full(a=TEXT)),
        (full(a=TEXT), full(a=TEXT, b=TEXT, required=["b"])),
        (full(a=TEXT), full(a={**TEXT, "title": "A", "description": "words", "meta:status": "deprecated"})),
        (full(a={**TEXT, "enum": ["x"]}), full(a={**TEXT, "enum": ["x", "y"]})),
        (full(a={**TEXT, "enum": ["x"]}), full(a=TEXT)),
        (full(a={**TEXT, "pattern": "x"}), full(a=TEXT)),
        (full(a={**TEXT, "maxLength": 3, "minLength": 2}), full(a={**TEXT, "maxLength": 4, "minLength": 1})),
        (full(a={"type": "number", "minimum": 0}), full(a={"type": "number"})),
        (inside(a=TEXT), inside(a=TEXT, b=TEXT)),
    ],
)
def test_what_only_adds_is_let_pass(old: dict[str, Any], new: dict[str, Any]) -> None:
    check(old, new)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (full(a=TEXT, b=TEXT), full(a=TEXT), "b cannot be removed"),
        (full(a=TEXT), full(b=TEXT), "a cannot be removed"),
        (full(a=TEXT), full(a={"type": "number"}), "a is string and cannot become number"),
        (
            full(a={"type": "integer"}),
            full(a={"type": "integer", "meta:xdmType": "long"}),
            "int and cannot become long",
        ),
        (full(a=TEXT), full(a={**TEXT, "format": "date"}), "a is string and cannot become date"),
        (full(a=TEXT), full(a={"type": "array", "items": TEXT}), "a is string and cannot become array"),
        (full(a=TEXT), full(a=TEXT, required=["a"]), "a cannot become required"),
        (full(a=TEXT), full(a={**TEXT, "enum": ["x"]}), "the enum of a cannot take fewer"),
        (full(a={**TEXT, "enum": ["x", "y"]}), full(a={**TEXT, "enum": ["x"]}), "the enum of a cannot take fewer"),
        (full(a=TEXT), full(a={**TEXT, "pattern": "x"}), "the pattern of a cannot change"),
        (full(a=TEXT), full(a={**TEXT, "maxLength": 3}), "maxLength of a cannot"),
        (full(a={**TEXT, "minLength": 3}), full(a={**TEXT, "minLength": 4}), "minLength of a cannot"),
        (full(a={"type": "number"}), full(a={"type": "number", "exclusiveMaximum": 3}), "exclusiveMaximum of a cannot"),
        (inside(a=TEXT, b=TEXT), inside(a=TEXT), r"o\.b cannot be removed; l\[\*\]\.b cannot be removed; m\.\*\.b"),
    ],
)
def test_what_takes_something_away_is_refused_by_name(old: dict[str, Any], new: dict[str, Any], told: str) -> None:
    with pytest.raises(BreakingChange, match=told) as caught:
        check(old, new)
    assert caught.value.message.startswith("the schema 'Orders' only takes additions, since its dataset 'orders' holds")
    assert "deprecated" in caught.value.advice


def test_many_losses_are_told_in_short() -> None:
    with pytest.raises(BreakingChange, match=r"and 3 more$"):
        check(full(**{f"f{n}": TEXT for n in range(8)}), full())
