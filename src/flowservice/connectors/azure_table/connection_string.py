"""The connection string of a storage account: its grammar, and the account it names.

`key=value` pairs between semicolons; keys in any case, values may contain `=`. Messages name the key at fault and never
quote a value: it may be a secret.
Source: learn.microsoft.com/azure/storage/common/storage-configure-connection-string
"""

import base64
import binascii
import re
from typing import Final
from urllib.parse import urlsplit

from flowservice.connectors.azure_table.account import (
    AZURE_PUBLIC,
    EMULATOR_ACCOUNT,
    EMULATOR_KEY,
    NAME_PATTERN,
    SECONDARY,
    Account,
    SharedKey,
    address,
    name_in,
)
from flowservice.connectors.azure_table.sas import Sas, parse_sas
from flowservice.errors import BadField
from flowservice.sdk import canonical

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
_BOTH: Final = "its connection string has a key and a shared access signature: the key is used"
_ADVICE: Final = "Copy the connection string again from the account's access keys in the Azure portal."


def parse(text: str) -> Account:
    """The account that a connection string names. Raises BadField naming the key at fault."""
    parts = _pairs(text)
    if "UseDevelopmentStorage" in parts:
        return _emulator(parts)
    endpoint, secondary = _endpoints(parts)
    has_both = "AccountKey" in parts and "SharedAccessSignature" in parts
    return Account(
        endpoint=endpoint,
        name=_account(parts.get("AccountName") or name_in(endpoint)),
        credential=_credential(parts),
        secondary=secondary,
        remarks=(_BOTH,) if has_both else (),
    )


def shared_key(text: str, key: str) -> SharedKey:
    """The account's key that a configuration gives under `key`. Raises BadField."""
    try:
        return SharedKey(base64.b64decode(text, validate=True))
    except binascii.Error:
        raise BadField(f"{key} is not base64: it was cut or mistyped", advice=_ADVICE) from None


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
    host = _url(host, "DevelopmentStorageProxyUri")
    root = host if urlsplit(host).port else f"{host}:10002"
    return Account(
        endpoint=f"{root}/{EMULATOR_ACCOUNT}",
        name=EMULATOR_ACCOUNT,
        credential=SharedKey(base64.b64decode(EMULATOR_KEY)),
        secondary=f"{root}/{EMULATOR_ACCOUNT}{SECONDARY}",
    )


def _credential(parts: dict[str, str]) -> SharedKey | Sas:
    """The key if there is one: it is not limited in time, range or table as a signature may be."""
    if "AccountKey" in parts:
        if "AccountName" not in parts:
            raise BadField("AccountName is missing beside AccountKey: it is part of the signature", advice=_ADVICE)
        return shared_key(parts["AccountKey"], "AccountKey")
    if "SharedAccessSignature" in parts:
        return parse_sas(parts["SharedAccessSignature"], "SharedAccessSignature")
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
    name = _account(parts["AccountName"])
    suffix = parts.get("EndpointSuffix", AZURE_PUBLIC.storage[0].removeprefix("table.")).strip("./")
    try:
        canonical(suffix)
    except BadField:
        raise BadField("EndpointSuffix does not give a valid host name", advice=_ADVICE) from None
    return (
        _url(f"{protocol}://{name}.table.{suffix}", "AccountName"),
        f"{protocol}://{name}{SECONDARY}.table.{suffix}",
    )


def _account(name: str) -> str:
    if not re.fullmatch(NAME_PATTERN, name):
        raise BadField("AccountName is not the name of a storage account", advice=_ADVICE)
    return name


def _url(text: str, key: str) -> str:
    return address(text, key, advice=_ADVICE)
