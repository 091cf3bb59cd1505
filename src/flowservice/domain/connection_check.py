"""A check of a connection: what works, step by step, and what came of the last one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class StepStatus(StrEnum):
    """What came of a step."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedStep:
    """A step of a check. `message` says what was found, `advice` what to do about it; neither quotes a secret."""

    name: str
    title: str
    status: StepStatus
    ms: int = 0
    message: str = ""
    advice: str = ""
    code: str | None = None
    """Of the error that a failed step met."""
    warnings: Sequence[str] = ()
    """What works now and will not for long, or is odd."""


@dataclass(frozen=True, slots=True)
class ConnectionCheck:
    """All steps of a check, in order. After one that failed the others are skipped."""

    steps: Sequence[CheckedStep]

    @property
    def failed(self) -> CheckedStep | None:
        """The step that failed."""
        return next((step for step in self.steps if step.status is StepStatus.FAILED), None)

    @property
    def warnings(self) -> Sequence[str]:
        """Of all steps."""
        return [warning for step in self.steps for warning in step.warnings]


@dataclass(frozen=True, slots=True, kw_only=True)
class LastCheck:
    """What is kept of the last check of a connection."""

    connection_id: str
    checked_at: datetime
    failed: CheckedStep | None = None
    """None: it passed."""
    warnings: Sequence[str] = ()
    """Of all steps. A check without steps gives none."""
