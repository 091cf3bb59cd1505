"""Row filters as `$filter`: the part of one that the service can be asked for without losing a row that passes.

The engine puts the whole filter to each row that comes, so what is asked may let more rows through, and never fewer.
What a row has to be is known of the keys and of `Timestamp` alone: each entity has them, in one type. Of any other
property the service is asked what a row may *not* be: a comparison with a property that is missing or of another type
is false, so its negation lets such rows pass. In which type to ask is told by a sample; that no row is lost does not
hang on it. (The emulator compares across types: there it does, for a column in which the sample missed a type.)

Not asked for: `isNull`, patterns that begin with a wildcard, GUIDs (the emulator compares their text as written),
binary, columns of several types, names and texts outside what is known to be taken. The Table API of Cosmos DB finds
no row by `Timestamp`, and a negated comparison with a missing property is not true there: it is asked for keys alone.

Order of text: the service's is by UTF-16 code units, ours by code points. They agree where one of the two texts has no
character from U+D800 on.
"""

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final, TypeAlias
from urllib.parse import quote

from flowservice.connectors.azure_table import edm
from flowservice.connectors.azure_table.keys import literal, successor
from flowservice.connectors.azure_table.windows import literal as moment_literal
from flowservice.sdk import (
    SOURCE_TYPE,
    AllOf,
    AnyOf,
    Condition,
    Relation,
    RowFilter,
    Sample,
    moment,
    parts_of,
)

# The service takes 15 comparisons; keys need up to three of them, a window two, late rows one.
_MOST_COMPARISONS: Final = 9
# Of the URL that it becomes a part of.
_MOST_BYTES: Final = 6_000
_KEYS: Final = frozenset({"PartitionKey", "RowKey"})
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_WORDS: Final = frozenset({"and", "or", "not", "eq", "ne", "gt", "ge", "lt", "le", "true", "false", "null", "x"})
_TYPES: Final = frozenset({"datetime", "guid", "binary"})
_SYSTEM: Final = frozenset({"partitionkey", "rowkey", "timestamp"})
_UNSAYABLE: Final = re.compile("[\x00-\x1f\x7f-\x9f\ufffd-\uffff]")
_OF_OTHER_TYPES: Final = re.compile(
    r"[+-]?(?:[0-9.]+(?:[eE][+-]?[0-9]+)?|Infinity)|NaN|true|false"
    r"|[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}"
    r"|(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?"
)
"""Texts that may be the canonical text of a number, a truth value, a GUID or binary."""
_EXACT: Final = 2**53
"""Below it whole numbers and floats tell each other apart, whichever of the two the service compares as."""
_MILLISECOND: Final = timedelta(milliseconds=1)
_FIRST_YEAR: Final = 1601

Kinds: TypeAlias = Callable[[], Mapping[str, frozenset[str]]]
"""The Edm types that a sample saw of each property. Called when they are needed."""
_Limits: TypeAlias = Sequence[tuple[str, str]]
"""Operators and literals that all hold for the values wanted."""
_OUTSIDE: Final[Mapping[str, str]] = {"lt": "ge", "le": "gt", "gt": "le", "ge": "lt"}
_ODATA: Final[Mapping[Relation, str]] = {
    Relation.LT: "lt",
    Relation.LE: "le",
    Relation.GT: "gt",
    Relation.GE: "ge",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A condition as `$filter` has it, and the part of the row filter that it says. It lets all rows pass that do."""

    text: str
    part: RowFilter

    @property
    def comparisons(self) -> int:
        """How many there are. A literal may hold what looks like one: then it is counted too."""
        return len(re.findall(r" (?:eq|ne|gt|ge|lt|le) ", self.text))


def said(wanted: RowFilter, *, is_cosmos: bool, kinds: Kinds) -> Said | None:
    """As much of `wanted` as can be said within the service's limits; None: nothing."""
    sayable = [found for part in parts_of(wanted) if (found := _said(part, is_cosmos, kinds)) is not None]
    taken: list[int] = []
    # The short ones first, and so those of keys.
    for place in sorted(range(len(sayable)), key=lambda place: sayable[place].comparisons):
        more = _all([sayable[one] for one in sorted([*taken, place])])
        if more.comparisons <= _MOST_COMPARISONS and len(quote(more.text)) <= _MOST_BYTES:
            taken.append(place)
    return _all([sayable[place] for place in sorted(taken)]) if taken else None


def kinds_of(sample: Sample) -> Mapping[str, frozenset[str]]:
    """The Edm types of each property of a sample."""
    seen = {
        field.name: frozenset({(field.metadata or {}).get(SOURCE_TYPE, b"").decode()}) for field in sample.rows.schema
    }
    return seen | {column.name: frozenset(column.seen) for column in sample.mixed}


def _said(wanted: RowFilter, is_cosmos: bool, kinds: Kinds) -> Said | None:
    if isinstance(wanted, Condition):
        text = _condition(wanted, is_cosmos, kinds)
        return None if text is None else Said(text=text, part=wanted)
    found = [one for part in wanted.parts if (one := _said(part, is_cosmos, kinds)) is not None]
    if isinstance(wanted, AllOf):
        return _all(found) if found else None
    if len(found) < len(wanted.parts):
        return None
    return Said(text=_either(one.text for one in found), part=AnyOf(tuple(one.part for one in found)))


def _all(found: Sequence[Said]) -> Said:
    if len(found) == 1:
        return found[0]
    return Said(text=" and ".join(one.text for one in found), part=AllOf(tuple(one.part for one in found)))


def _condition(asked: Condition, is_cosmos: bool, kinds: Kinds) -> str | None:
    name = asked.column
    if name in _KEYS:
        return _of_key(asked)
    if is_cosmos:
        return None
    if name == "Timestamp":
        limits = _time_limits(asked)
        return None if limits is None else _inside(name, limits)
    if not _NAME.fullmatch(name) or name.lower() in _WORDS | _TYPES | _SYSTEM:
        return None
    seen = kinds().get(name, frozenset())
    if seen == {edm.STRING}:
        return _of_text(asked)
    if seen == {edm.BOOLEAN}:
        return _of_truth(asked)
    if seen == {edm.DATETIME}:
        limits = _time_limits(asked)
        return None if limits is None else _not_outside(name, limits)
    if seen and (len(seen) == 1 or edm.INT64 not in seen) and seen <= {edm.INT32, edm.INT64, edm.DOUBLE}:
        return _of_number(asked, sorted(seen, reverse=True))
    return None


# --- keys ------------------------------------------------------------------------------------------------------------


def _of_key(asked: Condition) -> str | None:
    """Keys are text in each entity, so what is wanted can be said."""
    name, relation = asked.column, asked.relation
    texts = [_text(value) for value in asked.values]
    if any(text is None for text in texts):
        return None
    values = [text for text in texts if text is not None]
    plain = _plain(asked)
    match relation:
        case Relation.IS_NULL | Relation.NOT_NULL:
            return None
        case Relation.NE | Relation.NOT_IN:
            if any(isinstance(value, bool) for value in asked.values):
                return None
            return " and ".join(f"{name} ne {literal(value)}" for value in values)
        case Relation.NOT_LIKE:
            return None if plain is None else f"{name} ne {literal(plain)}"
        case Relation.LIKE if plain is not None:
            return f"{name} eq {literal(plain)}"
        case Relation.EQ | Relation.IN:
            return _either(_inside(name, _equal(value)) for value in values)
        case _:
            limits = _text_limits(relation, values[0])
            return None if limits is None else _inside(name, limits)


def _equal(text: str) -> _Limits:
    return _moment_limits(Relation.EQ, text) or [("eq", literal(text))]


# --- properties ------------------------------------------------------------------------------------------------------


def _of_text(asked: Condition) -> str | None:
    name, relation, plain = asked.column, asked.relation, _plain(asked)
    if relation in {Relation.IS_NULL, Relation.NOT_NULL} or any(isinstance(value, bool) for value in asked.values):
        return None
    texts = [_text(value) for value in asked.values]
    values = [text for text in texts if text is not None]
    if len(values) < len(texts):
        return None
    match relation:
        case Relation.NE | Relation.NOT_IN:
            return f"not {_either(f'{name} eq {literal(value)}' for value in values)}"
        case Relation.NOT_LIKE:
            return None if plain is None else f"not ({name} eq {literal(plain)})"
        case Relation.EQ | Relation.IN:
            found = [_text_equals(name, value) for value in values]
        case Relation.LIKE if plain is not None:
            found = [_text_equals(name, plain, as_moment=False)]
        case _:
            limits = _text_limits(relation, values[0])
            found = [None if limits is None else _not_outside(name, limits)]
    terms = [term for term in found if term is not None]
    return _either(terms) if len(terms) == len(found) else None


def _text_equals(name: str, text: str, *, as_moment: bool = True) -> str | None:
    if as_moment and (limits := _moment_limits(Relation.EQ, text)):
        return _not_outside(name, limits)
    if moment(text) is None and not _OF_OTHER_TYPES.fullmatch(text):
        # No value of another type has that text.
        return f"{name} eq {literal(text)}"
    return _not_outside(name, [("ge", literal(text)), ("le", literal(text))]) if _is_ordered(text) else None


def _of_truth(asked: Condition) -> str | None:
    if asked.relation not in {Relation.EQ, Relation.NE} or not isinstance(asked.values[0], bool):
        return None
    wanted = asked.values[0] is (asked.relation is Relation.EQ)
    return f"not ({asked.column} eq {'false' if wanted else 'true'})"


def _of_number(asked: Condition, kinds: Sequence[str]) -> str | None:
    numbers = [value for value in asked.values if not isinstance(value, str | bool) and abs(value) < _EXACT]
    if not numbers or len(numbers) < len(asked.values):
        return None
    least, greatest = min(numbers), max(numbers)
    outside: list[tuple[str, float]]
    match asked.relation:
        case Relation.EQ | Relation.IN:
            outside = [("lt", least), ("gt", greatest)]
        case Relation.NE | Relation.NOT_IN:
            outside = [("eq", number) for number in dict.fromkeys(numbers)]
        case relation if relation in _ODATA:
            outside = [(_OUTSIDE[_ODATA[relation]], least)]
        case _:
            return None
    terms = [_number_term(asked.column, operator, number, kind) for kind in kinds for operator, number in outside]
    if any(term is None for term in terms):
        return None
    said_terms = [term for term in terms if term]
    return f"not {_either(said_terms)}" if said_terms else None


def _number_term(name: str, operator: str, number: float, kind: str) -> str | None:
    """A comparison with a value of one type; empty: no value of it passes. None: it cannot be said."""
    if kind == edm.DOUBLE:
        text = f"{Decimal(repr(float(number))):f}"
        text = text if "." in text else f"{text}.0"
        return f"{name} {operator} {text}" if len(text) <= 40 else None
    if operator == "eq" and number != math.floor(number):
        return ""
    bound = math.floor(number) if operator in {"lt", "le"} else math.ceil(number)
    if bound != number:
        operator = {"lt": "le", "gt": "ge"}.get(operator, operator)
    if kind == edm.INT64:
        return f"{name} {operator} {bound}L"
    return f"{name} {operator} {bound}" if -(2**31) <= bound < 2**31 else None


# --- limits ----------------------------------------------------------------------------------------------------------


def _text(value: object) -> str | None:
    """What can be said of text: a text, or a truth value by its word. None: it cannot."""
    if isinstance(value, bool):
        return str(value).lower()
    return value if isinstance(value, str) and not _UNSAYABLE.search(value) else None


def _is_ordered(text: str) -> bool:
    return all(character < "\ud800" for character in text)


def _plain(asked: Condition) -> str | None:
    """The text that a pattern without wildcards stands for."""
    if asked.relation not in {Relation.LIKE, Relation.NOT_LIKE}:
        return None
    pattern = str(asked.values[0])
    return None if _UNSAYABLE.search(pattern) or any(sign in pattern for sign in "%_\\") else pattern


def _text_limits(relation: Relation, value: str) -> _Limits | None:
    if relation is Relation.LIKE:
        prefix = re.split(r"[%_\\]", value, maxsplit=1)[0]
        if not prefix or not _is_ordered(prefix):
            return None
        above = successor(prefix)
        upper = [("lt", literal(above))] if above is not None and _is_ordered(above) else []
        return [("ge", literal(prefix)), *upper]
    if relation not in _ODATA or not _is_ordered(value):
        return None
    return _moment_limits(relation, value) or [(_ODATA[relation], literal(value))]


def _moment_limits(relation: Relation, value: str) -> _Limits | None:
    """Limits of text where a literal names a moment: text compares as one if it is written as times are, else as text.

    A time to the second begins with the same 19 characters as those within that second, and is the last of them.
    """
    at = moment(value)
    if at is None:
        return None
    second = at.replace(tzinfo=None, microsecond=0).isoformat()
    low, high = ("ge", literal(min(value, second))), ("le", literal(max(value, f"{second}Z")))
    if relation in {Relation.GT, Relation.GE}:
        return [low]
    return [high] if relation in {Relation.LT, Relation.LE} else [low, high]


def _time_limits(asked: Condition) -> _Limits | None:
    """Limits of times, in whole milliseconds: the emulator compares no more digits."""
    moments = [moment(value) if isinstance(value, str) else None for value in asked.values]
    known = [at for at in moments if at is not None]
    if not known or len(known) < len(moments):
        return None
    first, last = min(known), max(known)
    lower = first.replace(microsecond=first.microsecond // 1000 * 1000)
    upper = _ended(last, at_once=asked.relation is Relation.LT)
    low = [("ge", moment_literal(lower))] if lower.year >= _FIRST_YEAR else []
    high = [] if upper is None else [("lt", moment_literal(upper))]
    match asked.relation:
        case Relation.GT | Relation.GE:
            return low or None
        case Relation.LT | Relation.LE:
            return high or None
        case Relation.EQ | Relation.IN:
            return [*low, *high] or None
        case _:
            return None


def _ended(last: datetime, *, at_once: bool) -> datetime | None:
    """The first whole millisecond after `last`, or from `last` on; None: the service cannot be told it."""
    within = last.microsecond % 1000
    try:
        upper = last if at_once and not within else last - timedelta(microseconds=within) + _MILLISECOND
    except OverflowError:
        return None
    return upper if upper.year >= _FIRST_YEAR else None


# --- text of $filter -------------------------------------------------------------------------------------------------


def _inside(name: str, limits: _Limits) -> str:
    return " and ".join(f"{name} {operator} {value}" for operator, value in limits)


def _not_outside(name: str, limits: _Limits) -> str:
    return f"not {_either(f'{name} {_OUTSIDE[operator]} {value}' for operator, value in limits)}"


def _either(terms: Iterable[str]) -> str:
    """In brackets, so that it may stand beside others."""
    return f"({' or '.join(terms)})"
