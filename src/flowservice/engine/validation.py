"""Which mapped rows break their schema, column by column."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from math import ceil, floor
from typing import Any, Final

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from flowservice.domain.xdm_arrow import leaf_type
from flowservice.domain.xdm_tree import ArrayField, Leaf, Node, ObjectField, leaves
from flowservice.domain.xdm_types import INTEGERS, XdmType

REQUIRED: Final = "INGEST-1555-400"
BROKEN_RULE: Final = "INGEST-1404-400"

Columns = Mapping[str, pa.Array]
"""Mapped leaves by their dotted path; a path that is not there is null in every row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """One rule, and the rows that break it (a boolean array without nulls)."""

    code: str
    field: str
    message: str
    rows: pa.BooleanArray


def violations(tree: ObjectField, columns: Columns, *, rows: int) -> tuple[Violation, ...]:
    """Every rule that some of the `rows` rows break: first missing fields, then broken values, each in schema order."""
    return _violations(tree, columns, pa.repeat(pa.scalar(value=True), rows))


def _violations(tree: ObjectField, columns: Columns, given: pa.BooleanArray) -> tuple[Violation, ...]:
    found = [*_missing(tree, columns, given), *_broken(tree, columns)]
    return tuple(one for one in found if one.rows.true_count)


def present(node: Node, path: str, columns: Columns) -> pa.BooleanArray | None:
    """The rows in which a field has a value, for an object in any field below it. None: in no row."""
    if not isinstance(node, ObjectField):
        return columns[path].is_valid() if path in columns else None
    out: pa.BooleanArray | None = None
    for name, child in node.fields.items():
        more = present(child, f"{path}.{name}" if path else name, columns)
        out = more if out is None else out if more is None else pc.or_(out, more)
    return out


def _missing(tree: ObjectField, columns: Columns, given: pa.BooleanArray, at: str = "") -> Iterator[Violation]:
    """Required fields that are null where the object they belong to is `given`."""
    for name, child in tree.fields.items():
        path = f"{at}.{name}" if at else name
        here = present(child, path, columns) if name in tree.required or isinstance(child, ObjectField) else None
        if name in tree.required:
            absent = given if here is None else pc.and_not(given, here)
            yield Violation(code=REQUIRED, field=path, message="a required field is missing or null", rows=absent)
        if isinstance(child, ObjectField) and here is not None:
            yield from _missing(child, columns, here, path)


def _broken(tree: ObjectField, columns: Columns) -> Iterator[Violation]:
    for path, node in leaves(tree):
        if isinstance(node, Leaf) and path in columns:
            yield from _broken_values(node, columns[path], path)
        elif isinstance(node, ArrayField) and path in columns:
            yield from _broken_items(node, columns[path], f"{path}[*]")


def _broken_values(leaf: Leaf, values: pa.Array, path: str) -> Iterator[Violation]:
    for message, kept in _rules(leaf, values):
        # Null answers mean a null value, which breaks no rule but being required.
        rows = pc.fill_null(pc.invert(kept), fill_value=False)
        yield Violation(code=BROKEN_RULE, field=path, message=message, rows=rows)


def broken_rule(leaf: Leaf, values: pa.Array) -> str | None:
    """The first rule of a field that some of the values break; None: they keep all."""
    return next(
        (violation.message for violation in _broken_values(leaf, values, "") if violation.rows.true_count), None
    )


def _broken_items(node: ArrayField, lists: pa.Array, path: str) -> Iterator[Violation]:
    """What the items of lists break, told of the rows they are in."""
    items, of = lists.flatten(), pc.list_parent_indices(lists)
    match node.items:
        case Leaf():
            broken: Iterable[Violation] = _broken_values(node.items, items, path)
        case ArrayField():
            broken = _broken_items(node.items, items, f"{path}[*]")
        case ObjectField():
            below = dict(leaves_of(node.items, items))
            inside = _violations(node.items, below, items.is_valid())
            broken = (replace(each, field=f"{path}.{each.field}") for each in inside)
        case _:
            return
    numbers = pl.int_range(len(lists), eager=True).to_arrow().cast(of.type)
    for each in broken:
        if each.rows.true_count:
            rows = pc.is_in(numbers, value_set=of.filter(each.rows).unique())
            yield replace(each, rows=rows)


def leaves_of(node: Node, values: pa.Array, path: str = "") -> Iterator[tuple[str, pa.Array]]:
    """The columns of the fields that are no objects, by their dotted paths, of a column of objects."""
    if not isinstance(node, ObjectField):
        yield path, values
        return
    # A field of an object that is null is null, too.
    for field, part in zip(values.type, values.flatten(), strict=True):
        yield from leaves_of(node.fields[field.name], part, f"{path}.{field.name}" if path else field.name)


def _rules(leaf: Leaf, values: pa.Array) -> Iterator[tuple[str, pa.BooleanArray]]:
    """Each rule of the field as a message, and which values keep it (null for null)."""
    rules = leaf.constraints
    if rules.enum:
        allowed = pa.array(_representable(leaf, rules.enum), leaf_type(leaf))
        kept = pc.or_(pc.is_in(values, value_set=allowed), values.is_null())
        yield "the value is not one of those allowed", kept
    if leaf.type is XdmType.STRING:
        yield from _text_rules(leaf, values)
    else:
        yield from _number_rules(leaf, values)


def _text_rules(leaf: Leaf, values: pa.Array) -> Iterator[tuple[str, pa.BooleanArray]]:
    rules = leaf.constraints
    if rules.min_length is not None:
        yield f"shorter than {rules.min_length} characters", pc.greater_equal(pc.utf8_length(values), rules.min_length)
    if rules.max_length is not None:
        yield f"longer than {rules.max_length} characters", pc.less_equal(pc.utf8_length(values), rules.max_length)
    if rules.pattern is not None:
        matches = pl.Series(values).str.contains(rules.pattern)
        yield "the value does not match the pattern", matches.to_arrow(compat_level=pl.CompatLevel.oldest())


def _number_rules(leaf: Leaf, values: pa.Array) -> Iterator[tuple[str, pa.BooleanArray]]:
    rules = leaf.constraints
    # Asked as what a value must be, so that NaN breaks the rule.
    if rules.minimum is not None:
        yield f"below the minimum {rules.minimum}", _at_least(leaf, values, rules.minimum)
    if rules.maximum is not None:
        yield f"above the maximum {rules.maximum}", _at_most(leaf, values, rules.maximum)
    if (low := rules.exclusive_minimum) is not None:
        whole = leaf.type in INTEGERS
        kept = _at_least(leaf, values, floor(low) + 1) if whole else pc.greater(values, float(low))
        yield f"not above {low}", kept
    if (high := rules.exclusive_maximum) is not None:
        whole = leaf.type in INTEGERS
        kept = _at_most(leaf, values, ceil(high) - 1) if whole else pc.less(values, float(high))
        yield f"not below {high}", kept


def _at_least(leaf: Leaf, values: pa.Array, low: float) -> pa.BooleanArray:
    return pc.greater_equal(values, _bound(leaf, ceil(low) if leaf.type in INTEGERS else low))


def _at_most(leaf: Leaf, values: pa.Array, high: float) -> pa.BooleanArray:
    return pc.less_equal(values, _bound(leaf, floor(high) if leaf.type in INTEGERS else high))


def _bound(leaf: Leaf, bound: float) -> pa.Scalar:
    """A bound that compares without rounding: integers with integers."""
    if leaf.type in INTEGERS:
        return pa.scalar(max(-(2**63), min(int(bound), 2**63 - 1)), pa.int64())
    return pa.scalar(float(bound), pa.float64())


def _representable(leaf: Leaf, enum: tuple[Any, ...]) -> list[Any]:
    """The allowed values that a field of this type can hold at all."""
    if leaf.type not in INTEGERS:
        return list(enum)
    bits = leaf_type(leaf).bit_width - 1
    return [int(value) for value in enum if value == int(value) and -(2**bits) <= value < 2**bits]
