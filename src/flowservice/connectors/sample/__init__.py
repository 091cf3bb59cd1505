"""Sample data: a source that is part of the service, for whoever has no account elsewhere yet.

Customers, orders and products of a shop that does not exist. A few values are wrong on purpose (`tables`), as they are
in every real table.
"""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from flowservice.connectors.sample.source import STEPS, SampleSource
from flowservice.connectors.sample.tables import TABLES
from flowservice.sdk import Auth, Connector, Egress, Source

__all__ = ["Column", "NoSignin", "Params", "connector"]


class NoSignin(BaseModel):
    """Nothing has to be filled in: this server makes the rows itself."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Column(BaseModel):
    """A column as exploring a table returned it; members other than the name are informative."""

    model_config = ConfigDict(frozen=True, extra="allow")

    name: str = Field(min_length=1, max_length=255, description="Name of the column.")


class Params(BaseModel):
    """What a source connection reads."""

    model_config = ConfigDict(frozen=True, populate_by_name=True, extra="forbid")

    table_name: str = Field(
        alias="tableName",
        title="Table",
        description=f"One of {', '.join(TABLES)}.",
        examples=list(TABLES),
    )
    columns: list[Column] | None = Field(
        default=None, title="Columns", description="Only these columns are read, besides id. All, if not given."
    )
    filters: dict[str, Any] | None = Field(
        default=None, title="Row filter", description="Only rows that pass it are kept. All, if not given."
    )


def _open(_auth: str, _config: BaseModel, _egress: Egress) -> Source:
    return SampleSource()


connector = Connector(
    id="8e0d5c1f-6a3b-4f27-9b64-2d7c90e1a5f8",
    name="sample-data",
    auths=(Auth(name="No Sign-in", kind="None", config=NoSignin),),
    params=Params,
    open=_open,
    check_steps=STEPS,
    attributes={
        "category": "Samples",
        "displayName": "Sample data",
        "kind": "table",
        "dataFormat": "tabular",
        "isSource": True,
        # By it clients find what can be tried without an account elsewhere.
        "isSampleData": True,
    },
)
