"""A server that is broken or means harm: a typed error or the right rows, in bounded time and memory."""

import gzip
import json
import threading
import time
import zlib
from datetime import timedelta
from typing import Any

import pytest

from flowservice.connectors.azure_table import table_service
from flowservice.connectors.azure_table.keys import KeyRange
from flowservice.connectors.azure_table.memory import Memory
from flowservice.connectors.azure_table.retries import Retries
from flowservice.connectors.azure_table.source import TableSource
from flowservice.connectors.azure_table.table_service import TableService
from flowservice.connectors.azure_table.throttling import Gate
from flowservice.errors import BrokenPage, Drifted, SourceError, SourceUnavailable, Throttled, Unreachable
from flowservice.sdk import Batch, Selection
from tests.connectors.azure_table.table_server import LAPTOP, Answer, Request, entity, page, serving

PACKED = gzip.compress(b'{"value":[]}', mtime=0)


def read(source: TableSource) -> list[Batch]:
    (split,) = source.plan(Selection(path="tab")).splits
    return list(source.read(split, after=None))


def numbers(source: TableSource) -> list[int]:
    return [n for batch in read(source) if batch.rows.num_rows for n in batch.rows.column("n").to_pylist()]


def table_of(rows: int, **properties: Any) -> Any:
    """Answers like a table of so many rows: `$top` of them a page."""

    def answer(request: Request) -> Answer:
        first, top = int(request.query.get("NextPartitionKey", "0")), int(request.query.get("$top", "1000"))
        found = [entity(number, **properties) for number in range(first, min(rows, first + top))]
        return page(found, next_partition=str(first + top) if first + top < rows else None)

    return answer


def test_pages_that_are_too_large_come_again_with_fewer_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table_service, "LARGEST_PAGE", 40_000)
    with serving(table_of(300, text="x" * 2000)) as server:
        assert numbers(server.source()) == list(range(300))
        assert server.pauses == []
        assert {"100", "12"} <= {request.query["$top"] for request in server.requests}


def test_a_sample_of_pages_that_are_too_large_has_fewer_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table_service, "LARGEST_PAGE", 40_000)
    with serving(table_of(40, text="x" * 2000)) as server:
        assert server.source().sample("tab", rows=40).rows.num_rows == 40


def test_an_entity_that_is_too_large_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table_service, "LARGEST_PAGE", 40_000)
    with serving(lambda _: page([entity(0, text="x" * 50_000)])) as server, pytest.raises(BrokenPage, match="larger"):
        read(server.source())


def test_entities_that_share_no_property_come_whole_in_smaller_batches() -> None:
    def answer(request: Request) -> Answer:
        first, top = int(request.query.get("NextPartitionKey", "0")), int(request.query.get("$top", "1000"))
        found = [
            entity(row, **{f"p{row}_{number}": row for number in range(100)})
            for row in range(first, min(1000, first + top))
        ]
        return page(found, next_partition=str(first + top) if first + top < 1000 else None)

    with serving(answer) as server:
        batches = [batch.rows for batch in read(server.source()) if batch.rows.num_rows]
        assert [n for rows in batches for n in rows.column("n").to_pylist()] == list(range(1000))
        assert all(rows.num_rows * rows.num_columns <= 2**24 for rows in batches)


def test_readers_share_what_they_hold() -> None:
    memory = Memory(96 * 2**20)
    assert memory.share() == 8 * 2**20
    with memory.shared(), memory.shared(), memory.shared(), memory.shared():
        assert memory.share() == 2 * 2**20
        with memory.shared(), memory.shared(), memory.shared(), memory.shared(), memory.shared():
            assert memory.share() == 2**20
    assert Memory().share() == 16 * 2**20


def test_a_page_without_end_is_not_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table_service, "LARGEST_PAGE", 100_000)
    sent = Answer(body=b'{"value":[],"x":"' + b"x" * 50_000_000)
    with serving(lambda _: sent) as server, pytest.raises(BrokenPage, match="larger"):
        read(server.source())


def test_what_gzip_makes_of_nearly_nothing_is_not_unpacked() -> None:
    bomb = gzip.compress(b" " * 200_000_000)
    with serving(lambda _: Answer(body=bomb, headers={"Content-Encoding": "gzip"})) as server:
        began = time.process_time()
        with pytest.raises(BrokenPage, match="larger"):
            read(server.source())
        assert time.process_time() - began < 5


@pytest.mark.parametrize(
    "packed", [b"", b"no gzip", gzip.compress(b'{"value":[]}', mtime=0)[:-9], zlib.compress(b"{}")]
)
def test_what_is_no_gzip_is_a_broken_page(packed: bytes) -> None:
    with (
        serving(lambda _: Answer(body=packed, headers={"Content-Encoding": "gzip"})) as server,
        pytest.raises(BrokenPage),
    ):
        read(server.source())


def test_a_page_that_drips_is_given_up() -> None:
    dripping = Answer(body=json.dumps({"value": [entity(0)]}).encode(), byte_every_s=0.05)
    with serving(lambda _: dripping) as server:
        service = TableService(
            server.account, egress=LAPTOP, retries=Retries(tries=2), whole_page=timedelta(seconds=0.5)
        )
        began = time.monotonic()
        with pytest.raises(Unreachable):
            service.open("tab", {"$top": "1"}).body()
        assert time.monotonic() - began < 2
        service.close()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff\xfe",
        b"null",
        b'{"value":[{"PartitionKey":"p","RowKey":"\xc3("}]}',
        b'{"value":[{"PartitionKey":"p","RowKey":"r","RowKey":"s"}]}',
        b'{"value":[{"PartitionKey":"p"}]}',
        b'{"value":[' * 1000,
        b'{"value":[{"PartitionKey":"p","RowKey":"r","n":{"a":1}}]}',
    ],
)
def test_pages_that_stay_broken_are_an_error_after_some_tries(body: bytes) -> None:
    answers = [page([]), *[Answer(body=body)] * 20]
    with serving(answers) as server, pytest.raises(BrokenPage):
        read(server.source())


def test_a_value_of_another_type_than_stated_is_an_error_at_once() -> None:
    stated = entity(0, **{"v@odata.type": "Edm.Int64", "v": "many"})
    with serving([page([]), page([stated])]) as server, pytest.raises(Drifted):
        read(server.source())


def test_empty_pages_without_end_are_told_by_a_token_that_comes_again() -> None:
    with (
        serving(lambda _: page([], next_partition="again")) as server,
        pytest.raises((SourceUnavailable, SourceError), match="never end"),
    ):
        read(server.source())


def test_a_thousand_empty_pages_are_read_over() -> None:
    def answer(request: Request) -> Answer:
        number = int(request.query.get("NextPartitionKey", "0"))
        return page([entity(7)]) if number == 1000 else page([], next_partition=str(number + 1))

    with serving(answer) as server:
        assert numbers(server.source()) == [7]


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def refused(gate: Gate) -> None:
    with pytest.raises(Throttled), gate.passed(threading.Event()):
        raise Throttled("busy")


def test_refusals_halve_the_requests_under_way_and_answers_add_to_them() -> None:
    clock = Clock()
    gate = Gate(most=16, now=clock)
    entered = [gate.passed(threading.Event()) for _ in range(8)]
    for one in entered:
        one.__enter__()
    refused(gate)
    assert gate.limit == 4.5
    for one in entered:
        one.__exit__(None, None, None)
    assert 5 < gate.limit < 6.5
    clock.now = 10
    refused(gate)
    assert gate.limit == 1
    for _ in range(200):
        with gate.passed(threading.Event()):
            pass
    assert gate.limit == 16


def test_refusals_that_come_together_count_once() -> None:
    clock = Clock()
    gate = Gate(most=16, now=clock)
    with gate.passed(threading.Event()), gate.passed(threading.Event()), gate.passed(threading.Event()):
        refused(gate)
        before = gate.limit
    clock.now = 0.5
    refused(gate)
    assert gate.limit >= before


def test_a_busy_service_is_asked_less_at_a_time_until_it_bears_it() -> None:
    under_way, most, lock = [0], [0], threading.Lock()
    busy = Answer(status=503, body=b"", headers={"x-ms-error-code": "ServerBusy"})

    def answer(_: Request) -> Answer:
        with lock:
            under_way[0] += 1
            too_many = under_way[0] > 3
            most[0] = max(most[0], under_way[0])
        time.sleep(0.01)
        with lock:
            under_way[0] -= 1
        return busy if too_many else page([entity(0)])

    with serving(answer) as server:
        retries = Retries(tries=50, draw=lambda: 0.0)
        service = TableService(server.account, egress=LAPTOP, retries=retries)
        service.gate.settled_s = 0.02

        def ask(times: int) -> None:
            for _ in range(times):
                service.open("tab", {"$top": "1"}).body()

        def asked_by(threads: int) -> None:
            asking = [threading.Thread(target=ask, args=(20,)) for _ in range(threads)]
            for thread in asking:
                thread.start()
            for thread in asking:
                thread.join()

        asked_by(12)
        assert most[0] > 3
        assert service.gate.limit < 12
        service.close()


def looping(_: Request) -> Answer:
    """An empty page that names itself as the next one."""
    return page([], next_partition="again")


def test_looking_for_one_entity_ends_when_a_token_comes_again() -> None:
    with serving(looping) as server:
        service = TableService(server.account, egress=LAPTOP, retries=server.retries)
        with pytest.raises(SourceUnavailable, match="never end"):
            service.first_key("tab", [KeyRange()])
        with pytest.raises(SourceUnavailable, match="never end"):
            list(service.tables())
        service.close()


def test_looking_for_one_entity_ends_in_time() -> None:
    def answer(request: Request) -> Answer:
        return page([], next_partition=request.query.get("NextPartitionKey", "") + "x")

    with serving(answer) as server:
        service = TableService(server.account, egress=LAPTOP, retries=server.retries)
        began = time.monotonic()
        with pytest.raises((SourceUnavailable, Unreachable)):
            service.first_key("tab", [KeyRange()], until=began + 0.5)
        assert time.monotonic() - began < 5
        service.close()


@pytest.mark.parametrize("keyless", [{"RowKey": "r"}, {"PartitionKey": "p"}, {"PartitionKey": 5, "RowKey": "r"}])
def test_an_entity_without_keys_is_a_broken_page_whoever_asks(keyless: dict[str, Any]) -> None:
    # Two, so that a sample looks further.
    sent = page([keyless, keyless], next_partition="more")
    with serving(lambda _: sent) as server:
        source = server.source()
        with pytest.raises(BrokenPage, match="keys"):
            source.sample("tab", rows=1)
        service = TableService(server.account, egress=LAPTOP, retries=server.retries)
        with pytest.raises(BrokenPage, match="keys"):
            service.first_key("tab", [KeyRange()])
        service.close()
