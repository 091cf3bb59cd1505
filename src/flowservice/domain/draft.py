"""What somebody has begun to fill in and not finished: kept on the server, so that no typing is lost."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from flowservice.domain.resource import Resource

MAX_BYTES: Final = 256_000
"""Of a draft's body, as compact JSON."""
MAX_DRAFTS: Final = 200
"""In a sandbox."""


class DraftKind(StrEnum):
    """What is being made."""

    DATAFLOW = "dataflow"


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft(Resource):
    """A form of several steps, filled in as far as it is. The server reads nothing of its body."""

    kind: DraftKind
    step: str
    """Where whoever goes on begins."""
    body: Mapping[str, Any]
