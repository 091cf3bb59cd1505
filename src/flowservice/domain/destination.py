"""Where a mapping puts its values: a field of the schema, or something in the items of a list."""

import re
from dataclasses import dataclass
from typing import Final

from flowservice.domain.xdm_tree import ArrayField, Node, ObjectField, found
from flowservice.errors import BadMapping

MOST_ITEMS: Final = 100
"""Items that a list can be given one by one."""
_ITEM: Final = re.compile(r"([^\[\]]+)\[(\*|[0-9]{1,9})\](?:\.([^\[\]]+))?")


@dataclass(frozen=True, slots=True)
class Destination:
    """`path` with dots between the levels; of a list, which items of it are meant, and what within them.

    `item` is the number of one item, from 0; None with `in_items`: each item.
    """

    path: str
    in_items: bool = False
    item: int | None = None
    below: str = ""
    """The path within the item; empty: the item itself."""

    def node(self, tree: ObjectField) -> Node:
        """The field that is fed, in a schema. Raises BadMapping naming the nearest path that exists."""
        node = found(tree, self.path)
        if not self.in_items:
            return node
        if not isinstance(node, ArrayField):
            raise BadMapping(f"{self.path[:200]!r} is no list", advice="Leave out the brackets.")
        if not self.below:
            return node.items
        if not isinstance(node.items, ObjectField):
            raise BadMapping(
                f"the items of {self.path[:200]!r} have no fields",
                advice=f"Map to the list itself, or to {self.path[:200]}[0].",
            )
        try:
            return found(node.items, self.below)
        except BadMapping as error:
            raise BadMapping(f"in the items of {self.path[:200]!r}, {error.message}", advice=error.advice) from error


def destination_of(text: str) -> Destination:
    """What a mapping's destination says: `a.b`, `list[0]`, `list[0].field`, `list[*].field`.

    `list[*]` is the list itself. Raises BadMapping for lists within lists and for high numbers.
    """
    if "[" not in text and "]" not in text:
        return Destination(text)
    parts = _ITEM.fullmatch(text)
    if parts is None:
        raise BadMapping(
            f"{text[:200]!r} is no destination",
            advice="Write list[0], list[0].field or list[*].field; a list within a list is mapped as a whole.",
        )
    path, item, below = parts[1], parts[2], parts[3] or ""
    if item == "*":
        return Destination(path, in_items=True, below=below) if below else Destination(path)
    if int(item) >= MOST_ITEMS:
        raise BadMapping(
            f"{text[:200]!r} is beyond the {MOST_ITEMS} items that a list can be given one by one",
            advice="Map an array to the whole list.",
        )
    return Destination(path, in_items=True, item=int(item), below=below)
