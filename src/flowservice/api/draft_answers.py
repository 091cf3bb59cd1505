"""What drafts of forms answer."""

from typing import Any, Literal

from pydantic import Field

from flowservice.api.answers import Answer, Stamped


class DraftLine(Stamped):
    """A draft, without its body."""

    name: str
    kind: Literal["dataflow"]
    step: str = Field(description="Where whoever goes on begins.", examples=["mapping"])


class Draft(DraftLine):
    """A draft."""

    body: dict[str, Any] = Field(description="As it was sent.")


class Drafts(Answer):
    """All of a sandbox, those first that were changed last."""

    items: list[DraftLine]
