"""Data Access over HTTP: files of batches, ranges of them, previews."""

import io
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import Any, Final

import httpx
import pyarrow.parquet as pq
import pytest

from demo.azurite import Azurite
from flowservice.domain.identity import Permission
from tests.live import Client, Server
from tests.wire import resources
from tests.wire.resources import CATALOG, FLOW, REGISTRY, UNKNOWN, Dataflow, ended, refusal, status

EXPORT: Final = "/data/foundation/export"
_numbers = count(1)
NAMES: Final = {f"{number:05d}": f"Person {number}" for number in range(40)}


@pytest.fixture
def own(client: Client, azurite: Azurite, people: str) -> Dataflow:
    """A dataflow of the test's own, which has not run."""
    return resources.names_flow(client, azurite.connection_string, people)


@pytest.fixture(scope="module")
def batch(client: Client, landed: str) -> str:
    """Id of a batch that is in a file of its own."""
    (run, *_) = ended(client, landed)
    return str(run["providerRefId"])


@pytest.fixture(scope="module")
def file(client: Client, batch: str) -> dict[str, Any]:
    """The one file of that batch: `href` to read it, and its bytes."""
    (entry,) = listed(client, batch)
    (told,) = got(client, entry["_links"]["self"]["href"])["data"]
    answer = client.get(told["_links"]["self"]["href"])
    assert answer.status_code == 200
    return {"id": entry["dataSetFileId"], "name": told["name"], "href": told["_links"]["self"]["href"],
            "bytes": answer.content, "headers": answer.headers}  # fmt: skip


def got(client: Client, path: str) -> Any:
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    return answer.json()


def listed(client: Client, batch_id: str) -> list[Any]:
    found: list[Any] = got(client, f"{EXPORT}/batches/{batch_id}/files")["data"]
    return found


def rows(client: Client, batch_id: str) -> list[dict[str, Any]]:
    """The rows of all files of a batch, of which each is as long and has as many rows as it is told to."""
    found = []
    for entry in listed(client, batch_id):
        (told,) = got(client, entry["_links"]["self"]["href"])["data"]
        content = client.get(told["_links"]["self"]["href"]).content
        table = pq.read_table(io.BytesIO(content))
        assert (entry["size"], told["length"], entry["records"]) == (*[str(len(content))] * 2, str(table.num_rows))
        found += table.to_pylist()
    assert {row["_flowservice"]["batchId"] for row in found} <= {batch_id}
    return found


def names(client: Client, flow: Dataflow, batch_id: str) -> dict[str, str]:
    found = rows(client, batch_id)
    told = {row["_id"]: row[flow.tenant]["name"] for row in found}
    assert len(told) == len(found)
    return told


def ran(client: Client, flow_id: str, runs: int = 1) -> Any:
    run = ended(client, flow_id, runs=runs)[0]
    assert status(run) == "success"
    return run


# --- files of a batch ------------------------------------------------------------------------------------------------


def test_the_files_of_a_batch_are_listed_as_documented(client: Client, batch: str, file: dict[str, Any]) -> None:
    page = got(client, f"{EXPORT}/batches/{batch}/files")
    (entry,) = page["data"]
    assert page["_page"] == {"limit": 100, "count": 1}
    assert page["_links"]["page"]["templated"] is True
    view = got(client, f"{CATALOG}/batches/{batch}")[batch]
    dataset_id = view["relatedObjects"][0]["id"]
    assert entry["dataSetViewId"] == got(client, f"{CATALOG}/dataSets/{dataset_id}")[dataset_id]["viewId"]
    assert (entry["version"], entry["isValid"], entry["records"]) == ("1.0.0", True, "40")
    assert entry["created"] == entry["updated"]
    assert int(entry["created"]) > 1_700_000_000_000
    assert entry["size"] == str(len(file["bytes"]))
    assert entry["_links"]["self"]["href"] == f"{str(client.base_url).rstrip('/')}{EXPORT}/files/{file['id']}"
    assert listed(client, batch) == page["data"]
    assert got(client, f"{EXPORT}/batches/{batch}/files?start=1")["data"] == []


def test_a_file_tells_its_name_and_length_and_is_read(client: Client, batch: str, file: dict[str, Any]) -> None:
    page = got(client, f"{EXPORT}/files/{file['id']}")
    (entry,) = page["data"]
    assert (entry["name"], entry["length"], page["_page"]["count"]) == (file["name"], str(len(file["bytes"])), 1)
    assert got(client, f"{EXPORT}/files/{file['id']}?start={file['name']}&limit=1")["data"] == [entry]
    assert got(client, f"{EXPORT}/files/{file['id']}?start=zzz")["data"] == []
    assert len(rows(client, batch)) == 40
    assert file["headers"]["content-type"] == "application/octet-stream"
    assert (file["headers"]["accept-ranges"], file["headers"]["content-length"]) == ("bytes", str(len(file["bytes"])))


def test_the_catalog_tells_the_same_ids(client: Client, batch: str) -> None:
    files = got(client, f"{CATALOG}/dataSetFiles?batch={batch}")
    for file_id, told in files.items():
        (entry,) = got(client, f"{EXPORT}/files/{file_id}")["data"]
        assert (entry["name"], entry["length"]) == (told["name"], str(told["size"]))
    assert set(files) == {entry["dataSetFileId"] for entry in listed(client, batch)}


def test_a_head_tells_what_a_get_would(client: Client, file: dict[str, Any]) -> None:
    answer = client.head(file["href"])
    assert (answer.status_code, answer.content) == (200, b"")
    for name in ("content-length", "content-type", "accept-ranges", "etag"):
        assert answer.headers[name] == file["headers"][name]
    assert client.head(f"{EXPORT}/files/{file['id']}").status_code == 400
    assert client.head(f"{EXPORT}/files/{file['id']}?path=other.parquet").status_code == 404


def test_a_flow_of_parts_has_a_file_a_part_and_pages_lead_on(client: Client, azurite: Azurite) -> None:
    entities = [{**one, "PartitionKey": f"p{number % 3}"} for number, one in enumerate(resources.people(40))]
    table = resources.seeded(azurite, "threeparts", entities)
    own = resources.names_flow(client, azurite.connection_string, table)
    first, second = own.started(), own.started(name="again")
    batches = [ran(client, flow)["providerRefId"] for flow in (first, second)]
    for batch_id in batches:
        assert names(client, own, batch_id) == NAMES
        paged, href = [], f"{EXPORT}/batches/{batch_id}/files?limit=1"
        while href:
            page = got(client, href)
            paged += page["data"]
            href = page["_links"].get("next", {}).get("href", "")
        assert paged == listed(client, batch_id)


# --- ranges ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wanted", "part"),
    [
        ("bytes=0-3", slice(0, 4)),
        ("bytes=4-4", slice(4, 5)),
        ("bytes=10-", slice(10, None)),
        ("bytes=-4", slice(-4, None)),
        ("bytes=0-99999999999", slice(0, None)),
        ("bytes=-99999999999", slice(0, None)),
        ("BYTES = 0-3", slice(0, 4)),
    ],
)
def test_a_range_is_answered(client: Client, file: dict[str, Any], wanted: str, part: slice) -> None:
    answer = client.get(file["href"], headers={"Range": wanted})
    expected = file["bytes"][part]
    assert (answer.status_code, answer.content) == (206, expected)
    start = len(file["bytes"]) - len(expected) if part.stop is None else part.start
    assert answer.headers["content-range"] == f"bytes {start}-{start + len(expected) - 1}/{len(file['bytes'])}"
    assert answer.headers["content-length"] == str(len(expected))
    assert answer.headers["etag"] == file["headers"]["etag"]


@pytest.mark.parametrize(
    "wanted",
    ["bytes=5-4", "bytes=", "bytes=-", "bytes=a-b", "bytes=0-1,4-5", "bytes=0--1", "bytes", "bytes=99999999-",
     "bytes=-0", "bytes=0x1-2", "bytes=" + "9" * 40 + "-", "bytes=1-2;3", "bytes=+1-2"],
)  # fmt: skip
def test_what_is_no_range_of_the_file_is_refused(client: Client, file: dict[str, Any], wanted: str) -> None:
    answer = client.get(file["href"], headers={"Range": wanted})
    body = answer.json()
    assert (answer.status_code, body["code"], body["status"]) == (416, "range-unsatisfiable", 416)
    assert body["advice"]
    assert answer.headers["content-range"] == f"bytes */{len(file['bytes'])}"


@pytest.mark.parametrize("wanted", ["items=0-3", "", "0-3", "=0-3"])
def test_other_units_are_passed_over(client: Client, file: dict[str, Any], wanted: str) -> None:
    answer = client.get(file["href"], headers={"Range": wanted})
    assert (answer.status_code, answer.content) == (200, file["bytes"])


def test_a_range_of_another_version_is_answered_with_all(client: Client, file: dict[str, Any]) -> None:
    of_this = {"Range": "bytes=0-3", "If-Range": file["headers"]["etag"]}
    assert client.get(file["href"], headers=of_this).status_code == 206
    for other in ('"another"', "W/" + file["headers"]["etag"], "Wed, 21 Oct 2026 07:28:00 GMT"):
        answer = client.get(file["href"], headers={**of_this, "If-Range": other})
        assert (answer.status_code, answer.content) == (200, file["bytes"])


# --- when the table changes ------------------------------------------------------------------------------------------


def test_rows_are_shown_wherever_a_compaction_put_them(client: Client, server: Server, own: Dataflow) -> None:
    first = ran(client, own.started())["providerRefId"]
    second = ran(client, own.started(name="again"))["providerRefId"]
    (before,) = listed(client, first)
    href = got(client, before["_links"]["self"]["href"])["data"][0]["_links"]["self"]["href"]
    whole = client.get(href).content
    server.env["FLOWSERVICE_COMPACT_MIN_FILES"] = "2"
    try:
        server.run("lake", "compact")
    finally:
        del server.env["FLOWSERVICE_COMPACT_MIN_FILES"]
    assert len(got(client, f"{CATALOG}/dataSetFiles?dataSet={own.dataset_id}")) == 1
    for batch_id in (first, second):
        assert names(client, own, batch_id) == NAMES
        assert listed(client, batch_id) == listed(client, batch_id)
    (after,) = listed(client, first)
    assert after["dataSetFileId"] != before["dataSetFileId"]
    # Whoever was reading the file that was there before reads it to its end.
    assert client.get(href, headers={"Range": "bytes=4-"}).content == whole[4:]


def test_a_made_file_that_was_deleted_is_made_anew(client: Client, server: Server, own: Dataflow) -> None:
    batch_id = ran(client, upserting(client, own, own.source_id))["providerRefId"]
    (entry,) = listed(client, batch_id)
    href = got(client, entry["_links"]["self"]["href"])["data"][0]["_links"]["self"]["href"]
    first = client.get(href)
    (made,) = (server.home / "lake").glob(f"*/{own.dataset_id}/_made/{batch_id}/*.parquet")
    made.unlink()
    again = client.get(href)
    assert (again.status_code, again.content) == (200, first.content)
    # To whoever has half of the first one, it is another file.
    assert again.headers["etag"] != first.headers["etag"]


def test_callers_who_come_together_get_the_same_file(client: Client, own: Dataflow) -> None:
    batch_id = ran(client, upserting(client, own, own.source_id))["providerRefId"]

    def read(_: int) -> tuple[str, bytes]:
        (entry,) = listed(client, batch_id)
        (told,) = got(client, entry["_links"]["self"]["href"])["data"]
        answer = client.get(told["_links"]["self"]["href"])
        assert answer.status_code == 200
        return answer.headers["etag"], answer.content

    with ThreadPoolExecutor(8) as callers:
        assert len(set(callers.map(read, range(16)))) == 1


def upserting(client: Client, own: Dataflow, source_id: str) -> str:
    body = resources.target(own.dataset_id)
    body["params"] |= {"writeMode": "upsert", "keyFields": ["_id"]}
    target_id = client.made(f"{FLOW}/targetConnections", body)["id"]
    return str(client.made(f"{FLOW}/flows", resources.flow(source_id, target_id, own.mapping_id))["id"])


def test_rows_that_an_upsert_replaced_are_those_of_its_batch_until_it_is_undone(
    client: Client, azurite: Azurite, own: Dataflow
) -> None:
    first = ran(client, upserting(client, own, own.source_id))["providerRefId"]
    assert names(client, own, first) == NAMES
    others = [entity | {"name": "Other"} for entity in resources.people(45)[30:]]
    table = resources.seeded(azurite, "upsertedfiles", others)
    source_id = client.made(f"{FLOW}/sourceConnections", resources.source(own.connection_id, table))["id"]
    flow_id = upserting(client, own, source_id)
    run = ran(client, flow_id)
    kept = {key: name for key, name in NAMES.items() if int(key) < 30}
    assert names(client, own, run["providerRefId"]) == {f"{number:05d}": "Other" for number in range(30, 45)}
    assert names(client, own, first) == kept
    href = listed(client, run["providerRefId"])[0]["_links"]["self"]["href"]
    content = got(client, href)["data"][0]["_links"]["self"]["href"]
    assert client.post(f"/v1/runs/{run['id']}/undo").status_code == 201
    ran(client, flow_id, runs=2)
    assert names(client, own, first) == NAMES
    assert listed(client, run["providerRefId"]) == []
    for gone in (href, content):
        assert refusal(client.get(gone))["code"] == "not-found"


def test_a_batch_that_was_taken_back_or_failed_has_no_files(client: Client, azurite: Azurite, own: Dataflow) -> None:
    flow_id = own.started()
    run = ran(client, flow_id)
    (entry,) = listed(client, run["providerRefId"])
    content = got(client, entry["_links"]["self"]["href"])["data"][0]["_links"]["self"]["href"]
    assert client.post(f"/v1/runs/{run['id']}/undo").status_code == 201
    ran(client, flow_id, runs=2)
    assert listed(client, run["providerRefId"]) == []
    assert client.get(content).status_code == 404
    spoilt = [{**one, "mark": "none"} for one in resources.people(3)]
    failing = resources.dataflow(
        client,
        azurite.connection_string,
        resources.seeded(azurite, "spoiltfiles", spoilt),
        fields={"name": {"type": "string"}, "mark": {"type": "integer"}},
        mapping={"RowKey": "_id", "name": ".name", "mark": ".mark"},
        required=("mark",),
    )
    (failed,) = ended(client, failing.started())
    assert (status(failed), listed(client, failed["providerRefId"])) == ("failed", [])


# --- strangers, and hostile calls ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        "../0-1-0.parquet", "..%2F..%2Fcontrol.db", "%2Fetc%2Fpasswd", "....//0-0-0.parquet", "_delta_log%2F0.json",
        "run%3Dx%2F0-0-0.parquet", "0-9-9.parquet", "rows-" + "0" * 32 + ".parquet", "C:%5Cx.parquet", "%C3%A9", ".",
        "_made%2Fx.parquet", "0-0-0.parquet%20", "0-0-0.parquet%0A", "x" * 200,
    ],
)  # fmt: skip
def test_a_path_leads_nowhere_else(client: Client, file: dict[str, Any], path: str) -> None:
    for call in (client.get, client.head):
        assert call(f"{EXPORT}/files/{file['id']}?path={path}").status_code == 404
    assert client.get(f"{EXPORT}/files/{file['id']}?path={'x' * 201}").status_code == 400


@pytest.mark.parametrize("wrong", ["x", UNKNOWN, "01JQ-0000000000000000", "..", "%2e%2e%2f", "a" * 300, "é", "a-b%2Fc"])
def test_an_id_of_no_file_is_not_found(client: Client, file: dict[str, Any], wrong: str) -> None:
    for path in (wrong, f"{wrong}?path={file['name']}"):
        answer = client.get(f"{EXPORT}/files/{path}")
        assert (answer.status_code, answer.json()["code"]) == (404, "not-found")


def test_a_file_of_another_batch_is_not_read_by_its_name(client: Client, batch: str, own: Dataflow) -> None:
    other = ran(client, own.started())["providerRefId"]
    mine, theirs = (listed(client, one)[0]["dataSetFileId"] for one in (batch, other))
    assert mine.rpartition("-")[2] != theirs.rpartition("-")[2]
    mixed = f"{other}-{mine.rpartition('-')[2]}"
    assert client.get(f"{EXPORT}/files/{mixed}").status_code == 404
    name = got(client, f"{EXPORT}/files/{mine}")["data"][0]["name"]
    assert client.get(f"{EXPORT}/files/{mixed}?path={name}").status_code == 404


def test_nobody_else_sees_a_file(other_org: Client, other_sandbox: Client, batch: str, file: dict[str, Any]) -> None:
    for calls in (other_org, other_sandbox):
        for path in (f"{EXPORT}/batches/{batch}/files", f"{EXPORT}/files/{file['id']}", file["href"]):
            assert calls.get(path).status_code == 404
        assert calls.head(file["href"]).status_code == 404


@pytest.mark.parametrize("permission", [Permission.VIEW_DATA, Permission.VIEW_SOURCES])
def test_rows_take_the_permission_to_see_them(
    without: Callable[[Permission], Client],
    dataflow: Dataflow,
    batch: str,
    file: dict[str, Any],
    permission: Permission,
) -> None:
    calls = without(permission)
    for path in (f"{EXPORT}/batches/{batch}/files", file["href"], f"{EXPORT}/datasets/{dataflow.dataset_id}/preview"):
        assert (calls.get(path).status_code, calls.get(path).json()["code"]) == (403, "forbidden")
    assert calls.head(file["href"]).status_code == 403


# --- what labels hide ------------------------------------------------------------------------------------------------


@pytest.fixture
def labelled(client: Client, azurite: Azurite) -> Iterator[Dataflow]:
    """A dataflow whose names and towns may not be seen by all, with a batch of ten rows."""
    entities = [{**one, "town": f"Town {one['age']}"} for one in resources.people(10)]
    flow = resources.dataflow(
        client,
        azurite.connection_string,
        resources.seeded(azurite, f"labelled{next(_numbers)}", entities),
        fields={
            "name": {"type": "string"},
            "age": {"type": "integer"},
            "place": {"type": "object", "properties": {"town": {"type": "string"}, "zone": {"type": "integer"}}},
        },
        mapping={"RowKey": "_id", "name": ".name", "age": ".age", "town": ".place.town", "mark": ".place.zone"},
    )
    put = [label(client, flow, "name"), label(client, flow, "place/town")]
    yield flow
    for descriptor in put:
        client.delete(f"{REGISTRY}/tenant/descriptors/{descriptor}")


def label(client: Client, flow: Dataflow, path: str) -> str:
    body = {"@type": "xdm:descriptorLabel", "xdm:sourceSchema": flow.schema_id, "xdm:sourceVersion": 1}
    body |= {"xdm:sourceProperty": f"/{flow.tenant}/{path}", "xdm:labels": ["core/I1"]}
    return str(client.made(f"{REGISTRY}/tenant/descriptors", body)["@id"])


def test_hidden_values_are_in_no_file_of_who_may_not_see_them(
    client: Client, without: Callable[[Permission], Client], labelled: Dataflow
) -> None:
    viewer, flow = without(Permission.VIEW_MASKED_DATA), labelled
    batch_id = ran(client, flow.started())["providerRefId"]
    (whole,), (shown,) = listed(client, batch_id), listed(viewer, batch_id)
    assert (shown["records"], shown["dataSetFileId"] != whole["dataSetFileId"]) == ("10", True)
    expected = [
        {"_id": row["_id"], "age": row[flow.tenant]["age"], "zone": row[flow.tenant]["place"]["zone"]}
        for row in sorted(rows(client, batch_id), key=lambda row: row["_id"])
    ]
    found = sorted(rows(viewer, batch_id), key=lambda row: row["_id"])
    assert {(row[flow.tenant]["name"], row[flow.tenant]["place"]["town"]) for row in found} == {(None, None)}
    assert [
        {"_id": row["_id"], "age": row[flow.tenant]["age"], "zone": row[flow.tenant]["place"]["zone"]} for row in found
    ] == expected
    (entry,) = got(viewer, f"{EXPORT}/files/{shown['dataSetFileId']}")["data"]
    href = entry["_links"]["self"]["href"]
    content = viewer.get(href).content
    assert b"Person" not in content
    assert viewer.get(href, headers={"Range": "bytes=9-"}).content == content[9:]
    assert viewer.head(href).headers["content-length"] == entry["length"] == str(len(content))
    # The file as it is, by whatever way its id came.
    (raw,) = got(client, f"{EXPORT}/files/{whole['dataSetFileId']}")["data"]
    for call in (viewer.get, viewer.head):
        assert call(raw["_links"]["self"]["href"]).status_code == 403
    body = viewer.get(raw["_links"]["self"]["href"]).json()
    assert (body["code"], "view-masked-data" in body["detail"]) == ("forbidden", True)
    assert viewer.get(f"{EXPORT}/files/{whole['dataSetFileId']}").status_code == 404
    # Who may see all may see less.
    assert client.get(href).content == content


def test_a_label_that_is_put_on_hides_values_of_files_that_were_made_before(
    client: Client, without: Callable[[Permission], Client], labelled: Dataflow
) -> None:
    viewer, flow = without(Permission.VIEW_MASKED_DATA), labelled
    batch_id = ran(client, upserting(client, flow, flow.source_id))["providerRefId"]
    (before,) = listed(viewer, batch_id)
    (entry,) = got(viewer, before["_links"]["self"]["href"])["data"]
    assert "age" in str(rows(viewer, batch_id))
    added = label(client, flow, "age")
    assert viewer.get(entry["_links"]["self"]["href"]).status_code == 403
    assert {row[flow.tenant]["age"] for row in rows(viewer, batch_id)} == {None}
    client.delete(f"{REGISTRY}/tenant/descriptors/{added}")
    assert {row[flow.tenant]["age"] for row in rows(viewer, batch_id)} == set(range(10))


def test_a_preview_marks_what_it_hides(
    client: Client, without: Callable[[Permission], Client], labelled: Dataflow
) -> None:
    ran(client, labelled.started())
    path = f"{EXPORT}/datasets/{labelled.dataset_id}/preview"
    whole, shown = (got(calls, path)["data"] for calls in (client, without(Permission.VIEW_MASKED_DATA)))
    assert whole[0][labelled.tenant]["name"].startswith("Person")
    hidden = {"name": "********", "place": {"town": "********"}}
    for row, masked in zip(whole, shown, strict=True):
        own = row[labelled.tenant]
        place = {**own["place"], **hidden["place"]}  # type: ignore[dict-item]
        assert masked == {**row, labelled.tenant: {**own, **hidden, "place": place}}


# --- previews --------------------------------------------------------------------------------------------------------


def test_a_preview_shows_rows_as_the_schema_has_them(client: Client, dataflow: Dataflow, batch: str) -> None:
    assert batch
    found = got(client, f"{EXPORT}/datasets/{dataflow.dataset_id}/preview")["data"]
    assert 40 <= len(found) <= 100
    by_id = {row["_id"]: row for row in found}
    assert by_id["00007"] == {"_id": "00007", dataflow.tenant: {"name": "Person 7", "age": 7, "mark": 7}}


def test_a_dataset_without_rows_says_so(client: Client, own: Dataflow, other_sandbox: Client) -> None:
    def refused(calls: Client, dataset_id: str) -> tuple[int, str]:
        answer: httpx.Response = calls.get(f"{EXPORT}/datasets/{dataset_id}/preview")
        return answer.status_code, answer.json()["code"]

    assert refused(client, own.dataset_id) == (404, "nothing-landed")
    flow_id = own.started()
    run = ran(client, flow_id)
    assert len(got(client, f"{EXPORT}/datasets/{own.dataset_id}/preview")["data"]) == 40
    assert refused(other_sandbox, own.dataset_id) == (404, "not-found")
    assert client.post(f"/v1/runs/{run['id']}/undo").status_code == 201
    ran(client, flow_id, runs=2)
    assert refused(client, own.dataset_id) == (404, "nothing-landed")
    assert refused(client, "0" * 24) == (404, "not-found")


def test_values_of_every_kind_are_json(client: Client, azurite: Azurite) -> None:
    entity = {
        "PartitionKey": "p", "RowKey": "1", "at": "2026-01-02T03:04:05Z", "at@odata.type": "Edm.DateTime",
        "share": 0.5, "flag": True, "long": "9007199254740993", "long@odata.type": "Edm.Int64",
    }  # fmt: skip
    flow = resources.dataflow(
        client,
        azurite.connection_string,
        resources.seeded(azurite, "kinds", [entity, {"PartitionKey": "p", "RowKey": "2"}]),
        fields={
            "at": {"type": "string", "format": "date-time"},
            "share": {"type": "number"},
            "flag": {"type": "boolean"},
            "long": {"type": "integer", "minimum": -(2**53), "maximum": 2**62},
            "map": {"type": "object", "additionalProperties": {"type": "string"}},
        },
        mapping={"RowKey": "_id", **{name: f".{name}" for name in ("at", "share", "flag", "long")}},
    )
    ran(client, flow.started())
    found = {row["_id"]: row for row in got(client, f"{EXPORT}/datasets/{flow.dataset_id}/preview")["data"]}
    expected = {"at": "2026-01-02T03:04:05Z", "share": 0.5, "flag": True, "long": 9007199254740993}
    assert found == {"1": {"_id": "1", flow.tenant: expected}, "2": {"_id": "2"}}
    assert json.dumps(found)
