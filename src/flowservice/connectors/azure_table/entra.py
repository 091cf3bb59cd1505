"""Signing in by Microsoft Entra ID: tokens by `azure-identity`, cached there and renewed before they expire.

Loading that package takes a third of a second: this module is imported where a token is needed, not before.
Sources: learn.microsoft.com/rest/api/storageservices/authorize-with-azure-active-directory,
learn.microsoft.com/entra/identity-platform/reference-error-codes
"""

import math
import threading
import time
from collections.abc import Iterator, Mapping
from datetime import timedelta
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import urlencode, urlsplit

import orjson
from azure.core.credentials import TokenCredential as Vendor
from azure.core.exceptions import AzureError, ServiceRequestError, ServiceResponseError
from azure.core.pipeline.transport import HttpResponse, HttpTransport
from azure.core.rest import HttpRequest
from azure.identity import ClientSecretCredential, ManagedIdentityCredential
from pyreqwest.exceptions import PyreqwestError
from pyreqwest.response import SyncResponse

from flowservice.connectors.azure_table import dialling, faults
from flowservice.connectors.azure_table.account import Account, ManagedIdentity, ServicePrincipal
from flowservice.errors import BadCredentials, Error, SourceUnavailable, Throttled, Unreachable
from flowservice.sdk import Egress, host_of

# A check has 10 s for looking up names, a token, and its own request.
_CONNECT_S: Final = 2.0
_ANSWER_S: Final = 3.0
_ADVICE: Final = "Look at the app registration in the Azure portal: its tenant, application (client) id and secrets."
_KNOWN: Final[Mapping[int, str]] = {
    7000215: "the key is wrong: it must be the secret's value, not its id",
    7000222: "the key has expired: make another secret",
    700016: "its tenant does not know the application",
    90002: "the tenant does not exist in this cloud",
    900023: "the tenant does not exist in this cloud",
    53003: "a conditional access policy does not let it in",
}


class Tokens:
    """Tokens for one account. May be used from any thread."""

    def __init__(self, account: Account, *, egress: Egress) -> None:
        """Dials nothing. Raises DestinationRefused for an identity of the server's own that may not be used."""
        assert isinstance(account.credential, ServicePrincipal | ManagedIdentity)
        if isinstance(account.credential, ManagedIdentity):
            egress.may_use_host_identity()
        self._credential, self._authority, self._scope = account.credential, account.cloud.authority, account.scope
        self._transport = _Transport(egress)
        self._asking = threading.Lock()
        self._vendor: Vendor | None = None
        self._last = ""

    def token(self, *, until: float = math.inf, refused: str | None = None) -> str:
        """A token that is valid now; another one than `refused`. It is there `until`, on the monotonic clock.

        Raises BadCredentials, Throttled, SourceUnavailable, Unreachable, DestinationRefused.
        """
        with self._asking:
            if self._vendor is None or (refused is not None and refused == self._last):
                # The vendor's cache cannot be told that a token is no good: a new one has none.
                self._vendor = self._signed_out()
            self._transport.begin(until)
            try:
                self._last = self._vendor.get_token(self._scope).token
            except (AzureError, ValueError, OSError, RuntimeError) as error:
                # `from None`: what the vendor quotes of an answer is not ours to tell.
                raise self._translated(error) from None
            return self._last

    def _signed_out(self) -> Vendor:
        who = self._credential
        if isinstance(who, ManagedIdentity):
            return ManagedIdentityCredential(
                client_id=who.client_id,
                # What may pass is repeated by us.
                retry_total=0,
                retry_status=0,
                connection_timeout=_CONNECT_S,
                read_timeout=_ANSWER_S,
                use_env_settings=False,
            )
        return ClientSecretCredential(
            who.tenant,
            who.client_id,
            who.secret,
            authority=self._authority,
            # It would ask login.microsoftonline.com, also in another cloud, whether the authority is one.
            disable_instance_discovery=True,
            transport=self._transport,
            retry_total=0,
        )

    def _translated(self, error: BaseException) -> Error:
        """Our own error, if it caused the vendor's; else what the vendor's stands for."""
        for cause in _causes(error):
            if isinstance(cause, Error):
                return cause
        if not isinstance(self._credential, ManagedIdentity):
            return BadCredentials("Microsoft Entra ID gave no token for the service principal", advice=_ADVICE)
        if any(isinstance(cause, ServiceRequestError | ServiceResponseError) for cause in _causes(error)):
            return Unreachable(
                "the managed identity of this server gave no token: its endpoint does not answer",
                advice="A managed identity exists only on a machine in Azure, or one that Azure Arc manages.",
            )
        return BadCredentials(
            "the managed identity of this server gave no token",
            advice="Give the machine a managed identity; if it has several, name one by its clientId.",
        )


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


class _Answer(HttpResponse):
    """An answer as azure-core hands it on."""

    def __init__(self, request: Any, response: SyncResponse, body: bytes) -> None:
        super().__init__(request, response)
        self.status_code = response.status
        self.content_type = response.get_header("content-type")
        self.headers = {"Content-Type": self.content_type or ""}
        self.reason = ""
        self._body = body

    def body(self) -> bytes:
        """The whole body."""
        return self._body


class _Transport(HttpTransport[HttpRequest, HttpResponse]):
    """Carries requests to Microsoft Entra ID as the server's policy allows: past no redirect and no proxy."""

    def __init__(self, egress: Egress) -> None:
        self._egress = egress
        self._until = math.inf
        self._addresses: dict[str, tuple[str, ...]] = {}

    def begin(self, until: float) -> None:
        """A token is to be there `until`, on the monotonic clock. Names are looked up once for it."""
        self._until = until
        self._addresses.clear()

    def send(self, request: HttpRequest, **_: Any) -> HttpResponse:
        """The answer, if it is a good one. Raises BadCredentials, Throttled, SourceUnavailable, and as `Egress`."""
        host = urlsplit(request.url).netloc
        response, body = self._exchanged(request, host)
        if response.status != 200:
            raise _refusal(response.status, body, host=host, is_lookup=request.method == "GET")
        return _Answer(request, response, body)

    def _exchanged(self, request: HttpRequest, host: str) -> tuple[SyncResponse, bytes]:
        name = host_of(request.url)
        failed: Error = Unreachable(f"{host} has no address")
        if name not in self._addresses:
            self._addresses[name] = self._egress.addresses(name)
        for address in self._addresses[name]:
            left = min(self._until - time.monotonic(), _CONNECT_S + _ANSWER_S)
            client = dialling.client(
                name, address, connect=timedelta(seconds=_CONNECT_S), silence=timedelta(seconds=_ANSWER_S)
            )
            with client.https_only(True).build() as dialled:
                sending = dialled.request(request.method, request.url).headers(dict(request.headers))
                if isinstance(request.content, Mapping):
                    sending = sending.body_text(urlencode(request.content))
                try:
                    response = sending.timeout(timedelta(seconds=max(0.0, left))).build().send()
                    return response, bytes(response.bytes())
                except PyreqwestError as error:
                    failed = faults.of_transport(error, host=host)
        raise failed

    def open(self) -> None:
        """Each request has a connection of its own: there are two an hour."""

    def close(self) -> None:
        """Nothing is open."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        return


def _refusal(status: int, body: bytes, *, host: str, is_lookup: bool) -> Error:
    """The error that an answer of Microsoft Entra ID other than 200 stands for."""
    codes = _codes(body)
    what = f"{host} answered {status}" + "".join(f" AADSTS{code}" for code in codes[:1])
    if status == 429:
        return Throttled(f"Microsoft Entra ID asks for a pause ({what})", advice="It is retried.")
    if status == 408 or status >= 500:
        return SourceUnavailable(
            f"Microsoft Entra ID failed ({what})", advice="It is retried; see Azure's status page."
        )
    why = next((_KNOWN[code] for code in codes if code in _KNOWN), None)
    if why is None and is_lookup:
        why = _KNOWN[90002]
    return BadCredentials(
        f"Microsoft Entra ID does not sign in the service principal{f': {why}' if why else ''} ({what})", advice=_ADVICE
    )


def _codes(body: bytes) -> list[int]:
    try:
        found = orjson.loads(body)["error_codes"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return []
    return [code for code in found if isinstance(code, int)] if isinstance(found, list) else []
