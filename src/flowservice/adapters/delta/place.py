"""Which storage a URL of a lake means, and how its settings are called by delta-rs."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from pydantic import SecretStr

from flowservice.adapters.delta.folder import Folder
from flowservice.adapters.delta.object_store import ObjectStore
from flowservice.adapters.delta.storage import Storage
from flowservice.errors import Invalid

_AZURE: Final = frozenset({"az", "abfs", "abfss"})
_S3: Final = frozenset({"s3", "s3a"})
_EMULATOR_URL: Final = "AZURITE_BLOB_STORAGE_URL"
"""Where the stores of delta-rs look for the emulator; no option says it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """How an object store is reached. What is not given comes from its own variables (AZURE_STORAGE_…, AWS_…)."""

    account: str | None = None
    """Storage account of Azure."""
    key_id: str | None = None
    """Id of an access key of S3."""
    key: SecretStr | None = None
    """Key of the account, or secret of the access key."""
    endpoint: str | None = None
    region: str | None = None
    allow_http: bool = False
    emulator: bool = False
    """The store is Azurite."""


def place_of(url: str) -> Path | str:
    """The folder that a URL means, else the URL of an object store. Raises Invalid."""
    scheme, separator, _ = url.partition("://")
    if not separator:
        return Path(url).absolute()
    parts = urlsplit(url)
    if scheme == "file":
        return Path(unquote(parts.path))
    if scheme not in _AZURE | _S3:
        raise Invalid(
            f"the lake cannot be at a URL with {scheme[:20]}://",
            advice="FLOWSERVICE_LAKE_URL is a folder, az://container/path, abfss://container@account.dfs.core.windows.net"
            "/path or s3://bucket/path.",
        )
    if parts.query or parts.fragment or parts.password is not None:
        # Not quoted: it may be a signature.
        raise Invalid(
            "the URL of the lake holds more than a place",
            advice="Leave out everything from `?` on and passwords; credentials go into FLOWSERVICE_LAKE_KEY or the "
            "variables of the store (AZURE_STORAGE_…, AWS_…).",
        )
    if not (parts.username or parts.hostname):
        raise Invalid("the URL of the lake names no container or bucket", advice="Say s3://bucket/path, for example.")
    return url


def storage_at(url: str, access: Access) -> Storage:
    """The storage that a URL means. Nothing is asked of it yet. Raises Invalid."""
    place = place_of(url)
    if isinstance(place, Path):
        return Folder(place)
    is_azure = place.partition("://")[0] in _AZURE
    if is_azure and access.emulator and access.endpoint:
        # Without the account, which is the first level of its paths.
        os.environ[_EMULATOR_URL] = "{0.scheme}://{0.netloc}".format(urlsplit(access.endpoint))
    key = access.key.get_secret_value() if access.key else None
    if is_azure:
        options = {
            "azure_storage_account_name": access.account,
            "azure_storage_account_key": key,
            "azure_storage_endpoint": None if access.emulator else access.endpoint,
            # A custom endpoint alone is not enough for Azurite: the third commit of a table would fail.
            "azure_storage_use_emulator": "true" if access.emulator else None,
        }
    else:
        options = {
            "aws_access_key_id": access.key_id,
            "aws_secret_access_key": key,
            "aws_endpoint": access.endpoint,
            "aws_region": access.region,
        }
    given = {name: value for name, value in options.items() if value}
    try:
        return ObjectStore(place, given, allow_http=access.allow_http or access.emulator)
    except OSError:
        # Its text may quote what it was given.
        raise Invalid(
            "the settings of the lake do not fit together",
            advice="Azure needs an account (FLOWSERVICE_LAKE_ACCOUNT) and S3 a region (FLOWSERVICE_LAKE_REGION); an "
            "endpoint with http:// needs FLOWSERVICE_LAKE_ALLOW_HTTP; a key of Azure is Base64.",
        ) from None
