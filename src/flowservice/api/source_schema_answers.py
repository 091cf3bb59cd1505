"""What making a schema of a source answers, for the API's own document."""

from typing import Literal

from pydantic import Field

from flowservice.api.answers import Answer


class MadeField(Answer):
    """A field, and the column that it is for."""

    source: str = Field(description="Name of the column.")
    path: str = Field(description="Path of the field in the schema.")
    type: str = Field(description="Its XDM type.")
    reason: Literal["illegal-characters", "name-taken", "no-legal-character"] | None = Field(
        description="Why the field is not called as the column is; null where it is."
    )


class SourceSchema(Answer):
    """What was made."""

    schema_id: str | None = Field(default=None, description="Null, like all ids, in a dry run.")
    schema_alt_id: str | None = None
    class_id: str | None = None
    field_group_id: str | None = Field(
        default=None, description="Null of an ad hoc schema, whose class has the fields."
    )
    mapping_set_id: str | None = None
    mapping_set_version: int | None = None
    fields: list[MadeField]
    passed_over: list[str] = Field(description="Columns that no field can take.")
    sampled_row_count: int
