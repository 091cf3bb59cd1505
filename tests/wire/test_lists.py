"""Lists: filters, order, pages, counts."""

from collections.abc import Iterator

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
        ("property=createdAt>nan", "FLOW-1451-400"),
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


def test_a_field_that_cannot_be_filtered_by_says_so(client: Client) -> None:
    refusal(client.get(f"{FLOW}/flows?property=transformations[].params.mappingId==x"), "FLOW-1448-400")
    refusal(client.get(f"{FLOW}/connections?property=auth.params.connectionString==x"), "FLOW-1448-400")


def test_runs_are_found_by_their_metrics(client: Client, landed: str) -> None:
    for condition in (
        "metrics.statusSummary.status==Success",
        "metrics.recordSummary.outputRecordCount>=40",
        "state==success",
    ):
        found = client.get(f"{FLOW}/runs", params={"property": [condition, f"flowId=={landed}"]})
        assert len(found.json().get("items", [])) >= 1, (condition, found.text)


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
        "property=name",
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
