"""Connection specs and flow specs."""

import json
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

import jsonschema
import pytest

from demo.azurite import Azurite
from tests.live import Client, Server
from tests.wire import resources
from tests.wire.resources import AZURE_TABLE, FLOW, LAKE, SAMPLE_DATA, SANDBOXES, UNKNOWN, refusal

DOCUMENTED = json.loads(files("flowservice.service").joinpath("documented_specs.json").read_text(encoding="utf-8"))
OWN = {"connectionSpecs": [SAMPLE_DATA], "flowSpecs": []}
"""Of sources that are ours, and so not documented."""
UNSUPPORTED = [spec["id"] for spec in DOCUMENTED["connectionSpecs"] if spec["id"] not in {AZURE_TABLE, LAKE}]


@pytest.fixture(scope="module")
def client(server: Server) -> Iterator[Client]:
    """A client of a sandbox in which nobody has written specs."""
    with server.client() as calls:
        calls.made(f"{SANDBOXES}/sandboxes", {"name": "as-documented", "title": "S", "type": "development"}, status=202)
    with server.client(sandbox="as-documented") as calls:
        yield calls


def listed(client: Client, collection: str, *conditions: str) -> list[Any]:
    """All specs that fulfil the conditions."""
    answer = client.get(f"{FLOW}/{collection}", params={"property": list(conditions)})
    assert answer.status_code == 200, answer.text
    items: list[Any] = answer.json()["items"]
    return items


@pytest.mark.parametrize("collection", ["connectionSpecs", "flowSpecs"])
def test_every_documented_spec_is_listed_once_under_one_name_and_ours_after_them(
    client: Client, collection: str
) -> None:
    found = listed(client, collection)
    documented = [spec["id"] for spec in DOCUMENTED[collection]]
    assert [spec["id"] for spec in found] == [*documented, *OWN[collection]]
    assert len({spec["id"] for spec in found}) == len(found)
    assert len({spec["name"] for spec in found}) == len(found)
    assert all(spec["version"] for spec in found)


@pytest.mark.parametrize("collection", ["connectionSpecs", "flowSpecs"])
def test_a_spec_reads_as_it_is_listed(client: Client, collection: str) -> None:
    for spec in listed(client, collection):
        assert client.one(f"{FLOW}/{collection}/{spec['id']}") == spec
    refusal(client.get(f"{FLOW}/{collection}/{UNKNOWN}"), "FLOW-1439-404")


def test_the_landing_zone_is_one_spec(client: Client) -> None:
    found = listed(client, "connectionSpecs", "name==landing-zone")
    assert [spec["id"] for spec in found] == ["26f526f2-58f4-4712-961d-e41bf1ccc0e8"]


@pytest.mark.parametrize("name", ["landing-zone", "datalake", "azure-table-storage"])
def test_names_that_clients_look_up_are_there(client: Client, name: str) -> None:
    assert len(listed(client, "connectionSpecs", f"name=={name}")) == 1


def test_what_cannot_be_used_says_so(client: Client) -> None:
    unsupported = listed(client, "connectionSpecs", "attributes.isSupported==false")
    assert {spec["id"] for spec in unsupported} == set(UNSUPPORTED)
    assert all(spec["attributes"]["unsupportedReason"] for spec in unsupported)
    assert {spec["id"] for spec in listed(client, "connectionSpecs", "attributes.isSupported==true")} == {
        AZURE_TABLE,
        LAKE,
        SAMPLE_DATA,
    }


def test_every_source_says_what_a_catalog_shows_of_it(client: Client) -> None:
    sources = [spec for spec in listed(client, "connectionSpecs") if spec["attributes"]["isSource"]]
    assert len(sources) > 30
    for spec in sources:
        shown = spec["sourceSpec"]["attributes"]["uiAttributes"]
        assert shown["label"]["text"] == spec["attributes"]["displayName"]
        assert shown["frequency"]["key"] in {"batch", "streaming"}
        assert shown["category"]["key"]
        assert (spec["attributes"]["isSupported"], "unsupportedReason" in spec["attributes"]) in {
            (True, False),
            (False, True),
        }
        assert all(way["name"] for way in spec["authSpec"])
    readable = {spec["id"]: spec for spec in sources if spec["attributes"]["isSupported"]}
    assert set(readable) == {AZURE_TABLE, SAMPLE_DATA}
    assert len(readable[AZURE_TABLE]["authSpec"]) >= 5
    for spec in readable.values():
        assert spec["attributes"]["checkSteps"][0] == {"name": "parse-input", "title": "Read the settings"}
        assert spec["attributes"]["capabilities"] == {
            "preview": True,
            "columnSelection": True,
            "rowFilter": True,
            "incremental": True,
            "deleteDetection": False,
        }


def test_the_spec_of_sample_data_says_that_it_is_ours_and_asks_for_nothing(client: Client) -> None:
    spec = client.one(f"{FLOW}/connectionSpecs/{SAMPLE_DATA}")
    assert (spec["name"], spec["version"], spec["type"]) == ("sample-data", "1.0", "table")
    told = spec["attributes"]
    assert (told["displayName"], told["category"], told["nameIsOurChoice"]) == ("Sample data", "Samples", True)
    assert told["isSampleData"] is True
    assert spec["sourceSpec"]["attributes"]["uiAttributes"]["category"] == {"key": "samples"}
    (way,) = spec["authSpec"]
    assert way["spec"]["properties"] == {}
    others = listed(client, "connectionSpecs", "attributes.isSampleData==true")
    assert [other["id"] for other in others] == [SAMPLE_DATA]


def test_the_flow_spec_of_tables_reads_what_is_documented_and_then_ours(client: Client) -> None:
    documented = {spec["id"]: spec["sourceConnectionSpecIds"] for spec in DOCUMENTED["flowSpecs"]}
    for spec in listed(client, "flowSpecs"):
        ours = [SAMPLE_DATA] if spec["id"] == resources.CRM_TO_AEP else []
        assert spec["sourceConnectionSpecIds"] == [*documented[spec["id"]], *ours]


def test_no_connection_is_made_on_a_spec_without_a_connector(client: Client, azurite: Azurite) -> None:
    before = client.get(f"{FLOW}/connections?count=true").json()
    for spec_id in (*UNSUPPORTED, LAKE):
        body = resources.connection(azurite.connection_string, connectionSpec={"id": spec_id, "version": "1.0"})
        refused = refusal(client.post(f"{FLOW}/connections", json=body), "FLOW-1100-400")
        assert "no connector" in refused["errorMessage"]
        assert refused["advice"]
    assert client.get(f"{FLOW}/connections?count=true").json() == before


def test_the_schemas_of_the_azure_table_spec_tell_sound_from_unsound(client: Client, azurite: Azurite) -> None:
    spec = client.one(f"{FLOW}/connectionSpecs/{AZURE_TABLE}")
    auth = spec["authSpec"][0]
    assert auth["name"] == resources.BY_STRING
    assert auth["type"] == "ConnectionString"
    assert list(auth["spec"]["properties"]) == auth["spec"]["required"] == ["connectionString"]
    assert auth["spec"]["properties"]["connectionString"]["format"] == "password"
    for schema, sound, unsound in (
        (auth["spec"], {"connectionString": azurite.connection_string}, {}),
        (spec["sourceSpec"]["spec"], {"tableName": "people", "columns": [{"name": "a"}]}, {"tableName": "a b"}),
    ):
        jsonschema.Draft7Validator.check_schema(schema)
        jsonschema.validate(sound, schema, cls=jsonschema.Draft7Validator)
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(unsound, schema, cls=jsonschema.Draft7Validator)


def test_every_schema_in_every_spec_is_a_json_schema(client: Client) -> None:
    def check(node: Any) -> None:
        if isinstance(node, dict):
            if "$schema" in node:
                jsonschema.Draft7Validator.check_schema(node)
            for inner in node.values():
                check(inner)
        if isinstance(node, list):
            for inner in node:
                check(inner)

    check(listed(client, "connectionSpecs"))
    check(listed(client, "flowSpecs"))


def test_a_flow_spec_is_found_by_the_specs_that_it_joins(client: Client) -> None:
    found = listed(
        client, "flowSpecs", f"sourceConnectionSpecIds[]=={AZURE_TABLE}", f"targetConnectionSpecIds[]=={UNKNOWN},{LAKE}"
    )
    assert resources.CRM_TO_AEP in {spec["id"] for spec in found}
    (one,) = listed(client, "flowSpecs", 'name=="CRMToAEP"')
    assert one["id"] == resources.CRM_TO_AEP
    assert one["attributes"]["frequency"] == "batch"


def test_count_and_unsound_filters(client: Client) -> None:
    total = len(listed(client, "connectionSpecs"))
    assert client.get(f"{FLOW}/connectionSpecs?count=true").json() == {"count": total}
    refusal(client.get(f"{FLOW}/connectionSpecs?property=name~x"), "FLOW-1440-400")
    refusal(client.get(f"{FLOW}/connectionSpecs?property=name!>x"), "FLOW-1450-400")
    refusal(client.get(f"{FLOW}/connectionSpecs?property=name<a,b"), "FLOW-1443-400")
    assert listed(client, "connectionSpecs", "name==nothing") == []
    assert listed(client, "connectionSpecs", "attributes.category==Databases", "name!=azure-table-storage")


def test_the_azure_table_spec_says_how_rows_are_filtered(client: Client) -> None:
    (spec,) = client.get(f"{FLOW}/connectionSpecs/{resources.AZURE_TABLE}").json()["items"]
    told = spec["attributes"]["filterAtSource"]
    assert told["enabled"] is True
    assert told["logicalOperators"] == ["and", "or", "not"]
    assert {"=", "!=", "<", "<=", ">", ">=", "like", "in"} <= set(told["comparisonOperators"])
