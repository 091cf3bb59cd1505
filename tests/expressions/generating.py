"""Random expressions and rows, the same for the same seed, to hold evaluators against each other.

Expressions are well-kinded: the language refuses none of them. They use every function and operator; nulls, odd texts
and numbers at the edge are frequent, but most rows have no error.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from random import Random
from typing import Any, Final

from tests.expressions.kinds import LOOSE, Array, Kind, Object

MOST_LEVELS: Final = 5
Row = dict[str, Any]

SHAPE: Final[Mapping[str, Kind]] = {
    **dict.fromkeys(
        ("t", "First Name", "n", "w", "f", "b", "d", "day", "local", "url", "q", "j", "ev", "pr", "s.t"), LOOSE
    ),
    "xs": Array(LOOSE),
    "ns": Array(LOOSE),
    "nested": Array(Array(LOOSE)),
    "os": Array(Object((("k", LOOSE), ("v", LOOSE)))),
    "o": Object((("a", LOOSE), ("b", LOOSE), ("k", LOOSE))),
    "deep": Object((("a", LOOSE), ("c", Object((("d", LOOSE),))), ("l", Array(LOOSE)))),
}
"""The source of every expression. Columns of scalars: texts of any kind (`t`, `First Name`, `s.t`), numbers as texts
(`n`), whole numbers (`w`), decimals (`f`), truth values (`b`), moments (`d`), dates as texts (`day`, and `local` as
`dd.MM.yyyy HH:mm`), URLs, keys and values (`q`), JSON (`j`), and lists of Adobe Analytics (`ev`, `pr`)."""

_ODD: Final[Mapping[str, Sequence[str]]] = json.loads(
    files("tests.expressions").joinpath("odd_values.json").read_text("utf-8")
)
"""Values of columns, by sort: empty, beyond the BMP, combining, like numbers and like none, at the edges, broken."""
_FORMS: Final = json.loads(files("tests.expressions").joinpath("forms.json").read_text("utf-8"))
LEAVES: Final[Mapping[str, Sequence[str]]] = _FORMS["leaves"]
"""What stands at the ends of an expression, by sort."""
FORMS: Final[Mapping[str, Sequence[str]]] = _FORMS["forms"]
"""What may stand, by sort; of another sort in braces something is written in its place."""
_WHOLE: Final = (0, 1, -1, 2, 3, 4, 5, 7, 10, 12, 100, -3, 2**31, 2**53 + 1, 2**63 - 1, -(2**63))
_DECIMALS: Final = (
    0.0,
    -0.0,
    0.5,
    1.0,
    -1.5,
    2.5,
    3.0,
    1e16,
    1e-5,
    1.5e-7,
    123.456,
    -7.25,
    1e308,
    9007199254740992.0,
    0.1,
)


@dataclass(frozen=True, slots=True)
class Case:
    """One expression and rows to run it over, of `SHAPE`."""

    seed: int
    expression: str
    rows: tuple[Row, ...]


def case(seed: int, rows: int = 50) -> Case:
    """The case of a seed. Seeds from 0 on begin with each of the language's forms in turn."""
    random = Random(seed)
    expression = _Writer(random).expression(seed)
    return Case(seed, expression, tuple(_row(random) for _ in range(rows)))


def literal(value: str) -> str:
    """A text as an expression writes it."""
    escaped = (
        value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t").replace("\r", "\\r")
    )
    return f'"{escaped}"'


def _row(random: Random) -> Row:
    def one(values: Sequence[Any], nulls: float = 0.12) -> Any:
        return None if random.random() < nulls else random.choice(values)

    def many(make: Callable[[], Any]) -> Any:
        return None if random.random() < 0.1 else [make() for _ in range(random.choice((0, 1, 1, 2, 3, 4)))]

    def moment() -> Any:
        if random.random() < 0.12:
            return None
        micros = random.choice((0, 0, 500_000, 123_456))
        seconds = random.choice((0, 1_553_994_000, 1_572_138_000, 951_782_400, random.randrange(0, 4_000_000_000)))
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds, microseconds=micros)

    def number() -> Any:
        return one(_ODD["numbers"], 0.1) if random.random() < 0.5 else str(random.randrange(-50, 50))

    return {
        "t": one((*_ODD["texts"], *_ODD["numbers"])),
        "First Name": one(_ODD["texts"]),
        "s.t": one(("a", "b", "k", "x", "1", "")),
        "n": number() if random.random() < 0.95 else one(_ODD["texts"]),
        "w": one(_WHOLE) if random.random() < 0.4 else one(range(-9, 20)),
        "f": one(_DECIMALS) if random.random() < 0.6 else random.randrange(-400, 400) / 8,
        "b": one((True, False)),
        "d": moment(),
        "day": one(_ODD["days"]),
        "local": one(_ODD["local"]),
        "url": one(_ODD["urls"]),
        "q": one(_ODD["pairs"]),
        "j": one(_ODD["json"]),
        "ev": one(_ODD["events"]),
        "pr": one(_ODD["products"]),
        "xs": many(lambda: one(_ODD["texts"])),
        "ns": many(number),
        "nested": many(lambda: many(lambda: one(("a", "b", "1", "😀")))),
        "os": many(lambda: None if random.random() < 0.1 else {"k": one(("a", "b", "c", "1")), "v": number()}),
        "o": None if random.random() < 0.1 else {"a": one(_ODD["texts"]), "b": number(), "k": one(("a", "b", "x"))},
        "deep": None
        if random.random() < 0.1
        else {
            "a": one(_ODD["texts"]),
            "c": None if random.random() < 0.2 else {"d": one(_ODD["texts"])},
            "l": many(number),
        },
    }


ROOTS: Final = tuple(
    (sort, form)
    for sort in ("text", "number", "whole", "truth", "moment", "texts", "numbers", "objects", "object", "map")
    for form in dict.fromkeys(FORMS[sort])
)
_SAME: Final = frozenset(("scalar", "condition", "mapish", "any", "millis", "event"))
"""Sorts that are only other sorts: they add no level."""


class _Writer:
    """Writes one expression."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._inside: list[tuple[str, str]] = []
        """Sorts and what they may also be: parameters of lambdas, elements that are walked."""
        self._in_lambda = False

    def expression(self, seed: int) -> str:
        """An expression whose outermost form hangs on the seed."""
        sort, form = ROOTS[seed % len(ROOTS)]
        if self._random.random() < 0.08 and sort in ("text", "number", "truth", "moment"):
            self._inside = [("text", "os[*].k"), ("number", "os[*].v"), ("text", "os[*].k")]
        return self._filled(form, self._random.randint(1, MOST_LEVELS))

    def _filled(self, form: str, levels: int) -> str:
        pieces: list[str] = []
        rest = form
        while True:
            start, end = self._hole(rest)
            if start < 0:
                return "".join([*pieces, rest])
            pieces += [rest[:start], self._some(rest[start + 1 : end], levels)]
            rest = rest[end + 1 :]

    def _hole(self, form: str) -> tuple[int, int]:
        """Where the next `{sort}` is: not the braces of an object, nor of `${…}`."""
        start = form.find("{")
        while start >= 0:
            end = form.find("}", start)
            if form[start + 1 : end].replace("_", "").isalpha() and not form[:start].endswith("$"):
                return start, end
            start = form.find("{", start + 1)
        return -1, -1

    def _some(self, sort: str, levels: int) -> str:
        random = self._random
        if sort == "quoted":
            return literal(random.choice((*_ODD["texts"], *_ODD["numbers"])))
        if sort in _LAMBDAS:
            return self._lambda(*_LAMBDAS[sort], levels)
        if sort in _SAME:
            return self._filled(random.choice(FORMS[sort]), levels)
        inside = [one for known, one in self._inside if known == sort]
        if inside and random.random() < 0.5:
            return random.choice(inside)
        if sort in ("text", "number", "momentish") and random.random() < 0.03:
            return "null" if sort != "momentish" else "missing"
        if sort not in FORMS or levels <= 1 or random.random() < 0.15:
            return self._filled(random.choice(LEAVES[sort]), 1)
        return self._filled(random.choice(FORMS[sort]), levels - 1)

    def _lambda(self, array: str, form: str, inside: Sequence[tuple[str, str]], levels: int) -> str:
        if self._in_lambda or levels < 1:
            return self._some(array, min(levels, 1))
        of = self._some(array, levels - 1)
        outer, self._inside, self._in_lambda = self._inside, list(inside), True
        written = form.format(of=of, body="\0")
        sort = "condition" if form.startswith("filter") else "number" if "number" in array else "text"
        body = self._some(sort, max(levels - 2, 1))
        self._inside, self._in_lambda = outer, False
        return written.replace("\0", body)


_TEXT_INSIDE: Final = (("text", "x"),) * 3
_NUMBER_INSIDE: Final = (("number", "x"),) * 3
_OBJECT_INSIDE: Final = (("text", "x.k"), ("number", "x.v"))
_LAMBDAS: Final = {
    "filtered": ("texts", "filterArray({of}, x -> {body})", _TEXT_INSIDE),
    "transformed": ("texts", "transformArray({of}, x -> {body})", _TEXT_INSIDE),
    "filtered_numbers": ("numbers", "filterArray({of}, x -> {body})", _NUMBER_INSIDE),
    "transformed_numbers": ("numbers", "transformArray({of}, x -> {body})", _NUMBER_INSIDE),
    "filtered_objects": ("objects", "filterArray({of}, x -> {body})", _OBJECT_INSIDE),
}
