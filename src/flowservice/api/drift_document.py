"""Changes of a source's columns on the wire."""

from collections.abc import Iterable
from typing import Any

from flowservice.domain.drift import Change


def changes_json(changes: Iterable[Change]) -> list[dict[str, Any]]:
    """Changes of columns as JSON."""
    return [
        {"kind": change.kind.value, "column": change.column, "was": list(change.was), "now": list(change.now)}
        for change in changes
    ]
