"""What checks of connections answer."""

from typing import Literal

from pydantic import Field

from flowservice.api.answers import Answer


class CheckedStep(Answer):
    """A step of a check, and what came of it."""

    name: str = Field(description="Stable.", examples=["resolve-host"])
    title: str = Field(description="For people.")
    status: Literal["passed", "failed", "skipped"]
    ms: int = Field(description="Milliseconds that it took.")
    message: str = Field(description="What was found; empty for a step that was not taken.")
    advice: str | None = Field(default=None, description="What to do about it.")
    code: str | None = Field(default=None, description="Of a failed step: stable; the errors page lists all of them.")
    warnings: list[str] = Field(description="What works now and will not for long, or is odd.")


class ConnectionCheck(Answer):
    """The steps of a check, in order."""

    steps: list[CheckedStep]
    passed: bool = Field(description="Whether none failed.")


class LastCheck(Answer):
    """What came of the last check of a connection."""

    connection_id: str
    checked_at: int = Field(description="Epoch milliseconds.")
    passed: bool
    failed: CheckedStep | None = Field(default=None, description="The step that failed.")
    warnings: list[str] = Field(description="Of all steps: a signature that expires soon, for example.")


class LastChecks(Answer):
    """Of each connection that was ever checked."""

    items: list[LastCheck]
