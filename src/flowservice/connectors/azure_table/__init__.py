"""Azure Table Storage, the emulator Azurite, and the Table API of Cosmos DB as a source of tables."""

from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field

from flowservice.connectors.azure_table.auths import AUTHS, BY_CONNECTION_STRING, ByConnectionString, Signin
from flowservice.connectors.azure_table.check_steps import STEPS
from flowservice.connectors.azure_table.source import TableSource
from flowservice.errors import UnknownAuth
from flowservice.sdk import Connector, Egress, Source

__all__ = ["AUTHS", "BY_CONNECTION_STRING", "Column", "Config", "Params", "connector"]

Config: Final = ByConnectionString
"""The configuration of Adobe's own way to sign in."""


class Column(BaseModel):
    """A column as exploring a table returned it; members other than the name are informative."""

    model_config = ConfigDict(frozen=True, extra="allow")

    name: str = Field(min_length=1, max_length=255, description="Name of the property.")


class Params(BaseModel):
    """What a source connection reads."""

    model_config = ConfigDict(frozen=True, populate_by_name=True, extra="forbid")

    table_name: str = Field(
        alias="tableName",
        title="Table",
        description="Name of the table: 3 to 63 letters and digits, the first a letter.",
        pattern="^[A-Za-z][A-Za-z0-9]{2,62}$",
        examples=["customers"],
    )
    columns: list[Column] | None = Field(
        default=None,
        title="Columns",
        description="Only these columns are read, besides PartitionKey and RowKey. All, if not given.",
    )
    filters: dict[str, Any] | None = Field(
        default=None, title="Row filter", description="Only rows that pass it are kept. All, if not given."
    )


def _open(auth: str, config: BaseModel, egress: Egress) -> Source:
    known = {way.name: way.config for way in AUTHS}
    if auth not in known or not isinstance(config, Signin):
        raise UnknownAuth(
            f"azure-table-storage has no auth {auth!r}", advice=f"Use one of {', '.join(map(repr, known))}."
        )
    return TableSource(config.account(), egress=egress)


connector = Connector(
    id="ecde33f2-c56f-46cc-bdea-ad151c16cd69",
    name="azure-table-storage",
    auths=AUTHS,
    params=Params,
    open=_open,
    check_steps=STEPS,
    attributes={
        "category": "database",
        "displayName": "Azure Table Storage",
        "kind": "table",
        "dataFormat": "tabular",
        "isSource": True,
        # What clients may send. Of it `$filter` says what it can, and the server applies the whole after reading.
        "filterAtSource": {
            "enabled": True,
            "queryLanguage": "OData",
            "logicalOperators": ["and", "or", "not"],
            "comparisonOperators": ["=", "!=", "<", "<=", ">", ">=", "like", "in", "isNull"],
            "columnNameEscapeChar": "",
            "valueEscapeChar": "'",
        },
    },
)
