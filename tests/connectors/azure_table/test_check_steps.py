"""The steps of a check of an account: what each finds, and at which one it stops."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import count

import pytest

from demo.azurite import Azurite
from demo.certificates import Certificates, certificates
from demo.tables import TableAccount, customers, seed
from flowservice.connectors.azure_table import connector
from flowservice.connectors.azure_table.check_steps import AccountCheck
from flowservice.connectors.azure_table.connection_string import parse
from flowservice.connectors.azure_table.source import TableSource
from flowservice.connectors.azure_table.table_service import TableService
from flowservice.errors import DestinationRefused, NoSuchObject, SourceError, Unreachable
from flowservice.sdk import Egress, Finding
from tests.connectors.azure_table.signatures import account_sas, table_sas
from tests.connectors.azure_table.table_server import LAPTOP, Answer, Request, TableServer, deaf, serving
from tests.connectors.azure_table.test_paging import at_addresses

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
NAMES = [step.name for step in connector.check_steps]


def taken(source: TableSource) -> dict[str, Finding]:
    """All steps of a source."""
    return {name: source.check_step(name) for name in NAMES}


def stopped_at(source: TableSource, name: str, kind: type[SourceError]) -> SourceError:
    """The error of the one step that fails; those before it do not."""
    for earlier in NAMES[: NAMES.index(name)]:
        assert source.check_step(earlier).message
    with pytest.raises(kind) as raised:
        source.check_step(name)
    assert raised.value.advice
    source.close()
    return raised.value


def at_noon(server: TableServer, clock: datetime) -> AccountCheck:
    """A check by a machine whose clock says `clock`."""
    service = TableService(server.account, egress=LAPTOP, now=lambda: clock)
    return AccountCheck(service, LAPTOP, lambda: clock)


@pytest.fixture
def noon() -> Iterator[TableServer]:
    """A service where it is noon."""
    with serving(lambda _: Answer(headers={"Date": format_datetime(NOON, usegmt=True)})) as server:
        yield server


@pytest.mark.azurite
@pytest.mark.parametrize("kind", ["account", "table", "range"])
def test_a_signature_passes_as_far_as_it_reaches(azurite: Azurite, kind: str) -> None:
    seed(TableAccount(endpoint=azurite.endpoint), "steps", customers(3))
    signature = {
        "account": account_sas(),
        "table": table_sas("steps"),
        "range": table_sas("steps", spk="z", epk="zz"),
    }[kind]
    source = TableSource(parse(f"TableEndpoint={azurite.endpoint};SharedAccessSignature={signature}"), egress=LAPTOP)
    found = taken(source)
    source.close()
    assert found["list-tables"].skipped is (kind != "account")
    assert found["read-entity"].message.endswith("no entity.") is (kind == "range")
    assert [name for name, finding in found.items() if finding.skipped] == (["list-tables"] * (kind != "account"))
    assert "sig=" not in str(found)


def test_a_signature_that_expires_soon_is_told() -> None:
    with serving(lambda _: Answer()) as server:
        ends = (datetime.now(UTC) + timedelta(hours=3)).strftime("%Y-%m-%dT%H:%M:%SZ")
        endpoint = f"http://127.0.0.1:{server.port}/devstoreaccount1"
        source = TableSource(
            parse(f"TableEndpoint={endpoint};SharedAccessSignature={account_sas(se=ends)}"), egress=LAPTOP
        )
        (warning,) = taken(source)["authenticate"].warnings
        source.close()
    assert "expires on" in warning


@pytest.mark.parametrize("late", [timedelta(minutes=6), -timedelta(minutes=6), timedelta(days=400)])
def test_a_clock_that_is_minutes_off_fails(noon: TableServer, late: timedelta) -> None:
    check = at_noon(noon, NOON + late)
    for name in NAMES[:-1]:
        check.take(name)
    with pytest.raises(SourceError, match="ahead of" if late > timedelta(0) else "behind"):
        check.take(NAMES[-1])


@pytest.mark.parametrize(
    ("late_s", "told"), [(0, "agree"), (2, "agree"), (90, "90 seconds ahead of"), (-90, "90 seconds behind")]
)
def test_a_clock_that_is_seconds_off_is_told(noon: TableServer, late_s: int, told: str) -> None:
    check = at_noon(noon, NOON + timedelta(seconds=late_s))
    assert told in [check.take(name) for name in NAMES][-1].message


@pytest.mark.parametrize("date", ["", "yesterday", "Fri, 31 Dec 9999 23:59:59 -2359"])
def test_a_service_that_does_not_tell_its_time_is_not_held_to_it(date: str) -> None:
    with serving(lambda _: Answer(headers={"Date": date})) as server:
        source = server.source()
        assert taken(source)["clock-difference"].skipped
        source.close()


def test_an_untrusted_certificate_stops_at_the_connection(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    certified: Certificates = certificates(tmp_path_factory.mktemp("ca"), "127.0.0.1")
    with serving(lambda _: Answer(), tls=certified.tls) as server:
        account = parse(f"TableEndpoint=https://127.0.0.1:{server.port};SharedAccessSignature={account_sas()}")
        error = stopped_at(TableSource(account, egress=LAPTOP), "tls", Unreachable)
        assert "certificate is not trusted" in error.message
        assert server.requests == []


def test_a_trusted_certificate_is_told(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    certified = certificates(tmp_path_factory.mktemp("ca"), "localhost")
    monkeypatch.setenv("SSL_CERT_FILE", str(certified.ca))
    with serving(lambda _: Answer(), tls=certified.tls) as server:
        account = parse(f"TableEndpoint=https://localhost:{server.port};SharedAccessSignature={account_sas()}")
        source = TableSource(account, egress=LAPTOP)
        assert "is trusted" in taken(source)["tls"].message
        source.close()


def test_a_refused_address_is_found_and_not_told() -> None:
    account = parse(f"TableEndpoint=http://inside.example;SharedAccessSignature={account_sas()}")
    source = TableSource(account, egress=Egress(resolve=lambda _: ["10.7.7.7"]))
    error = stopped_at(source, "network-policy", DestinationRefused)
    assert "10.7" not in f"{error}{error.advice}"


def test_of_several_addresses_the_one_that_serves_is_found() -> None:
    with serving(lambda _: Answer()) as server, deaf("127.0.0.2", server.port):
        source = at_addresses(server.port, "127.0.0.2", "127.0.0.1")
        assert taken(source)["tls"].message
        source.close()


def test_where_there_is_no_table_service_the_sign_in_is_not_called_good() -> None:
    with serving(lambda _: Answer(status=404)) as server:
        stopped_at(server.source(), "authenticate", NoSuchObject)


def test_a_table_that_is_gone_stops_a_signature_for_it_after_the_sign_in() -> None:
    with serving(lambda _: Answer(status=404)) as server:
        endpoint = f"http://127.0.0.1:{server.port}/devstoreaccount1"
        account = parse(f"TableEndpoint={endpoint};SharedAccessSignature={table_sas('gone')}")
        stopped_at(TableSource(account, egress=LAPTOP), "list-tables", NoSuchObject)


def test_a_body_that_never_ends_does_not_keep_the_connection_step() -> None:
    calls = count()

    def answer(_: Request) -> Answer:
        return Answer(body=b" " * 1000, byte_every_s=0.5) if next(calls) == 0 else Answer()

    with serving(answer) as server:
        source = server.source()
        started = time.monotonic()
        assert taken(source)["tls"].message
        assert time.monotonic() - started < 5
        source.close()
