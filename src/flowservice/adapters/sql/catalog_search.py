"""The catalog's searches as SQL: over columns where there is one, over the document otherwise."""

from dataclasses import dataclass
from typing import Any, Final, Generic, Protocol, TypeVar

import sqlalchemy as sa
from pydantic import TypeAdapter
from sqlalchemy.dialects.postgresql import JSONB

from flowservice.adapters.sql.resources import Connect
from flowservice.domain.criteria import Criterion, Kind, Path, Pattern, Relation, Search, SortKey, number
from flowservice.domain.identity import Scope
from flowservice.domain.resource import Resource
from flowservice.errors import BadQuery

R = TypeVar("R", bound=Resource)
_ORDERS: Final = frozenset({Relation.LT, Relation.LE, Relation.GT, Relation.GE})


@dataclass(frozen=True, slots=True, kw_only=True)
class SqlSearch(Generic[R]):
    """Fills `ports.database.Searched`. A path of one step that names a column means it."""

    table: sa.Table
    adapter: TypeAdapter[R]
    connect: Connect

    def find(self, scope: Scope, search: Search) -> list[R]:
        table = self.table
        with self.connect(reading=True) as connection:
            words: _Words = _PostgreSql() if connection.dialect.name == "postgresql" else _Sqlite()
            said = _Said(table, words)
            query = (
                sa.select(table.c.document)
                .where(table.c.sandbox_id == scope.sandbox_id, table.c.org_id == scope.org_id)
                .where(*(said.criterion(criterion) for criterion in search.criteria))
                .order_by(*(said.key(key) for key in search.order))
                .order_by(table.c.created_at_ms.desc(), table.c.id.desc())
                .limit(search.limit)
                .offset(search.start)
            )
            documents = connection.execute(query).scalars().all()
        return [self.adapter.validate_python(document) for document in documents]


class _Words(Protocol):
    """How a database says things about JSON."""

    def present(self, document: sa.Column[Any], path: Path) -> sa.ColumnElement[bool]: ...
    def text(self, document: sa.Column[Any], path: Path) -> sa.ColumnElement[Any]: ...
    def number(self, document: sa.Column[Any], path: Path) -> sa.ColumnElement[Any]: ...
    def time(self, document: sa.Column[Any], path: Path) -> sa.ColumnElement[Any]: ...
    def members(self, document: sa.Column[Any], path: Path) -> Any: ...
    def ordered(self, text: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]: ...
    def fits(self, text: sa.ColumnElement[Any], pattern: Pattern) -> sa.ColumnElement[bool]: ...


@dataclass(frozen=True, slots=True)
class _Said:
    """Criteria and sort keys on one table, in the words of one database."""

    table: sa.Table
    words: _Words

    def criterion(self, asked: Criterion) -> sa.ColumnElement[bool]:
        if asked.relation in {Relation.EXISTS, Relation.MISSING}:
            present = sa.true() if self._is_column(asked.path) else self.words.present(self._document, asked.path)
            return present if asked.relation is Relation.EXISTS else sa.not_(present)
        if asked.kind is Kind.TEXTS:
            members = self.words.members(self._document, asked.path)
            found = sa.exists(sa.select(1).select_from(members).where(self._equals(members.c.value, asked)))
            return sa.not_(found) if asked.relation is Relation.NE else found
        value = self._value(asked.path, asked.kind)
        if asked.relation in _ORDERS:
            return self._ordered(value, asked)
        equal = sa.func.coalesce(self._equals(value, asked), sa.false())
        return sa.not_(equal) if asked.relation is Relation.NE else equal

    def key(self, key: SortKey) -> sa.ColumnElement[Any]:
        value = self._value(key.path, key.kind)
        return (value.desc() if key.descending else value.asc()).nulls_last()

    @property
    def _document(self) -> sa.Column[Any]:
        return self.table.c.document

    def _is_column(self, path: Path) -> bool:
        return len(path) == 1 and path[0] in self.table.c

    def _value(self, path: Path, kind: Kind) -> sa.ColumnElement[Any]:
        if self._is_column(path):
            column = self.table.c[path[0]]
            return self.words.ordered(column) if kind is Kind.TEXT else column
        if kind is Kind.NUMBER:
            return self.words.number(self._document, path)
        if kind is Kind.TIME:
            return self.words.time(self._document, path)
        return self.words.ordered(self.words.text(self._document, path))

    def _equals(self, value: sa.ColumnElement[Any], asked: Criterion) -> sa.ColumnElement[bool]:
        plain = [wanted for wanted in asked.values if not isinstance(wanted, Pattern)]
        if asked.kind in {Kind.NUMBER, Kind.TIME}:
            numbers = [_number(asked, wanted) for wanted in asked.values]
            if isinstance(value.type, sa.BigInteger):
                numbers = [number for number in numbers if number.is_integer() and abs(number) < 2**63]
                return value.in_([sa.literal(int(number), sa.BigInteger()) for number in numbers])
            return value.in_([sa.literal(number, sa.Float()) for number in numbers])
        patterns = [self.words.fits(value, wanted) for wanted in asked.values if isinstance(wanted, Pattern)]
        return sa.or_(value.in_(plain), *patterns)

    def _ordered(self, value: sa.ColumnElement[Any], asked: Criterion) -> sa.ColumnElement[bool]:
        (wanted,) = asked.values
        right: Any = wanted if asked.kind is Kind.TEXT else sa.literal(_number(asked, wanted), sa.Float())
        comparison: sa.ColumnElement[bool] = {
            Relation.LT: value < right,
            Relation.LE: value <= right,
            Relation.GT: value > right,
            Relation.GE: value >= right,
        }[asked.relation]
        return sa.func.coalesce(comparison, sa.false())


def _number(asked: Criterion, wanted: str | Pattern) -> float:
    value = number(wanted)
    if value is None:
        raise BadQuery(f"{'.'.join(asked.path)[:100]} is compared with numbers", advice="Times are epoch milliseconds.")
    return value


class _Sqlite:
    """sqlite.org/json1.html"""

    def present(self, document: sa.Column[Any], path: Path) -> sa.ColumnElement[bool]:
        return sa.func.coalesce(self._type(document, path) != "null", sa.false())

    def text(self, document: sa.Column[Any], path: Path) -> sa.ColumnElement[Any]:
        kind = self._type(document, path)
        # Else booleans would be 1 and 0.
        return sa.case((kind.in_(["true", "false"]), kind), else_=sa.cast(self._raw(document, path), sa.String))

    def number(self, document: sa.Column[Any], path: Path) -> sa.ColumnElement[Any]:
        raw = sa.type_coerce(self._raw(document, path), sa.Float)
        return sa.case((self._type(document, path).in_(["integer", "real"]), raw))

    def time(self, document: sa.Column[Any], path: Path) -> sa.ColumnElement[Any]:
        days = sa.func.julianday(self._raw(document, path)) - 2440587.5
        return sa.cast(sa.func.round(days * 86_400_000), sa.BigInteger)

    def members(self, document: sa.Column[Any], path: Path) -> Any:
        return sa.func.json_each(document, _json_path(path)).table_valued("value")

    def ordered(self, text: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
        return text

    def fits(self, text: sa.ColumnElement[Any], pattern: Pattern) -> sa.ColumnElement[bool]:
        # GLOB, for LIKE takes upper and lower case for the same.
        parts = ("".join(f"[{sign}]" if sign in "*?[" else sign for sign in part) for part in pattern.parts)
        return text.op("GLOB", is_comparison=True)("*".join(parts))

    def _raw(self, document: sa.Column[Any], path: Path) -> sa.ColumnElement[Any]:
        return sa.func.json_extract(document, _json_path(path))

    def _type(self, document: sa.Column[Any], path: Path) -> sa.ColumnElement[str]:
        return sa.func.json_type(document, _json_path(path), type_=sa.String())


class _PostgreSql:
    """postgresql.org/docs/current/functions-json.html"""

    def present(self, document: sa.Column[Any], path: Path) -> sa.ColumnElement[bool]:
        return self.text(document, path).is_not(None)

    def text(self, document: sa.Column[Any], path: Path) -> sa.ColumnElement[Any]:
        return sa.func.jsonb_extract_path_text(document, *path, type_=sa.String())

    def number(self, document: sa.Column[Any], path: Path) -> sa.ColumnElement[Any]:
        value = self._raw(document, path)
        return sa.case((sa.func.jsonb_typeof(value) == "number", sa.cast(self.text(document, path), sa.Numeric)))

    def time(self, document: sa.Column[Any], path: Path) -> sa.ColumnElement[Any]:
        at = sa.cast(self.text(document, path), sa.DateTime(timezone=True))
        return sa.cast(sa.func.round(sa.extract("epoch", at) * 1000), sa.BigInteger)

    def members(self, document: sa.Column[Any], path: Path) -> Any:
        value = self._raw(document, path)
        array = sa.case((sa.func.jsonb_typeof(value) == "array", value), else_=sa.cast([], JSONB))
        return sa.func.jsonb_array_elements_text(array).table_valued("value")

    def ordered(self, text: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
        # By code points, as the other database does it, whatever the language of this one.
        return text.collate("C")

    def fits(self, text: sa.ColumnElement[Any], pattern: Pattern) -> sa.ColumnElement[bool]:
        parts = ("".join(f"\\{sign}" if sign in "%_\\" else sign for sign in part) for part in pattern.parts)
        return text.like("%".join(parts), escape="\\")

    def _raw(self, document: sa.Column[Any], path: Path) -> sa.ColumnElement[Any]:
        return sa.func.jsonb_extract_path(document, *path, type_=JSONB())


def _json_path(path: Path) -> str:
    # A quote cannot be escaped within a quoted label; nobody may ask for such a path.
    if any('"' in step for step in path):
        raise BadQuery("the name of a property holds a quotation mark", advice="Ask for another property.")
    return "$" + "".join(f'."{step}"' for step in path)
