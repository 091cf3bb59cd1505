"""A storage account: where its table service is in each cloud of Azure, and the ways to sign in to it.

Sources: learn.microsoft.com/azure/storage/common/storage-account-overview (hosts, the secondary),
learn.microsoft.com/azure/storage/common/storage-use-azurite and learn.microsoft.com/azure/cosmos-db/emulator
(the emulators' accounts and ports)
"""

import base64
import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal, TypeAlias
from urllib.parse import urlsplit

from flowservice.connectors.azure_table.sas import Sas
from flowservice.errors import BadField
from flowservice.sdk import host_of

EMULATOR_ACCOUNT: Final = "devstoreaccount1"
# Published by Microsoft, the same in every emulator: not secrets.
EMULATOR_KEY: Final = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
COSMOS_EMULATOR_KEY: Final = "C2y6yDjf5/R+ob0N8A7Cgv30VRDJIWEHLM+4QDU5DE2nQ9nDuVTqobD4b8mGGyPMbIZnqyMsEcaGQy67XIw/Jw=="
COSMOS_EMULATOR_ACCOUNT: Final = "localhost"
COSMOS_EMULATOR_PORT: Final = 8902

SECONDARY: Final = "-secondary"
# Of Azure 3 to 24 lower-case letters and digits; Cosmos and emulators take more.
NAME_PATTERN: Final = "^[A-Za-z0-9_-]{1,63}$"
_LOOPBACK: Final = re.compile(r"(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?", re.IGNORECASE)

Service: TypeAlias = Literal["storage", "cosmos"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cloud:
    """One of the clouds of Azure, which know nothing of each other: hosts, and what tokens are asked for."""

    authority: str
    """URL of Microsoft Entra ID."""
    storage: tuple[str, ...]
    """What hosts of table services end in; the first is the usual one."""
    cosmos: str
    """The same for the Table API of Cosmos DB."""
    storage_scope: str
    cosmos_scope: str

    def holds(self, host: str) -> bool:
        """Whether a host is Azure's own, of this cloud."""
        return any(host.endswith(f".{ending}") for ending in (*self.storage, self.cosmos))


AZURE_PUBLIC: Final = Cloud(
    authority="https://login.microsoftonline.com",
    storage=("table.core.windows.net", "table.storage.azure.net"),
    cosmos="table.cosmos.azure.com",
    storage_scope="https://storage.azure.com/.default",
    cosmos_scope="https://cosmos.azure.com/.default",
)
AZURE_CHINA: Final = Cloud(
    authority="https://login.chinacloudapi.cn",
    storage=("table.core.chinacloudapi.cn",),
    cosmos="table.cosmos.azure.cn",
    storage_scope="https://storage.azure.cn/.default",
    cosmos_scope="https://cosmos.azure.cn/.default",
)
AZURE_US_GOVERNMENT: Final = Cloud(
    authority="https://login.microsoftonline.us",
    storage=("table.core.usgovcloudapi.net",),
    cosmos="table.cosmos.azure.us",
    storage_scope="https://storage.azure.us/.default",
    cosmos_scope="https://cosmos.azure.us/.default",
)
_CLOUDS: Final = (AZURE_PUBLIC, AZURE_CHINA, AZURE_US_GOVERNMENT)


@dataclass(frozen=True, slots=True)
class SharedKey:
    """The account's key, decoded. It may do everything, so it is never shown."""

    secret: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServicePrincipal:
    """An application that is registered in Microsoft Entra ID, with one of its secrets."""

    tenant: str
    client_id: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ManagedIdentity:
    """The identity of the machine that the server runs on; of several, the one with this client id."""

    client_id: str | None = None


TokenCredential: TypeAlias = ServicePrincipal | ManagedIdentity
Credential: TypeAlias = SharedKey | Sas | TokenCredential


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Where the table service of an account is, and how to sign in."""

    endpoint: str
    """URL without trailing slash; in path style it ends in the account's name."""
    name: str
    credential: Credential
    secondary: str | None = None
    """The read-only, lagging copy (RA-GRS), if there is one by name. Nothing is read from it unasked."""
    from_secondary: bool = False
    service: Service | None = None
    """None: told by endpoint, name and key."""
    cloud: Cloud = AZURE_PUBLIC
    remarks: tuple[str, ...] = ()
    """What is odd about how it was configured, without secrets."""

    @property
    def root(self) -> str:
        """URL of what is read: the secondary, if it was asked for."""
        return self.secondary if self.from_secondary and self.secondary else self.endpoint

    @property
    def names(self) -> frozenset[str]:
        """Its name, and its address without the scheme: a domain of one's own tells no account by its name, and an
        account on a shared host no other by the host. In lower case, for Azure does not tell them apart by it."""
        return frozenset({self.name.lower(), self.endpoint.partition("://")[2].lower()})

    @property
    def is_secondary(self) -> bool:
        """Whether what is read is the secondary: also if its very address was given as the endpoint."""
        return self.from_secondary or _name_in(self.endpoint).lower() == f"{self.name}{SECONDARY}".lower()

    @property
    def is_cosmos(self) -> bool:
        """Whether it is the Table API of Cosmos DB, as its host tells in every cloud of Azure, the earlier name too.

        Of its emulator only signs are known, which a user may change. One of them is enough: who takes storage for
        Cosmos reads more than is needed, who takes Cosmos for storage misses rows.
        """
        if self.service is not None:
            return self.service == "cosmos"
        host = host_of(self.endpoint)
        if ".table.cosmos." in host or ".table.cosmosdb." in host:
            return True
        return not any(cloud.holds(host) for cloud in _CLOUDS) and (
            self.name.lower() == COSMOS_EMULATOR_ACCOUNT
            or urlsplit(self.endpoint).port == COSMOS_EMULATOR_PORT
            or self.credential == SharedKey(base64.b64decode(COSMOS_EMULATOR_KEY))
        )

    @property
    def scope(self) -> str:
        """What a token for it is asked for."""
        return self.cloud.cosmos_scope if self.is_cosmos else self.cloud.storage_scope

    def warnings(self, at: datetime) -> tuple[str, ...]:
        """What an operator should know before a run at `at`, without secrets."""
        ends = self.credential.ends_soon(at) if isinstance(self.credential, Sas) else None
        return tuple(f"account {self.name}: {told}" for told in (*self.remarks, ends) if told)


def address(text: str, key: str, *, advice: str) -> str:
    """The http or https URL that a configuration gives under `key`, without trailing slash; https if it has no scheme.

    Raises BadField.
    """
    if "://" not in text:
        if _LOOPBACK.fullmatch(text.partition("/")[0]):
            raise BadField(
                f"{key} has no scheme, and https is assumed then; a local emulator mostly speaks http",
                advice=f"Write {key}=http://… or https://… in full.",
            )
        text = f"https://{text}"
    try:
        host_of(text)
    except BadField as error:
        raise BadField(f"{key} does not give a valid http or https address: {error.message}", advice=advice) from None
    parts = urlsplit(text)
    if parts.query or parts.fragment:
        raise BadField(f"{key} does not give a valid http or https address", advice=advice)
    return text.rstrip("/")


def is_loopback(url: str) -> bool:
    """Whether a URL leads to this very machine, by name or address."""
    return _LOOPBACK.fullmatch(urlsplit(url).netloc) is not None


def name_in(endpoint: str) -> str:
    """The account's name as an endpoint tells it: the last segment of a path, or the host's first label.

    The secondary's name is no account's name: it is signed without its ending.
    """
    return _name_in(endpoint).removesuffix(SECONDARY)


def _name_in(endpoint: str) -> str:
    parts = urlsplit(endpoint)
    return parts.path.strip("/").rpartition("/")[2] or (parts.hostname or "").partition(".")[0]


def secondary_of(endpoint: str, name: str) -> str | None:
    """The secondary of an endpoint that has the account's name in its usual place; None: there is no telling."""
    scheme, _, rest = endpoint.partition("://")
    netloc, slash, path = rest.partition("/")
    if slash:
        return f"{endpoint}{SECONDARY}" if path.rpartition("/")[2].lower() == name.lower() else None
    label, dot, domain = netloc.partition(".")
    return f"{scheme}://{label}{SECONDARY}.{domain}" if dot and label.lower() == name.lower() else None
