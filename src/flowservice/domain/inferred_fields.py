"""Fields of a schema for the columns of a source: their names made legal, their types as they were seen."""

import re
from collections.abc import Container, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

_ILLEGAL: Final = re.compile(r"[^A-Za-z0-9_-]")
_NAMELESS: Final = "column"
_NODES: Final[Mapping[str, Mapping[str, Any]]] = {
    "string": {"type": "string"},
    # Without bounds, so that the lake has room for what a later row may hold.
    "int": {"type": "integer", "meta:xdmType": "int"},
    "long": {"type": "integer", "meta:xdmType": "long"},
    "number": {"type": "number"},
    "boolean": {"type": "boolean"},
    "date": {"type": "string", "format": "date"},
    "date-time": {"type": "string", "format": "date-time"},
}


class Renamed(StrEnum):
    """Why a field is not called as its column is."""

    CHARACTERS = "illegal-characters"
    TAKEN = "name-taken"
    """Another field has the name already, but for upper and lower case: a table knows no difference."""
    NAMELESS = "no-legal-character"


@dataclass(frozen=True, slots=True, kw_only=True)
class InferredField:
    """A field `name` of the type `xdm` for `column`; `renamed` tells why the two names differ."""

    column: str
    name: str
    xdm: str
    renamed: Renamed | None

    @property
    def node(self) -> dict[str, Any]:
        """Its definition; the title keeps the column's name."""
        return field_node(self.xdm, self.column)


def is_field_type(xdm: str) -> bool:
    """Whether a field can be made of it."""
    return xdm in _NODES


def field_node(xdm: str, column: str) -> dict[str, Any]:
    """The definition of a field for a column, by its XDM type."""
    return {**_NODES[xdm], "title": column}


def legal_name(column: str) -> str:
    """The column's name as the registry takes it, underscores in place of other characters; empty if none is left."""
    return _ILLEGAL.sub("_", column).lstrip("_-")


def numbered(name: str, taken: Container[str]) -> str:
    """`name`, or the first of `name_2`, `name_3`, … that is not among `taken`, whose names are case-folded."""
    number, plain = 1, name
    while name.casefold() in taken:
        number += 1
        name = f"{plain}_{number}"
    return name


def inferred(columns: Mapping[str, str]) -> tuple[InferredField, ...]:
    """A field for each of these columns, by their XDM types; in their order, the same each time.

    A column whose name is legal keeps it, whatever others are called.
    """
    names: dict[str, str] = {}
    taken: set[str] = set()
    for column in sorted(columns, key=lambda column: legal_name(column) != column):
        names[column] = numbered(legal_name(column) or _NAMELESS, taken)
        taken.add(names[column].casefold())
    return tuple(
        InferredField(column=column, name=names[column], xdm=xdm, renamed=_renamed(column, names[column]))
        for column, xdm in columns.items()
    )


def _renamed(column: str, name: str) -> Renamed | None:
    if column == name:
        return None
    legal = legal_name(column)
    if not legal:
        return Renamed.NAMELESS
    return Renamed.CHARACTERS if legal != column else Renamed.TAKEN
