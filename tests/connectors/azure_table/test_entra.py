"""Signing in by Microsoft Entra ID: against an authority and an emulator that speak https, trusted by SSL_CERT_FILE."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

import pytest

from demo.azurite import Azurite
from demo.certificates import Certificates, certificates
from demo.tables import TableAccount, customers, seed
from flowservice.connectors.azure_table.account import (
    AZURE_PUBLIC,
    Account,
    ManagedIdentity,
    ServicePrincipal,
)
from flowservice.connectors.azure_table.entra import Tokens
from flowservice.connectors.azure_table.source import TableSource
from flowservice.errors import (
    BadCredentials,
    Denied,
    DestinationRefused,
    Error,
    SourceUnavailable,
    Throttled,
    Unreachable,
)
from flowservice.sdk import Destinations, Egress, Selection
from flowservice.sdk.testing import keys_of
from tests.connectors.azure_table.authority import (
    CLIENT_ID,
    CLIENT_SECRET,
    TENANT,
    Authority,
    authority,
    refused,
)
from tests.connectors.azure_table.table_server import LAPTOP, Answer, Request, TableServer, entity, page, serving

AZURE_HOST = "acct.table.core.windows.net"


@pytest.fixture(scope="module")
def certified(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return certificates(tmp_path_factory.mktemp("ca"), AZURE_HOST)


@pytest.fixture(autouse=True)
def _trusted(certified: Certificates, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certified.ca))


@pytest.fixture
def entra(certified: Certificates) -> Iterator[Authority]:
    with authority(certified.tls) as running:
        yield running


def account(entra: Authority, endpoint: str, *, secret: str = CLIENT_SECRET, **other: Any) -> Account:
    """The emulator's account, read by a service principal of `entra`."""
    who = ServicePrincipal(tenant=TENANT, client_id=CLIENT_ID, secret=secret)
    cloud = replace(AZURE_PUBLIC, authority=entra.url)
    return Account(endpoint=endpoint, name="devstoreaccount1", credential=who, cloud=cloud, **other)


def source(entra: Authority, server: TableServer, **other: Any) -> TableSource:
    endpoint = f"http://127.0.0.1:{server.port}/devstoreaccount1"
    return TableSource(account(entra, endpoint, **other), egress=LAPTOP, retries=server.retries, page_rows=1)


def numbers(opened: TableSource) -> list[int]:
    (split,) = opened.plan(Selection(path="things")).splits
    return [row for batch in opened.read(split, after=None) for row in batch.rows.column("n").to_pylist()]


def why(entra: Authority, egress: Egress = LAPTOP, **other: Any) -> Error:
    """Why no token is given."""
    with pytest.raises(Error) as raised:
        Tokens(account(entra, "https://localhost", **other), egress=egress).token()
    said = f"{raised.value}{raised.value.advice}{raised.value.__cause__}"
    assert CLIENT_SECRET not in said
    assert "hidden" not in said
    assert raised.value.advice
    return raised.value


@pytest.mark.azurite
def test_a_service_principal_reads_a_table_of_the_emulator(entra: Authority, certified: Certificates) -> None:
    with Azurite(certificate=(certified.certificate, certified.key)) as azurite:
        seed(TableAccount(endpoint=azurite.endpoint), "people", customers(300))
        opened = TableSource(account(entra, azurite.endpoint), egress=LAPTOP, page_rows=100)
        opened.check()
        assert [node.name for node in opened.explore("")] == ["people"]
        (split,) = opened.plan(Selection(path="people")).splits
        assert len(keys_of(opened.read(split, after=None), ("PartitionKey", "RowKey"))) == 300
        opened.close()
        secondary = f"{azurite.endpoint}-secondary"
        lagging = TableSource(account(entra, azurite.endpoint, secondary=secondary, from_secondary=True), egress=LAPTOP)
        assert lagging.server_time() <= datetime.now(UTC)
        lagging.close()
    assert len(entra.given) == 2


def test_the_client_secret_flow_asks_the_chosen_authority_for_the_services_scope(entra: Authority) -> None:
    token = Tokens(account(entra, "https://localhost"), egress=LAPTOP).token()
    assert token == entra.given[0]
    lookup, asked = entra.requests
    assert lookup.path == f"/{TENANT}/v2.0/.well-known/openid-configuration"
    assert asked.path == f"/{TENANT}/oauth2/v2.0/token"
    assert asked.form["grant_type"] == "client_credentials"
    assert (asked.form["client_id"], asked.form["client_secret"]) == (CLIENT_ID, CLIENT_SECRET)
    assert asked.form["scope"] == "https://storage.azure.com/.default"


def test_cosmos_has_a_scope_of_its_own(entra: Authority) -> None:
    Tokens(account(entra, "https://localhost", service="cosmos"), egress=LAPTOP).token()
    assert entra.requests[-1].form["scope"] == "https://cosmos.azure.com/.default"


def test_requests_carry_the_token_and_the_version_that_takes_one(entra: Authority) -> None:
    with serving([page([]), page([entity(1)])]) as server:
        opened = source(entra, server)
        opened.check()
        opened.check()
        opened.close()
    assert len(entra.given) == 1
    for request in server.requests:
        assert request.headers["authorization"] == f"Bearer {entra.given[0]}"
        assert request.headers["x-ms-version"] == "2020-12-06"


def test_a_long_scan_outlives_its_tokens(entra: Authority) -> None:
    entra.lifetime_s = 1

    def answer(request: Request) -> Answer:
        if request.headers["authorization"] != f"Bearer {entra.given[-1]}":
            return Answer(status=401, headers={"x-ms-error-code": "InvalidAuthenticationInfo"})
        time.sleep(0.6)
        at = int(request.query.get("NextPartitionKey", "0"))
        return page([entity(at)], next_partition=str(at + 1) if at < 4 else None)

    with serving(answer) as server:
        opened = source(entra, server)
        assert numbers(opened) == [0, 1, 2, 3, 4]
        opened.close()
    assert len(entra.given) > 1


def test_a_token_that_was_refused_is_replaced_once(entra: Authority) -> None:
    def answer(request: Request) -> Answer:
        is_second = len(entra.given) == 2 and request.headers["authorization"] == f"Bearer {entra.given[1]}"
        return page([]) if is_second else Answer(status=401)

    with serving(answer) as server:
        opened = source(entra, server)
        opened.check()
        opened.close()
    assert (len(server.requests), len(entra.given)) == (2, 2)


def test_a_second_refusal_is_told(entra: Authority) -> None:
    with serving(lambda _: Answer(status=401)) as server, pytest.raises(BadCredentials, match=r"token .* not accepted"):
        source(entra, server).check()
    assert (len(server.requests), len(entra.given)) == (2, 2)


def test_an_identity_without_a_role_is_told_the_role(entra: Authority) -> None:
    denied = Answer(status=403, headers={"x-ms-error-code": "AuthorizationPermissionMismatch"})
    with serving(lambda _: denied) as server, pytest.raises(Denied, match="may not read") as raised:
        source(entra, server).check()
    assert "Storage Table Data Reader" in raised.value.advice
    assert len(entra.given) == 1


@pytest.mark.parametrize(
    ("answer", "kind", "says"),
    [
        (refused(7000215), BadCredentials, "secret's value, not its id"),
        (refused(7000222), BadCredentials, "expired"),
        (refused(700016), BadCredentials, "does not know the application"),
        (refused(99), BadCredentials, "AADSTS99"),
        (Answer(status=400, body=b"hidden"), BadCredentials, "answered 400"),
        (Answer(status=429), Throttled, "pause"),
        (Answer(status=503), SourceUnavailable, "503"),
        (Answer(body=b"hidden"), BadCredentials, "no token"),
        (Answer(body=b"{}", headers={"Content-Type": "application/json"}), BadCredentials, "no token"),
        (Answer(status=302, headers={"Location": "https://localhost/elsewhere"}), BadCredentials, "302"),
        (Answer(reset=True), Unreachable, "cut"),
    ],
)
def test_a_sign_in_that_fails_says_why(entra: Authority, answer: Answer, kind: type[Error], says: str) -> None:
    entra.refusal = answer
    error = why(entra)
    assert isinstance(error, kind)
    assert says in error.message
    assert len(entra.requests) == 2


def test_a_tenant_that_does_not_exist_is_told(entra: Authority) -> None:
    entra.lookup = Answer(status=400, body=json.dumps({"error_codes": [90002]}).encode())
    assert "tenant does not exist" in why(entra).message
    entra.lookup = Answer(status=404)
    assert "tenant does not exist" in why(entra).message


def test_the_authority_is_dialled_only_where_the_server_may_go(entra: Authority) -> None:
    assert isinstance(why(entra, Egress(local=False)), DestinationRefused)
    assert isinstance(why(entra, Egress(local=True, denied=Destinations.of(["localhost"]))), DestinationRefused)
    metadata = Egress(local=True, resolve=lambda _: ["169.254.169.254"])
    assert isinstance(why(entra, metadata), DestinationRefused)
    assert entra.requests == []


def test_an_authority_that_nobody_vouches_for_gets_no_secret(entra: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    error = why(entra)
    assert isinstance(error, Unreachable)
    assert "certificate is not trusted" in error.message
    assert entra.requests == []


def test_a_check_waits_for_a_silent_authority_no_longer_than_ten_seconds(
    entra: Authority, certified: Certificates
) -> None:
    def slow(_: Request) -> Answer:
        time.sleep(20)
        return Answer()

    with serving(slow, tls=certified.tls) as silent, serving([]) as server:
        entra.url = f"https://localhost:{silent.port}"
        started = time.monotonic()
        with pytest.raises(Unreachable):
            source(entra, server).check()
        assert time.monotonic() - started < 10


def test_secrets_and_tokens_do_not_show_in_what_is_printed_or_logged(
    entra: Authority, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    assert CLIENT_SECRET not in repr(account(entra, "https://localhost"))
    tokens = Tokens(account(entra, "https://localhost"), egress=LAPTOP)
    token = tokens.token()
    entra.refusal = refused(7000215)
    with pytest.raises(BadCredentials):
        tokens.token(refused=token)
    assert CLIENT_SECRET not in caplog.text
    assert token not in caplog.text


def test_the_package_is_loaded_only_where_a_token_is_needed() -> None:
    script = """
import sys
from flowservice.connectors.azure_table import connector
from flowservice.sdk import Egress

auth = connector.auths[0]
config = auth.config.model_validate({"connectionString": "UseDevelopmentStorage=true"})
connector.open(auth.name, config, Egress(local=True)).close()
print("azure" in sys.modules, "msal" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


# --- managed identity ------------------------------------------------------------------------------------------------

HERE = Egress(local=True, host_identity=True)


def identity(client_id: str | None = None) -> Account:
    return Account(endpoint=f"https://{AZURE_HOST}", name="acct", credential=ManagedIdentity(client_id=client_id))


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Iterator[TableServer]:
    """A machine in Azure (App Service) whose identity gives the token `of-the-machine`."""

    def answer(request: Request) -> Answer:
        if request.headers.get("x-identity-header") != "proof":
            return Answer(status=401)
        body = {
            "access_token": "of-the-machine",
            "expires_on": str(int(time.time()) + 86_400),
            "resource": request.query["resource"],
            "token_type": "Bearer",
        }
        return Answer(body=json.dumps(body).encode(), headers={"Content-Type": "application/json"})

    with serving(answer) as server:
        monkeypatch.setenv("IDENTITY_ENDPOINT", f"http://127.0.0.1:{server.port}/token")
        monkeypatch.setenv("IDENTITY_HEADER", "proof")
        yield server


def test_the_machines_identity_signs_in_if_the_operator_allows_it(
    machine: TableServer, certified: Certificates
) -> None:
    dated = page([], Date=format_datetime(datetime.now(UTC), usegmt=True))
    with serving(lambda _: dated, tls=certified.tls) as server:
        at = replace(identity(CLIENT_ID), endpoint=f"https://{AZURE_HOST}:{server.port}")
        opened = TableSource(at, egress=replace(HERE, resolve=lambda _: ["127.0.0.1"]))
        opened.check()
        opened.server_time()
        opened.close()
    assert {request.headers["authorization"] for request in server.requests} == {"Bearer of-the-machine"}
    (asked,) = machine.requests
    assert asked.query["resource"] == "https://storage.azure.com"
    assert asked.query["client_id"] == CLIENT_ID


def test_nobody_signs_in_as_the_machine_unless_the_operator_allows_it(machine: TableServer) -> None:
    with pytest.raises(DestinationRefused, match="managed identity") as raised:
        TableSource(identity(), egress=LAPTOP)
    assert "managed_identity" in raised.value.advice
    assert machine.requests == []


def test_a_machine_without_an_identity_says_so(machine: TableServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IDENTITY_HEADER", "wrong")
    with pytest.raises(BadCredentials, match="managed identity of this server gave no token"):
        Tokens(identity(), egress=HERE).token()


def test_a_machine_that_is_not_in_azure_says_so_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving([]) as gone:
        nowhere = f"http://127.0.0.1:{gone.port}"
    monkeypatch.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", nowhere)
    started = time.monotonic()
    with pytest.raises((BadCredentials, Unreachable), match="managed identity of this server gave no token"):
        Tokens(identity(), egress=HERE).token()
    assert time.monotonic() - started < 10
