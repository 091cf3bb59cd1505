"""What an operator types, and what is answered."""

import csv
import io
import json
import socket
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from demo.azurite import Azurite
from demo.tables import TableAccount, customers, seed
from demo.tutorial import CUSTOMERS, Tutorial
from flowservice import VERSION
from flowservice.app import App
from flowservice.settings import Settings
from tests.live import Server
from tests.operations.typed import typed

ROWS = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    """A dataset with rows, an empty one, and two of one name."""

    home: Path
    dataset_id: str
    table: str
    tenant: str


@pytest.fixture(scope="module")
def shop(azurite: Azurite, server: Server) -> Iterator[Shop]:
    seed(TableAccount(endpoint=azurite.endpoint), "commandshop", customers(ROWS))
    with closing(Tutorial(url=server.url, credentials=server.credentials())) as tutorial:
        dataset_id, flow_id, tenant = tutorial.land(
            azurite.connection_string, "commandshop", CUSTOMERS, name="command shop"
        )
        status = tutorial.ended_run(flow_id)["metrics"]["statusSummary"]
        assert (status["status"], status["errors"]) == ("success", [])
        schema_id, _ = tutorial.schema(CUSTOMERS)
        tutorial.dataset("command empty", schema_id)
        for _ in range(2):
            tutorial.dataset("command twins", schema_id)
        yield Shop(home=server.home, dataset_id=dataset_id, table="command shop", tenant=tenant)


def test_credentials_show_as_json_and_as_text(server: Server) -> None:
    found = json.loads(server.run("credentials", "show", "--json"))
    assert list(found) == ["clientId", "clientSecret", "orgId", "scopes", "tokenUrl"]
    assert found["tokenUrl"] == f"{server.url}/ims/token/v3"
    shown = dict(line.split(maxsplit=1) for line in server.run("credentials", "show").splitlines())
    assert shown == found


def test_a_token_opens_the_api(server: Server) -> None:
    found = server.credentials()
    headers = {
        "Authorization": f"Bearer {server.run('token').strip()}",
        "x-api-key": found["clientId"],
        "x-gw-ims-org-id": found["orgId"],
        "x-sandbox-name": "prod",
    }
    answer = httpx.get(f"{server.url}/data/foundation/flowservice/connectionSpecs", headers=headers)
    assert answer.status_code == 200


@pytest.mark.parametrize("arguments", [("credentials", "show"), ("token",), ("sql", "SELECT 1")])
def test_a_home_that_was_never_served_says_what_to_do(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    refused = typed(*arguments, home=tmp_path / "nowhere")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "flowservice serve" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert not (tmp_path / "nowhere").exists()


def test_the_version_is_told() -> None:
    assert typed("--version").stdout == f"flowservice {VERSION}\n"


@pytest.mark.azurite
@pytest.mark.parametrize("by", ["name", "id"])
def test_rows_are_queried_while_serving(server: Server, shop: Shop, by: str) -> None:
    table = shop.table if by == "name" else shop.dataset_id
    query = f'SELECT person.name.lastName AS name, {shop.tenant}.visits AS visits FROM "{table}" ORDER BY _id LIMIT 3'
    rows = [json.loads(line) for line in server.run("sql", "--format", "ndjson", query).splitlines()]
    assert len(rows) == 3
    assert all(isinstance(row["name"], str) and isinstance(row["visits"], int) for row in rows)
    if by == "id":
        return
    parsed = list(csv.DictReader(io.StringIO(server.run("sql", "--format", "csv", query))))
    assert [{"name": row["name"], "visits": int(row["visits"])} for row in parsed] == rows
    shown = server.run("sql", query).splitlines()
    assert shown[0].split() == ["name", "visits"]
    assert shown[-1] == "(3 rows)"
    assert [line.split()[-1] for line in shown[2:-1]] == [str(row["visits"]) for row in rows]


@pytest.mark.azurite
def test_the_system_column_comes_only_when_asked_for(server: Server, shop: Shop) -> None:
    (row,) = server.run("sql", "--format", "ndjson", f'SELECT * FROM "{shop.table}" LIMIT 1').splitlines()
    assert "_flowservice" not in json.loads(row)
    query = f'SELECT DISTINCT _flowservice.batchId AS batch FROM "{shop.table}"'
    assert len(server.run("sql", "--format", "ndjson", query).splitlines()) == 1


@pytest.mark.azurite
def test_an_empty_dataset_has_the_columns_that_a_full_one_has(server: Server, shop: Shop) -> None:
    assert server.run("sql", "--format", "ndjson", 'SELECT * FROM "command empty"') == ""
    assert server.run("sql", 'SELECT * FROM "command empty"').endswith("(0 rows)\n")
    described = [
        server.run("sql", "--format", "ndjson", f'DESCRIBE SELECT *, _flowservice FROM "{table}"')
        for table in ("command empty", shop.table)
    ]
    assert described[0] == described[1]


@pytest.mark.azurite
def test_rejected_rows_are_a_table_of_their_own(server: Server, shop: Shop) -> None:
    for table in ("command empty-quarantine", f"{shop.dataset_id}-quarantine"):
        assert server.run("sql", f'SELECT code, runId FROM "{table}"').endswith("(0 rows)\n")


@pytest.mark.azurite
@pytest.mark.parametrize(
    ("table", "told"),
    [
        ("nobody", "there is no dataset 'nobody' in the sandbox prod"),
        ("nobody-quarantine", "there is no dataset 'nobody-quarantine'"),
        ("command twins", "2 datasets are named 'command twins'"),
        ("command twins-quarantine", "2 datasets are named 'command twins'"),
    ],
)
def test_a_name_that_says_nothing_or_too_much_is_an_error(shop: Shop, table: str, told: str) -> None:
    refused = typed("sql", f'SELECT * FROM "{table}"', home=shop.home)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert told in refused.stderr
    assert "Traceback" not in refused.stderr


@pytest.mark.azurite
@pytest.mark.parametrize(
    "arguments",
    [
        ("SELECT * FROM", "--format", "ndjson"),
        ('DELETE FROM "command shop"',),
        ("SELECT 1", "--format", "xml"),
        ("SELECT 1", "--sandbox", "nobody"),
        ("SELECT * FROM '/etc/passwd'",),
    ],
)
def test_a_query_that_cannot_be_is_an_error_in_two_lines(shop: Shop, arguments: tuple[str, ...]) -> None:
    refused = typed("sql", *arguments, home=shop.home)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr.startswith("flowservice: ")
    assert "Traceback" not in refused.stderr


def test_settings_come_from_options_then_environment_then_the_file(tmp_path: Path) -> None:
    (tmp_path / "flowservice.toml").write_text('home = "from-file"\nport = 1\n')

    def home_of(*options: str, **env: str) -> str:
        told = typed("credentials", "show", *options, env=env, cwd=tmp_path).stderr
        return told.split("there are no credentials in ")[1].splitlines()[0]

    assert home_of() == "from-file"
    assert home_of(FLOWSERVICE_HOME="from-env") == "from-env"
    assert home_of("--home", "from-option", FLOWSERVICE_HOME="from-env") == "from-option"


@pytest.mark.parametrize(
    ("toml", "env", "told"),
    [
        ("", {"FLOWSERVICE_WORKERS": "s3cret"}, "workers"),
        ('nonsense = "s3cret"', {}, "nonsense"),
        ("port 1", {}, "flowservice.toml"),
    ],
)
def test_a_wrong_setting_is_named(tmp_path: Path, toml: str, env: dict[str, str], told: str) -> None:
    (tmp_path / "flowservice.toml").write_text(toml)
    refused = typed("serve", home=tmp_path / "home", env=env, cwd=tmp_path)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert told in refused.stderr
    assert "s3cret" not in refused.stderr
    assert "Traceback" not in refused.stderr


class TestDoctor:
    """What `doctor` finds, and that it changes nothing."""

    def test_everything_is_fine_while_serving(self, server: Server) -> None:
        told = typed("doctor", "--port", str(server.port), home=server.home)
        assert told.returncode == 0, told.stdout
        assert "FAIL" not in told.stdout
        assert "a Flow Service answers on" in told.stdout
        for about in ("home", "key file", "database", "lake", "decoder", "port"):
            assert f"ok    {about}" in told.stdout

    def test_a_missing_home_is_told_and_not_made(self, tmp_path: Path) -> None:
        told = typed("doctor", "--port", "0", home=tmp_path / "nowhere")
        assert told.returncode == 1
        assert "does not exist yet" in told.stdout
        assert "flowservice serve --home" in told.stdout
        assert not (tmp_path / "nowhere").exists()

    def test_an_empty_home_stays_empty(self, tmp_path: Path) -> None:
        typed("doctor", "--port", "0", home=tmp_path)
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize("harm", ["missing", "open", "garbled"])
    def test_a_key_file_that_is_no_good(self, tmp_path: Path, harm: str) -> None:
        home = tmp_path / "home"
        App(Settings(home=home)).prepare()
        harms: dict[str, tuple[Callable[[Path], object], str]] = {
            "missing": (Path.unlink, "does not exist"),
            "open": (lambda key: key.chmod(0o644), "chmod 600"),
            "garbled": (lambda key: key.write_text("no key"), "does not hold a key"),
        }
        do, message = harms[harm]
        do(home / "key")
        told = typed("doctor", "--port", "0", home=home)
        assert told.returncode == 1
        assert message in told.stdout
        assert "FAIL  key file" in told.stdout
        assert "FAIL  database" not in told.stdout

    def test_a_taken_port(self, tmp_path: Path) -> None:
        with closing(socket.create_server(("127.0.0.1", 0))) as taken:
            port = taken.getsockname()[1]
            told = typed("doctor", "--port", str(port), home=tmp_path)
        assert told.returncode == 1
        assert f"cannot listen on 127.0.0.1:{port}" in told.stdout
        assert f"--port {port + 1}" in told.stdout
