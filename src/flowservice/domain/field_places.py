"""Where the fields of a resolved schema are, and where a part of a schema resource stands in it."""

from collections.abc import Iterator
from dataclasses import dataclass

from flowservice.domain.dataset_labels import FieldPath
from flowservice.domain.xdm_resolve import MADE_OF, STANDS_HERE, Document, Part


@dataclass(frozen=True, slots=True)
class Place:
    """A field of a resolved schema, or its root: what of schema resources begins there."""

    path: FieldPath
    is_in_map: bool
    """Whether it is below the values of a map, which have no path that a row could be told by."""
    made_of: frozenset[Part] = frozenset()
    """Resources and parts that were referred to by name."""
    stands_here: frozenset[Part] = frozenset()
    """Parts that the resource which they belong to uses here itself."""


def places(tree: Document) -> Iterator[Place]:
    """Every field of a tree, the root first. Lists and the values of maps are looked into: these have no name."""
    waiting: list[tuple[FieldPath, bool, Document]] = [((), False, tree)]
    while waiting:
        path, is_in_map, node = waiting.pop()
        made_of, stands_here = set(node.get(MADE_OF, ())), set(node.get(STANDS_HERE, ()))
        has_map = False
        while (inner := _values(node)) is not None:
            has_map |= "items" not in node
            node = inner
            made_of |= set(node.get(MADE_OF, ()))
            stands_here |= set(node.get(STANDS_HERE, ()))
        yield Place(path, is_in_map, frozenset(made_of), frozenset(stands_here))
        waiting += [((*path, name), is_in_map or has_map, child) for name, child in node.get("properties", {}).items()]


def field_paths(tree: Document) -> frozenset[FieldPath]:
    """Every field that may be spoken of: none below the values of a map."""
    return frozenset(place.path for place in places(tree) if place.path and not place.is_in_map)


def places_of(part: Part, tree: Document) -> frozenset[FieldPath]:
    """Where a part of a resource stands in the resource's own traced tree; nowhere if it does not use it itself."""
    owner, steps = part
    standing: dict[tuple[str, ...], set[FieldPath]] = {(): {()}}
    for place in places(tree):
        for known, inside in place.made_of | place.stands_here:
            if known == owner:
                standing.setdefault(inside, set()).add(place.path)
    return frozenset(
        (*path, *names)
        for head, paths in standing.items()
        if steps[: len(head)] == head and (names := _names(steps[len(head) :])) is not None
        for path in paths
    )


def _values(node: Document) -> Document | None:
    """What a list or map holds; None for any other field."""
    if "properties" in node:
        return None
    inner: Document | None = node.get("items", node.get("additionalProperties"))
    return inner


def _names(steps: tuple[str, ...]) -> FieldPath | None:
    """The fields that the steps of a JSON pointer lead through; None where they leave the tree of fields."""
    names: FieldPath = ()
    rest = list(steps)
    while rest:
        step = rest.pop(0)
        if step in ("items", "additionalProperties"):
            continue
        if step not in ("properties", "allOf") or not rest:
            return None
        following = rest.pop(0)
        if step == "properties":
            names = (*names, following)
    return names
