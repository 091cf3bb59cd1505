"""A small table server of our own, for one thing that nginx cannot: it honours filters on keys.

    python -m benchmarks.range_server DELAY_MS [PROPERTIES]

Answers with slices of real pages, each after a pause that stands for a service's work; prints its port. With PROPERTIES
the entities are others: so many properties share 1 MiB, the most that an entity can have. It is written in Python and
shares the machine with the reader it serves: what it makes of many readers without a pause is also its own limit.
"""

import json
import random
import re
import sys
import time
from bisect import bisect_left
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import chain
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from benchmarks.pages import pages

PAGES: Final = 200
LARGE: Final = 1000
_TERM: Final = re.compile(r"(PartitionKey|RowKey) (eq|gt|ge|lt) '((?:[^']|'')*)'")
_HEAD: Final = b'{"odata.metadata":"m","value":['
_BETWEEN: Final = b',{"odata.etag"'
Key = tuple[str, str]


class Table:
    """Entities by their place, and their keys, in order."""

    def __init__(self, keys: list[Key], entities: Callable[[int, int], Iterator[bytes]]) -> None:
        """`entities` are those from one place to before another, in as many pieces as it likes."""
        if keys != sorted(keys):
            raise RuntimeError("the entities are not in order")
        self.keys = keys
        self._entities = entities

    def answer(self, query: dict[str, str]) -> tuple[Iterator[bytes], str | None]:
        """A page in pieces, and the token of the next one."""
        low, high = self._bounds(query.get("$filter", ""))
        at = int(query.get("NextPartitionKey", low))
        until = min(high, at + min(1000, int(query.get("$top", "1000"))))
        if query.get("$select") == "PartitionKey,RowKey":
            keys = [{"PartitionKey": partition, "RowKey": row} for partition, row in self.keys[at:until]]
            body = iter([json.dumps({"value": keys}).encode()])
        else:
            body = chain([_HEAD], self._entities(at, until), [b"]}"])
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


def real_table() -> Table:
    """The entities of `PAGES` real pages, as they came."""
    entities: list[bytes] = []
    keys: list[Key] = []
    for page in pages(PAGES):
        inner = page[page.index(b"[") + 1 : page.rindex(b"]")]
        first, *rest = inner.split(_BETWEEN)
        entities += [first, *(_BETWEEN[1:] + entity for entity in rest)]
        keys += [(one["PartitionKey"], one["RowKey"]) for one in json.loads(page)["value"]]
    return Table(keys, lambda at, until: iter([b",".join(entities[at:until])]))


def names(properties: int) -> list[str]:
    """Of the properties of a large entity."""
    return [f"p{number:03d}" for number in range(properties)]


def large_table(properties: int) -> Table:
    """`LARGE` entities of 1 MiB, texts of Chinese characters: a service counts two bytes for each, JSON has three.

    They are made when they are sent, for a page of them can have 1.5 GB.
    """
    keys = [("all", f"{number:06d}") for number in range(LARGE)]
    length = 2**19 // properties - 32  # what a property costs besides
    draw = random.Random("large entities")
    text = "".join(chr(draw.randrange(0x4E00, 0x9FA5)) for _ in range(2**18))

    def members(number: int) -> Iterator[str]:
        yield f'"PartitionKey":"all","RowKey":"{number:06d}"'
        for column, name in enumerate(names(properties)):
            start = (number * 4099 + column * length) % (len(text) - length)
            yield f'"{name}":"{text[start : start + length]}"'

    def entities(at: int, until: int) -> Iterator[bytes]:
        for number in range(at, until):
            comma = "" if number == at else ","
            yield f"{comma}{{{','.join(members(number))}}}".encode()

    return Table(keys, entities)


def serve(table: Table, delay_s: float) -> None:
    """Until the process ends."""

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
                f"Transfer-Encoding: chunked\r\n{named}\r\n"
            )
            self.wfile.write(head.encode())
            for piece in body:
                self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
            self.wfile.write(b"0\r\n\r\n")

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
    serve(large_table(int(sys.argv[2])) if sys.argv[2:] else real_table(), int(sys.argv[1]) / 1000)
