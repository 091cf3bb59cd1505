"""The load of `answer_calls`: a process of its own that calls a server on loopback, and stops by itself.

    python -m benchmarks.generator < plan.json

Plain HTTP/1.1 over kept-alive connections in one thread, without a client library: server and database need the cores.
The plan is a `Plan` as JSON on standard input, the outcome an `Outcome` as JSON on standard output.
"""

import asyncio
import json
import random
import sys
import time
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final, Protocol

READ, LIST, WRITE = "read", "list", "write"
MIX: Final = (READ,) * 6 + (LIST,) * 2 + (WRITE,) * 2
"""What ten calls are, in an order that is drawn for each ten."""
_MOST_S: Final = 120.0
_GRACE_S: Final = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to send."""

    port: int
    target: str
    """`flowservice` or `echo`."""
    headers: Mapping[str, str]
    body: Mapping[str, Any]
    """What a create sends."""
    ids: list[str]
    """What is there to be read."""
    connections: int
    seconds: float
    rate: float | None = None
    """Calls a second, each sent at its time or as soon as a connection is free; None: as fast as answers come."""


@dataclass(slots=True, kw_only=True)
class Outcome:
    """What came of it."""

    wall_s: float = 0.0
    cpu_s: float = 0.0
    """What the generator itself used."""
    latencies_s: dict[str, list[float]] = field(default_factory=lambda: {READ: [], LIST: [], WRITE: []})
    """By kind, from the time a call was meant to be sent to the end of its answer."""

    @property
    def calls(self) -> int:
        """All that were answered."""
        return sum(map(len, self.latencies_s.values()))


@dataclass(frozen=True, slots=True)
class Call:
    """A request, and the only status that it may be answered with."""

    kind: str
    method: str
    path: str
    status: int
    body: bytes = b""
    headers: str = ""
    about: str = ""


class Target(Protocol):
    """Which calls to make."""

    def call(self, kind: str) -> Call:
        """The next one of a kind."""

    def answered(self, call: Call, body: bytes) -> None:
        """Learn from an answer."""


class FlowService:
    """Target connections. What was created is patched, and then deleted: a third of the writes each."""

    _PATH: Final = "/data/foundation/flowservice/targetConnections"

    def __init__(self, plan: Plan, chance: random.Random) -> None:
        self._ids, self._chance = plan.ids, chance
        self._body = json.dumps(plan.body).encode()
        self._made: deque[tuple[str, str]] = deque()
        self._patched: deque[str] = deque()

    def call(self, kind: str) -> Call:
        if kind == READ:
            return Call(kind, "GET", f"{self._PATH}/{self._chance.choice(self._ids)}", 200)
        if kind == LIST:
            return Call(kind, "GET", f"{self._PATH}?limit=20", 200)
        if self._patched:
            return Call(kind, "DELETE", f"{self._PATH}/{self._patched.popleft()}", 204)
        if self._made:
            made, etag = self._made.popleft()
            patch = b'[{"op": "replace", "path": "/description", "value": "changed"}]'
            return Call(kind, "PATCH", f"{self._PATH}/{made}", 200, patch, f"If-Match: {etag}\r\n", made)
        return Call(kind, "POST", self._PATH, 201, self._body)

    def answered(self, call: Call, body: bytes) -> None:
        if call.method == "POST":
            made = json.loads(body)
            self._made.append((made["id"], made["etag"]))
        elif call.method == "PATCH":
            self._patched.append(call.about)


class Echo:
    """Rows. A write stores one."""

    def __init__(self, plan: Plan, chance: random.Random) -> None:
        self._ids, self._chance = plan.ids, chance
        self._body = json.dumps(plan.body).encode()

    def call(self, kind: str) -> Call:
        if kind == READ:
            return Call(kind, "GET", f"/rows/{self._chance.choice(self._ids)}", 200)
        if kind == LIST:
            return Call(kind, "GET", "/rows", 200)
        return Call(kind, "POST", "/rows", 201, self._body)

    def answered(self, call: Call, body: bytes) -> None:
        pass


class Connection(asyncio.Protocol):
    """One kept-alive connection with one call on it at a time."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._waiting: asyncio.Future[tuple[int, bytes]] | None = None
        self._received = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(exc or ConnectionError("the server closed the connection"))

    def data_received(self, data: bytes) -> None:
        self._received += data
        head_size = self._received.find(b"\r\n\r\n") + 4
        if head_size < 4:
            return
        head = bytes(self._received[:head_size]).lower()
        status = int(head[9:12])
        _, _, after = head.partition(b"content-length:")
        whole = head_size + (0 if status == 204 else int(after[: after.index(b"\r")]))
        if len(self._received) >= whole and self._waiting is not None:
            body = bytes(self._received[head_size:whole])
            del self._received[:whole]
            self._waiting.set_result((status, body))

    def send(self, request: bytes) -> "asyncio.Future[tuple[int, bytes]]":
        """Status and body of the answer."""
        assert self._transport is not None
        self._waiting = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return self._waiting

    def close(self) -> None:
        """Let the server go."""
        if self._transport is not None:
            self._transport.close()


def _times(plan: Plan) -> Iterator[float]:
    """When each call is meant to be sent, in seconds from the start."""
    assert plan.rate is not None
    return (number / plan.rate for number in range(round(plan.rate * plan.seconds)))


def _kinds(chance: random.Random) -> Iterator[str]:
    while True:
        yield from chance.sample(MIX, len(MIX))


async def _loaded(plan: Plan) -> Outcome:
    chance = random.Random(7)
    target: Target = FlowService(plan, chance) if plan.target == "flowservice" else Echo(plan, chance)
    common = "".join(f"{name}: {value}\r\n" for name, value in {"Host": "localhost", **plan.headers}.items())
    kinds, outcome = _kinds(chance), Outcome()
    loop = asyncio.get_running_loop()
    connections = [
        (await loop.create_connection(Connection, "127.0.0.1", plan.port))[1] for _ in range(plan.connections)
    ]
    began = time.perf_counter()
    times = None if plan.rate is None else _times(plan)

    async def work(connection: Connection) -> None:
        while True:
            now = time.perf_counter()
            meant = now
            if times is None:
                if now - began >= plan.seconds:
                    return
            else:
                at = next(times, None)
                if at is None:
                    return
                meant = began + at
                # Late already: at once, and the wait counts.
                if meant > now:
                    await asyncio.sleep(meant - now)
            call = target.call(next(kinds))
            head = f"{call.method} {call.path} HTTP/1.1\r\n{common}{call.headers}"
            if call.body:
                head += f"Content-Type: application/json\r\nContent-Length: {len(call.body)}\r\n"
            status, body = await connection.send(f"{head}\r\n".encode() + call.body)
            if status != call.status:
                raise RuntimeError(f"{call.method} {call.path} answered {status}: {body[:500]!r}")
            outcome.latencies_s[call.kind].append(time.perf_counter() - meant)
            target.answered(call, body)

    async with asyncio.timeout(plan.seconds + _GRACE_S), asyncio.TaskGroup() as group:
        for connection in connections:
            group.create_task(work(connection))
    outcome.wall_s = time.perf_counter() - began
    for connection in connections:
        connection.close()
    return outcome


def main() -> None:
    """Carry out the plan."""
    plan = Plan(**json.load(sys.stdin))
    if plan.seconds > _MOST_S:
        raise SystemExit(f"a load lasts at most {_MOST_S:.0f} s")
    outcome = asyncio.run(_loaded(plan))
    outcome.cpu_s = time.process_time()
    json.dump(asdict(outcome), sys.stdout)


if __name__ == "__main__":
    main()
