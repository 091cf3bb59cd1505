"""The tutorial as a newcomer does it: by curl, and by the demo's own client. What lands equals the source."""

import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from demo import comparison
from demo.azurite import Azurite
from demo.tables import TableAccount, customers, seed, stored
from demo.tutorial import CUSTOMERS, Tutorial
from tests.live import Server

SCRIPT = Path(__file__).resolve().parents[2] / "docs/tutorial.sh"
ROWS = 500
TABLE = "journeycustomers"


@pytest.fixture(scope="module")
def shop(azurite: Azurite) -> TableAccount:
    """An account with customers."""
    account = TableAccount(endpoint=azurite.endpoint)
    seed(account, TABLE, customers(ROWS))
    return account


def landed(server: Server, dataset_id: str) -> Sequence[Any]:
    """The rows of a dataset."""
    printed = server.run("sql", f'SELECT * FROM "{dataset_id}"', "--format", "ndjson")
    return [json.loads(line) for line in printed.splitlines()]


def verdict(server: Server, account: TableAccount, dataset_id: str, tenant: str) -> comparison.Verdict:
    """How the rows of a dataset compare with the table."""
    expected = [comparison.customer(entity, tenant) for entity in stored(account, TABLE)]
    return comparison.compared(expected, landed(server, dataset_id), "_id")


def test_the_curl_commands_land_every_row(server: Server, azurite: Azurite, shop: TableAccount) -> None:
    known = server.credentials()
    ran = subprocess.run(
        ["bash", SCRIPT],
        env={
            "PATH": os.environ["PATH"],
            "BASE": server.url,
            "CLIENT_ID": known["clientId"],
            "CLIENT_SECRET": known["clientSecret"],
            "ORG_ID": known["orgId"],
            "CONNECTION_STRING": azurite.connection_string,
            "TABLE": TABLE,
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    *_, status, read, written, dataset = ran.stdout.splitlines()
    assert status.split() in (["status", "success"], ["status", "partialSuccess"])
    assert read.split() == ["read", str(ROWS), "rows"]
    assert written.split() == ["written", str(ROWS), "rows"]
    found = verdict(server, shop, dataset.split()[1], "_tenant")
    assert found.is_equal, found


def test_the_tutorial_stops_at_the_first_refused_call_and_shows_it(server: Server, azurite: Azurite) -> None:
    known = server.credentials()
    ran = subprocess.run(
        ["bash", SCRIPT],
        env={
            "PATH": os.environ["PATH"],
            "BASE": server.url,
            "CLIENT_ID": known["clientId"],
            "CLIENT_SECRET": known["clientSecret"],
            "ORG_ID": known["orgId"],
            "CONNECTION_STRING": azurite.connection_string.replace("AccountName=", "AccountNom="),
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert ran.returncode != 0
    assert "AccountName" in ran.stdout + ran.stderr


def test_the_demo_lands_every_row(server: Server, azurite: Azurite, shop: TableAccount) -> None:
    tutorial = Tutorial(url=server.url, credentials=server.credentials())
    dataset_id, flow_id, tenant = tutorial.land(
        azurite.connection_string, TABLE, CUSTOMERS, name="customers of the journey"
    )
    run = tutorial.ended_run(flow_id, within_s=60)
    tutorial.http.close()
    assert run["metrics"]["recordSummary"]["outputRecordCount"] == ROWS
    found = verdict(server, shop, dataset_id, tenant)
    assert found.is_equal, found
