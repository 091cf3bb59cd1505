"""Paging, faults and retries, against a server that misbehaves on purpose."""

import gzip
import re
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowservice.connectors.azure_table.connection_string import parse
from flowservice.connectors.azure_table.retries import Retries
from flowservice.connectors.azure_table.scan import first_astray
from flowservice.connectors.azure_table.source import TableSource
from flowservice.errors import (
    BrokenPage,
    Cancelled,
    Drifted,
    SourceError,
    SourceUnavailable,
    Throttled,
    Unreachable,
)
from flowservice.sdk import Cursor, Egress, Split
from tests.connectors.azure_table.table_server import LAPTOP, Answer, Request, entity, page, serving

WHOLE = Split(number=0, path="things", columns=None, range={})


def numbers(source: TableSource, *, after: Cursor | None = None, split: Split = WHOLE) -> list[int]:
    return [n for batch in source.read(split, after=after) for n in batch.rows.column("n").to_pylist()]


def table(rows: int) -> Any:
    """Answers like a service that holds `rows` entities; the token is the next number, with characters that hurt."""

    def answer(request: Request) -> Answer:
        start = int(request.query.get("NextPartitionKey", "1!0!/+=&").split("!")[1])
        end = min(start + int(request.query["$top"]), rows)
        following = f"1!{end}!/+=&" if end < rows else None
        return page([entity(n) for n in range(start, end)], next_partition=following)

    return answer


def test_an_empty_page_with_a_token_is_not_the_end() -> None:
    answers = [
        page([entity(1)], next_partition="a"),
        *(page([], next_partition=f"t{n}") for n in range(50)),
        page([entity(2)]),
    ]
    with serving(answers) as server:
        assert numbers(server.source()) == [1, 2]


def test_a_token_counts_by_presence_and_goes_back_as_it_came() -> None:
    answers = [
        page([entity(1)], next_partition="1!16!dGVu/+= &#", x_ms_continuation_NextRowKey=""),
        page([entity(2)], next_partition=""),
        page([entity(3)]),
    ]
    with serving(answers) as server:
        assert numbers(server.source()) == [1, 2, 3]
    assert [request.query for request in server.requests] == [
        {"$top": "100"},
        {"$top": "1000", "NextPartitionKey": "1!16!dGVu/+= &#", "NextRowKey": ""},
        {"$top": "1000", "NextPartitionKey": ""},
    ]


@pytest.mark.parametrize("spelling", [str.lower, str.upper, str])
def test_header_names_come_in_any_case(spelling: Any) -> None:
    first = Answer(
        body=page([entity(1)]).body, headers={spelling("x-ms-continuation-NextPartitionKey"): "A", "Content-Type": "x"}
    )
    with serving([first, page([entity(2)])]) as server:
        assert numbers(server.source()) == [1, 2]
    assert server.requests[1].query["NextPartitionKey"] == "A"


def test_requests_say_what_the_protocol_wants() -> None:
    with serving([page([entity(1)])]) as server:
        numbers(server.source(), split=Split(number=0, path="things", columns=("n", "RowKey"), range={}))
    (request,) = server.requests
    assert request.path == "/devstoreaccount1/things()"
    assert request.query == {"$top": "100", "$select": "PartitionKey,RowKey,n"}
    assert request.headers["accept"] == "application/json;odata=minimalmetadata"
    assert request.headers["authorization"].startswith("SharedKeyLite devstoreaccount1:")
    assert request.headers["accept-encoding"] == "identity"


def test_a_shared_access_signature_goes_along_unchanged() -> None:
    with serving([page([entity(1)])]) as server:
        account = parse(f"TableEndpoint=http://127.0.0.1:{server.port};SharedAccessSignature=?sp=r&sig=a%2Bb%3D")
        assert numbers(TableSource(account, retries=server.retries, egress=LAPTOP)) == [1]
    assert server.requests[0].query["sig"] == "a+b="
    assert "authorization" not in server.requests[0].headers


def test_a_token_that_comes_again_is_an_error_and_not_an_endless_loop() -> None:
    tokens = iter(["a", "b", "c", *"defghdefghdefghdefghdefghdefgh"])
    with (
        serving(lambda _: page([], next_partition=next(tokens))) as server,
        pytest.raises(SourceUnavailable, match="never end"),
    ):
        numbers(server.source())


def leading_back(*, for_good: bool) -> Callable[[Request], Answer]:
    """60 rows, 10 a page. Once, or for good, the second page is named in place of the one that follows."""
    left = iter([20])

    def answer(request: Request) -> Answer:
        asked = request.query.get("$filter", "")
        if "PartitionKey gt" in asked:
            return page([])
        after = re.search(r"RowKey gt '(\d+)'", asked)
        start = max(int(after[1]) + 1 if after else 0, int(request.query.get("NextPartitionKey", "0")))
        end = min(start + 10, 60)
        following = str(end) if end < 60 else None
        if following is not None and (for_good or (start == 20 and next(left, None))):
            following = "10"
        return page([entity(n) for n in range(start, end)], next_partition=following)

    return answer


@pytest.mark.parametrize("for_good", [False, True])
def test_a_token_that_leads_back_repeats_no_row(for_good: bool) -> None:
    with serving(leading_back(for_good=for_good)) as server:
        assert numbers(server.source()) == list(range(60))


def test_a_place_to_resume_at_that_leads_back_repeats_no_row() -> None:
    with serving(leading_back(for_good=False)) as server:
        after = {"next": {"NextPartitionKey": "10"}, "last": ["p", "000029"]}
        assert numbers(server.source(), after=after) == list(range(30, 60))


def test_a_service_that_gives_the_same_rows_for_ever_is_an_error() -> None:
    same = page([entity(n) for n in range(10)], next_partition="more")
    with serving(lambda _: same) as server, pytest.raises(BrokenPage, match="gave already"):
        numbers(server.source())


@pytest.mark.parametrize(
    ("keys", "after", "first"),
    [
        ([], None, None),
        ([("p", "1")], None, None),
        ([("p", "1"), ("p", "2"), ("q", "1")], ("p", "0"), None),
        ([("p", "1"), ("p", "1")], None, 1),
        ([("p", "1"), ("p", "2"), ("o", "3")], None, 2),
        ([("p", "1"), ("p", "2")], ("p", "1"), 0),
        # UTF-16 puts a pair of surrogates before the last letters of the plane that needs none, code points do not:
        # either will do.
        ([("p", "\U0001f600"), ("p", "\uff41")], None, None),
        ([("p", "\uff41"), ("p", "\U0001f600")], None, None),
        ([("p", "\U0001f601"), ("p", "\U0001f600")], None, 1),
    ],
)
def test_rows_are_in_the_order_that_the_service_goes_by(
    keys: list[tuple[str, str]], after: tuple[str, str] | None, first: int | None
) -> None:
    partitions, rows = ([key[at] for key in keys] for at in (0, 1))
    batch = pa.record_batch({"PartitionKey": pa.array(partitions, pa.string()), "RowKey": pa.array(rows, pa.string())})
    assert first_astray(batch, after) == first


@pytest.mark.parametrize(
    "fault",
    [
        Answer(status=503, headers={"x-ms-error-code": "ServerBusy"}),
        Answer(status=500, body=b'{"odata.error":{"code":"OperationTimedOut"}}'),
        Answer(status=502, body=b"<html>"),
        Answer(status=504),
        Answer(status=408),
        Answer(body=page([entity(1)]).body, cut_at=20),
        Answer(body=page([entity(1)]).body, headers={"Content-Length": "9999"}, cut_at=20),
        Answer(body=b'{"value":[{'),
    ],
    ids=["503", "500", "502", "504", "408", "cut", "cut early", "garbled"],
)
def test_what_may_pass_is_tried_again(fault: Answer) -> None:
    with serving([page([entity(1)], next_partition="a"), fault, fault, page([entity(2)])]) as server:
        assert numbers(server.source()) == [1, 2]
    assert server.pauses == [1.0, 2.0]


def test_pauses_grow_to_a_limit_and_end() -> None:
    with serving(lambda _: Answer(status=503)) as server, pytest.raises(Throttled):
        numbers(server.source())
    assert server.pauses == [1.0, 2.0, 4.0, 8.0, 16.0]
    assert len(server.requests) == 6


@pytest.mark.parametrize(
    ("headers", "seconds"), [({"Retry-After": "7"}, 7.0), ({"x-ms-retry-after-ms": "250"}, 0.25), ({}, 0.0)]
)
def test_the_pause_that_the_service_asks_for_is_kept(headers: dict[str, str], seconds: float) -> None:
    with serving([Answer(status=429, headers=headers), page([entity(1)])]) as server:
        assert numbers(server.source()) == [1]
    assert server.pauses == [seconds + 1.0]


def test_a_pause_that_is_too_long_is_left_to_the_engine() -> None:
    with (
        serving(lambda _: Answer(status=503, headers={"Retry-After": "3600"})) as server,
        pytest.raises(Throttled) as throttled,
    ):
        numbers(server.source())
    assert throttled.value.retry_after_s == 3600
    assert server.pauses == []


def test_a_page_that_was_cut_may_end_elsewhere_the_second_time() -> None:
    """The service ends a page after 5 s of work, so its length varies: what was asked for ahead must be dropped."""
    whole = page([entity(n) for n in range(10)], next_partition="ten")
    shorter = page([entity(n) for n in range(4)], next_partition="four")
    once = iter([Answer(body=whole.body, headers=whole.headers, cut_at=30)])
    pages = {"ten": page([entity(n) for n in range(10, 12)]), "four": page([entity(n) for n in range(4, 12)])}

    def answer(request: Request) -> Answer:
        token = request.query.get("NextPartitionKey")
        return next(once, shorter) if token is None else pages[token]

    with serving(answer) as server:
        assert numbers(server.source()) == list(range(12))


def test_what_was_read_before_a_failure_is_not_lost() -> None:
    with serving(
        lambda request: table(3_000)(request) if "!2100!" not in str(request.query) else Answer(status=500)
    ) as server:
        reader = server.source().read(WHOLE, after=None)
        batch = next(reader)
        assert batch.rows.num_rows == 2_100
        with pytest.raises(SourceUnavailable):
            next(reader)
    with serving(table(3_000)) as server:
        assert numbers(server.source(), after=batch.resume) == list(range(2_100, 3_000))


def test_resets_on_idle_connections_are_not_counted() -> None:
    reset = Answer(reset=True)
    with serving([page([entity(1)], next_partition="a"), reset, reset, page([entity(2)])]) as server:
        assert numbers(server.source()) == [1, 2]
    assert server.pauses == []


def test_a_gzipped_page_is_read() -> None:
    plain = page([entity(1)])
    zipped = Answer(body=gzip.compress(plain.body), headers={"Content-Encoding": "gzip"})
    broken = Answer(body=zipped.body[:-12], headers=zipped.headers)
    with serving([broken, zipped]) as server:
        assert numbers(server.source()) == [1]


@settings(deadline=None, max_examples=15)
@given(rows=st.integers(0, 25), page_rows=st.sampled_from([1, 7, 10, 1000]), kept=st.integers(0, 25))
def test_rows_are_the_same_whatever_the_page_size_and_wherever_a_reader_was_killed(
    rows: int, page_rows: int, kept: int
) -> None:
    with serving(table(rows)) as server:
        source = server.source(page_rows=page_rows)
        assert numbers(source) == list(range(rows))
        after: Cursor | None = None
        for number, batch in enumerate(source.read(WHOLE, after=None)):
            after = batch.resume
            if number == kept:
                break
        source.close()
        again = server.source(page_rows=page_rows)
        rest = numbers(again, after=after)
        assert rest == list(range(rows))[rows - len(rest) :]
        again.close()


def large(rows: int, kilobytes: int) -> Any:
    """As `table`, of large entities; it knows no filter, and so finds nothing by key."""
    text = "x" * (kilobytes * 1024)

    def answer(request: Request) -> Answer:
        if "$filter" in request.query:
            return page([])
        start = int(request.query.get("NextPartitionKey", "0"))
        end = min(start + int(request.query["$top"]), rows)
        return page([entity(n, text=text) for n in range(start, end)], next_partition=str(end) if end < rows else None)

    return answer


def test_large_entities_come_in_short_pages() -> None:
    with serving(large(700, kilobytes=256)) as server:
        assert numbers(server.source(page_rows=200)) == list(range(700))
    tops = [int(request.query["$top"]) for request in server.requests]
    assert tops[0] == 100
    assert max(tops[1:]) == 63  # 16 MiB


def test_a_sample_of_large_entities_is_bounded_in_bytes() -> None:
    with serving(large(2_000, kilobytes=256)) as server:
        sample = server.source().sample("things", rows=1000)
    assert sample.rows.num_rows >= 7  # of the first place; the others are sought by key
    assert sum(int(request.query["$top"]) for request in server.requests if "$filter" not in request.query) <= 200


def test_cursors_are_exact_with_many_batches() -> None:
    with serving(table(20_500)) as server:
        source = server.source()
        batches = list(source.read(WHOLE, after=None))
        assert [batch.rows.num_rows for batch in batches] == [8100, 8000, 4400]
        assert numbers(source, after=batches[0].resume) == list(range(8100, 20_500))
        assert numbers(source, after=batches[1].resume) == list(range(16_100, 20_500))
        assert numbers(source, after=batches[2].resume) == []


def test_a_lost_token_is_replaced_by_the_last_key() -> None:
    stored = {"next": {"NextPartitionKey": "old"}, "last": ["it's", "r"]}

    def answer(request: Request) -> Answer:
        if "NextPartitionKey" in request.query:
            return Answer(status=400, headers={"x-ms-error-code": "InvalidInput"})
        return page([entity(1 if " eq " in request.query["$filter"] else 2)])

    with serving(answer) as server:
        batches = list(server.source().read(WHOLE, after=stored))
    assert [batch.rows.column("n")[0].as_py() for batch in batches] == [1, 2]
    assert [batch.resume for batch in batches] == [{"last": ["p", "000001"]}, {"done": True}]
    assert [request.query["$filter"] for request in server.requests[1:]] == [
        "PartitionKey eq 'it''s' and RowKey gt 'r'",
        "PartitionKey gt 'it''s'",
    ]


def sparse(pages: int) -> Callable[[Request], Answer]:
    """Answers like a service that finds one row, on the last of so many pages."""

    def answer(request: Request) -> Answer:
        at = int(request.query.get("NextPartitionKey", "0"))
        return page([entity(at)] if at == pages - 1 else [], next_partition=str(at + 1) if at < pages - 1 else None)

    return answer


def test_pages_without_rows_give_a_place_to_resume_at_after_a_while() -> None:
    with serving(sparse(pages=20)) as server:
        batches = list(server.source(batch_s=0).read(WHOLE, after=None))
        assert [batch.rows.num_rows for batch in batches] == [0] * 19 + [1]
        assert [batch.resume for batch in batches[:2]] == [{"next": {"NextPartitionKey": n}} for n in "12"]
        assert batches[-1].resume == {"done": True}
        assert batches[5].wire_bytes > 0
        for at in (0, 7, 18):
            del server.requests[:]
            assert numbers(server.source(), after=batches[at].resume) == [19]
            assert server.requests[0].query["NextPartitionKey"] == str(at + 1)


def test_a_reader_is_not_left_without_a_batch_while_pages_hold_no_row() -> None:
    tokens = iter(range(10**6))

    def answer(_: Request) -> Answer:
        time.sleep(0.02)
        return page([], next_partition=str(next(tokens)))

    with serving(answer) as server:
        source = server.source(batch_s=0.2)
        reader = source.read(WHOLE, after=None)
        for _ in range(3):
            started = time.monotonic()
            assert next(reader).rows.num_rows == 0
            assert 0.2 <= time.monotonic() - started < 2
        reader.close()  # type: ignore[attr-defined] # a generator
        source.close()


def test_few_rows_do_not_wait_for_more_and_the_last_key_stays_known() -> None:
    pages = {
        None: page([], next_partition="a"),
        "a": page([entity(1)], next_partition="b"),
        "b": page([], next_partition="c"),
        "c": page([entity(2)], next_partition="d"),
        "d": page([]),
    }
    with serving(lambda request: pages[request.query.get("NextPartitionKey")]) as server:
        batches = list(server.source(batch_s=0).read(WHOLE, after=None))
    assert [batch.resume for batch in batches] == [
        {"next": {"NextPartitionKey": "a"}},
        {"next": {"NextPartitionKey": "b"}, "last": ["p", "000001"]},
        {"next": {"NextPartitionKey": "c"}, "last": ["p", "000001"]},
        {"next": {"NextPartitionKey": "d"}, "last": ["p", "000002"]},
    ]


def test_reading_by_key_keeps_the_last_key_over_pages_without_rows() -> None:
    def answer(request: Request) -> Answer:
        if request.query["$filter"] == "PartitionKey gt 'p'":
            return page([entity(9)])
        at = int(request.query.get("NextPartitionKey", "0"))
        return page([entity(5)] if at == 1 else [], next_partition=str(at + 1) if at < 3 else None)

    with serving(answer) as server:
        batches = list(server.source(batch_s=0).read(WHOLE, after={"last": ["p", "000004"]}))
    leg = {"partition": "p", "after": "000004"}
    assert [batch.resume for batch in batches] == [
        {"next": {"NextPartitionKey": "1"}, "leg": leg, "last": ["p", "000004"]},
        {"next": {"NextPartitionKey": "2"}, "leg": leg, "last": ["p", "000005"]},
        {"next": {"NextPartitionKey": "3"}, "leg": leg, "last": ["p", "000005"]},
        {"done": True},
    ]
    for at, expected in ((0, [5, 9]), (1, [9])):
        with serving(answer) as server:
            assert numbers(server.source(), after=batches[at].resume) == expected
        assert server.requests[0].query["$filter"] == "PartitionKey eq 'p' and RowKey gt '000004'"


def test_a_lost_token_before_the_first_row_begins_anew() -> None:
    def answer(request: Request) -> Answer:
        if request.query.get("NextPartitionKey") == "old":
            return Answer(status=400, headers={"x-ms-error-code": "InvalidInput"})
        return sparse(pages=3)(request)

    with serving(answer) as server:
        assert numbers(server.source(), after={"next": {"NextPartitionKey": "old"}}) == [2]
    assert "NextPartitionKey" not in server.requests[1].query


def test_a_service_that_refuses_each_of_its_tokens_is_not_asked_for_ever() -> None:
    def answer(request: Request) -> Answer:
        if "NextPartitionKey" in request.query:
            return Answer(status=400, headers={"x-ms-error-code": "InvalidInput"})
        return page([], next_partition="a")

    with serving(answer) as server, pytest.raises(SourceError, match="InvalidInput"):
        numbers(server.source())
    assert len(server.requests) == 4


def test_cosmos_whose_results_have_no_order_is_not_read_on_by_key() -> None:
    def answer(request: Request) -> Answer:
        if "NextPartitionKey" in request.query:
            return Answer(status=400, headers={"x-ms-error-code": "InvalidInput"})
        return page([entity(n) for n in range(8_000)], next_partition="lost")

    with serving(answer) as server:
        source = at_addresses(server.port, "127.0.0.1", name="shop.table.cosmos.azure.com")
        with pytest.raises(SourceError, match="InvalidInput"):
            numbers(source)
        source.close()
    assert not any("$filter" in request.query for request in server.requests)


def test_a_token_that_is_refused_on_the_way_is_replaced_too() -> None:
    def answer(request: Request) -> Answer:
        if "NextPartitionKey" in request.query:
            return Answer(status=400, headers={"x-ms-error-code": "InvalidInput"})
        if "$filter" in request.query:
            return page([entity(8_000)] if " eq " in request.query["$filter"] else [])
        return page([entity(n) for n in range(8_000)], next_partition="lost")

    with serving(answer) as server:
        assert numbers(server.source()) == list(range(8_001))


def at_addresses(port: int, *addresses: str, lookup_s: float = 0.0, name: str = "several.example") -> TableSource:
    """A source whose host has these addresses, told after a while."""

    def resolve(_: str) -> Sequence[str]:
        time.sleep(lookup_s)
        return addresses

    account = parse(f"TableEndpoint=http://{name}:{port};SharedAccessSignature=sig=x")
    retries = Retries(pause=lambda seconds, stopped: None)
    return TableSource(account, egress=Egress(local=True, resolve=resolve), retries=retries)


@pytest.mark.parametrize("cursor", [{}, {"n": 1}, {"next": 5}, {"next": {"x": "y"}}, {"last": ["p"]}, {"done": False}])
def test_a_foreign_cursor_is_refused(cursor: Cursor) -> None:
    with serving([]) as server, pytest.raises(Drifted):
        numbers(server.source(), after=cursor)


def test_closing_a_reader_ends_its_thread_and_connections() -> None:
    with serving(table(100_000)) as server:
        source = server.source()
        reader = source.read(WHOLE, after=None)
        next(reader)
        reader.close()  # type: ignore[attr-defined] # a generator
        assert not any(thread.name == "pages ahead" for thread in threading.enumerate())
        # 8 pages of the batch, 2 waiting, 1 on its way, 1 taken by the thread that put it
        assert len(server.requests) <= 12
        asked = len(server.requests)
        time.sleep(0.1)
        assert len(server.requests) == asked


def test_a_closed_source_ends_its_readers() -> None:
    with serving(table(100_000)) as server:
        source = server.source()
        reader = source.read(WHOLE, after=None)
        next(reader)
        source.close()
        with pytest.raises((Cancelled, BrokenPage, Unreachable)):
            list(reader)


def test_tables_are_listed_page_by_page() -> None:
    answers = [
        Answer(body=b'{"value":[{"TableName":"a"}]}', headers={"x-ms-continuation-NextTableName": "1!4!Yg--"}),
        Answer(body=b'{"value":[]}', headers={"x-ms-continuation-nexttablename": "c"}),
        Answer(body=b'{"value":[{"TableName":"c"}]}'),
    ]
    with serving(answers) as server:
        assert [node.path for node in server.source().explore("")] == ["a", "c"]
    assert [request.query for request in server.requests] == [
        {},
        {"NextTableName": "1!4!Yg--"},
        {"NextTableName": "c"},
    ]


def test_a_signature_for_one_table_lists_and_checks_that_one() -> None:
    with serving([page([])]) as server:
        account = parse(f"TableEndpoint=http://127.0.0.1:{server.port};SharedAccessSignature=tn=only&sp=r&sig=x")
        source = TableSource(account, egress=LAPTOP)
        assert [node.name for node in source.explore("")] == ["only"]
        source.check()
        source.close()
    assert server.requests[0].path == "/only()"
