"""Patterns of a schema, checked before any row comes."""

import polars as pl

from flowservice.domain.xdm_tree import Leaf, ObjectField, leaves
from flowservice.errors import BadSchema


def check_patterns(tree: ObjectField) -> None:
    """Return if every pattern of the schema can be matched in linear time. Raises BadSchema naming the field."""
    for path, node in leaves(tree):
        if isinstance(node, Leaf) and node.constraints.pattern is not None:
            try:
                pl.Series([""]).str.contains(node.constraints.pattern)
            except pl.exceptions.ComputeError as error:
                raise BadSchema(
                    f"the pattern of {path} cannot be used",
                    advice="Use a regular expression without look-around and back-references.",
                ) from error
