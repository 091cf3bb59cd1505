"""Where connections may lead to, observed at the socket: every address of the network leads to an observer."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.egress.payloads import KEY, Payload, payloads

ROOT = Path(__file__).resolve().parents[2]
PAYLOADS = {payload.name: payload for payload in payloads()}


@pytest.fixture(scope="module")
def observed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a server did with each payload, by the payload's name."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.egress.observed", str(tmp_path_factory.mktemp("egress") / "home")],
        cwd=ROOT,
        env={"PYTHONPATH": f"{ROOT / 'src'}:{ROOT}", "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3_000:]
    return {item["name"]: item for item in json.loads(done.stdout)}


def test_there_are_at_least_250_payloads(observed: dict[str, Any]) -> None:
    assert len(PAYLOADS) == len(list(payloads())) >= 250
    assert set(observed) == {*PAYLOADS, "count"}


@pytest.mark.parametrize("payload", [pytest.param(payload, id=name) for name, payload in PAYLOADS.items()])
def test_nothing_is_dialled_that_may_not_be(observed: dict[str, Any], payload: Payload) -> None:
    seen = observed[payload.name]
    assert set(seen["dialled"]) <= set(payload.reaches), seen
    if payload.must_reach:
        assert seen["dialled"], seen
    assert seen["status"] < 500, seen
    if not payload.reaches:
        assert seen["status"] == 400, seen
        assert seen["body"]["code"] in {"field-invalid", "destination-refused", "source-unreachable"}, seen
        assert seen["body"]["errorMessage"]
    assert KEY not in json.dumps(seen["body"])


def test_only_what_answered_was_stored(observed: dict[str, Any]) -> None:
    stored = [name for name, seen in observed.items() if seen["status"] == 201]
    assert observed["count"]["body"] == len(stored)
    assert {"public", "public IPv6", "public name", "allowed by the operator", "allowed by its name"} <= set(stored)
    assert not [name for name in stored if name.startswith("redirect")]


def test_a_refusal_tells_the_host_and_who_can_allow_it_and_not_where_it_leads(observed: dict[str, Any]) -> None:
    for name in ("loop.example", "private.example", "metadata.example"):
        body = observed[f"TableEndpoint http '{name}'"]["body"]
        assert body["code"] == "destination-refused"
        assert name in body["errorMessage"]
        assert "egress_allowed" in body["advice"]
        assert not any(address in json.dumps(body) for address in ("127.0.0.1", "10.7.0.1", "169.254"))
