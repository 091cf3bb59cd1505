"""What a flow is made of, and the documented checks of each part."""

from typing import Any

import pytest

from tests.live import Client
from tests.wire import resources
from tests.wire.resources import CATALOG, FLOW, LAKE, PREP, REGISTRY, UNKNOWN, Dataflow, refusal

# --- source and target connections -----------------------------------------------------------------------------------


def test_a_source_connection_reads_as_documented(client: Client, dataflow: Dataflow) -> None:
    shown = client.one(f"{FLOW}/sourceConnections/{dataflow.source_id}")
    base = {"id": dataflow.connection_id, "connectionSpec": {"id": resources.AZURE_TABLE, "version": "1.0"}}
    assert shown["inheritedAttributes"] == {"baseConnection": base}
    assert shown["params"] == {"tableName": dataflow.table}
    assert shown["data"] == {"format": "tabular"}
    assert shown["state"] == "enabled"
    assert shown["baseConnectionId"] == dataflow.connection_id


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"baseConnectionId": None}, "CONNECTOR-1304-400"),
        ({"baseConnectionId": UNKNOWN}, "FLOW-1439-404"),
        ({"connectionSpec": {"id": UNKNOWN}}, "FLOW-1413-400"),
        ({"connectionSpec": {"id": LAKE}}, "FLOW-1100-400"),
        ({"params": None}, "CONNECTOR-1304-400"),
        ({"params": {}}, "CONNECTOR-1304-400"),
        ({"params": {"tableName": "doesNotExist"}}, "FLOW-1101-404"),
        ({"params": {"tableName": "a b"}}, "FLOW-1452-400"),
        ({"params": {"tableName": "Tables"}}, "FLOW-1101-404"),
        ({"params": {"tableName": "people", "unknown": 1}}, "FLOW-1452-400"),
        ({"params": {"tableName": "people", "columns": [{"name": "nothing"}]}}, "CONNECTOR-1378-400"),
        ({"params": {"tableName": "people", "columns": "name"}}, "FLOW-1452-400"),
        ({"name": ""}, "FLOW-1452-400"),
    ],
)
def test_a_source_that_cannot_be_read_is_refused(
    client: Client, dataflow: Dataflow, change: dict[str, Any], code: str
) -> None:
    before = client.get(f"{FLOW}/sourceConnections?count=true").json()
    body = resources.source(dataflow.connection_id, dataflow.table) | change
    refusal(client.post(f"{FLOW}/sourceConnections", json=body), code)
    assert client.get(f"{FLOW}/sourceConnections?count=true").json() == before


def test_a_target_connection_reads_as_documented(client: Client, dataflow: Dataflow) -> None:
    shown = client.one(f"{FLOW}/targetConnections/{dataflow.target_id}")
    assert shown["params"] == {"dataSetId": dataflow.dataset_id}
    assert isinstance(shown["data"], dict)
    assert shown["connectionSpec"] == {"id": LAKE, "version": "1.0"}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"params": {}}, "CONNECTOR-1304-400"),
        ({"params": {"dataSetId": "0" * 24}}, "FLOW-1452-400"),
        ({"connectionSpec": {"id": UNKNOWN}}, "FLOW-1413-400"),
        ({"connectionSpec": {"id": resources.AZURE_TABLE}}, "FLOW-1100-400"),
        ({"data": {"schema": {"id": "https://ns.adobe.com/other"}}}, "FLOW-1425-400"),
        ({"data": {"schema": {"id": []}}}, "FLOW-1425-400"),
    ],
)
def test_a_target_that_cannot_be_written_to_is_refused(
    client: Client, dataflow: Dataflow, change: dict[str, Any], code: str
) -> None:
    body = resources.target(dataflow.dataset_id) | change
    refusal(client.post(f"{FLOW}/targetConnections", json=body), code)


@pytest.mark.parametrize("collection", ["sourceConnections", "targetConnections"])
def test_what_no_flow_uses_can_be_deleted(client: Client, dataflow: Dataflow, collection: str) -> None:
    body = resources.source(dataflow.connection_id, dataflow.table)
    if collection == "targetConnections":
        body = resources.target(dataflow.dataset_id)
    path = f"{FLOW}/{collection}/{client.made(f'{FLOW}/{collection}', body)['id']}"
    assert client.delete(path).status_code == 204
    refusal(client.get(path), "FLOW-1439-404")


# --- schema, dataset, mapping ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["xed", "xed-full", "xdm", "xed-full-notext"])
def test_a_schema_is_read_by_both_of_its_names(client: Client, dataflow: Dataflow, form: str) -> None:
    headers = {"Accept": f"application/vnd.adobe.{form}+json; version=1"}
    encoded = dataflow.schema_id.replace(":", "%3A").replace("/", "%2F")
    by_id = client.get(f"{REGISTRY}/tenant/schemas/{encoded}", headers=headers)
    assert by_id.status_code == 200, by_id.text
    shown = by_id.json()
    assert shown["$id"] == dataflow.schema_id
    by_alt = client.get(f"{REGISTRY}/tenant/schemas/{shown['meta:altId']}", headers=headers)
    assert by_alt.json() == shown
    if "full" in form:
        assert set(shown["properties"][dataflow.tenant]["properties"]) == {"name", "age", "mark"}


def test_an_unknown_schema_has_the_registry_s_own_error(client: Client) -> None:
    body = refusal(client.get(f"{REGISTRY}/tenant/schemas/_tenant.schemas.0"), "XDM-1012-404")
    assert body["report"]["registryRequestId"]


def test_a_dataset_is_keyed_by_its_id_and_has_what_clients_rely_on(client: Client, dataflow: Dataflow) -> None:
    (item,) = client.get(f"{CATALOG}/dataSets/{dataflow.dataset_id}").json().items()
    dataset_id, shown = item
    assert dataset_id == dataflow.dataset_id
    assert shown["name"] == f"rows of {dataflow.table}"
    assert shown["schemaRef"]["id"] == dataflow.schema_id
    assert all(isinstance(values, list) for values in shown["tags"].values())
    assert shown["tags"]["adobe/pqs/table"]
    assert shown["classification"]["dataBehavior"] == "record"
    assert client.get(f"{CATALOG}/dataSets/{dataset_id}?properties=name,nothing").json() == {
        dataset_id: {"name": shown["name"]}
    }
    refusal(client.get(f"{CATALOG}/dataSets/{'0' * 24}"))


def test_a_mapping_set_reads_in_both_dialects(client: Client, dataflow: Dataflow) -> None:
    current = {
        "outputSchema": {"schemaRef": {"id": dataflow.schema_id, "contentType": "application/vnd.adobe.xed+json"}},
        "mappings": [{"sourceType": "ATTRIBUTE", "source": "name", "destination": f"{dataflow.tenant}.name"}],
    }
    older = resources.mapping_set(dataflow.schema_id, {"name": f"{dataflow.tenant}.name"})
    for body in (current, older):
        made = client.made(f"{PREP}/mappingSets", body, status=200)
        assert made["version"] == 0
        assert len(made["id"]) == 32
        shown = client.get(f"{PREP}/mappingSets/{made['id']}").json()
        (mapping,) = shown["mappings"]
        assert mapping["source"] == mapping["sourceAttribute"] == "name"
        assert mapping["destination"] == mapping["destinationXdmPath"] == f"{dataflow.tenant}.name"
        assert shown["xdmSchema"] == shown["outputSchema"]["schemaRef"]["id"] == dataflow.schema_id
        assert client.get(f"{PREP}/mappingSets/{made['id']}/mappings").json() == [mapping]


def test_a_replaced_mapping_set_keeps_its_former_versions(client: Client, dataflow: Dataflow) -> None:
    first = resources.mapping_set(dataflow.schema_id, {"name": f"{dataflow.tenant}.name"})
    set_id = client.made(f"{PREP}/mappingSets", first, status=200)["id"]
    second = resources.mapping_set(dataflow.schema_id, {"age": f"{dataflow.tenant}.age"})
    assert client.put(f"{PREP}/mappingSets/{set_id}", json=second).json()["version"] == 1
    path = f"{PREP}/mappingSets/{set_id}"
    assert client.get(path).json()["mappings"][0]["source"] == "age"
    assert client.get(f"{path}?version=0").json()["mappings"][0]["source"] == "name"
    refusal(client.get(f"{path}?version=7"))


@pytest.mark.parametrize(
    "mapping",
    [{"name": "nothing.at.all"}, {"name": "_tenant.nothing"}, {"name": "person"}, {"name": ""}, {"": "_id"}],
)
def test_a_mapping_onto_what_the_schema_does_not_have_is_refused(
    client: Client, dataflow: Dataflow, mapping: dict[str, str]
) -> None:
    refusal(client.post(f"{PREP}/mappingSets", json=resources.mapping_set(dataflow.schema_id, mapping)))


def test_two_mappings_onto_one_field_are_refused(client: Client, dataflow: Dataflow) -> None:
    body = resources.mapping_set(dataflow.schema_id, {"name": "_id", "RowKey": "_id"})
    refusal(client.post(f"{PREP}/mappingSets", json=body))


# --- flows -----------------------------------------------------------------------------------------------------------


def test_a_flow_reads_as_documented(client: Client, dataflow: Dataflow, landed: str) -> None:
    shown = client.one(f"{FLOW}/flows/{landed}")
    assert shown["state"] == "enabled"
    assert shown["flowSpec"] == {"id": resources.CRM_TO_AEP, "version": "1.0"}
    assert shown["scheduleParams"] == {"startTime": "1717000000", "frequency": "once"}
    assert shown["runs"] == f"/runs?property=flowId=={landed}"
    inherited = shown["inheritedAttributes"]
    assert inherited["properties"] == {"isSourceFlow": True}
    assert inherited["sourceConnections"][0]["baseConnection"]["id"] == dataflow.connection_id
    assert inherited["targetConnections"][0]["connectionSpec"]["id"] == LAKE
    assert shown["transformations"][0]["params"]["mappingId"] == dataflow.mapping_id
    assert shown["lastRunDetails"]["state"] == "success"
    assert client.get(f"{FLOW}{shown['runs']}").json()["items"]


def _mapping(dataflow: Dataflow, **params: Any) -> list[dict[str, Any]]:
    return [{"name": "Mapping", "params": {"mappingId": dataflow.mapping_id, "mappingVersion": 0, **params}}]


ONCE = {"startTime": "1717000000", "frequency": "once"}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"state": "enabled"}, "FLOW-1410-400"),
        ({"name": ""}, "CONNECTOR-1304-400"),
        ({"flowSpec": {"id": UNKNOWN}}, "FLOW-1413-400"),
        ({"sourceConnectionIds": []}, "CONNECTOR-1321-400"),
        ({"targetConnectionIds": []}, "CONNECTOR-1321-400"),
        ({"sourceConnectionIds": [UNKNOWN, UNKNOWN]}, "CONNECTOR-1321-400"),
        ({"sourceConnectionIds": [UNKNOWN]}, "FLOW-1439-404"),
        ({"targetConnectionIds": [UNKNOWN]}, "FLOW-1439-404"),
        ({"flowSpec": {"id": "9753525b-82c7-4dce-8a9b-5ccfce2b9876"}}, "CONNECTOR-1307-400"),
        ({"transformations": []}, "CONNECTOR-1370-400"),
        ({"transformations": None}, "CONNECTOR-1370-400"),
        ({"transformations": [{"name": "Mapping", "params": {}}]}, "CONNECTOR-1370-400"),
        ({"transformations": [{"name": "Mapping"}]}, "CONNECTOR-1370-400"),
        ({"transformations": [{"name": "Mapping", "params": {"mappingId": "0" * 32}}]}, "FLOW-1439-404"),
        ({"scheduleParams": ONCE | {"interval": 15}}, "CONNECTOR-1361-400"),
        ({"scheduleParams": ONCE | {"backfill": True}}, "CONNECTOR-1364-400"),
        ({"scheduleParams": ONCE | {"frequency": "sometimes"}}, "CONNECTOR-1397-400"),
        ({"scheduleParams": ONCE | {"startTime": "soon"}}, "CONNECTOR-1397-400"),
        ({"scheduleParams": ONCE | {"startTime": -5}}, "CONNECTOR-1397-400"),
        ({"scheduleParams": ONCE | {"startTime": 10**18}}, "CONNECTOR-1397-400"),
        ({"options": {"partialIngestionPercent": "many"}}, "FLOW-1452-400"),
        ({"options": {"partialIngestionPercent": 101}}, "FLOW-1452-400"),
        ({"options": {"partialIngestionPercent": -1}}, "FLOW-1452-400"),
        ({"options": {"errorDiagnosticsEnabled": "yes"}}, "FLOW-1452-400"),
    ],
)
def test_a_flow_that_cannot_run_is_refused(
    client: Client, dataflow: Dataflow, change: dict[str, Any], code: str
) -> None:
    before = client.get(f"{FLOW}/flows?count=true").json()
    refusal(client.post(f"{FLOW}/flows", json=dataflow.body(**change)), code)
    assert client.get(f"{FLOW}/flows?count=true").json() == before


@pytest.mark.parametrize(
    ("version", "code"), [(7, "FLOW-1412-400"), ("x", "FLOW-1412-400"), (-1, "FLOW-1412-400"), ([], None)]
)
def test_the_mapping_version_is_checked(client: Client, dataflow: Dataflow, version: Any, code: str | None) -> None:
    body = dataflow.body(transformations=_mapping(dataflow, mappingVersion=version), scheduleParams=resources.never())
    answer = client.post(f"{FLOW}/flows", json=body)
    if code is None:
        assert answer.status_code < 500
    else:
        refusal(answer, code)


def test_a_delta_column_does_not_go_with_once(client: Client, dataflow: Dataflow) -> None:
    copy = {"name": "Copy", "params": {"deltaColumn": {"name": "Timestamp"}}}
    body = dataflow.body(transformations=[copy, *_mapping(dataflow)])
    refusal(client.post(f"{FLOW}/flows", json=body), "CONNECTOR-1369-400")


def test_the_mapping_must_be_for_the_schema_of_the_dataset(client: Client, dataflow: Dataflow) -> None:
    other = client.made(f"{REGISTRY}/tenant/schemas", resources.schema(resources.PROFILE))["$id"]
    set_id = client.made(f"{PREP}/mappingSets", resources.mapping_set(other, {"RowKey": "_id"}), status=200)["id"]
    body = dataflow.body(transformations=_mapping(dataflow, mappingId=set_id))
    refusal(client.post(f"{FLOW}/flows", json=body), "FLOW-1425-400")


def test_a_mapping_of_a_column_that_the_source_lacks_is_refused(client: Client, dataflow: Dataflow) -> None:
    rules = resources.mapping_set(dataflow.schema_id, {"RowKey": "_id", "nothing": f"{dataflow.tenant}.name"})
    set_id = client.made(f"{PREP}/mappingSets", rules, status=200)["id"]
    body = dataflow.body(transformations=_mapping(dataflow, mappingId=set_id))
    assert "nothing" in refusal(client.post(f"{FLOW}/flows", json=body), "FLOW-1419-400")["errorMessage"]


@pytest.mark.parametrize(
    "change",
    [
        {"scheduleParams": {"timeUnit": "day", "interval": 0, "exportMode": "DAILY_FULL_EXPORT"}},
        {"sourceConnectionIds": "one"},
        {"transformations": "unnamed"},
        {"unknownMember": {"x": 1}},
    ],
)
def test_slips_of_real_clients_are_taken(client: Client, dataflow: Dataflow, change: dict[str, Any]) -> None:
    body = dataflow.body(scheduleParams=resources.never(), **{k: v for k, v in change.items() if k == "unknownMember"})
    if "scheduleParams" in change:
        body["scheduleParams"] = change["scheduleParams"] | {"startTime": resources.never()["startTime"]}
    if "sourceConnectionIds" in change:
        body["sourceConnectionIds"] = dataflow.source_id
    if "transformations" in change:
        body["transformations"] = [{"name": None, "params": {"mappingId": dataflow.mapping_id}}]
    flow_id = client.made(f"{FLOW}/flows", body)["id"]
    assert client.delete(f"{FLOW}/flows/{flow_id}").status_code == 204


def test_a_flow_is_disabled_enabled_and_deleted(client: Client, dataflow: Dataflow) -> None:
    flow_id = dataflow.started(scheduleParams=resources.never())
    path = f"{FLOW}/flows/{flow_id}"
    for op, state in (("disable", "disabled"), ("DISABLE", "disabled"), ("Enable", "enabled")):
        answer = client.post(f"{path}/action?op={op}")
        assert answer.status_code == 200, answer.text
        assert set(answer.json()) >= {"id", "etag"}
        assert client.one(path)["state"] == state
    refusal(client.post(f"{path}/action?op=explode"))
    refusal(client.post(f"{path}/action"))
    refusal(client.post(f"{path}/action?op=disable", headers={"If-Match": '"stale"'}), "FLOW-1404-412")
    assert client.delete(path).status_code == 204
    refusal(client.get(path), "FLOW-1439-404")
    refusal(client.post(f"{path}/action?op=enable"), "FLOW-1439-404")


def test_a_flow_that_starts_later_has_no_run_yet(client: Client, dataflow: Dataflow) -> None:
    flow_id = dataflow.started(scheduleParams=resources.never())
    assert client.get(f"{FLOW}/runs?property=flowId=={flow_id}").json() == {"items": [], "_links": {}}
    client.delete(f"{FLOW}/flows/{flow_id}")
