"""Mapping sets with expressions over HTTP: validated, tried on rows, run, deleted."""

from typing import Any

import pytest

from demo.azurite import Azurite
from tests.live import Client, Server
from tests.wire import resources
from tests.wire.resources import FLOW, PREP, Dataflow, refusal


def body(dataflow: Dataflow, **feeds: str) -> dict[str, Any]:
    """`_id` and fields of the tenant, by expressions."""
    paths = {"_id": "_id"} | {name: f"{dataflow.tenant}.{name}" for name in feeds if name != "_id"}
    return {
        "outputSchema": {"schemaRef": {"id": dataflow.schema_id}},
        "mappings": [
            {"sourceType": "EXPRESSION", "source": source, "destination": paths[name]} for name, source in feeds.items()
        ],
    }


def test_each_mapping_of_a_set_is_validated_and_nothing_is_kept(client: Client, dataflow: Dataflow) -> None:
    before = client.get(f"{PREP}/mappingSets?limit=1000").json()["_page"]["count"]
    sent = body(dataflow, _id="concat(RowKey, name)", name="uper(name)", age="to_integer(age")
    answers = client.made(f"{PREP}/mappingSets/validate", sent, status=200)["validationResponse"]
    assert [answer["status"] for answer in answers] == ["SUCCESS", "FAILED", "FAILED"]
    assert answers[0]["errors"] is None
    (unknown,), (open_ended,) = answers[1]["errors"], answers[2]["errors"]
    assert "character 1: there is no function 'uper'" in unknown["message"]
    assert "upper" in unknown["advice"]
    assert "character 15: the expression ends too soon" in open_ended["message"]
    assert client.get(f"{PREP}/mappingSets?limit=1000").json()["_page"]["count"] == before


def test_columns_that_are_told_are_the_only_ones_and_of_their_kinds(client: Client, dataflow: Dataflow) -> None:
    sent = body(dataflow, _id="RowKey", name="concat(nme, mark)", age="abs(age)")
    columns = [{"name": "RowKey", "type": "string"}, {"name": "age", "type": "boolean"}, "mark"]
    answers = client.made(f"{PREP}/mappingSets/validate", sent | {"columns": columns}, status=200)
    first, (unknown,), (kind,) = (answer["errors"] for answer in answers["validationResponse"])
    assert first is None
    assert unknown["message"] == "the source has no column nme"
    assert "abs" in kind["message"]
    assert "columns/0" in refusal(client.post(f"{PREP}/mappingSets/validate", json=sent | {"columns": [{}]}))["detail"]


def test_a_schema_that_nobody_registered_can_be_tried(client: Client) -> None:
    fields = {"full": {"type": "string", "maxLength": 7}, "age": {"type": "integer"}}
    sent: dict[str, Any] = {
        "outputSchema": {"schema": {"type": "object", "properties": fields, "required": ["age"]}},
        "mappings": [
            {"sourceType": "EXPRESSION", "source": 'concat(first, " ", last)', "destination": "full"},
            {"sourceType": "ATTRIBUTE", "source": "age", "destination": "age"},
        ],
    }
    rows = [{"first": "Ada", "last": "L", "age": 36}, {"first": "Ada", "last": "Lovelace", "age": 36}, {"first": "x"}]
    fits, long, lacks = client.made(f"{PREP}/mappingSets/preview", {"data": rows, "mappingSet": sent}, status=200)
    assert fits == {"data": {"full": "Ada L", "age": 36}, "errors": None}
    assert [error["destination"] for error in long["errors"]] == ["full"]
    assert (lacks["data"], [error["destination"] for error in lacks["errors"]]) == ({}, ["age"])
    sent["mappings"][0]["destination"] = "fill"
    (answer, _) = client.made(f"{PREP}/mappingSets/validate", sent, status=200)["validationResponse"]
    assert "fill" in answer["errors"][0]["message"]
    assert "target schema is missing" in refusal(client.post(f"{PREP}/mappingSets", json=sent))["detail"]


@pytest.mark.parametrize(
    "schema",
    [
        "text",
        {},
        {"type": "string"},
        {"type": "object", "properties": []},
        {"type": "object", "properties": {"a": {"$ref": "https://ns.adobe.com/xdm/context/profile"}}},
        {"type": "object", "properties": {"a": {"type": "string", "pattern": "(a)\\1"}}},
        {"type": "object", "properties": {"a": {"type": "string"}, "A": {"type": "string"}}},
        {"type": "object", "properties": {"a": {"type": "string"}}, "required": "a"},
    ],
)
@pytest.mark.parametrize("path", ["validate", "preview"])
def test_what_is_no_schema_is_refused_as_such(client: Client, path: str, schema: object) -> None:
    mapping_set = {"outputSchema": {"schema": schema}, "mappings": [{"source": "a", "destination": "a"}]}
    sent = mapping_set if path == "validate" else {"data": [{"a": 1}], "mappingSet": mapping_set}
    refusal(client.post(f"{PREP}/mappingSets/{path}", json=sent))


def test_a_set_with_a_bad_expression_is_not_kept(client: Client, dataflow: Dataflow) -> None:
    error = refusal(client.post(f"{PREP}/mappingSets", json=body(dataflow, _id='matches_regex(name, "(")')))
    assert error["code"] == "expression-invalid"


def test_a_set_is_tried_on_rows(client: Client, dataflow: Dataflow) -> None:
    sent = body(dataflow, _id="RowKey", name='concat(upper(name), "!")', age="to_integer(age) + 1")
    rows = [{"RowKey": "1", "name": "Ada", "age": 36}, {"RowKey": "2", "name": None, "age": "old"}]
    first, second = client.made(f"{PREP}/mappingSets/preview", {"data": rows, "mappingSet": sent}, status=200)
    assert first == {"data": {"_id": "1", dataflow.tenant: {"name": "ADA!", "age": 37}}, "errors": None}
    assert second["data"] == {"_id": "2", dataflow.tenant: {"name": "!"}}
    (error,) = second["errors"]
    assert error["source"] == "to_integer(age) + 1"
    assert error["destination"] == f"{dataflow.tenant}.age"
    assert error["sourceType"] == "EXPRESSION"
    assert "old" not in error["exception"]
    # One row may come alone.
    (alone,) = client.made(f"{PREP}/mappingSets/preview", {"data": rows[0], "mappingSet": sent}, status=200)
    assert alone == first


@pytest.mark.parametrize(
    "sent",
    [{}, {"data": [{}]}, {"data": [1], "mappingSet": {}}, {"data": {}, "mappingSet": []}, {"data": [{"a": [1, [2]]}]}],
)
def test_what_cannot_be_tried_is_refused(client: Client, dataflow: Dataflow, sent: dict[str, Any]) -> None:
    if sent.get("data") == [{"a": [1, [2]]}]:
        sent = sent | {"mappingSet": body(dataflow, _id="a")}
    refusal(client.post(f"{PREP}/mappingSets/preview", json=sent))


def test_more_rows_than_are_tried_at_once_are_refused(client: Client, dataflow: Dataflow) -> None:
    sent = {"data": [{}] * 201, "mappingSet": body(dataflow, _id="a")}
    assert "200 are tried at once" in refusal(client.post(f"{PREP}/mappingSets/preview", json=sent))["detail"]


def test_an_expression_is_validated(client: Client) -> None:
    path = f"{PREP}/languages/el/validate"
    assert client.made(path, {"expression": "iif(a > 1, a, 0)"}, status=200) == {
        "validationStatus": "succeeded",
        "error": "none",
    }
    failed = client.made(path, {"expression": "iif(a > 1, a)"}, status=200)
    assert failed["validationStatus"] == "failed"
    assert failed["error"] == "character 1: iif takes 3 arguments, not 2"
    refusal(client.post(path, json={}))


def test_functions_and_operators_are_told(client: Client) -> None:
    functions = {told["function"]: told for told in client.get(f"{PREP}/languages/el/functions").json()}
    assert len(functions) > 90
    assert functions["lower"]["aliases"] == ["lcase"]
    assert functions["instr"]["syntax"] == "instr(input, substring, start_position?, occurrence?)"
    assert [told["type"] for told in functions["instr"]["params"]] == ["REQUIRED", "REQUIRED", "OPTIONAL", "OPTIONAL"]
    symbols = {told["operatorSymbol"] for told in client.get(f"{PREP}/languages/el/operators").json()}
    assert {"+", "&&", "==", "? :"} <= symbols


def test_a_mapping_is_read_alone(client: Client, dataflow: Dataflow) -> None:
    path = f"{PREP}/mappingSets/{dataflow.mapping_id}/mappings"
    (first, *_) = client.get(path).json()
    assert client.get(f"{path}/{first['id']}").json() == first
    refusal(client.get(f"{path}/{'0' * 32}"))


def test_a_set_is_deleted_unless_a_flow_maps_with_it(client: Client, azurite: Azurite, people: str) -> None:
    dataflow = resources.names_flow(client, azurite.connection_string, people)
    made = client.made(f"{PREP}/mappingSets", body(dataflow, _id="RowKey"), status=200)["id"]
    assert client.delete(f"{PREP}/mappingSets/{made}").status_code == 204
    refusal(client.get(f"{PREP}/mappingSets/{made}"))
    refusal(client.delete(f"{PREP}/mappingSets/{made}"))
    flow_id = dataflow.started(scheduleParams=resources.never())
    error = refusal(client.delete(f"{PREP}/mappingSets/{dataflow.mapping_id}"))
    assert f"GET /flows/{flow_id}" in error["advice"]
    assert client.get(f"{PREP}/mappingSets/{dataflow.mapping_id}").status_code == 200


@pytest.mark.azurite
def test_calculated_fields_land(client: Client, server: Server, azurite: Azurite, people: str) -> None:
    flow = resources.dataflow(
        client,
        azurite.connection_string,
        people,
        fields={"name": {"type": "string"}, "age": {"type": "integer"}},
        mapping={"RowKey": "_id"},
    )
    sent = body(flow, _id='concat(PartitionKey, "-", RowKey)', name="upper(trim(name))", age="iif(age > 40, age, null)")
    mapping_id = client.made(f"{PREP}/mappingSets", sent, status=200)["id"]
    raw = flow.body()
    raw["transformations"][0]["params"] = {"mappingId": mapping_id, "mappingVersion": 0}
    flow_id = client.made(f"{FLOW}/flows", raw)["id"]
    (run,) = resources.ended(client, flow_id)
    assert resources.status(run) == "success"
    rows = server.rows(f'SELECT _id, "{flow.tenant}" AS own FROM "{flow.dataset_id}"')
    assert rows
    assert all(row["_id"].count("-") >= 1 for row in rows)
    assert all(name == name.upper().strip() for row in rows if (name := row["own"].get("name")))
    assert all(age > 40 for row in rows if (age := row["own"].get("age")) is not None)


def test_a_mapping_is_added_replaced_and_taken_out_each_in_a_version_of_its_own(
    client: Client, dataflow: Dataflow
) -> None:
    set_id = client.made(f"{PREP}/mappingSets", body(dataflow, _id="RowKey"), status=200)["id"]
    path = f"{PREP}/mappingSets/{set_id}/mappings"
    (first,) = client.get(path).json()
    added = client.made(path, {"source": "name", "destination": f"{dataflow.tenant}.name"}, status=200)
    assert (added["version"], added["onError"]) == (1, "warn")
    upper = {"sourceType": "EXPRESSION", "source": "upper(name)", "destination": f"{dataflow.tenant}.name"}
    replaced = client.put(f"{path}/{added['id']}", json=upper | {"onError": "reject"}).json()
    assert (replaced["id"], replaced["version"], replaced["onError"]) == (added["id"], 2, "reject")
    assert [mapping["source"] for mapping in client.get(path).json()] == ["RowKey", "upper(name)"]
    assert [mapping["source"] for mapping in client.get(f"{path}?version=1").json()] == ["RowKey", "name"]
    assert client.delete(f"{path}/{added['id']}").status_code == 204
    assert client.get(path).json()[0]["id"] == first["id"]
    assert client.get(f"{PREP}/mappingSets/{set_id}").json()["version"] == 3
    # A set has a mapping at least, and what is refused makes no version.
    refusal(client.delete(f"{path}/{first['id']}"))
    refusal(client.post(path, json={"source": "x", "destination": "_id"}))
    refusal(client.put(f"{path}/{'0' * 32}", json=upper))
    refusal(client.post(path, json={"source": "x", "destination": "personID", "onError": "stop"}))
    assert client.get(f"{PREP}/mappingSets/{set_id}").json()["version"] == 3


def test_mappings_are_exported_as_a_table_and_imported_unchanged(client: Client, dataflow: Dataflow) -> None:
    sent = body(dataflow, _id="RowKey", name='concat(upper(name), ", ", "a\nb")', age="to_integer(age)")
    sent["mappings"][1] |= {"name": 'Ada, "A"', "description": "für Äöü", "onError": "reject"}
    sent["mappings"][0] |= {"identity": True, "identityGroup": "crm", "namespaceCode": "CRMID"}
    path = f"{PREP}/mappingSets"
    set_id = client.made(path, sent, status=200)["id"]
    answer = client.get(f"{path}/{set_id}/mappings", headers={"Accept": "text/csv"})
    assert answer.headers["content-type"].startswith("text/csv")
    assert answer.text.splitlines()[0] == (
        "source,destination,sourceType,name,description,onError,identity,identityGroup,namespaceCode"
    )
    again = client.made(path, {"xdmSchema": dataflow.schema_id, "mappings": answer.text}, status=200)["id"]

    def told(of: str) -> list[dict[str, Any]]:
        return [
            {name: value for name, value in mapping.items() if name not in {"id", "createdDate", "modifiedDate"}}
            for mapping in client.get(f"{path}/{of}/mappings").json()
        ]

    assert told(again) == told(set_id)
    # Semicolons, as spreadsheets of some countries write them, and a byte order mark.
    table = f"\ufeffdestination;source\r\n_id;RowKey\r\n\r\n{dataflow.tenant}.name;name\r\n"
    newer = client.put(f"{path}/{again}", json={"xdmSchema": dataflow.schema_id, "mappings": table}).json()
    assert [mapping["source"] for mapping in newer["mappings"]] == ["RowKey", "name"]


def test_mappings_go_into_a_table_and_back_without_a_set(client: Client) -> None:
    mappings = [
        {"sourceType": "ATTRIBUTE", "source": "${First Name}", "destination": "_t.name", "onError": "reject"},
        {"sourceType": "EXPRESSION", "source": 'concat(a, ", ", "b\n")', "destination": "_t.both", "onError": "warn"},
        {"sourceType": "STATIC", "source": '"quoted"', "destination": "_t.constant", "onError": "warn"},
        {"source": "${plain}", "destination": "_t.older", "onError": "warn"},
    ]
    table = client.made("/v1/mapping-tables/write", {"mappings": mappings}, status=200)["table"]
    assert len(table.splitlines()) == len(mappings) + 2, "a cell has a line break"
    told = client.made("/v1/mapping-tables/read", {"table": table}, status=200)["mappings"]
    assert [{name: each[name] for name in sent} for each, sent in zip(told, mappings, strict=True)] == mappings
    # A name alone is a column, whatever word was sent for it, or none.
    assert [each["sourceType"] for each in told] == ["ATTRIBUTE", "EXPRESSION", "STATIC", "ATTRIBUTE"]
    assert client.made("/v1/mapping-tables/write", {"mappings": told}, status=200)["table"] == table
    refusal(client.post("/v1/mapping-tables/write", json={"mappings": [{"source": "a"}]}))
    refusal(client.post("/v1/mapping-tables/read", json={"table": 5}))
    short = {"table": "source,destination\na"}
    assert "line 2" in refusal(client.post("/v1/mapping-tables/read", json=short))["detail"]


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("", "source, destination missing"),
        ("source,target\nRowKey,_id\n", "destination missing"),
        ("source,destination,colour\nRowKey,_id,red\n", "colour unknown"),
        ("source,destination,source\nRowKey,_id,x\n", "does not name its columns"),
        ("source,destination\nRowKey\n", "line 2 of the table has 1 cells"),
        ('source,destination\n"RowKey,_id\n', "no CSV table (line 2"),
        ("source,destination,identity\nRowKey,_id,maybe\n", "neither true nor false"),
        ("source,destination,sourceType\nRowKey,_id,MAGIC\n", "mappings/0/sourceType is unknown"),
        ("source,destination\n,_id\n", "mappings/0 has no source"),
    ],
)
def test_a_table_that_tells_no_mappings_is_refused(
    client: Client, dataflow: Dataflow, table: str, message: str
) -> None:
    error = refusal(client.post(f"{PREP}/mappingSets", json={"xdmSchema": dataflow.schema_id, "mappings": table}))
    assert message in error["detail"]


def test_sets_are_found_by_name_schema_and_order(client: Client, dataflow: Dataflow) -> None:
    path = f"{PREP}/mappingSets"
    made = [
        client.made(path, body(dataflow, _id="RowKey") | {"name": name}, status=200)["id"]
        for name in ("found a", "found b", "found a")
    ]

    def ids(query: str) -> list[str]:
        return [found["id"] for found in client.get(f"{path}?limit=1000&{query}").json()["data"]]

    assert sorted(ids("name=found a")) == sorted([made[0], made[2]])
    assert ids("name=found a&orderBy=-createdDate") == [made[2], made[0]]
    assert ids("name=found a&orderBy=%2BupdatedDate") == [made[0], made[2]]
    assert ids("name=found a&orderBy=-createdDate&start=1") == [made[0]]
    assert set(made) <= set(ids(f"property=xdmSchema=={dataflow.schema_id}&property=status==PUBLISHED"))
    assert not ids("property=xdmSchema==x")
    (shown, *_) = client.get(f"{path}?name=found b&expandSchema=True").json()["data"]
    assert shown["outputSchema"]["jsonSchema"]["$id"] == dataflow.schema_id
    refusal(client.get(f"{path}?orderBy=colour"))


@pytest.mark.azurite
def test_an_expression_that_the_columns_cannot_serve_makes_no_flow(
    client: Client, azurite: Azurite, people: str
) -> None:
    dataflow = resources.names_flow(client, azurite.connection_string, people)
    sent = body(dataflow, _id="RowKey", name="transformArray(name, x -> upper(x))[0]")
    raw = dataflow.body()
    raw["transformations"][0]["params"] = {"mappingId": client.made(f"{PREP}/mappingSets", sent, status=200)["id"]}
    error = refusal(client.post(f"{FLOW}/flows", json=raw))
    assert error["code"] == "expression-invalid"
    assert "character 1: a loose text cannot be an array" in error["errorMessage"]


@pytest.mark.azurite
def test_mappings_are_suggested_for_a_source_and_can_be_sent_as_they_are(
    client: Client, azurite: Azurite, people: str
) -> None:
    dataflow = resources.names_flow(client, azurite.connection_string, people)
    path = f"{PREP}/mappingSets/suggestion"
    told = {"xdmSchema": dataflow.schema_id, "columns": ["personId", {"name": "Name", "type": "string"}, "zzz"]}
    answer = client.made(path, told | {"excludeUnmapped": False}, status=200)
    by_source = {mapping["source"]: mapping for mapping in answer["mappings"]}
    assert by_source["Name"]["destination"] == f"{dataflow.tenant}.name"
    assert by_source["Name"]["reason"] == "same name"
    assert 0.55 <= by_source["Name"]["matchScore"] <= 1
    assert answer["unmapped"] == ["zzz"]
    # Of a source: its columns are looked up.
    for source in (
        {"sourceConnectionId": dataflow.source_id},
        {"connectionId": dataflow.connection_id, "object": dataflow.table},
    ):
        found = client.made(path, {"datasetId": dataflow.dataset_id, **source}, status=200)
        assert {mapping["source"] for mapping in found["mappings"]} >= {"name"}
        made = client.made(f"{PREP}/mappingSets", found, status=200)
        assert made["version"] == 0
    # What was mapped before is proposed again, whatever its name.
    odd = body(dataflow, _id="RowKey") | {"mappings": [{"source": "Feld7", "destination": f"{dataflow.tenant}.name"}]}
    client.made(f"{PREP}/mappingSets", odd, status=200)
    (again,) = client.made(path, {"xdmSchema": dataflow.schema_id, "columns": ["Feld7"]}, status=200)["mappings"]
    assert (again["destination"], again["reason"]) == (f"{dataflow.tenant}.name", "mapped so in 1 mapping set")


@pytest.mark.azurite
def test_what_the_source_makes_itself_is_not_suggested_where_the_source_is_asked(
    client: Client, azurite: Azurite, people: str
) -> None:
    dataflow = resources.names_flow(client, azurite.connection_string, people)
    path = f"{PREP}/mappingSets/suggestion"
    event = {"xdmSchema": "https://ns.adobe.com/xdm/context/experienceevent"}
    (told,) = client.made(path, {**event, "columns": ["Timestamp"]}, status=200)["mappings"]
    assert (told["source"], told["destination"]) == ("Timestamp", "timestamp")
    for source in (
        {"sourceConnectionId": dataflow.source_id},
        {"connectionId": dataflow.connection_id, "object": dataflow.table},
    ):
        found = client.made(path, {**event, **source}, status=200)["mappings"]
        assert "Timestamp" not in {mapping["source"] for mapping in found}


@pytest.mark.azurite
def test_mappings_are_suggested_for_a_dataset_of_its_flow_s_columns(
    client: Client, azurite: Azurite, people: str
) -> None:
    dataflow = resources.names_flow(client, azurite.connection_string, people)
    path = f"{PREP}/mappingSets/suggestion?datasetId={dataflow.dataset_id}"
    assert "no flow writes" in refusal(client.get(path))["detail"]
    flow_id = dataflow.started()
    (run,) = resources.ended(client, flow_id)
    for query in ("", f"&batchId={run['providerRefId']}", "&excludeUnmapped=False"):
        answer = client.get(path + query).json()
        # The flow's own mapping set has the key.
        assert {mapping["source"] for mapping in answer["mappings"]} == {"RowKey", "name"}
        assert bool(answer["unmapped"]) is ("False" in query)
    refusal(client.get(f"{PREP}/mappingSets/suggestion"))
    refusal(client.get(f"{PREP}/mappingSets/suggestion?datasetId=nothing"))
    refusal(client.get(f"{path}&batchId=nothing"))


@pytest.mark.parametrize(
    "sent",
    [
        {},
        {"columns": ["a"]},
        {"columns": []},
        {"columns": [7]},
        {"columns": [{"name": "a", "type": "colour"}]},
        {"columns": ["a", "a"]},
        {"columns": ["a"], "sourceConnectionId": "x"},
        {"sourceConnectionId": "x"},
        {"connectionId": "x", "object": "t"},
    ],
)
def test_a_suggestion_without_a_sound_source_and_target_is_refused(
    client: Client, dataflow: Dataflow, sent: dict[str, Any]
) -> None:
    if sent != {"columns": ["a"]}:
        sent = sent | {"xdmSchema": dataflow.schema_id}
    refusal(client.post(f"{PREP}/mappingSets/suggestion", json=sent))


def test_an_expression_is_refused_for_what_a_set_would_be_refused_for(client: Client, dataflow: Dataflow) -> None:
    path = f"{PREP}/languages/el/validate"
    for expression in ("true * 2", 'matches_regex(a, "(")', '{"k": 1, "k": 2}', "[1, [2]]", 'date(a, "bb")', "1e999"):
        answer = client.made(path, {"expression": expression}, status=200)
        assert answer["validationStatus"] == "failed", expression
        assert answer["error"].startswith("character ")
    known = {"expression": "a", "mappingSetId": dataflow.mapping_id}
    assert client.made(path, known, status=200)["validationStatus"] == "succeeded"
    refusal(client.post(path, json=known | {"mappingSetId": "0" * 32}))
    refusal(client.post(path, json=known | {"mappingSetId": 7}))


def test_rows_that_are_tried_together_are_told_apart(client: Client, dataflow: Dataflow) -> None:
    sent = body(dataflow, _id="RowKey", name="upper(name)", age="to_integer(age)")
    ages = ["1", "x", 7, None, "9"]
    rows = [{"RowKey": str(at), "name": f"n{at}", "age": age} for at, age in enumerate(ages)] + [{"RowKey": "z"}]
    tried = client.made(f"{PREP}/mappingSets/preview", {"data": rows, "mappingSet": sent}, status=200)
    assert [row["data"]["_id"] for row in tried] == ["0", "1", "2", "3", "4", "z"]
    assert [row["data"].get(dataflow.tenant, {}).get("age") for row in tried] == [1, None, 7, None, 9, None]
    assert [bool(row["errors"]) for row in tried] == [False, True, False, False, False, False]


def test_maps_are_shown_as_objects(client: Client, azurite: Azurite, people: str) -> None:
    notes = {"type": "object", "additionalProperties": {"type": "string"}}
    flow = resources.dataflow(
        client, azurite.connection_string, people, fields={"notes": notes}, mapping={"RowKey": "_id"}
    )
    sent = body(flow, _id="RowKey", notes='to_map("a", name, "b", missing)')
    asked = {"data": {"RowKey": "1", "name": "x"}, "mappingSet": sent}
    (tried,) = client.made(f"{PREP}/mappingSets/preview", asked, status=200)
    assert tried["data"][flow.tenant]["notes"] == {"a": "x"}


def test_a_table_is_answered_whatever_else_is_accepted(client: Client, dataflow: Dataflow) -> None:
    path = f"{PREP}/mappingSets/{dataflow.mapping_id}/mappings"
    for accept in ("text/csv", "text/csv; charset=utf-8", "text/csv, */*;q=0.1", "TEXT/CSV"):
        assert client.get(path, headers={"Accept": accept}).headers["content-type"].startswith("text/csv")


def test_a_set_of_too_many_mappings_is_refused_at_once(client: Client, dataflow: Dataflow) -> None:
    many = [{"source": "a", "destination": "_id"}] * 10_001
    sent = {"xdmSchema": dataflow.schema_id, "mappings": many}
    error = refusal(client.post(f"{PREP}/mappingSets/validate", json=sent))
    assert "more than 10,000" in error["detail"]
