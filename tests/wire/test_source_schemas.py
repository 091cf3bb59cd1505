"""A schema made of the columns of a source, over HTTP: from a table of Azure to rows that landed."""

from typing import Any, Final

import pytest

from demo.azurite import Azurite
from tests.live import Client
from tests.wire import resources
from tests.wire.resources import CATALOG, FLOW, PREP, REGISTRY, UNKNOWN, ended, status

EXPORT: Final = "/data/foundation/export"
XDM: Final = "https://ns.adobe.com/xdm"
FULL: Final = {"Accept": "application/vnd.adobe.xed-full+json; version=1"}
VALUES: Final[dict[str, Any]] = {
    "name": "Ada",
    "Name": "Lovelace",
    "größe": 1.5,
    "名前": "エイダ",
    "名": "夏",
    "_hidden": True,
    "gr__e": "legal already",
    "since": "2026-01-02T03:04:05Z",
    "since@odata.type": "Edm.DateTime",
    "visits": "9007199254740993",
    "visits@odata.type": "Edm.Int64",
    "year": 1843,
    # Words that mean something in a schema.
    **{word: f"a {word}" for word in ("properties", "items", "allOf", "type", "required", "definitions", "title")},
}
COLUMNS: Final = ("PartitionKey", "RowKey", "Timestamp", *(name for name in VALUES if "@" not in name))


@pytest.fixture(scope="module")
def table(azurite: Azurite) -> str:
    """A table of one row whose columns are named in every way."""
    return resources.seeded(azurite, "oddcolumns", [{"PartitionKey": "p", "RowKey": "1", **VALUES}])


def made(client: Client, account: str, table: str, title: str, **more: Any) -> Any:
    return client.made(f"/v1/connections/{account}/schema", {"object": table, "title": title, **more})


def refused(client: Client, account: str, **body: Any) -> tuple[int, str]:
    answer = client.post(f"/v1/connections/{account}/schema", json={"object": "x", "title": "x", **body})
    assert answer.json()["advice"]
    return answer.status_code, answer.json()["code"]


def counts(client: Client) -> dict[str, int]:
    found = dict(client.get(f"{REGISTRY}/stats").json()["counts"])
    return found | {"mappingSets": len(client.get(f"{PREP}/mappingSets?limit=1000").json()["data"])}


def landed(client: Client, account: str, table: str, told: Any) -> Any:
    """The row that a flow with the schema and mapping set lands."""
    (reference,) = client.made(f"{CATALOG}/dataSets", resources.dataset(told["schemaId"]))
    dataset_id = reference.rpartition("/")[2]
    source = client.made(f"{FLOW}/sourceConnections", resources.source(account, table))["id"]
    target = client.made(f"{FLOW}/targetConnections", resources.target(dataset_id))["id"]
    flow = client.made(f"{FLOW}/flows", resources.flow(source, target, told["mappingSetId"]))["id"]
    (run,) = ended(client, flow)
    assert status(run) == "success"
    (row,) = client.get(f"{EXPORT}/datasets/{dataset_id}/preview").json()["data"]
    return row


def test_columns_become_a_schema_whose_changed_names_are_told_and_land(
    client: Client, account: str, table: str
) -> None:
    tenant = "_" + client.get(f"{REGISTRY}/stats").json()["tenantId"]
    answer = client.post(
        f"/v1/connections/{account}/schema",
        json={"object": table, "title": "Odd columns", "description": "All sorts", "classFields": {"_id": "RowKey"}},
    )
    told = answer.json()
    assert answer.status_code == 201, told
    assert answer.headers["location"] == f"{REGISTRY}/tenant/schemas/{told['schemaAltId']}"
    assert (told["classId"], told["passedOver"], told["sampledRowCount"]) == (f"{XDM}/context/profile", [], 1)
    fields = {field["source"]: field for field in told["fields"]}
    assert set(fields) == set(COLUMNS)
    names = {source: field["path"].removeprefix(f"{tenant}.") for source, field in fields.items()}
    changed = {source: (name, fields[source]["reason"]) for source, name in names.items() if name != source}
    first, second = (names[source] for source in ("name", "Name"))
    assert {first, second} in ({"name", "Name_2"}, {"name_2", "Name"})
    changed.pop("name", None)
    changed.pop("Name", None)
    assert {field["reason"] for field in (fields["name"], fields["Name"])} == {None, "name-taken"}
    nameless = {"column", "column_2"}
    assert {names[source] for source in ("名前", "名")} == nameless
    assert {source: told for source, told in changed.items() if source.isascii() or source == "größe"} == {
        "größe": ("gr__e_2", "illegal-characters"),
        "_hidden": ("hidden", "illegal-characters"),
    }
    assert {fields[source]["reason"] for source in ("名前", "名")} == {"no-legal-character"}
    types = {source: field["type"] for source, field in fields.items()}
    assert (types["größe"], types["_hidden"], types["since"]) == ("number", "boolean", "date-time")
    assert (types["visits"], types["year"], types["RowKey"], types["Timestamp"]) == (
        "long",
        "int",
        "string",
        "date-time",
    )
    schema = client.get(f"{REGISTRY}/tenant/schemas/{told['schemaAltId']}", headers=FULL).json()
    assert (schema["title"], schema["description"]) == ("Odd columns", "All sorts")
    own = schema["properties"][tenant]["properties"]
    assert {names[source]: source for source in COLUMNS} == {name: node["title"] for name, node in own.items()}
    mappings = client.get(f"{PREP}/mappingSets/{told['mappingSetId']}").json()["mappings"]
    assert len(mappings) == len(COLUMNS) + 1
    row = landed(client, account, table, told)
    assert row["_id"] == "1"
    values = {source: row[tenant][names[source]] for source in COLUMNS if source != "Timestamp"}
    expected = {name: value for name, value in VALUES.items() if "@" not in name}
    assert values == {**expected, "visits": 9007199254740993, "PartitionKey": "p", "RowKey": "1"}


def test_an_ad_hoc_schema_has_a_class_of_its_own_and_lands(client: Client, account: str, table: str) -> None:
    told = made(client, account, table, "Odd columns, ad hoc", form="adhoc", columns=["RowKey", "größe", "year"])
    own = "_" + told["classId"].rpartition("/")[2]
    assert (told["fieldGroupId"], told["mappingSetVersion"]) == (None, 0)
    assert [(field["source"], field["path"]) for field in told["fields"]] == [
        ("RowKey", f"{own}.RowKey"),
        ("größe", f"{own}.gr__e"),
        ("year", f"{own}.year"),
    ]
    assert client.get(f"{REGISTRY}/tenant/schemas/{told['schemaAltId']}").json()["meta:datasetNamespace"] == own
    assert landed(client, account, table, told) == {own: {"RowKey": "1", "gr__e": 1.5, "year": 1843}}


def test_a_schema_may_be_made_alone_and_of_another_class(client: Client, account: str, table: str) -> None:
    before = counts(client)
    event = f"{XDM}/context/experienceevent"
    told = made(client, account, table, "Odd events", classId=event, mapping=False)
    after = counts(client)
    assert (told["classId"], told["mappingSetId"], told["mappingSetVersion"]) == (event, None, None)
    assert {name: count - before[name] for name, count in after.items() if count != before[name]} == {
        "schemas": 1,
        "mixins": 1,
    }
    feeds = {"_id": "RowKey", "timestamp": "since"}
    fed = made(client, account, table, "Odd events, fed", classId=event, classFields=feeds, columns=["year"])
    assert len(fed["fields"]) == 1
    row = landed(client, account, table, fed)
    assert (row["_id"], row["timestamp"]) == ("1", "2026-01-02T03:04:05Z")


def test_fields_may_be_added_for_what_is_computed(client: Client, account: str, table: str) -> None:
    told = made(client, account, table, "With more", columns=["name"], newFields={"fullName": "string", "on": "date"})
    assert [field["source"] for field in told["fields"]] == ["name"]
    accept = {"accept": "application/vnd.adobe.xed-full+json;version=1"}
    schema = client.get(f"{REGISTRY}/tenant/schemas/{told['schemaAltId']}", headers=accept).json()
    (own,) = (node for name, node in schema["properties"].items() if name == told["fields"][0]["path"].split(".")[0])
    assert {name: node["meta:xdmType"] for name, node in own["properties"].items()} == {
        "name": "string",
        "fullName": "string",
        "on": "date",
    }


@pytest.mark.parametrize("new", [{"name": "string"}, {"NAME": "string"}, {"_own": "string"}, {"more": "object"}])
def test_a_new_field_that_cannot_be_is_refused(client: Client, account: str, table: str, new: dict[str, str]) -> None:
    assert refused(client, account, object=table, columns=["name"], newFields=new) == (400, "field-invalid")


def test_a_dry_run_tells_the_fields_and_keeps_nothing(client: Client, account: str, table: str) -> None:
    body = {"object": table, "title": "Only planned", "columns": ["größe", "name"], "mapping": False}
    before = counts(client)
    answer = client.post(f"/v1/connections/{account}/schema", json={**body, "dryRun": True})
    planned = answer.json()
    assert (answer.status_code, counts(client)) == (200, before)
    assert "location" not in answer.headers
    ids = {name: planned.pop(name) for name in ("schemaId", "schemaAltId", "classId", "fieldGroupId")}
    assert set(ids.values()) == {None}
    told = client.made(f"/v1/connections/{account}/schema", body)
    assert {name: told[name] for name in planned} == planned
    assert [field["source"] for field in planned["fields"]] == ["größe", "name"]
    # The title is taken now: to plan is refused as to make is.
    assert refused(client, account, **{**body, "dryRun": True}) == (409, "conflict")


def test_what_cannot_be_made_leaves_nothing(client: Client, azurite: Azurite, account: str, table: str) -> None:
    resources.seeded(azurite, "nocolumns", [])
    made(client, account, table, "Taken")
    before = counts(client)
    assert refused(client, account, object=table, title="Taken") == (409, "conflict")
    assert refused(client, account, object="nothing") == (404, "source-object-unknown")
    assert refused(client, account, object="nocolumns") == (400, "no-columns")
    assert refused(client, account, object=table, columns=["nothing"]) == (400, "column-unknown")
    assert refused(client, account, object=table, classFields={"_id": "nothing"}) == (400, "column-unknown")
    assert refused(client, account, object=table, classFields={"nowhere": "RowKey"}) == (400, "mapping-invalid")
    assert refused(client, account, object=table, classId=f"{XDM}/context/person")[0] == 400
    assert refused(client, account, object=table, classId="https://ns.adobe.com/other/classes/1")[0] == 400
    assert refused(client, account, object=table, form="adhoc", classFields={"_id": "RowKey"}) == (400, "field-invalid")
    assert refused(client, account, object=table, mapping=False, classFields={"_id": "RowKey"})[0] == 400
    assert refused(client, account, object=table, form="other") == (400, "field-invalid")
    assert refused(client, UNKNOWN, object=table) == (404, "not-found")
    assert counts(client) == before


def test_a_field_that_the_class_requires_is_fed_or_nothing_is_made(client: Client, account: str, table: str) -> None:
    before = counts(client)
    event = f"{XDM}/context/experienceevent"
    assert refused(client, account, object=table, classId=event) == (400, "field-missing")
    body = {"object": table, "title": "Unfed", "classId": event, "classFields": {"_id": "RowKey"}}
    told = client.post(f"/v1/connections/{account}/schema", json=body).json()
    assert "timestamp" in told["title"] + told["detail"]
    assert "_id" not in told["detail"]
    assert 'classFields {"timestamp": "<column>"}' in told["advice"]
    place = {
        "type": "object",
        "required": ["city"],
        "properties": {"city": {"type": "string"}, "zip": {"type": "string"}},
    }
    tenant = "_" + client.get(f"{REGISTRY}/stats").json()["tenantId"]
    own = {tenant: {"type": "object", "properties": {"place": place}}}
    made_class = client.made(
        f"{REGISTRY}/tenant/classes",
        {"title": "Places", "type": "object", "allOf": [{"$ref": f"{XDM}/data/record"}, {"properties": own}]},
    )["$id"]
    optional = made(client, account, table, "Placeless", classId=made_class, columns=["RowKey"])
    assert optional["mappingSetId"]
    half = {"classId": made_class, "columns": ["RowKey"], "classFields": {f"{tenant}.place.zip": "name"}}
    assert refused(client, account, object=table, **half) == (400, "field-missing")
    left = counts(client)
    assert {name: left[name] - before[name] for name in left if left[name] != before[name]} == {
        "classes": 1, "mappingSets": 1, "mixins": 1, "schemas": 1,
    }  # fmt: skip


def test_columns_that_come_later_are_added_to_it(client: Client, azurite: Azurite, account: str) -> None:
    rows = [{"PartitionKey": "p", "RowKey": "1", "a": "x"}]
    told = made(client, account, resources.seeded(azurite, "growingsource", rows), "Growing", columns=["RowKey", "a"])
    (reference,) = client.made(f"{CATALOG}/dataSets", resources.dataset(told["schemaId"]))
    source = client.made(f"{FLOW}/sourceConnections", resources.source(account, "growingsource"))["id"]
    target = client.made(f"{FLOW}/targetConnections", resources.target(reference.rpartition("/")[2]))["id"]
    body = resources.flow(source, target, told["mappingSetId"], options={"schemaDrift": {"newColumns": "add"}})
    flow = client.made(f"{FLOW}/flows", body)["id"]
    ended(client, flow)
    resources.seeded(azurite, "growingsource", [{"PartitionKey": "p", "RowKey": "2", "a": "y", "later": 5}])
    client.made(f"{FLOW}/runs", {"flowId": flow})
    assert status(ended(client, flow, runs=2)[0]) == "success"
    tenant = "_" + client.get(f"{REGISTRY}/stats").json()["tenantId"]
    schema = client.get(f"{REGISTRY}/tenant/schemas/{told['schemaAltId']}", headers=FULL).json()
    assert set(schema["properties"][tenant]["properties"]) == {"RowKey", "a", "later"}
