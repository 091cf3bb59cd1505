"""The connection string of a storage account: its grammar, and the account it names.

`key=value` pairs between semicolons; keys in any case, values may contain `=`. Messages name the key at fault and never
quote a value: it may be a secret.
Source: learn.microsoft.com/azure/storage/common/storage-configure-connection-string
"""

import base64
import binascii
import re
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from flowservice.errors import BadField
from flowservice.sdk import canonical, host_of

EMULATOR_ACCOUNT: Final = "devstoreaccount1"
# Published by Microsoft, the same in every emulator: not a secret.
EMULATOR_KEY: Final = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="

_KEYS: Final = {
    key.lower(): key
    for key in (
        "DefaultEndpointsProtocol",
        "AccountName",
        "AccountKey",
        "EndpointSuffix",
        "TableEndpoint",
        "TableSecondaryEndpoint",
        "SharedAccessSignature",
        "UseDevelopmentStorage",
        "DevelopmentStorageProxyUri",
    )
}
_LOOPBACK: Final = re.compile(r"(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?(/.*)?", re.IGNORECASE)
# Of Azure 3 to 24 lower-case letters and digits; Cosmos and emulators take more.
_ACCOUNT: Final = re.compile(r"[A-Za-z0-9_-]{1,63}")
_ADVICE: Final = "Copy the connection string again from the account's access keys in the Azure portal."


@dataclass(frozen=True, slots=True)
class SharedKey:
    """The account's key, decoded. It may do everything, so it is never shown."""

    secret: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Sas:
    """A shared access signature: query parameters, without the leading `?`, that go along with every request."""

    query: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Where the table service of an account is, and how to sign in."""

    endpoint: str
    """URL without trailing slash; in path style it ends in the account's name."""
    name: str
    credential: SharedKey | Sas
    secondary: str | None = None
    """The read-only, lagging copy (RA-GRS), if there is one by name. Nothing is read from it unasked."""

    @property
    def is_cosmos(self) -> bool:
        """Whether it is the Table API of Cosmos DB, as its host tells in every cloud of Azure, the earlier name too."""
        host = host_of(self.endpoint)
        return ".table.cosmos." in host or ".table.cosmosdb." in host


def parse(text: str) -> Account:
    """The account that a connection string names. Raises BadField naming the key at fault."""
    parts = _pairs(text)
    if "UseDevelopmentStorage" in parts:
        return _emulator(parts)
    endpoint, secondary = _endpoints(parts)
    name = parts.get("AccountName") or _name_in(endpoint)
    if not _ACCOUNT.fullmatch(name):
        raise BadField("AccountName is not the name of a storage account", advice=_ADVICE)
    return Account(endpoint=endpoint, name=name, credential=_credential(parts), secondary=secondary)


def _pairs(text: str) -> dict[str, str]:
    """The pairs that matter to tables, by the documented spelling of their key; Blob, Queue and File are ignored."""
    if not text.strip():
        raise BadField("the connection string is blank", advice=_ADVICE)
    parts: dict[str, str] = {}
    for number, segment in enumerate(text.split(";"), start=1):
        if not segment.strip():
            continue
        key, equals, value = (part.strip() for part in segment.partition("="))
        if not equals or not key:
            # The segment is not quoted: half a key that was pasted badly would end up in a log.
            raise BadField(f"part {number} of the connection string is not key=value", advice=_ADVICE)
        if not value:
            raise BadField(f"{_KEYS.get(key.lower(), key)} is empty in the connection string", advice=_ADVICE)
        known = _KEYS.get(key.lower(), key.lower())
        if known in parts:
            raise BadField(f"{known} comes twice in the connection string", advice="Remove one of them.")
        parts[known] = value
    return parts


def _emulator(parts: dict[str, str]) -> Account:
    if parts["UseDevelopmentStorage"].lower() != "true":
        raise BadField(
            "UseDevelopmentStorage can only be `true`", advice="Remove it to connect to a real storage account."
        )
    host = parts.get("DevelopmentStorageProxyUri", "http://127.0.0.1").rstrip("/")
    if "://" not in host:
        host = f"http://{host}"
    _url(host, "DevelopmentStorageProxyUri")
    root = host if _port(host, "DevelopmentStorageProxyUri") else f"{host}:10002"
    return Account(
        endpoint=f"{root}/{EMULATOR_ACCOUNT}",
        name=EMULATOR_ACCOUNT,
        credential=SharedKey(base64.b64decode(EMULATOR_KEY)),
        secondary=f"{root}/{EMULATOR_ACCOUNT}-secondary",
    )


def _credential(parts: dict[str, str]) -> SharedKey | Sas:
    """The key if there is one: it is not limited in time, range or table as a signature may be."""
    if "AccountKey" in parts:
        if "AccountName" not in parts:
            raise BadField("AccountName is missing beside AccountKey: it is part of the signature", advice=_ADVICE)
        try:
            return SharedKey(base64.b64decode(parts["AccountKey"], validate=True))
        except binascii.Error:
            raise BadField("AccountKey is not base64: it was cut or mistyped", advice=_ADVICE) from None
    if "SharedAccessSignature" in parts:
        query = parts["SharedAccessSignature"].lstrip("?")
        if "sig=" not in query:
            raise BadField("SharedAccessSignature has no `sig`: it was cut or mistyped", advice=_ADVICE)
        return Sas(query)
    raise BadField("the connection string has neither AccountKey nor SharedAccessSignature", advice=_ADVICE)


def _endpoints(parts: dict[str, str]) -> tuple[str, str | None]:
    """(primary, secondary). A given endpoint is used as it is: DNS-zone accounts and Cosmos have hosts of their own."""
    protocol = parts.get("DefaultEndpointsProtocol", "https").lower()
    if protocol not in {"http", "https"}:
        raise BadField("DefaultEndpointsProtocol can only be `https` or `http`", advice=_ADVICE)
    if "TableEndpoint" in parts:
        secondary = parts.get("TableSecondaryEndpoint")
        return (
            _url(parts["TableEndpoint"], "TableEndpoint"),
            _url(secondary, "TableSecondaryEndpoint") if secondary else None,
        )
    if "TableSecondaryEndpoint" in parts:
        raise BadField("TableSecondaryEndpoint is given without TableEndpoint", advice="Add TableEndpoint.")
    if "AccountName" not in parts:
        raise BadField("the connection string has neither AccountName nor TableEndpoint", advice=_ADVICE)
    name = parts["AccountName"]
    suffix = parts.get("EndpointSuffix", "core.windows.net").strip("./")
    if not _ACCOUNT.fullmatch(name):
        raise BadField("AccountName is not the name of a storage account", advice=_ADVICE)
    try:
        canonical(suffix)
    except BadField:
        raise BadField("EndpointSuffix does not give a valid host name", advice=_ADVICE) from None
    return (
        _url(f"{protocol}://{name}.table.{suffix}", "AccountName"),
        f"{protocol}://{name}-secondary.table.{suffix}",
    )


def _url(text: str, key: str) -> str:
    if "://" not in text:
        if _LOOPBACK.fullmatch(text):
            raise BadField(
                f"{key} has no scheme, and https is assumed then; a local emulator mostly speaks http",
                advice=f"Write {key}=http://… or https://… in full.",
            )
        text = f"https://{text}"
    try:
        host_of(text)
    except BadField as error:
        raise BadField(f"{key} does not give a valid http or https address: {error.message}", advice=_ADVICE) from None
    parts = urlsplit(text)
    if parts.query or parts.fragment:
        raise BadField(f"{key} does not give a valid http or https address", advice=_ADVICE)
    return text.rstrip("/")


def _port(url: str, key: str) -> int | None:
    try:
        return urlsplit(url).port
    except ValueError:
        raise BadField(f"{key} does not give a valid http or https address", advice=_ADVICE) from None


def _name_in(endpoint: str) -> str:
    """The account's name as an endpoint tells it: the last segment of a path, or the host's first label."""
    parts = urlsplit(endpoint)
    return parts.path.strip("/").rpartition("/")[2] or (parts.hostname or "").partition(".")[0]
