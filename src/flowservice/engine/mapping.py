"""Source rows to rows of an XDM schema: mapped, coerced and validated, a batch at a time."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from flowservice.domain.expressions.syntax import Node as Expression
from flowservice.domain.expressions.syntax import Reference
from flowservice.domain.mapping import Mapping, MappingVersion, of_mapping
from flowservice.domain.run import Tally
from flowservice.domain.xdm_arrow import arrow_schema, leaf_type
from flowservice.domain.xdm_patterns import check_patterns
from flowservice.domain.xdm_tree import Leaf, Node, ObjectField, found, kind_of
from flowservice.domain.xdm_types import XdmType
from flowservice.engine.coercion import coerced
from flowservice.engine.expressions import Column, Scope, source_column, values
from flowservice.engine.expressions.landing import fields_of, landed
from flowservice.engine.row_mapper import REJECTS, Mapped
from flowservice.engine.validation import Columns, Violation, present, violations
from flowservice.errors import BadMapping
from flowservice.sdk import to_text

CONVERSION_FAILED: Final = "MAPPER-3700-400"
KEYLESS: Final = "key-missing"
"""Code of rows without a value in a field by which rows are upserted."""
_SHOWN_SOURCE: Final = 200
"""Characters of an expression in a warning."""
_SHOWN_LENGTH: Final = 1000
"""Characters of a rejected value; the row beside it has it whole."""


@dataclass(frozen=True, slots=True)
class _Fed:
    """A target field and where its values come from."""

    mapping: Mapping
    node: Node
    column: str | None
    constant: pa.Array | None
    """One value in the field's type; null if the constant is no value of it."""
    expression: Expression | None = None
    reads: tuple[str, ...] = ()
    """The columns that the expression needs."""
    covered: frozenset[str] = frozenset()
    """Fields below an object that have mappings of their own, which count."""


class Mapper:
    """One version of a mapping set, compiled for one schema. Stateless: any thread may call `apply`.

    `schema` is the whole landed schema; fields that nothing feeds are null. `source_columns` are those it reads.
    """

    def __init__(self, version: MappingVersion, tree: ObjectField, *, keys: tuple[str, ...] = ()) -> None:
        """Rows without a value in one of `keys` are rejected.

        Raises BadMapping, NotSupported, and BadSchema for a pattern that cannot be matched.
        """
        version.check(tree)
        version.check_keys(keys)
        check_patterns(tree)
        self._tree = tree
        self._keys = keys
        paths = frozenset(mapping.destination for mapping in version.mappings)
        self._fed = tuple(_fed(mapping, tree, paths) for mapping in version.mappings)
        self.schema: pa.Schema = arrow_schema(tree)
        self.source_columns: tuple[str, ...] = version.source_columns
        for mapping in version.mappings:
            check_constants(version, mapping, tree)

    def apply(self, batch: pa.RecordBatch) -> Mapped:
        """Map every row. A column that the batch lacks is null in all of its rows."""
        columns: dict[str, pa.Array] = {}
        warnings: list[Tally] = []
        seen: dict[str, Column] = {}
        for fed in self._fed:
            if fed.expression is None:
                columns[fed.mapping.destination], lost = _values(fed, batch)
            else:
                _see(fed.reads, batch, seen)
                computed, lost = _computed(fed, seen, batch.num_rows)
                columns |= computed
            if lost:
                warnings.append(_warning(fed, batch, lost))
        broken = (*_keyless(self._keys, columns), *violations(self._tree, columns, rows=batch.num_rows))
        rows = pa.Table.from_arrays(_assembled(self._tree, self.schema, columns, batch.num_rows), schema=self.schema)
        rejects, kept = REJECTS.empty_table(), None
        if broken:
            rejected = broken[0].rows
            for violation in broken[1:]:
                rejected = pc.or_(rejected, violation.rows)
            kept = pc.invert(rejected)
            rows = rows.filter(kept)
            named = ((fed.mapping.destination, fed.column or next(iter(fed.reads), None)) for fed in self._fed)
            origins = {path: column for path, column in named if column is not None}
            rejects = _rejects(batch, broken, pc.indices_nonzero(rejected), origins)
        rejections = (Tally(code=v.code, field=v.field, message=v.message, count=v.rows.true_count) for v in broken)
        return Mapped(rows=rows, rejects=rejects, warnings=tuple(warnings), rejections=tuple(rejections), kept=kept)


def check_constants(version: MappingVersion, mapping: Mapping, tree: ObjectField) -> None:
    """Return if an expression does not fail whatever the source is: for a constant that is no pattern, a kind that the
    field cannot take. Raises BadExpression, BadMapping.
    """
    fed = _fed(mapping, tree, frozenset(each.destination for each in version.mappings))
    if fed.expression is not None:
        try:
            _computed(fed, {}, 0)
        except BadMapping as error:
            raise of_mapping(mapping, error) from error


def _keyless(keys: tuple[str, ...], columns: Columns) -> Iterator[Violation]:
    for key in keys:
        rows = columns[key].is_null()
        if rows.true_count:
            message = "a key field is missing or null: nobody could tell which row is meant"
            yield Violation(code=KEYLESS, field=key, message=message, rows=rows)


def _fed(mapping: Mapping, tree: ObjectField, paths: frozenset[str]) -> _Fed:
    """`paths` are all that the mappings feed."""
    node = found(tree, mapping.destination)
    expression = mapping.expression
    if expression is None and mapping.column is not None and not isinstance(node, Leaf):
        # A whole array or object, as it is.
        expression = Reference(mapping.column)
    if expression is not None:
        below = frozenset(path for path in paths if path.startswith(f"{mapping.destination}."))
        return _Fed(mapping, node, None, None, expression, mapping.reads, below)
    assert isinstance(node, Leaf)  # MappingVersion.check
    constant = None if mapping.column is not None else coerced(pa.array([mapping.source]), node)
    return _Fed(mapping, node, mapping.column, constant)


def _see(names: Sequence[str], batch: pa.RecordBatch, seen: dict[str, Column]) -> None:
    """Add the columns of those names that the batch has, as expressions see them."""
    for name in names:
        index = batch.schema.get_field_index(name)
        if name not in seen and index >= 0:
            seen[name] = source_column(batch.column(index))


def _computed(fed: _Fed, source: dict[str, Column], rows: int) -> tuple[dict[str, pa.Array], int]:
    """The columns that an expression feeds, by their paths, and how many values were lost."""
    assert fed.expression is not None
    made = values(fed.expression, Scope(rows, source))
    lost = 0 if made.lost is None else int(made.lost.sum())
    columns: dict[str, pa.Array] = {}
    for path, node, column in _spread(fed.mapping.destination, fed.node, made, fed.covered):
        columns[path] = landed(column, node)
        lost += columns[path].null_count - column.values.null_count()
    return columns, lost


def _spread(path: str, node: Node, column: Column, covered: frozenset[str]) -> Iterator[tuple[str, Node, Column]]:
    """The fields below an object, each with its part of the value."""
    if not isinstance(node, ObjectField):
        yield path, node, column
        return
    for name, part in fields_of(column, list(node.fields)).items():
        below = f"{path}.{name}"
        if below not in covered:
            yield from _spread(below, node.fields[name], part, covered)


def _values(fed: _Fed, batch: pa.RecordBatch) -> tuple[pa.Array, int]:
    """The field's values, and how many of them were lost: given by the source and null now."""
    assert isinstance(fed.node, Leaf)
    wanted = leaf_type(fed.node)
    if fed.constant is not None:
        value = fed.constant[0]
        return pa.repeat(value, batch.num_rows), 0 if value.is_valid else batch.num_rows
    index = batch.schema.get_field_index(fed.column)
    if index < 0:
        return pa.nulls(batch.num_rows, wanted), 0
    source = batch.column(index)
    made = coerced(source, fed.node)
    return made, made.null_count - source.null_count


_WORDS: Final = {XdmType.INT: "INTEGER", XdmType.DATE_TIME: "DATETIME"}


def _warning(fed: _Fed, batch: pa.RecordBatch, count: int) -> Tally:
    """The form in which clients of Data Prep look for the paths and types. It never quotes the value."""
    path = fed.mapping.destination
    kind = kind_of(fed.node)
    expected = _WORDS.get(kind, kind.value.upper())
    actual = "STRING" if fed.column is None else _word(batch.schema.field(fed.column).type)
    origin = fed.column or ("(constant)" if fed.expression is None else fed.mapping.source[:_SHOWN_SOURCE])
    message = (
        f"Data conversion failed at destination path {path}. The expected data type was: {expected}, "
        f"actual data type was: {actual}. Check the value. sourceField: {origin} destinationField: {path}"
    )
    return Tally(code=CONVERSION_FAILED, field=path, message=message, count=count)


def _word(source: pa.DataType) -> str:
    words = (
        (pa.types.is_integer, "LONG"),
        (pa.types.is_floating, "NUMBER"),
        (pa.types.is_boolean, "BOOLEAN"),
        (pa.types.is_timestamp, "DATETIME"),
        (pa.types.is_date, "DATE"),
        (pa.types.is_nested, "OBJECT"),
        (pa.types.is_binary, "BINARY"),
    )
    return next((word for is_kind, word in words if is_kind(source)), "STRING")


def _assembled(tree: ObjectField, schema: Any, columns: Columns, rows: int, at: str = "") -> list[pa.Array]:
    """The arrays of `schema`'s fields (a schema or a struct type). An object without any value is null."""
    out: list[pa.Array] = []
    for field in schema:
        path = f"{at}.{field.name}" if at else field.name
        node = tree.fields[field.name]
        given = present(node, path, columns)
        if given is None:
            out.append(pa.nulls(rows, field.type))
        elif isinstance(node, ObjectField):
            below = _assembled(node, field.type, columns, rows, path)
            out.append(pa.StructArray.from_arrays(below, fields=list(field.type), mask=pc.invert(given)))
        else:
            out.append(columns[path])
    return out


def _rejects(
    batch: pa.RecordBatch, broken: Sequence[Violation], at: pa.UInt64Array, origins: dict[str, str]
) -> pa.Table:
    """The rejected rows. Python walks these alone; a table has few of them or the run fails."""
    source = batch.take(at)
    texts = {name: _texts(source.column(name)) for name in sorted(source.schema.names)}
    reasons = [violation.rows.take(at).to_pylist() for violation in broken]
    out: list[dict[str, str | None]] = []
    for row in range(len(at)):
        mine = [violation for violation, rows in zip(broken, reasons, strict=True) if rows[row]]
        origin = origins.get(mine[0].field)
        shown = {name: text for name, values in texts.items() if (text := values[row]) is not None}
        out.append(
            {
                "code": mine[0].code,
                "field": mine[0].field,
                "message": "; ".join(f"{violation.field}: {violation.message}" for violation in mine),
                "value": (shown.get(origin) or "")[:_SHOWN_LENGTH] if origin in shown else None,
                # Canonical text throughout: a row reads the same whether its batch was typed or mixed.
                "row": json.dumps(shown, ensure_ascii=False),
            }
        )
    return pa.Table.from_pylist(out, schema=REJECTS)


def _texts(values: pa.Array) -> list[str | None]:
    if pa.types.is_nested(values.type):
        return [None if value is None else json.dumps(value, default=str) for value in values.to_pylist()]
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    texts: list[str | None] = to_text(values).to_pylist()
    return texts
