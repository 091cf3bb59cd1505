"""How requests are signed in: by a token, a shared access signature in their query, or Shared Key Lite.

Shared Key Lite is what an account's key makes of a date and a path.

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
import math
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import lru_cache
from typing import Final, Protocol, TypeAlias

from flowservice.connectors.azure_table.account import Account, ManagedIdentity, ServicePrincipal, SharedKey
from flowservice.sdk import Egress

Headers: TypeAlias = Mapping[str, str]
_BEARER: Final = "Bearer "


def signature(key: bytes, account: str, path: str, date: str) -> str:
    """The signature of a request to `path` at `date` (RFC 1123, GMT), in base64."""
    text = f"{date}\n/{account}{path}"
    return base64.b64encode(hmac.new(key, text.encode(), hashlib.sha256).digest()).decode()


class Signing(Protocol):
    """Makes the headers that sign a request in."""

    def headers(self, resource: str, *, until: float = math.inf) -> Headers:
        """For a request to `resource` (path and `comp`) now; there `until`, on the monotonic clock."""

    def renewed(self, resource: str, refused: Headers, *, until: float = math.inf) -> Headers | None:
        """The same after they were refused. None: others would not help."""


def signer_of(account: Account, *, egress: Egress, now: Callable[[], datetime]) -> Signing:
    """What signs requests of an account. Raises DestinationRefused as `entra.Tokens`."""
    if not isinstance(account.credential, ServicePrincipal | ManagedIdentity):
        return Signer(account, now=now)
    from flowservice.connectors.azure_table.entra import Tokens  # noqa: PLC0415 - it loads for a third of a second

    return Bearer(Tokens(account, egress=egress), now=now)


class TokenSource(Protocol):
    """Where tokens come from."""

    def token(self, *, until: float = math.inf, refused: str | None = None) -> str:
        """A token that is valid now; another one than `refused`."""


class Bearer:
    """Signs by a token. Azure takes one from this version of its protocol on."""

    def __init__(self, tokens: TokenSource, *, now: Callable[[], datetime]) -> None:
        self._tokens = tokens
        self._now = now

    def headers(self, _resource: str, *, until: float = math.inf) -> Headers:
        """See `Signing`. Raises as `entra.Tokens.token`."""
        return self._bearing(self._tokens.token(until=until))

    def renewed(self, _resource: str, refused: Headers, *, until: float = math.inf) -> Headers | None:
        """See `Signing`. Raises as `entra.Tokens.token`."""
        return self._bearing(self._tokens.token(until=until, refused=refused["Authorization"].removeprefix(_BEARER)))

    def _bearing(self, token: str) -> Headers:
        date = format_datetime(self._now(), usegmt=True)
        return {"x-ms-date": date, "x-ms-version": "2020-12-06", "Authorization": f"{_BEARER}{token}"}


class Signer:
    """Signs requests of one account, each with a fresh date, retries too: the service allows 15 minutes of skew."""

    def __init__(self, account: Account, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._account = account
        self._now = now
        # One hash a second and path is enough; the cache holds the few paths in use.
        self._cached = lru_cache(maxsize=8)(self._headers)

    def headers(self, resource: str, *, until: float = math.inf) -> Headers:  # noqa: ARG002 - needs no time
        """`x-ms-date` and, with a shared key, `Authorization`, for a request to `resource` now."""
        return self._cached(resource, self._now().replace(microsecond=0))

    def renewed(self, _resource: str, _refused: Headers, *, until: float = math.inf) -> None:
        """None: a key that was refused once is refused again."""

    def _headers(self, path: str, second: datetime) -> Headers:
        date = format_datetime(second, usegmt=True)
        credential = self._account.credential
        if not isinstance(credential, SharedKey):
            return {"x-ms-date": date}
        signed = signature(credential.secret, self._account.name, path, date)
        return {"x-ms-date": date, "Authorization": f"SharedKeyLite {self._account.name}:{signed}"}
