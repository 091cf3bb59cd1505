"""A mapping set: which source field feeds which field of a schema. Versions are kept; a flow pins one."""

from collections.abc import Mapping as JsonObject
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from flowservice.domain.destination import Destination, destination_of
from flowservice.domain.expressions.checking import check, roots
from flowservice.domain.expressions.parsing import parse
from flowservice.domain.expressions.syntax import Node
from flowservice.domain.resource import Resource
from flowservice.domain.source_path import literal_column
from flowservice.domain.xdm_tree import Leaf, ObjectField, kind_of
from flowservice.errors import BadExpression, BadMapping, Error


class MappingKind(StrEnum):
    """What the source of a mapping is."""

    ATTRIBUTE = "ATTRIBUTE"
    EXPRESSION = "EXPRESSION"
    STATIC = "STATIC"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapping:
    """`source` feeds the XDM path `destination`. `source_type` is the word that the client sent.

    `rejects`: a row whose value is lost on the way is rejected, not landed with a null and a warning.
    """

    id: str
    kind: MappingKind
    source_type: str
    source: str
    destination: str
    name: str = ""
    description: str = ""
    identity: bool = False
    identity_group: str | None = None
    namespace_code: str | None = None
    rejects: bool = False

    @property
    def place(self) -> Destination:
        """Where its values go. Raises BadMapping."""
        return destination_of(self.destination)

    @property
    def column(self) -> str | None:
        """The one source column whose values it takes as they are; None for a constant and an expression."""
        return literal_column(self.source) if self.kind is MappingKind.ATTRIBUTE else None

    @property
    def expression(self) -> Node | None:
        """What is computed; None where a column or a constant is all. Raises BadExpression."""
        if self.kind is MappingKind.STATIC or self.column is not None:
            return None
        return parse(self.source)

    @property
    def reads(self) -> tuple[str, ...]:
        """The source columns that it needs. Raises BadExpression."""
        if self.column is not None:
            return (self.column,)
        return () if self.expression is None else roots(self.expression)


@dataclass(frozen=True, slots=True, kw_only=True)
class MappingVersion:
    """One version of a mapping set."""

    version: int
    schema_id: str
    schema_content_type: str
    mappings: tuple[Mapping, ...]

    @property
    def source_columns(self) -> tuple[str, ...]:
        """The source columns that the mappings read, each once."""
        return tuple(dict.fromkeys(name for mapping in self.mappings for name in mapping.reads))

    @property
    def is_computed(self) -> bool:
        """Whether some of it is more than a column taken as it is, or a constant."""
        return any(mapping.expression is not None for mapping in self.mappings)

    def check(self, tree: ObjectField) -> None:
        """Return if every mapping can be applied to rows of the schema `tree`.

        Raises BadMapping naming the first that cannot.
        """
        if not self.mappings:
            raise BadMapping("the mapping set has no mappings", advice="Map at least one source field.")
        for fault in self.faults(tree):
            if fault is not None:
                raise fault

    def faults(self, tree: ObjectField) -> tuple[Error | None, ...]:
        """What is wrong with each mapping, as `check` would raise it; None where it can be applied."""
        seen: dict[str, set[Destination]] = {}
        return tuple([_fault(mapping, tree, seen) for mapping in self.mappings])

    def check_keys(self, keys: tuple[str, ...]) -> None:
        """Return if every one of these fields is fed. Raises BadMapping."""
        fed = {mapping.destination for mapping in self.mappings}
        if unfed := [key for key in keys if key not in fed]:
            raise BadMapping(
                f"nothing is mapped to {', '.join(key[:200] for key in unfed)}, by which rows are upserted",
                advice="Map a source field to each of the target connection's keyFields.",
            )


def _fault(mapping: Mapping, tree: ObjectField, seen: dict[str, set[Destination]]) -> Error | None:
    """What is wrong with a mapping, after others that go to what is `seen`, by path; it is added there."""
    try:
        place = mapping.place
        _check_free(mapping, place, seen.setdefault(place.path, set()))
        expression = mapping.expression
        if expression is not None:
            check(expression)
        node = place.node(tree)
    except BadExpression as error:
        return of_mapping(mapping, error)
    except BadMapping as error:
        return error
    if mapping.kind is MappingKind.STATIC and not isinstance(node, Leaf):
        return BadMapping(
            f"{mapping.destination[:200]!r} is of type {kind_of(node).value}; a constant cannot fill it",
            advice="Map to the single fields below it." if isinstance(node, ObjectField) else "Map to single fields.",
        )
    return None


def _check_free(mapping: Mapping, place: Destination, others: set[Destination]) -> None:
    """Return if a place may be fed beside `others` with the same path; it is added to them. Raises BadMapping."""
    if place in others:
        raise BadMapping(f"two mappings feed {mapping.destination[:200]!r}", advice="Keep one mapping a destination.")
    # All of them are of one way: one tells.
    other = next(iter(others), None)
    if other is not None and (other.in_items, other.item is None) != (place.in_items, place.item is None):
        raise BadMapping(
            f"{place.path[:200]!r} is fed as a whole, by number or item by item, not in two of these ways",
            advice="Map all of its items in one way.",
        )
    others.add(place)


def of_mapping(mapping: Mapping, error: BadMapping) -> BadMapping:
    """The same error, which tells the mapping."""
    return type(error)(f"the expression of {mapping.destination[:200]!r}, {error.message}", advice=error.advice)


@dataclass(frozen=True, slots=True, kw_only=True)
class MappingSet(Resource):
    """A mapping set with all its versions, the oldest first."""

    versions: tuple[MappingVersion, ...]
    input_schema: JsonObject[str, Any] = field(default_factory=dict)
    """The source's schema as the client named it, for reading back."""
    tags: JsonObject[str, Any] = field(default_factory=dict)

    @property
    def current(self) -> MappingVersion:
        """The newest version."""
        return self.versions[-1]

    def at(self, version: int) -> MappingVersion | None:
        """The version of that number, if there is one."""
        return next((known for known in self.versions if known.version == version), None)
