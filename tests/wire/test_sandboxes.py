"""The Sandbox API, and how sandboxes are named in a call."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from flowservice.domain.identity import Permission
from tests.live import Client, Server
from tests.wire.resources import FLOW, REGISTRY, SANDBOXES, refusal
from tests.wire.waiting import settled

PATH = f"{SANDBOXES}/sandboxes"
_numbers = iter(range(1, 1_000_000))


@pytest.fixture
def named(client: Client) -> str:
    """A new sandbox."""
    name = f"box-{next(_numbers)}"
    client.made(PATH, {"name": name, "title": "A box", "type": "development"}, status=202)
    return name


def test_a_sandbox_is_made_and_can_be_worked_in_at_once(client: Client) -> None:
    name = f"made-{next(_numbers)}"
    answer = client.post(PATH, json={"name": name, "title": "Test “1” Ω", "type": "production"})
    assert answer.status_code == 202
    body = answer.json()
    assert body.keys() == {"id", "name", "title", "state", "type", "region"}
    assert (body["name"], body["title"], body["state"], body["type"]) == (name, "Test “1” Ω", "creating", "production")
    assert client.get(f"{FLOW}/flows", headers={"x-sandbox-name": name}).json()["items"] == []
    read = client.get(f"{PATH}/{name}").json()
    assert read | {"state": "creating"} == {**read, **body}
    assert (read["state"], read["isDefault"], read["eTag"]) == ("active", False, 1)
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", read["createdDate"])
    assert read["createdDate"] == read["lastModifiedDate"]
    assert read["createdBy"] == read["modifiedBy"]


@pytest.mark.parametrize(
    "name", ["", "Dev", "1dev", "-dev", "dev_1", "dev.1", "dev 1", "dév", "a" * 257, "*", "dev\n", "dev/1", "%", "Ω"]
)
def test_a_name_that_breaks_the_rules_is_refused(client: Client, name: str) -> None:
    body = refusal(client.post(PATH, json={"name": name, "title": "t", "type": "development"}), "SMS-2000-400")
    assert "lower-case" in body["title"]
    assert body["advice"]


def test_the_longest_name_is_taken(client: Client) -> None:
    name = f"l{next(_numbers)}".ljust(256, "-")
    client.made(PATH, {"name": name, "title": "t" * 256, "type": "development"}, status=202)
    assert client.get(f"{PATH}/{name}").json()["name"] == name
    assert client.delete(f"{PATH}/{name}").status_code == 202


@pytest.mark.parametrize("member", ["name", "title", "type"])
@pytest.mark.parametrize("wrong", [None, 7, True, [], {}, ["x"], "", " ", "x\u0000y"])
def test_each_member_of_a_body_is_checked(client: Client, member: str, wrong: Any) -> None:
    body = {"name": f"never-{next(_numbers)}", "title": "t", "type": "development"} | {member: wrong}
    refusal(client.post(PATH, json=body))
    left = {name: value for name, value in body.items() if name != member}
    refusal(client.post(PATH, json=left))
    refusal(client.post(PATH, json={**body, member: "x" * 300}))
    assert not [one for one in client.get(PATH).json()["sandboxes"] if one["name"].startswith("never-")]


def test_a_member_that_there_is_not_is_refused(client: Client) -> None:
    body = {"name": f"never-{next(_numbers)}", "title": "t", "type": "development", "state": "active"}
    assert "state" in refusal(client.post(PATH, json=body))["title"]


def test_a_name_is_taken_once(client: Client, named: str, other_org: Client) -> None:
    body = {"name": named, "title": "t", "type": "development"}
    assert refusal(client.post(PATH, json=body), "SMS-2009-409")["status"] == 409
    assert other_org.post(PATH, json=body).status_code == 202


def test_the_title_is_all_that_changes(client: Client, named: str) -> None:
    changed = client.patch(f"{PATH}/{named}", json={"title": "Another"})
    assert changed.status_code == 200
    assert (changed.json()["title"], changed.json()["eTag"]) == ("Another", 2)
    wrongs: list[Any] = [{"name": "x"}, {"title": "t", "type": "production"}, {"title": ""}, {"title": 7}, {}, [], "x"]
    for wrong in wrongs:
        refusal(client.patch(f"{PATH}/{named}", json=wrong))
    assert client.get(f"{PATH}/{named}").json()["title"] == "Another"


def test_a_list_pages_filters_and_sorts(client: Client) -> None:
    names = [f"zlist-{number}" for number in range(5)]
    for name in names:
        client.made(PATH, {"name": name, "title": f"T {name}", "type": "development"}, status=202)
    whole = client.get(PATH).json()
    assert whole["_page"] == {"limit": len(whole["sandboxes"]), "count": len(whole["sandboxes"])}
    assert whole["sandboxes"][0]["isDefault"]
    url, seen = f"{PATH}?limit=2&property=name==zlist-*&orderBy=-name", []
    for _ in range(5):
        page = client.get(url).json()
        seen += [one["name"] for one in page["sandboxes"]]
        assert page["_page"]["count"] == len(page["sandboxes"])
        if "next" not in page["_links"]:
            assert "prev" in page["_links"]
            break
        url = page["_links"]["next"]["href"]
    assert seen == names[::-1]
    assert client.get(f"{PATH}?offset=1000").json()["sandboxes"] == []
    both = client.get(PATH, params={"property": ["name~^zlist-[12]$", "type==development"]}).json()
    assert [one["name"] for one in both["sandboxes"]] == ["zlist-1", "zlist-2"]
    for query in (
        "limit=0",
        "limit=x",
        "offset=-1",
        "property=nothing==1",
        "property=name~(",
        "property=",
        "property===",
        "orderBy=up:name",
        "orderBy=nothing",
        "orderBy=",
    ):
        refusal(client.get(f"{PATH}?{query}"))


def test_the_root_lists_active_ones(client: Client, named: str) -> None:
    found = client.get(f"{SANDBOXES}/").json()["sandboxes"]
    assert named in {one["name"] for one in found}
    assert {one["state"] for one in found} == {"active"}


def test_types_are_told(client: Client) -> None:
    types = client.get(f"{SANDBOXES}/sandboxTypes").json()["sandboxTypes"]
    assert [known["id"] for known in types] == ["development", "production"]


def test_the_default_sandbox_cannot_be_deleted(client: Client) -> None:
    assert "default" in refusal(client.delete(f"{PATH}/prod"))["title"]
    assert client.get(f"{PATH}/prod").json()["state"] == "active"


@pytest.mark.parametrize("value", ["true", "True"])
def test_validation_only_changes_nothing(client: Client, named: str, value: str) -> None:
    query = f"validationOnly={value}&ignoreWarnings=False"
    answer = client.put(f"{PATH}/{named}?{query}", json={"action": "reset"})
    assert (answer.status_code, answer.json()["state"]) == (200, "active")
    assert client.delete(f"{PATH}/{named}?{query}").status_code == 200
    refusal(client.delete(f"{PATH}/prod?{query}"))
    assert client.get(f"{PATH}/{named}").json()["eTag"] == 1


@pytest.mark.parametrize("body", [{}, {"action": "format"}, {"action": 7}, {"action": "reset", "more": 1}, [], "reset"])
def test_reset_is_the_one_action(client: Client, named: str, body: Any) -> None:
    refusal(client.put(f"{PATH}/{named}", json=body))
    refusal(client.put(f"{PATH}/{named}?validationOnly=perhaps", json={"action": "reset"}))
    assert client.get(f"{PATH}/{named}").json()["eTag"] == 1


def test_a_reset_sandbox_is_empty_and_keeps_its_name(client: Client, named: str) -> None:
    inside = {"x-sandbox-name": named}
    schema = {"type": "object", "title": "Gone", "allOf": [{"$ref": "https://ns.adobe.com/xdm/context/profile"}]}
    assert client.post(f"{REGISTRY}/tenant/schemas", json=schema, headers=inside).status_code == 201
    sandbox_id = client.get(f"{PATH}/{named}").json()["id"]
    answer = client.put(f"{PATH}/{named}", json={"action": "reset"}, headers=inside)
    assert (answer.status_code, answer.json()["state"]) == (202, "resetting")
    after = settled(client, named, "active")
    assert (after["id"], after["eTag"], after["title"]) == (sandbox_id, 3, "A box")
    assert client.get(f"{REGISTRY}/tenant/schemas", headers=inside).json()["results"] == []


def test_a_deleted_sandbox_is_told_as_such_until_its_name_is_used_again(client: Client, named: str) -> None:
    answer = client.delete(f"{PATH}/{named}")
    assert (answer.status_code, answer.json()["state"]) == (202, "deleting")
    gone = settled(client, named, "deleted")
    refusal(client.get(f"{FLOW}/flows", headers={"x-sandbox-name": named}), "FLOW-2100-404")
    for call in (
        client.delete(f"{PATH}/{named}"),
        client.patch(f"{PATH}/{named}", json={"title": "t"}),
        client.put(f"{PATH}/{named}", json={"action": "reset"}),
    ):
        assert refusal(call)["status"] == 404
    assert named not in {one["name"] for one in client.get(PATH).json()["sandboxes"]}
    told = client.get(f"{PATH}?property=state==deleted").json()["sandboxes"]
    assert gone["id"] in {one["id"] for one in told}
    client.made(PATH, {"name": named, "title": "New", "type": "development"}, status=202)
    again = client.get(f"{PATH}/{named}").json()
    assert (again["state"], again["title"]) == ("active", "New")
    assert again["id"] != gone["id"]


@pytest.mark.parametrize("name", ["nowhere", "Ω", "%00", "a" * 3000, "*", "'"])
def test_an_unknown_sandbox_is_not_found(client: Client, name: str) -> None:
    for call in (
        client.get(f"{PATH}/{name}"),
        client.delete(f"{PATH}/{name}"),
        client.patch(f"{PATH}/{name}", json={"title": "t"}),
        client.put(f"{PATH}/{name}", json={"action": "reset"}),
    ):
        assert refusal(call)["status"] == 404


def test_changing_sandboxes_needs_the_permission_to_administer(
    client: Client, named: str, without: Callable[[Permission], Client]
) -> None:
    calls = without(Permission.ADMINISTER)
    body = {"name": f"never-{next(_numbers)}", "title": "t", "type": "development"}
    for call in (
        calls.post(PATH, json=body),
        calls.delete(f"{PATH}/{named}"),
        calls.patch(f"{PATH}/{named}", json={"title": "t"}),
        calls.put(f"{PATH}/{named}", json={"action": "reset"}),
    ):
        assert refusal(call, "SMS-2003-403")["code"] == "forbidden"
    assert calls.get(f"{PATH}/{named}").status_code == 200


# --- the sandbox of a call -------------------------------------------------------------------------------------------


def test_all_sandboxes_at_once_are_restricted(client: Client) -> None:
    refusal(client.get(f"{FLOW}/flows", headers={"x-sandbox-name": "*"}), "FLOW-2111-403")
    body = refusal(client.get(f"{REGISTRY}/stats", headers={"x-sandbox-name": "*"}), "SMS-2003-403")
    assert body["code"] == "sandbox-all-restricted"


def test_a_sandbox_id_is_taken_if_it_is_that_of_the_named_one(client: Client, named: str) -> None:
    ids = {name: client.get(f"{PATH}/{name}").json()["id"] for name in ("prod", named)}
    for name, sandbox_id in ids.items():
        headers = {"x-sandbox-name": name, "x-sandbox-id": sandbox_id}
        assert client.get(f"{FLOW}/flows", headers=headers).status_code == 200
    for wrong in (ids[named], "x", "*"):
        refusal(client.get(f"{FLOW}/flows", headers={"x-sandbox-id": wrong}), "FLOW-2110-400")
    default = {"x-sandbox-name": "", "x-sandbox-id": ids["prod"]}
    assert client.get(f"{FLOW}/flows", headers=default).status_code == 200


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Client]:
    """A client of a server that allows two sandboxes, and wants each call to name one."""
    env = {"FLOWSERVICE_MAX_SANDBOXES": "2", "FLOWSERVICE_STRICT_SANDBOX_HEADER": "true"}
    running = Server(tmp_path / "home", env=env).start()
    with running.client() as calls:
        yield calls
    running.stop()


def test_a_server_may_limit_the_sandboxes_and_want_their_names(small: Client) -> None:
    for name, status in (("one", 202), ("two", 400)):
        answer = small.post(PATH, json={"name": name, "title": "t", "type": "development"})
        assert answer.status_code == status
    assert answer.json()["code"] == "sandbox-limit"
    small.delete(f"{PATH}/one")
    settled(small, "one", "deleted")
    small.made(PATH, {"name": "two", "title": "t", "type": "development"}, status=202)
    refusal(small.get(f"{FLOW}/flows", headers={"x-sandbox-name": ""}), "FLOW-2105-400")
    assert small.put(f"{PATH}/prod", json={"action": "reset"}, headers={"x-sandbox-name": ""}).status_code == 202
    assert settled(small, "prod", "active")["isDefault"]
