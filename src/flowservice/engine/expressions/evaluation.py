"""Expressions over a batch: each node of the tree becomes a column, from the leaves up.

Every node is computed once, however deep the tree, and both branches of a condition are: which one counts, and which
errors with it, is picked row by row afterwards.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Final

import orjson
import polars as pl

from flowservice.domain.expressions.kinds import Array, Dictionary, Kind, Object, Scalar, in_words, united
from flowservice.domain.expressions.parsing import bad, placed
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
from flowservice.engine.expressions import operators
from flowservice.engine.expressions.column import (
    Column,
    as_kind,
    by_value,
    computed,
    constant,
    dictionary_of,
    dtype_of,
    either,
    flattened,
    height_of,
    interleaved,
    keep,
    lists_of,
    lost_of,
    rebuilt,
    replace_nulls,
    rows_of,
    select,
    text,
    truth,
    whole,
)
from flowservice.engine.expressions.column import (
    field as field_of,
)
from flowservice.errors import BadExpression

_WALKED: Final = "[*]"
"""The name of an element that `[*]` walks over: no column can have it as a plain name in an expression."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What names stand for: columns of a batch of `height` rows, and parameters of the lambdas around."""

    height: int
    columns: Mapping[str, Column]
    parameters: Mapping[str, Column] = field(default_factory=dict)
    rows: pl.Series | None = None
    """Within a lambda: the row that each element is of."""
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    """The instant of `now()`: one for a batch."""

    def named(self, name: str) -> Column | None:
        """A parameter or column; None: there is none of that name."""
        if name in self.parameters:
            return self.parameters[name]
        found = self.columns.get(name)
        if found is None or self.rows is None or found.is_constant:
            return found
        lost = None if found.lost is None else found.lost.gather(self.rows)
        return Column(found.kind, found.values.gather(self.rows), lost)

    def within(self, lens: pl.Series, parameter: str, items: Column) -> "Scope":
        """The scope of a lambda's body: a row for each element, `lens` of them for each row of this scope."""
        flat = rows_of(lens)
        outer = flat if self.rows is None else self.rows.gather(flat)
        parameters = {name: _spread(column, flat) for name, column in self.parameters.items()}
        return Scope(len(flat), self.columns, parameters | {parameter: items}, outer, self.now)


def _spread(column: Column, flat: pl.Series) -> Column:
    if column.is_constant:
        return column
    lost = None if column.lost is None else column.lost.gather(flat)
    return Column(column.kind, column.values.gather(flat), lost)


Function = Callable[[Call, Scope], Column]
FUNCTIONS: Final[dict[str, Function]] = {}
"""Every function by its names. The modules of functions fill it."""


def values(tree: Node, scope: Scope) -> Column:
    """The values of an expression, one for each row of the scope.

    Raises BadExpression where kinds do not fit each other, which only the columns at hand may show.
    """
    walks = [node for node in _all(tree) if isinstance(node, Each)]
    if walks:
        return _walked(tree, walks, scope).full(scope.height)
    return evaluated(tree, scope).full(scope.height)


def _all(tree: Node) -> list[Node]:
    found, at = [tree], 0
    while at < len(found):
        found.extend(below(found[at]))
        at += 1
    return found


def _walked(tree: Node, walks: list[Each], scope: Scope) -> Column:
    """The expression for each element of the array that its `[*]` names."""
    outer = [walk for walk in walks if not any(isinstance(node, Each) for node in _all(walk.of))]
    if any(walk != walks[0] for walk in walks) or len(outer) != len(walks):
        raise bad("only one array can be walked with [*] in one expression", at=walks[-1].at)
    array = evaluated(outer[0].of, scope).full(scope.height)
    if array.kind is Scalar.NULL:
        return array
    if not isinstance(array.kind, Array):
        raise bad(f"[*] walks over an array, not over {in_words(array.kind)}", at=walks[0].at)
    items, lens = flattened(array)
    inner = scope.within(lens, _WALKED, items)
    return rebuilt(evaluated(_without_walks(tree), inner).full(inner.height), lens, array)


def _without_walks(node: Node) -> Node:
    """The tree with the walked element in the place of `[*]`."""
    again = _without_walks
    match node:
        case Each():
            return Reference(_WALKED, node.at)
        case Member(of=of, name=name):
            return Member(again(of), name, node.at)
        case Item(of=of, index=index):
            return Item(again(of), again(index), node.at)
        case ArrayOf(items=items):
            return ArrayOf(tuple(map(again, items)), node.at)
        case ObjectOf(entries=entries):
            return ObjectOf(tuple((key, again(value)) for key, value in entries), node.at)
        case Call(name=name, arguments=arguments):
            return Call(name, tuple(map(again, arguments)), node.is_method, node.at)
        case Unary(operator=operator, operand=operand):
            return Unary(operator, again(operand), node.at)
        case Binary(operator=operator, left=left, right=right):
            return Binary(operator, again(left), again(right), node.at)
        case Conditional(condition=condition, yes=yes, no=no):
            return Conditional(again(condition), None if yes is None else again(yes), again(no), node.at)
        case Lambda(parameter=parameter, body=body):
            return Lambda(parameter, again(body), node.at)
        case _:
            return node


def evaluated(node: Node, scope: Scope) -> Column:
    """The column of one node: a constant, or one value for each row. Raises BadExpression, which tells the place."""
    try:
        return _evaluated(node, scope)
    except BadExpression as error:
        # The innermost node that knows where it stands is the one to be named.
        raise placed(error, at=node.at) from error


def _evaluated(node: Node, scope: Scope) -> Column:
    match node:
        case Literal(value=value):
            return _literal(value)
        case Reference() | Member():
            return _path(node, scope)
        case Item(of=of, index=index):
            return item(evaluated(of, scope), evaluated(index, scope), at=node.at)
        case ArrayOf(items=items):
            return array_of([evaluated(each, scope) for each in items])
        case ObjectOf(entries=entries):
            check_different([key for key, _ in entries], at=node.at)
            return object_of({key: evaluated(value, scope) for key, value in entries})
        case Call(name=name):
            return FUNCTIONS[name](node, scope)
        case Unary(operator=operator, operand=operand):
            return operators.unary(operator, evaluated(operand, scope), at=node.at)
        case Binary(operator=operator, left=left, right=right):
            return _binary(operator, evaluated(left, scope), evaluated(right, scope), at=node.at)
        case Conditional(condition=condition, yes=yes, no=no):
            return _conditional(condition, yes, no, scope)
        case Lambda():
            raise bad("a lambda can only be an argument of filterArray or transformArray", at=node.at)
        case Each():
            raise bad("[*] cannot stand here", at=node.at)


def _literal(value: str | float | bool | None) -> Column:
    kinds = {str: Scalar.TEXT, int: Scalar.WHOLE, float: Scalar.DECIMAL, bool: Scalar.TRUTH}
    return constant(value, kinds.get(type(value), Scalar.NULL))


def _path(node: Reference | Member, scope: Scope) -> Column:
    """A column, or a field below one. The longest name with dots that is a column's counts."""
    names: list[str] = []
    root: Node = node
    while isinstance(root, Member):
        names.insert(0, root.name)
        root = root.of
    if not isinstance(root, Reference):
        found = evaluated(root, scope)
    else:
        names.insert(0, root.name)
        found = constant(None, Scalar.NULL)
        for count in range(len(names), 0, -1):
            named = scope.named(".".join(names[:count]))
            if named is not None:
                found, names = named, names[count:]
                break
        else:
            names = []
    for name in names:
        found = member(found, name, at=node.at)
    return found


def member(of: Column, name: str, *, at: int) -> Column:
    """A field by its name. Null where there is none."""
    match of.kind:
        case Object():
            return field_of(of, name)
        case Dictionary():
            return looked_up(of, constant(name, Scalar.TEXT))
        case Scalar.JSON:
            return _json_at(of, name)
        case Array():
            raise bad(
                f"an array has no field {name[:40]!r}", at=at, advice="Name an element ([0]), or each of them ([*])."
            )
        case _:
            return nothing(of)


def _json_at(of: Column, step: str | int) -> Column:
    def found(value: str) -> str | None:
        inner = orjson.loads(value)
        try:
            below_ = inner[step]
        except (KeyError, IndexError, TypeError):
            return None
        return None if below_ is None else orjson.dumps(below_).decode()

    return by_value(of, found, Scalar.JSON)


def item(of: Column, index: Column, *, at: int) -> Column:
    """An element of an array, or the value of a key. Null where there is none."""
    match of.kind:
        case Array(of=kind):
            place = whole(index)

            def found(lists: pl.Expr, places: pl.Expr) -> pl.Expr:
                return lists.list.get(pl.when(places >= 0).then(places), null_on_oob=True)

            return keep_lost(computed(kind, found, of, place), place)
        case Dictionary():
            return looked_up(of, text(index))
        case Object():
            if not index.is_constant:
                return looked_up(dictionary_of(of, united(of.kind.fields.values())), text(index))
            key = text(index).value
            return constant(None, Scalar.NULL) if key is None else field_of(of, key)
        case Scalar.JSON:
            if not index.is_constant:
                raise bad("what is taken of JSON must be named by a constant", at=at)
            if index.kind is Scalar.WHOLE:
                return _json_at(of, index.value) if index.value >= 0 else nothing(of)
            return _json_at(of, str(text(index).value))
        case _:
            return nothing(of)


def nothing(like: Column) -> Column:
    """Nulls of no kind."""
    nulls = pl.Series([None]).new_from_index(0, len(like.values))
    return Column(Scalar.NULL, nulls, like.lost, like.is_constant)


def keep_lost(column: Column, *others: Column) -> Column:
    """The same, lost also where one of the others is."""
    return keep(column, either(column.lost, lost_of(*others)))


def looked_up(of: Column, key: Column) -> Column:
    """The value of a key of maps."""
    assert isinstance(of.kind, Dictionary)
    height = height_of((of, key))
    maps, keys = of.full(height), key.full(height)
    entries, lens = flattened(maps)
    frame = pl.DataFrame(
        {"row": rows_of(lens), "key": entries.values.struct.field("key"), "value": entries.values.struct.field("value")}
    )
    # A row number and a key find one entry at most: keys of a map are different.
    wanted = pl.DataFrame({"row": pl.int_range(height, eager=True), "key": keys.values})
    found = wanted.join(frame, on=["row", "key"], how="left", maintain_order="left")["value"]
    is_constant = of.is_constant and key.is_constant
    return keep(Column(of.kind.of, found.rename(""), None, is_constant), lost_of(maps, keys))


def array_of(items: list[Column]) -> Column:
    """Arrays with one item of each column."""
    kind = united(each.kind for each in items)
    columns = [as_kind(each, kind) for each in items]
    if not columns:
        return constant([], Array(Scalar.NULL))

    is_constant = all(column.is_constant for column in columns)
    height = height_of(columns)
    stacked = interleaved([column.full(height).values for column in columns])
    lens = select(pl.repeat(len(columns), height))
    lists = lists_of(stacked, lens, select(pl.repeat(False, height)))
    return keep(Column(Array(kind), lists, None, is_constant), lost_of(*columns))


def check_different(keys: Sequence[str], *, at: int) -> None:
    """Raise BadExpression for a key of an object that comes twice."""
    if again := next((key for index, key in enumerate(keys) if key in keys[:index]), None):
        raise bad(f"the key {again[:40]!r} comes twice", at=at)


def object_of(fields: Mapping[str, Column]) -> Column:
    """Objects with these fields."""
    kind = Object({name: column.kind for name, column in fields.items()})
    if not fields:
        return constant({}, kind)
    names = list(fields)

    def struct(*exprs: pl.Expr) -> pl.Expr:
        return pl.struct([expr.alias(name) for name, expr in zip(names, exprs, strict=True)])

    return keep_lost(computed(kind, struct, *fields.values()), *fields.values())


def _binary(operator: Operator, left: Column, right: Column, *, at: int) -> Column:
    if operator is Operator.AND or operator is Operator.OR:
        return _logical(operator, truth(left), truth(right))
    return operators.binary(operator, left, right, at=at)


def _logical(operator: Operator, left: Column, right: Column) -> Column:
    """Errors of the right side count where the left one does not decide."""
    is_open = left.values if operator is Operator.AND else ~left.values
    both = computed(
        Scalar.TRUTH,
        lambda a, b: (a & b) if operator is Operator.AND else (a | b),
        replace_nulls(left),
        replace_nulls(right),
    )
    lost = left.lost
    if right.lost is not None:
        lost = either(lost, is_open & right.lost)
    return keep(replace(both, lost=None), lost)


def _conditional(condition: Node, yes: Node | None, no: Node, scope: Scope) -> Column:
    given = evaluated(condition, scope)
    if yes is None:
        return chosen(operators.is_given(given), given, evaluated(no, scope))
    return chosen(truth(given), evaluated(yes, scope), evaluated(no, scope))


def chosen(condition: Column, yes: Column, no: Column) -> Column:
    """`yes` where the condition holds, else `no`; errors of the other branch do not count."""
    kind: Kind = united((yes.kind, no.kind))
    one, other = as_kind(yes, kind), as_kind(no, kind)
    is_constant = condition.is_constant and one.is_constant and other.is_constant
    if condition.is_constant and condition.lost is None:
        return one if condition.value else other

    def pick(a: pl.Expr, b: pl.Expr) -> pl.Expr:
        return pl.when(pl.lit(condition.values)).then(a).otherwise(b)

    values_ = select(pick(one.expr, other.expr).cast(dtype_of(kind)), is_constant=is_constant)
    lost = condition.lost
    if one.lost is not None or other.lost is not None:
        picked = select(pick(_or_false(one.lost), _or_false(other.lost)), is_constant=is_constant)
        lost = either(lost, picked)
    return keep(Column(kind, values_, None, is_constant), lost)


def _or_false(lost: pl.Series | None) -> pl.Expr:
    if lost is None:
        return pl.lit(value=False)
    return pl.lit(lost[0]) if len(lost) == 1 else pl.lit(lost)
