"""Policies of the Policy Service."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.live import Client, Server
from tests.wire.resources import POLICY, policy, refusal
from tests.wire.test_schema_registry import within

CUSTOM = f"{POLICY}/policies/custom"
CORE = f"{POLICY}/policies/core"
ENABLED = f"{POLICY}/enabledCorePolicies"
NOBODYS = "65a1b2c3d4e5f60718293a4b"
LOYALTY = {
    "name": "No loyalty data to partners",
    "marketingActionRefs": [
        "https://example.test/data/foundation/dulepolicy/marketingActions/core/exportToThirdParty",
        "../marketingActions/custom/newsletter",
    ],
    "description": "Contract 12/2026",
    "deny": {
        "operator": "AND",
        "operands": [{"label": "NW_LOYALTY"}, {"operator": "OR", "operands": [{"label": "I1"}, {"label": "core/I2"}]}],
    },
}


@pytest.fixture(scope="module")
def client(server: Server) -> Iterator[Client]:
    """In a sandbox of its own, so that lists hold what these tests made."""
    with within(server, "policies") as calls:
        for name in ("newsletter", "letters"):
            assert calls.put(f"{POLICY}/marketingActions/custom/{name}", json={"name": name}).status_code == 201
        yield calls


@pytest.fixture
def made(client: Client) -> Iterator[dict[str, Any]]:
    """A policy that goes again."""
    document: dict[str, Any] = client.made(CUSTOM, LOYALTY)
    yield document
    client.delete(f"{CUSTOM}/{document['id']}")


def test_a_policy_is_a_draft_with_an_id_and_addresses_of_its_actions(client: Client, made: dict[str, Any]) -> None:
    assert len(made["id"]) == 24
    assert (made["name"], made["status"], made["description"]) == (LOYALTY["name"], "DRAFT", "Contract 12/2026")
    at = str(client.base_url).rstrip("/") + POLICY
    assert made["marketingActionRefs"] == [
        f"{at}/marketingActions/core/exportToThirdParty",
        f"{at}/marketingActions/custom/newsletter",
    ]
    assert [client.get(ref).status_code for ref in made["marketingActionRefs"]] == [200, 200]
    operands = made["deny"]["operands"]
    assert operands[1]["operands"] == [{"label": "I1"}, {"label": "I2"}]
    assert made["sandboxName"] == "policies"
    assert client.get(made["_links"]["self"]["href"]).json() == made


def test_a_policy_is_replaced_whole(client: Client, made: dict[str, Any]) -> None:
    path = f"{CUSTOM}/{made['id']}"
    enabled = client.put(path, json={**made, "status": "ENABLED"}).json()
    assert {**enabled, "updated": 0} == {**made, "status": "ENABLED", "updated": 0}
    answer = client.put(path, json=policy("C2", name="Other"))
    assert answer.status_code == 200
    assert answer.json()["description"] == ""
    assert answer.json()["created"] == made["created"]
    bare = {key: value for key, value in policy("C2").items() if key != "status"}
    assert client.put(path, json=bare).json()["status"] == "DRAFT"
    assert client.get(path).json()["deny"] == {"operator": "OR", "operands": [{"label": "C2"}]}


def test_a_patch_changes_what_it_names_in_its_order(client: Client, made: dict[str, Any]) -> None:
    steps = [
        {"op": "replace", "path": "/status", "value": "ENABLED"},
        {"op": "remove", "path": "/description"},
        {"op": "add", "path": "/deny/operands/-", "value": {"label": "C2"}},
        {"op": "add", "path": "/marketingActionRefs/0", "value": "../marketingActions/custom/letters"},
        {"op": "replace", "path": "/deny/operands/2/label", "value": "C3"},
    ]
    answer = client.patch(f"{CUSTOM}/{made['id']}", json=steps)
    assert answer.status_code == 200, answer.text
    changed = answer.json()
    assert (changed["status"], changed["description"]) == ("ENABLED", "")
    assert changed["deny"]["operands"][2] == {"label": "C3"}
    assert changed["deny"]["operands"][:2] == made["deny"]["operands"]
    assert [ref.rpartition("/")[2] for ref in changed["marketingActionRefs"]] == [
        "letters", "exportToThirdParty", "newsletter"
    ]  # fmt: skip
    assert client.get(f"{CUSTOM}/{made['id']}").json() == changed


@pytest.mark.parametrize(
    "steps",
    [
        [],
        {"op": "replace"},
        [{"op": "replace", "path": "/status", "value": "ON"}],
        [{"op": "replace", "path": "/id", "value": "x"}],
        [{"op": "replace", "path": "/created", "value": 1}],
        [{"op": "remove", "path": "/deny"}],
        [{"op": "remove", "path": "/name"}],
        [{"op": "remove", "path": "/marketingActionRefs"}],
        [{"op": "replace", "path": "/deny/operands", "value": []}],
        [{"op": "add", "path": "/marketingActionRefs/-", "value": "../marketingActions/custom/none"}],
        [{"op": "replace", "path": "/name", "value": "x"}, {"op": "remove", "path": "/deny/operands/9"}],
        [{"op": "test", "path": "/name", "value": "x"}],
        [{"op": "move", "path": "/name", "from": "/description"}],
    ],
)
def test_a_patch_that_cannot_be_applied_changes_nothing(client: Client, made: dict[str, Any], steps: Any) -> None:
    assert refusal(client.patch(f"{CUSTOM}/{made['id']}", json=steps))["title"] == "BadRequest"
    assert client.get(f"{CUSTOM}/{made['id']}").json() == made


@pytest.mark.parametrize(
    ("other", "told"),
    [
        ({"name": None}, "name"),
        ({"name": ""}, "name"),
        ({"status": "ON"}, "status"),
        ({"status": None}, "status"),
        ({"marketingActionRefs": None}, "marketingActionRefs"),
        ({"marketingActionRefs": []}, "marketingActionRefs"),
        ({"marketingActionRefs": ["emailTargeting"]}, "marketingActionRefs/0"),
        ({"marketingActionRefs": ["../marketingActions/core/emailTargeting", "../marketingActions/core/x"]},
         "marketingActionRefs/1: there is no marketing action 'core/x'"),
        ({"marketingActionRefs": ["../marketingActions/custom/emailTargeting"]}, "marketingActionRefs/0"),
        ({"deny": None}, "deny"),
        ({"deny": "C2"}, "deny"),
        ({"deny": {}}, "deny: "),
        ({"deny": {"operator": "AND", "operands": [{"label": "C2"}, {"operator": "XOR", "operands": []}]}},
         "deny/operands/1/operator"),
        ({"deny": {"label": "C2", "operator": "AND", "operands": [{"label": "C2"}]}}, "deny: "),
    ],
)  # fmt: skip
def test_a_malformed_policy_is_refused_and_not_made(client: Client, other: dict[str, Any], told: str) -> None:
    before = client.get(CUSTOM).json()["_page"]["count"]
    body = refusal(client.post(CUSTOM, json=policy("C2", **other)))
    assert body["title"] == "BadRequest"
    assert told in body["detail"]
    assert client.get(CUSTOM).json()["_page"]["count"] == before


def test_what_is_missing_is_not_found(client: Client) -> None:
    for method, path, body in (
        ("GET", f"{CUSTOM}/{NOBODYS}", None),
        ("PUT", f"{CUSTOM}/{NOBODYS}", policy("C2")),
        ("PATCH", f"{CUSTOM}/{NOBODYS}", [{"op": "replace", "path": "/name", "value": "x"}]),
        ("DELETE", f"{CUSTOM}/{NOBODYS}", None),
        ("GET", f"{CORE}/corepolicy_9999", None),
    ):
        answer = client.request(method, path, json=body)
        assert refusal(answer)["title"] == "NotFound", (method, path)
        assert answer.status_code == 404


def test_a_policy_is_deleted_once(client: Client) -> None:
    made = client.made(CUSTOM, policy("C2"))["id"]
    gone = client.delete(f"{CUSTOM}/{made}")
    assert (gone.status_code, gone.content) == (200, b"")
    assert client.delete(f"{CUSTOM}/{made}").status_code == 404


def test_an_action_that_a_policy_names_is_not_deleted(client: Client, made: dict[str, Any]) -> None:
    action = f"{POLICY}/marketingActions/custom/newsletter"
    body = refusal(client.delete(action))
    assert (body["code"], body["title"]) == ("in-use", "BadRequest")
    assert made["id"] in body["detail"]
    assert client.get(action).status_code == 200
    assert client.delete(f"{CUSTOM}/{made['id']}").status_code == 200
    assert client.delete(action).status_code == 200
    assert client.put(action, json={"name": "newsletter"}).status_code == 201


@pytest.fixture
def several(client: Client) -> Iterator[dict[str, str]]:
    """Names by the ids of some policies."""
    bodies = [
        policy("C2", name="two"),
        policy("C2", "I1", name="both", status="DRAFT", actions=["custom/letters"]),
        policy("I1", name="one", status="DISABLED", actions=["core/analytics", "custom/letters"]),
    ]
    ids = {client.made(CUSTOM, body)["id"]: str(body["name"]) for body in bodies}
    yield ids
    for policy_id in ids:
        client.delete(f"{CUSTOM}/{policy_id}")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, {"two", "both", "one"}),
        ({"duleLabels": "C2"}, {"two", "both"}),
        ({"duleLabels": "core/C2, C9"}, {"two", "both"}),
        ({"duleLabels": "C2,I1"}, {"two", "both", "one"}),
        ({"duleLabels": "C9"}, set()),
        ({"marketingAction": "letters"}, {"both", "one"}),
        ({"marketingAction": "custom/letters"}, {"both", "one"}),
        ({"marketingAction": "core/letters"}, set()),
        ({"marketingAction": f"https://example.test{POLICY}/marketingActions/core/analytics"}, {"one"}),
        ({"marketingAction": "letters", "duleLabels": "C2"}, {"both"}),
        ({"property": "status==ENABLED"}, {"two"}),
        ({"property": "status!=ENABLED"}, {"both", "one"}),
        ({"property": "name==one"}, {"one"}),
    ],
)
def test_policies_are_found_by_what_they_say(
    client: Client, several: dict[str, str], query: dict[str, str], expected: set[str]
) -> None:
    answer = client.get(CUSTOM, params=query).json()
    assert {one["name"] for one in answer["children"]} == expected
    ids = [one["id"] for one in answer["children"]]
    assert ids == sorted(ids)


def test_core_policies_are_all_off_in_a_new_sandbox(server: Server) -> None:
    with within(server, "policies-new") as calls:
        fresh = calls.get(ENABLED).json()
        assert fresh["policyIds"] == []
        assert fresh["sandboxName"] == "policies-new"
        listed = calls.get(CORE).json()
        assert [one["id"] for one in listed["children"]] == [f"corepolicy_{number:04d}" for number in range(1, 12)]
        assert {one["status"] for one in listed["children"]} == {"DISABLED"}
        assert "imsOrg" not in listed["children"][0]


def test_core_policies_are_enabled_by_one_list(client: Client) -> None:
    set_once = client.put(ENABLED, json={"policyIds": ["corepolicy_0003", "corepolicy_0001", "corepolicy_0003"]})
    assert set_once.status_code == 200
    assert set_once.json()["policyIds"] == ["corepolicy_0003", "corepolicy_0001"]
    assert client.get(ENABLED).json() == set_once.json()
    assert {"created", "updatedUser", "imsOrg", "_links"} <= set_once.json().keys()
    statuses = {one["id"]: one["status"] for one in client.get(CORE).json()["children"]}
    assert {policy_id for policy_id, status in statuses.items() if status == "ENABLED"} == {
        "corepolicy_0001", "corepolicy_0003"
    }  # fmt: skip
    # A published client sends the list alone.
    assert client.put(ENABLED, json=["corepolicy_0002"]).json()["policyIds"] == ["corepolicy_0002"]
    assert client.get(f"{CORE}/corepolicy_0002").json()["status"] == "ENABLED"
    assert client.get(f"{CORE}/corepolicy_0003").json()["status"] == "DISABLED"
    assert client.put(ENABLED, json=[]).json()["policyIds"] == []


@pytest.mark.parametrize(
    "body", [{}, {"policyIds": "corepolicy_0001"}, {"policyIds": [7]}, "corepolicy_0001", ["corepolicy_0001", "x"],
             {"policyIds": ["corepolicy_0099"]}, [None]]
)  # fmt: skip
def test_a_wrong_list_is_refused_and_changes_nothing(client: Client, body: Any) -> None:
    client.put(ENABLED, json=["corepolicy_0004"])
    told = refusal(client.put(ENABLED, json=body))
    assert told["title"] == "BadRequest"
    if body == {"policyIds": ["corepolicy_0099"]}:
        assert "corepolicy_0099" in told["detail"]
    assert client.get(ENABLED).json()["policyIds"] == ["corepolicy_0004"]


def test_nobody_writes_core_policies(client: Client) -> None:
    for method, path in (("POST", CORE), ("PUT", f"{CORE}/corepolicy_0001"), ("PATCH", f"{CORE}/corepolicy_0001"),
                         ("DELETE", f"{CORE}/corepolicy_0001")):  # fmt: skip
        assert refusal(client.request(method, path, json=policy("C2")))["title"] == "MethodNotAllowed"
