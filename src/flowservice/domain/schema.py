"""A schema resource of the registry, as stored: the JSON its author sent, with its ids."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from flowservice.domain.resource import Resource


class SchemaKind(StrEnum):
    """Kinds of schema resources, by the path segment they live under. Ids of field groups say `mixins`."""

    SCHEMAS = "schemas"
    CLASSES = "classes"
    FIELD_GROUPS = "fieldgroups"
    DATA_TYPES = "datatypes"
    BEHAVIORS = "behaviors"
    """Standard ones alone; nobody makes another."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaResource(Resource):
    """A tenant's own schema, class, field group or data type. `id` is the `$id` URI; `name` its title."""

    kind: SchemaKind
    alt_id: str
    body: Mapping[str, Any]
    """What the author sent, without what the registry assigns."""
    class_id: str = ""
    """Of a schema: the `$id` of its class."""
    extends: tuple[str, ...] = ()
    """Everything it builds on, directly or through another resource, nearest first."""
    minor: int = 0
    """The minor version: `1.<minor>`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaChange(Resource):
    """One change of a schema resource: its stamp says who made it, and when. `name` is the version that it made."""

    schema_id: str
    """`$id` of the resource."""
    steps: tuple[Mapping[str, Any], ...]
    """What makes the new body of the old one, as a JSON Patch."""

    @property
    def minor(self) -> int:
        """The minor version that it made."""
        return int(self.name.rpartition(".")[2])
