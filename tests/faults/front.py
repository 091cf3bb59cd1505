"""What the service under test takes for Azure: a table in the harness's memory, or an emulator behind a fault proxy.

Both speak the real protocol on a real socket, and on the same port: one furnished home serves all cases.
"""

import http.client
import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime
from itertools import islice
from threading import Lock
from typing import Any, Final, TypeAlias
from urllib.parse import quote, urlencode, urlsplit

from tests.connectors.azure_table.odata import Typed, holds, ticks
from tests.connectors.azure_table.table_server import Answer, Request, serving
from tests.faults.modes import NOON, Row

TABLE: Final = "rows"
ACCOUNT: Final = "devstoreaccount1"
SECRET: Final = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
"""The emulator's key, which its documentation publishes; it must appear nowhere all the same."""

Service: TypeAlias = Callable[[Request], Answer]
Fault: TypeAlias = Callable[[int, Request, Answer], Answer]
"""What becomes of the n-th answer with entities, from 1."""


@dataclass
class Table:
    """One table of rows, paged by key."""

    rows: dict[str, Row] = field(default_factory=dict)
    page_rows: int = 1000
    clock: datetime = NOON
    page_s: float = 0.0
    """What a page takes."""

    def __call__(self, request: Request) -> Answer:
        """As the table service answers."""
        headers = {"Date": format_datetime(self.clock, usegmt=True), "Content-Type": "application/json"}
        if request.path.endswith("/Tables"):
            return _answer([{"TableName": TABLE}], headers)
        condition = request.query.get("$filter", "")
        time.sleep(self.page_s)
        most = min(int(request.query.get("$top", "1000")), self.page_rows)
        passing = (
            row for row in self._ordered(request) if not condition or holds(condition, _typed(row), promotes=True)
        )
        found = list(islice(passing, most + 1))
        if len(found) > most:
            following = found[most]
            headers["x-ms-continuation-NextPartitionKey"] = following.partition
            headers["x-ms-continuation-NextRowKey"] = following.row
        wanted = request.query.get("$select", "")
        return _answer([_entity(row, wanted.split(",") if wanted else None) for row in found[:most]], headers)

    def _ordered(self, request: Request) -> list[Row]:
        start = request.query.get("NextPartitionKey", ""), request.query.get("NextRowKey", "")
        ordered = sorted(self.rows.copy().values(), key=lambda row: (row.partition, row.row))
        return [row for row in ordered if (row.partition, row.row) >= start]


@dataclass(frozen=True)
class Emulator:
    """Passes every request on to another table service: its own clock, its own pages."""

    url: str

    def __call__(self, request: Request) -> Answer:
        """What it answers."""
        parts = urlsplit(self.url)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)
        headers = {name: value for name, value in request.headers.items() if name not in {"host", "connection"}}
        query = urlencode(request.query, quote_via=quote)
        try:
            connection.request("GET", f"{quote(request.path, safe='/()$')}?{query}", headers=headers)
            answer = connection.getresponse()
            body = answer.read()
        finally:
            connection.close()
        kept = {
            name: value
            for name, value in answer.getheaders()
            if name.lower() not in {"transfer-encoding", "connection", "content-length", "keep-alive"}
        }
        return Answer(status=answer.status, body=body, headers=kept)


@dataclass
class Front:
    """The port that homes name. Whoever stands behind it may change from case to case."""

    port: int = 0
    service: Service = field(default_factory=Table)
    fault: Fault | None = None
    _entities: int = 0
    _counting: Lock = field(default_factory=Lock)

    def behind(self, service: Service, fault: Fault | None = None) -> None:
        """From now on that service answers, with what the fault makes of its answers."""
        self.service, self.fault, self._entities = service, fault, 0

    def answer(self, request: Request) -> Answer:
        """The answer to one request."""
        given = self.service(request)
        # Probes, checks and samples pass: what is disturbed is reading.
        if self.fault is None or "$select" not in request.query or request.query.get("$top") == "1":
            return given
        with self._counting:
            self._entities += 1
            number = self._entities
        return self.fault(number, request, given)

    @property
    def connection_string(self) -> str:
        """Of the account that it pretends to be."""
        return (
            f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={SECRET};"
            f"TableEndpoint=http://127.0.0.1:{self.port}/{ACCOUNT};"
        )


@contextmanager
def opened() -> Iterator[Front]:
    """A front on a port of its own."""
    front = Front()
    with serving(front.answer) as server:
        front.port = server.port
        yield front


def entity(row: Row) -> dict[str, Any]:
    """A row as its properties."""
    named = {} if row.name is None else {"name": row.name}
    return {"PartitionKey": row.partition, "RowKey": row.row, "key": row.key, **named, "age": row.age}


def _entity(row: Row, columns: list[str] | None) -> dict[str, Any]:
    known = {**entity(row), "Timestamp": row.at.strftime("%Y-%m-%dT%H:%M:%S.%f0Z")}
    return known if columns is None else {name: known[name] for name in columns if name in known}


def _typed(row: Row) -> Mapping[str, Typed]:
    keys = {"PartitionKey": ("String", row.partition), "RowKey": ("String", row.row)}
    return {**keys, "Timestamp": ("DateTime", ticks(row.at))}


def _answer(entries: list[dict[str, Any]], headers: dict[str, str]) -> Answer:
    return Answer(body=json.dumps({"odata.metadata": "x", "value": entries}).encode(), headers=headers)
