"""The unmodified `aepp` client: its classes Schema, SchemaManager and FieldGroupManager, from a class to a dataset."""

from typing import Any

import pytest

from tests.journeys.aepp_client import told_by
from tests.live import Server
from tests.wire.resources import REGISTRY

XDM = "https://ns.adobe.com/xdm/"

MANAGERS = """
from aepp import schema
from aepp.schemamanager import SchemaManager
from aepp.fieldgroupmanager import FieldGroupManager

api = schema.Schema()
tenant = "_" + api.getTenantId()
told["tenant"] = tenant

size = api.createDataType({
    "title": "Shoe size", "type": "object", "description": "",
    "definitions": {"customFields": {"type": "object", "properties": {"eu": {"type": "integer", "title": "EU"}}}},
    "allOf": [{"$ref": "#/definitions/customFields"}],
})

fields = FieldGroupManager(schemaAPI=api, title="Customers of the shop", fg_class=["profile"])
fields.addField(tenant, "object", title="Own")
fields.addField(tenant + ".crm", "string", title="CRM id", description="Number of the customer")
fields.addField(tenant + ".visits", "long", title="Visits")
fields.addField(tenant + ".since", "date", title="Since")
fields.addField(tenant + ".seen", "date-time", title="Last seen")
fields.addField(tenant + ".level", "string", title="Level", enumValues={"g": "Gold", "s": "Silver"}, enumType=True)
fields.addField(tenant + ".tags", "string", title="Tags", array=True)
fields.addField(tenant + ".scores", "map", title="Scores", mapType="integer")
fields.addField(tenant + ".baskets", "array", title="Baskets",
                objectComponents={"sku": "string", "price": "double", "at": "datetime"})
fields.addField(tenant + ".size", "dataType", title="Shoe size", ref=size["$id"])
told["group"] = fields.createFieldGroup()
fields.addField(tenant + ".note", "string", title="Note")
told["updated"] = fields.updateFieldGroup()
told["patched"] = fields.patchFieldGroup([{"op": "replace", "path": "/description", "value": "by patch"}])
told["extended"] = api.extendFieldGroup(fields.id)["meta:intendedToExtend"]

made = SchemaManager(schemaAPI=api, title="Customer by aepp", schemaClass="https://ns.adobe.com/xdm/context/profile")
made.addFieldGroup("https://ns.adobe.com/xdm/context/profile-person-details")
made.addFieldGroup("https://ns.adobe.com/xdm/mixins/profile/profile-loyalty-details")
told["schema"] = made.createSchema()
made.addFieldGroup(fields.id)
told["with_group"] = made.updateSchema()
told["added"] = api.addFieldGroupToSchema(made.id, ["https://ns.adobe.com/xdm/context/identitymap"])

read = SchemaManager(made.id, schemaAPI=api)
frame = read.to_dataframe()
told["frame"] = dict(zip(frame["path"], frame["xdmType"]))
told["origins"] = sorted(set(frame["fieldGroup"]))
told["dict"] = read.to_dict()
told["group_frame"] = list(FieldGroupManager(fields.id, schemaAPI=api).to_dataframe()["path"])

identity = read.createDescriptorOperation("xdm:descriptorIdentity", completePath=tenant + ".crm", identityNSCode="CRM",
                                          identityPrimary=True)
told["identity"] = read.createDescriptor(identity)
told["second"] = read.createDescriptor({**identity, "xdm:sourceProperty": "/personID"})
display = read.createDescriptorOperation("xdm:alternateDisplayInfo", completePath="/person/name/lastName",
                                         alternateTitle="Family name")
told["display"] = read.createDescriptor(display)
told["changed"] = read.updateDescriptor(told["display"]["@id"], {**display, "xdm:title": {"en_us": "Surname"}})
told["descriptors"] = read.getDescriptors()
told["by_type"] = api.getDescriptors(type_desc="xdm:alternateDisplayInfo", prop=f"xdm:sourceSchema=={made.id}")
told["ids"] = api.getDescriptors(id_desc=True)
told["described"] = api.getSchema(made.id, full=True, desc=True)
told["all_paths"] = api.getSchemaPaths(made.id)
told["sample"] = api.getSchemaSample(made.id)
told["enabled"] = api.enableSchemaForRealTime(made.id)
told["profile_schemas"] = api.getXDMprofileSchema()
told["unions"] = api.getUnions()
told["union"] = api.getUnion(told["unions"][0]["$id"])
told["narrowed"] = api.patchFieldGroup(fields.id, [
    {"op": "remove", "path": f"/definitions/customFields/properties/{tenant}/properties/note"}])
told["in_use"] = api.deleteFieldGroup(fields.id)
told["audit"] = api.getAuditLogs(made.id)
told["export"] = api.exportResource(fields.id)
told["gone"] = api.deleteDescriptor(told["display"]["@id"])

from aepp import catalog
(reference,) = catalog.Catalog().createDataSet(name="Customers by aepp", schemaId=made.id)
told["datasets"] = list(read.getDatasets())
"""

LISTS = """
from aepp import schema
from aepp.fieldgroupmanager import FieldGroupManager

api = schema.Schema()
told["behaviors"] = [one["$id"] for one in api.getBehaviors()]
told["behavior"] = api.getBehavior("https://ns.adobe.com/xdm/data/time-series")
told["classes"] = [one["$id"] for one in api.getClassesGlobal()]
told["class"] = api.getClass("https://ns.adobe.com/xdm/context/experienceevent")
told["types"] = [one["$id"] for one in api.getDataTypesGlobal()]
told["type"] = api.getDataType("https://ns.adobe.com/xdm/context/person")
told["global_schemas"] = api.getSchemasGlobal()
groups = api.getFieldGroupsGlobal()
told["groups"] = [one["$id"] for one in groups]
told["frames"] = {
    one["title"]: len(FieldGroupManager(one["$id"], schemaAPI=api).to_dataframe())
    for one in groups if one.get("meta:intendedToExtend")
}

own = api.createClass(title="Shop floor", class_template="https://ns.adobe.com/xdm/data/record")
told["own_class"] = own
told["own_classes"] = [one["title"] for one in api.getClasses()]
told["patched_class"] = api.patchClass(own["$id"], [{"op": "add", "path": "/description", "value": "Where shoes are"}])
told["put_class"] = api.putClass(own["$id"], {**own, "title": "Shop floors"})
made = api.createProfileSchema("Plain profile", fieldGroupIds=["https://ns.adobe.com/xdm/context/identitymap"])
told["profile"] = made
event = api.createExperienceEventSchema("Visits", fieldGroupIds=["https://ns.adobe.com/xdm/context/experienceevent-web"])
told["event"] = event
told["schemas"] = {one["title"]: one["$id"] for one in api.getSchemas()}
told["events"] = [one["title"] for one in api.getSchemas("https://ns.adobe.com/xdm/context/experienceevent")]
told["plain"] = api.getSchema(made["meta:altId"], full=False, schema_type="xed")
told["renamed"] = api.patchSchema(made["$id"], [{"op": "replace", "path": "/title", "value": "Plain"}])
told["imported"] = api.importResource(api.exportResource(own["$id"]))
told["deleted"] = [api.deleteSchema(made["$id"]), api.deleteSchema(event["$id"]), api.deleteClass(own["$id"])]
told["after"] = api.getSchema(made["$id"])
"""


MODEL_BASED = """
from aepp import schema
from aepp.schemamanager import SchemaManager

api = schema.Schema()
rows = SchemaManager(schemaAPI=api, title="Rows by aepp", schemaClass="https://ns.adobe.com/xdm/data/adhoc-v2")
rows.addField("id", "string", title="Id")
rows.addField("changed", "date-time", title="Changed")
rows.addField("price", "double", title="Price")
told["made"] = rows.createSchema()
rows.addField("note", "string", title="Note")
told["updated"] = rows.updateSchema()
told["key"] = rows.createDescriptor(rows.createDescriptorOperation("xdm:descriptorPrimaryKey", completePath=["id"]))
told["version"] = rows.createDescriptor(
    rows.createDescriptorOperation("xdm:descriptorVersion", completePath="changed"))
read = SchemaManager(rows.id, schemaAPI=api)
told["paths"] = list(read.to_dataframe()["path"])
"""


@pytest.fixture(scope="module")
def managers(server: Server) -> dict[str, Any]:
    """What the managers told."""
    return told_by(server, MANAGERS)


@pytest.fixture(scope="module")
def lists(server: Server) -> dict[str, Any]:
    """What the class Schema told."""
    return told_by(server, LISTS)


def test_a_field_group_is_made_field_by_field(managers: dict[str, Any]) -> None:
    tenant = managers["tenant"]
    made = managers["group"]
    assert made["$id"].startswith(f"https://ns.adobe.com/{tenant[1:]}/mixins/")
    assert managers["updated"]["version"] == "1.1"
    assert managers["patched"]["description"] == "by patch"
    assert managers["extended"] == [XDM + "context/profile", XDM + "context/experienceevent"]
    own = managers["updated"]["definitions"]["customFields"]["properties"][tenant]["properties"]
    assert {"crm", "baskets", "size", "note"} <= own.keys()
    assert f"{tenant}.size.eu" in managers["group_frame"]


def test_a_schema_is_made_of_groups_and_read_back(managers: dict[str, Any]) -> None:
    tenant = managers["tenant"]
    assert managers["schema"]["version"] == "1.0"
    assert managers["with_group"]["version"] == "1.1"
    assert managers["added"]["version"] == "1.2"
    frame = managers["frame"]
    assert {
        "_id": "string",
        "person.name.lastName": "string",
        "loyalty.points": "number",
        f"{tenant}.crm": "string",
        f"{tenant}.visits": "long",
        f"{tenant}.since": "date",
        f"{tenant}.seen": "date-time",
        f"{tenant}.baskets[]{{}}.price": "number",
        f"{tenant}.scores": "map",
        f"{tenant}.size.eu": "int",
    }.items() <= frame.items()
    assert "Customers of the shop" in managers["origins"]
    assert {"person", "loyalty", tenant} <= managers["dict"].keys()
    assert len(managers["datasets"]) == 1
    assert {"person.name.lastName", f"{tenant}.baskets.price", "identityMap", "_id"} <= set(managers["all_paths"])
    assert "person" not in managers["all_paths"]


def test_descriptors_are_made_and_show(managers: dict[str, Any]) -> None:
    tenant = managers["tenant"]
    assert managers["identity"]["xdm:isPrimary"]
    assert managers["second"]["code"] == "descriptor-invalid"
    assert managers["changed"]["xdm:title"] == {"en_us": "Surname"}
    assert [one["@type"] for one in managers["descriptors"]] == [
        "xdm:descriptorIdentity",
        "xdm:alternateDisplayInfo",
    ]
    assert managers["by_type"] == [managers["changed"]]
    assert set(managers["ids"]) >= {managers["identity"]["@id"], managers["display"]["@id"]}
    described = managers["described"]
    assert described["properties"]["person"]["properties"]["name"]["properties"]["lastName"]["title"] == "Surname"
    assert described["properties"][tenant]["properties"]["crm"]["meta:descriptors"][0]["xdm:namespace"] == "CRM"
    assert managers["gone"] == 204


def test_a_sample_holds_every_field(managers: dict[str, Any]) -> None:
    own = managers["sample"][managers["tenant"]]
    assert own["level"] == "g"
    assert own["baskets"][0].keys() == {"sku", "price", "at"}
    assert managers["sample"]["person"]["name"].keys() >= {"firstName", "lastName"}


def test_a_schema_joins_the_union_and_only_gains_fields(managers: dict[str, Any]) -> None:
    assert managers["enabled"]["meta:immutableTags"] == ["union"]
    assert managers["enabled"]["$id"] in [one["$id"] for one in managers["profile_schemas"]["results"]]
    assert managers["unions"][0]["$id"] == XDM + "context/profile__union"
    assert managers["tenant"] in managers["union"]["properties"]
    assert managers["narrowed"]["code"] == "schema-change-breaking"
    assert (managers["in_use"]["code"], managers["in_use"]["status"]) == ("in-use", 400)
    assert [one["version"] for one in managers["audit"]] == ["1.3", "1.2", "1.1", "1.0"]
    assert [one["title"] for one in managers["export"]] == ["Shoe size", "Customers of the shop"]


def test_standard_resources_are_listed_and_each_field_group_becomes_a_frame(lists: dict[str, Any]) -> None:
    assert {XDM + f"data/{name}" for name in ("record", "time-series", "adhoc", "adhoc-v2")} <= set(lists["behaviors"])
    assert lists["behavior"]["required"] == ["_id", "timestamp"]
    assert lists["classes"] == [XDM + "context/experienceevent", XDM + "context/profile"]
    assert lists["class"]["properties"]["timestamp"]["meta:xdmType"] == "date-time"
    assert XDM + "context/person-name" in lists["types"]
    assert lists["type"]["properties"]["name"]["properties"]["lastName"]["type"] == "string"
    assert lists["global_schemas"] == []
    assert XDM + "context/experienceevent-commerce" in lists["groups"]
    assert {"Demographic Details", "Loyalty Details", "Consents and Preferences", "Commerce Details"} <= (
        lists["frames"].keys()
    )
    assert not [title for title, rows in lists["frames"].items() if not rows]


def test_classes_and_schemas_are_made_listed_changed_and_deleted(lists: dict[str, Any]) -> None:
    assert lists["own_class"]["meta:resourceType"] == "classes"
    assert "Shop floor" in lists["own_classes"]
    assert lists["patched_class"]["description"] == "Where shoes are"
    assert lists["put_class"]["title"] == "Shop floors"
    assert lists["profile"]["meta:class"] == XDM + "context/profile"
    assert lists["schemas"]["Visits"] == lists["event"]["$id"]
    assert lists["events"] == ["Visits"]
    assert [part["$ref"] for part in lists["plain"]["allOf"]] == [
        XDM + "context/profile",
        XDM + "context/identitymap",
    ]
    assert lists["renamed"]["title"] == "Plain"
    assert [one["title"] for one in lists["imported"]] == ["Shop floors"]
    assert lists["deleted"] == [204, 204, 204]
    assert lists["after"]["status"] == 404


def test_a_model_based_schema_is_made_and_read_back(server: Server) -> None:
    told = told_by(server, MODEL_BASED)
    assert told["made"]["meta:class"] == XDM + "data/adhoc-v2"
    assert told["updated"]["version"] == "1.1"
    assert told["key"]["xdm:sourceProperty"] == ["/id"]
    assert told["version"]["@type"] == "xdm:descriptorVersion"
    assert sorted(told["paths"]) == ["changed", "id", "note", "price"]


def test_an_ad_hoc_schema_is_left_out_of_the_usual_list(server: Server) -> None:
    with server.client() as client:
        fields = {"properties": {"_adhoc": {"type": "object", "properties": {"x": {"type": "string"}}}}}
        body = {"title": "Landing", "type": "object", "allOf": [{"$ref": XDM + "data/adhoc"}, fields]}
        landing = client.made(f"{REGISTRY}/tenant/classes", body)
        parts = [{"$ref": landing["$id"]}]
        client.made(f"{REGISTRY}/tenant/schemas", {"title": "Landing rows", "type": "object", "allOf": parts})
    program = """
    from aepp import schema
    api = schema.Schema()
    told["usual"] = [one["title"] for one in api.getSchemas()]
    told["all"] = [one["title"] for one in api.getSchemas(excludeAdhoc=False)]
    """
    told = told_by(server, program)
    assert "Landing rows" in told["all"]
    assert "Landing rows" not in told["usual"]
