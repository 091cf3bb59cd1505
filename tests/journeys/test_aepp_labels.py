"""The unmodified `aepp` client puts labels on datasets and on fields of schemas."""

from typing import Any

import pytest

from tests.journeys.aepp_client import told_by
from tests.live import Client, Server
from tests.wire import resources
from tests.wire.resources import CATALOG, PROFILE, REGISTRY

LABELS = """
from aepp import datasets, schema
from aepp.fieldgroupmanager import FieldGroupManager
from aepp.schemamanager import SchemaManager

api = datasets.DataSets()
own = given["dataset"]
told["none"] = api.getLabelSchemaTests(own)
told["made"] = api.createLabels(own, {"labels": ["C2"], "optionalLabels": []})
told["again"] = api.createLabels(own, {"labels": ["C2"]})
told["read"] = api.getLabelSchemaTests(own)
told["head"] = api.headLabels(own)
told["replaced"] = api.updateLabels(own, {"labels": ["C2", "I1"]}, ifMatch=told["read"]["AEP:dataset:" + own]["_etag"])
told["stale"] = api.updateLabels(own, {"labels": []}, ifMatch=told["read"]["AEP:dataset:" + own]["_etag"])
# Of the answer to HEAD the client hands out nothing, so its users know no etag.
told["any"] = api.updateLabels(own, {"labels": []}, ifMatch="*")
told["deleted"] = api.deleteLabels(own, ifMatch="*")
told["gone"] = api.deleteLabels(own, ifMatch="*")

registry = schema.Schema()
group = FieldGroupManager(given["group"], schemaAPI=registry)
on_group = group.createDescriptorOperation("xdm:descriptorLabel", completePath=given["path"], labels=["core/I1"])
told["on_group"] = group.createDescriptor(on_group)
manager = SchemaManager(given["schema"], schemaAPI=registry)
# As its class for schemas would make it, if it took the type.
on_schema = {**on_group, "xdm:sourceSchema": given["schema"], "xdm:label": ["core/C9"]}
del on_schema["xdm:labels"]
told["on_schema"] = manager.createDescriptor(on_schema)
told["listed"] = registry.getDescriptors(type_desc="xdm:descriptorLabel", prop="xdm:sourceSchema==" + given["schema"])
"""


@pytest.fixture(scope="module")
def told(server: Server) -> dict[str, Any]:
    """What the client told."""
    with server.client() as client:
        given = labelled(client)
    return told_by(server, LABELS, **given) | {"given": given}


def labelled(client: Client) -> dict[str, str]:
    """A dataset of a schema with a field of one's own."""
    tenant = "_" + str(client.get(f"{REGISTRY}/stats").json()["tenantId"])
    body = resources.field_group(tenant, {"mail": {"type": "string"}})
    group = client.made(f"{REGISTRY}/tenant/fieldgroups", body)["$id"]
    schema = client.made(f"{REGISTRY}/tenant/schemas", resources.schema(PROFILE, group))["$id"]
    (reference,) = client.made(f"{CATALOG}/dataSets", resources.dataset(schema, "labelled by aepp"))
    dataset = str(reference).removeprefix("@/dataSets/")
    return {"dataset": dataset, "schema": schema, "group": group, "path": f"/{tenant}/mail"}


def test_labels_of_a_dataset_are_made_replaced_and_taken_off(told: dict[str, Any]) -> None:
    assert (told["none"]["status"], told["none"]["code"]) == ("NOT_FOUND", "PES-404")
    assert (told["made"]["labels"], told["made"]["code"]) == (["C2"], "PES-201")
    assert (told["again"]["status"], told["again"]["code"]) == ("FORBIDDEN", "PES-403")
    (entity,) = told["read"].values()
    assert entity["labels"] == ["C2"]
    assert told["head"] == {}
    assert told["replaced"]["labels"] == ["C2", "I1"]
    assert told["stale"]["code"] == "PES-412"
    assert told["any"]["labels"] == []
    assert told["deleted"] == 200
    assert told["gone"]["code"] == "PES-404"


def test_labels_of_fields_are_put_on_field_groups_and_schemas(told: dict[str, Any]) -> None:
    given = told["given"]
    assert told["on_group"]["xdm:labels"] == ["core/I1"]
    assert (told["on_group"]["xdm:sourceSchema"], told["on_group"]["xdm:sourceProperty"]) == (
        given["group"],
        given["path"],
    )
    assert told["on_schema"]["xdm:labels"] == ["core/C9"]
    assert [one["xdm:labels"] for one in told["listed"]] == [["core/C9"]]
