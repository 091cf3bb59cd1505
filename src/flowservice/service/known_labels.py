"""Which labels may be put on data: a mistyped one would leave it unprotected without anybody noticing."""

from collections.abc import Iterable
from typing import Final

from flowservice.domain.identity import Scope
from flowservice.domain.label import ordered
from flowservice.ports.database import Database
from flowservice.service.labels import known_labels

_TOLD: Final = 5
LISTED: Final = "GET /data/foundation/dulepolicy/labels/core and /labels/custom list the labels there are."


def unknown_labels(database: Database, scope: Scope, names: Iterable[str]) -> str:
    """Those of the names, bare ones, that no label of the sandbox has, for a message; empty where there is none."""
    wanted = ordered(names)
    known = known_labels(database, scope) if wanted else frozenset()
    return ", ".join([repr(name[:80]) for name in wanted if name not in known][:_TOLD])
