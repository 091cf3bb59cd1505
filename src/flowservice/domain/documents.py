"""Documents as JSON has them, whatever they say."""

from collections.abc import Iterable
from typing import Any, Final

MAX_DEPTH: Final = 128
"""Levels that a document may have: what is kept is read again and again, by parsers that recurse."""


def is_deeper(document: Any, limit: int = MAX_DEPTH) -> bool:
    """Whether it has more than `limit` levels of objects and arrays."""
    level = [document]
    for _ in range(limit):
        level = [found for node in level for found in inner(node)]
        if not level:
            return False
    return True


def inner(node: Any) -> Iterable[Any]:
    """The values right inside an object or array."""
    if isinstance(node, dict):
        return node.values()
    return node if isinstance(node, list) else ()
