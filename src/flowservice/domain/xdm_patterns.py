"""Patterns of a schema, checked before any row comes."""

from typing import Final

import polars as pl

from flowservice.domain.xdm_tree import Leaf, ObjectField, leaves
from flowservice.errors import BadSchema

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
