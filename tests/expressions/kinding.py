"""Which kind every part of an expression has, before the first row, and what is refused."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, timezone
from typing import Final

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
    innermost,
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
    Moment,
    Object,
    Shape,
    Unlike,
    common,
    is_scalar,
    unzoned,
    words,
)
from tests.expressions.values import (
    RowError,
    offset_text,
    text,
)

ORDERS: Final = (Operator.LESS, Operator.AT_MOST, Operator.GREATER, Operator.AT_LEAST)
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


class Kinds:
    """The kinds of one expression over sources of one shape. Raises BadExpression for one that is refused."""

    def __init__(self, tree: Node, shape: Shape) -> None:
        self.tree: Final = tree
        self.shape: Final = shape
        self.of: Final[dict[int, Kind]] = {}
        """By `id` of a node."""
        self.paths: Final[dict[int, Node]] = {}
        """What calls of `contains_key` look for, by `id` of the call."""
        self.columns: Final[dict[int, str]] = {}
        """The columns that chains of names mean as a whole, by `id` of the chain."""
        self.walked: Final = _walked(tree)
        kind: Kind
        if self.walked is None:
            kind = self._kind(self.tree, {})
        else:
            array = self._kind(self.walked.of, {})
            if not (isinstance(array, Array) or array is NULL):
                raise bad(f"[*] needs an array, not {words(array)}", at=self.walked.at)
            item = array.item if isinstance(array, Array) else NULL
            kind = Array(self._kind(self.tree, {"[*]": item}))
        self.whole: Final = kind

    def _kind(self, node: Node, names: Mapping[str, Kind]) -> Kind:
        """The kind of a node; `names` are parameters of lambdas, and `[*]`."""
        try:
            kind = self._found_kind(node, names)
        except Unlike as error:
            raise bad(str(error), at=node.at) from error
        self.of[id(node)] = kind
        return kind

    def _found_kind(self, node: Node, names: Mapping[str, Kind]) -> Kind:
        match node:
            case Literal(value=value):
                return {type(None): NULL, bool: TRUTH, int: WHOLE, float: DECIMAL, str: TEXT}[type(value)]
            case Reference(name=name):
                return names.get(name, self.shape.get(name, NULL))
            case Member(of=of, name=name):
                if (column := self._column(node, names)) is not None:
                    self.columns[id(node)] = column
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

    def _scalar(self, node: Node, names: Mapping[str, Kind]) -> Kind:
        """The kind of a single value; of a moment in any zone that of one in UTC."""
        kind = self._kind(node, names)
        if not is_scalar(kind):
            raise bad(f"{words(kind)} cannot stand here", at=node.at)
        return unzoned(kind)

    def _number(self, node: Node, names: Mapping[str, Kind]) -> Kind:
        kind = self._scalar(node, names)
        if kind in (TRUTH, MOMENT):
            raise bad(f"{words(kind)} is no number", at=node.at)
        return kind

    def _condition(self, node: Node, names: Mapping[str, Kind]) -> None:
        if self._scalar(node, names) == MOMENT:
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
        if sign in ORDERS:
            groups = {
                {WHOLE: "n", DECIMAL: "n", TRUTH: "b", MOMENT: "m"}.get(kind) for kind in kinds if kind is not NULL
            }
            if None not in groups and (len(groups) > 1 or (groups == {"b"} and NULL not in kinds)):
                raise bad(f"{words(kinds[0])} and {words(kinds[1])} have no order", at=node.at)
            return TRUTH
        return self._sum_kind(kinds, node)

    def _sum_kind(self, kinds: Sequence[Kind], node: Binary) -> Kind:
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
            if not is_scalar(kind) and other is not NULL:
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
                return self._keyed_kind(self.of[id(given[0])], given[1])
        if name not in FUNCTIONS:
            raise bad(f"{name} is not to be had", at=node.at)
        if name == "to_map" and len(given) % 2:
            raise bad("a key without a value", at=node.at)
        function = FUNCTIONS[name]
        kinds = [self._kind(one, names) for one in given]
        for i, (one, kind) in enumerate(zip(given, kinds, strict=True)):
            self._taken(function.letter(i), one, kind)
        self._check_constant(name, given)
        if name in ("zone_date_to_zone", "make_date_time"):
            return Moment(_zone_name(given[-1]))
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
            if not is_scalar(one) or unzoned(one) in wrong.get(letter, ()):
                raise bad(f"{words(kind)} cannot stand here", at=node.at)

    def _array(self, kind: Kind, node: Node) -> Kind:
        if not (isinstance(kind, Array) or kind is NULL):
            raise bad(f"{words(kind)} is no array", at=node.at)
        return kind

    def _check_constant(self, name: str, given: Sequence[Node]) -> None:
        if name not in _CONSTANTS:
            return
        index, check = _CONSTANTS[name]
        if index < len(given) and isinstance(one := given[index], Literal) and one.value is not None:
            try:
                check(text(one.value) or "")
            except RowError as error:
                raise bad(str(error), at=one.at) from error

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
        if not is_scalar(item):
            raise bad(f"{words(item)} is no text", at=given[-1].at)
        return TEXT

    def _fields(self, node: Call, names: Mapping[str, Kind]) -> list[tuple[str, Kind]]:
        if len(node.arguments) % 2:
            raise bad("a key without a value", at=node.at)
        return [
            (constant(key), self._kind(value, names))
            for key, value in zip(node.arguments[::2], node.arguments[1::2], strict=True)
        ]

    def _contains_kind(self, node: Call) -> Kind:
        path = constant(node.arguments[0])
        found = Reference(path) if path in self.shape else parse(path)
        step: Node = found
        while isinstance(step, Member | Item):
            if isinstance(step, Item) and not isinstance(step.index, Literal):
                raise bad("no path of constants", at=node.at)
            step = step.of
        if not isinstance(step, Reference):
            raise bad("no path", at=node.at)
        self._kind(found, {})
        self.paths[id(node)] = found
        return TRUTH

    def _indexed_kind(self, name: str, node: Call, names: Mapping[str, Kind]) -> Kind:
        """Of `array_to_map`, and the three forms of `object_to_map`."""
        given = node.arguments
        first = self._kind(given[0], names)
        if name == "array_to_map" or (len(given) == 2 and (isinstance(first, Array) or first is NULL)):
            self._array(first, given[0])
            if not (isinstance(given[1], Reference) and name == "object_to_map"):
                constant(given[1])
            item = first.item if isinstance(first, Array) else NULL
            if item is not NULL and not isinstance(item, Object):
                raise bad("no array of objects", at=node.at)
            if isinstance(item, Object) and not is_scalar(item.field(attribute(given[1]))):
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


def _zone_name(node: Node) -> str:
    """The zone in which a moment is shown: of offsets one name each; UTC where it is no constant."""
    if not isinstance(node, Literal) or node.value is None:
        return "UTC"
    zone = dates.zone_of(text(node.value) or "")
    return (
        ("UTC" if zone is UTC else offset_text(dates.NOW.astimezone(zone), ":"))
        if isinstance(zone, timezone)
        else str(zone)
    )


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


def constant(node: Node) -> str:
    """The text of a constant. Raises BadExpression for anything else."""
    if isinstance(node, Literal) and node.value is not None:
        return text(node.value) or ""
    raise bad("a constant text is needed here", at=node.at)


def attribute(node: Node) -> str:
    """The name of a field: a constant, or as a plain name."""
    return node.name if isinstance(node, Reference) else constant(node)
