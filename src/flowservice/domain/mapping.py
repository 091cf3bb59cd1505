"""A mapping set: which source field feeds which field of a schema. Versions are kept; a flow pins one."""

from dataclasses import dataclass
from enum import StrEnum

from flowservice.domain.resource import Resource


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


@dataclass(frozen=True, slots=True, kw_only=True)
class MappingVersion:
    """One version of a mapping set."""

    version: int
    schema_id: str
    schema_content_type: str
    mappings: tuple[Mapping, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MappingSet(Resource):
    """A mapping set with all its versions, the oldest first."""

    versions: tuple[MappingVersion, ...]

    @property
    def current(self) -> MappingVersion:
        """The newest version."""
        return self.versions[-1]

    def at(self, version: int) -> MappingVersion | None:
        """The version of that number, if there is one."""
        return next((known for known in self.versions if known.version == version), None)
