"""What versions of flows answer, for the API's own document."""

from typing import Any, Literal

from pydantic import Field

from flowservice.api.answers import Answer, Created, SpecRef, Transformation


class EndAt(Answer):
    """A source or target connection as the flow had taken it up."""

    id: str
    connection_spec: SpecRef
    base_connection_id: str | None
    params: dict[str, Any]


class FlowVersion(Answer):
    """What a flow was told to do, from one change to the next."""

    number: int = Field(description="From 1.")
    flow_id: str
    is_current: bool
    origin: Literal["made", "changed", "published", "reverted", "columns", "before"] = Field(
        description="`columns`: columns of the source were taken up. `before`: as it was before versions were kept."
    )
    reverts_to: int | None = Field(description="The version whose content it has again.")
    saved_at: int = Field(description="Epoch milliseconds.")
    saved_by: str
    saved_client: str
    name: str
    description: str
    labels: list[str]
    source: EndAt
    target: EndAt
    schedule_params: dict[str, Any]
    transformations: list[Transformation]
    options: dict[str, Any]


class FlowVersions(Answer):
    """Versions of a flow, the newest first."""

    items: list[FlowVersion]
    next: int | None = Field(description="Send it as `below` for the next page; null on the last one.")


class Reverted(Created):
    """The flow, and the number of the version that it is now."""

    number: int
