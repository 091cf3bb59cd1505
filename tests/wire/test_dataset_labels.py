"""Labels of datasets, as clients of the Dataset Service read and write them."""

import json
import re
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import DeltaTable

from demo.azurite import Azurite
from flowservice.adapters.delta.column_labels import FIELDS, LABELS
from flowservice.app import App
from flowservice.domain.dataset import TableRef
from flowservice.domain.identity import Permission
from flowservice.service.dataset_labels import LabelsOfDatasets
from flowservice.settings import Settings
from tests.live import Client, Server
from tests.wire import resources
from tests.wire.resources import CATALOG, DATASETS, PROFILE, REGISTRY, UNKNOWN, Dataflow
from tests.wire.test_catalog import made

ANY = {"If-Match": "*"}
NOBODY = "0" * 24


@pytest.fixture
def dataset(client: Client, dataflow: Dataflow) -> str:
    """A new dataset."""
    return made(client, dataflow)


def at(dataset_id: str) -> str:
    return f"{DATASETS}/{dataset_id}/labels"


def refused(answer: Any, status: int, name: str, code: str) -> Any:
    body = answer.json()
    assert answer.status_code == status, answer.text
    assert (body["status"], body["code"], body["errorCode"]) == (name, f"PES-{status}", code)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", body["timestamp"])
    assert body["message"]
    assert body["path"] == f"/entities/AEP:dataset:{answer.request.url.path.split('/')[5]}"
    return body


def test_labels_are_made_read_replaced_and_taken_off(client: Client, dataflow: Dataflow, dataset: str) -> None:
    refused(client.get(at(dataset)), 404, "NOT_FOUND", "not-found")
    entity = {"namespace": "AEP", "type": "dataset", "id": dataset}
    answer = client.post(
        at(dataset), json={"labels": ["core/I1", "C2"], "optionalLabels": [], "entityId": entity, "parents": []}
    )
    assert answer.status_code == 201
    alt_id = client.get(
        f"{REGISTRY}/tenant/schemas/{dataflow.schema_id.replace('/', '%2F')}",
        headers={"Accept": "application/vnd.adobe.xed-id+json"},
    ).json()["meta:altId"]
    parents = [{"id": alt_id, "type": "schema", "namespace": "AEP"}]
    assert answer.json() == {
        "labels": ["C2", "I1"], "optionalLabels": [], "parents": parents,
        "code": "PES-201", "message": "POST Successful",
    }  # fmt: skip
    first = answer.headers["ETag"]
    assert re.fullmatch(r'"[0-9a-f]{8}-0000-0200-0000-[0-9a-f]{12}"', first)

    read = client.get(at(dataset))
    shown = read.json()[f"AEP:dataset:{dataset}"]
    assert (shown["labels"], shown["imsOrg"], shown["_etag"]) == (
        ["C2", "I1"],
        client.headers["x-gw-ims-org-id"],
        first,
    )
    head = client.head(at(dataset))
    assert (head.status_code, head.content, head.headers["ETag"]) == (200, b"", read.headers["ETag"])

    # Samples show the etag without quotes.
    put = client.put(at(dataset), json={"labels": ["C9"], "parents": parents}, headers={"If-Match": first.strip('"')})
    assert (put.status_code, put.json()["labels"]) == (200, ["C9"])
    assert (put.json()["code"], put.json()["message"]) == ("PES-200", "PUT Successful")
    second = put.headers["ETag"]
    assert second != first
    refused(
        client.put(at(dataset), json={"labels": []}, headers={"If-Match": first}), 412, "PRECONDITION_FAILED", "stale"
    )
    refused(client.put(at(dataset), json={"labels": []}), 428, "PRECONDITION_REQUIRED", "precondition-missing")
    refused(client.delete(at(dataset)), 428, "PRECONDITION_REQUIRED", "precondition-missing")
    refused(client.delete(at(dataset), headers={"If-Match": first}), 412, "PRECONDITION_FAILED", "stale")

    gone = client.delete(at(dataset), headers={"If-Match": second})
    assert (gone.status_code, gone.content) == (200, b"")
    refused(client.delete(at(dataset), headers=ANY), 404, "NOT_FOUND", "not-found")
    assert client.head(at(dataset)).status_code == 404


def test_an_empty_list_is_labels_too(client: Client, dataset: str) -> None:
    assert client.post(at(dataset), json={"labels": []}).status_code == 201
    refused(client.post(at(dataset), json={"labels": ["C2"]}), 403, "FORBIDDEN", "labels-exist")
    assert client.put(at(dataset), json={"labels": ["C2"]}, headers=ANY).json()["labels"] == ["C2"]


def test_a_put_makes_labels_only_where_any_etag_will_do(client: Client, dataset: str) -> None:
    body = {"labels": ["C2"]}
    refused(client.put(at(dataset), json=body, headers={"If-Match": "x"}), 404, "NOT_FOUND", "not-found")
    refused(client.put(at(dataset), json=body), 404, "NOT_FOUND", "not-found")
    assert client.put(at(dataset), json=body, headers=ANY).status_code == 200


def test_a_dataset_that_is_not_there_has_no_labels(client: Client) -> None:
    assert "dataset not found" in refused(client.get(at(NOBODY)), 404, "NOT_FOUND", "not-found")["message"]
    refused(client.post(at(UNKNOWN), json={"labels": []}), 404, "NOT_FOUND", "not-found")


OPTION = {"id": "x", "contentType": "x", "schemaPath": "/properties/_id"}


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ({"labels": ["C2", "C99"]}, "no label there is: 'C99'"),
        ({"labels": ["c2"]}, "no label there is"),
        ({"labels": ["custom/nothing"]}, "no label there is"),
        ({"labels": [["C1", "C2"]]}, "a list of names"),
        ({"labels": "C2"}, "a list of names"),
        ({"labels": None}, "a list of names"),
        ({"labels": [], "entityId": {"namespace": "AEP", "type": "dataset", "id": NOBODY}}, "entityId"),
        ({"labels": [], "entityId": []}, "entityId"),
        ({"labels": [], "parents": [{"namespace": "AEP", "type": "dataset", "id": NOBODY}]}, "its own schema alone"),
        ({"labels": [], "parents": ["x"]}, "a list of objects"),
        ({"labels": [], "optionalLabels": [{"option": OPTION, "labels": ["C2"]}]}, "labels of fields"),
        ({"labels": [], "optionalLabels": [{"option": {"id": "x"}, "labels": []}]}, "schemaPath"),
        ({"labels": [], "optionalLabels": [{"labels": []}]}, "schemaPath"),
        ({"labels": [], "optionalLabels": {}, "x": 1, "entityId": 7}, "entityId"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_what_cannot_be_is_refused(client: Client, dataset: str, method: str, body: Any, why: str) -> None:
    answer = client.request(method, at(dataset), json=body, headers=ANY)
    assert why in refused(answer, 400, "BAD_REQUEST", "field-invalid")["message"]
    assert client.get(at(dataset)).status_code == 404


def test_labels_go_with_their_dataset(client: Client, dataset: str) -> None:
    assert client.post(at(dataset), json={"labels": ["C2"]}).status_code == 201
    assert client.delete(f"{CATALOG}/dataSets/{dataset}").status_code == 200
    assert "dataset not found" in client.get(at(dataset)).json()["message"]


def test_who_may_not_manage_reads_and_changes_nothing(client: Client, without: Any, dataset: str) -> None:
    client.post(at(dataset), json={"labels": ["C2"]})
    reader = without(Permission.MANAGE_SOURCES)
    assert reader.get(at(dataset)).status_code == 200
    refused(reader.put(at(dataset), json={"labels": []}, headers=ANY), 403, "FORBIDDEN", "forbidden")
    refused(reader.delete(at(dataset), headers=ANY), 403, "FORBIDDEN", "forbidden")


def test_fields_lose_the_labels_that_older_clients_put_there(tmp_path: Path) -> None:
    """Under the old rule they are set, under the new one only taken away."""
    home, dataset = tmp_path / "home", ""
    old = Server(home, env={"FLOWSERVICE_LEGACY_FIELD_LABELS": "true"}).start()
    with old.client() as client:
        schema = client.made(f"{REGISTRY}/tenant/schemas", resources.schema(PROFILE))["$id"]
        (reference,) = client.made(f"{CATALOG}/dataSets", resources.dataset(schema, "labelled"))
        dataset = str(reference).removeprefix("@/dataSets/")
        option = {"id": schema, "contentType": "application/vnd.adobe.xed+json;version=1"}

        def body(*labels: Any, path: str = "/properties/_id") -> Any:
            return {
                "labels": [],
                "optionalLabels": [{"option": {**option, "schemaPath": path}, "labels": list(labels)}],
            }

        assert (
            client.post(at(dataset), json=body("I1", "I2")).json()["optionalLabels"]
            == body("I1", "I2")["optionalLabels"]
        )
        assert (
            "no field" in client.put(at(dataset), json=body("C2", path="/properties/x"), headers=ANY).json()["message"]
        )
    assert old.stop() == 0
    new = Server(home).start()
    with new.client() as client:
        for labels in (["I1", "I2", "C2"], ["C2"]):
            assert (
                "may only be taken away" in client.put(at(dataset), json=body(*labels), headers=ANY).json()["message"]
            )
        other = client.put(at(dataset), json=body("I1", path="/properties/personID"), headers=ANY)
        assert other.status_code == 400
        assert (
            client.put(at(dataset), json=body("I1"), headers=ANY).json()["optionalLabels"]
            == body("I1")["optionalLabels"]
        )
        assert client.put(at(dataset), json=body(), headers=ANY).json()["optionalLabels"] == []
    assert new.stop() == 0


def said(home: Path, dataset_id: str, column: str) -> Any:
    """What a column of the dataset's table says of labels, to whoever reads the table."""
    (folder,) = (home / "lake").glob(f"*/{dataset_id}")
    field = pa.schema(DeltaTable(folder).schema()).field(column)
    return [json.loads((field.metadata or {}).get(name.encode(), b"null")) for name in (LABELS, FIELDS)]


def waited(home: Path, dataset_id: str, column: str, expected: Any) -> None:
    deadline = time.monotonic() + 30
    while (found := said(home, dataset_id, column)) != expected:
        assert time.monotonic() < deadline, found
        time.sleep(0.1)


def on_field(dataflow: Dataflow, *labels: str) -> dict[str, Any]:
    return {
        "@type": "xdm:descriptorLabel", "xdm:sourceSchema": dataflow.schema_id, "xdm:labels": list(labels),
        "xdm:sourceProperty": f"/{dataflow.tenant}/name",
    }  # fmt: skip


def test_the_table_says_labels_from_its_first_row_on_and_follows_them(
    client: Client, server: Server, azurite: Azurite, people: str
) -> None:
    flow = resources.names_flow(client, azurite.connection_string, people)
    own = client.put("/data/foundation/dulepolicy/labels/custom/SHOP", json={"name": "SHOP", "category": "Custom"})
    assert own.status_code in {200, 201}
    descriptor = client.made(f"{REGISTRY}/tenant/descriptors", on_field(flow, "core/I1", "custom/SHOP"))
    assert descriptor["xdm:labels"] == ["core/I1", "custom/SHOP"]
    assert client.post(at(flow.dataset_id), json={"labels": ["C2"]}).status_code == 201
    resources.ended(client, flow.started())
    assert said(server.home, flow.dataset_id, flow.tenant) == [["C2"], {"name": ["C2", "I1", "SHOP"]}]
    assert said(server.home, flow.dataset_id, "_id") == [["C2"], {}]

    path = f"{REGISTRY}/tenant/descriptors/{descriptor['@id']}"
    assert client.put(path, json=on_field(flow, "C9")).status_code == 200
    waited(server.home, flow.dataset_id, flow.tenant, [["C2"], {"name": ["C2", "C9"]}])
    assert client.delete(path).status_code == 204
    assert client.delete(at(flow.dataset_id), headers=ANY).status_code == 200
    waited(server.home, flow.dataset_id, flow.tenant, [[], {}])
    (folder,) = (server.home / "lake").glob(f"*/{flow.dataset_id}")
    assert DeltaTable(folder).to_pyarrow_table().num_rows == 40


def test_a_change_before_a_kill_is_carried_after_it(tmp_path: Path) -> None:
    """The mark of the table is in the store: the next process of the home finds it."""
    home = tmp_path / "home"
    first = Server(home).start()
    with first.client() as client:
        schema = client.made(f"{REGISTRY}/tenant/schemas", resources.schema(PROFILE))["$id"]
        (reference,) = client.made(f"{CATALOG}/dataSets", resources.dataset(schema, "killed"))
    dataset = str(reference).removeprefix("@/dataSets/")
    assert first.stop() == 0
    beside = App(Settings(home=home))
    org = beside.database.tenancy.orgs()[0]
    scope = beside.database.tenancy.sandbox(org.id, "prod").scope
    beside.lake.prepare(TableRef(sandbox_id=scope.sandbox_id, dataset_id=dataset), pa.schema([("_id", pa.string())]))
    labels = LabelsOfDatasets(database=beside.database, now=beside.now)
    # A process that stops at this very place.
    labels.create(beside.identity.itself(scope), dataset, {"labels": ["C9"]})
    beside.database.engine.dispose()
    assert said(home, dataset, "_id") == [None, None]
    second = Server(home).start()
    waited(home, dataset, "_id", [["C9"], {}])
    assert second.stop() == 0
