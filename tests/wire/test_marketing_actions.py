"""Marketing actions of the Policy Service."""

from collections.abc import Iterator
from typing import Any

import pytest

from flowservice.domain.marketing_action import CORE_ACTIONS
from tests.live import Client, Server
from tests.wire.resources import POLICY, refusal
from tests.wire.test_schema_registry import within

ACTIONS = f"{POLICY}/marketingActions"


@pytest.fixture(scope="module")
def client(server: Server) -> Iterator[Client]:
    """In a sandbox of its own, so that lists hold what these tests made."""
    with within(server, "actions") as calls:
        yield calls


def test_a_custom_action_is_made_read_changed_and_deleted_by_its_name(client: Client) -> None:
    body = {"name": "newsletter", "description": "Write to customers"}
    made = client.put(f"{ACTIONS}/custom/newsletter", json=body)
    assert made.status_code == 201
    assert made.json().items() >= {**body, "sandboxName": "actions"}.items()
    assert client.get(made.json()["_links"]["self"]["href"]).json() == made.json()
    again = client.put(f"{ACTIONS}/custom/newsletter", json={"name": "newsletter"})
    assert (again.status_code, again.json()["description"]) == (200, "")
    assert [one["name"] for one in client.get(f"{ACTIONS}/custom").json()["children"]] == ["newsletter"]
    gone = client.delete(f"{ACTIONS}/custom/newsletter")
    assert (gone.status_code, gone.content) == (200, b"")
    assert client.get(f"{ACTIONS}/custom/newsletter").status_code == 404
    assert client.get(f"{ACTIONS}/custom").json()["children"] == []
    assert refusal(client.delete(f"{ACTIONS}/custom/newsletter"))["title"] == "NotFound"


@pytest.mark.parametrize("body", [{}, [], {"name": "other"}, {"name": 7}, {"name": "x", "description": ["x"]}])
def test_a_malformed_action_is_refused_and_not_made(client: Client, body: Any) -> None:
    assert refusal(client.put(f"{ACTIONS}/custom/x", json=body))["title"] == "BadRequest"
    assert client.get(f"{ACTIONS}/custom/x").status_code == 404


def test_core_actions_are_the_same_for_all_and_fixed(client: Client) -> None:
    listed = client.get(f"{ACTIONS}/core", params={"limit": 10}).json()
    assert [one["name"] for one in listed["children"]] == sorted(CORE_ACTIONS)
    assert listed["_page"] == {"count": 10}
    assert listed["_links"]["page"] == {}
    assert client.get(f"{ACTIONS}/core/emailTargeting").json() in listed["children"]
    assert refusal(client.get(f"{ACTIONS}/core/newsletter"))["title"] == "NotFound"
    for method in ("PUT", "DELETE", "PATCH"):
        answer = client.request(method, f"{ACTIONS}/core/emailTargeting", json={"name": "emailTargeting"})
        assert answer.status_code == 405


def test_a_custom_action_may_have_the_name_of_a_core_one(client: Client) -> None:
    """References say which of the two they mean."""
    assert client.put(f"{ACTIONS}/custom/analytics", json={"name": "analytics"}).status_code == 201
    assert "imsOrg" not in client.get(f"{ACTIONS}/core/analytics").json()
    assert client.delete(f"{ACTIONS}/custom/analytics").status_code == 200
