"""The table service over HTTP: pages of entities, and the list of tables.

Blocking, on one client for all threads of a source. A page is opened when its headers are there, which already name the
next one; its body is read later, by the thread that decodes it.
Source: learn.microsoft.com/rest/api/storageservices/query-entities
"""

import math
import re
import threading
import time
import zlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final, TypeAlias
from urllib.parse import quote, urlsplit

import orjson
from pyreqwest.client import SyncClient
from pyreqwest.exceptions import (
    ClientClosedError,
    ConnectError,
    ConnectTimeoutError,
    PyreqwestError,
    RequestTimeoutError,
)
from pyreqwest.request import SyncStreamRequest
from pyreqwest.response import SyncResponse

from flowservice.connectors.azure_table import dialling, faults, portable
from flowservice.connectors.azure_table.account import Account
from flowservice.connectors.azure_table.keys import Key, KeyRange, Span
from flowservice.connectors.azure_table.page_faults import AGAIN, FEWER_ROWS, OversizedPage
from flowservice.connectors.azure_table.retries import ONCE, Retries
from flowservice.connectors.azure_table.sas import Sas
from flowservice.connectors.azure_table.signing import signer_of
from flowservice.connectors.azure_table.throttling import Gate
from flowservice.errors import BadCredentials, BrokenPage, Cancelled, Denied, Error, SourceUnavailable, Unreachable
from flowservice.sdk import Egress, host_of

Token: TypeAlias = Mapping[str, str]
"""Where the next page starts: opaque, query parameters by name, exactly those that came. Empty: at the beginning."""

CONTINUATION: Final = ("NextPartitionKey", "NextRowKey", "NextTableName")
_PREFIX: Final = "x-ms-continuation-"
_CONNECT: Final = timedelta(seconds=4)
# Long enough for a first packet that gets lost, which is sent again after a second.
_CONNECT_WHILE_OTHERS_ARE_LEFT: Final = timedelta(seconds=1.5)
# The service ends a query after 30 s; after that only the network can be at fault.
_SILENCE: Final = timedelta(seconds=40)
# A check answers within 10 s: looking up the name, all of its addresses and what is repeated take this at most.
_CHECK_S: Final = 9.0
_HEADERS: Final = {
    "Accept": "application/json;odata=minimalmetadata",
    # Not known to compress tables; asked for plainly, a proxy has no reason to either.
    "Accept-Encoding": "identity",
    "DataServiceVersion": "3.0;NetFx",
    "MaxDataServiceVersion": "3.0;NetFx",
    "x-ms-version": "2019-02-02",
}
# Statistics come as XML only.
_STATISTICS_HEADERS: Final = {**_HEADERS, "Accept": "application/xml"}
_LAST_SYNC: Final = re.compile(rb"<LastSyncTime>([^<]{1,64})</LastSyncTime>")
# Idle connections that the service has closed meanwhile may be handed out one after the other.
_STALE_CONNECTIONS: Final = 4
_LARGEST_ERROR: Final = 65_536
LARGEST_PAGE: Final = 32 * 2**20
"""Bytes of a body that are held at most, unpacked; a page that is larger is asked for with fewer rows."""
# A page that comes in drops is given up, however steadily it drips; a megabyte takes a second on a slow line.
_WHOLE_PAGE: Final = timedelta(seconds=180)


@dataclass(frozen=True, slots=True)
class Page:
    """An answer whose headers are there and whose body is on its way. To be read once, or closed."""

    next: Token | None
    """None: this is the last page."""
    date: str | None
    """The service's clock, as its header `Date` has it."""
    _request: SyncStreamRequest
    _response: SyncResponse
    _host: str
    opened_at: float = field(default_factory=time.monotonic)

    def body(self) -> memoryview:
        """The whole body. Raises BrokenPage if it is cut, OversizedPage, Unreachable if it stops coming."""
        try:
            data = memoryview(self._response.body_reader.read(LARGEST_PAGE + 1) or b"")
            if len(data) <= LARGEST_PAGE and (self._response.get_header("content-encoding") or "").lower() == "gzip":
                data = _unpacked(data)
            if len(data) > LARGEST_PAGE:
                raise OversizedPage("a page is larger than what is held of one", advice=FEWER_ROWS)
        except RequestTimeoutError as error:
            raise faults.of_transport(error, host=self._host) from None
        except PyreqwestError:
            # `from None`: the message quotes the URL, and so a shared access signature.
            raise BrokenPage("a page of the table service was cut", advice=AGAIN) from None
        except zlib.error:
            raise BrokenPage("a compressed page of the table service was cut", advice=AGAIN) from None
        else:
            return data
        finally:
            self.close()

    def close(self) -> None:
        """Let go of the connection; if the body was not read, it is cut."""
        self._request.__exit__(None, None, None)


def _unpacked(data: memoryview) -> memoryview:
    """What gzip made smaller, but no more of it than shows that it is too much. Raises zlib.error."""
    unpacking = zlib.decompressobj(wbits=31)
    unpacked = unpacking.decompress(data, LARGEST_PAGE + 1)
    if not unpacking.eof and len(unpacked) <= LARGEST_PAGE:
        raise zlib.error
    return memoryview(unpacked)


class TableService:
    """The table service of one account. May be used from any thread."""

    def __init__(
        self,
        account: Account,
        *,
        egress: Egress,
        retries: Retries | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        whole_page: timedelta = _WHOLE_PAGE,
    ) -> None:
        self.account = account
        self.allowed = account.credential.keys if isinstance(account.credential, Sas) else Span()
        """The keys that the credential may read; a shared access signature may be limited to some."""
        self.retries = retries or Retries()
        self.now = now
        """The clock of this machine."""
        self._signer = signer_of(account, egress=egress, now=now)
        self._sas = account.credential.query if isinstance(account.credential, Sas) else ""
        self._host = urlsplit(account.root).netloc
        self._name = host_of(account.root)
        self._path = urlsplit(account.root).path
        self._origin = account.root.removesuffix(self._path) if self._path else account.root
        self._egress = egress
        self._addresses: deque[str] = deque()
        self._building = threading.Lock()
        self._client: SyncClient | None = None
        self.gate = Gate()
        self._whole_page = whole_page
        self.closed = threading.Event()
        """Set once the service is closed; ends pauses between attempts."""

    @property
    def only_table(self) -> str | None:
        """The table that a shared access signature is limited to."""
        credential = self.account.credential
        return credential.table if isinstance(credential, Sas) else None

    def check(self) -> None:
        """One small request, in one attempt. Raises as `Source.check`; answers within 10 s."""
        self.ask(until=time.monotonic() + _CHECK_S)

    def ask(self, *, until: float) -> str | None:
        """The same, until a moment on the monotonic clock; the header `Date` of the answer."""
        table = self.only_table
        path = f"{table}()" if table else "Tables"
        page = self._open(path, {"$top": "1"}, table=table, retries=ONCE, stopped=self.closed, until=until)
        page.body()
        return page.date

    def reach(self, *, until: float) -> None:
        """One request without a sign-in, whatever the answer to it: the service is there. Raises Unreachable.

        Raises DestinationRefused, too. Nothing of the credential goes along.
        """
        turned = 0
        while True:
            client = self._connected(turned)
            left = timedelta(seconds=max(0.0, until - time.monotonic()))
            try:
                builder = client.get(f"{self._origin}{self._path}/").headers(_HEADERS).timeout(left)
                # 0: what the body says, and whether it ends, plays no part.
                with builder.streamed_read_buffer_limit(0).build_streamed():
                    return
            except ClientClosedError:
                raise Cancelled("the source was closed") from None
            except PyreqwestError as broken:
                if turned < len(self._addresses) - 1 and time.monotonic() < until:
                    turned += 1
                    self._turn(client)
                    continue
                raise faults.of_transport(broken, host=self._host) from None

    def open(
        self,
        table: str,
        query: Mapping[str, str],
        *,
        stopped: threading.Event | None = None,
        retries: Retries | None = None,
        until: float = math.inf,
    ) -> Page:
        """A page of entities of `table` once its headers are there; what may pass is retried.

        `stopped` ends the pauses between attempts; `until`, on the monotonic clock, the body is there too, or an error.
        Raises Cancelled once stopped, else as `faults` says.
        """
        return self._open(
            f"{quote(table, safe='')}()",
            query,
            table=table,
            retries=retries or self.retries,
            stopped=stopped or self.closed,
            until=until,
        )

    def first_key(
        self, table: str, legs: Iterable[KeyRange], *, retries: Retries | None = None, until: float = math.inf
    ) -> Key | None:
        """The first key in ranges, which are in order; None: they are empty. Goes on over pages without rows.

        Raises SourceUnavailable if it is not found `until` then, on the monotonic clock, else as `entities`.
        """
        for leg in legs:
            query = {"$top": "1", "$select": "PartitionKey,RowKey"}
            if (condition := leg.filter()) is not None:
                query["$filter"] = condition
            if found := self.first_entities(table, query, retries=retries, until=until):
                return portable.key_of(found[0])
        return None

    def first_entities(
        self, table: str, query: Mapping[str, str], *, retries: Retries | None = None, until: float = math.inf
    ) -> list[portable.Entity]:
        """The first page that has any; none if no page has. Raises SourceUnavailable, else as `entities`."""
        watch = Repeats()
        found: list[portable.Entity] = []
        token: Token | None = {}
        while not found and token is not None:
            if time.monotonic() >= until:
                raise SourceUnavailable("the service looks long for one entity", advice="Reading goes on without it.")
            found, token, _ = self.entities(table, {**query, **token}, retries=retries, until=until)
            if token is not None:
                watch.see(token)
        return found

    def entities(
        self, table: str, query: Mapping[str, str], *, retries: Retries | None = None, until: float = math.inf
    ) -> tuple[list[portable.Entity], Token | None, int]:
        """A page of entities, read and parsed, the next token, and the page's bytes; a broken page is retried.

        One that is too large is asked for with a smaller `$top`, which `query` has to have.
        """
        failed, rows = 0, int(query["$top"])
        while True:
            try:
                page = self.open(table, {**query, "$top": str(rows)}, retries=retries, until=until)
                body = page.body()
                return portable.parse(body), page.next, len(body)
            except OversizedPage:
                if rows == 1:
                    raise
                rows = max(1, rows // 8)
            except (BrokenPage, Unreachable) as error:
                rows = max(1, rows // 2) if isinstance(error, Unreachable) else rows
                failed += 1
                (retries or self.retries).wait(error, failed=failed, stopped=self.closed)

    def clock(self) -> datetime:
        """The service's own time, to the second. Raises as `check`, and BrokenPage if it does not tell.

        On the secondary, the time until which it has all rows, if that is earlier: later ones may not have arrived.
        """
        table = self.only_table
        path = f"{table}()" if table else "Tables"
        page = self._open(path, {"$top": "1"}, table=table, retries=self.retries, stopped=self.closed)
        page.body()
        try:
            date = parsedate_to_datetime(page.date or "").astimezone(UTC)
        except (ValueError, OverflowError):
            raise BrokenPage(
                "the table service does not tell its time", advice="Look at the proxies in between: they cut `Date`."
            ) from None
        return min(date, self._replicated_until()) if self.account.is_secondary else date

    def _replicated_until(self) -> datetime:
        """Until when the secondary has every row. Raises Denied, SourceUnavailable while it does not know."""
        query = {"restype": "service", "comp": "stats"}
        try:
            page = self._open("", query, table=None, retries=self.retries, stopped=self.closed)
        except (BadCredentials, Denied) as error:
            raise Denied(
                f"until when the secondary has all rows may not be asked: {error.message}",
                advice="Windows of a secondary need that: sign in with the account's key, or a shared access signature "
                "with srt=s and sp=r, or read from the primary.",
            ) from None
        found = _LAST_SYNC.search(page.body())
        try:
            return parsedate_to_datetime(found[1].decode() if found else "").astimezone(UTC)
        except (ValueError, OverflowError):
            raise SourceUnavailable(
                "the secondary does not tell until when it has all rows", advice="Wait, or read from the primary."
            ) from None

    def warnings(self) -> tuple[str, ...]:
        """What an operator should know before a run."""
        return self.account.warnings(self.now())

    def tables(self, *, retries: Retries | None = None, until: float = math.inf) -> Iterator[str]:
        """The names of all tables, in the service's order."""
        if self.only_table:
            yield self.only_table
            return
        watch = Repeats()
        token: Token | None = {}
        while token is not None:
            page = self._open(
                "Tables", token, table=None, retries=retries or self.retries, stopped=self.closed, until=until
            )
            token = page.next
            if token is not None:
                watch.see(token)
            try:
                names = [entry["TableName"] for entry in orjson.loads(page.body())["value"]]
            except (orjson.JSONDecodeError, KeyError, TypeError):
                raise BrokenPage("the list of tables is garbled", advice=AGAIN) from None
            yield from names

    def close(self) -> None:
        """Close all connections; requests under way end with an error."""
        self.closed.set()
        with self._building:
            if self._client is not None:
                self._client.close()

    def _open(
        self,
        resource: str,
        query: Mapping[str, str],
        *,
        table: str | None,
        retries: Retries,
        stopped: threading.Event,
        until: float = math.inf,
    ) -> Page:
        """A page once its headers are there. `until`, on the monotonic clock, its body is there too, or an error."""
        path = f"{self._path}/{resource}"
        signed = f"{path}?comp={query['comp']}" if "comp" in query else path
        parts = [f"{quote(key, safe='$')}={quote(value, safe='')}" for key, value in query.items()]
        url = f"{self._origin}{path}?{'&'.join([*parts, *filter(None, [self._sas])])}"
        failed = stale = turned = 0
        while True:
            client = self._connected(turned)
            try:
                with self.gate.passed(stopped):
                    return self._sent(client, url, signed, table, until)
            except ClientClosedError:
                raise Cancelled("the source was closed") from None
            except PyreqwestError as broken:
                error = faults.of_transport(broken, host=self._host)
                is_reset, in_time = faults.is_reset(broken), time.monotonic() < until
                # No answer on a connection that stood: most likely it was idle, and the service had closed it.
                if is_reset and stale < (1 if retries is ONCE else _STALE_CONNECTIONS) and in_time:
                    stale += 1
                    continue
                is_unreached = isinstance(broken, ConnectError | ConnectTimeoutError) and not is_reset
                if is_unreached and turned < len(self._addresses) - 1 and in_time:
                    turned += 1
                    self._turn(client)
                    continue
            except Error as refused:
                error = refused
            failed += 1
            turned = 0  # after a pause every address gets its chance again
            retries.wait(error, failed=failed, stopped=stopped)

    def _sent(self, client: SyncClient, url: str, signed: str, table: str | None, until: float) -> Page:
        """One attempt, signed now as `signed`; a second one if a token was refused, which may have been revoked.

        Raises pyreqwest's errors and those of `faults.of_answer`.
        """
        headers = self._signer.headers(signed, until=until)
        try:
            return self._answered(client, url, headers, table, until)
        except BadCredentials:
            renewed = self._signer.renewed(signed, headers, until=until)
            if renewed is None:
                raise
            return self._answered(client, url, renewed, table, until)

    def _answered(
        self, client: SyncClient, url: str, signed: Mapping[str, str], table: str | None, until: float
    ) -> Page:
        headers = _STATISTICS_HEADERS if "comp=stats" in url else _HEADERS
        builder = client.get(url).headers({**headers, **signed})
        left = timedelta(seconds=max(0.0, until - time.monotonic())) if until < math.inf else self._whole_page
        builder = builder.timeout(left)
        # 0: hand the headers over at once and do not wait for the first part of the body.
        request = builder.streamed_read_buffer_limit(0).build_streamed()
        response = request.__enter__()
        if response.status == 200:
            found = {name: response.get_header(_PREFIX + name) for name in CONTINUATION}
            token = {name: value for name, value in found.items() if value is not None}
            # Presence counts: a token may be empty where the next entity has an empty key. NextRowKey alone is none.
            goes_on = "NextPartitionKey" in token or "NextTableName" in token
            return Page(token if goes_on else None, response.get_header("date"), request, response, self._host)
        try:
            body = response.body_reader.read(_LARGEST_ERROR)
        except PyreqwestError:
            body = None  # the status alone says enough
        finally:
            request.__exit__(None, None, None)
        raise faults.of_answer(
            response.status,
            response.get_header,
            bytes(body or b""),
            account=self.account,
            table=table,
            now=self.now(),
        )

    def _connected(self, turned: int) -> SyncClient:
        """The client, built with the first request: opening a source dials and loads nothing.

        It connects to an address that the policy of the server was asked about, whatever the name resolves to later;
        `turned` of the addresses were tried in vain. Raises DestinationRefused, Unreachable.
        """
        with self._building:
            if self._client is None:
                if not self._addresses:
                    self._addresses.extend(self._egress.addresses(self._name))
                is_last = turned >= len(self._addresses) - 1
                connect = _CONNECT if is_last else _CONNECT_WHILE_OTHERS_ARE_LEFT
                builder = dialling.client(self._name, self._addresses[0], connect=connect, silence=_SILENCE)
                self._client = builder.build()
            return self._client

    def _turn(self, used: SyncClient) -> None:
        """Take the next address of the host, unless another thread did: `localhost` may have one that nobody serves."""
        with self._building:
            if self._client is used:
                self._addresses.rotate(-1)
                self._client = None


class RepeatedToken(SourceUnavailable):
    """A continuation token came that came before."""


class Repeats:
    """Notices a token that comes again, at whatever distance, in constant memory (Brent's algorithm)."""

    def __init__(self) -> None:
        self._kept: Token | None = None
        self._steps, self._limit = 0, 1

    def see(self, token: Token) -> None:
        """Raises RepeatedToken if `token` was seen before."""
        if token == self._kept:
            raise RepeatedToken(
                "the service names a page as the next that was read already: reading would never end",
                advice="Try again; if it stays so, report it to the operator of the table service.",
            )
        self._steps += 1
        if self._steps == self._limit:
            self._kept, self._steps, self._limit = token, 0, self._limit * 2
