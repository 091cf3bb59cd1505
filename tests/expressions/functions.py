"""The oracle's functions that look at values alone: what they take, what kind they give, what they do."""

import json
import math
import struct
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from tests.expressions import dates, texts
from tests.expressions.kinds import (
    DECIMAL,
    LOOSE,
    MOMENT,
    NULL,
    TEXT,
    TRUTH,
    WHOLE,
    Array,
    Kind,
    MapOf,
    Moment,
    Object,
    Unlike,
    common,
    is_scalar,
)
from tests.expressions.kinds import JSON as JSON_KIND
from tests.expressions.values import (
    INT64,
    Json,
    Loose,
    Map,
    RowError,
    Value,
    compared,
    json_value,
    moment_in,
    number_in,
    text,
)

Gives: TypeAlias = Kind | Callable[[Sequence[Kind]], Kind]


@dataclass(frozen=True, slots=True)
class Function:
    """A function whose arguments are all looked at.

    `takes`: a letter for each argument, the last one again and again if `*` follows, all of them if `~` does: t text,
    w whole number, n number, m moment, b truth, a array, M map, k key or array of keys, ? any.
    `run` gets the arguments, read so. `nulls`: the arguments that may be null; with any other null the result is null.
    """

    takes: str
    gives: Gives
    run: Callable[..., Value]
    nulls: frozenset[int] | None = frozenset()
    """None: all."""

    def letter(self, index: int) -> str:
        """What an argument is read as."""
        if self.takes.endswith("~"):
            return self.takes[index % (len(self.takes) - 1)]
        letters = self.takes.rstrip("*")
        return letters[min(index, len(letters) - 1)]


def size(value: Value) -> int:
    """`size x`, `size_of(x)`."""
    if value is None:
        return 0
    if isinstance(value, Json) and isinstance(value.value, list | dict | str):
        return len(value.value)
    if isinstance(value, list | Map):
        return len(value)
    if isinstance(value, dict):
        return sum(item is not None for item in value.values())
    return len(text(value) or "")


def is_empty(value: Value) -> bool:
    """`empty x`, `is_empty(x)`."""
    is_sized = isinstance(value, str | list | dict | Json)
    return value is None or (is_sized and size(value) == 0)


def as_map(value: Value) -> Map | None:
    """An object, map or JSON object as a map. Raises RowError for other JSON."""
    if value is None or isinstance(value, Map):
        return value
    if isinstance(value, Json):
        if not isinstance(value.value, dict):
            raise RowError("JSON that is no object")
        return Map((key, json_value(item)) for key, item in value.value.items())
    return Map((key, item) for key, item in value.items() if item is not None)


def value_kind(kind: Kind) -> Kind:
    """The kind of the values of what stands where a map is taken. Raises Unlike."""
    if isinstance(kind, MapOf):
        return kind.value
    if isinstance(kind, Object):
        return common(field for _, field in kind.fields)
    return kind if kind in (JSON_KIND, NULL) else NULL


def innermost(kind: Kind) -> Kind:
    """The kind of the items of nested arrays."""
    while isinstance(kind, Array):
        kind = kind.item
    return kind


def flattened(values: Sequence[Value], kind: Kind) -> list[Value]:
    """The items of nested arrays; `kind` is that of an item."""
    if not isinstance(kind, Array):
        return list(values)
    return [item for inner in values if inner is not None for item in flattened(inner, kind.item)]


def best(values: Sequence[Value], kind: Kind, sign: int) -> Value:
    """The smallest (sign -1) or largest (1) value of a kind; of equals the first."""
    keys = list(values)
    if kind in (LOOSE, JSON_KIND):
        keys = [Loose(text(value) or "") for value in values]
        if any(number_in(key) is None for key in keys):
            keys = [str(key) for key in keys]
    found = 0
    for i in range(1, len(keys)):
        if compared(keys[i], keys[found]) == sign:
            found = i
    return values[found]


def to_float(value: float) -> float:
    """The shortest decimal that is told from its neighbours in 32 bits."""
    try:
        narrow: float = struct.unpack("f", struct.pack("f", value))[0]
    except OverflowError as error:
        raise RowError("beyond 32 bits") from error
    if math.isinf(narrow):
        raise RowError("beyond 32 bits")
    for digits in range(1, 10):
        short = float(f"{narrow:.{digits}g}")
        try:
            if struct.unpack("f", struct.pack("f", short))[0] == narrow:
                return math.copysign(short, narrow)
        except OverflowError:
            continue
    return narrow


def to_bigint(value: float) -> int:
    """A number without its fraction."""
    cut = int(value)
    if not -INT64 <= cut < INT64:
        raise RowError("beyond 64 bits")
    return cut


def to_decimal(value: float) -> float:
    return float(value)


def from_json(value: str) -> Json | None:
    """`json_to_object`."""

    def refuse(word: str) -> Any:
        raise ValueError(f"{word} is no JSON")

    try:
        return json_value(json.loads(value, parse_constant=refuse))
    except (ValueError, RecursionError) as error:
        raise RowError("no JSON") from error


def _date(value: str | None, *more: Value) -> Value:
    if more and more[0] is None:
        return None
    if value is None:
        return more[1] if len(more) > 1 else None
    if more:
        return dates.read(value, more[0])
    found = moment_in(value)
    if found is None:
        raise RowError(f"{value!r} is no moment")
    return found


def _padded(side: str) -> Callable[[str | None, int | None, str | None], str | None]:
    def pad(value: str | None, count: int | None, padding: str | None) -> str | None:
        if value is None or count is None:
            return None
        added = texts.padding(value, count, padding)
        return added + value if side == "left" else value + added

    return pad


def _equals(a: str | None, b: str | None) -> bool:
    return a is not None and a == b


def _equals_ignoring_case(a: str | None, b: str | None) -> bool:
    return a is not None and b is not None and a.lower() == b.lower()


def _joined(separator: str, items: Sequence[Value]) -> str:
    return separator.join(text(item) or "" for item in items)


def _map_get(entries: Map, key: Any) -> Value:
    if not isinstance(key, list):
        return entries.get(key)
    return Map((one, entries[one]) for one in key if one is not None and one in entries)


def _has_keys(entries: Map, key: Any) -> bool:
    return any(one in entries for one in (key if isinstance(key, list) else [key]))


def _merged(*maps: Map) -> Map:
    found = Map()
    for entries in maps:
        for key, value in entries.items():
            found.setdefault(key, value)
    return found


def _to_map(*arguments: Value) -> Map:
    return Map((key, value) for key, value in zip(arguments[::2], arguments[1::2], strict=True) if key is not None)


def _scalars(kinds: Sequence[Kind]) -> Kind:
    kind = common(kinds)
    if not is_scalar(kind) or kind is TRUTH:
        raise Unlike("no order among these")
    return kind


def _first_kind(kinds: Sequence[Kind]) -> Kind:
    if len(kinds) == 1 and isinstance(kinds[0], Array):
        return kinds[0].item
    return common(kinds)


def _item(kind: Kind) -> Kind:
    return kind.item if isinstance(kind, Array) else NULL


def _split_get(value: str, key: str, within: str | None, between: str | None = None) -> str | None:
    return texts.pairs(value, within, between).get(key)


_ALL: Final = None
_EVENTS: Final = Object((("id", TEXT), ("value", TEXT)))

FUNCTIONS: Final[Mapping[str, Function]] = {
    "concat": Function("t*", TEXT, lambda *parts: "".join(part for part in parts if part is not None), _ALL),
    "explode": Function("tt", Array(TEXT), texts.explode),
    "instr": Function("ttww", WHOLE, texts.instr),
    "replacestr": Function("ttt", TEXT, lambda value, old, new: value.replace(old, new) if old else value),
    "substr": Function("tww", TEXT, texts.substr),
    "lower": Function("t", TEXT, str.lower),
    "upper": Function("t", TEXT, str.upper),
    "split": Function("tt", Array(TEXT), texts.split),
    "lpad": Function("twt", TEXT, _padded("left"), _ALL),
    "rpad": Function("twt", TEXT, _padded("right"), _ALL),
    "left": Function("tw", TEXT, lambda value, count: value[: max(count, 0)]),
    "right": Function("tw", TEXT, lambda value, count: value[max(len(value) - max(count, 0), 0) :]),
    "ltrim": Function("t", TEXT, lambda value: value.lstrip(texts.WHITE)),
    "rtrim": Function("t", TEXT, lambda value: value.rstrip(texts.WHITE)),
    "trim": Function("t", TEXT, lambda value: value.strip(texts.WHITE)),
    "equals": Function("tt", TRUTH, _equals, _ALL),
    "equalsIgnoreCase": Function("tt", TRUTH, _equals_ignoring_case, _ALL),
    "extract_regex": Function("tt", Array(TEXT), texts.extract_regex),
    "matches_regex": Function("tt", TRUTH, lambda value, pattern: bool(texts.regex(pattern).fullmatch(value))),
    **{name: Function("tt", TEXT, texts.hashing(name)) for name in ("sha1", "sha256", "sha512", "md5", "crc32")},
    "get_url_protocol": Function("t", TEXT, texts.protocol),
    "get_url_host": Function("t", TEXT, texts.host),
    "get_url_port": Function("t", WHOLE, texts.port),
    "get_url_path": Function("tb", TEXT, texts.path),
    "get_url_query_str": Function("tt", MapOf(TEXT), texts.query),
    "get_url_encoded": Function("t", TEXT, texts.percent_encoded),
    "get_url_decoded": Function("t", TEXT, texts.percent_decoded),
    "now": Function("", MOMENT, lambda: dates.NOW),
    "timestamp": Function("", WHOLE, lambda: int((dates.NOW - dates.EPOCH).total_seconds() * 1000)),
    "format": Function("mt", TEXT, dates.written),
    "dformat": Function("wt", TEXT, lambda millis, pattern: dates.written(dates.of_millis(millis), pattern)),
    "date": Function("ttm", MOMENT, _date, _ALL),
    "date_part": Function("tm", WHOLE, dates.date_part),
    "set_date_part": Function(
        "twm", lambda kinds: kinds[2] if isinstance(kinds[2], Moment) else MOMENT, dates.set_date_part
    ),
    "make_date_time": Function("wwwwwwwt", MOMENT, dates.make_date_time),
    "zone_date_to_utc": Function("m", MOMENT, lambda moment: dates.in_zone(moment, "UTC")),
    "zone_date_to_zone": Function("mt", MOMENT, dates.in_zone),
    "is_empty": Function("?", TRUTH, is_empty, _ALL),
    "str_to_object": Function(
        "ttt",
        MapOf(TEXT),
        lambda value, within=None, between=None: None if value is None else texts.pairs(value, within, between),
        _ALL,
    ),
    "nullify": Function("", NULL, lambda: None),
    "get_keys": Function("M", Array(TEXT), list),
    "get_values": Function("tttt", TEXT, _split_get, frozenset((2, 3))),
    "map_has_keys": Function("Mk", TRUTH, _has_keys),
    "map_get_values": Function(
        "Mk",
        lambda kinds: MapOf(value_kind(kinds[0])) if isinstance(kinds[1], Array) else value_kind(kinds[0]),
        _map_get,
    ),
    "add_to_map": Function("M*", lambda kinds: MapOf(common(map(value_kind, kinds))), _merged),
    "to_map": Function("t?~", lambda kinds: MapOf(common(kinds[1::2])), _to_map, _ALL),
    "first": Function("?*", _first_kind, lambda *values: values[0], _ALL),
    "last": Function("?*", _first_kind, lambda *values: values[-1], _ALL),
    "add_to_array": Function(
        "a?*",
        lambda kinds: Array(common([_item(kinds[0]), *kinds[1:]])),
        lambda items, *more: None if items is None else [*items, *more],
        _ALL,
    ),
    "join_arrays": Function(
        "a*",
        lambda kinds: Array(common(map(_item, kinds))),
        lambda *arrays: [item for array in arrays for item in array],
    ),
    "to_array": Function(
        "b?*",
        lambda kinds: Array(common(kinds[1:])),
        lambda nulls, *values: [value for value in values if nulls or value is not None],
        _ALL,
    ),
    "size_of": Function("?", WHOLE, size, _ALL),
    "upsert_array_append": Function("a", lambda kinds: kinds[0], lambda items: items),
    "min": Function("?*", _scalars, lambda *values: values),
    "max": Function("?*", _scalars, lambda *values: values),
    "to_bigint": Function("n", WHOLE, to_bigint),
    "to_decimal": Function("n", DECIMAL, to_decimal),
    "to_float": Function("n", DECIMAL, to_float),
    "to_integer": Function("w", WHOLE, lambda value: value),
    "json_to_object": Function("t", JSON_KIND, from_json),
    "uuid": Function("", TEXT, lambda: str(uuid.uuid4())),
    "aa_get_event_id": Function("tt", TEXT, lambda events, name: (texts.event(events, name) or (None, None))[1]),
    "aa_get_event_value": Function("tt", TEXT, lambda events, name: (texts.event(events, name) or (None, None))[0]),
    "aa_get_product_categories": Function("t", Array(TEXT), texts.product_field(0)),
    "aa_get_product_names": Function("t", Array(TEXT), texts.product_field(1)),
    "aa_get_product_quantities": Function("t", Array(TEXT), texts.product_field(2)),
    "aa_get_product_prices": Function("t", Array(TEXT), texts.product_field(3)),
    "aa_get_product_event_values": Function("tt", Array(TEXT), texts.product_event(lambda found: found[0])),
    "aa_get_product_evars": Function("tt", Array(TEXT), texts.product_evars),
    "aa_get_product_events": Function(
        "tt", Array(_EVENTS), texts.product_event(lambda found: {"id": found[1], "value": found[0]})
    ),
    "aa_get_product_event_ids": Function("tt", Array(TEXT), texts.product_event(lambda found: found[1])),
}
"""Functions whose arguments are all looked at, and whose result hangs on nothing else. The others are in the oracle."""
