"""A mapping set: which source field feeds which field of a schema. Versions are kept; a flow pins one."""

from collections.abc import Mapping as JsonObject
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from flowservice.domain.expressions.checking import check, roots
from flowservice.domain.expressions.parsing import parse
from flowservice.domain.expressions.syntax import Node
from flowservice.domain.resource import Resource
from flowservice.domain.source_path import literal_column
from flowservice.domain.xdm_tree import Leaf, ObjectField, found, kind_of
from flowservice.errors import BadExpression, BadMapping, Error, NotSupported


class MappingKind(StrEnum):
    """What the source of a mapping is."""

    ATTRIBUTE = "ATTRIBUTE"
    EXPRESSION = "EXPRESSION"
    STATIC = "STATIC"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapping:
    """`source` feeds the XDM path `destination`. `source_type` is the word that the client sent."""

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

    def check(self, tree: ObjectField) -> None:
        """Return if every mapping can be applied to rows of the schema `tree`.

        Raises BadMapping naming the first that cannot, NotSupported for what a later version will do.
        """
        if not self.mappings:
            raise BadMapping("the mapping set has no mappings", advice="Map at least one source field.")
        for fault in self.faults(tree):
            if fault is not None:
                raise fault

    def faults(self, tree: ObjectField) -> tuple[Error | None, ...]:
        """What is wrong with each mapping, as `check` would raise it; None where it can be applied."""
        seen: set[str] = set()
        found: list[Error | None] = []
        for mapping in self.mappings:
            found.append(_fault(mapping, tree, is_second=mapping.destination in seen))
            seen.add(mapping.destination)
        return tuple(found)

    def check_keys(self, keys: tuple[str, ...]) -> None:
        """Return if every one of these fields is fed. Raises BadMapping."""
        fed = {mapping.destination for mapping in self.mappings}
        if unfed := [key for key in keys if key not in fed]:
            raise BadMapping(
                f"nothing is mapped to {', '.join(key[:200] for key in unfed)}, by which rows are upserted",
                advice="Map a source field to each of the target connection's keyFields.",
            )


def _fault(mapping: Mapping, tree: ObjectField, *, is_second: bool) -> Error | None:
    if is_second:
        return BadMapping(f"two mappings feed {mapping.destination[:200]!r}", advice="Keep one mapping a destination.")
    try:
        expression = mapping.expression
        if expression is not None:
            check(expression)
        _check_destination(mapping.destination, tree, is_constant=mapping.kind is MappingKind.STATIC)
    except BadExpression as error:
        return of_mapping(mapping, error)
    except (BadMapping, NotSupported) as error:
        return error
    return None


def of_mapping(mapping: Mapping, error: BadMapping) -> BadMapping:
    """The same error, which tells the mapping."""
    return type(error)(f"the expression of {mapping.destination[:200]!r}, {error.message}", advice=error.advice)


def _check_destination(path: str, tree: ObjectField, *, is_constant: bool) -> None:
    if "[" in path:
        raise NotSupported(
            f"{path[:200]!r} goes into a list, which this version cannot map", advice="Map to single fields."
        )
    node = found(tree, path)
    if is_constant and not isinstance(node, Leaf):
        raise BadMapping(
            f"{path[:200]!r} is of type {kind_of(node).value}; a constant cannot fill it",
            advice="Map to the single fields below it." if isinstance(node, ObjectField) else "Map to single fields.",
        )


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
