"""The types of the Entity Data Model that a table can hold, and their values as Arrow arrays."""

import binascii
import math
import re
from collections.abc import Callable, Mapping, Sequence
from itertools import repeat
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

STRING: Final = "Edm.String"
INT32: Final = "Edm.Int32"
INT64: Final = "Edm.Int64"
DOUBLE: Final = "Edm.Double"
BOOLEAN: Final = "Edm.Boolean"
DATETIME: Final = "Edm.DateTime"
GUID: Final = "Edm.Guid"
BINARY: Final = "Edm.Binary"

ARROW: Final[Mapping[str, pa.DataType]] = {
    STRING: pa.string(),
    INT32: pa.int32(),
    INT64: pa.int64(),
    DOUBLE: pa.float64(),
    BOOLEAN: pa.bool_(),
    DATETIME: pa.timestamp("us", "UTC"),
    GUID: pa.string(),
    BINARY: pa.binary(),
}

_OF_JSON: Final[Mapping[type, str]] = {str: STRING, int: INT32, float: DOUBLE, bool: BOOLEAN}
_INT32: Final = range(-(2**31), 2**31)
_INT64: Final = range(-(2**63), 2**63)


class Unfit(Exception):
    """A value is not what its annotation, `kind`, states."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


class Nested(Exception):
    """A value is a list or an object."""


def uniform(values: Sequence[Any], stated: Sequence[Any] | None) -> str | None:
    """The one type of all values that are not null, or None if there are several or none.

    Bare integers are told as Int32 whatever their size. Raises Nested.
    """
    try:
        # What distinguishes values is their JSON type and annotation: few pairs, however many values.
        pairs = set(zip(map(type, values), stated or repeat(None), strict=False))
    except TypeError:  # an annotation that is a list or object
        return None
    kinds = {_kind(json_type, annotation) for json_type, annotation in pairs if json_type is not type(None)}
    # Bare integers may be of any size; beside annotated ones each is looked at.
    if len(kinds) != 1 or (kinds == {INT32} and any(annotation is not None for _, annotation in pairs)):
        return None
    return kinds.pop()


def _kind(json_type: type, annotation: object) -> str:
    """An unknown annotation leaves the type to the JSON. Raises Nested."""
    if json_type not in _OF_JSON:
        raise Nested
    return annotation if isinstance(annotation, str) and annotation in ARROW else _OF_JSON[json_type]


def kind_of(value: Any, annotation: str | None) -> str:
    """The type of one value. Raises Nested."""
    kind = _kind(type(value), annotation)
    if type(value) is int and kind == INT32 and annotation != INT32 and value not in _INT32:
        return INT64 if value in _INT64 else DOUBLE
    return kind


def bare_integers(values: Sequence[Any]) -> pa.Array | None:
    """Integers without annotation as int64; None if one is beyond that."""
    try:
        return pa.array(values, pa.int64())
    except OverflowError:
        return None


def narrowed(integers: pa.Array) -> tuple[str, pa.Array]:
    """Bare integers as Int32 if all are. Azurite also leaves those beyond Int32 unannotated: they are Int64."""
    ends = pc.min_max(integers)
    if ends["min"].as_py() in _INT32 and ends["max"].as_py() in _INT32:
        return INT32, integers.cast(pa.int32())
    return INT64, integers


def _strings(values: Sequence[Any]) -> pa.Array:
    return _texts(values, STRING)


def _texts(values: Sequence[Any], kind: str) -> pa.Array:
    try:
        return pa.array(values, pa.string())
    except (pa.ArrowInvalid, pa.ArrowTypeError, TypeError):
        raise Unfit(kind) from None


def _matching(text: pa.Array, pattern: str, kind: str) -> pa.Array:
    """`text`, if all of it matches: parsers of libraries take more than the service may send."""
    if not pc.all(pc.match_substring_regex(text, pattern)).as_py() and text.null_count < len(text):
        raise Unfit(kind)
    return text


def _int32s(values: Sequence[Any]) -> pa.Array:
    return _whole_numbers(values, INT32)


def _int64s(values: Sequence[Any]) -> pa.Array:
    return _whole_numbers(values, INT64)


def _whole_numbers(values: Sequence[Any], kind: str) -> pa.Array:
    try:
        text = pa.array(values, pa.string())
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        # Bare numbers among annotated ones. Through text, for `int` would cut 5.5 and take True.
        text = pa.array([None if value is None else str(value) for value in values], pa.string())
    try:
        return _matching(text, "^-?[0-9]+$", kind).cast(ARROW[kind])
    except pa.ArrowInvalid:
        raise Unfit(kind) from None


def _doubles(values: Sequence[Any]) -> pa.Array:
    if set(map(type, values)) <= {float, type(None)}:
        return pa.array(values, pa.float64())
    # Integers, and text: "NaN", "Infinity" and "-Infinity" come so.
    return pa.array([None if value is None else _double(value) for value in values], pa.float64())


_DECIMAL: Final = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?", re.ASCII)
_NO_NUMBERS: Final = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def _double(value: Any) -> float:
    if type(value) is str:
        if value in _NO_NUMBERS:
            return _NO_NUMBERS[value]
        if not _DECIMAL.fullmatch(value):
            raise Unfit(DOUBLE)
    elif type(value) is bool:
        raise Unfit(DOUBLE)
    try:
        number = float(value)
    except OverflowError:  # an integer of more than 308 digits
        raise Unfit(DOUBLE) from None
    if math.isinf(number):
        raise Unfit(DOUBLE)
    return number


_TRUTHS: Final = {"true": True, "false": False}


def _booleans(values: Sequence[Any]) -> pa.Array:
    try:
        return pa.array([_TRUTHS[value] if type(value) is str else value for value in values], pa.bool_())
    except (KeyError, pa.ArrowInvalid, pa.ArrowTypeError, TypeError):
        raise Unfit(BOOLEAN) from None


_MOMENT: Final = (
    "^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"
    r"(\.[0-9]{1,9})?(Z|[+-]([01][0-9]|2[0-3]):?[0-5][0-9])?$"
)


def _datetimes(values: Sequence[Any]) -> pa.Array:
    """To microseconds.

    26 characters are a moment to the microsecond: what stands behind them is the 7th digit and the `Z`. A longer text
    ends in an offset.
    """
    text = _matching(_texts(values, DATETIME), _MOMENT, DATETIME)
    if (pc.max(pc.utf8_length(text)).as_py() or 0) > 28:
        return _datetimes_with_offset(text)
    try:
        cut = pc.utf8_slice_codeunits(pc.utf8_rtrim(text, "Z"), 0, 26)
        return cut.cast(pa.timestamp("us")).cast(ARROW[DATETIME])
    except pa.ArrowInvalid:
        return _datetimes_with_offset(text)


_LONG_FRACTION: Final = r"(\.\d{6})\d+"
_ZONE: Final = re.compile(r"(Z|[+-]\d\d:?\d\d)$")


def _datetimes_with_offset(text: pa.Array) -> pa.Array:
    """As Azurite keeps them if they were written so: `…+02:00`. The service itself converts to UTC."""
    zoned = pa.array(
        [value if value is None or _ZONE.search(value) else f"{value}Z" for value in text.to_pylist()], pa.string()
    )
    try:
        return pc.replace_substring_regex(zoned, _LONG_FRACTION, r"\1").cast(ARROW[DATETIME])
    except pa.ArrowInvalid:
        raise Unfit(DATETIME) from None


def _guids(values: Sequence[Any]) -> pa.Array:
    return pc.ascii_lower(_texts(values, GUID))


_BASE64: Final = "^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$"


def _binaries(values: Sequence[Any]) -> pa.Array:
    text = _matching(_texts(values, BINARY), _BASE64, BINARY)
    return pa.array([None if value is None else binascii.a2b_base64(value) for value in text.to_pylist()], pa.binary())


arrays: Final[Mapping[str, Callable[[Sequence[Any]], pa.Array]]] = {
    STRING: _strings,
    INT32: _int32s,
    INT64: _int64s,
    DOUBLE: _doubles,
    BOOLEAN: _booleans,
    DATETIME: _datetimes,
    GUID: _guids,
    BINARY: _binaries,
}
"""JSON values of one Edm type (null stays null) to an array; integers come as int64. Each raises Unfit."""
