"""Specs that customers write: their own source definitions, and flow specs that name them."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from flowservice.domain.resource import Resource


class SpecKind(StrEnum):
    """What a spec describes."""

    CONNECTION = "connection"
    FLOW = "flow"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredSpec(Resource):
    """A spec of one sandbox. A flow spec may stand in place of a documented one of the same `spec_id`."""

    kind: SpecKind
    spec_id: str
    document: Mapping[str, Any]
    """As its author wrote it, without its id."""


def row_id(spec_id: str, sandbox_id: str) -> str:
    """The id of the stored resource: the same spec may be changed in several sandboxes."""
    return f"{spec_id}@{sandbox_id}"
