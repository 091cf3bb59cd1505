"""What goes wrong at the table service, in words of ours: one function for answers, one for transport.

Messages never quote a key, a signature or a body; `x-ms-request-id` goes along for Microsoft's support.
Source: learn.microsoft.com/rest/api/storageservices/table-service-error-codes
"""

import math
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final, TypeAlias
from urllib.parse import urlsplit

from pyreqwest.exceptions import (
    ConnectError,
    DetailedPyreqwestError,
    NetworkError,
    PyreqwestError,
    RequestTimeoutError,
)

from flowservice.connectors.azure_table.account import Account, ManagedIdentity, ServicePrincipal
from flowservice.connectors.azure_table.sas import Sas
from flowservice.errors import (
    BadCredentials,
    Denied,
    Error,
    NoSuchObject,
    SourceError,
    SourceUnavailable,
    Throttled,
    Unreachable,
)

Header: TypeAlias = Callable[[str], str | None]
"""Looks up a response header, in any case."""

_SKEW_ALLOWED: Final = timedelta(minutes=5)
# A busy service asks for seconds. Whoever asks for more than an hour is broken or means harm: a run would sleep for
# good, and hold its place among those that work.
_LONGEST_PAUSE_S: Final = 3600.0
_DENIED: Final = frozenset(
    {
        "AccountIsDisabled",
        "AuthorizationPermissionMismatch",
        "AuthorizationProtocolMismatch",
        "AuthorizationResourceTypeMismatch",
        "AuthorizationServiceMismatch",
        "AuthorizationSourceIPMismatch",
        "InsufficientAccountPermissions",
    }
)
_CODE_IN_BODY: Final = re.compile(rb'"code"\s*:\s*"(\w+)"|<(?:m:)?code>(\w+)<', re.IGNORECASE)


class Refused(SourceError):
    """The service cannot make sense of a request (400): a repeat gets the same answer."""


def of_answer(status: int, header: Header, body: bytes, *, account: Account, table: str | None, now: datetime) -> Error:
    """The error that an answer other than 200 stands for."""
    code, host = code_of(header, body), urlsplit(account.root).netloc
    what = f"{host} answered {status}" + (f" {code}" if code else "") + _request_id(header)
    if status in {401, 403}:
        return _unauthorised(account, code, what, now=now, date=_date(header))
    if status == 404 and account.is_secondary:
        return NoSuchObject(
            f"table {table!r} is not on the secondary ({what})" if table else f"there is no secondary ({what})",
            advice="It may not be replicated yet: wait, or read from the primary, if the table exists there.",
        )
    if status == 404:
        return NoSuchObject(
            f"table {table!r} does not exist ({what})"
            if table
            else f"there is no table service at this address ({what})",
            advice="Check the name: explore the connection to see its tables.",
        )
    if status == 409:
        return NoSuchObject(f"table {table!r} is being deleted ({what})", advice="Wait until it is created again.")
    if status in {429, 503}:
        return Throttled(
            f"the service asks for a pause ({what})",
            advice="It is retried; if it goes on, other clients use up the account's limits.",
            retry_after_s=_retry_after_s(header, now),
        )
    if status in {408, 500, 502, 504}:
        return SourceUnavailable(f"the service failed ({what})", advice="It is retried; see Azure's status page.")
    return Refused(f"the service refused the request ({what})", advice="Report this with the request id.")


def of_transport(error: PyreqwestError, *, host: str) -> Error:
    """The error that a failure below HTTP stands for. Its own message is dropped: it quotes the URL, and so a SAS."""
    causes = _causes(error)
    if isinstance(error, ConnectError) and not is_reset(error):
        if "certificate" in causes:
            why, advice = "its certificate is not trusted", "Check the address and TLS inspection on the way."
        elif "refused" in causes:
            why, advice = "it refused the connection", "Check address and port, and that the service runs."
        else:
            why, advice = "no connection could be made", "Check the address, firewalls and proxies."
    elif isinstance(error, RequestTimeoutError):
        why, advice = "it did not answer in time", "Check firewalls: a storage account can be closed to networks."
    else:
        why, advice = "the connection was cut", "It is retried; check the network and proxies in between."
    return Unreachable(f"cannot reach {host}: {why}", advice=advice)


def is_reset(error: PyreqwestError) -> bool:
    """Whether a connection that stood was cut before an answer came. The client calls that a ConnectError, too."""
    return isinstance(error, NetworkError) and "client error (Connect)" not in _causes(error)


def _causes(error: PyreqwestError) -> str:
    causes = error.details["causes"] if isinstance(error, DetailedPyreqwestError) else None
    return " ".join(cause["message"] for cause in causes or ())


def code_of(header: Header, body: bytes) -> str | None:
    """The service's error code: from the header, else from JSON or XML (errors of sign-in come as XML)."""
    code = header("x-ms-error-code")
    if code is None and (found := _CODE_IN_BODY.search(body[:4096])):
        code = (found[1] or found[2]).decode()
    return code if code and re.fullmatch(r"\w{1,80}", code) else None


def _unauthorised(account: Account, code: str | None, what: str, *, now: datetime, date: datetime | None) -> Error:
    """Why a sign-in was refused. `date` is the service's clock, if it tells it: a signature expires by that."""
    if isinstance(account.credential, Sas) and (lapse := account.credential.lapse(date or now)):
        return BadCredentials(
            f"{lapse} ({what})",
            advice="Make a new one in the Azure portal, valid for longer than the flow is to run, and put it into the "
            "connection.",
        )
    if isinstance(account.credential, ServicePrincipal | ManagedIdentity):
        return _unauthorised_token(code, what)
    skew = now - date if date is not None else timedelta(0)
    if abs(skew) > _SKEW_ALLOWED:
        return BadCredentials(
            f"the signature was not accepted: this machine's clock is {_spoken(skew)} the service's ({what})",
            advice="Set the clock of this machine (NTP); the key itself may be right.",
        )
    if code in _DENIED:
        return Denied(
            f"the credentials do not allow this ({what})",
            advice="Reading needs a shared access signature for tables (ss=t), objects (srt=o) and reading (sp=r); one "
            "of an account also has to list tables (sp=l, srt=c), which tests of a connection do.",
        )
    return BadCredentials(
        f"the key or signature was not accepted ({what})",
        advice="Copy the connection string again: the key may have been renewed, or the shared access signature have "
        "expired. If they are right, the account's firewall may refuse this machine.",
    )


def _unauthorised_token(code: str | None, what: str) -> Error:
    if code in _DENIED or code == "AuthorizationFailure":
        return Denied(
            f"the identity may not read here ({what})",
            advice="Give it the role Storage Table Data Reader on the account (in Cosmos DB a data plane role), and "
            "wait some minutes. If it has that, the account's firewall may refuse this machine.",
        )
    return BadCredentials(
        f"the token of Microsoft Entra ID was not accepted ({what})",
        advice="Check that the account trusts that tenant, and that it is in the cloud that was chosen.",
    )


def _date(header: Header) -> datetime | None:
    """The service's clock. None: it does not tell it."""
    try:
        return parsedate_to_datetime(header("date") or "").astimezone(UTC)
    except (TypeError, ValueError, OverflowError):  # the last: a date at the end of the calendar, in another zone
        return None


def _spoken(skew: timedelta) -> str:
    return f"{abs(skew).total_seconds() / 60:.0f} minutes {'ahead of' if skew > timedelta(0) else 'behind'}"


def _retry_after_s(header: Header, now: datetime) -> float | None:
    """Cosmos says milliseconds in a header of its own; HTTP allows seconds and a date. None: nothing of sense."""
    milliseconds, after = header("x-ms-retry-after-ms"), header("retry-after")
    asked = (_seconds(milliseconds, unit=0.001), _seconds(after), _seconds_until(after, now))
    return next((min(seconds, _LONGEST_PAUSE_S) for seconds in asked if seconds is not None), None)


def _seconds(number: str | None, *, unit: float = 1.0) -> float | None:
    """None: no number, or one that is negative or not finite."""
    try:
        seconds = float(number or "") * unit
    except ValueError:
        return None
    return seconds if 0 <= seconds < math.inf else None


def _seconds_until(date: str | None, now: datetime) -> float | None:
    """None: no date, or one that has passed."""
    try:
        seconds = (parsedate_to_datetime(date or "").astimezone(UTC) - now).total_seconds()
    except (TypeError, ValueError, OverflowError):
        return None
    return seconds if seconds >= 0 else None


def _request_id(header: Header) -> str:
    found = header("x-ms-request-id")
    return f", request {found}" if found and re.fullmatch(r"[\w-]{1,64}", found) else ""
