"""What expressions mean, said a second time: row by row, in plain Python, from `docs/expressions.md` alone.

It is slow and simple, to check what works on whole columns. The functions of user agents are left out.
"""

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from flowservice.domain.expressions.parsing import parse
from flowservice.domain.expressions.signatures import signature_of
from flowservice.domain.expressions.syntax import (
    ArrayOf,
    Binary,
    Call,
    Conditional,
    Each,
    Item,
    Lambda,
    Literal,
    Member,
    Node,
    ObjectOf,
    Operator,
    Reference,
    Unary,
)
from tests.expressions.functions import (
    FUNCTIONS,
    Function,
    as_map,
    best,
    flattened,
    is_empty,
    size,
    value_kind,
)
from tests.expressions.kinding import Kinds, attribute, constant
from tests.expressions.kinds import (
    LOOSE,
    NULL,
    TEXT,
    Array,
    Kind,
    MapOf,
    Object,
    Shape,
    of_source,
    shape_of,
    turned,
)
from tests.expressions.values import (
    Json,
    Loose,
    Map,
    RowError,
    Value,
    checked,
    compared,
    equal,
    json_value,
    moment,
    number,
    number_in,
    text,
    truth,
    whole,
)

_ORDERS: Final[Mapping[Operator, Callable[[int, int], bool]]] = {
    Operator.LESS: operator.lt,
    Operator.AT_MOST: operator.le,
    Operator.GREATER: operator.gt,
    Operator.AT_LEAST: operator.ge,
}
Row = Mapping[str, Any]


class Oracle:
    """One expression over sources of one shape. Raises BadExpression for one that is refused."""

    def __init__(self, expression: str | Node, shape: Shape) -> None:
        self.tree: Final = parse(expression) if isinstance(expression, str) else expression
        self.kinds: Final = Kinds(self.tree, shape)

    def evaluate(self, row: Row) -> Value:
        """What a row gives. Raises RowError."""
        source = {name: of_source(row.get(name), kind) for name, kind in self.kinds.shape.items()}
        source["[row]"] = source
        if self.kinds.walked is None:
            return self._value(self.tree, source)
        items = self._value(self.kinds.walked.of, source)
        if items is None:
            return None
        return [self._value(self.tree, {**source, "[*]": item}) for item in items]

    # `names` are columns, parameters of lambdas, `[*]`, and all columns as `[row]`.

    def _value(self, node: Node, names: Mapping[str, Value]) -> Value:
        match node:
            case Literal(value=value):
                return value
            case Reference(name=name):
                return names.get(name)
            case Member(of=of, name=name):
                if id(node) in self.kinds.columns:
                    return names["[row]"][self.kinds.columns[id(node)]]
                return self._keyed(self._value(of, names), name)
            case Item(of=of, index=index):
                return self._item(node, self._value(of, names), self._value(index, names))
            case Each():
                return names["[*]"]
            case ArrayOf(items=items):
                return turned([self._value(item, names) for item in items], self.kinds.of[id(node)])
            case ObjectOf(entries=entries):
                return {name: self._value(value, names) for name, value in entries}
            case Unary():
                return self._unary(node, names)
            case Binary():
                return self._binary(node, names)
            case Conditional(condition=condition, yes=None, no=no):
                value = self._value(condition, names)
                return turned(value if _counts(value) else self._value(no, names), self.kinds.of[id(node)])
            case Conditional(condition=condition, yes=yes, no=no):
                branch = yes if truth(self._value(condition, names)) else no
                assert branch is not None
                return turned(self._value(branch, names), self.kinds.of[id(node)])
            case Call():
                return self._call(node, names)
            case Lambda():
                raise TypeError("a lambda has no value")

    def _keyed(self, value: Value, key: str) -> Value:
        if isinstance(value, Json):
            return json_value(value.value.get(key)) if isinstance(value.value, dict) else None
        return value.get(key) if isinstance(value, dict) else None

    def _item(self, node: Item, value: Value, index: Value) -> Value:
        if isinstance(self.kinds.of[id(node.of)], Array) or (isinstance(value, Json) and isinstance(value.value, list)):
            at = whole(index)
            items = value.value if isinstance(value, Json) else value
            if items is None or at is None or not 0 <= at < len(items):
                return None
            return json_value(items[at]) if isinstance(value, Json) else items[at]
        return self._by_key(node.of, value, node.index, text(index), node)

    def _by_key(self, of: Node, value: Value, index: Node, key: str | None, node: Node) -> Value:
        if key is None:
            return None
        found = self._keyed(value, key)
        is_known = not isinstance(self.kinds.of[id(of)], Object) or isinstance(index, Literal)
        return found if is_known else turned(found, self.kinds.of[id(node)])

    def _unary(self, node: Unary, names: Mapping[str, Value]) -> Value:
        value = self._value(node.operand, names)
        match node.operator:
            case Operator.IS_EMPTY:
                return is_empty(value)
            case Operator.SIZE:
                return size(value)
            case Operator.NOT:
                return not truth(value)
        found = whole(value) if node.operator is Operator.COMPLEMENT else number(value)
        if found is None:
            return None
        return self._number_of(node, ~found if node.operator is Operator.COMPLEMENT else -found)  # type: ignore[operator]

    def _number_of(self, node: Node, result: float) -> Value:
        """The result of arithmetic in the kind of its node."""
        return turned(checked(result), self.kinds.of[id(node)])

    def _binary(self, node: Binary, names: Mapping[str, Value]) -> Value:
        sign = node.operator
        left = self._value(node.left, names)
        if sign is Operator.AND:
            return truth(left) and truth(self._value(node.right, names))
        if sign is Operator.OR:
            return truth(left) or truth(self._value(node.right, names))
        right = self._value(node.right, names)
        if sign in (Operator.EQUAL, Operator.UNEQUAL):
            return equal(left, right) is (sign is Operator.EQUAL)
        if sign in _ORDERS:
            if left is None or right is None:
                return False
            order = compared(left, right)
            assert order is not None
            return _ORDERS[sign](order, 0)
        if sign is Operator.ADD:
            return self._sum(node, left, right)
        a, b = number(left), number(right)
        if a is None or b is None:
            return None
        return self._number_of(node, _calculated(sign, a, b))

    def _sum(self, node: Binary, left: Value, right: Value) -> Value:
        if left is None or right is None:
            return None
        kind = self.kinds.of[id(node)]
        if kind is TEXT:
            return (text(left) or "") + (text(right) or "")
        if kind is LOOSE:
            a, b = number_in(text(left) or ""), number_in(text(right) or "")
            if a is None or b is None:
                return Loose((text(left) or "") + (text(right) or ""))
        else:
            a, b = left, right
        assert a is not None
        assert b is not None
        return self._number_of(node, _calculated(Operator.ADD, a, b))

    def _call(self, node: Call, names: Mapping[str, Value]) -> Value:
        name, given = signature_of(node.name).name, node.arguments
        kind = self.kinds.of[id(node)]
        match name:
            case "iif":
                return turned(self._value(given[1 if truth(self._value(given[0], names)) else 2], names), kind)
            case "decode":
                return turned(self._decoded(given, names), kind)
            case "coalesce":
                found = (value for one in given if (value := self._value(one, names)) is not None)
                return turned(next(found, None), kind)
            case "filterArray" | "transformArray":
                return self._each(name, given, names)
            case "contains_key":
                return self._value(self.kinds.paths[id(node)], names["[row]"]) is not None
            case "get":
                receiver, key = self._value(given[0], names), text(self._value(given[1], names))
                return self._by_key(given[0], receiver, given[1], key, node)
            case "to_object":
                return {constant(k): self._value(v, names) for k, v in zip(given[::2], given[1::2], strict=True)}
            case "upsert_array_replace":
                return self._value(given[0], names)
            case "array_to_map" | "object_to_map" if isinstance(self.kinds.of.get(id(given[0])), Array):
                return _indexed(self._value(given[0], names), attribute(given[1]))
            case "array_to_map":
                return None
        values = [self._value(one, names) for one in given]
        match name:
            case "flattenArray" | "array_to_string" | "join":
                return self._flat(name, values, self.kinds.of[id(given[-1])])
            case "arrays_to_object":
                return _zipped([constant(key) for key in given[::2]], values[1::2])
            case "object_to_map" if len(given) == 1:
                return turned(as_map(values[0]), kind)
            case "object_to_map" if kind is NULL:
                return None
            case "object_to_map":
                name = "to_map"
            case "map_get_values" if isinstance(given[1], Literal):
                entries = as_map(values[0])
                return None if entries is None or values[1] is None else entries.get(text(values[1]) or "")
        return self._eager(FUNCTIONS[name], name, given, values, kind)

    def _eager(self, function: Function, name: str, given: Sequence[Node], values: list[Value], kind: Kind) -> Value:
        read = [
            turned(_read(function.letter(i), value), self._wanted(function.letter(i), one))
            for i, (one, value) in enumerate(zip(given, values, strict=True))
        ]
        if function.nulls is not None and any(v is None and i not in function.nulls for i, v in enumerate(read)):
            return None
        if name in ("min", "max"):
            return best([turned(value, kind) for value in read], kind, -1 if name == "min" else 1)
        if name in ("first", "last") and len(given) == 1 and isinstance(self.kinds.of[id(given[0])], Array):
            return function.run(*read[0]) if read[0] else None
        return turned(function.run(*read), kind)

    def _wanted(self, letter: str, node: Node) -> Kind:
        """The kind of an argument once it is read, where that differs from its own."""
        kind = self.kinds.of[id(node)]
        return MapOf(value_kind(kind)) if letter == "M" and kind is not NULL else _AS_READ

    def _decoded(self, given: Sequence[Node], names: Mapping[str, Value]) -> Value:
        key = self._value(given[0], names)
        rest = given[1:]
        for match, result in zip(rest[::2], rest[1::2], strict=False):
            if equal(key, self._value(match, names)):
                return self._value(result, names)
        return self._value(rest[-1], names) if len(rest) % 2 else None

    def _each(self, name: str, given: Sequence[Node], names: Mapping[str, Value]) -> Value:
        items, function = self._value(given[0], names), given[1]
        assert isinstance(function, Lambda)
        if items is None:
            return None
        results = [(item, self._value(function.body, {**names, function.parameter: item})) for item in items]
        if name == "filterArray":
            return [item for item, result in results if truth(result)]
        return [result for _, result in results]

    def _flat(self, name: str, values: Sequence[Value], kind: Kind) -> Value:
        if any(value is None for value in values):
            return None
        items = values[-1]
        if name != "join" and isinstance(kind, Array):
            items = flattened(items, kind.item)
        if name == "flattenArray":
            return items
        return (text(values[0]) or "").join(text(item) or "" for item in items)


_AS_READ: Final[Kind] = TEXT
"""`turned` leaves scalars of this kind as they are."""


def evaluate(node: str | Node, row: Row, shape: Shape | None = None) -> Value:
    """What an expression gives of one row. Raises RowError, and BadExpression where it is refused.

    `shape`: that of the source, by default of this row alone.
    """
    return Oracle(node, shape_of([row]) if shape is None else shape).evaluate(row)


def _read(letter: str, value: Value) -> Value:
    match letter:
        case "t":
            return text(value)
        case "w":
            return whole(value)
        case "n":
            return number(value)
        case "m":
            return moment(value)
        case "b":
            return truth(value)
        case "M":
            return as_map(value)
        case "k":
            return [text(item) for item in value] if isinstance(value, list) else text(value)
    return value


def _calculated(sign: Operator, a: float, b: float) -> float:
    if type(a) is not type(b):
        a, b = float(a), float(b)
    match sign:
        case Operator.ADD:
            return a + b
        case Operator.SUBTRACT:
            return a - b
        case Operator.MULTIPLY:
            return a * b
    if b == 0:
        raise RowError("division by zero")
    if isinstance(a, int) and isinstance(b, int):
        # Towards zero: Python's own goes down.
        quotient = abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)
        return quotient if sign is Operator.DIVIDE else a - quotient * b
    return a / b if sign is Operator.DIVIDE else math.fmod(a, b)


def _counts(value: Value) -> bool:
    """Whether `value ?: other` is the value."""
    if value is None or is_empty(value) or value is False:
        return False
    if type(value) in (int, float):
        return bool(value)
    if isinstance(value, str) or (isinstance(value, Json) and not isinstance(value.value, list | dict)):
        written = text(value) or ""
        return written != "false" and number_in(written) != 0
    return True


def _indexed(items: Sequence[Any] | None, key: str) -> Map | None:
    if items is None:
        return None
    return Map((name, item) for item in items if item is not None and (name := text(item.get(key))) is not None)


def _zipped(keys: Sequence[str], arrays: Sequence[Any]) -> Value:
    if any(array is None for array in arrays):
        return None
    return [
        {key: array[i] if i < len(array) else None for key, array in zip(keys, arrays, strict=True)}
        for i in range(max(map(len, arrays)))
    ]
