"""What is wrong with mappings whatever the rows are."""

from collections.abc import Sequence
from typing import Final

import pyarrow as pa

from flowservice.domain.mapping import Mapping, MappingKind, MappingVersion, of_mapping
from flowservice.domain.xdm_tree import ArrayField, Leaf, ObjectField, found
from flowservice.engine.coercion import coerced
from flowservice.engine.feed import Feed, Rows, feed_of
from flowservice.engine.list_feed import ListFeed
from flowservice.engine.validation import broken_rule
from flowservice.errors import BadMapping, Error

_UNKNOWN: Final = pa.schema([])


def feeds_of(mappings: Sequence[Mapping], tree: ObjectField) -> tuple[tuple[Feed, ...], tuple[ListFeed, ...]]:
    """Mappings without faults, made ready: those of single fields, and those of the items of lists."""
    places = [mapping.place for mapping in mappings]
    feeds = tuple(feed_of(mapping, tree, places) for mapping in mappings)
    in_lists: dict[str, list[Feed]] = {}
    for feed in feeds:
        if feed.place.in_items:
            in_lists.setdefault(feed.place.path, []).append(feed)
    lists = []
    for path, of_list in in_lists.items():
        node = found(tree, path)
        assert isinstance(node, ArrayField)  # MappingVersion.check
        lists.append(ListFeed(path, node, tuple(of_list)))
    return tuple(feed for feed in feeds if not feed.place.in_items), tuple(lists)


def faults(version: MappingVersion, tree: ObjectField, source: pa.Schema = _UNKNOWN) -> tuple[Error | None, ...]:
    """What is wrong with each mapping for rows of the schema `tree`; None where it can be applied.

    Also what only kinds show: a constant that is no pattern, a value that a function or the field cannot take. `source`
    has the columns whose types are known; others may be of any kind.
    """
    told = list(version.faults(tree))
    sound = [mapping for mapping, fault in zip(version.mappings, told, strict=True) if fault is None]
    wrong = _kind_faults(sound, tree, Rows(pa.RecordBatch.from_pylist([], schema=source)))
    return tuple(fault or wrong.get(mapping.destination) for mapping, fault in zip(version.mappings, told, strict=True))


def _kind_faults(mappings: Sequence[Mapping], tree: ObjectField, rows: Rows) -> dict[str, BadMapping]:
    """By the destinations of mappings that are without other faults."""
    wrong: dict[str, BadMapping] = {}
    feeds, lists = feeds_of(mappings, tree)
    for feed in (*feeds, *(feed for of_list in lists for feed in of_list.feeds)):
        if feed.mapping.kind is MappingKind.STATIC and (fault := _constant_fault(feed)) is not None:
            wrong[feed.mapping.destination] = fault
        elif feed.expression is not None:
            try:
                feed.check(rows)
            except BadMapping as error:
                wrong[feed.mapping.destination] = of_mapping(feed.mapping, error)
    for of_list in lists:
        first = of_list.feeds[0].mapping
        if not any(feed.mapping.destination in wrong for feed in of_list.feeds):
            try:
                of_list.check(rows)
            except BadMapping as error:
                wrong[first.destination] = of_mapping(first, error)
    return wrong


def _constant_fault(feed: Feed) -> BadMapping | None:
    """Why a constant can be in no row."""
    assert isinstance(feed.node, Leaf)  # MappingVersion.check
    value = coerced(pa.array([feed.mapping.source]), feed.node)
    field = feed.mapping.destination[:200]
    if value.null_count:
        return BadMapping(
            f"the constant for {field!r} is no value of the type {feed.node.type.value}",
            advice="Write it as docs/values.md has it, or map to another field.",
        )
    rule = broken_rule(feed.node, value)
    return None if rule is None else BadMapping(f"the constant for {field!r}: {rule}", advice="Send a value that fits.")
