"""What a dry run answers, for the API's own document."""

from typing import Any, Literal

from pydantic import Field

from flowservice.api.answers import Answer
from flowservice.api.drift_answers import Change


class DeltaColumn(Answer):
    """The column whose values place rows in windows."""

    name: str
    date_format: str | None = None
    timezone: str | None = None


class Window(Answer):
    """The rows that a run takes: those with start <= value < end; null is an open end."""

    delta_column: DeltaColumn
    start: str | None = Field(description="ISO 8601, in UTC.")
    end: str | None = Field(description="ISO 8601, in UTC.")


class Counts(Answer):
    """Rows. Those read are filtered, rejected, superseded or written."""

    read: int
    filtered: int = Field(description="Left out by the row filter or the window.")
    rejected: int = Field(description="Would go into quarantine.")
    superseded: int = Field(description="Of an upsert: older versions of others that were read.")
    written: int = Field(description="Would go into the dataset.")
    warnings: int = Field(description="Values that would become null.")
    inserted: int | None = Field(default=None, description="Of an upsert: with a key that the dataset does not have.")
    updated: int | None = Field(default=None, description="Of an upsert: in place of a row of the dataset.")


class DryRow(Answer):
    """A row of the source and what it becomes."""

    before: dict[str, Any]
    after: dict[str, Any]


class DryReject(Answer):
    """A row that would go into quarantine."""

    code: str
    field: str
    message: str
    value: str | None
    row: dict[str, str] = Field(description="The row of the source, each value as text.")


class Tally(Answer):
    """How often something went wrong with a field."""

    code: str
    field: str
    message: str
    count: int


class NewColumn(Answer):
    """A column that the table would get."""

    path: str = Field(examples=["_tenant.name"])
    type: str = Field(description="As Arrow writes it.", examples=["string"])


class Clash(Answer):
    """Why a run would fail, whatever its rows are."""

    code: str
    message: str
    advice: str


class SchemaChanges(Answer):
    """What would become of the dataset's table."""

    makes_table: bool = Field(description="Whether there is no table yet.")
    columns: list[NewColumn]
    clash: Clash | None


class SchemaDrift(Answer):
    """How the source's columns differ from those that the flow knows."""

    changes: list[Change]
    is_held: bool = Field(description="Whether a run would read nothing until somebody has decided.")


class DryRun(Answer):
    """What the next run of a flow would do."""

    flow_id: str
    table_name: str = Field(description="At the source.")
    write_mode: Literal["append", "upsert"]
    key_fields: list[str]
    window: Window | None
    has_more: bool = Field(description="Whether reading ended before the source did.")
    cut_by: Literal["rows", "time", "size"] | None = Field(description="Why it did.")
    counts: Counts
    tolerated_percent: float
    max_rejected_records: int | None = Field(
        default=None, description="How many rejected rows a run may have; null: the share alone counts."
    )
    is_tolerable: bool = Field(description="Whether a run that goes on like this would publish its rows.")
    rows: list[DryRow] = Field(max_length=20)
    rejects: list[DryReject] = Field(max_length=100)
    rejections: list[Tally]
    warnings: list[Tally]
    skipped: list[Tally] = Field(description="Rows that belong to no window.")
    absent_columns: list[str] = Field(description="Mapped columns that a sample of the source did not show.")
    schema_changes: SchemaChanges
    schema_drift: SchemaDrift
