"""The ways to sign in to a storage account: what each asks for, and the account that its answers name.

Names and parameters are Adobe's, where one of its connection specs for Azure has the same way.
"""

import re
from abc import ABC, abstractmethod
from dataclasses import replace
from typing import Annotated, Final, Literal, Self, TypeAlias
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from flowservice.connectors.azure_table import connection_string
from flowservice.connectors.azure_table.account import (
    AZURE_CHINA,
    AZURE_PUBLIC,
    AZURE_US_GOVERNMENT,
    NAME_PATTERN,
    Account,
    Cloud,
    Credential,
    ManagedIdentity,
    ServicePrincipal,
    address,
    is_loopback,
    name_in,
    secondary_of,
)
from flowservice.connectors.azure_table.sas import parse_sas
from flowservice.errors import BadField
from flowservice.sdk import Auth, host_of

BY_CONNECTION_STRING: Final = "Connection String Based Authentication"
BY_ACCOUNT_KEY: Final = "Account Key Authentication"
BY_SAS: Final = "SAS URI Authentication"
BY_SERVICE_PRINCIPAL: Final = "Service Principal Based Authentication"
BY_MANAGED_IDENTITY: Final = "Managed Identity Authentication"

CloudName: TypeAlias = Literal["AzurePublic", "AzureChina", "AzureUsGovernment"]
CLOUDS: Final[dict[CloudName, Cloud]] = {
    "AzurePublic": AZURE_PUBLIC,
    "AzureChina": AZURE_CHINA,
    "AzureUsGovernment": AZURE_US_GOVERNMENT,
}
_ADVICE: Final = "The Azure portal shows it: storage account, Endpoints, Table service."
_OTHER_SERVICE: Final = re.compile(r"[^.]+(?:\.z\d+)?\.(blob|queue|file|dfs|web)\..+")

FromSecondary = Annotated[
    bool,
    Field(
        alias="readFromSecondary",
        title="Read from the secondary",
        description="Read the read-only copy in the other region (RA-GRS, RA-GZRS), which lags: rows that are not "
        "replicated yet are read by a later run.",
    ),
]


class Signin(BaseModel, ABC):
    """A way to sign in, as `auth.params` of a connection."""

    model_config = ConfigDict(frozen=True, populate_by_name=True, extra="forbid")

    @abstractmethod
    def account(self) -> Account:
        """The account to read. Raises BadField."""

    @model_validator(mode="after")
    def _names_an_account(self) -> Self:
        try:
            self.account()
        except BadField as error:
            raise ValueError(error.message) from None
        return self


class ByConnectionString(Signin):
    """How to reach a storage account."""

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

    def account(self) -> Account:
        """The account that the connection string names. Raises BadField."""
        return connection_string.parse(self.connection_string.get_secret_value())


class Named(Signin):
    """An account by its name, in one of Azure's clouds or at an address of its own."""

    account_name: str = Field(
        alias="accountName",
        title="Account name",
        description="Of the storage account or, with `service` cosmos, of the Cosmos DB account.",
        pattern=NAME_PATTERN,
        examples=["northwind"],
    )
    cloud: CloudName = Field(
        default="AzurePublic", alias="azureCloudType", title="Cloud", description="The cloud of Azure it is in."
    )
    service: Literal["automatic", "storage", "cosmos"] = Field(
        default="automatic",
        title="Service",
        description="Table Storage, or the Table API of Cosmos DB. Automatic: told by the endpoint, and Table Storage "
        "without one. Say cosmos for an emulator of Cosmos DB whose name, port and key are not the documented ones.",
    )
    endpoint: str | None = Field(
        default=None,
        title="Table endpoint",
        description="Only if it is not the usual one of cloud and name: an account with a DNS zone, an emulator.",
        examples=["https://northwind.z12.table.storage.azure.net", "http://localhost:10002/northwind"],
    )
    read_from_secondary: FromSecondary = False

    def located(self, credential: Credential) -> Account:
        """The account, signed in to with `credential`. Raises BadField."""
        cloud = CLOUDS[self.cloud]
        usual = f"{self.account_name}.{cloud.cosmos if self.service == 'cosmos' else cloud.storage[0]}"
        return _at(
            address(self.endpoint or usual, "endpoint", advice=_ADVICE),
            self.account_name,
            credential,
            cloud=cloud,
            service=None if self.service == "automatic" else self.service,
            from_secondary=self.read_from_secondary,
        )


class ByAccountKey(Named):
    """An account by its name and key."""

    account_key: SecretStr = Field(
        alias="accountKey",
        title="Account key",
        description="One of the account's two keys. Azure portal: storage account, Access keys.",
    )

    def account(self) -> Account:
        """The account, read with its key. Raises BadField."""
        return self.located(connection_string.shared_key(self.account_key.get_secret_value().strip(), "accountKey"))


_CLIENT_ID: Final = "^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$"
# A GUID or a domain: not the words that stand for any tenant, or for another service.
_TENANT: Final = rf"{_CLIENT_ID}|^[A-Za-z0-9-]{{1,63}}([.][A-Za-z0-9-]{{1,63}}){{1,8}}$"


class ByServicePrincipal(Named):
    """An account by its name, and an application of Microsoft Entra ID that may read its tables."""

    tenant: str = Field(
        title="Tenant",
        description="Id of the directory that the application is registered in, or one of its domains.",
        pattern=_TENANT,
        examples=["contoso.onmicrosoft.com"],
    )
    service_principal_id: str = Field(
        alias="servicePrincipalId",
        title="Service principal id",
        description="The application (client) id. It needs the role Storage Table Data Reader on the account or, for "
        "Cosmos DB, a data plane role.",
        pattern=_CLIENT_ID,
    )
    service_principal_key: SecretStr = Field(
        alias="servicePrincipalKey",
        title="Service principal key",
        description="The value of one of the application's client secrets.",
        min_length=1,
    )

    def account(self) -> Account:
        """The account, read by the service principal. Raises BadField."""
        who = ServicePrincipal(
            tenant=self.tenant,
            client_id=self.service_principal_id,
            secret=self.service_principal_key.get_secret_value(),
        )
        account = self.located(who)
        return account if is_loopback(account.root) else _trusted_with_tokens(account)


class ByManagedIdentity(Named):
    """An account by its name, and the managed identity of the machine that this server runs on."""

    client_id: str | None = Field(
        default=None,
        alias="clientId",
        title="Client id",
        description="Of a user-assigned identity. Without it the machine's own (system-assigned) identity is used. It "
        "needs the role Storage Table Data Reader; the server's operator has to allow this way to sign in.",
        pattern=_CLIENT_ID,
    )

    def account(self) -> Account:
        """The account, read as this machine. Raises BadField."""
        return _trusted_with_tokens(self.located(ManagedIdentity(client_id=self.client_id)))


def _trusted_with_tokens(account: Account) -> Account:
    """`account`, if it is Azure's own, over https: who gets a token may use it for all else that it opens.

    Raises BadField.
    """
    if urlsplit(account.root).scheme != "https":
        raise BadField("endpoint: tokens of Microsoft Entra ID are sent over https only", advice="Write https://….")
    if not account.cloud.holds(host_of(account.root)):
        endings = ", ".join((*account.cloud.storage, account.cloud.cosmos))
        raise BadField(
            f"endpoint: tokens of Microsoft Entra ID are sent to Azure's own hosts only, in this cloud {endings}",
            advice="Check azureCloudType and endpoint.",
        )
    return account


class BySas(Signin):
    """A table service, or one table, by an address that holds a shared access signature."""

    sas_uri: SecretStr = Field(
        alias="sasUri",
        title="SAS URI",
        description="Address of the table service or of one table with a shared access signature that may read tables "
        "(sp=r; of an account also ss=t, srt=o, and sp=l with srt=c to list them). Azure portal: storage account, "
        "Shared access signature, Table service SAS URL.",
        examples=[
            "https://{account}.table.core.windows.net/?{signature}",
            "https://{account}.table.core.windows.net/{table}?{signature}",
        ],
    )
    read_from_secondary: FromSecondary = False

    def account(self) -> Account:
        """The account that the address names. Raises BadField."""
        uri, _, query = self.sas_uri.get_secret_value().strip().partition("?")
        sas = parse_sas(query, "sasUri")
        url = address(uri, "sasUri", advice=_ADVICE)
        if other := _OTHER_SERVICE.fullmatch(host_of(url)):
            raise BadField(f"sasUri is the address of another service ({other[1]}), not of tables", advice=_ADVICE)
        # The portal adds the table that a signature is limited to; the emulator has its account there.
        service, _, last = url.rpartition("/")
        endpoint = service if sas.table and urlsplit(url).path and last.lower() == sas.table.lower() else url
        return _at(endpoint, name_in(endpoint), sas, from_secondary=self.read_from_secondary)


def _at(
    endpoint: str,
    name: str,
    credential: Credential,
    *,
    cloud: Cloud = AZURE_PUBLIC,
    service: Literal["storage", "cosmos"] | None = None,
    from_secondary: bool = False,
) -> Account:
    """The account at `endpoint`. Raises BadField if it has no secondary, and that was asked for."""
    given = Account(endpoint=endpoint, name=name, credential=credential, cloud=cloud, service=service)
    if not from_secondary or given.is_secondary:
        return given
    if given.is_cosmos:
        raise BadField("readFromSecondary: Cosmos DB has no secondary of that kind", advice="Leave it out.")
    secondary = secondary_of(endpoint, name)
    if secondary is None:
        raise BadField(
            "readFromSecondary: the endpoint does not tell where the secondary is",
            advice="Give the address of the secondary itself as the endpoint.",
        )
    return replace(given, secondary=secondary, from_secondary=True)


_DESTINATION: Final = frozenset({"accountName", "azureCloudType", "service", "endpoint", "readFromSecondary"})

AUTHS: Final = (
    # Adobe's own, and therefore the first.
    Auth(name=BY_CONNECTION_STRING, kind="ConnectionString", config=ByConnectionString),
    Auth(name=BY_ACCOUNT_KEY, kind="AccountKey", config=ByAccountKey, destination=_DESTINATION),
    Auth(name=BY_SAS, kind="SasURI", config=BySas),
    Auth(
        name=BY_SERVICE_PRINCIPAL,
        kind="ServicePrincipal",
        config=ByServicePrincipal,
        destination=_DESTINATION | {"tenant"},
    ),
    Auth(name=BY_MANAGED_IDENTITY, kind="ManagedIdentity", config=ByManagedIdentity),
)
