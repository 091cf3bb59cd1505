"""Why a flow that is due has not been started."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from flowservice.domain.run_limits import Full

_SHARED: Final[Mapping[str, tuple[str, str]]] = {
    "org": ("in this organisation", "FLOWSERVICE_RUNS_PER_ORG"),
    "sandbox": ("in this sandbox", "FLOWSERVICE_RUNS_PER_SANDBOX"),
    "connection": ("on its account", "FLOWSERVICE_RUNS_PER_CONNECTION"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Hindrance:
    """What is in a flow's way: a stable code, what it is, what to do."""

    code: str
    message: str
    advice: str


def hindrance(full: Full | None) -> Hindrance:
    """What keeps a flow that is due from its start, where this place (None: no place) has no room for it."""
    if full is None:
        return Hindrance(
            code="not-started",
            message="No server has started it since it was due",
            advice="If this lasts, look into the server's log and at what `flowservice doctor` says.",
        )
    shared, setting = _SHARED[full.place]
    flows = "1 flow is" if full.most == 1 else f"{full.most} flows are"
    return Hindrance(
        code="no-room",
        message=f"{flows} at work {shared}, which is as many as may be",
        advice=f"It starts once one of them ends. {setting} says how many there may be.",
    )
