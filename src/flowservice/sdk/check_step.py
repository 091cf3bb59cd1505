"""The check of a source in named steps, for sources that can say more than that they work or do not."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckStep:
    """A step, as a connector declares it: a stable name in kebab-case, and a title for people."""

    name: str
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a step found, in a sentence for people that holds no secret."""

    message: str
    skipped: bool = False
    """Whether there was nothing to look at; the message says why."""
    warnings: tuple[str, ...] = ()
    """What works now and will not for long, or is odd: sentences for people without secrets."""


@runtime_checkable
class Stepped(Protocol):
    """A source that is checked in the steps that its connector declares (`Connector.check_steps`)."""

    def check_step(self, name: str) -> Finding:
        """Take one step. They are taken in their order, each once, and none after one that raised.

        Raises as `Source.check`. All together answer within 30 s. What works for `Source.check` passes every step that
        has something to look at.
        """
