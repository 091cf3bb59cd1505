"""The Catalog: datasets that are changed and deleted, the query language, and files."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from demo.azurite import Azurite
from tests.live import Client, Server
from tests.wire import resources
from tests.wire.resources import CATALOG, FLOW, UNKNOWN, Dataflow, refusal

SETS = f"{CATALOG}/dataSets"


@pytest.fixture
def dataset(client: Client, dataflow: Dataflow) -> str:
    """A new dataset."""
    return made(client, dataflow)


def made(client: Client, dataflow: Dataflow, **other: Any) -> str:
    (reference,) = client.made(SETS, {**resources.dataset(dataflow.schema_id, "plain"), **other})
    return str(reference).removeprefix("@/dataSets/")


def read(client: Client, dataset_id: str) -> Any:
    return client.get(f"{SETS}/{dataset_id}").json()[dataset_id]


def ids(client: Client, query: Any, path: str = SETS) -> list[str]:
    answer = client.get(path, params=query)
    assert answer.status_code == 200, answer.text
    return list(answer.json())


# --- changes ---------------------------------------------------------------------------------------------------------


def test_a_merge_sets_members_and_leaves_the_others(client: Client, dataset: str) -> None:
    before = read(client, dataset)
    body = {"name": "merged", "tags": {"a": ["1"]}, "unifiedTags": ["u"], "enableErrorDiagnostics": True}
    answer = client.patch(f"{SETS}/{dataset}", json=body)
    assert (answer.status_code, answer.json()) == (200, [f"@/dataSets/{dataset}"])
    after = read(client, dataset)
    assert (after["name"], after["tags"]["a"], after["unifiedTags"]) == ("merged", ["1"], ["u"])
    assert after["version"] == "1.0.1"
    assert after["updated"] >= before["updated"]
    client.patch(f"{SETS}/{dataset}", json={"tags": {"b": ["2"]}, "description": None})
    assert "a" not in read(client, dataset)["tags"]


def test_a_nested_merge_leaves_the_other_tags(client: Client, dataset: str) -> None:
    for change in ({"tags": {"a": ["1"], "b": ["2"]}}, {"tags": {"b": None, "c": ["3"]}}):
        assert client.patch(f"{CATALOG}/v2/dataSets/{dataset}", json=change).status_code == 200
    tags = read(client, dataset)["tags"]
    assert (tags["a"], tags["c"]) == (["1"], ["3"])
    assert "b" not in tags


@pytest.mark.parametrize("content_type", ["application/json", "application/json-patch+json"])
def test_a_list_is_a_json_patch_whatever_its_type(client: Client, dataset: str, content_type: str) -> None:
    patch = [
        {"op": "add", "path": "/tags/adobe~1x", "value": ["y"]},
        {"op": "replace", "path": "/name", "value": "patched"},
    ]
    answer = client.patch(f"{SETS}/{dataset}", json=patch, headers={"Content-Type": content_type})
    assert answer.status_code == 200
    assert (read(client, dataset)["tags"]["adobe/x"], read(client, dataset)["name"]) == (["y"], "patched")


def test_a_whole_dataset_may_be_put_back(client: Client, dataset: str) -> None:
    whole = {**read(client, dataset), "name": "put", "description": "whole"}
    assert client.put(f"{SETS}/{dataset}", json=whole).status_code == 200
    after = read(client, dataset)
    assert (after["name"], after["description"], after["schemaRef"]) == ("put", "whole", whole["schemaRef"])


WRONG: list[Any] = [
    {},
    [],
    "x",
    7,
    None,
    {"created": 1},
    {"extensions": {"adobe_lakeHouse": {"rowExpiration": {"ttlValue": "P1D"}}}},
    {"name": ""},
    {"name": 7},
    {"name": None},
    {"name": "x" * 256},
    {"name": "x\u0000"},
    {"description": ["x"]},
    {"description": "x" * 4001},
    {"tags": {"a": "b"}},
    {"tags": []},
    {"tags": {"a": [None]}},
    {"tags": {f"t{number}": ["x"] for number in range(201)}},
    {"schemaRef": {"id": "https://ns.adobe.com/x/schemas/other"}},
    {"schemaRef": "x"},
    {"schemaRef": None},
    {"fileDescription": "parquet"},
    {"enableErrorDiagnostics": "yes"},
    {"unifiedTags": "x"},
    {"unifiedTags": [1]},
    {"systemLabels": {"x": 1}},
    [{"op": "move", "path": "/name", "from": "/description"}],
    [{"op": "replace", "path": "/tags/none", "value": ["x"]}],
    [{"op": "replace", "path": "/created", "value": 1}],
    [{"op": "add", "path": "/tags/a", "value": "b"}],
    [{"op": "remove", "path": "/name"}],
    [{"op": "replace", "path": ""}],
    [7],
]


@pytest.mark.parametrize("body", WRONG)
def test_a_change_that_cannot_be_is_refused_whole(client: Client, dataset: str, body: Any) -> None:
    before = read(client, dataset)
    for path in (f"{SETS}/{dataset}", f"{CATALOG}/v2/dataSets/{dataset}"):
        assert refusal(client.patch(path, json=body))["detail"]
    assert read(client, dataset) == before


@pytest.mark.parametrize("member", ["name", "schemaRef"])
def test_a_whole_dataset_needs_its_name_and_schema(client: Client, dataset: str, member: str) -> None:
    whole = {name: value for name, value in read(client, dataset).items() if name != member}
    refusal(client.put(f"{SETS}/{dataset}", json=whole))


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "GET"])
def test_an_unknown_dataset_is_not_found(client: Client, dataflow: Dataflow, method: str) -> None:
    body = resources.dataset(dataflow.schema_id) if method in {"PUT", "PATCH"} else None
    for path in (f"{SETS}/{UNKNOWN}", f"{SETS}/%00", f"{SETS}/Ω"):
        assert refusal(client.request(method, path, json=body))["status"] == 404


def test_another_sandbox_cannot_change_a_dataset(other_sandbox: Client, client: Client, dataset: str) -> None:
    before = read(client, dataset)
    for answer in (
        other_sandbox.patch(f"{SETS}/{dataset}", json={"name": "stolen"}),
        other_sandbox.patch(f"{CATALOG}/v2/dataSets/{dataset}", json={"name": "stolen"}),
        other_sandbox.delete(f"{SETS}/{dataset}"),
        other_sandbox.get(f"{SETS}/{dataset}/views"),
        other_sandbox.get(f"{CATALOG}/dataSetFiles?dataSet={dataset}"),
    ):
        assert refusal(answer)["status"] == 404
    assert read(client, dataset) == before


# --- deleting --------------------------------------------------------------------------------------------------------


def test_a_dataset_goes_with_its_rows_once_no_flow_needs_it(
    client: Client, server: Server, azurite: Azurite, people: str
) -> None:
    own = resources.names_flow(client, azurite.connection_string, people)
    flow = own.started()
    resources.ended(client, flow)
    assert refusal(client.delete(f"{SETS}/{own.dataset_id}"))["code"] == "in-use"
    assert read(client, own.dataset_id)["extensions"]["adobe_lakeHouse"]["metrics"]["rowCount"] == 40
    client.delete(f"{FLOW}/flows/{flow}")
    assert list((server.home / "lake").glob(f"*/{own.dataset_id}*"))
    assert client.delete(f"{SETS}/{own.dataset_id}").status_code == 200
    assert not list((server.home / "lake").glob(f"*/{own.dataset_id}*"))
    assert list((server.home / "lake" / ".removed").iterdir()) == []
    assert refusal(client.get(f"{SETS}/{own.dataset_id}"))["status"] == 404
    # What was made to write into it says so.
    refusal(client.post(f"{FLOW}/flows", json=own.body()))


def test_a_dataset_without_rows_can_be_deleted(client: Client, dataset: str) -> None:
    assert client.delete(f"{SETS}/{dataset}").json() == [f"@/dataSets/{dataset}"]
    refusal(client.delete(f"{SETS}/{dataset}"))


# --- the query language ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def shelf(client: Client, dataflow: Dataflow) -> list[str]:
    """Five datasets of one tag, the oldest first."""
    shelf = []
    for number in range(5):
        tags = {"shelf": ["q", f"n{number}"]}
        shelf.append(made(client, dataflow, name=f"Shelf {number}", description="d" * number, tags=tags))
        time.sleep(0.002)
    return shelf


@pytest.mark.parametrize(
    ("query", "places"),
    [
        ({}, [4, 3, 2, 1, 0]),
        ({"limit": 2}, [4, 3]),
        ({"limit": 2, "start": 3}, [1, 0]),
        ({"start": 100}, []),
        ({"orderBy": "name"}, [0, 1, 2, 3, 4]),
        ({"orderBy": "desc:name"}, [4, 3, 2, 1, 0]),
        ({"sort": "asc:created"}, [0, 1, 2, 3, 4]),
        ({"orderBy": "asc:description,desc:name", "limit": 1}, [0]),
        ({"name": "Shelf 1"}, [1]),
        ({"name": "Shelf 1,Shelf 3"}, [3, 1]),
        ({"name": "!Shelf 1,Shelf 3"}, [4, 2, 0]),
        ({"name": "Shelf*"}, [4, 3, 2, 1, 0]),
        ({"property": "name==*elf 2"}, [2]),
        ({"property": "name~^Shelf [0-2]$"}, [2, 1, 0]),
        ({"property": "name~^Shelf [0-2]$", "limit": 1, "start": 1}, [1]),
        ({"property": ["name>Shelf 1", "name<Shelf 4"]}, [3, 2]),
        ({"property": "!lastBatchId"}, [4, 3, 2, 1, 0]),
        ({"property": "lastBatchId"}, []),
        ({"property": "description~d{4}"}, [4]),
        ({"property": "tags.adobe/pqs/table==shelf_3"}, [3]),
        ({"property": "version==1.0.0"}, [4, 3, 2, 1, 0]),
        ({"property": "state!=DRAFT"}, []),
        ({"property": "classification.managedBy==CUSTOMER,SYSTEM"}, [4, 3, 2, 1, 0]),
        ({"property": "fileDescription.format==parquet"}, [4, 3, 2, 1, 0]),
        ({"tags": "shelf:n2"}, [2]),
        ({"tags": "shelf:q,shelf:n*"}, [4, 3, 2, 1, 0]),
        ({"tags": "other:*"}, []),
        ({"createdAfter": "1", "createdBefore": "99999999999999"}, [4, 3, 2, 1, 0]),
        ({"createdBefore": "1"}, []),
        ({"schemaRef.id": "nothing"}, []),
    ],
)
def test_the_query_language_finds_datasets(
    client: Client, shelf: list[str], query: dict[str, Any], places: list[int]
) -> None:
    tags = [query.get("tags"), "shelf:q"]
    asked = {**query, "tags": [text for text in tags if text]}
    assert ids(client, asked) == [shelf[place] for place in places]


def test_dates_are_exclusive(client: Client, shelf: list[str]) -> None:
    created = read(client, shelf[2])["created"]
    later = ids(client, {"tags": "shelf:q", "createdAfter": created})
    earlier = ids(client, {"tags": "shelf:q", "createdBefore": created})
    assert shelf[2] not in later + earlier
    assert set(later) | set(earlier) | {shelf[2]} == set(shelf)


def test_properties_select_and_may_leave_nothing(client: Client, shelf: list[str]) -> None:
    answer = client.get(SETS, params={"tags": "shelf:q", "properties": "name,description", "limit": 1}).json()
    assert answer == {shelf[4]: {"name": "Shelf 4", "description": "dddd"}}
    alone = client.get(f"{SETS}/{shelf[0]}", params={"properties": "observableSchema"}).json()
    assert alone == {shelf[0]: {}}
    capped = client.get(SETS, params={"limit": 100, "properties": "observableSchema"}).json()
    assert len(capped) <= 20


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=101",
        "limit=x",
        "limit=-1",
        "start=-1",
        "start=x",
        "orderBy=up:name",
        "orderBy=tags",
        "orderBy=nothing",
        "orderBy=",
        "property=",
        "property===x",
        "property=name==",
        "property=nothing==1",
        "property=name~(",
        "property=name~(?=x)",
        "property=name~" + "x" * 3000,
        "property=created>soon",
        "property=a..b",
        "property=" + ".".join("a" * 30),
        "tags=x",
        "tags=:x",
        "tags=x:",
        "createdAfter=yesterday",
        "startAfter=1",
        "nothing=1",
        "name=",
        "name=%00",
        "name=" + ",".join("x" * 201),
        "&".join(["property=name==x"] * 51),
    ],
)
def test_a_query_that_cannot_be_understood_is_refused(client: Client, query: str) -> None:
    body = refusal(client.get(f"{SETS}?{query}"))
    assert body["status"] == 400
    assert body["detail"]


def test_no_regular_expression_keeps_the_service_busy(client: Client, dataflow: Dataflow) -> None:
    made(client, dataflow, description="a" * 3999 + "!", tags={"slow": ["x"]})
    started = time.monotonic()
    for pattern in ("^(a+)+$", "(a|aa)+$", "(a*)*b", "a{1000}a{1000}a{1000}a{1000}b"):
        answer = client.get(SETS, params={"property": f"description~{pattern}", "tags": "slow:x"})
        assert answer.status_code in {200, 400}
    assert time.monotonic() - started < 10


@pytest.mark.azurite
def test_batches_are_found_by_dataset_status_and_time(client: Client, dataflow: Dataflow, landed: str) -> None:
    (run, *_) = resources.ended(client, landed)
    batch_id = run["providerRefId"]
    path = f"{CATALOG}/batches"
    shown = client.get(f"{path}/{batch_id}").json()[batch_id]
    of_set = {"dataSet": dataflow.dataset_id}
    assert batch_id in ids(client, of_set, path)
    for found in (
        {"status": "success"},
        {"status": "active"},
        {"status": "!failed"},
        {"startAfter": shown["started"] - 5, "endBefore": shown["completed"] + 5},
        {"property": "metrics.outputRecordCount==40"},
        {"property": ["metrics.inputRecordCount>39", "errors"]} if shown["errors"] else {"property": "metrics"},
        {"tags": f"flowId:{landed}"},
        {"property": f"tags.flowId=={landed}", "orderBy": "desc:started"},
        {"property": "inputFormat.format==parquet"},
        {"createdAfter": 1},
        {"created": shown["created"]},
        {"externalId": batch_id},
    ):
        assert batch_id in ids(client, {**of_set, **found}, path), found
    for missed in (
        {"status": "failed"},
        {"startAfter": shown["started"] + 5},
        {"endAfter": shown["completed"] + 5},
        {"property": "metrics.outputRecordCount!=40"},
        {"tags": "flowId:other"},
        {"dataSet": "other"},
    ):
        assert batch_id not in ids(client, {**of_set, **missed}, path), missed
    assert ids(client, {"start": 100_000}, path) == []
    assert batch_id in ids(client, {"dataSetId": dataflow.dataset_id}, f"{CATALOG}/lastBatches")
    only = client.get(path, params={**of_set, "properties": "status"}).json()
    assert only[batch_id] == {"status": "success"}


@pytest.mark.azurite
def test_files_are_listed_by_view_dataset_and_batch(client: Client, dataflow: Dataflow, landed: str) -> None:
    (run, *_) = resources.ended(client, landed)
    view = read(client, dataflow.dataset_id)["viewId"]
    viewed = client.get(f"{SETS}/{dataflow.dataset_id}/views/{view}/files").json()
    (file,) = [one for one in viewed.values() if one["batchId"] == run["providerRefId"]]
    assert (file["records"], file["dataSetViewId"]) == (40, view)
    assert file["size"] > 0
    path = f"{CATALOG}/dataSetFiles"
    assert client.get(path, params={"batch": run["providerRefId"]}).json() == {file["id"]: file}
    assert file["id"] in client.get(path, params={"dataSet": dataflow.dataset_id, "limit": 100}).json()
    assert client.get(path, params={"dataSet": dataflow.dataset_id, "start": 1000}).json() == {}
    refusal(client.get(path))
    refusal(client.get(path, params={"batch": run["providerRefId"], "dataSet": "other"}))
    assert refusal(client.get(path, params={"batch": "none"}))["status"] == 404
    assert refusal(client.get(f"{SETS}/{dataflow.dataset_id}/views/other/files"))["status"] == 404


def test_the_root_names_what_there_is(client: Client) -> None:
    assert client.get(f"{CATALOG}/").json() == client.get(CATALOG).json()
    assert "@/batches" in client.get(CATALOG).json()


def test_batches_are_written_by_runs_alone(client: Client, new_table: Callable[[str], str]) -> None:
    for answer in (
        client.post(f"{CATALOG}/batches", json={"datasetId": new_table("x")}),
        client.patch(f"{CATALOG}/batches/x", json={}),
    ):
        assert refusal(answer)["status"] == 405
