"""Calls whose answer was lost: what is sent again under its key is done once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import httpx
import pytest

from demo.azurite import Azurite
from flowservice.domain.identity import Permission
from tests.live import Client
from tests.wire import resources
from tests.wire.resources import FLOW


def keyed(client: Client, key: str, name: str, **headers: str) -> httpx.Response:
    """An answer to a draft being made under a key."""
    return client.post("/v1/drafts", json=resources.draft(name=name), headers={"Idempotency-Key": key, **headers})


def drafts(client: Client, name: str) -> list[str]:
    """Ids of the drafts of that name."""
    return [item["id"] for item in client.get("/v1/drafts").json()["items"] if item["name"] == name]


@pytest.fixture
def name() -> str:
    """A name and a key that nothing else has."""
    return f"once {uuid4().hex}"


def test_a_repeat_is_answered_as_the_call_was_and_does_nothing(client: Client, name: str) -> None:
    first, second = (keyed(client, name, name) for _ in range(2))
    assert (second.status_code, second.json()) == (201, first.json())
    assert second.headers["x-request-id"] != first.headers["x-request-id"]
    assert drafts(client, name) == [first.json()["id"]]


def test_repeats_that_come_at_once_wait_for_the_first(client: Client, name: str) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: keyed(client, name, name), range(8)))
    assert {answer.status_code for answer in answers} == {201}
    assert {answer.json()["id"] for answer in answers} == set(drafts(client, name))
    assert len(drafts(client, name)) == 1


def test_a_key_is_of_one_content_of_one_caller(
    client: Client, name: str, without: Callable[[Permission], Client]
) -> None:
    made = keyed(client, name, name).json()["id"]
    other = keyed(client, name, f"{name} otherwise")
    assert other.status_code == 400
    assert other.json()["code"] == "field-invalid"
    assert keyed(without(Permission.RUN), name, name).json()["id"] != made
    assert keyed(client, f"{name} 2", name).json()["id"] != made
    assert len(drafts(client, name)) == 3


def test_what_another_run_of_the_server_may_have_done_is_not_done_again(client: Client, name: str) -> None:
    run = client.get("/v1/drafts").headers["x-server-run"]
    assert keyed(client, name, name, **{"x-server-run": "0" * 16}).json()["code"] == "answer-lost"
    assert drafts(client, name) == []
    assert keyed(client, name, name, **{"x-server-run": run}).status_code == 201


def test_a_refusal_is_repeated_as_well_and_a_run_is_started_once(client: Client, azurite: Azurite, name: str) -> None:
    table = resources.seeded(azurite, f"once{uuid4().hex}", resources.people(2))
    flow = resources.names_flow(client, azurite.connection_string, table).started(scheduleParams=resources.never())
    headers = {"Idempotency-Key": name}
    first, second = (client.post(f"/v1/flows/{flow}/run", headers=headers) for _ in range(2))
    assert first.status_code == 201
    assert second.json() == first.json()
    assert len(resources.ended(client, flow)) == 1
    etag = client.one(f"{FLOW}/flows/{flow}")["etag"]
    change = [{"op": "replace", "path": "/name", "value": name}]
    guarded = {"If-Match": etag, "Idempotency-Key": f"{name} change"}
    changed, again = (client.patch(f"{FLOW}/flows/{flow}", json=change, headers=guarded) for _ in range(2))
    assert (changed.status_code, again.status_code) == (200, 200)
    stale = client.patch(f"{FLOW}/flows/{flow}", json=change, headers={"If-Match": etag})
    assert stale.status_code == 412
