"""A table service within the process: pages by filter and token, in the service's order, of rows that come and go.

It is less kind than the emulator: pages end early, be it without a row, and a token is good for its own query only.
"""

import base64
import json
import math
import random
import re
import threading
import time
import uuid
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from flowservice.connectors.azure_table.account import EMULATOR_KEY, Account
from flowservice.connectors.azure_table.connection_string import parse
from flowservice.connectors.azure_table.keys import Key, rank
from flowservice.connectors.azure_table.retries import Retries
from flowservice.connectors.azure_table.source import TableSource
from flowservice.connectors.azure_table.table_service import Page, TableService
from flowservice.sdk import Egress

_TERM: Final = re.compile(r"(\w+) (eq|gt|ge|lt) ((?:datetime)?'(?:[^']|'')*')")
_COMPARED: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "eq": lambda one, other: bool(one == other),
    "gt": lambda one, other: bool(one > other),
    "ge": lambda one, other: bool(one >= other),
    "lt": lambda one, other: bool(one < other),
}
ACCOUNT: Final = f"AccountName=devstoreaccount1;AccountKey={EMULATOR_KEY};TableEndpoint=http://127.0.0.1:1/d"


class _LocalPage(Page):
    """Its body is there already."""

    __slots__ = ()

    def body(self) -> memoryview:
        return memoryview(self._response)  # type: ignore[arg-type] # bytes, in place of an answer on its way

    def close(self) -> None:
        pass


class SimulatedService(TableService):
    """One table, whatever it is called.

    A page ends when `looks_at` rows were looked at, and by `draw` earlier; it takes `page_s`, a probe `probe_s`.
    """

    def __init__(
        self,
        keys: Iterable[Key],
        *,
        account: Account | None = None,
        draw: random.Random | None = None,
        looks_at: int = 10**9,
        page_s: float = 0.0,
        probe_s: float = 0.0,
    ) -> None:
        super().__init__(account or parse(ACCOUNT), egress=Egress(local=True))
        self._changing = threading.Lock()
        self._keys = sorted(set(keys), key=rank)
        self._ranks = [rank(key) for key in self._keys]
        self._draw, self._looks_at, self._page_s, self._probe_s = draw, looks_at, page_s, probe_s
        self.pages = self.probes = 0
        self.meanwhile: Callable[[], None] = lambda: None
        """Called while a probe is under way."""
        self.asked: list[Mapping[str, str]] = []

    @property
    def keys(self) -> list[Key]:
        """All, in order."""
        with self._changing:
            return list(self._keys)

    def insert(self, key: Key) -> None:
        with self._changing:
            at = bisect_left(self._ranks, rank(key))
            if at == len(self._keys) or self._keys[at] != key:
                self._keys.insert(at, key)
                self._ranks.insert(at, rank(key))

    def delete(self, key: Key) -> None:
        with self._changing:
            at = bisect_left(self._ranks, rank(key))
            if at < len(self._keys) and self._keys[at] == key:
                del self._keys[at], self._ranks[at]

    def open(
        self,
        table: str,
        query: Mapping[str, str],
        *,
        stopped: threading.Event | None = None,
        retries: Retries | None = None,
        until: float = math.inf,
    ) -> Page:
        is_probe = query["$top"] == "1" and "$select" in query
        if is_probe:
            self.meanwhile()
        if wait_s := self._probe_s if is_probe else self._page_s:
            time.sleep(wait_s)
        with self._changing:
            self.probes += is_probe
            self.pages += not is_probe
            self.asked.append(query)
            return self._page(query)

    def _page(self, query: Mapping[str, str]) -> Page:
        terms = [
            (name, operator, _value(literal)) for name, operator, literal in _TERM.findall(query.get("$filter", ""))
        ]
        at = self._start(query, terms)
        most = int(query["$top"])
        until = at + self._looks_at
        if self._draw is not None:
            until = at + self._draw.choice([most, most, most, 1 + most // 2, 1])
            most = 0 if self._draw.random() < 0.05 else most
        rows: list[Key] = []
        while at < min(len(self._keys), until) and len(rows) < most and not _is_beyond(terms, self._keys[at]):
            if all(_COMPARED[operator](_field(self._keys[at], name), value) for name, operator, value in terms):
                rows.append(self._keys[at])
            at += 1
        is_last = at >= len(self._keys) or _is_beyond(terms, self._keys[at])
        token = None if is_last else self._token(self._keys[at], query.get("$filter", ""))
        body = json.dumps({"value": [_entity(key) for key in rows]})
        return _LocalPage(token, None, None, body.encode(), "")  # type: ignore[arg-type] # nothing is on its way

    def _start(self, query: Mapping[str, str], terms: list[tuple[str, str, Any]]) -> int:
        if "NextPartitionKey" in query:
            partition, row, condition, _ = json.loads(base64.b64decode(query["NextPartitionKey"]))
            assert condition == query.get("$filter", ""), "a token was sent with a filter that it does not belong to"
            return bisect_left(self._ranks, rank((partition, row)))
        low = {name: value for name, operator, value in terms if operator in {"eq", "gt", "ge"}}
        return bisect_left(self._ranks, (low.get("PartitionKey", b""), low.get("RowKey", b"")))

    def _token(self, key: Key, condition: str) -> dict[str, str]:
        # Numbered: after a page without rows it is another one.
        token = json.dumps([*key, condition, self.pages + self.probes])
        return {"NextPartitionKey": base64.b64encode(token.encode()).decode()}


def number(key: Key) -> int:
    """A value that goes with a key."""
    return sum(map(ord, key[0] + key[1])) % 1000


def source_of(service: SimulatedService, **more: Any) -> TableSource:
    """A source over the service."""
    return TableSource(service.account, egress=Egress(local=True), service=service, **more)


def written_at(key: Key) -> str:
    """A `Timestamp` that goes with a key: within a thousand seconds."""
    return f"2026-03-01T00:{number(key) // 60:02d}:{number(key) % 60:02d}.000000Z"


def _entity(key: Key) -> dict[str, object]:
    return {"PartitionKey": key[0], "RowKey": key[1], "Timestamp": written_at(key), "n": number(key)}


def _field(key: Key, name: str) -> bytes:
    at = {"PartitionKey": 0, "RowKey": 1}.get(name)
    return written_at(key).encode() if at is None else rank(key)[at]


def _value(literal: str) -> bytes:
    if literal.startswith("datetime"):
        return literal.removeprefix("datetime")[1:-1].encode()
    return rank((literal[1:-1].replace("''", "'"), ""))[0]


def _is_beyond(terms: list[tuple[str, str, Any]], key: Key) -> bool:
    """Whether no row from here on can pass: the service reads no further then."""
    partition, row = rank(key)
    for name, operator, value in terms:
        if name == "PartitionKey" and (
            partition > value if operator == "eq" else operator == "lt" and partition >= value
        ):
            return True
    alone = next((value for name, operator, value in terms if (name, operator) == ("PartitionKey", "eq")), None)
    end = next((value for name, operator, value in terms if (name, operator) == ("RowKey", "lt")), None)
    return alone is not None and end is not None and partition == alone and row >= end


def _guid(draw: random.Random) -> str:
    return str(uuid.UUID(int=draw.getrandbits(128), version=4))


def _zipf(rows: int) -> list[int]:
    """How many rows each of the partitions has, the largest first."""
    sizes, left = [], rows
    while left > 0:
        sizes.append(max(1, left * 2 // 5))
        left -= sizes[-1]
    return sizes


def _word(draw: random.Random) -> str:
    return "".join(draw.choices("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", k=6))


def _odd(draw: random.Random) -> str:
    """Quotes, blanks, nothing, and characters whose order is not that of code points."""
    return "".join(draw.choices(["'", " ", "a", "é", "\uff21", "\U0001f389", "日", "~", "%"], k=draw.randrange(4)))


FAMILIES: Final[Mapping[str, Callable[[int, random.Random], list[Key]]]] = {
    "guid partitions, 1 row each": lambda rows, draw: [(_guid(draw), "") for _ in range(rows)],
    "tenants of many rows each": lambda rows, draw: [
        (f"tenant-{n * 400 // rows:06d}", f"{n % (1 + rows // 400):05d}") for n in range(rows)
    ],
    "one partition, reverse ticks": lambda rows, draw: [
        ("all", f"{3155378975999999999 - n * 600_000_000 - draw.randrange(9_000_000):019d}") for n in range(rows)
    ],
    "one partition, guid row keys": lambda rows, draw: [("all", _guid(draw)) for _ in range(rows)],
    "dates, sequential rows": lambda rows, draw: [
        (f"2025-{1 + n * 12 // rows:02d}-{1 + n * 336 // rows % 28:02d}", f"{n:08d}") for n in range(rows)
    ],
    "zipf partitions, hot first": lambda rows, draw: [
        (f"p{number:04d}", f"{n:08d}") for number, size in enumerate(_zipf(rows)) for n in range(size)
    ],
    "zipf partitions, hot last": lambda rows, draw: [
        (f"p{9999 - number:04d}", f"{n:08d}") for number, size in enumerate(_zipf(rows)) for n in range(size)
    ],
    "mixed-case short codes": lambda rows, draw: [(_word(draw), "") for _ in range(rows)],
    "two clusters far apart": lambda rows, draw: [
        (f"{'a' if n < rows // 2 else 'x'}-{n % (rows // 2 + 1):07d}", "r") for n in range(rows)
    ],
    "odd characters": lambda rows, draw: [(_odd(draw), _odd(draw) + str(n)) for n in range(rows)],
}
"""Keys as tables have them, by what they are called; the last is for what goes wrong with characters."""
