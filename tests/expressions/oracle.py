"""What expressions mean, said a second time: row by row, in plain Python, from `docs/expressions.md` alone.

It is slow and simple, to check what works on whole columns. The functions of user agents are left out.
"""

import math
import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from flowservice.domain.expressions.parsing import bad, parse
from flowservice.domain.expressions.signatures import check_arity, signature_of
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
    below,
)
from tests.expressions import dates, texts
from tests.expressions.functions import (
    FUNCTIONS,
    Function,
    as_map,
    best,
    flattened,
    innermost,
    is_empty,
    size,
    value_kind,
)
from tests.expressions.kinds import (
    DECIMAL,
    JSON,
    LOOSE,
    MOMENT,
    NULL,
    NUMBERS,
    TEXT,
    TEXTS,
    TRUTH,
    WHOLE,
    Array,
    Kind,
    MapOf,
    Object,
    Scalar,
    Shape,
    Unlike,
    common,
    of_source,
    shape_of,
    turned,
    words,
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
_ARITHMETIC: Final = (Operator.SUBTRACT, Operator.MULTIPLY, Operator.DIVIDE, Operator.REMAINDER)
_CONSTANTS: Final[Mapping[str, tuple[int, Callable[[str], object]]]] = {
    "explode": (1, texts.regex),
    "extract_regex": (1, texts.regex),
    "matches_regex": (1, texts.regex),
    "format": (1, dates.tokens),
    "dformat": (1, dates.tokens),
    "date": (1, dates.reading),
    "date_part": (0, lambda part: dates.date_part(part, dates.NOW)),
    "set_date_part": (0, lambda part: dates.set_date_part(part, 1, dates.NOW)),
    "zone_date_to_zone": (1, dates.zone_of),
    "make_date_time": (7, dates.zone_of),
    "get_url_query_str": (1, lambda anchor: texts.query("", anchor)),
    **dict.fromkeys(("sha1", "sha256", "sha512", "md5", "crc32"), (1, lambda charset: texts.encoded("", charset))),
}
"""Arguments that are checked with the expression where they are constants."""
Row = Mapping[str, Any]


class Oracle:
    """One expression over sources of one shape. Raises BadExpression for one that is refused."""

    def __init__(self, expression: str | Node, shape: Shape) -> None:
        self.tree = parse(expression) if isinstance(expression, str) else expression
        self.shape = shape
        self._kinds: dict[int, Kind] = {}
        self._paths: dict[int, Node] = {}
        self._columns: dict[int, str] = {}
        self._walked = _walked(self.tree)
        kind: Kind
        if self._walked is None:
            kind = self._kind(self.tree, {})
        else:
            array = self._kind(self._walked.of, {})
            if not (isinstance(array, Array) or array is NULL):
                raise bad(f"[*] needs an array, not {words(array)}", at=self._walked.at)
            item = array.item if isinstance(array, Array) else NULL
            kind = Array(self._kind(self.tree, {"[*]": item}))
        self.kind: Final = kind

    def evaluate(self, row: Row) -> Value:
        """What a row gives. Raises RowError."""
        source = {name: of_source(row.get(name), kind) for name, kind in self.shape.items()}
        source["[row]"] = source
        if self._walked is None:
            return self._value(self.tree, source)
        items = self._value(self._walked.of, source)
        if items is None:
            return None
        return [self._value(self.tree, {**source, "[*]": item}) for item in items]

    # Kinds, before the first row.

    def _kind(self, node: Node, names: Mapping[str, Kind]) -> Kind:
        """The kind of a node; `names` are parameters of lambdas, and `[*]`."""
        try:
            kind = self._found_kind(node, names)
        except Unlike as error:
            raise bad(str(error), at=node.at) from error
        self._kinds[id(node)] = kind
        return kind

    def _found_kind(self, node: Node, names: Mapping[str, Kind]) -> Kind:
        match node:
            case Literal(value=value):
                return {type(None): NULL, bool: TRUTH, int: WHOLE, float: DECIMAL, str: TEXT}[type(value)]
            case Reference(name=name):
                return names.get(name, self.shape.get(name, NULL))
            case Member(of=of, name=name):
                if (column := self._column(node, names)) is not None:
                    self._columns[id(node)] = column
                    return self.shape[column]
                return self._field_kind(self._kind(of, names), name, node)
            case Item(of=of, index=index):
                self._scalar(index, names)
                kind = self._kind(of, names)
                return kind.item if isinstance(kind, Array) else self._keyed_kind(kind, index)
            case Each():
                return names["[*]"]
            case ArrayOf(items=items):
                return Array(common([self._kind(item, names) for item in items]))
            case ObjectOf(entries=entries):
                return self._object_kind([(name, self._kind(value, names)) for name, value in entries], node)
            case Unary():
                return self._unary_kind(node, names)
            case Binary():
                return self._binary_kind(node, names)
            case Conditional(condition=condition, yes=None, no=no):
                return common([self._kind(condition, names), self._kind(no, names)])
            case Conditional(condition=condition, yes=yes, no=no):
                self._condition(condition, names)
                assert yes is not None
                return common([self._kind(yes, names), self._kind(no, names)])
            case Lambda():
                raise bad("a lambda stands only where a function takes one", at=node.at)
            case Call():
                return self._call_kind(node, names)

    def _column(self, node: Node, names: Mapping[str, Kind]) -> str | None:
        """The column that a chain of names means as a whole, if there is such a one."""
        parts: list[str] = []
        while isinstance(node, Member):
            parts.append(node.name)
            node = node.of
        if not isinstance(node, Reference) or node.name in names:
            return None
        name = ".".join([node.name, *reversed(parts)])
        return name if name in self.shape else None

    def _field_kind(self, kind: Kind, name: str, node: Node) -> Kind:
        if isinstance(kind, Array):
            raise bad(f"{name!r} is asked of an array", at=node.at, advice="Name an element, or all: [*].")
        if isinstance(kind, Object):
            return kind.field(name)
        return value_kind(kind)

    def _keyed_kind(self, kind: Kind, key: Node) -> Kind:
        if isinstance(kind, Object) and isinstance(key, Literal):
            return kind.field(text(key.value) or "") if key.value is not None else NULL
        return value_kind(kind)

    def _object_kind(self, fields: Sequence[tuple[str, Kind]], node: Node) -> Kind:
        if len({name for name, _ in fields}) < len(fields):
            raise bad("a key stands twice", at=node.at)
        return Object(tuple(fields))

    def _scalar(self, node: Node, names: Mapping[str, Kind]) -> Scalar:
        kind = self._kind(node, names)
        if not isinstance(kind, Scalar):
            raise bad(f"{words(kind)} cannot stand here", at=node.at)
        return kind

    def _number(self, node: Node, names: Mapping[str, Kind]) -> Scalar:
        kind = self._scalar(node, names)
        if kind in (TRUTH, MOMENT):
            raise bad(f"{words(kind)} is no number", at=node.at)
        return kind

    def _condition(self, node: Node, names: Mapping[str, Kind]) -> None:
        if self._scalar(node, names) is MOMENT:
            raise bad("a moment is no condition", at=node.at)

    def _unary_kind(self, node: Unary, names: Mapping[str, Kind]) -> Kind:
        match node.operator:
            case Operator.IS_EMPTY | Operator.SIZE:
                self._kind(node.operand, names)
                return TRUTH if node.operator is Operator.IS_EMPTY else WHOLE
            case Operator.NOT:
                self._condition(node.operand, names)
                return TRUTH
        kind = self._number(node.operand, names)
        if kind in TEXTS:
            return LOOSE
        return WHOLE if node.operator is Operator.COMPLEMENT and kind is DECIMAL else kind

    def _binary_kind(self, node: Binary, names: Mapping[str, Kind]) -> Kind:
        sign = node.operator
        if sign in (Operator.AND, Operator.OR):
            self._condition(node.left, names)
            self._condition(node.right, names)
            return TRUTH
        if sign in _ARITHMETIC:
            kinds = [self._number(node.left, names), self._number(node.right, names)]
            return LOOSE if set(kinds) & TEXTS else common(kinds)
        if sign in (Operator.EQUAL, Operator.UNEQUAL):
            self._comparable(self._kind(node.left, names), self._kind(node.right, names), node)
            return TRUTH
        kinds = [self._scalar(node.left, names), self._scalar(node.right, names)]
        if sign in _ORDERS:
            groups = {
                {WHOLE: "n", DECIMAL: "n", TRUTH: "b", MOMENT: "m"}.get(kind) for kind in kinds if kind is not NULL
            }
            if None not in groups and (len(groups) > 1 or (groups == {"b"} and NULL not in kinds)):
                raise bad(f"{words(kinds[0])} and {words(kinds[1])} have no order", at=node.at)
            return TRUTH
        return self._sum_kind(kinds, node)

    def _sum_kind(self, kinds: Sequence[Scalar], node: Binary) -> Kind:
        if TEXT in kinds:
            return TEXT
        others = set(kinds) & {TRUTH, MOMENT}
        if set(kinds) & TEXTS:
            return TEXT if others else LOOSE
        if others and NULL not in kinds:
            raise bad(f"{words(kinds[0])} and {words(kinds[1])} have no sum", at=node.at)
        return common(kinds)

    def _comparable(self, left: Kind, right: Kind, node: Node) -> None:
        for kind, other in ((left, right), (right, left)):
            if not isinstance(kind, Scalar) and other is not NULL:
                raise bad(f"{words(kind)} is compared with null alone", at=node.at)

    def _call_kind(self, node: Call, names: Mapping[str, Kind]) -> Kind:
        signature = signature_of(node.name, at=node.at, is_method=node.is_method)
        check_arity(signature, len(node.arguments), at=node.at)
        name, given = signature.name, node.arguments
        match name:
            case "iif":
                self._condition(given[0], names)
                return common([self._kind(branch, names) for branch in given[1:]])
            case "decode":
                return self._decode_kind(given, names)
            case "coalesce":
                return common([self._kind(one, names) for one in given])
            case "filterArray" | "transformArray":
                return self._lambda_kind(name, given, names)
            case "flattenArray" | "array_to_string" | "join":
                return self._flat_kind(name, given, names)
            case "to_object":
                return self._object_kind(self._fields(node, names), node)
            case "arrays_to_object":
                fields = self._fields(node, names)
                for (_, kind), argument in zip(fields, given[1::2], strict=True):
                    self._array(kind, argument)
                return Array(
                    self._object_kind([(n, kind.item if isinstance(kind, Array) else NULL) for n, kind in fields], node)
                )
            case "contains_key":
                return self._contains_kind(node)
            case "get":
                receiver = self._kind(given[0], names)
                if isinstance(receiver, Array):
                    raise bad("an array has no keys", at=node.at)
                self._scalar(given[1], names)
                return self._keyed_kind(receiver, given[1])
            case "upsert_array_replace":
                return self._array(self._kind(given[0], names), given[0])
            case "object_to_map" | "array_to_map":
                return self._indexed_kind(name, node, names)
            case "map_get_values" if isinstance(given[1], Literal):
                self._taken("M", given[0], self._kind(given[0], names))
                self._kind(given[1], names)
                return self._keyed_kind(self._kinds[id(given[0])], given[1])
        if name not in FUNCTIONS:
            raise bad(f"{name} is not to be had", at=node.at)
        if name == "to_map" and len(given) % 2:
            raise bad("a key without a value", at=node.at)
        function = FUNCTIONS[name]
        kinds = [self._kind(one, names) for one in given]
        for i, (one, kind) in enumerate(zip(given, kinds, strict=True)):
            self._taken(function.letter(i), one, kind)
        self._check_constant(name, given)
        return function.gives(kinds) if callable(function.gives) else function.gives

    def _taken(self, letter: str, node: Node, kind: Kind) -> None:
        """Raise BadExpression where no value of a kind can be what a function takes."""
        if kind is NULL or letter == "?":
            return
        if letter == "a":
            self._array(kind, node)
        elif letter == "M":
            if not (isinstance(kind, MapOf | Object) or kind is JSON):
                raise bad(f"{words(kind)} is no map", at=node.at)
        else:
            one = kind.item if letter == "k" and isinstance(kind, Array) else kind
            wrong = {"w": (TRUTH, MOMENT), "n": (TRUTH, MOMENT), "m": (TRUTH, *NUMBERS), "b": (MOMENT,)}
            if not isinstance(one, Scalar) or one in wrong.get(letter, ()):
                raise bad(f"{words(kind)} cannot stand here", at=node.at)

    def _array(self, kind: Kind, node: Node) -> Kind:
        if not (isinstance(kind, Array) or kind is NULL):
            raise bad(f"{words(kind)} is no array", at=node.at)
        return kind

    def _check_constant(self, name: str, given: Sequence[Node]) -> None:
        if name not in _CONSTANTS:
            return
        index, check = _CONSTANTS[name]
        if index < len(given) and isinstance(constant := given[index], Literal) and constant.value is not None:
            try:
                check(text(constant.value) or "")
            except RowError as error:
                raise bad(str(error), at=constant.at) from error

    def _decode_kind(self, given: Sequence[Node], names: Mapping[str, Kind]) -> Kind:
        key, kinds = self._kind(given[0], names), [self._kind(one, names) for one in given[1:]]
        results = kinds[1::2]
        for kind, one in zip(kinds[: len(results) * 2 : 2], given[1::2], strict=False):
            self._comparable(key, kind, one)
        return common([*results, *(kinds[-1:] if len(kinds) % 2 else [])])

    def _lambda_kind(self, name: str, given: Sequence[Node], names: Mapping[str, Kind]) -> Kind:
        array, function = self._array(self._kind(given[0], names), given[0]), given[1]
        if not isinstance(function, Lambda):
            raise bad(f"{name} takes a lambda: x -> …", at=function.at)
        inside = {**names, function.parameter: array.item if isinstance(array, Array) else NULL}
        if name == "filterArray":
            self._condition(function.body, inside)
            return array
        return Array(self._kind(function.body, inside))

    def _flat_kind(self, name: str, given: Sequence[Node], names: Mapping[str, Kind]) -> Kind:
        array = self._array(self._kind(given[-1], names), given[-1])
        item = (array.item if isinstance(array, Array) else NULL) if name == "join" else innermost(array)
        if name == "flattenArray":
            return NULL if array is NULL else Array(item)
        self._scalar(given[0], names)
        if not isinstance(item, Scalar):
            raise bad(f"{words(item)} is no text", at=given[-1].at)
        return TEXT

    def _fields(self, node: Call, names: Mapping[str, Kind]) -> list[tuple[str, Kind]]:
        if len(node.arguments) % 2:
            raise bad("a key without a value", at=node.at)
        return [
            (_constant(key), self._kind(value, names))
            for key, value in zip(node.arguments[::2], node.arguments[1::2], strict=True)
        ]

    def _contains_kind(self, node: Call) -> Kind:
        path = _constant(node.arguments[0])
        found = Reference(path) if path in self.shape else parse(path)
        step: Node = found
        while isinstance(step, Member | Item):
            if isinstance(step, Item) and not isinstance(step.index, Literal):
                raise bad("no path of constants", at=node.at)
            step = step.of
        if not isinstance(step, Reference):
            raise bad("no path", at=node.at)
        self._kind(found, {})
        self._paths[id(node)] = found
        return TRUTH

    def _indexed_kind(self, name: str, node: Call, names: Mapping[str, Kind]) -> Kind:
        """Of `array_to_map`, and the three forms of `object_to_map`."""
        given = node.arguments
        first = self._kind(given[0], names)
        if name == "array_to_map" or (len(given) == 2 and (isinstance(first, Array) or first is NULL)):
            self._array(first, given[0])
            if not (isinstance(given[1], Reference) and name == "object_to_map"):
                _constant(given[1])
            item = first.item if isinstance(first, Array) else NULL
            if item is not NULL and not isinstance(item, Object):
                raise bad("no array of objects", at=node.at)
            if isinstance(item, Object) and not isinstance(item.field(_attribute(given[1])), Scalar):
                raise bad("the attribute is no text", at=node.at)
            return MapOf(item) if isinstance(first, Array) else NULL
        if len(given) == 1:
            self._taken("M", given[0], first)
            return NULL if first is NULL else MapOf(value_kind(first))
        if len(given) % 2:
            raise bad("a key without a value", at=node.at)
        for key in given[::2]:
            self._scalar(key, names)
        return MapOf(common([self._kind(value, names) for value in given[1::2]]))

    # Values, row by row. `names` are columns, parameters of lambdas, `[*]`, and all columns as `[row]`.

    def _value(self, node: Node, names: Mapping[str, Value]) -> Value:
        match node:
            case Literal(value=value):
                return value
            case Reference(name=name):
                return names.get(name)
            case Member(of=of, name=name):
                if id(node) in self._columns:
                    return names["[row]"][self._columns[id(node)]]
                return self._keyed(self._value(of, names), name)
            case Item(of=of, index=index):
                return self._item(node, self._value(of, names), self._value(index, names))
            case Each():
                return names["[*]"]
            case ArrayOf(items=items):
                return turned([self._value(item, names) for item in items], self._kinds[id(node)])
            case ObjectOf(entries=entries):
                return {name: self._value(value, names) for name, value in entries}
            case Unary():
                return self._unary(node, names)
            case Binary():
                return self._binary(node, names)
            case Conditional(condition=condition, yes=None, no=no):
                value = self._value(condition, names)
                return turned(value if _counts(value) else self._value(no, names), self._kinds[id(node)])
            case Conditional(condition=condition, yes=yes, no=no):
                branch = yes if truth(self._value(condition, names)) else no
                assert branch is not None
                return turned(self._value(branch, names), self._kinds[id(node)])
            case Call():
                return self._call(node, names)
            case Lambda():
                raise TypeError("a lambda has no value")

    def _keyed(self, value: Value, key: str) -> Value:
        if isinstance(value, Json):
            return json_value(value.value.get(key)) if isinstance(value.value, dict) else None
        return value.get(key) if isinstance(value, dict) else None

    def _item(self, node: Item, value: Value, index: Value) -> Value:
        if isinstance(self._kinds[id(node.of)], Array) or (isinstance(value, Json) and isinstance(value.value, list)):
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
        is_known = not isinstance(self._kinds[id(of)], Object) or isinstance(index, Literal)
        return found if is_known else turned(found, self._kinds[id(node)])

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
        return turned(checked(result), self._kinds[id(node)])

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
        kind = self._kinds[id(node)]
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
        kind = self._kinds[id(node)]
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
                return self._value(self._paths[id(node)], names["[row]"]) is not None
            case "get":
                receiver, key = self._value(given[0], names), text(self._value(given[1], names))
                return self._by_key(given[0], receiver, given[1], key, node)
            case "to_object":
                return {_constant(k): self._value(v, names) for k, v in zip(given[::2], given[1::2], strict=True)}
            case "upsert_array_replace":
                return self._value(given[0], names)
            case "array_to_map" | "object_to_map" if isinstance(self._kinds.get(id(given[0])), Array):
                return _indexed(self._value(given[0], names), _attribute(given[1]))
            case "array_to_map":
                return None
        values = [self._value(one, names) for one in given]
        match name:
            case "flattenArray" | "array_to_string" | "join":
                return self._flat(name, values, self._kinds[id(given[-1])])
            case "arrays_to_object":
                return _zipped([_constant(key) for key in given[::2]], values[1::2])
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
        if name in ("first", "last") and len(given) == 1 and isinstance(self._kinds[id(given[0])], Array):
            return function.run(*read[0]) if read[0] else None
        return turned(function.run(*read), kind)

    def _wanted(self, letter: str, node: Node) -> Kind:
        """The kind of an argument once it is read, where that differs from its own."""
        kind = self._kinds[id(node)]
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


def _walked(tree: Node) -> Each | None:
    """The `[*]` of an expression. Raises BadExpression where several arrays are walked."""
    found = [node for node in _all(tree) if isinstance(node, Each)]
    for one in found:
        if one.of != found[0].of or any(isinstance(node, Each) for node in _all(one.of)):
            raise bad("only one array can be walked in one expression", at=one.at)
    return found[0] if found else None


def _all(node: Node) -> Iterator[Node]:
    yield node
    for child in below(node):
        yield from _all(child)


def _constant(node: Node) -> str:
    if isinstance(node, Literal) and node.value is not None:
        return text(node.value) or ""
    raise bad("a constant text is needed here", at=node.at)


def _attribute(node: Node) -> str:
    return node.name if isinstance(node, Reference) else _constant(node)


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
