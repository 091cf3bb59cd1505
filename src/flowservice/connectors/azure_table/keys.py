"""Keys of entities: their order, ranges and filters over them, and a key midway between two.

The service orders by the UTF-16 code units of PartitionKey, then RowKey. Python's `<` on strings compares code points,
which differs beyond U+FFFF.
"""

import string
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Final, TypeAlias

from flowservice.errors import Drifted
from flowservice.sdk import Cursor

Key: TypeAlias = tuple[str, str]
"""PartitionKey and RowKey."""

_CLASSES: Final = (string.digits, "abcdef", "ABCDEF", string.ascii_lowercase, string.ascii_uppercase)
# Eight characters beyond the common prefix tell 10**8 keys apart even if they are digits.
_DEPTH: Final = 8


def order(key: str) -> bytes:
    """What to compare a key by."""
    return key.encode("utf-16-be", "surrogatepass")


def rank(key: Key) -> tuple[bytes, bytes]:
    """What to compare the keys of two entities by."""
    return order(key[0]), order(key[1])


def literal(key: str) -> str:
    """A key as a filter says it."""
    return "'" + key.replace("'", "''") + "'"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRange:
    """A half-open range of partitions or, if `partition` is given, of row keys in that one."""

    partition: str | None = None
    after: str | None = None
    """Exclusive; None: from the first."""
    start: str | None = None
    """Inclusive; None: from the first."""
    end: str | None = None
    """Exclusive; None: to the last."""

    def filter(self) -> str | None:
        """As `$filter`, never with `or`: that makes the service scan. None: everything."""
        key = "PartitionKey" if self.partition is None else "RowKey"
        terms = [] if self.partition is None else [f"PartitionKey eq {literal(self.partition)}"]
        bounds = (("gt", self.after), ("ge", self.start), ("lt", self.end))
        terms += [f"{key} {operator} {literal(bound)}" for operator, bound in bounds if bound is not None]
        return " and ".join(terms) or None

    def to_json(self) -> dict[str, str]:
        """The bounds that are set."""
        bounds = {"partition": self.partition, "after": self.after, "start": self.start, "end": self.end}
        return {name: bound for name, bound in bounds.items() if bound is not None}

    @staticmethod
    def from_json(value: Cursor) -> "KeyRange":
        """The inverse of `to_json`. Raises TypeError for unknown members."""
        return KeyRange(**value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Entities from one key to another, across partitions. It takes several queries where it cuts a partition."""

    start: Key | None = None
    """Inclusive; None: from the first. With an empty row key it is the beginning of a partition."""
    end: Key | None = None
    """Exclusive; None: to the last."""

    @staticmethod
    def between(first: Key | None, last: Key | None) -> "Span":
        """From `first` to `last`, both inclusive."""
        # No key holds a control character, so nothing lies between a key and itself with a blank behind it.
        return Span(start=first, end=None if last is None else (last[0], last[1] + " "))

    def has_end_above(self, key: Key) -> bool:
        """Whether `key` lies before the end."""
        return self.end is None or rank(key) < rank(self.end)

    def legs(self, *, after: Key | None = None) -> tuple[KeyRange, ...]:
        """As ranges to be read one after the other; those past `after` if that is given."""
        low = after or self.start
        if low is None or (after is None and not low[1]):
            return self.partitions(start=None if low is None else low[0])
        if not self.has_end_above(low):
            return ()
        partition, row = low
        bound = {"start" if after is None else "after": row}
        if self.end is not None and self.end[0] == partition:
            return (KeyRange(partition=partition, end=self.end[1], **bound),)
        return (KeyRange(partition=partition, **bound), *self.partitions(after=partition))

    def partitions(self, *, start: str | None = None, after: str | None = None) -> tuple[KeyRange, ...]:
        """The partitions from `start` on, or those past `after`, as far as the end lets."""
        if self.end is None:
            return (KeyRange(start=start, after=after),)
        partition, row = self.end
        last = (KeyRange(partition=partition, end=row),) if row else ()
        if after is not None and order(after) >= order(partition):
            return ()
        if start is not None and order(start) >= order(partition):
            return last if start == partition else ()
        return (KeyRange(start=start, after=after, end=partition), *last)

    def beyond(self, leg: KeyRange) -> tuple[KeyRange, ...]:
        """What is to be read after `leg`, which may be of this span or of one with another end."""
        if leg.partition is None:
            return () if leg.end is None else self.partitions(start=leg.end)
        if leg.end is None:
            return self.partitions(after=leg.partition)
        return replace(self, start=(leg.partition, leg.end)).legs()

    def to_json(self) -> dict[str, list[str]]:
        """The ends that are set."""
        return {name: list(key) for name, key in (("start", self.start), ("end", self.end)) if key is not None}

    @staticmethod
    def from_json(value: Cursor) -> "Span":
        """The inverse of `to_json`. Raises Drifted."""
        if value.keys() - {"start", "end"}:
            raise Drifted("the stored split is not one of this connector", advice="Plan anew.")
        return Span(start=_key(value.get("start")), end=_key(value.get("end")))


def _key(value: Any) -> Key | None:
    match value:
        case None:
            return None
        case [str() as partition, str() as row]:
            return partition, row
        case _:
            raise Drifted("the stored split is not one of this connector", advice="Plan anew.")


def letters_between(low: str, high: str, known: Iterable[str]) -> str:
    """The characters that keys from `low` to `high` may use where they differ, as far as `known` keys tell."""
    common = _common(low, high)
    alike = [key for key in known if key.startswith(low[:common])]
    return alphabet([*alike, low, high.rstrip("\uffff")], prefix=common)


def alphabet(keys: Iterable[str], *, prefix: int) -> str:
    """The characters that keys may use beyond their first `prefix`: those seen, closed by class, in order.

    A digit brings all digits, a hex letter a to f, another letter its case. Keys of digits alone then split evenly.
    """
    seen = set("".join(key[prefix:] for key in keys))
    for members in _CLASSES:
        if seen & (set(members) - set("abcdefABCDEF") if len(members) > 10 else set(members)):
            seen |= set(members)
    return "".join(sorted(seen, key=order))


def successor(prefix: str) -> str | None:
    """The least key above all that start with `prefix`; None if there is none."""
    kept = prefix.rstrip("\uffff")
    if not kept:
        return None
    last = ord(kept[-1])
    # The surrogates in between are no characters by themselves.
    return kept[:-1] + (chr(0xE000) if last + 1 == 0xD800 else chr(last + 1)) if last < 0xFFFF else None


def midway(low: str, high: str, *, letters: str) -> str | None:
    """A key about halfway from `low` to `high`, strictly between them, of `letters`; None if none is found.

    Keys count as fractions in base `len(letters) + 1`, where the end of a key is the least digit.
    """
    if not letters:
        return None
    common = _common(low, high)
    places = _places(letters)
    between = (_fraction(low[common:], places) + _fraction(high[common:], places)) // 2
    base = len(letters) + 1
    digits = []
    for _ in range(_DEPTH):
        between, digit = divmod(between, base)
        digits.append(digit)
    digits.reverse()
    # A key ends at its first zero: cutting there moves it down a little.
    until = digits.index(0) if 0 in digits else _DEPTH
    found = low[:common] + "".join(letters[digit - 1] for digit in digits[:until])
    return found if order(low) < order(found) < order(high) else None


def part_done(low: str, at: str, high: str, *, letters: str) -> float:
    """Which part of the way from `low` to `high` lies before `at`, from 0 to 1, if keys were spread evenly."""
    common, places = _common(low, high), _places(letters)
    first, reached, last = (_fraction(key[common:], places) for key in (low, at, high))
    return (reached - first) / (last - first) if last > first else 0.0


def _common(low: str, high: str) -> int:
    shorter = min(len(low), len(high))
    return next((at for at in range(shorter) if low[at] != high[at]), shorter)


@lru_cache(maxsize=32)
def _places(letters: str) -> tuple[bytes, ...]:
    return tuple(order(letter) for letter in letters)


def _fraction(key: str, places: tuple[bytes, ...]) -> int:
    """`key` as a whole number of `_DEPTH` digits.

    A character that is none of the letters is above all keys with the next lower letter in its place.
    """
    number, base, is_above = 0, len(places) + 1, False
    for at in range(_DEPTH):
        digit = base - 1 if is_above else 0
        if at < len(key) and not is_above:
            here = order(key[at])
            digit = sum(place <= here for place in places)
            is_above = here not in places
        number = number * base + digit
    return number
