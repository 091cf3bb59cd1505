"""Usage labels of the Policy Service, and how its lists work."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from flowservice.domain.label import CORE_LABELS
from tests.live import Client, Server
from tests.wire.resources import POLICY, refusal
from tests.wire.test_schema_registry import within

LABELS = f"{POLICY}/labels"
LOYALTY = {
    "name": "NW_LOYALTY",
    "category": "Custom",
    "friendlyName": "Loyalty figures",
    "description": "Point balances and tiers",
}


@pytest.fixture(scope="module")
def client(server: Server) -> Iterator[Client]:
    """In a sandbox of its own, so that lists hold what these tests made."""
    with within(server, "labels") as calls:
        yield calls


def put(client: Client, name: str, **other: Any) -> Any:
    answer = client.put(f"{LABELS}/custom/{name}", json={"name": name, "category": "Custom", **other})
    assert answer.status_code in {200, 201}, answer.text
    return answer.json()


@pytest.fixture(scope="module")
def seven(client: Client) -> list[str]:
    """Names of labels, in the order in which they were made."""
    names = ["P3", "P1", "P2", "P7", "P5", "P6", "P4"]
    for name in names:
        put(client, name)
        time.sleep(0.002)
    return names


def names(answer: Any) -> list[str]:
    return [child["name"] for child in answer["children"]]


def test_a_custom_label_is_made_read_and_replaced_by_its_name(client: Client) -> None:
    made = client.put(f"{LABELS}/custom/NW_LOYALTY", json=LOYALTY)
    assert made.status_code == 201
    body = made.json()
    assert body.items() >= LOYALTY.items()
    assert body["sandboxName"] == "labels"
    assert body["imsOrg"].endswith("@AdobeOrg")
    assert body["created"] == body["updated"] > 1_700_000_000_000
    assert {"createdClient", "createdUser", "updatedClient", "updatedUser"} <= body.keys()
    assert client.get(body["_links"]["self"]["href"]).json() == body
    again = client.put(f"{LABELS}/custom/NW_LOYALTY", json={"name": "NW_LOYALTY", "category": "Own"})
    assert again.status_code == 200
    replaced = client.get(f"{LABELS}/custom/NW_LOYALTY").json()
    assert replaced == again.json()
    assert (replaced["category"], replaced["friendlyName"], replaced["description"]) == ("Own", "", "")
    assert replaced["created"] == body["created"] <= replaced["updated"]


def test_what_a_read_answers_may_be_put_again(client: Client) -> None:
    made = put(client, "AGAIN", friendlyName="Again")
    assert put(client, "AGAIN", **{key: value for key, value in made.items() if key not in {"name", "category"}})[
        "friendlyName"
    ] == "Again"  # fmt: skip


def test_the_name_in_a_body_may_say_its_kind(client: Client) -> None:
    answer = client.put(f"{LABELS}/custom/KIND", json={"name": "custom/KIND", "category": "Custom"})
    assert answer.json()["name"] == "KIND"


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        {"name": "N1"},
        {"category": "Custom"},
        {"name": "N2", "category": "Custom"},
        {"name": "n1", "category": "Custom"},
        {"name": "N1", "category": ""},
        {"name": "N1", "category": 7},
        {"name": "N1", "category": "Custom", "friendlyName": ["x"]},
        {"name": "N1", "category": "Custom", "description": "x" * 4_001},
    ],
)
def test_a_malformed_label_is_refused_and_not_made(client: Client, body: Any) -> None:
    answer = client.put(f"{LABELS}/custom/N1", json=body)
    assert refusal(answer)["title"] == "BadRequest"
    assert client.get(f"{LABELS}/custom/N1").status_code == 404


@pytest.mark.parametrize("name", ["a,b", "x" * 101, "bl ank ", "-x", "Ünï", "a%2Fb", "%22", "C2", "Third-Party"])
def test_a_name_that_lists_cannot_hold_or_that_is_taken_by_a_core_label_is_refused(client: Client, name: str) -> None:
    answer = client.put(
        f"{LABELS}/custom/{name}",
        json={"name": name.replace("%22", '"').replace("%2F", "/"), "category": "Custom"},
    )
    assert answer.status_code == 400, answer.text
    assert refusal(answer)["title"] == "BadRequest"


def test_names_are_told_apart_by_their_case(client: Client) -> None:
    put(client, "Case", friendlyName="one")
    put(client, "CASE", friendlyName="other")
    assert client.get(f"{LABELS}/custom/Case").json()["friendlyName"] == "one"


def test_of_many_who_make_the_same_label_at_once_one_makes_it(client: Client) -> None:
    def make(number: int) -> int:
        body = {"name": "RACE", "category": "Custom", "friendlyName": str(number)}
        return client.put(f"{LABELS}/custom/RACE", json=body).status_code

    with ThreadPoolExecutor(8) as threads:
        assert sorted(threads.map(make, range(8))) == [200] * 7 + [201]


@pytest.mark.parametrize("container", ["core", "custom"])
def test_an_unknown_label_is_not_found(client: Client, container: str) -> None:
    body = refusal(client.get(f"{LABELS}/{container}/NOBODYS"))
    assert (body["status"], body["title"]) == (404, "NotFound")
    assert body["type"] == "/placeholder/type/uri"
    assert body["detail"]


def test_core_labels_are_listed_whole_in_one_order(client: Client) -> None:
    answer = client.get(f"{LABELS}/core").json()
    assert names(answer) == sorted(CORE_LABELS)
    assert answer["_page"] == {"count": len(CORE_LABELS)}
    assert answer["_links"] == {"page": {}}
    assert answer["children"][1]["category"] == "Contract"
    one = client.get(f"{LABELS}/core/C2").json()
    assert one in answer["children"]
    assert "imsOrg" not in one
    assert client.get(one["_links"]["self"]["href"]).json() == one


@pytest.mark.parametrize(("method", "path"), [("PUT", "core/C2"), ("DELETE", "core/C2"), ("POST", "core"),
                                              ("PATCH", "core/C2"), ("DELETE", "custom/NW_LOYALTY"),
                                              ("POST", "custom")])  # fmt: skip
def test_nobody_writes_core_labels_or_deletes_one(client: Client, method: str, path: str) -> None:
    answer = client.request(method, f"{LABELS}/{path}", json=LOYALTY)
    assert answer.status_code == 405
    assert refusal(answer)["title"] == "MethodNotAllowed"


def test_pages_follow_each_other_by_either_link_until_there_is_none(client: Client, seven: list[str]) -> None:
    query = {"property": "name~^P[0-9]$", "limit": "3"}
    page = client.get(f"{LABELS}/custom", params=query).json()
    pages = [page]
    while (following := page["_page"].get("next")) is not None:
        assert page["_links"]["page"]["href"] == following
        page = client.get(f"{LABELS}/custom", params={**query, "start": following}).json()
        pages.append(page)
    assert [names(one) for one in pages] == [["P1", "P2", "P3"], ["P4", "P5", "P6"], ["P7"]]
    assert [one["_page"]["count"] for one in pages] == [3, 3, 1]
    assert pages[-1]["_page"] == {"count": 1}
    assert pages[-1]["_links"] == {"page": {}}


def test_a_page_goes_on_where_the_last_one_ended_whatever_was_made_since(client: Client, seven: list[str]) -> None:
    query = {"property": "name~^P[0-9]", "limit": "3"}
    first = client.get(f"{LABELS}/custom", params=query).json()
    put(client, "P0")
    put(client, "P35")
    second = client.get(f"{LABELS}/custom", params={**query, "start": first["_page"]["next"]}).json()
    assert names(second) == ["P35", "P4", "P5"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"orderby": "-name"}, ["P7", "P6", "P5", "P4", "P3", "P2", "P1"]),
        ({"orderby": "created"}, ["P3", "P1", "P2", "P7", "P5", "P6", "P4"]),
        ({"orderby": "-created"}, ["P4", "P6", "P5", "P7", "P2", "P1", "P3"]),
        ({"orderby": "createdUser,-name"}, ["P7", "P6", "P5", "P4", "P3", "P2", "P1"]),
        ({"orderby": "sandboxName", "start": ""}, None),
        ({"property": "name==P3"}, ["P3"]),
        ({"property": "name==P3,name!=P3"}, []),
        ({"property": ["name>P3", "name<=P5"]}, ["P4", "P5"]),
        ({"property": "created>1700000000000"}, ["P1", "P2", "P3", "P4", "P5", "P6", "P7"]),
        ({"property": "status"}, []),
        ({"property": "category==Custom"}, None),
        ({"property": "name~("}, None),
        ({"limit": "0"}, None),
        ({"limit": "x"}, None),
        ({"start": "x"}, None),
        ({"start": "W10"}, None),
        ({"start": "W1siYSIsMCwiYiJdXQ"}, None),
        ({"orderby": "name", "start": "W1t0cnVlLDAsIlA2Il1d"}, None),
        ({"start": "W1t0cnVlLDAsIlA2Il1d"}, ["P7"]),
    ],
)
def test_lists_are_filtered_and_sorted(
    client: Client, seven: list[str], query: dict[str, Any], expected: list[str] | None
) -> None:
    wanted = query.get("property", [])
    those = ["name~^P[1-7]$", *([wanted] if isinstance(wanted, str) else wanted)]
    answer = client.get(f"{LABELS}/custom", params={**query, "property": those})
    if expected is None:
        assert refusal(answer)["title"] == "BadRequest"
    else:
        assert names(answer.json()) == expected


def test_every_order_can_be_paged_through_one_by_one(client: Client, seven: list[str]) -> None:
    for orderby in ("", "-name", "created", "-created,name", "createdUser,-updated"):
        query = {"property": "name~^P[1-7]$", "orderby": orderby}
        whole = names(client.get(f"{LABELS}/custom", params=query).json())
        found, start = [], ""
        while True:
            page = client.get(f"{LABELS}/custom", params={**query, "limit": "1", "start": start}).json()
            found += names(page)
            if (start := page["_page"].get("next", "")) == "":
                break
        assert found == whole
        assert sorted(found) == sorted(seven)


def test_core_resources_are_filtered_by_name_alone(client: Client) -> None:
    assert names(client.get(f"{LABELS}/core?property=name==C2").json()) == ["C2"]
    assert refusal(client.get(f"{LABELS}/core?property=created>1"))["code"] == "filter-field-unknown"
    assert client.get(f"{LABELS}/core?property=name==NONE").json()["children"] == []
