"""The steps of a connection's check: what each source has, and what a connector adds."""

from collections.abc import Sequence
from typing import Final

from flowservice.sdk import CheckStep, Connector

PARSED: Final = CheckStep(name="parse-input", title="Read the settings")
"""The first step of every check: before it, no source is there to take one."""
CHECKED: Final = CheckStep(name="check", title="Connect and sign in")
"""The only other step of a source that has none of its own."""


def steps_of(connector: Connector) -> Sequence[CheckStep]:
    """All steps, in order."""
    return (PARSED, *(connector.check_steps or (CHECKED,)))
