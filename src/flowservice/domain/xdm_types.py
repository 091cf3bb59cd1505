"""XDM types and the typed tree of a schema: what a resolved schema says, as values.

A resolved node (`xdm_resolve`) is JSON without `$ref` and `allOf`. Here its type is derived and it becomes a tree that
the mapping, the validation and the lake read.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from enum import StrEnum
from typing import Any, Final, TypeAlias

from flowservice.errors import BadMapping, BadSchema

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Constraints:
    """What a value must obey. Lengths are in characters (Unicode code points). None and empty: no such rule."""

    enum: tuple[Json, ...] = ()
    pattern: str | None = None
    """A regular expression that must match somewhere in the text."""
    minimum: float | None = None
    maximum: float | None = None
    exclusive_minimum: float | None = None
    exclusive_maximum: float | None = None
    min_length: int | None = None
    max_length: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """A single value. `is_wide`: an `int` without bounds, which the lake stores in 64 bits."""

    type: XdmType
    constraints: Constraints = Constraints()
    is_wide: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrayField:
    """A list of `items`."""

    items: "Node"


@dataclass(frozen=True, slots=True, kw_only=True)
class MapField:
    """Text keys to `values`."""

    values: "Node"


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectField:
    """Named fields in the schema's order, and which of them a present object must have."""

    fields: Mapping[str, "Node"] = field(default_factory=dict)
    required: tuple[str, ...] = ()


Node: TypeAlias = Leaf | ArrayField | MapField | ObjectField


def kind_of(node: Node) -> XdmType:
    """The XDM type of any node."""
    match node:
        case Leaf():
            return node.type
        case ArrayField():
            return XdmType.ARRAY
        case MapField():
            return XdmType.MAP
        case ObjectField():
            return XdmType.OBJECT


def xdm_type(node: Mapping[str, Json], *, at: str) -> XdmType:
    """The type of a resolved JSON node. `at` is its path, for the error. Raises BadSchema where it cannot be told."""
    declared, stated = node.get("type"), node.get("meta:xdmType")
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


def json_type(kind: XdmType) -> str:
    """The `type` that JSON Schema has for an XDM type."""
    if kind in INTEGERS:
        return "integer"
    return {XdmType.DATE: "string", XdmType.DATE_TIME: "string", XdmType.MAP: "object"}.get(kind, kind.value)


def _implied(node: Mapping[str, Json], stated: Json) -> str | None:
    """The JSON type of a node that leaves `type` out, from what else it says."""
    if "properties" in node or "additionalProperties" in node:
        return "object"
    if "items" in node:
        return "array"
    return json_type(XdmType(stated)) if stated in set(XdmType) else None


def _stated_as(stated: Json, allowed: Any) -> XdmType:
    return next((known for known in allowed if known == stated), XdmType.STRING)


def _integer(node: Mapping[str, Json], stated: Json) -> XdmType:
    """The stated integer type, else the smallest whose range holds both bounds; without bounds `int`."""
    if stated in INTEGERS:
        return XdmType(stated)
    low, high = node.get("minimum"), node.get("maximum")
    if not isinstance(low, int) or not isinstance(high, int):
        return XdmType.INT
    # Published bounds are symmetric: a byte goes from -128 to 128, whatever eight bits can hold.
    return next((kind for kind, span in _INTEGER_SPAN if -span <= low and high <= span), XdmType.LONG)


def tree_of(node: Mapping[str, Json]) -> ObjectField:
    """The typed tree of a resolved schema. Raises BadSchema where its root is no object or a field is malformed."""
    root = _node(node, at="")
    if not isinstance(root, ObjectField):
        raise BadSchema("a schema must be an object at its root")
    return root


def _node(node: Json, *, at: str) -> Node:
    if not isinstance(node, Mapping):
        raise BadSchema(f"the field {at or '(root)'} must be a JSON object")
    kind = xdm_type(node, at=at)
    if kind is XdmType.OBJECT:
        return _object(node, at=at)
    if kind is XdmType.ARRAY:
        return ArrayField(items=_node(node.get("items"), at=f"{at}[*]"))
    if kind is XdmType.MAP:
        return MapField(values=_node(node["additionalProperties"], at=f"{at}.*"))
    is_wide = kind is XdmType.INT and not ("minimum" in node and "maximum" in node)
    return Leaf(type=kind, constraints=_constraints(node, kind, at=at), is_wide=is_wide)


def _object(node: Mapping[str, Json], *, at: str) -> ObjectField:
    fields: dict[str, Node] = {}
    seen: dict[str, str] = {}
    for name, child in node.get("properties", {}).items():
        path = f"{at}.{name}" if at else name
        # The lake's tables do not tell column names apart by case.
        if (other := seen.setdefault(name.casefold(), name)) != name:
            raise BadSchema(f"the fields {path} and {other} differ in nothing but case")
        fields[name] = _node(child, at=path)
    return ObjectField(fields=fields, required=tuple(name for name in node.get("required", ()) if name in fields))


def _constraints(node: Mapping[str, Json], kind: XdmType, *, at: str) -> Constraints:
    if kind is XdmType.STRING:
        return Constraints(
            enum=_enum(node, str, at=at),
            pattern=_typed(node, "pattern", str, at=at),
            min_length=_typed(node, "minLength", int, at=at),
            max_length=_typed(node, "maxLength", int, at=at),
        )
    if kind in INTEGERS or kind is XdmType.NUMBER:
        return Constraints(
            enum=_enum(node, (int, float), at=at),
            minimum=_typed(node, "minimum", (int, float), at=at),
            maximum=_typed(node, "maximum", (int, float), at=at),
            exclusive_minimum=_typed(node, "exclusiveMinimum", (int, float), at=at),
            exclusive_maximum=_typed(node, "exclusiveMaximum", (int, float), at=at),
        )
    return Constraints()


def _typed(node: Mapping[str, Json], name: str, types: type | tuple[type, ...], *, at: str) -> Any:
    value = node.get(name)
    if value is not None and (isinstance(value, bool) or not isinstance(value, types)):
        raise BadSchema(f"{name} of the field {at} has the wrong type")
    return value


def _enum(node: Mapping[str, Json], types: type | tuple[type, ...], *, at: str) -> tuple[Json, ...]:
    allowed = node.get("enum", [])
    if not isinstance(allowed, list) or any(isinstance(v, bool) or not isinstance(v, types) for v in allowed):
        raise BadSchema(f"enum of the field {at} must be a list of values of the field's type")
    return tuple(allowed)


def leaves(tree: ObjectField, at: str = "") -> Iterator[tuple[str, Node]]:
    """Every field that is no object, by its dotted path, in the schema's order."""
    for name, child in tree.fields.items():
        path = f"{at}.{name}" if at else name
        if isinstance(child, ObjectField):
            yield from leaves(child, path)
        else:
            yield path, child


def found(tree: ObjectField, path: str) -> Node:
    """The field at a dotted path. Raises BadMapping naming the nearest path that exists."""
    node: Node = tree
    for name in path.split("."):
        if not isinstance(node, ObjectField) or name not in node.fields:
            known = [known for known, _ in leaves(tree)]
            near = get_close_matches(path, known, n=1)
            raise BadMapping(
                f"the schema has no field {path[:200]!r}" + (f"; did you mean {near[0]!r}?" if near else ""),
                advice="Name a field of the target schema by its path, with dots between the levels.",
            )
        node = node.fields[name]
    return node
