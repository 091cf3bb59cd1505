"""Finding keys in a table whose keys cannot be listed, by asking for the first one at or after a key made up.

Among partitions, or among the row keys of one partition: both are strings in an order.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Final, TypeAlias

from flowservice.connectors.azure_table.keys import (
    Key,
    KeyRange,
    Span,
    letters_between,
    midway,
    order,
    rank,
    successor,
)

FirstKey: TypeAlias = Callable[[Iterable[KeyRange]], Key | None]
"""The first key that there is in some ranges, which are in order; None: they are empty."""

# Keys lie close together where halves turn out empty again and again.
_FRUITLESS: Final = 24
CLOSE: Final = 2
"""Fruitless probes of a range after which it is `narrowed`."""


def ceiling(first: str, is_any_from: Callable[[str], bool]) -> str:
    """A key above all, as close as one that shares their common prefix can be. `first` is the first of them.

    Without it keys such as `tenant-000123` could not be split: halfway to the end of all strings lies nothing. A binary
    search, for a longer prefix has a lower successor, and more keys above it.
    """
    low, high, end = 0, len(first), "\uffff"
    while low < high:
        middle = (low + high + 1) // 2
        above = successor(first[:middle])
        if above is not None and is_any_from(above):
            high = middle - 1
        else:
            low, end = middle, above or end
    return end


def narrowed(low: str, high: str, key_from: Callable[[str], str | None]) -> str:
    """Instead of `high` a key that is above the same keys, as close as a prefix of `low` gives one.

    Where keys lie far below `high`, this takes fewer probes than halving does.
    """

    def is_any_from(above: str) -> bool:
        found = key_from(above) if order(above) < order(high) else None
        return found is not None and order(found) < order(high)

    return min(high, ceiling(low, is_any_from), key=order)


def spread(
    first: str,
    high: str,
    *,
    known: Callable[[], Iterable[str]],
    key_from: Callable[[str], str | None],
    most_fruitless: int = _FRUITLESS,
) -> Iterator[str]:
    """Keys that exist, from all over the range of `first` to `high`, in no order; each once, without `first`.

    `key_from` is the first key at or after one. Ends when probes find no more that is new.
    """
    seen, gaps, fruitless = {first}, deque([(first, high, 0)]), 0
    while gaps and fruitless < most_fruitless:
        low, high, misses = gaps.popleft()
        middle = midway(low, high, letters=letters_between(low, high, known()))
        if middle is None:
            continue
        found = key_from(middle)
        if found is None or order(found) >= order(high) or found in seen:
            fruitless += 1
            nearer = narrowed(low, middle, key_from) if misses + 1 == CLOSE else middle
            gaps.appendleft((low, nearer, misses + 1))  # nothing in the upper half
            continue
        seen.add(found)
        yield found
        # Breadth first: both halves wait until the other gaps were looked at.
        gaps += [(found, high, 0), (low, middle, 0)]


def cuts(first_key: FirstKey, span: Span, *, wanted: int) -> list[Key]:
    """Up to `wanted` keys that cut a span into parts, in order: between partitions and, if these are few, inside them.

    How many rows the parts have, nobody knows.
    """
    first = first_key(span.legs())
    if first is None or wanted < 1:
        return []
    found = [(partition, "") for partition in islice(_partitions(first_key, span, first[0], wanted), wanted)]
    inside = [first[0], *(partition for partition, _ in found)]
    for number, partition in enumerate(inside):
        left = wanted - len(found)
        if left <= 0:
            break
        rows = _rows(first_key, span, partition, wanted)
        found += [(partition, row) for row in islice(rows, -(-left // (len(inside) - number)))]
    return sorted((key for key in found if _is_inside(span, key)), key=rank)


def _partitions(first_key: FirstKey, span: Span, first: str, wanted: int) -> Iterator[str]:
    known = [first]

    def key_from(start: str) -> str | None:
        found = first_key(span.partitions(start=start))
        known.extend([] if found is None else [found[0]])
        return None if found is None else found[0]

    high = ceiling(first, lambda above: first_key(span.partitions(start=above)) is not None)
    return spread(first, high, known=lambda: known, key_from=key_from, most_fruitless=_FRUITLESS + wanted)


def _rows(first_key: FirstKey, span: Span, partition: str, wanted: int) -> Iterator[str]:
    start = span.start[1] if span.start is not None and span.start[0] == partition else None
    end = span.end[1] if span.end is not None and span.end[0] == partition else None
    known: list[str] = []

    def key_from(start: str | None) -> str | None:
        found = first_key([KeyRange(partition=partition, start=start, end=end)])
        known.extend([] if found is None else [found[1]])
        return None if found is None else found[1]

    first = key_from(start)
    if first is None:
        return iter(())
    high = end or ceiling(first, lambda above: key_from(above) is not None)
    return spread(first, high, known=lambda: known, key_from=key_from, most_fruitless=_FRUITLESS + wanted)


def _is_inside(span: Span, key: Key) -> bool:
    return span.has_end_above(key) and (span.start is None or rank(span.start) < rank(key))
