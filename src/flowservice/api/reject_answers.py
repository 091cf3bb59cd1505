"""What calls on rejected rows answer, for the API's own document."""

from typing import Literal

from pydantic import Field

from flowservice.api.answers import Answer

State = Literal["new", "replayed", "replayFailed"]


class RejectCount(Answer):
    """How many rows a code and field have."""

    code: str
    field: str
    message: str = Field(description="Of one of them.")
    count: int
    states: dict[State, int]


class Rejected(Answer):
    """A rejected row as it stands."""

    id: str = Field(description="Names the row in a replay.")
    run_id: str = Field(description="The run that read it.")
    flow_id: str
    state: State
    code: str
    field: str = Field(description="The field of the dataset that has no good value.")
    message: str
    value: str | None = Field(description="The source's value, cut short.")
    row: dict[str, str] = Field(description="The row as it was read, each value as text; nulls are left out.")
    key: dict[str, str] | None = Field(description="Its key at the source; null where that has none.")
    mapping_version: int = Field(description="Version of the mapping set that refused it, or that it passed.")
    split: int
    rejected_at: str = Field(description="ISO 8601, in UTC.")
    changed_at: str = Field(description="ISO 8601, in UTC.")
    replay_run_id: str | None = Field(description="The last run that replayed it.")


class Rejects(Answer):
    """Rejected rows, and how many there are of each kind."""

    counts: list[RejectCount]
    rejects: list[Rejected]
    next: str | None = Field(description="Send it as `after` for the next page; null on the last one.")


class TriedCount(Answer):
    """Of the rows that a code and field rejected, how many would pass."""

    code: str
    field: str
    count: int
    would_pass: int


class ReplayTrial(Answer):
    """What a replay would do."""

    run_id: str
    mapping_id: str
    mapping_version: int
    count: int
    would_pass: int
    codes: list[TriedCount]
    has_more: bool = Field(description="Whether time was up before all rows were tried.")
