"""Drafts of forms: kept as they were sent, replaced by whoever read them last, and gone when deleted."""

from collections.abc import Callable, Iterator
from typing import Any, Final

import pytest

from flowservice.domain.draft import MAX_BYTES
from flowservice.domain.identity import Permission
from tests.live import Client
from tests.wire import resources
from tests.wire.resources import refusal

DRAFTS: Final = "/v1/drafts"


@pytest.fixture
def made(client: Client) -> Iterator[dict[str, Any]]:
    """A draft of the test's own."""
    draft = client.made(DRAFTS, resources.draft())
    yield draft
    client.delete(f"{DRAFTS}/{draft['id']}")


def ids(client: Client) -> list[str]:
    return [item["id"] for item in client.get(DRAFTS).json()["items"]]


def test_a_draft_is_read_as_it_was_sent(client: Client) -> None:
    body = {"columns": ["a", "b"], "filter": None, "schedule": {"every": 15, "unit": "minute"}, "ünïcode": "✓"}
    answer = client.post(DRAFTS, json=resources.draft(body=body))
    made = answer.json()
    assert (answer.status_code, answer.headers["Location"]) == (201, f"{DRAFTS}/{made['id']}")
    read = client.get(f"{DRAFTS}/{made['id']}").json()
    assert read == made
    assert {name: read[name] for name in ("name", "kind", "step", "body")} == resources.draft(body=body)
    assert read["createdBy"]
    assert client.delete(f"{DRAFTS}/{made['id']}").status_code == 204
    assert client.get(f"{DRAFTS}/{made['id']}").status_code == 404


def test_the_one_changed_last_comes_first_and_lists_show_no_bodies(client: Client, made: dict[str, Any]) -> None:
    other = client.made(DRAFTS, resources.draft(name="Other"))
    assert ids(client)[:2] == [other["id"], made["id"]]
    replaced = client.put(f"{DRAFTS}/{made['id']}", json=resources.draft(), headers={"If-Match": made["etag"]})
    assert replaced.status_code == 200, replaced.text
    assert ids(client)[:2] == [made["id"], other["id"]]
    assert all("body" not in item for item in client.get(DRAFTS).json()["items"])
    client.delete(f"{DRAFTS}/{other['id']}")


def test_a_replacement_is_whole_and_has_another_etag(client: Client, made: dict[str, Any]) -> None:
    path, further = f"{DRAFTS}/{made['id']}", resources.draft(name="People, by age", step="mapping", body={"x": 1})
    replaced = client.put(path, json=further, headers={"If-Match": made["etag"]}).json()
    assert replaced["etag"] != made["etag"]
    assert client.get(path).json() == replaced
    assert (replaced["name"], replaced["step"], replaced["body"]) == ("People, by age", "mapping", {"x": 1})


def test_what_somebody_else_replaced_meanwhile_is_not_overwritten(client: Client, made: dict[str, Any]) -> None:
    path = f"{DRAFTS}/{made['id']}"
    theirs = client.put(path, json=resources.draft(step="details"), headers={"If-Match": made["etag"]}).json()
    ours = client.put(path, json=resources.draft(step="schedule"), headers={"If-Match": made["etag"]})
    assert (ours.status_code, ours.json()["code"]) == (412, "stale")
    refusal(ours)
    assert client.put(path, json=resources.draft()).json()["code"] == "if-match-missing"
    assert client.delete(path, headers={"If-Match": made["etag"]}).status_code == 412
    assert client.get(path).json() == theirs


@pytest.mark.parametrize(
    "other",
    [
        {"name": ""},
        {"name": "x" * 256},
        {"kind": "report"},
        {"step": ""},
        {"step": "x" * 41},
        {"body": []},
        {"body": {"text": "x" * MAX_BYTES}},
    ],
    ids=lambda other: next(iter(other)),
)
def test_what_is_no_draft_is_refused(client: Client, other: dict[str, Any]) -> None:
    before = ids(client)
    answer = client.post(DRAFTS, json=resources.draft(**other))
    assert (answer.status_code, answer.json()["code"]) == (400, "field-invalid")
    assert next(iter(other)) in answer.json()["detail"]
    assert ids(client) == before


def test_the_largest_body_is_taken(client: Client) -> None:
    body = {"text": "x" * (MAX_BYTES - len('{"text":""}'))}
    made = client.made(DRAFTS, resources.draft(body=body))
    assert client.get(f"{DRAFTS}/{made['id']}").json()["body"] == body
    client.delete(f"{DRAFTS}/{made['id']}")


def test_who_may_not_manage_sources_reads_drafts_and_changes_none(
    without: Callable[[Permission], Client], made: dict[str, Any]
) -> None:
    viewer, path = without(Permission.MANAGE_SOURCES), f"{DRAFTS}/{made['id']}"
    for method, at in (("POST", DRAFTS), ("PUT", path), ("DELETE", path)):
        answer = viewer.request(method, at, json=resources.draft(), headers={"If-Match": made["etag"]})
        assert answer.status_code == 403, (method, answer.text)
    assert viewer.get(path).json() == made
