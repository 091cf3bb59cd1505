"""The registry: what may be created, what it becomes, and what is refused."""

from dataclasses import replace
from typing import Any

import pytest

from flowservice.domain.identity import Caller, Permission
from flowservice.domain.registry import document
from flowservice.domain.schema import SchemaKind
from flowservice.domain.xdm_tree import Leaf, found
from flowservice.domain.xdm_types import XdmType
from flowservice.errors import BadSchema, Forbidden, MissingField, NotFound, NotSupported
from flowservice.service.datasets import Datasets
from flowservice.service.schemas import Container, Schemas

XDM = "https://ns.adobe.com/xdm/"
PROFILE = {"$ref": XDM + "context/profile"}
DEMOGRAPHICS = {"$ref": XDM + "context/profile-person-details"}
ORDERS = {
    "title": "Order details",
    "description": "",
    "type": "object",
    "meta:intendedToExtend": [XDM + "context/profile"],
    "definitions": {
        "order": {
            "properties": {
                "_northwind": {
                    "type": "object",
                    "properties": {
                        "orderTotal": {"title": "Order total", "type": "number"},
                        "placedAt": {"title": "Placed at", "type": "string", "format": "date-time"},
                    },
                }
            }
        }
    },
    "allOf": [{"$ref": "#/definitions/order"}],
}


def schema(*parts: dict[str, Any], title: str = "Orders", **more: Any) -> dict[str, Any]:
    return {"title": title, "description": "Order table", "type": "object", "allOf": list(parts), **more}


def group(fields: dict[str, Any], title: str = "Group") -> dict[str, Any]:
    return {"title": title, "type": "object", "properties": fields}


def test_a_schema_of_a_class_and_field_groups(schemas: Schemas, caller: Caller) -> None:
    orders = schemas.create(caller, SchemaKind.FIELD_GROUPS, ORDERS)
    made = schemas.create(caller, SchemaKind.SCHEMAS, schema(PROFILE, DEMOGRAPHICS, {"$ref": orders.id}))
    shown = document(made, tenant_id="northwind")
    digits = made.id.rpartition("/")[2]
    assert orders.id.startswith("https://ns.adobe.com/northwind/mixins/")
    assert made.id == f"https://ns.adobe.com/northwind/schemas/{digits}"
    assert made.alt_id == f"_northwind.schemas.{digits}"
    assert len(digits) == 48
    assert shown["version"] == "1.0"
    assert shown["meta:resourceType"] == "schemas"
    assert shown["meta:class"] == XDM + "context/profile"
    assert shown["meta:extends"][:3] == [XDM + "context/profile", XDM + "data/record", XDM + "common/auditable"]
    assert orders.id in shown["meta:extends"]
    assert shown["meta:tenantNamespace"] == "_northwind"
    assert shown["meta:registryMetadata"]["repo:createdDate"] == 1772452800000
    tree = schemas.tree(caller, made.id)
    assert found(tree, "_northwind.orderTotal") == Leaf(type=XdmType.NUMBER)
    assert found(tree, "person.birthDate") == Leaf(type=XdmType.DATE)
    full = schemas.full(caller, made.alt_id)
    assert full["title"] == "Orders"
    assert "allOf" not in full
    assert full["properties"]["person"]["properties"]["name"]["properties"]["fullName"]["meta:xdmType"] == "string"


def test_read_only_fields_sent_back_are_ignored(schemas: Schemas, caller: Caller) -> None:
    made = schemas.create(caller, SchemaKind.SCHEMAS, schema(PROFILE, DEMOGRAPHICS))
    copied = {**schemas.get(caller, Container.TENANT, SchemaKind.SCHEMAS, made.id), "title": "Copy"}
    copy = schemas.create(caller, SchemaKind.SCHEMAS, copied)
    assert copy.id != made.id
    assert copy.body == {**made.body, "title": "Copy"}


def test_a_standard_resource_is_found_in_both_containers(schemas: Schemas, caller: Caller) -> None:
    for container in Container:
        for ref in (XDM + "context/profile", "_xdm.context.profile"):
            assert schemas.get(caller, container, SchemaKind.CLASSES, ref)["title"] == "XDM Individual Profile"


def test_a_resource_of_another_kind_or_sandbox_is_not_found(schemas: Schemas, caller: Caller) -> None:
    made = schemas.create(caller, SchemaKind.SCHEMAS, schema(PROFILE))
    elsewhere = replace(caller, scope=replace(caller.scope, sandbox_id="other", sandbox_name="dev"))
    for who, container, kind, ref in [
        (caller, Container.TENANT, SchemaKind.CLASSES, made.id),
        (caller, Container.GLOBAL, SchemaKind.SCHEMAS, made.id),
        (elsewhere, Container.TENANT, SchemaKind.SCHEMAS, made.id),
        (elsewhere, Container.TENANT, SchemaKind.SCHEMAS, made.alt_id),
        (caller, Container.TENANT, SchemaKind.SCHEMAS, "nonsense"),
    ]:
        with pytest.raises(NotFound):
            schemas.get(who, container, kind, ref)


def test_stats_tell_the_tenant_and_what_it_has(schemas: Schemas, caller: Caller) -> None:
    schemas.create(caller, SchemaKind.FIELD_GROUPS, ORDERS)
    made = schemas.create(caller, SchemaKind.SCHEMAS, schema(PROFILE))
    stats = schemas.stats(caller)
    assert stats["imsOrg"] == "9A1B@AdobeOrg"
    assert stats["tenantId"] == "northwind"
    assert stats["counts"] == {"schemas": 1, "classes": 0, "mixins": 1, "datatypes": 0, "unions": 0}
    assert stats["classUsage"][XDM + "context/profile"][0]["$id"] == made.id
    assert stats["recentlyCreatedResources"][0]["meta:created"] == "Mon Mar 02 2026 12:00:00 GMT+0000 (UTC)"


def test_lists_hold_one_kind(schemas: Schemas, caller: Caller) -> None:
    made = schemas.create(caller, SchemaKind.SCHEMAS, schema(PROFILE))
    assert [one["$id"] for one in schemas.list(caller, Container.TENANT, SchemaKind.SCHEMAS)] == [made.id]
    assert schemas.list(caller, Container.TENANT, SchemaKind.CLASSES) == []
    assert len(schemas.list(caller, Container.GLOBAL, SchemaKind.CLASSES)) == 2


def test_an_ad_hoc_class_gets_a_namespace_of_its_own(schemas: Schemas, caller: Caller) -> None:
    fields = {"_adhoc": {"type": "object", "properties": {"x": {"type": "string"}}}}
    body = {"title": "Landing", "type": "object", "allOf": [{"$ref": XDM + "data/adhoc"}, {"properties": fields}]}
    made = schemas.create(caller, SchemaKind.CLASSES, body)
    own = "_" + made.id.rpartition("/")[2]
    used = schemas.create(caller, SchemaKind.SCHEMAS, schema({"$ref": made.id}))
    assert document(used, tenant_id="northwind")["meta:datasetNamespace"] == own
    assert found(schemas.tree(caller, used.id), f"{own}.x") == Leaf(type=XdmType.STRING)


@pytest.mark.parametrize(
    "body",
    [
        schema(),
        schema(DEMOGRAPHICS),
        schema(PROFILE, {"$ref": XDM + "context/experienceevent"}),
        schema(PROFILE, {"$ref": XDM + "context/person"}),
        schema(PROFILE, {"$ref": XDM + "data/record"}),
        schema(PROFILE, {"$ref": "https://ns.adobe.com/other/mixins/1"}),
        schema(PROFILE, {"$ref": "#/definitions/nothing"}),
        schema(PROFILE, {"properties": {"x": {"type": "string"}}}),
        schema(PROFILE, {"$ref": "#/definitions/d"}, definitions={"d": {"properties": {"x": {"type": "string"}}}}),
        schema(PROFILE, properties={"x": {"type": "string"}}),
        schema(PROFILE, type="string"),
        schema(PROFILE, description=7),
        {"title": "x", "type": "object", "allOf": "profile"},
        {"title": "x", "type": "object", "allOf": ["profile"]},
        {"title": "x", "type": "object", "allOf": [{"$ref": 7}]},
    ],
)
def test_a_schema_that_is_not_one_class_and_field_groups_is_refused(
    schemas: Schemas, caller: Caller, body: dict[str, Any]
) -> None:
    with pytest.raises(BadSchema):
        schemas.create(caller, SchemaKind.SCHEMAS, body)


def _deep(depth: int, word: str) -> dict[str, Any]:
    node: dict[str, Any] = {"type": "string"}
    for _ in range(depth):
        node = {"type": "array", word: node}
    return node


def _nested(depth: int) -> dict[str, Any]:
    node: dict[str, Any] = {"type": "string"}
    for _ in range(depth):
        node = {"type": "object", "properties": {"a": node}}
    return {"_northwind": node}


@pytest.mark.parametrize(
    "fields",
    [
        {"x": {"type": "string"}},
        {"_other": {"type": "object", "properties": {"x": {"type": "string"}}}},
        {"_northwind": {"type": "object", "properties": {"bad name": {"type": "string"}}}},
        {"_northwind": {"type": "object", "properties": {"_x": {"type": "string"}}}},
        {"_northwind": {"type": "object", "properties": {"x": {"type": "text"}}}},
        {"_northwind": {"type": "object", "properties": {"x": {}}}},
        {"_northwind": {"type": "object", "properties": {"x": "string"}}},
        {"_northwind": {"type": "object", "properties": {"x": {"type": ["string", "null"]}}}},
        {"_northwind": {"type": "object", "properties": {"x": {"type": "array"}}}},
        {"_northwind": {"type": "object", "properties": {"x": {"type": "string", "enum": "a"}}}},
        {"_northwind": {"type": "object", "properties": {"x": {"type": "string", "pattern": "(?=a)"}}}},
        {"_northwind": {"type": "object", "properties": {"x": {"type": "string", "pattern": "((a{99}){99}){99}"}}}},
        {"_northwind": {"type": "object", "properties": {"x": {"type": "string", "minLength": -1}}}},
        {"_northwind": {"type": "object", "properties": {"x": {"type": "integer", "minimum": "1"}}}},
        {"_northwind": {"type": "object", "properties": {"x": {"type": "string"}, "X": {"type": "string"}}}},
        {"_northwind": {"type": "object", "properties": {"x": {"oneOf": [{"type": "string"}]}}}},
        {"_northwind": {"type": "object", "properties": ["x"]}},
        {"_northwind": {"type": "object", "properties": {"x": _deep(400, "items")}}},
        _nested(120),
        _nested(300),
    ],
)
def test_a_malformed_field_group_is_refused(schemas: Schemas, caller: Caller, fields: dict[str, Any]) -> None:
    with pytest.raises(BadSchema):
        schemas.create(caller, SchemaKind.FIELD_GROUPS, group(fields))


def test_own_fields_may_sit_inside_standard_objects(schemas: Schemas, caller: Caller) -> None:
    own = {"_northwind": {"type": "object", "properties": {"x": {"type": "string"}}}}
    made = schemas.create(caller, SchemaKind.FIELD_GROUPS, group({"person": {"type": "object", "properties": own}}))
    used = schemas.create(caller, SchemaKind.SCHEMAS, schema(PROFILE, DEMOGRAPHICS, {"$ref": made.id}))
    assert found(schemas.tree(caller, used.id), "person._northwind.x") == Leaf(type=XdmType.STRING)


def test_groups_that_type_a_field_differently_do_not_compose(schemas: Schemas, caller: Caller) -> None:
    refs = []
    for kind in ("string", "number"):
        fields = {"_northwind": {"type": "object", "properties": {"x": {"type": kind}}}}
        refs.append({"$ref": schemas.create(caller, SchemaKind.FIELD_GROUPS, group(fields)).id})
    with pytest.raises(BadSchema, match=r"_northwind\.x is defined twice: as string and as number"):
        schemas.create(caller, SchemaKind.SCHEMAS, schema(PROFILE, *refs))


def test_a_title_is_used_once_and_a_refused_schema_leaves_nothing(schemas: Schemas, caller: Caller) -> None:
    schemas.create(caller, SchemaKind.SCHEMAS, schema(PROFILE))
    with pytest.raises(BadSchema, match="exists already"):
        schemas.create(caller, SchemaKind.SCHEMAS, schema(PROFILE))
    assert len(schemas.list(caller, Container.TENANT, SchemaKind.SCHEMAS)) == 1


@pytest.mark.parametrize("title", [None, "", " ", 7])
def test_a_title_is_needed(schemas: Schemas, caller: Caller, title: Any) -> None:
    with pytest.raises(MissingField):
        schemas.create(caller, SchemaKind.SCHEMAS, {**schema(PROFILE), "title": title})


def test_a_class_needs_a_behaviour(schemas: Schemas, caller: Caller) -> None:
    with pytest.raises(BadSchema, match="behaviour"):
        schemas.create(caller, SchemaKind.CLASSES, group({"_northwind": {"type": "object", "properties": {}}}))


def test_behaviours_are_standard_ones_alone(schemas: Schemas, caller: Caller) -> None:
    refs = {one["$id"] for one in schemas.list(caller, Container.GLOBAL, SchemaKind.BEHAVIORS)}
    assert refs >= {XDM + "data/record", XDM + "data/time-series", XDM + "data/adhoc"}
    assert schemas.get(caller, Container.GLOBAL, SchemaKind.BEHAVIORS, XDM + "data/record")["title"] == "Record"
    with pytest.raises(NotSupported):
        schemas.create(caller, SchemaKind.BEHAVIORS, {"title": "Mine", "type": "object"})


def model_based(**fields: Any) -> dict[str, Any]:
    """As clients send it: without a class, its fields at its root."""
    return {
        "title": "Rows",
        "type": "object",
        "definitions": {"customFields": {"type": "object", "properties": fields}},
        "allOf": [{"$ref": "#/definitions/customFields", "meta:xdmType": "object"}],
        "meta:extends": [XDM + "data/adhoc-v2"],
        "meta:behaviorType": "record",
    }


def test_a_model_based_schema_has_its_fields_at_its_root(schemas: Schemas, datasets: Datasets, caller: Caller) -> None:
    body = model_based(id={"type": "string"}, size={"type": "number"})
    made = schemas.create(caller, SchemaKind.SCHEMAS, body)
    shown = schemas.get(caller, Container.TENANT, SchemaKind.SCHEMAS, made.id)
    assert (shown["meta:class"], shown["meta:behaviorType"]) == (XDM + "data/adhoc-v2", "record")
    assert shown["meta:extends"] == [XDM + "data/adhoc-v2"]
    assert found(schemas.tree(caller, made.id), "size") == Leaf(type=XdmType.NUMBER)
    dataset = datasets.create(caller, {"name": "rows", "schemaRef": {"id": made.id, "contentType": "x"}})
    assert dataset.behavior == "record"
    steps = [{"op": "add", "path": "/definitions/customFields/properties/more", "value": {"type": "string"}}]
    changed = schemas.change(caller, SchemaKind.SCHEMAS, made.id, steps)
    assert changed.extends == made.extends


@pytest.mark.parametrize(
    "wrong", [{"meta:behaviorType": "adhoc"}, {"meta:behaviorType": 7}, {"meta:immutableTags": ["union"]}]
)
def test_a_model_based_schema_that_cannot_be_is_refused(
    schemas: Schemas, caller: Caller, wrong: dict[str, Any]
) -> None:
    with pytest.raises(BadSchema):
        schemas.create(caller, SchemaKind.SCHEMAS, {**model_based(id={"type": "string"}), **wrong})
    with pytest.raises(BadSchema, match="no field name"):
        schemas.create(caller, SchemaKind.SCHEMAS, model_based(_id={"type": "string"}))


def test_the_behaviour_that_a_client_states_beside_a_class_says_nothing(schemas: Schemas, caller: Caller) -> None:
    made = schemas.create(caller, SchemaKind.SCHEMAS, {**schema(PROFILE), "meta:behaviorType": "time-series"})
    assert made.class_id == PROFILE["$ref"]
    assert "meta:behaviorType" not in made.body


def test_permissions(schemas: Schemas, caller: Caller) -> None:
    reader = replace(caller, permissions=frozenset({Permission.VIEW_SOURCES}))
    with pytest.raises(Forbidden):
        schemas.create(reader, SchemaKind.SCHEMAS, schema(PROFILE))
    schemas.stats(reader)
    nobody = replace(caller, permissions=frozenset())
    with pytest.raises(Forbidden):
        schemas.stats(nobody)


def test_fields_tell_their_type_wherever_they_are_written(schemas: Schemas, caller: Caller) -> None:
    fields = {
        "n": {"type": "integer", "minimum": 1, "maximum": 9},
        "at": {"type": "string", "format": "date-time"},
        "m": {"type": "object", "additionalProperties": {"type": "array", "items": {"type": "number"}}},
        "p": {"$ref": XDM + "context/person"},
    }
    made = schemas.create(caller, SchemaKind.DATA_TYPES, {"title": "T", "type": "object", "properties": fields})
    told = made.body["properties"]
    assert (told["n"]["meta:xdmType"], told["at"]["meta:xdmType"], told["m"]["meta:xdmType"]) == (
        "byte",
        "date-time",
        "map",
    )
    assert told["m"]["additionalProperties"]["items"]["meta:xdmType"] == "number"
    assert told["p"] == fields["p"]


@pytest.mark.parametrize(
    "unused",
    [{"x": 7}, {"x": {"type": "text"}}, {"x": {"properties": []}}, {"x": {"allOf": [7], "items": [1]}}, [], 7],
)
def test_a_definition_that_nobody_uses_may_be_anything(schemas: Schemas, caller: Caller, unused: Any) -> None:
    body = {"title": "T", "type": "object", "properties": {"a": {"type": "string"}}, "definitions": unused}
    made = schemas.create(caller, SchemaKind.DATA_TYPES, body)
    assert found(schemas.tree(caller, made.id), "a") == Leaf(type=XdmType.STRING)
