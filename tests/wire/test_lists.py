"""Lists: filters, order, pages, counts."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from demo.azurite import Azurite
from tests.live import Client
from tests.wire import resources
from tests.wire.resources import CATALOG, FLOW, PREP, REGISTRY, UNKNOWN, Dataflow, refusal

TARGETS = f"{FLOW}/targetConnections"


@pytest.fixture(scope="module")
def many(client: Client, dataflow: Dataflow) -> Iterator[list[str]]:
    """Ids of 120 target connections, the oldest first."""
    ids = [
        client.made(TARGETS, resources.target(dataflow.dataset_id, name=f"page-{number:03d}"))["id"]
        for number in range(120)
    ]
    yield ids
    for target_id in ids:
        client.delete(f"{TARGETS}/{target_id}")


def pages(client: Client, **query: str) -> list[list[str]]:
    """Ids of every page, following the links as clients do: the endpoint and the link one after the other."""
    found: list[list[str]] = []
    href = "/targetConnections"
    while href:
        answer = client.get(f"{FLOW}{href}", params=None if found else query).json()
        found.append([item["id"] for item in answer["items"]])
        href = answer["_links"].get("next", {}).get("href", "")
        if href:
            name, _, token = href.partition("=")
            assert name == "/targetConnections?continuationToken"
            assert token.replace("-", "").replace("_", "").isalnum()
    return found


def test_without_a_limit_a_page_holds_a_hundred_and_the_last_has_no_link(client: Client, many: list[str]) -> None:
    found = pages(client)
    assert len(found[0]) == 100
    ids = [target_id for page in found for target_id in page]
    assert len(ids) == len(set(ids))
    assert [target_id for target_id in ids if target_id in set(many)] == many[::-1]
    assert client.get(f"{FLOW}/connectionSpecs").json()["_links"] == {}


def test_a_page_of_accounts_holds_twenty(client: Client, azurite_accounts: None) -> None:
    answer = client.get(f"{FLOW}/connections").json()
    assert len(answer["items"]) == 20
    assert answer["_links"]["next"]["href"].startswith("/connections?continuationToken=")


@pytest.fixture(scope="module")
def azurite_accounts(client: Client, account: str, azurite: Azurite) -> Iterator[None]:
    """Enough connections for two pages."""
    body = resources.connection(azurite.connection_string)
    made = [client.made(f"{FLOW}/connections", body)["id"] for _ in range(20)]
    yield
    for connection_id in made:
        client.delete(f"{FLOW}/connections/{connection_id}")


def test_a_token_keeps_filter_limit_and_order_that_come_with_it(client: Client, many: list[str]) -> None:
    query = {"property": f"params.dataSetId=={_dataset(client, many)}", "limit": "50", "orderby": "name"}
    first = client.get(TARGETS, params=query).json()
    token = first["_links"]["next"]["href"].split("=")[1]
    second = client.get(TARGETS, params={**query, "continuationToken": token}).json()
    names = [item["name"] for item in (*first["items"], *second["items"])]
    assert len(second["items"]) == 50
    assert names == sorted(names)
    assert len(set(names)) == 100


def _dataset(client: Client, many: list[str]) -> str:
    return str(client.one(f"{TARGETS}/{many[0]}")["params"]["dataSetId"])


@pytest.mark.parametrize("limit", ["1", "7", "100"])
def test_every_item_is_on_one_page_whatever_the_limit(client: Client, many: list[str], limit: str) -> None:
    seen: list[str] = []
    token = None
    while True:
        query = {"limit": limit, "property": f"params.dataSetId=={_dataset(client, many)}"}
        answer = client.get(TARGETS, params=query | ({"continuationToken": token} if token else {})).json()
        seen += [item["id"] for item in answer["items"]]
        link = answer["_links"].get("next")
        if link is None or len(seen) > 15:
            break
        token = link["href"].split("=")[1]
    assert len(seen) == len(set(seen))
    assert seen[:10] == pages(client)[0][:10]


def test_count_answers_a_number_alone(client: Client, many: list[str]) -> None:
    assert client.get(f"{TARGETS}?count=true&property=name==page-000,page-001").json() == {"count": 2}
    assert "items" in client.get(f"{TARGETS}?count=False&limit=100").json()
    refusal(client.get(f"{TARGETS}?count=true&limit=5"), "FLOW-1401-400")


@pytest.mark.parametrize("order", ["name", "%2Bname", "+name"])
def test_items_come_in_the_order_asked_for(client: Client, many: list[str], order: str) -> None:
    query = "property=name==page-005,page-001,page-003"
    up = [item["name"] for item in client.get(f"{TARGETS}?{query}&orderby={order}").json()["items"]]
    down = [item["name"] for item in client.get(f"{TARGETS}?{query}&orderby=-name").json()["items"]]
    assert up == ["page-001", "page-003", "page-005"]
    assert down == up[::-1]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("property=name==page-001", 1),
        ('property=name=="page-001"', 1),
        ("property=name=%22page-001%22", 1),
        ("property=name==page-001,page-002", 2),
        ("property=name==page-001&property=name==page-002", 0),
        ("property=name==page-001&property=state==enabled", 1),
        ("property=name==page-001&property=state==ENABLED", 1),
        ("property=name==page-001&property=state!=enabled", 0),
        ("property=name==page-001&property=createdAt>=1670000000000", 1),
        ("property=name==page-001&property=createdAt<1670000000000", 0),
        ("property=name==page-001&property=createdAt>99999999999999999999", 0),
        ("property=name==page-001&property=connectionSpec.id==" + resources.LAKE, 1),
        ("property=name==page-001&property=params.nothing==1", 0),
        ("property=name==page-001&property=params.nothing!=1", 1),
        ("property=name%3D%3Dpage-001", 1),
        ("property=name=page-001", 1),
        ('property=name="page-001"', 1),
        ('property=name=="page-001","page-002"', 2),
        ("property=name==page-001&property=data[]==x", 0),
        ("property=name==page-001&property=sandboxName==prod", 1),
        ("property=name==page-001&unknown=1&PROPERTY=x", 1),
    ],
)
def test_conditions_select(client: Client, many: list[str], query: str, expected: int) -> None:
    assert len(client.get(f"{TARGETS}?{query}").json()["items"]) == expected


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("property=nothing==x", "FLOW-1449-400"),
        ("property=name!>x", "FLOW-1450-400"),
        ("property=name==a%26%26state==b", "FLOW-1450-400"),
        ("property=name==a||state==b", "FLOW-1450-400"),
        ("property=name~x", "FLOW-1440-400"),
        ("property=createdAt>1,2", "FLOW-1443-400"),
        ("property=name==", "FLOW-1453-400"),
        ("property=createdAt>nan", "FLOW-1454-400"),
        ("property=params.x<abc", "FLOW-1454-400"),
        ("property=createdAt==abc", "FLOW-1452-400"),
        ("property=state>5", "FLOW-1448-400"),
        ("property=id==" + ",".join("x" * 101), "FLOW-1451-400"),
        ("&".join(["property=id==x"] * 21), "FLOW-1451-400"),
        ("property=" + ".".join("p" * 17) + "==x", "FLOW-1451-400"),
        ("property=nothing,name", "FLOW-1449-400"),
        ("orderby=nothing", "FLOW-1433-400"),
        ("orderby=*name", "FLOW-1432-400"),
    ],
)
def test_a_refused_list_says_why_by_its_documented_code(client: Client, query: str, code: str) -> None:
    refusal(client.get(f"{TARGETS}?{query}"), code)


def test_flows_are_found_by_what_they_inherit(client: Client, dataflow: Dataflow, landed: str) -> None:
    for condition in (
        f"inheritedAttributes.sourceConnections[].baseConnection.id=={dataflow.connection_id}",
        f"inheritedAttributes.sourceConnections[].connectionSpec.id=={resources.AZURE_TABLE}",
        f"inheritedAttributes.targetConnections[].connectionSpec.id=={resources.LAKE}",
        f"sourceConnectionIds[]=={UNKNOWN},{dataflow.source_id}",
        f"flowSpec.id=={resources.CRM_TO_AEP}",
    ):
        found = client.get(f"{FLOW}/flows", params={"property": [condition, f"id=={landed}"]})
        assert [item["id"] for item in found.json().get("items", [])] == [landed], (condition, found.text)


def test_a_secret_cannot_be_filtered_or_sorted_by(client: Client, account: str) -> None:
    for path in ("auth.params.connectionString", "auth.params", "auth.params[].connectionString"):
        refusal(client.get(f"{FLOW}/connections?property={path}==x"), "FLOW-1448-400")
        refusal(client.get(f"{FLOW}/connections?property={path}!=x"), "FLOW-1448-400")
    refusal(client.get(f"{FLOW}/connections?orderby=auth.params.connectionString"), "FLOW-1433-400")
    shown = client.get(f"{FLOW}/connections?property=auth.params&property=id=={account}").json()["items"]
    assert "AccountKey" not in str(shown)


def leaves(value: object, path: str = "") -> Iterator[tuple[str, object]]:
    """Every value of a document and its path, with `[]` after arrays."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from leaves(inner, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for inner in value:
            yield from leaves(inner, f"{path}[]")
    else:
        yield path, value


def test_whatever_a_document_shows_finds_it(client: Client, dataflow: Dataflow, account: str, landed: str) -> None:
    run_id = resources.ended(client, landed)[-1]["id"]
    shown = {
        f"connections/{account}": {"auth.params.connectionString"},
        f"sourceConnections/{dataflow.source_id}": set(),
        f"targetConnections/{dataflow.target_id}": set(),
        f"flows/{landed}": set(),
        f"runs/{run_id}": set(),
    }
    for place, secret in shown.items():
        collection, _, resource_id = place.partition("/")
        document = client.one(f"{FLOW}/{place}")
        for path, value in leaves(document):
            if path in secret:
                continue
            text = json.dumps(value) if not isinstance(value, str) else value
            condition = f'{path}=="{text}"' if "," in text else f"{path}=={text}"
            for sent in (condition, condition.replace("[]", "")):
                found = client.get(f"{FLOW}/{collection}", params={"property": [sent, f"id=={resource_id}"]}).json()
                assert [item["id"] for item in found.get("items", [])] == [resource_id], (sent, found)
            if isinstance(value, int) and not isinstance(value, bool):
                for sent, expected in ((f"{path}>={value}", 1), (f"{path}<={value - 1}", 0)):
                    query = {"property": [sent, f"id=={resource_id}"]}
                    assert len(client.get(f"{FLOW}/{collection}", params=query).json()["items"]) >= expected, sent


def test_runs_are_found_by_their_metrics(client: Client, landed: str) -> None:
    for condition in (
        "metrics.statusSummary.status==Success",
        "metrics.recordSummary.outputRecordCount>=40",
        "state==success",
    ):
        found = client.get(f"{FLOW}/runs", params={"property": [condition, f"flowId=={landed}"]})
        assert len(found.json().get("items", [])) >= 1, (condition, found.text)


def test_a_number_of_any_size_is_listed_and_found(client: Client, dataflow: Dataflow) -> None:
    params = {"dataSetId": dataflow.dataset_id, "big": 10**30, "text": "a\nb \u0001 😀"}
    made = client.made(TARGETS, resources.target(dataflow.dataset_id) | {"params": params})["id"]
    for condition in (f"params.big=={10**30}", "params.big>1e29", "params.text==a\nb \u0001 😀"):
        found = client.get(TARGETS, params={"property": [condition, f"id=={made}"]}).json()
        assert [item["params"] for item in found["items"]] == [params], condition
    client.delete(f"{TARGETS}/{made}")


def test_paths_without_a_value_are_all_that_is_shown(client: Client, many: list[str]) -> None:
    query = {"property": ["id,params.dataSetId", "name==page-001,page-002", "name"], "limit": "1"}
    first = client.get(TARGETS, params=query).json()
    (item,) = first["items"]
    assert item.keys() == {"id", "params", "name"}
    assert item["params"].keys() == {"dataSetId"}
    # The link alone goes on with filter, projection and limit.
    second = client.get(f"{FLOW}{first['_links']['next']['href']}").json()
    assert [item.keys() for item in second["items"]] == [{"id", "params", "name"}]
    assert second["_links"] == {}


def test_a_token_belongs_to_its_query(client: Client, many: list[str]) -> None:
    query = {"property": f"params.dataSetId=={_dataset(client, many)}", "orderby": "-name", "limit": "2"}
    href = client.get(TARGETS, params=query).json()["_links"]["next"]["href"]
    token = href.split("=")[1]
    for other in ({"property": "name==page-001"}, {"orderby": "name"}, {"property": "id"}):
        refusal(client.get(TARGETS, params=query | other | {"continuationToken": token}), "FLOW-1451-400")
    for collection in ("connections", "flows", "runs"):
        answer = client.get(f"{FLOW}/{collection}?continuationToken={token}")
        assert answer.status_code in {200, 400}, answer.text
    for forged in (token[:-3], token[3:], token.swapcase(), token + "A"):
        assert client.get(TARGETS, params={"continuationToken": forged}).status_code in {200, 400}


def test_an_order_has_several_keys_and_pages_while_items_come_and_go(client: Client, dataflow: Dataflow) -> None:
    def made(name: str, description: str) -> str:
        body = resources.target(dataflow.dataset_id, name=name, description=description)
        return str(client.made(TARGETS, body)["id"])

    ids = [made(f"sort-{number % 2}", f"d{number % 3}") for number in range(12)]
    names = ",".join(["sort-0", "sort-1", "sort-2"])
    query = {"property": f"name=={names}", "orderby": "-name, description", "limit": "5"}
    first = client.get(TARGETS, params=query).json()
    client.delete(f"{TARGETS}/{first['items'][0]['id']}")
    late = [made("sort-2", "before"), made("sort-0", "d9")]
    seen = [item["id"] for item in first["items"]]
    href = first["_links"]["next"]["href"]
    while href:
        answer = client.get(f"{FLOW}{href}").json()
        seen += [item["id"] for item in answer["items"]]
        href = answer["_links"].get("next", {}).get("href", "")
    expected = sorted(range(12), key=lambda number: (-(number % 2), number % 3, -number))
    assert seen == [*(ids[number] for number in expected), late[1]]
    for target_id in (*ids, *late):
        client.delete(f"{TARGETS}/{target_id}")


def test_flows_runs_and_connections_are_sorted_too(client: Client, landed: str, account: str) -> None:
    for collection in ("connections", "sourceConnections", "targetConnections", "flows", "runs"):
        up = client.get(f"{FLOW}/{collection}?orderby=createdAt&limit=5").json()["items"]
        assert [item["createdAt"] for item in up] == sorted(item["createdAt"] for item in up)
    runs = client.get(f"{FLOW}/runs?orderby=-metrics.recordSummary.outputRecordCount,id").json()["items"]
    counts = [item["metrics"]["recordSummary"]["outputRecordCount"] for item in runs]
    assert counts == sorted(counts, reverse=True)


SEARCHES = f"{FLOW}/flows/search"


@pytest.mark.parametrize(
    "body",
    [
        {"queryString": "property=state==enabled&property=id=={id}"},
        {"queryString": "?property=id=={id}&orderby=-name"},
        {"queryString": "property=id%3D%3D{id}"},
        {"queryString": "id=={id}"},
        {"queryString": "id=={id}", "limit": 1000, "orderby": "name,-createdAt"},
    ],
)
def test_a_search_finds_what_a_list_finds(client: Client, landed: str, body: dict[str, Any]) -> None:
    sent = {**body, "queryString": body["queryString"].replace("{id}", landed)}
    answer = client.post(SEARCHES, json=sent, headers={"x-active-sandbox-ids": "a,b"}).json()
    assert [item["id"] for item in answer["items"]] == [landed], answer
    assert answer["_links"] == {}


def test_a_search_pages_projects_and_counts(client: Client, landed: str, dataflow: Dataflow) -> None:
    other = dataflow.started(name="second", scheduleParams=resources.never())
    body = {"queryString": f"id=={landed},{other}", "limit": 1, "projectionFields": "id,flowSpec.id"}
    first = client.post(SEARCHES, json=body).json()
    href = first["_links"]["next"]["href"]
    assert href.startswith("/flows/search?continuationToken=")
    second = client.post(f"{FLOW}{href}", json=body).json()
    alone = client.post(f"{FLOW}{href}", json={}).json()
    assert second == alone
    assert {item["id"] for item in (*first["items"], *second["items"])} == {landed, other}
    assert all(item.keys() == {"id", "flowSpec"} and item["flowSpec"].keys() == {"id"} for item in first["items"])
    assert client.post(SEARCHES, json={"queryString": f"id=={landed},{other}", "count": True}).json() == {"count": 2}
    assert client.post(SEARCHES, json={}).json()["items"]
    client.delete(f"{FLOW}/flows/{other}")


def test_connections_and_flow_specs_are_searched(client: Client, account: str) -> None:
    found = client.post(f"{FLOW}/connections/search", json={"queryString": f"id=={account}"}).json()
    assert [item["id"] for item in found["items"]] == [account]
    specs = client.post(
        f"{FLOW}/flowSpecs/search",
        json={"queryString": "name==CRMToAEP,CloudStorageToAEP", "orderby": "-name", "projectionFields": "name"},
    ).json()
    assert specs["items"] == [{"name": "CloudStorageToAEP"}, {"name": "CRMToAEP"}]
    first = client.post(f"{FLOW}/flowSpecs/search", json={"limit": 2}).json()
    second = client.post(f"{FLOW}{first['_links']['next']['href']}", json={}).json()
    assert len({item["id"] for item in (*first["items"], *second["items"])}) == 4


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"groupByProperty": "name"}, "FLOW-1438-400"),
        ({"limit": 0}, "FLOW-1451-400"),
        ({"limit": 1001}, "FLOW-1451-400"),
        ({"limit": "5"}, "FLOW-1452-400"),
        ({"limit": True}, "FLOW-1452-400"),
        ({"limit": 1, "count": True}, "FLOW-1401-400"),
        ({"count": "true"}, "FLOW-1452-400"),
        ({"orderby": 5}, "FLOW-1452-400"),
        ({"orderby": "nothing"}, "FLOW-1433-400"),
        ({"queryString": 5}, "FLOW-1452-400"),
        ({"queryString": "nothing==5"}, "FLOW-1449-400"),
        ({"queryString": "name~x"}, "FLOW-1440-400"),
        ({"queryString": "property=name=="}, "FLOW-1453-400"),
        ({"queryString": "limit=x"}, "FLOW-1452-400"),
        ({"queryString": "limit=5", "limit": 5}, "FLOW-1452-400"),
        ({"queryString": "&".join(["property=name==x"] * 300)}, "FLOW-1451-400"),
        ({"projectionFields": "nothing"}, "FLOW-1449-400"),
        ({"projectionFields": ["id"]}, "FLOW-1452-400"),
        ([], "FLOW-1452-400"),
        ("x", "FLOW-1452-400"),
    ],
)
def test_a_search_that_cannot_be_understood_is_refused(client: Client, body: object, code: str) -> None:
    for collection in ("connections", "flows", "flowSpecs"):
        refusal(client.post(f"{FLOW}/{collection}/search", json=body), code)
    refusal(client.post(f"{SEARCHES}?continuationToken=nonsense", json={}), "FLOW-1451-400")


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("property=name==CRMToAEP", ["CRMToAEP"]),
        ("property=name==%22CRMToAEP%22&property=attributes.isSourceFlow==true", ["CRMToAEP"]),
        ("property=name==CRMToAEP&property=transformationSpecs[].name==Mapping", ["CRMToAEP"]),
        ("property=name==CRMToAEP,CloudStorageToAEP&orderby=name", ["CRMToAEP", "CloudStorageToAEP"]),
        ("property=name==nothing", []),
    ],
)
def test_flow_specs_are_filtered(client: Client, query: str, names: list[str]) -> None:
    assert [item["name"] for item in client.get(f"{FLOW}/flowSpecs?{query}").json()["items"]] == names


@pytest.mark.parametrize("limit", ["0", "101", "x", "-3"])
def test_a_limit_beyond_the_documented_ones_is_refused(client: Client, limit: str) -> None:
    for path in (TARGETS, f"{FLOW}/runs", f"{CATALOG}/dataSets", f"{CATALOG}/batches"):
        refusal(client.get(f"{path}?limit={limit}"))


def test_neighbours_have_envelopes_of_their_own(client: Client, landed: str) -> None:
    assert isinstance(client.get(f"{CATALOG}/dataSets").json(), dict)
    assert client.get(f"{PREP}/mappingSets?limit=1").json()["_page"] == {"limit": 1, "count": 1}
    assert client.get(f"{REGISTRY}/tenant/schemas?limit=1").json()["_page"]["count"] == 1


def test_the_catalog_pages_by_offset_and_ends_with_nothing(client: Client, landed: str) -> None:
    client.made(f"{FLOW}/runs", {"flowId": landed})
    first = client.get(f"{CATALOG}/batches?limit=1").json()
    second = client.get(f"{CATALOG}/batches?limit=1&start=1").json()
    assert len(first) == 1
    assert not first.keys() & second.keys()
    assert client.get(f"{CATALOG}/batches?limit=20&start=10000").json() == {}
    assert client.get(f"{CATALOG}/dataSets?limit=20&start=10000").json() == {}


@pytest.mark.parametrize(
    "query",
    [
        "limit=abc",
        "limit=0",
        "limit=-1",
        "limit=101",
        "limit=99999999999999999999",
        "limit=1e3",
        "property=",
        "property===",
        "property=name,",
        "property=name==",
        "property=name~x",
        "property=name!>x",
        "property=name==a%26%26state==b",
        "property=nothing==x",
        "property=name<a,b",
        "property=createdAt==abc",
        "property=%00==x",
        "orderby=nothing",
        "orderby=,",
        "orderby=--name",
        "continuationToken=nonsense",
        "continuationToken=%00",
        "continuationToken=eyJ4IjoxfQ",
        "count=true&limit=5",
    ],
)
@pytest.mark.parametrize("collection", ["connections", "flows", "runs"])
def test_a_list_that_cannot_be_understood_is_refused(client: Client, collection: str, query: str) -> None:
    refusal(client.get(f"{FLOW}/{collection}?{query}"))
