"""What happens at once in the Policy Service, on each database."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import repeat
from typing import Any

import pytest

from tests.live import Client, Server
from tests.wire.resources import POLICY, policy

ACTION = f"{POLICY}/marketingActions/custom/fleeting"
CUSTOM = f"{POLICY}/policies/custom"
THREADS = 8


@pytest.fixture(scope="module")
def client(either_server: Server) -> Iterator[Client]:
    with either_server.client() as calls:
        yield calls


@pytest.mark.parametrize("kind", ["labels", "marketingActions"])
def test_of_many_who_make_the_same_at_once_one_makes_it(client: Client, kind: str) -> None:
    def make(number: int) -> int:
        body = {"name": "RACE", "category": "Custom", "description": str(number)}
        return client.put(f"{POLICY}/{kind}/custom/RACE", json=body).status_code

    with ThreadPoolExecutor(THREADS) as threads:
        assert sorted(threads.map(make, range(THREADS))) == [200] * (THREADS - 1) + [201]


def test_of_many_lists_of_enabled_core_policies_one_stands(client: Client) -> None:
    lists = [[f"corepolicy_{number:04d}"] for number in range(1, THREADS + 1)]
    with ThreadPoolExecutor(THREADS) as threads:
        done = list(threads.map(lambda ids: client.put(f"{POLICY}/enabledCorePolicies", json=ids), lists))
    assert {answer.status_code for answer in done} == {200}
    assert client.get(f"{POLICY}/enabledCorePolicies").json()["policyIds"] in lists


def test_changes_of_one_policy_at_once_are_all_made(client: Client) -> None:
    path = f"{CUSTOM}/{client.made(CUSTOM, policy('C2'))['id']}"

    def add(number: int) -> int:
        step = {"op": "add", "path": "/deny/operands/-", "value": {"label": f"L{number}"}}
        return client.patch(path, json=[step]).status_code

    with ThreadPoolExecutor(THREADS) as threads:
        assert set(threads.map(add, range(20))) == {200}
    operands = client.get(path).json()["deny"]["operands"]
    assert {one["label"] for one in operands} == {"C2", *(f"L{number}" for number in range(20))}


def test_no_policy_is_left_with_an_action_that_is_gone(client: Client) -> None:
    body = policy("C2", actions=["custom/fleeting"])
    outcomes = set()
    for _ in range(20):
        assert client.put(ACTION, json={"name": "fleeting"}).is_success
        with ThreadPoolExecutor(2) as threads:
            made, gone = threads.map(_called, repeat(client), [("POST", CUSTOM, body), ("DELETE", ACTION, None)])
        outcomes.add((made.status_code, gone.status_code))
        if made.status_code == 201:
            assert client.get(ACTION).status_code == 200
            assert client.delete(f"{CUSTOM}/{made.json()['id']}").status_code == 200
    assert outcomes <= {(201, 400), (400, 200)}


def _called(client: Client, call: tuple[str, str, Any]) -> Any:
    method, path, body = call
    return client.request(method, path, json=body)
