"""Values that labels hide: wherever rows show, from credentials that may see rows but not these."""

import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from demo.azurite import Azurite
from flowservice.domain.identity import Permission
from tests.live import Client
from tests.wire import resources
from tests.wire.resources import DATASETS, FLOW, PREP, REGISTRY, Dataflow, ended, refusal

MARK = "********"
FIELDS = {
    "mail": {"type": "string"},
    "place": {"type": "object", "properties": {"city": {"type": "string"}, "street": {"type": "string"}}},
    "mark": {"type": "integer"},
    "visits": {"type": "integer"},
}
MAPPING = {
    "RowKey": "_id", "email": ".mail", "city": ".place.city", "street": ".place.street", "mark": ".mark",
    "visits": ".visits",
}  # fmt: skip
SECRETS = ("@example.com", "Elm")


def entity(number: int) -> dict[str, Any]:
    return {
        "PartitionKey": "p", "RowKey": f"{number:03d}", "email": f"{number}@example.com", "city": f"City {number}",
        "street": f"{number} Elm St", "mark": "none" if number % 5 == 3 else str(number), "visits": number,
    }  # fmt: skip


@pytest.fixture(scope="module")
def shoppers(client: Client, azurite: Azurite) -> Dataflow:
    """Twenty shoppers, four of them without the mark that is required. A mail is labelled I1, a street I2."""
    table = resources.seeded(azurite, "shoppers", [entity(number) for number in range(20)])
    flow = resources.dataflow(
        client, azurite.connection_string, table, fields=FIELDS, mapping=MAPPING, required=("mark",)
    )
    for path, label in (("mail", "core/I1"), ("place/street", "core/I2")):
        labelled(client, flow, path, label)
    return flow


def labelled(client: Client, flow: Dataflow, path: str, *labels: str) -> str:
    body = {"@type": "xdm:descriptorLabel", "xdm:sourceSchema": flow.schema_id, "xdm:sourceVersion": 1}
    body |= {"xdm:sourceProperty": f"/{flow.tenant}/{path}", "xdm:labels": list(labels)}
    return str(client.made(f"{REGISTRY}/tenant/descriptors", body)["@id"])


@pytest.fixture(scope="module")
def flow_id(shoppers: Dataflow) -> str:
    return shoppers.started(options={"partialIngestionPercent": 50})


@pytest.fixture(scope="module")
def run(client: Client, flow_id: str) -> Any:
    (run,) = ended(client, flow_id)
    return run


@pytest.fixture(scope="module")
def viewer(without: Callable[[Permission], Client]) -> Client:
    """May see rows, but not what labels hide."""
    return without(Permission.VIEW_MASKED_DATA)


@pytest.fixture
def whole_hidden(client: Client, shoppers: Dataflow) -> Iterator[None]:
    """The dataset may not be exported for a while."""
    path = f"{DATASETS}/{shoppers.dataset_id}/labels"
    assert client.post(path, json={"labels": ["C12"]}).status_code == 201
    yield
    assert client.delete(path, headers={"If-Match": "*"}).status_code == 200


def test_the_labels_that_hold_are_told_with_what_they_hide(client: Client, viewer: Client, shoppers: Dataflow) -> None:
    def told(who: Client) -> Any:
        (found,) = who.get("/v1/datasets/labels", params={"dataSet": shoppers.dataset_id}).json()["dataSets"]
        assert found["dataSetId"] == shoppers.dataset_id
        return {one["path"]: (one["labels"], one["hidden"]) for one in found["fields"]}

    mail, street = f"{shoppers.tenant}.mail", f"{shoppers.tenant}.place.street"
    assert told(viewer) == {mail: (["I1"], True), street: (["I2"], True)}
    assert told(client) == {mail: (["I1"], False), street: (["I2"], False)}


@pytest.mark.usefixtures("whole_hidden")
def test_a_label_on_a_dataset_is_told_once(client: Client, viewer: Client, shoppers: Dataflow) -> None:
    for who, hidden in ((client, False), (viewer, True)):
        (found,) = who.get("/v1/datasets/labels", params={"dataSet": shoppers.dataset_id}).json()["dataSets"]
        assert (found["labels"], found["hidden"]) == (["C12"], hidden)
        assert ["I1"] in [one["labels"] for one in found["fields"]]


def test_labels_are_asked_for_by_ids(client: Client, shoppers: Dataflow) -> None:
    refusal(client.get("/v1/datasets/labels"))
    refusal(client.get("/v1/datasets/labels", params={"dataSet": [shoppers.dataset_id] * 101}))
    refusal(client.get("/v1/datasets/labels", params={"dataSet": [shoppers.dataset_id, "nothing"]}))


def previewed(client: Client, flow: Dataflow, wanted: Any = None, table: str = "shoppers") -> Any:
    filters = {} if wanted is None else {"filters": base64.b64encode(json.dumps(wanted).encode()).decode()}
    query = {"objectType": "table", "object": table, "preview": "true", **filters}
    return client.get(f"{FLOW}/connections/{flow.connection_id}/explore", params=query)


def equal(column: str, value: str) -> Any:
    params = [{"nodeType": "fieldLookup", "fieldName": column}, {"nodeType": "literal", "value": value}]
    return {"type": "PQL", "format": "pql/json", "value": {"nodeType": "fnApply", "fnName": "=", "params": params}}


def test_a_preview_of_the_source_hides_what_lands_in_hidden_fields(
    client: Client, viewer: Client, shoppers: Dataflow, flow_id: str
) -> None:
    whole, shown = (previewed(who, shoppers).json()["data"] for who in (client, viewer))
    assert whole[0]["email"].endswith("@example.com")
    assert [row | {"email": MARK, "street": MARK} for row in whole] == shown
    # Azure does not tell names of tables apart by case.
    assert MARK in previewed(viewer, shoppers, table="Shoppers").text


def test_a_filter_does_not_tell_what_a_preview_hides(
    client: Client, viewer: Client, shoppers: Dataflow, flow_id: str
) -> None:
    asked = equal("email", "7@example.com")
    assert [row["RowKey"] for row in previewed(client, shoppers, asked).json()["data"]] == ["007"]
    body = refusal(previewed(viewer, shoppers, asked), "FLOW-2118-403")
    assert "view-masked-data" in body["errorMessage"]
    (row,) = previewed(viewer, shoppers, equal("city", "City 7")).json()["data"]
    assert (row["RowKey"], row["email"]) == ("007", MARK)


def test_a_dry_run_shows_marks(client: Client, viewer: Client, shoppers: Dataflow, flow_id: str) -> None:
    whole, shown = (who.post(f"/v1/flows/{flow_id}/dryRun", json={"rows": 10}).json() for who in (client, viewer))
    assert whole["counts"] == shown["counts"]
    for row, masked in zip(whole["rows"], shown["rows"], strict=True):
        assert row["before"]["email"].endswith("@example.com")
        assert masked["before"] == row["before"] | {"email": MARK, "street": MARK}
        own = row["after"][shoppers.tenant]
        own |= {"mail": MARK, "place": {**own["place"], "street": MARK}}
        assert masked["after"] == row["after"]
    for reject, masked in zip(whole["rejects"], shown["rejects"], strict=True):
        assert masked == {**reject, "row": reject["row"] | {"email": MARK, "street": MARK}}
    assert shown["rejects"][0]["value"] == "none"


def test_rejected_rows_show_marks(client: Client, viewer: Client, shoppers: Dataflow, run: Any) -> None:
    for path in (f"/v1/runs/{run['id']}/rejects", f"/v1/datasets/{shoppers.dataset_id}/rejects"):
        whole, shown = (who.get(path).json() for who in (client, viewer))
        assert len(whole["rejects"]) == 4
        assert whole["counts"] == shown["counts"]
        for reject, masked in zip(whole["rejects"], shown["rejects"], strict=True):
            assert masked == {**reject, "row": reject["row"] | {"email": MARK, "street": MARK}}


def test_diagnostics_of_batches_show_marks(client: Client, viewer: Client, run: Any) -> None:
    base = f"/data/foundation/export/batches/{run['providerRefId']}"
    for path in (
        "/meta?path=row_errors/validation_errors_1.json",
        "/meta?path=row_errors_sample.json",
        "/failed?path=validation_errors_1.json",
    ):
        whole, shown = (who.get(base + path).text for who in (client, viewer))
        assert all(secret in whole for secret in SECRETS), path
        assert not [secret for secret in SECRETS if secret in shown], path
        assert [json.loads(line)["RowKey"] for line in shown.splitlines()] == ["003", "008", "013", "018"]
    (file,) = viewer.get(f"{base}/meta?path=row_errors").json()["data"]
    text = viewer.get(f"{base}/meta?path=row_errors/validation_errors_1.json").text
    assert file["length"] == str(len(text.encode()))


def test_a_label_on_the_dataset_hides_all_that_was_mapped(
    viewer: Client, shoppers: Dataflow, run: Any, flow_id: str, whole_hidden: None
) -> None:
    rejects = viewer.get(f"/v1/runs/{run['id']}/rejects").json()["rejects"]
    assert {reject["value"] for reject in rejects} == {MARK}
    assert rejects[0]["row"] == {"PartitionKey": "p"} | dict.fromkeys(MAPPING, MARK)
    assert rejects[0]["key"] == {"PartitionKey": "p", "RowKey": MARK}
    (row, *_) = viewer.post(f"/v1/flows/{flow_id}/dryRun", json={"rows": 1}).json()["rows"]
    assert set(row["before"].values()) <= {MARK, "p"}
    assert not [secret for secret in (*SECRETS, "City") if secret in json.dumps(row)]
    (first, *_) = previewed(viewer, shoppers).json()["data"]
    assert first["RowKey"] == first["visits"] == MARK


def test_labels_count_at_once(client: Client, viewer: Client, shoppers: Dataflow, flow_id: str) -> None:
    def city() -> str:
        return str(previewed(viewer, shoppers).json()["data"][0]["city"])

    assert city().startswith("City")
    descriptor = labelled(client, shoppers, "place/city", "core/S2", "core/C5")
    assert city() == MARK
    assert client.delete(f"{REGISTRY}/tenant/descriptors/{descriptor}").status_code == 204
    # C5 alone says nothing of who may look.
    descriptor = labelled(client, shoppers, "place/city", "core/C5")
    assert city().startswith("City")
    client.delete(f"{REGISTRY}/tenant/descriptors/{descriptor}")


def test_a_reject_does_not_quote_a_hidden_column_that_another_field_is_made_of(
    client: Client, viewer: Client, azurite: Azurite
) -> None:
    rows = [{"PartitionKey": "p", "RowKey": str(at), "secret": secret} for at, secret in enumerate(("Ada Elm", "7"))]
    table = resources.seeded(azurite, "codes", rows)
    fields = {"secret": {"type": "string"}, "digits": {"type": "integer"}}
    mapping = {"RowKey": "_id", "secret": ".secret"}
    flow = resources.dataflow(client, azurite.connection_string, table, fields=fields, mapping=mapping)
    labelled(client, flow, "secret", "core/I1")
    made_of = {"sourceType": "EXPRESSION", "source": "to_integer(secret)", "destination": f"{flow.tenant}.digits"}
    client.made(f"{PREP}/mappingSets/{flow.mapping_id}/mappings", made_of | {"onError": "reject"}, status=200)
    newest = [{"name": "Mapping", "params": {"mappingId": flow.mapping_id, "mappingVersion": 1}}]
    flow_id = flow.started(transformations=newest, options={"partialIngestionPercent": 90})
    (run,) = ended(client, flow_id)
    batch = f"/data/foundation/export/batches/{run['providerRefId']}"
    for path in (f"/v1/runs/{run['id']}/rejects", f"/v1/datasets/{flow.dataset_id}/rejects"):
        whole, shown = (who.get(path).json()["rejects"] for who in (client, viewer))
        assert [reject["value"] for reject in whole] == ["Ada Elm"]
        assert shown == [{**whole[0], "value": MARK, "row": whole[0]["row"] | {"secret": MARK}}]
    whole, shown = (who.post(f"/v1/flows/{flow_id}/dryRun", json={"rows": 10}).json() for who in (client, viewer))
    assert (whole["rejects"][0]["value"], shown["rejects"][0]["value"]) == ("Ada Elm", MARK)
    for path in ("/meta?path=row_errors/validation_errors_1.json", "/failed?path=validation_errors_1.json"):
        assert "Ada" in client.get(batch + path).text
        assert "Ada" not in viewer.get(batch + path).text


def test_another_connection_to_the_same_account_hides_the_same(
    client: Client, viewer: Client, azurite: Azurite, shoppers: Dataflow, flow_id: str
) -> None:
    # The same account by another address, and with its keys in another order.
    moved = ";".join(reversed(azurite.connection_string.strip(";").split(";"))).replace("127.0.0.1", "localhost")
    for account in (azurite.connection_string, moved):
        again = client.made(f"{FLOW}/connections", resources.connection(account))["id"]
        other = replace(shoppers, connection_id=again)
        assert "@example.com" in previewed(client, other).text
        shown = previewed(viewer, other).json()["data"]
        assert {row["email"] for row in shown} == {row["street"] for row in shown} == {MARK}
        refusal(previewed(viewer, other, equal("email", "7@example.com")), "FLOW-2118-403")
