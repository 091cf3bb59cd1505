"""What one mapping gives the fields that it feeds, a batch at a time."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from flowservice.domain.destination import Destination
from flowservice.domain.expressions.kinds import Array, Scalar
from flowservice.domain.expressions.syntax import Literal, Reference
from flowservice.domain.expressions.syntax import Node as Expression
from flowservice.domain.mapping import Mapping as FieldMapping
from flowservice.domain.mapping import MappingKind
from flowservice.domain.xdm_arrow import leaf_type
from flowservice.domain.xdm_tree import ArrayField, Leaf, Node, ObjectField
from flowservice.engine.coercion import coerced
from flowservice.engine.expressions import Column, Scope, source_column, values
from flowservice.engine.expressions.column import either
from flowservice.engine.expressions.landing import arrow_rows, fields_of, landed


@dataclass(slots=True)
class Rows:
    """A batch of a source, and its columns as expressions see them: each made once, when it is first asked for."""

    batch: pa.RecordBatch
    _seen: dict[str, Column] = field(default_factory=dict)

    def scope(self, names: tuple[str, ...]) -> Scope:
        """What an expression that reads these columns works on. A column that the batch lacks is null."""
        for name in names:
            index = self.batch.schema.get_field_index(name)
            if name not in self._seen and index >= 0:
                self._seen[name] = source_column(self.batch.column(index))
        return Scope(self.batch.num_rows, self._seen)


@dataclass(frozen=True, slots=True)
class Feed:
    """A mapping made ready: the field it feeds, and where its values come from."""

    mapping: FieldMapping
    place: Destination
    node: Node
    column: str | None = None
    """A column that is taken as it is."""
    constant: pa.Array | None = None
    """One value in the field's type; null if the constant is no value of it."""
    expression: Expression | None = None
    reads: tuple[str, ...] = ()
    """The columns that the expression needs."""
    covered: frozenset[str] = frozenset()
    """Fields below an object that have mappings of their own, which count."""

    def columns(self, rows: Rows) -> tuple[dict[str, pa.Array], pa.BooleanArray | None]:
        """The columns that it feeds, by their paths, and the rows in which a value was lost (None: in none).

        Raises BadMapping where kinds do not fit each other or the field.
        """
        if self.expression is None:
            values, lost = self._values(rows.batch)
            return {self.place.path: values}, lost
        return spread(self.place.path, self.node, self.computed(rows), self.covered)

    def check(self, rows: Rows) -> None:
        """Return if the kinds of its expression fit each other and the field. Raises BadMapping."""
        column = self.computed(rows)
        if self.in_each and iterates(column):
            landed(column, ArrayField(items=self.node))
        else:
            spread(self.place.below if self.place.in_items else self.place.path, self.node, column, self.covered)

    @property
    def in_each(self) -> bool:
        """Whether it feeds each item of a list."""
        return self.place.in_items and self.place.item is None

    def computed(self, rows: Rows) -> Column:
        """The values of its expression. Raises BadExpression where kinds do not fit each other."""
        assert self.expression is not None
        return values(self.expression, rows.scope(self.reads))

    def _values(self, batch: pa.RecordBatch) -> tuple[pa.Array, pa.BooleanArray | None]:
        assert isinstance(self.node, Leaf)
        if self.constant is not None:
            value = self.constant[0]
            lost = None if value.is_valid else pa.repeat(pa.scalar(value=True), batch.num_rows)
            return pa.repeat(value, batch.num_rows), lost
        index = batch.schema.get_field_index(self.column)
        if index < 0:
            return pa.nulls(batch.num_rows, leaf_type(self.node)), None
        source = batch.column(index)
        made = coerced(source, self.node)
        if made.null_count == source.null_count:
            return made, None
        return made, pc.and_(made.is_null(), source.is_valid())


def iterates(column: Column) -> bool:
    """Whether it has an item for each item of a list."""
    return isinstance(column.kind, Array) or column.kind is Scalar.JSON


def spread(
    path: str, node: Node, column: Column, covered: frozenset[str]
) -> tuple[dict[str, pa.Array], pa.BooleanArray | None]:
    """A value given to the field at `path`: the columns of it or of the fields below it, and the rows that lost one.

    Raises BadMapping for a kind that the field cannot take.
    """
    columns: dict[str, pa.Array] = {}
    lost: pl.Series | None = column.lost
    for below, of, part in _parts(path, node, column, covered):
        made = landed(part, of)
        columns[below] = made.values
        lost = either(lost, made.lost)
    return columns, arrow_rows(lost)


def _parts(path: str, node: Node, column: Column, covered: frozenset[str]) -> Iterator[tuple[str, Node, Column]]:
    if not isinstance(node, ObjectField):
        yield path, node, column
        return
    for name, part in fields_of(column, list(node.fields)).items():
        below = f"{path}.{name}" if path else name
        if below not in covered:
            yield from _parts(below, node.fields[name], part, covered)


def feed_of(mapping: FieldMapping, tree: ObjectField, others: Sequence[Destination]) -> Feed:
    """A mapping made ready for a schema; `others` are the places of all mappings."""
    place = mapping.place
    node = place.node(tree)
    expression = mapping.expression
    if mapping.kind is MappingKind.STATIC and place.in_items:
        expression = Literal(mapping.source)
    if mapping.column is not None and (place.in_items or not isinstance(node, Leaf)):
        # A whole array or object, as it is.
        expression = Reference(mapping.column)
    if expression is not None:
        return Feed(mapping, place, node, None, None, expression, mapping.reads, _covered(place, others))
    assert isinstance(node, Leaf)  # MappingVersion.check
    constant = None if mapping.column is not None else coerced(pa.array([mapping.source]), node)
    return Feed(mapping, place, node, mapping.column, constant)


def _covered(place: Destination, others: Sequence[Destination]) -> frozenset[str]:
    """Paths below `place` that are fed by other mappings; of an item of a list, from the item on."""
    if not place.in_items:
        return frozenset(other.path for other in others if other.path.startswith(f"{place.path}."))
    start = f"{place.below}." if place.below else ""
    same = (other.below for other in others if (other.path, other.item) == (place.path, place.item))
    return frozenset(below for below in same if below != place.below and below.startswith(start))
