"""Azure Table Storage, the emulator Azurite, and the Table API of Cosmos DB as a source of tables."""

from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from flowservice.connectors.azure_table import connection_string
from flowservice.connectors.azure_table.source import TableSource
from flowservice.errors import BadField, UnknownAuth
from flowservice.sdk import Auth, Connector, Egress, Source

BY_CONNECTION_STRING: Final = "Connection String Based Authentication"


class Config(BaseModel):
    """How to reach a storage account."""

    model_config = ConfigDict(frozen=True, populate_by_name=True, extra="forbid")

    connection_string: SecretStr = Field(
        alias="connectionString",
        title="Connection string",
        description="Of the storage account, with its key or a shared access signature that may read tables "
        "(ss=t, srt=o, sp=r; sp=l to list them). Azure portal: storage account, Access keys.",
        examples=[
            "DefaultEndpointsProtocol=https;AccountName={account};AccountKey={key};EndpointSuffix=core.windows.net",
            "TableEndpoint=https://{account}.table.core.windows.net;SharedAccessSignature={signature}",
            "UseDevelopmentStorage=true",
        ],
    )

    @field_validator("connection_string")
    @classmethod
    def _is_whole(cls, value: SecretStr) -> SecretStr:
        try:
            connection_string.parse(value.get_secret_value())
        except BadField as error:
            raise ValueError(error.message) from None
        return value


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
    if auth != BY_CONNECTION_STRING or not isinstance(config, Config):
        raise UnknownAuth(f"azure-table-storage has no auth {auth!r}", advice=f"Use {BY_CONNECTION_STRING!r}.")
    return TableSource(connection_string.parse(config.connection_string.get_secret_value()), egress=egress)


connector = Connector(
    id="ecde33f2-c56f-46cc-bdea-ad151c16cd69",
    name="azure-table-storage",
    auths=(Auth(name=BY_CONNECTION_STRING, config=Config),),
    params=Params,
    open=_open,
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
