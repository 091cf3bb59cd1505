"""`flowservice keys rotate` on a home that serves."""

import base64
import json
import os
import random
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pytest

from demo.azurite import KEY, Azurite
from flowservice.adapters.sealing.box import EnvelopeBox
from flowservice.adapters.sealing.key_file import KeyFile
from flowservice.app import App, utc_now
from flowservice.domain.connection import Connection
from flowservice.domain.identity import ALL_PERMISSIONS, Caller
from flowservice.domain.resource import SpecRef
from flowservice.errors import Invalid
from flowservice.service.content import AuthContent, ConnectionContent
from flowservice.service.contention import repeated
from flowservice.settings import Settings
from tests.connectors.azure_table.table_server import Answer, Request, serving
from tests.live import Client, Server, command
from tests.operations.typed import typed
from tests.wire import resources
from tests.wire.resources import BY_STRING, FLOW, people, seeded

CONNECTIONS: Final = f"{FLOW}/connections"
KILLS: Final = 2
STORED: Final = 150
"""Connections beside those that are used, so that a pass takes a while."""


def keys_in(home: Path) -> tuple[bytes, ...]:
    return KeyFile(home / "key").current().sealing


@pytest.fixture
def app(either_server: Server) -> Iterator[App]:
    """The parts of the server, once more."""
    url = either_server.env.get("FLOWSERVICE_DATABASE_URL")
    made = App(Settings(home=either_server.home, database_url=url))
    yield made
    made.database.engine.dispose()


def all_sealed(app: App) -> list[Connection]:
    return list(app.database.connections.sealed(limit=100_000))


def opened(app: App) -> set[bytes]:
    """Every stored secret, opened with the first key of the file alone."""
    first = KeyFile(app.settings.key_path).current().sealing[0]
    box = EnvelopeBox(lambda: [first])
    return {box.open(known.auth.sealed, owner=known.id) for known in all_sealed(app) if known.auth}


class Users:
    """Threads that use connections all the while: they test, preview, make and change them. Tells what failed."""

    def __init__(self, server: Server, azurite: Azurite, table: str) -> None:
        self.server, self.azurite, self.table = server, azurite, table
        self.failed: list[str] = []
        self.calls = 0
        self._stop = threading.Event()
        credentials = server.credentials()
        # Their tokens are from before the first rotation.
        self._clients = [server.client(credentials) for _ in range(2)]
        self.ids = [self.made(self._clients[0]) for _ in range(4)]
        uses = (self._read, self._write)
        self._threads = [
            threading.Thread(target=self._run, args=(use, calls))
            for use, calls in zip(uses, self._clients, strict=True)
        ]

    def made(self, client: Client) -> str:
        made_id: str = client.made(CONNECTIONS, resources.connection(self.azurite.connection_string))["id"]
        return made_id

    def __enter__(self) -> "Users":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()
        for client in self._clients:
            client.close()

    def _run(self, use: Any, client: Client) -> None:
        while not self._stop.is_set():
            for answer in use(client):
                self.calls += 1
                if not answer.is_success:
                    self.failed.append(f"{answer.request.method} {answer.request.url}: {answer.text}")

    def _read(self, client: Client) -> Iterator[Any]:
        for known in self.ids:
            yield client.get(f"{CONNECTIONS}/{known}/test")
            preview = {"objectType": "table", "object": self.table, "preview": "true"}
            yield client.get(f"{CONNECTIONS}/{known}/explore", params=preview)
            self._stop.wait(0.2)

    def _write(self, client: Client) -> Iterator[Any]:
        answer = client.post(CONNECTIONS, json=resources.connection(self.azurite.connection_string))
        yield answer
        path = f"{CONNECTIONS}/{answer.json()['id']}"
        edit = [{"op": "add", "path": "/description", "value": "changed"}]
        # The etag that the creation answered: sealing a secret anew is no change.
        yield client.patch(path, json=edit, headers={"if-match": answer.json()["etag"]})
        yield client.get(f"{path}/test")
        yield client.delete(path)
        # So many calls a second, and time for the rotations.
        self._stop.wait(0.2)


@pytest.mark.azurite
@pytest.mark.slow
@pytest.mark.parametrize(
    "either_server", ["sqlite", pytest.param("postgresql", marks=pytest.mark.faults)], indirect=True, scope="module"
)
def test_secrets_open_all_the_while_keys_are_rotated_and_rotations_are_killed(
    either_server: Server, app: App, azurite: Azurite
) -> None:
    server, draw = either_server, random.Random(os.environ.get("FAULTS_SEED", "keys"))
    first = keys_in(server.home)
    users = Users(server, azurite, seeded(azurite, f"rotated{server.port}", people(3)))
    (model,) = [known for known in all_sealed(app) if known.id == users.ids[0]]
    assert model.auth
    secret = app.secrets.open(model.auth.sealed, owner=model.id)
    for number in range(STORED):
        other = f"stored-{number}"
        auth = replace(model.auth, sealed=app.secrets.seal(secret, owner=other))
        app.database.connections.add(replace(model, id=other, auth=auth))
    before = {known.id: known.etag for known in all_sealed(app)}
    told = ""
    with users:
        for _ in range(KILLS):
            rotating = subprocess.Popen(
                command("keys", "rotate", "--home", str(server.home)),
                env=server.env,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            known = keys_in(server.home)
            while rotating.poll() is None and keys_in(server.home) == known:
                time.sleep(0.005)
            # From the moment that the new key is there until a little beyond the end.
            time.sleep(draw.random() * 0.6)
            rotating.kill()
            told += rotating.communicate()[0]
            assert opened_by_all(app) == {secret}
        told += server.run("keys", "rotate")
        did = json.loads(server.run("keys", "rotate", "--json"))
    assert users.failed == []
    assert users.calls > 20
    (last,) = keys_in(server.home)
    assert last not in first
    assert (did["oldKeysRemoved"], did["secretsLost"]) == (1, [])
    assert did["secretsResealed"] >= len(before)
    assert opened(app) == {secret}
    after = {known.id: known.etag for known in all_sealed(app)}
    assert {name: etag for name, etag in after.items() if name in before} == before
    said = told + server.log.read_text()
    assert not [text for text in (KEY, *(base64.b64encode(key).decode() for key in (*first, last))) if text in said]
    # A process that starts now has the one key.
    assert server.stop() == 0
    server.start()
    with server.client() as client:
        assert [client.get(f"{CONNECTIONS}/{known}/test").status_code for known in users.ids] == [200] * 4


def opened_by_all(app: App) -> set[bytes]:
    """Every stored secret, as a process that starts now opens it."""
    # The rows first: a key is in the file before anything is sealed with it, and goes after that.
    while True:
        keys = KeyFile(app.settings.key_path).current().sealing
        box, rows = EnvelopeBox(lambda keys=keys: keys), all_sealed(app)  # type: ignore[misc]
        if KeyFile(app.settings.key_path).current().sealing == keys:
            return {box.open(known.auth.sealed, owner=known.id) for known in rows if known.auth}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    App(Settings(home=tmp_path / "home")).prepare()
    return tmp_path / "home"


def operator(app: App) -> Caller:
    org = app.database.tenancy.orgs()[0]
    scope = app.database.tenancy.sandbox(org.id, "prod").scope
    return Caller(scope=scope, tenant_id="t", user_id="u", client_id="c", permissions=ALL_PERMISSIONS)


def content(connection_string: str, name: str = "account") -> ConnectionContent:
    params = {"connectionString": connection_string}
    return ConnectionContent(name=name, description="", auth=AuthContent(spec_name=BY_STRING, params=params))


def test_a_secret_that_is_sealed_before_a_rotation_and_stored_after_it_opens(home: Path) -> None:
    """The source takes its time to answer: a whole rotation, and one more."""
    app = App(Settings(home=home, egress_local=True))
    rotations: list[int] = []

    def answer(_: Request) -> Answer:
        if len(rotations) < 4:
            rotations.append(App(Settings(home=home)).rotate_keys(keep_old=False, end_tokens=False).dropped)
        return Answer()

    with serving(answer) as source:
        text = f"AccountName=devstoreaccount1;AccountKey={KEY};TableEndpoint={source.account.endpoint}"
        made = app.accounts.create(operator(app), SpecRef(id=resources.AZURE_TABLE), content(text))
        assert len(opened(app)) == 1
        other = text + ";DefaultEndpointsProtocol=http"
        who = operator(app)
        # Each rotation makes what was read before it stale, and the change is made again, as a PATCH does.
        repeated(lambda: app.accounts.change(who, app.accounts.get(who, made.id), content(other)))
        assert json.loads(opened(app).pop())["connectionString"] == other
    assert rotations == [1] * 4


def test_tokens_outlive_a_rotation_unless_they_shall_not(home: Path) -> None:
    app = App(Settings(home=home))
    claims = {"client_id": "c"}
    tokens = app.identity.tokens
    before = tokens.issue(claims, at=utc_now(), lifetime_s=600)
    App(Settings(home=home)).rotate_keys(keep_old=False, end_tokens=False)
    assert tokens.verify(before, at=utc_now())["client_id"] == "c"
    after = tokens.issue(claims, at=utc_now(), lifetime_s=600)
    App(Settings(home=home)).rotate_keys(keep_old=False, end_tokens=True)
    for ended in (before, after):
        with pytest.raises(Invalid):
            tokens.verify(ended, at=utc_now())
    App(Settings(home=home)).rotate_keys(keep_old=False, end_tokens=False)
    last = tokens.issue(claims, at=utc_now(), lifetime_s=600)
    # What is left of a key does not outlive the tokens it signed.
    later = App(Settings(home=home), now=lambda: utc_now() + timedelta(days=1))
    App(Settings(home=home)).rotate_keys(keep_old=False, end_tokens=False)
    tokens.verify(last, at=utc_now())
    with pytest.raises(Invalid):
        later.identity.tokens.verify(last, at=utc_now())


def test_a_rotation_says_what_it_did_and_the_doctor_counts_keys(home: Path) -> None:
    told = typed("keys", "rotate", "--keep-old", home=home)
    assert (told.returncode, told.stderr) == (0, "")
    fields = dict(line.split(None, 1) for line in told.stdout.splitlines())
    assert fields["secretsResealed"] == fields["oldKeysRemoved"] == fields["secretsLost"] == "0"
    assert fields["keyFile"] == str(home / "key")
    assert len(fields["keyId"]) == 16
    examined = typed("doctor", "--port", "0", home=home).stdout
    assert f"{home / 'key'}, 2 keys\n" in examined
    assert "ok    secrets      0, and each can be opened" in examined


def test_the_doctor_and_a_rotation_tell_of_secrets_that_no_key_opens(home: Path) -> None:
    app = App(Settings(home=home, egress_local=True))
    with serving(lambda _: Answer()) as source:
        text = f"AccountName=devstoreaccount1;AccountKey={KEY};TableEndpoint={source.account.endpoint}"
        made = app.accounts.create(operator(app), SpecRef(id=resources.AZURE_TABLE), content(text))
    kept = (home / "key").read_text()
    (home / "key").unlink()
    KeyFile(home / "key")
    examined = typed("doctor", "--port", "0", home=home)
    assert examined.returncode == 1
    assert f"FAIL  secrets      no key opens 1 of 1, of the connections {made.id}" in examined.stdout
    told = typed("keys", "rotate", home=home)
    assert told.returncode == 0
    assert made.id in told.stderr
    assert "Restore the key" in told.stderr
    # As advised.
    with (home / "key").open("a") as file:
        file.write(kept)
    assert json.loads(typed("keys", "rotate", "--json", home=home).stdout)["secretsResealed"] == 1
    assert len(opened(app)) == 1


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (lambda home: (home / "key").unlink(), "does not exist"),
        (lambda home: (home / "key").write_text("no key"), "does not hold a key"),
        (lambda home: (home / "key.lock").mkdir(), "cannot be replaced"),
        (lambda home: (home / "key.new").mkdir(), "cannot be replaced"),
    ],
)
def test_a_key_file_that_cannot_be_replaced_is_told_and_nothing_is_done(home: Path, harm: Any, words: str) -> None:
    harm(home)
    before = {path.name: path.read_bytes() for path in home.glob("key*") if path.is_file()}
    told = typed("keys", "rotate", home=home)
    assert (told.returncode, told.stdout) == (1, "")
    assert words in told.stderr
    assert "Traceback" not in told.stderr
    after = {path.name: path.read_bytes() for path in home.glob("key*") if path.is_file() and path.name != "key.lock"}
    assert after == before


def test_a_home_that_was_never_served_gets_no_key(tmp_path: Path) -> None:
    told = typed("keys", "rotate", home=tmp_path)
    assert (told.returncode, told.stdout) == (1, "")
    assert "flowservice serve" in told.stderr
    assert list(tmp_path.iterdir()) == []
    told = typed("keys", "rotate", "--keep-old", "--end-tokens", home=tmp_path)
    assert "do not go together" in told.stderr
