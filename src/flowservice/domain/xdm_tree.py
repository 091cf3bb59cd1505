"""The typed tree of a schema: what its resolved JSON says, as values.

A resolved node (`xdm_resolve`) is JSON without `$ref` and `allOf`. The mapping, the validation and the lake read the
tree that is made of it.
"""

import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Final, TypeAlias, cast

from flowservice.domain.xdm_types import INTEGERS, Json, XdmType, xdm_type
from flowservice.errors import BadMapping, BadSchema

_FLOAT_MAX: Final = sys.float_info.max
_INT_SPAN: Final = 2**31
_LENGTH_MAX: Final = 2**31 - 1
"""No text of a batch is longer."""


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
    """A single value. `is_wide`: an `int` that its bounds do not keep within 32 bits; the lake stores it in 64."""

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
    rules = _constraints(node, kind, at=at)
    return Leaf(type=kind, constraints=rules, is_wide=kind is XdmType.INT and not _fits_int(rules))


def _fits_int(rules: Constraints) -> bool:
    """Whether both bounds are there and within 32 bits."""
    low, high = rules.minimum, rules.maximum
    return low is not None and high is not None and low >= -_INT_SPAN and high <= _INT_SPAN


def _object(node: Mapping[str, Json], *, at: str) -> ObjectField:
    fields: dict[str, Node] = {}
    seen: dict[str, str] = {}
    properties, required = node.get("properties", {}), node.get("required", ())
    if not isinstance(properties, Mapping) or not isinstance(required, list | tuple):
        raise BadSchema(
            f"the field {at or '(root)'} is no object of JSON Schema",
            advice="Send properties as an object, required as a list.",
        )
    for name, child in properties.items():
        path = f"{at}.{name}" if at else name
        # The lake's tables do not tell column names apart by case.
        if (other := seen.setdefault(name.casefold(), name)) != name:
            raise BadSchema(f"the fields {path} and {other} differ in nothing but case")
        fields[name] = _node(child, at=path)
    return ObjectField(
        fields=fields, required=tuple(name for name in required if isinstance(name, str) and name in fields)
    )


def _constraints(node: Mapping[str, Json], kind: XdmType, *, at: str) -> Constraints:
    if kind is XdmType.STRING:
        pattern = node.get("pattern")
        if pattern is not None and not isinstance(pattern, str):
            raise BadSchema(f"pattern of the field {at} must be text")
        return Constraints(
            enum=_enum(node, is_value=lambda value: isinstance(value, str), at=at),
            pattern=pattern,
            min_length=_length(node, "minLength", at=at),
            max_length=_length(node, "maxLength", at=at),
        )
    if kind in INTEGERS or kind is XdmType.NUMBER:
        return Constraints(
            enum=_enum(node, is_value=_is_number, at=at),
            minimum=_bound(node, "minimum", at=at),
            maximum=_bound(node, "maximum", at=at),
            exclusive_minimum=_bound(node, "exclusiveMinimum", at=at),
            exclusive_maximum=_bound(node, "exclusiveMaximum", at=at),
        )
    return Constraints()


def _is_number(value: Json) -> bool:
    """Whether it is a number that 64 bits can hold as a float, at least roughly."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= _FLOAT_MAX


def _bound(node: Mapping[str, Json], name: str, *, at: str) -> float | None:
    value: Json = node.get(name)
    if value is not None and not _is_number(value):
        raise BadSchema(f"{name} of the field {at} must be a number")
    return cast("float | None", value)


def _length(node: Mapping[str, Json], name: str, *, at: str) -> int | None:
    value = _bound(node, name, at=at)
    if value is None:
        return None
    if value < 0 or value != int(value):
        raise BadSchema(f"{name} of the field {at} must be a whole number from 0 up")
    return min(int(value), _LENGTH_MAX)


def _enum(node: Mapping[str, Json], *, is_value: Callable[[Json], bool], at: str) -> tuple[Json, ...]:
    allowed = node.get("enum", [])
    if not isinstance(allowed, list) or not all(is_value(value) for value in allowed):
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
