"""Checks of an account: addresses that do not answer, one deadline over all, and what a refusal says."""

import socket
import threading
import time
from contextlib import ExitStack, suppress
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from flowservice.connectors.azure_table.connection_string import parse
from flowservice.connectors.azure_table.retries import Retries
from flowservice.connectors.azure_table.source import TableSource
from flowservice.errors import (
    BadCredentials,
    BrokenPage,
    Denied,
    NoSuchObject,
    SourceError,
    SourceUnavailable,
    Throttled,
    Unreachable,
)
from flowservice.sdk import Egress
from tests.connectors.azure_table.table_server import LAPTOP, Answer, Request, TableServer, deaf, entity, page, serving
from tests.connectors.azure_table.test_paging import at_addresses, numbers

SECRET = "Eby8vdM02xNOcqFl"


def test_check_gives_up_on_a_silent_host_within_ten_seconds() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        account = parse(f"TableEndpoint=http://127.0.0.1:{silent.getsockname()[1]};SharedAccessSignature=sig=x")
        started = time.monotonic()
        with pytest.raises(Unreachable, match="did not answer in time"):
            TableSource(account, egress=LAPTOP).check()
    assert time.monotonic() - started < 10


def test_an_address_that_lets_connections_wait_is_passed_over() -> None:
    with serving(lambda _: page([entity(1)])) as server, deaf("127.0.0.2", server.port):
        source = at_addresses(server.port, "127.0.0.2", "127.0.0.1")
        started = time.monotonic()
        source.check()
        assert time.monotonic() - started < 4
        assert numbers(source) == [1]
        source.close()


def test_a_check_of_many_addresses_that_let_connections_wait_ends_within_ten_seconds() -> None:
    addresses = [f"127.0.0.{n}" for n in range(2, 8)]
    with ExitStack() as hosts:
        port = hosts.enter_context(deaf("127.0.0.1"))
        for address in addresses:
            hosts.enter_context(deaf(address, port))
        source = at_addresses(port, *addresses, "127.0.0.1", lookup_s=3)
        started = time.monotonic()
        with pytest.raises(Unreachable, match="did not answer in time"):
            source.check()
        assert 8 < time.monotonic() - started < 10
        source.close()


def test_a_check_ends_within_ten_seconds_also_if_it_was_cut_and_repeated() -> None:
    answers = iter([Answer(reset=True)])

    def answer(_: Request) -> Answer:
        first = next(answers, None)
        time.sleep(3 if first else 20)
        return first or Answer()

    with serving(answer) as server:
        source = at_addresses(server.port, "127.0.0.1", lookup_s=3)
        started = time.monotonic()
        with pytest.raises(Unreachable, match="did not answer in time"):
            source.check()
        assert time.monotonic() - started < 10
        assert len(server.requests) == 2
        source.close()


def test_a_check_does_not_wait_for_a_body_that_trickles() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=_trickle, args=(listening,), daemon=True).start()
        source = at_addresses(listening.getsockname()[1], "127.0.0.1", lookup_s=3)
        started = time.monotonic()
        with pytest.raises(Unreachable, match="did not answer in time"):
            source.check()
        assert time.monotonic() - started < 10
        source.close()


def _trickle(listening: socket.socket) -> None:
    with listening.accept()[0] as connection, suppress(OSError):
        connection.recv(65_536)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        for _ in range(1000):
            connection.sendall(b" ")
            time.sleep(0.2)


def test_a_connection_that_was_cut_is_made_again_to_the_same_address() -> None:
    answers = [page([entity(1)], next_partition="a"), Answer(reset=True), page([entity(2)])]
    with serving(answers) as server:
        # Nobody serves the second one.
        source = at_addresses(server.port, "127.0.0.1", "127.0.0.2")
        assert numbers(source) == [1, 2]
        source.close()


def test_after_a_pause_every_address_is_tried_again() -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        port = reserved.getsockname()[1]
    with ExitStack() as later:
        up: list[TableServer] = []

        def start(_: float, __: threading.Event) -> None:
            if not up:
                up.append(later.enter_context(serving([page([entity(1)])], port=port)))

        account = parse(f"TableEndpoint=http://several.example:{port};SharedAccessSignature=sig=x")
        egress = Egress(local=True, resolve=lambda _: ["127.0.0.1", "127.0.0.2"])
        source = TableSource(account, egress=egress, retries=Retries(pause=start))
        assert numbers(source) == [1]
        source.close()


def check(*answers: Answer, now: datetime | None = None) -> SourceError:
    """The error that `check` raises for an answer."""
    with serving(answers) as server, pytest.raises(SourceError) as raised:
        checked(server, now).check()
    assert len(server.requests) == 1
    assert raised.value.advice
    assert SECRET not in str(raised.value) + raised.value.advice
    return raised.value


def checked(server: TableServer, now: datetime | None) -> Any:
    from flowservice.connectors.azure_table.table_service import TableService

    return TableService(server.account, egress=LAPTOP, now=lambda: now or datetime.now(UTC))


XML = b'<?xml version="1.0"?><error><code>AuthorizationFailure</code><message>m</message></error>'


def test_a_wrong_key_is_told_from_a_wrong_clock() -> None:
    wrong_key = check(Answer(status=403, body=XML))
    assert isinstance(wrong_key, BadCredentials)
    assert "key or signature was not accepted" in wrong_key.message
    assert "AuthorizationFailure" in wrong_key.message
    noon = datetime(2026, 11, 23, 12, tzinfo=UTC)
    refused = Answer(status=403, headers={"Date": format_datetime(noon, usegmt=True)})
    assert "clock is 20 minutes ahead" in check(refused, now=noon + timedelta(minutes=20)).message
    assert "clock is 6 minutes behind" in check(refused, now=noon - timedelta(minutes=6)).message
    assert "clock" not in check(refused, now=noon - timedelta(minutes=4)).message


@pytest.mark.parametrize(
    ("answer", "kind", "says"),
    [
        (Answer(status=401), BadCredentials, "401"),
        (Answer(status=403, headers={"x-ms-error-code": "AuthorizationPermissionMismatch"}), Denied, "Permission"),
        (Answer(status=503, headers={"x-ms-request-id": "abc-1"}), Throttled, "request abc-1"),
        (Answer(status=500), SourceUnavailable, "500"),
        (Answer(status=400, body=b'{"odata.error":{"code":"InvalidInput"}}'), SourceError, "InvalidInput"),
        (Answer(status=302, headers={"Location": "http://elsewhere"}), SourceError, "302"),
        (Answer(body=b"", cut_at=0, headers={"Content-Length": "5"}), BrokenPage, "cut"),
    ],
)
def test_check_says_what_is_wrong_in_one_request(answer: Answer, kind: type[SourceError], says: str) -> None:
    error = check(answer)
    assert isinstance(error, kind)
    assert says in error.message


@pytest.mark.parametrize("code", ["TableNotFound", "ResourceNotFound", "TableBeingDeleted"])
def test_a_missing_table_is_named(code: str) -> None:
    status = 409 if code == "TableBeingDeleted" else 404
    with (
        serving(lambda _: Answer(status=status, headers={"x-ms-error-code": code})) as server,
        pytest.raises(NoSuchObject, match="'things'"),
    ):
        numbers(server.source())
    assert len(server.requests) == 1


@pytest.mark.parametrize(("host", "why"), [("127.0.0.1:1", "refused"), ("no-such-host.invalid", "name is unknown")])
def test_an_unreachable_host_is_named(host: str, why: str) -> None:
    account = parse(f"TableEndpoint=http://{host};SharedAccessSignature=sp=r&sig=hidden")
    source = TableSource(account, egress=LAPTOP)
    with pytest.raises(Unreachable, match=f"{host}.*{why}") as raised:
        source.check()
    assert "hidden" not in f"{raised.value}{raised.value.advice}{raised.value.__cause__}"
    source.close()


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "inf"}, None),
        ({"Retry-After": "nan"}, None),
        ({"Retry-After": "-5"}, None),
        ({"Retry-After": "1e400"}, None),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "Fri, 31 Dec 9999 23:59:59 -2359"}, None),
        ({"Retry-After": "1e300"}, 3600.0),
        ({"Retry-After": "86400"}, 3600.0),
        ({"Retry-After": "Fri, 31 Dec 9999 23:59:59 GMT"}, 3600.0),
        ({"Retry-After": "Sun, 01 Mar 2026 12:00:09 GMT"}, 9.0),
        ({"Retry-After": "Sun, 01 Mar 2026 11:59:59 GMT"}, None),
        ({"x-ms-retry-after-ms": "inf", "Retry-After": "7"}, 7.0),
        ({"x-ms-retry-after-ms": "0", "Retry-After": "7"}, 0.0),
        ({"x-ms-retry-after-ms": "1e12"}, 3600.0),
    ],
)
def test_a_pause_that_makes_no_sense_is_not_kept(headers: dict[str, str], seconds: float | None) -> None:
    error = check(Answer(status=503, headers=headers), now=datetime(2026, 3, 1, 12, tzinfo=UTC))
    assert isinstance(error, Throttled)
    assert error.retry_after_s == seconds


def test_a_date_at_the_end_of_the_calendar_tells_nothing_of_the_clock() -> None:
    refused = check(Answer(status=403, headers={"Date": "Fri, 31 Dec 9999 23:59:59 -2359"}))
    assert isinstance(refused, BadCredentials)
    assert "clock" not in refused.message
