"""What calls about schema drift answer, for the API's own document."""

from typing import Literal

from pydantic import Field

from flowservice.api.answers import Answer


class Policy(Answer):
    """What the flow does about changes: `options.schemaDrift`."""

    new_columns: Literal["ignore", "add", "hold"]
    removed_columns: Literal["null", "hold"]
    type_changes: Literal["reject", "hold"]


class Change(Answer):
    """A column that is not as the flow knew it."""

    kind: Literal["newColumn", "removedColumn", "typeChange"]
    column: str
    was: list[str] = Field(description="Types that it was known with, as the source names them.", examples=[["string"]])
    now: list[str] = Field(description="Types that its values have now.")


class HeldChange(Change):
    """A change that waits for a decision."""

    first_seen: str = Field(description="When a run met it first.")


class Held(Answer):
    """The changes for which runs of the flow read nothing."""

    id: str = Field(description="Names exactly these changes; to be sent with the decision.")
    since: str = Field(description="When the first run failed for them: rows wait since then.")
    runs: int = Field(description="How many runs failed for them.")
    last_run_id: str
    reason: str | None = Field(description="Why columns that were to be added are held instead.")
    changes: list[HeldChange]


class Met(Answer):
    """The last changes that a run met and went on with."""

    run_id: str
    at: str
    changes: list[Change]


class KnownColumn(Answer):
    """A column that the flow knows."""

    name: str
    types: list[str]


class Drift(Answer):
    """How the columns of a flow's source changed."""

    flow_id: str
    policy: Policy
    held: Held | None
    last_met: Met | None
    columns: list[KnownColumn]
