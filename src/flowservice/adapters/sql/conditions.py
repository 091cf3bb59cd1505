"""What the service itself looks resources up by, as SQL: columns where there is one and the document otherwise."""

import math
from collections.abc import Mapping
from typing import Any, ClassVar, Final

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.visitors import InternalTraversal

from flowservice.domain.query import Condition, Operator
from flowservice.errors import BadQuery

_COLUMNS: Final[Mapping[tuple[str, ...], str]] = {
    ("id",): "id",
    ("name",): "name",
    ("state",): "state",
    ("created_at",): "created_at_ms",
    ("updated_at",): "updated_at_ms",
    ("flow_id",): "flow_id",
    ("base_connection_id",): "base_connection_id",
    ("dataset_id",): "dataset_id",
    ("alt_id",): "alt_id",
    ("kind",): "kind",
    ("schema_id",): "schema_id",
}


def matches(table: sa.Table, condition: Condition) -> sa.ColumnElement[bool]:
    """`condition` as SQL. Raises BadQuery for a value that cannot be compared so."""
    column = _column(table, condition.path)
    if condition.operator in {Operator.EQ, Operator.NE}:
        return _equality(table, condition, column)
    number = _number(condition)
    left = column if column is not None else _numeric(table, condition.path)
    comparison: sa.ColumnElement[bool] = {
        Operator.LT: left < number,
        Operator.LE: left <= number,
        Operator.GT: left > number,
        Operator.GE: left >= number,
    }[condition.operator]
    return comparison


def _equality(table: sa.Table, condition: Condition, column: sa.Column[Any] | None) -> sa.ColumnElement[bool]:
    if column is None:
        left: sa.ColumnElement[Any] = sa.func.coalesce(_text(table, condition.path), "")
        right: list[Any] = list(condition.values)
    elif isinstance(column.type, sa.BigInteger):
        left, right = column, [_whole(condition, value) for value in condition.values]
    elif column.name == "state":
        # Clients write states in any case: `Failed`, `FAILED`.
        left, right = sa.func.lower(column), [value.lower() for value in condition.values]
    else:
        left, right = column, list(condition.values)
    return left.in_(right) if condition.operator is Operator.EQ else left.not_in(right)


def _column(table: sa.Table, path: tuple[str, ...]) -> sa.Column[Any] | None:
    name = _COLUMNS.get(path)
    return table.columns.get(name) if name else None


def _number(condition: Condition) -> float:
    try:
        number = float(condition.values[0])
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise BadQuery(
            f"{condition.operator} needs a number for {'.'.join(condition.path)}",
            advice="Times are epoch milliseconds.",
        )
    return number


def _whole(condition: Condition, value: str) -> int:
    try:
        return int(value)
    except ValueError:
        raise BadQuery(f"{'.'.join(condition.path)} is compared with whole numbers") from None


def _text(table: sa.Table, path: tuple[str, ...]) -> sa.ColumnElement[str]:
    return DocumentText(table.c.document, path)


def _numeric(table: sa.Table, path: tuple[str, ...]) -> sa.ColumnElement[float]:
    return DocumentNumber(table.c.document, path)


class _DocumentValue:
    """A value inside the document. Each database has its own way to say it."""

    _traverse_internals: ClassVar = [
        ("document", InternalTraversal.dp_clauseelement),
        ("path", InternalTraversal.dp_plain_obj),
    ]

    def __init__(self, document: sa.Column[Any], path: tuple[str, ...]) -> None:
        self.document = document
        self.path = path


class DocumentText(_DocumentValue, sa.ColumnElement[str]):
    """As text; null where it is missing."""

    inherit_cache = True
    type = sa.String()


class DocumentNumber(_DocumentValue, sa.ColumnElement[float]):
    """As a number; null where it is missing or something else."""

    inherit_cache = True
    type = sa.Float()


def _sqlite_path(compiler: SQLCompiler, path: tuple[str, ...]) -> str:
    # A quote cannot be escaped inside a quoted label of SQLite's path syntax; no field of ours has one.
    steps = "".join(f'."{step.replace(chr(34), "")}"' for step in path)
    return compiler.render_literal_value(f"${steps}", sa.String())


def _postgresql_path(compiler: SQLCompiler, path: tuple[str, ...]) -> str:
    return f"ARRAY[{', '.join(compiler.render_literal_value(step, sa.String()) for step in path)}]"


@compiles(DocumentText, "sqlite")
def _sqlite_text(element: DocumentText, compiler: SQLCompiler, **kw: Any) -> str:
    document, path = compiler.process(element.document, **kw), _sqlite_path(compiler, element.path)
    # json_extract says 1 and 0 for booleans.
    return (
        f"CASE json_type({document}, {path}) WHEN 'true' THEN 'true' WHEN 'false' THEN 'false' "
        f"ELSE CAST(json_extract({document}, {path}) AS TEXT) END"
    )


@compiles(DocumentText, "postgresql")
def _postgresql_text(element: DocumentText, compiler: SQLCompiler, **kw: Any) -> str:
    return f"({compiler.process(element.document, **kw)} #>> {_postgresql_path(compiler, element.path)})"


@compiles(DocumentNumber, "sqlite")
def _sqlite_number(element: DocumentNumber, compiler: SQLCompiler, **kw: Any) -> str:
    document, path = compiler.process(element.document, **kw), _sqlite_path(compiler, element.path)
    return f"CASE WHEN json_type({document}, {path}) IN ('integer', 'real') THEN json_extract({document}, {path}) END"


@compiles(DocumentNumber, "postgresql")
def _postgresql_number(element: DocumentNumber, compiler: SQLCompiler, **kw: Any) -> str:
    value = f"({compiler.process(element.document, **kw)} #> {_postgresql_path(compiler, element.path)})"
    return f"CASE WHEN jsonb_typeof({value}) = 'number' THEN {value}::numeric END"
