"""Regular expressions that people send, in an engine whose time is linear in the text."""

from collections.abc import Sequence
from typing import Final

import polars as pl

from flowservice.domain.xdm_tree import Leaf, ObjectField, leaves
from flowservice.errors import BadQuery, BadSchema

_MAX_PATTERN: Final = 1_000

ADVICE: Final = "Use a regular expression without look-around and back-references."


def check_patterns(tree: ObjectField) -> None:
    """Return if every pattern of the schema can be matched in linear time. Raises BadSchema naming the field."""
    for path, node in leaves(tree):
        pattern = node.constraints.pattern if isinstance(node, Leaf) else None
        if pattern is not None and not is_linear(pattern):
            raise BadSchema(f"the pattern of {path} cannot be used", advice=ADVICE)


def is_linear(pattern: str) -> bool:
    """Whether it is a regular expression that can be matched in linear time."""
    try:
        pl.Series([""]).str.contains(pattern)
    except pl.exceptions.ComputeError:
        return False
    return True


def matching(pattern: str, texts: Sequence[str]) -> list[str]:
    """Those of the texts in which the pattern is found, in any letter case. Raises BadQuery."""
    if len(pattern) > _MAX_PATTERN:
        raise BadQuery(f"a pattern has at most {_MAX_PATTERN} characters", advice="Send a shorter one.")
    try:
        found = pl.Series(texts, dtype=pl.String).str.contains(f"(?i:{pattern})")
    except pl.exceptions.ComputeError as error:
        raise BadQuery(
            f"{pattern[:200]!r} is no regular expression that can be used",
            advice="Use one without look-around and back-references; a sign of its own takes a backslash.",
        ) from error
    return [text for text, is_found in zip(texts, found, strict=True) if is_found]
