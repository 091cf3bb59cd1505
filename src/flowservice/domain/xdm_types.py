"""XDM types: how a field's JSON Schema tells its type."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from enum import StrEnum
from typing import Any, Final, TypeAlias

from flowservice.errors import BadSchema

Json: TypeAlias = Any


class XdmType(StrEnum):
    """Types of XDM, by their names in `meta:xdmType`."""

    STRING = "string"
    NUMBER = "number"
    LONG = "long"
    INT = "int"
    SHORT = "short"
    BYTE = "byte"
    BOOLEAN = "boolean"
    DATE = "date"
    DATE_TIME = "date-time"
    OBJECT = "object"
    ARRAY = "array"
    MAP = "map"


INTEGERS: Final = frozenset({XdmType.LONG, XdmType.INT, XdmType.SHORT, XdmType.BYTE})
_INTEGER_SPAN: Final = ((XdmType.BYTE, 2**7), (XdmType.SHORT, 2**15), (XdmType.INT, 2**31))
_STRING_FORMATS: Final = {"date": XdmType.DATE, "date-time": XdmType.DATE_TIME}


def xdm_type(node: Mapping[str, Json], *, at: str) -> XdmType:
    """The type of a resolved JSON node. `at` is its path, for the error. Raises BadSchema where it cannot be told."""
    declared, stated = node.get("type"), str(node.get("meta:xdmType", ""))
    if declared is None:
        declared = _implied(node, stated)
    match declared:
        case "string":
            return _STRING_FORMATS.get(str(node.get("format")), _stated_as(stated, _STRING_FORMATS.values()))
        case "integer":
            return _integer(node, stated)
        case "number":
            return XdmType.NUMBER
        case "boolean":
            return XdmType.BOOLEAN
        case "array":
            return XdmType.ARRAY
        case "object":
            is_map = "properties" not in node and isinstance(node.get("additionalProperties"), Mapping)
            return XdmType.MAP if is_map else XdmType.OBJECT
    raise BadSchema(
        f"the field {at or '(root)'} has no usable type",
        advice="Give it one `type` of string, integer, number, boolean, object or array.",
    )


def typed(node: Mapping[str, Any]) -> dict[str, Any]:
    """The node with `meta:xdmType` wherever it is told what a field is: clients read it there.

    What a reference stands for is not told: that may change. Nor is anything of a definition that makes no sense, for
    nobody may refer to it.
    """
    out = dict(node)
    for word in ("properties", "definitions"):
        if isinstance(out.get(word), Mapping):
            out[word] = {name: _typed_part(child) for name, child in out[word].items()}
    for word in ("items", "additionalProperties"):
        if word in out:
            out[word] = _typed_part(out[word])
    if isinstance(out.get("allOf"), list):
        out["allOf"] = [_typed_part(part) for part in out["allOf"]]
    if "$ref" not in out and {"type", "properties"} & out.keys():
        with suppress(BadSchema):
            out["meta:xdmType"] = xdm_type(out, at="").value
    return out


def _typed_part(part: Json) -> Json:
    return typed(part) if isinstance(part, Mapping) else part


def json_type(kind: XdmType) -> str:
    """The `type` that JSON Schema has for an XDM type."""
    if kind in INTEGERS:
        return "integer"
    return {XdmType.DATE: "string", XdmType.DATE_TIME: "string", XdmType.MAP: "object"}.get(kind, kind.value)


def _implied(node: Mapping[str, Json], stated: str) -> str | None:
    """The JSON type of a node that leaves `type` out, from what else it says."""
    if "properties" in node or "additionalProperties" in node:
        return "object"
    if "items" in node:
        return "array"
    return json_type(XdmType(stated)) if stated in set(XdmType) else None


def _stated_as(stated: str, allowed: Iterable[XdmType]) -> XdmType:
    return next((known for known in allowed if known == stated), XdmType.STRING)


def _integer(node: Mapping[str, Json], stated: str) -> XdmType:
    """The stated integer type, else the smallest whose range holds both bounds; without bounds `int`."""
    if stated in INTEGERS:
        return XdmType(stated)
    low, high = node.get("minimum"), node.get("maximum")
    if not isinstance(low, int | float) or not isinstance(high, int | float):
        return XdmType.INT
    # Published bounds are symmetric: a byte goes from -128 to 128, whatever eight bits can hold.
    return next((kind for kind, span in _INTEGER_SPAN if -span <= low and high <= span), XdmType.LONG)
