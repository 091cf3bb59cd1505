"""Shared Key Lite: what an account's key makes of a date and a path.

    StringToSign  = x-ms-date "\n" CanonicalizedResource
    CanonicalizedResource = "/" account, then the path exactly as sent (in path style the account thus comes twice),
                            then "?comp=…" if the query has it; on the secondary, too, the name is the primary's
    Authorization: SharedKeyLite account:base64(HMAC-SHA256(key, utf8(StringToSign)))

Nothing else of the query is signed: one signature serves all pages of a table that are asked for within one second.
Source: learn.microsoft.com/rest/api/storageservices/authorize-with-shared-key
"""

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import lru_cache

from flowservice.connectors.azure_table.account import Account, SharedKey


def signature(key: bytes, account: str, path: str, date: str) -> str:
    """The signature of a request to `path` at `date` (RFC 1123, GMT), in base64."""
    text = f"{date}\n/{account}{path}"
    return base64.b64encode(hmac.new(key, text.encode(), hashlib.sha256).digest()).decode()


class Signer:
    """Signs requests of one account, each with a fresh date, retries too: the service allows 15 minutes of skew."""

    def __init__(self, account: Account, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._account = account
        self._now = now
        # One hash a second and path is enough; the cache holds the few paths in use.
        self._cached = lru_cache(maxsize=8)(self._headers)

    def headers(self, path: str) -> Mapping[str, str]:
        """`x-ms-date` and, with a shared key, `Authorization`, for a request to `path` now."""
        return self._cached(path, self._now().replace(microsecond=0))

    def _headers(self, path: str, second: datetime) -> Mapping[str, str]:
        date = format_datetime(second, usegmt=True)
        credential = self._account.credential
        if not isinstance(credential, SharedKey):
            return {"x-ms-date": date}
        signed = signature(credential.secret, self._account.name, path, date)
        return {"x-ms-date": date, "Authorization": f"SharedKeyLite {self._account.name}:{signed}"}
