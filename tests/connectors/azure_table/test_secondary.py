"""Reading the secondary: only on request, no further than it has been written, and told where it lacks something."""

from datetime import UTC, datetime
from email.utils import format_datetime

import pytest

from demo.azurite import Azurite
from demo.tables import TableAccount, customers, seed
from flowservice.connectors.azure_table.account import EMULATOR_KEY, SECONDARY, Account
from flowservice.connectors.azure_table.auths import ByAccountKey
from flowservice.connectors.azure_table.source import TableSource
from flowservice.errors import Denied, NoSuchObject, SourceUnavailable
from flowservice.sdk import Selection
from flowservice.sdk.testing import keys_of
from tests.connectors.azure_table.table_server import LAPTOP, Answer, Request, TableServer, page, serving

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
EARLIER = datetime(2026, 11, 23, 11, 47, 3, tzinfo=UTC)


def by_key(endpoint: str, **other: bool) -> Account:
    params = {"accountName": "devstoreaccount1", "accountKey": EMULATOR_KEY, "endpoint": endpoint, **other}
    return ByAccountKey.model_validate(params).account()


def secondary(endpoint: str) -> TableSource:
    return TableSource(by_key(endpoint, readFromSecondary=True), egress=LAPTOP)


def at(server: TableServer) -> TableSource:
    return secondary(f"http://127.0.0.1:{server.port}/devstoreaccount1")


def statistics(last_sync: str) -> bytes:
    return (
        '\ufeff<?xml version="1.0" encoding="utf-8"?><StorageServiceStats><GeoReplication><Status>live</Status>'
        f"<LastSyncTime>{last_sync}</LastSyncTime></GeoReplication></StorageServiceStats>"
    ).encode()


def lagging(last_sync: str) -> TableServer:
    def answer(request: Request) -> Answer:
        if request.query.get("comp") == "stats":
            return Answer(body=statistics(last_sync))
        return page([], Date=format_datetime(NOON, usegmt=True))

    return TableServer(answer)


def clock(last_sync: str) -> datetime:
    with serving(lagging(last_sync).answer) as server:
        source = at(server)
        now = source.server_time()
        source.close()
    assert {request.path.split("/")[1] for request in server.requests} == {"devstoreaccount1-secondary"}
    return now


def test_time_on_the_secondary_is_no_later_than_its_last_row() -> None:
    assert clock(format_datetime(EARLIER, usegmt=True)) == EARLIER
    # Replication cannot be ahead of the service; a clock that is must not move a window.
    assert clock("Mon, 23 Nov 2026 12:00:05 GMT") == NOON


@pytest.mark.parametrize("last_sync", ["", "never"])
def test_a_secondary_that_does_not_tell_its_last_row_has_no_time(last_sync: str) -> None:
    with pytest.raises(SourceUnavailable, match="until when"):
        clock(last_sync)


def test_a_sign_in_that_may_not_ask_for_the_last_row_is_told_what_it_lacks() -> None:
    def answer(request: Request) -> Answer:
        denied = Answer(status=403, headers={"x-ms-error-code": "AuthorizationResourceTypeMismatch"})
        return denied if "comp" in request.query else page([], Date=format_datetime(NOON, usegmt=True))

    with serving(answer) as server, pytest.raises(Denied, match="until when") as refused:
        at(server).server_time()
    assert "srt=s" in refused.value.advice


def test_what_the_secondary_lacks_may_not_be_there_yet() -> None:
    missing = Answer(status=404, headers={"x-ms-error-code": "TableNotFound"})
    with (
        serving(lambda _: missing) as server,
        pytest.raises(NoSuchObject, match="'people' is not on the secondary") as no,
    ):
        at(server).plan(Selection(path="people"))
    assert "may not be replicated yet" in no.value.advice


@pytest.mark.azurite
def test_the_emulators_secondary_is_signed_read_and_asked_for_its_time(azurite: Azurite) -> None:
    seed(TableAccount(endpoint=azurite.endpoint), "replicated", customers(10))
    before = datetime.now(UTC).replace(microsecond=0)
    source = secondary(azurite.endpoint)
    source.check()
    assert "replicated" in [node.name for node in source.explore("")]
    (split,) = source.plan(Selection(path="replicated")).splits
    assert len(keys_of(source.read(split, after=None), ("PartitionKey", "RowKey"))) == 10
    assert before <= source.server_time() <= datetime.now(UTC)
    source.close()


@pytest.mark.azurite
def test_nothing_is_read_from_the_secondary_unasked(azurite: Azurite) -> None:
    assert SECONDARY not in by_key(azurite.endpoint).root
