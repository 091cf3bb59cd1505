"""A small table service on a real socket, which answers what a test tells it to: the faults an emulator never shows."""

import json
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from flowservice.connectors.azure_table.account import EMULATOR_KEY, Account
from flowservice.connectors.azure_table.connection_string import parse
from flowservice.connectors.azure_table.retries import Retries
from flowservice.connectors.azure_table.source import TableSource
from flowservice.sdk import Egress

LAPTOP: Final = Egress(local=True)
"""May connect to loopback, as a service that listens there."""


@dataclass(frozen=True, kw_only=True)
class Request:
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    form: dict[str, str] = field(default_factory=dict)
    """What a POST says."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    status: int = 200
    body: bytes = b'{"value":[]}'
    headers: dict[str, str] = field(default_factory=dict)
    cut_at: int | None = None
    """Send only so many bytes of the body, then close."""
    reset: bool = False
    """Close the connection in place of an answer."""
    byte_every_s: float = 0.0
    """Let the body drip: a byte, then a pause."""


def page(entities: Sequence[dict[str, Any]], *, next_partition: str | None = None, **headers: str) -> Answer:
    """A page; header names may be given with `_` for `-`."""
    body = json.dumps({"odata.metadata": "x", "value": list(entities)}).encode()
    extra = {name.replace("_", "-"): value for name, value in headers.items()}
    if next_partition is not None:
        extra["x-ms-continuation-NextPartitionKey"] = next_partition
    return Answer(body=body, headers=extra)


def entity(number: int, **properties: Any) -> dict[str, Any]:
    return {"PartitionKey": "p", "RowKey": f"{number:06d}", "n": number, **properties}


@dataclass
class TableServer:
    answer: Callable[[Request], Answer]
    port: int = 0
    requests: list[Request] = field(default_factory=list)
    pauses: list[float] = field(default_factory=list)

    @property
    def account(self) -> Account:
        return parse(
            f"DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey={EMULATOR_KEY};"
            f"TableEndpoint=http://127.0.0.1:{self.port}/devstoreaccount1"
        )

    @property
    def retries(self) -> Retries:
        """Six tries without waiting; `pauses` holds what would have been waited."""
        return Retries(draw=lambda: 1.0, pause=lambda seconds, _: self.pauses.append(seconds))

    def source(self, *, page_rows: int = 1000, batch_s: float = 5.0) -> TableSource:
        return TableSource(self.account, retries=self.retries, page_rows=page_rows, batch_s=batch_s, egress=LAPTOP)


@contextmanager
def deaf(address: str, port: int = 0) -> Iterator[int]:
    """A host that lets connections wait for good, as one behind a firewall does: its queue is full. Gives its port."""
    with ExitStack() as open_sockets:
        listening = open_sockets.enter_context(socket.socket())
        listening.bind((address, port))
        listening.listen(0)
        for _ in range(4):
            waiting = open_sockets.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listening.getsockname())
        yield listening.getsockname()[1]


@contextmanager
def serving(
    answer: Callable[[Request], Answer] | Sequence[Answer], *, port: int = 0, tls: ssl.SSLContext | None = None
) -> Iterator[TableServer]:
    """A server that answers by a function, or with the given answers one after the other."""
    if not callable(answer):
        script, taking = iter(answer), threading.Lock()

        def scripted(_: Request) -> Answer:
            with taking:
                return next(script)

        server = TableServer(scripted)
    else:
        server = TableServer(answer)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # A body goes out after its headers, without waiting 40 ms for the client to confirm those.
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            self.do_POST()

        def do_POST(self) -> None:
            url = urlsplit(self.path)
            length = int(self.headers.get("Content-Length") or 0)
            request = Request(
                path=url.path,
                query=dict(parse_qsl(url.query, keep_blank_values=True)),
                headers={name.lower(): value for name, value in self.headers.items()},
                form=dict(parse_qsl(self.rfile.read(length).decode())) if length else {},
            )
            server.requests.append(request)
            given = server.answer(request)
            if given.reset:
                # Linger of zero: the client sees a reset, not an orderly end.
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.connection.close()
                self.close_connection = True
                return
            self.send_response(given.status)
            headers = {"Content-Length": str(len(given.body)), **given.headers}
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            if given.byte_every_s:
                for byte in given.body:
                    self.wfile.write(bytes([byte]))
                    time.sleep(given.byte_every_s)
            self.wfile.write(given.body[: given.cut_at])
            if given.cut_at is not None:
                self.wfile.flush()
                self.connection.shutdown(socket.SHUT_RDWR)
                self.close_connection = True

        def finish(self) -> None:
            try:
                super().finish()
            except OSError:
                self.rfile.close()

        def send_response(self, code: int, message: str | None = None) -> None:
            # Without `Date`, which a test may want to choose.
            self.send_response_only(code, message)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is http.server's
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: Any, client_address: Any) -> None:
            """A reader that stopped early is no error."""

    listening = Server(("127.0.0.1", port), Handler)
    if tls is not None:
        listening.socket = tls.wrap_socket(listening.socket, server_side=True)
    server.port = listening.server_port
    thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        listening.shutdown()
        listening.server_close()
        thread.join()
