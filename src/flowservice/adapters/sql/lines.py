"""The searchable texts of a resource: a line for every value that clients see, and SQL that looks for lines.

A line is a code for the path, `=` and the value, and ends with a line feed. An equality is then one search for a piece
of text, which both databases do many times faster than they take JSON apart. Codes begin with a control character and
nothing else has one: a search skips from one to the next. Numbers have a text of their own, which is short: of one path
the largest comes first, and `<` stands before the smallest where there are several. These lines begin the text: few are
there, and soon found.
"""

import re
from collections.abc import Mapping
from functools import cache
from typing import Any, ClassVar, Final

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.visitors import InternalTraversal

from flowservice.domain.query import Condition, Operator, Order
from flowservice.domain.search import LONGEST_NUMBER, SearchForm, bound, folded, leaves, number_of, text_of

MAX_VALUE: Final = 4_000
"""Characters of a value that are kept. The longest filter is shorter, so no filter equals a value that was cut."""
_SORTED_CHARACTERS: Final = 200
_VALUE, _SMALLEST = "=", "<"
_STARTS: Final = [chr(number) for number in range(1, 32) if chr(number) not in "\t\n\r"]
_UNLISTED: Final = _STARTS.pop()
"""Begins a path that is written out because the form has no code for it."""
_CONTROL: Final = re.compile(r"[\x00-\x1f\\]")


def lines(form: SearchForm[Any], document: Mapping[str, Any]) -> tuple[str, str]:
    """All lines with numbers and all with texts, except those of paths with columns of their own."""
    numbers: dict[str, list[tuple[float, str]]] = {}
    texts: list[str] = []
    for path, value in leaves(document):
        if path in form.columns or path in form.placed or path in form.aliases or path in {"id", "createdAt"}:
            continue
        text = stored_text(form, path, value)
        number = number_of(text)
        if number is None:
            texts.append(f"{_code(form, path)}{_VALUE}{text}\n")
        else:
            numbers.setdefault(path, []).append((number, text))
    smallest: list[str] = []
    counted: list[str] = []
    for path, found in numbers.items():
        found.sort(reverse=True)
        counted += [f"{_code(form, path)}{_VALUE}{text}\n" for _, text in found]
        if len(found) > 1:
            smallest.append(f"{_code(form, path)}{_SMALLEST}{found[-1][1]}\n")
    return "".join([*smallest, *counted]), "".join(texts)


def stored_text(form: SearchForm[Any], path: str, value: Any) -> str:
    """A leaf as it is stored and compared."""
    text = text_of(value)
    text = text if len(text) <= MAX_VALUE else f"{text[:MAX_VALUE]}…"
    return _plain(folded(text) if path in form.words else text)


def has_line(form: SearchForm[Any], table: sa.Table, condition: Condition) -> sa.ColumnElement[bool]:
    """`condition` on a path without a column. Raises BadValueType."""
    code = _code(form, ".".join(condition.path))
    path = ".".join(condition.path)
    if condition.operator in {Operator.EQ, Operator.NE}:
        values = [stored_text(form, path, value) for value in condition.values]
        found = sa.or_(*(Contains(_text_with(table, value), f"{code}{_VALUE}{value}\n") for value in values))
        return found if condition.operator is Operator.EQ else sa.not_(found)
    limit = sa.literal(float(bound(condition)), sa.Float())
    largest = NumberAfter(table.c.numbers, f"{code}{_VALUE}")
    smallest = SmallestAfter(table.c.numbers, f"{code}{_SMALLEST}", largest)
    comparison: sa.ColumnElement[bool] = {
        Operator.LT: smallest < limit,
        Operator.LE: smallest <= limit,
        Operator.GT: largest > limit,
        Operator.GE: largest >= limit,
    }[condition.operator]
    return comparison


def sort_keys(form: SearchForm[Any], table: sa.Table, order: Order) -> list[sa.ColumnElement[Any]]:
    """Keys that put numbers first, then texts, then what has no value; none of them is ever null."""
    piece = f"{_code(form, '.'.join(order.path))}{_VALUE}"
    numbers, texts = table.c.numbers, table.c.texts
    rank = sa.case((Contains(numbers, piece), 0), (Contains(texts, piece), 1), else_=2)
    return [
        rank,
        sa.func.coalesce(NumberAfter(numbers, piece), sa.literal(0.0, sa.Float())),
        sa.case((rank == 1, ByCodePoint(TextAfter(texts, piece))), else_=""),
    ]


def _text_with(table: sa.Table, value: str) -> sa.Column[str]:
    found: sa.Column[str] = table.c.texts if number_of(value) is None else table.c.numbers
    return found


def _code(form: SearchForm[Any], path: str) -> str:
    number = _numbers(form.codes).get(path)
    if number is None:
        return _UNLISTED + _plain(path).replace("=", "\\x3d").replace("<", "\\x3c")
    return _STARTS[number % len(_STARTS)] + chr(ord("0") + number // len(_STARTS))


@cache
def _numbers(codes: tuple[str, ...]) -> Mapping[str, int]:
    return {path: number for number, path in enumerate(codes)}


def _plain(text: str) -> str:
    """The text without control characters and halves of surrogate pairs."""
    escaped = _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", text)
    return escaped.encode("utf-8", "backslashreplace").decode()


class _Piece:
    """Something about a piece of a text. Each database has its own way to say it."""

    _traverse_internals: ClassVar = [
        ("text", InternalTraversal.dp_clauseelement),
        ("piece", InternalTraversal.dp_clauseelement),
        ("pattern", InternalTraversal.dp_clauseelement),
        ("after", InternalTraversal.dp_clauseelement),
    ]

    def __init__(self, text: sa.ColumnElement[str], piece: str) -> None:
        self.text = text
        self.piece = sa.literal(piece, sa.String())
        globbed = "".join(f"[{letter}]" if letter in "*?[" else letter for letter in piece)
        self.pattern = sa.literal(f"*{globbed}*", sa.String())
        self.after = sa.literal(len(piece), sa.Integer())


class Contains(_Piece, sa.ColumnElement[bool]):
    """Whether the piece is in the text."""

    inherit_cache = True
    type = sa.Boolean()


class TextAfter(_Piece, sa.ColumnElement[str]):
    """What follows the first such piece, to the end of its line; of a long line the first 200 characters."""

    inherit_cache = True
    type = sa.String()


class NumberAfter(_Piece, sa.ColumnElement[float]):
    """The number that follows the first such piece; null where there is no such piece."""

    inherit_cache = True
    type = sa.Float()


class _PieceOr(_Piece):
    """Something about a piece of a text, or where it is missing something else."""

    _traverse_internals: ClassVar = [*_Piece._traverse_internals, ("other", InternalTraversal.dp_clauseelement)]

    def __init__(self, text: sa.ColumnElement[str], piece: str, other: NumberAfter) -> None:
        super().__init__(text, piece)
        self.other = other


class SmallestAfter(_PieceOr, sa.ColumnElement[float]):
    """The number that follows the first such piece; where there is no such piece, the other one."""

    inherit_cache = True
    type = sa.Float()


class _Value(sa.ColumnElement[str]):
    """A text, said in another way."""

    type = sa.String()
    _traverse_internals = [("value", InternalTraversal.dp_clauseelement)]  # noqa: RUF012 - as SQLAlchemy declares it

    def __init__(self, value: sa.ColumnElement[Any]) -> None:
        self.value = value


class ByCodePoint(_Value):
    """Compared code point by code point, in an order that does not depend on where the database was set up."""

    inherit_cache = True


class Unindexed(_Value):
    """Said so that no index is taken for it: the databases do not know that another one, or none, is faster."""

    inherit_cache = True


@compiles(Contains, "sqlite")
def _sqlite_contains(element: _Piece, compiler: SQLCompiler, **kw: Any) -> str:
    # Unlike instr it skips ahead to what may match; unlike LIKE it tells letters of different case apart.
    return f"({compiler.process(element.text, **kw)} GLOB {compiler.process(element.pattern, **kw)})"


@compiles(TextAfter, "sqlite")
def _sqlite_text(element: TextAfter, compiler: SQLCompiler, **kw: Any) -> str:
    text, piece = compiler.process(element.text, **kw), compiler.process(element.piece, **kw)
    start = f"NULLIF(instr({text}, {piece}), 0) + {compiler.process(element.after, **kw)}"
    # With a length: to the end it would count the letters of the whole text.
    rest = f"substr({text}, {start}, {_SORTED_CHARACTERS})"
    return f"substr({rest}, 1, instr({rest} || char(10), char(10)) - 1)"


@compiles(NumberAfter, "sqlite")
def _sqlite_number(element: _Piece, compiler: SQLCompiler, **kw: Any) -> str:
    # As bytes, which need not be told apart into letters to be counted. Null where there is no such piece; the cast
    # reads as far as the number goes, which is the end of the line.
    text, piece = (f"CAST({compiler.process(part, **kw)} AS BLOB)" for part in (element.text, element.piece))
    start = f"NULLIF(instr({text}, {piece}), 0) + length({piece})"
    return f"CAST(substr({text}, {start}, {LONGEST_NUMBER + 1}) AS REAL)"


@compiles(SmallestAfter, "sqlite")
def _sqlite_smallest(element: SmallestAfter, compiler: SQLCompiler, **kw: Any) -> str:
    # Asked first, for that skips ahead, and a number that is looked for in vain costs a walk through the whole text.
    smallest, largest = _sqlite_number(element, compiler, **kw), compiler.process(element.other, **kw)
    return f"CASE WHEN {_sqlite_contains(element, compiler, **kw)} THEN {smallest} ELSE {largest} END"


@compiles(ByCodePoint, "sqlite")
def _sqlite_by_code_point(element: ByCodePoint, compiler: SQLCompiler, **kw: Any) -> str:
    return compiler.process(element.value, **kw)


@compiles(Contains, "postgresql")
def _postgresql_contains(element: Contains, compiler: SQLCompiler, **kw: Any) -> str:
    return f"(strpos({compiler.process(element.text, **kw)}, {compiler.process(element.piece, **kw)}) > 0)"


@compiles(TextAfter, "postgresql")
def _postgresql_text(element: TextAfter, compiler: SQLCompiler, **kw: Any) -> str:
    text, piece = compiler.process(element.text, **kw), compiler.process(element.piece, **kw)
    return f"left(split_part(split_part({text}, {piece}, 2), chr(10), 1), {_SORTED_CHARACTERS})"


@compiles(NumberAfter, "postgresql")
def _postgresql_number(element: _Piece, compiler: SQLCompiler, **kw: Any) -> str:
    text, piece = compiler.process(element.text, **kw), compiler.process(element.piece, **kw)
    return f"CAST(NULLIF(split_part(split_part({text}, {piece}, 2), chr(10), 1), '') AS double precision)"


@compiles(SmallestAfter, "postgresql")
def _postgresql_smallest(element: SmallestAfter, compiler: SQLCompiler, **kw: Any) -> str:
    smallest, largest = _postgresql_number(element, compiler, **kw), compiler.process(element.other, **kw)
    return f"coalesce({smallest}, {largest})"


@compiles(ByCodePoint, "postgresql")
def _postgresql_by_code_point(element: ByCodePoint, compiler: SQLCompiler, **kw: Any) -> str:
    return f'({compiler.process(element.value, **kw)} COLLATE "C")'


@compiles(Unindexed, "sqlite")
def _sqlite_unindexed(element: Unindexed, compiler: SQLCompiler, **kw: Any) -> str:
    return f"+{compiler.process(element.value, **kw)}"


@compiles(Unindexed, "postgresql")
def _postgresql_unindexed(element: Unindexed, compiler: SQLCompiler, **kw: Any) -> str:
    return f"({compiler.process(element.value, **kw)} || '')"
