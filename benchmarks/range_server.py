"""A small table server of our own, for one thing that nginx cannot: it honours filters on keys.

    python -m benchmarks.range_server DELAY_MS

Answers with slices of real pages, each after a pause that stands for a service's work; prints its port. It is written
in Python and shares the machine with the reader it serves: what it makes of many readers without a pause is also its
own limit.
"""

import json
import re
import sys
import time
from bisect import bisect_left
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from benchmarks.pages import pages

PAGES: Final = 200
_TERM: Final = re.compile(r"(PartitionKey|RowKey) (eq|gt|ge|lt) '((?:[^']|'')*)'")
_HEAD: Final = b'{"odata.metadata":"m","value":['
_BETWEEN: Final = b',{"odata.etag"'
Key = tuple[str, str]


class Table:
    """Entities as they came, in order, and their keys."""

    def __init__(self) -> None:
        self.entities: list[bytes] = []
        self.keys: list[Key] = []
        for page in pages(PAGES):
            inner = page[page.index(b"[") + 1 : page.rindex(b"]")]
            first, *rest = inner.split(_BETWEEN)
            self.entities += [first, *(_BETWEEN[1:] + entity for entity in rest)]
            self.keys += [(one["PartitionKey"], one["RowKey"]) for one in json.loads(page)["value"]]
        if self.keys != sorted(self.keys):
            raise RuntimeError("the pages are not in order")

    def answer(self, query: dict[str, str]) -> tuple[bytes, str | None]:
        """A page, and the token of the next one."""
        low, high = self._bounds(query.get("$filter", ""))
        at = int(query.get("NextPartitionKey", low))
        until = min(high, at + min(1000, int(query.get("$top", "1000"))))
        if "$select" in query:
            keys = [{"PartitionKey": partition, "RowKey": row} for partition, row in self.keys[at:until]]
            body = json.dumps({"value": keys}).encode()
        else:
            body = _HEAD + b",".join(self.entities[at:until]) + b"]}"
        return body, str(until) if until < high else None

    def _bounds(self, condition: str) -> tuple[int, int]:
        """Where the entities begin and end that pass; keys here are ASCII, and their order is that of code points."""
        low, high = 0, len(self.keys)
        terms = {(name, operator): text.replace("''", "'") for name, operator, text in _TERM.findall(condition)}
        partition = terms.get(("PartitionKey", "eq"))
        if partition is not None:
            low = bisect_left(self.keys, (partition, ""))
            high = bisect_left(self.keys, (partition + "\0", ""))
        for (name, operator), text in terms.items():
            if operator == "eq":
                continue
            after = text + "\0" if operator == "gt" else text
            at = bisect_left(self.keys, (after, "") if name == "PartitionKey" else (partition or "", after))
            low, high = (low, min(high, at)) if operator == "lt" else (max(low, at), high)
        return low, max(low, high)


def serve(delay_s: float) -> None:
    """Until the process ends."""
    table = Table()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            query = dict(parse_qsl(urlsplit(self.path).query))
            body, token = table.answer(query)
            if delay_s:
                # A seek to one key is no work for a service.
                time.sleep(delay_s * (0.15 if query.get("$top") == "1" else 1))
            named = "" if token is None else f"x-ms-continuation-NextPartitionKey: {token}\r\n"
            head = (
                "HTTP/1.1 200 OK\r\nContent-Type: application/json;odata=minimalmetadata\r\n"
                f"Content-Length: {len(body)}\r\n{named}\r\n"
            )
            self.wfile.write(head.encode() + body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is http.server's
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 128

        def handle_error(self, request: Any, client_address: Any) -> None:
            """A reader that leaves pages unread is no error."""

    server = Server(("127.0.0.1", 0), Handler)
    print(server.server_port, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    serve(int(sys.argv[1]) / 1000)
