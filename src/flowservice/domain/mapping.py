"""A mapping set: which source field feeds which field of a schema. Versions are kept; a flow pins one."""

from collections.abc import Mapping as JsonObject
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from flowservice.domain.resource import Resource
from flowservice.domain.source_path import literal_column
from flowservice.domain.xdm_tree import Leaf, ObjectField, found, kind_of
from flowservice.errors import BadMapping, NotSupported


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
        """The source column it reads; None for a constant."""
        return literal_column(self.source) if self.kind is MappingKind.ATTRIBUTE else None


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
        return tuple(dict.fromkeys(mapping.column for mapping in self.mappings if mapping.column is not None))

    def check(self, tree: ObjectField) -> None:
        """Return if every mapping can be applied to rows of the schema `tree`.

        Raises BadMapping naming the first that cannot, NotSupported for what a later version will do.
        """
        if not self.mappings:
            raise BadMapping("the mapping set has no mappings", advice="Map at least one source field.")
        seen: set[str] = set()
        for mapping in self.mappings:
            if mapping.destination in seen:
                raise BadMapping(
                    f"two mappings feed {mapping.destination[:200]!r}", advice="Keep one mapping a destination."
                )
            seen.add(mapping.destination)
            _check_source(mapping)
            _check_destination(mapping.destination, tree)

    def check_keys(self, keys: tuple[str, ...]) -> None:
        """Return if every one of these fields is fed. Raises BadMapping."""
        fed = {mapping.destination for mapping in self.mappings}
        if unfed := [key for key in keys if key not in fed]:
            raise BadMapping(
                f"nothing is mapped to {', '.join(key[:200] for key in unfed)}, by which rows are upserted",
                advice="Map a source field to each of the target connection's keyFields.",
            )


def _check_source(mapping: Mapping) -> None:
    if mapping.kind is MappingKind.EXPRESSION or (mapping.kind is MappingKind.ATTRIBUTE and mapping.column is None):
        raise NotSupported(
            f"the source of {mapping.destination[:200]!r} is an expression; this version maps fields and constants",
            advice="Name one source field; a name with blanks or signs is written ${First Name}.",
        )


def _check_destination(path: str, tree: ObjectField) -> None:
    if "[" in path:
        raise NotSupported(
            f"{path[:200]!r} goes into a list, which this version cannot map", advice="Map to single fields."
        )
    node = found(tree, path)
    if not isinstance(node, Leaf):
        raise BadMapping(
            f"{path[:200]!r} is of type {kind_of(node).value}; one source field cannot fill it",
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
