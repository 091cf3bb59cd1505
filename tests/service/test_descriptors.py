"""Descriptors: what may be said of a schema's fields, and how it shows in the schema."""

from dataclasses import replace
from typing import Any

import pytest

from flowservice.domain.descriptor import descriptor_document, field_at
from flowservice.domain.identity import Caller, Permission
from flowservice.domain.registry import with_deprecations, with_descriptors
from flowservice.domain.schema import SchemaKind, SchemaResource
from flowservice.errors import BadDescriptor, Forbidden, InUse, NotFound
from flowservice.service.descriptors import Descriptors
from flowservice.service.schemas import Schemas

XDM = "https://ns.adobe.com/xdm/"
FIELDS = {
    "crm": {"type": "string"},
    "mail": {"type": "string"},
    "total": {"type": "number"},
    "at": {"type": "string", "format": "date-time"},
    "size": {"type": "string", "meta:enum": {"s": "Small", "l": "Large"}},
    "lines": {"type": "array", "items": {"type": "object", "properties": {"sku": {"type": "string"}}}},
}
IDENTITY: dict[str, Any] = {"@type": "xdm:descriptorIdentity", "xdm:namespace": "CRM"}


@pytest.fixture
def group(schemas: Schemas, caller: Caller) -> SchemaResource:
    own = {"_northwind": {"type": "object", "properties": FIELDS}}
    return schemas.create(caller, SchemaKind.FIELD_GROUPS, {"title": "G", "type": "object", "properties": own})


@pytest.fixture
def schema(schemas: Schemas, caller: Caller, group: SchemaResource) -> SchemaResource:
    parts = [{"$ref": XDM + "context/profile"}, {"$ref": group.id}]
    return schemas.create(caller, SchemaKind.SCHEMAS, {"title": "S", "type": "object", "allOf": parts})


def said(schema: SchemaResource, path: Any = "/_northwind/crm", **members: Any) -> dict[str, Any]:
    return {"xdm:sourceSchema": schema.id, "xdm:sourceVersion": 1, "xdm:sourceProperty": path, **members}


def test_an_identity_as_clients_send_it(descriptors: Descriptors, caller: Caller, schema: SchemaResource) -> None:
    made = descriptors.create(caller, {**said(schema), **IDENTITY, "xdm:isPrimary": True, "@id": "mine"})
    shown = descriptor_document(made)
    assert len(made.id) == 40
    assert shown == {
        "@id": made.id,
        "@type": "xdm:descriptorIdentity",
        "xdm:sourceSchema": schema.id,
        "xdm:sourceVersion": 1,
        "xdm:sourceProperty": "/_northwind/crm",
        "xdm:namespace": "CRM",
        "xdm:property": "xdm:code",
        "xdm:isPrimary": True,
        "version": "1",
        "imsOrg": "9A1B@AdobeOrg",
        "meta:containerId": "tenant",
        "meta:sandboxId": "5e0c",
    }
    assert descriptors.get(caller, made.id) == made
    assert descriptors.list(caller) == [made]


def test_a_schema_has_one_primary_identity(descriptors: Descriptors, caller: Caller, schema: SchemaResource) -> None:
    first = descriptors.create(caller, {**said(schema), **IDENTITY, "xdm:isPrimary": True})
    other = {**said(schema, "/_northwind/mail"), **IDENTITY, "xdm:namespace": "Email"}
    with pytest.raises(BadDescriptor, match=f"/_northwind/crm is the primary identity .* {first.id}"):
        descriptors.create(caller, {**other, "xdm:isPrimary": True})
    second = descriptors.create(caller, other)
    with pytest.raises(BadDescriptor, match="primary identity"):
        descriptors.replace(caller, second.id, {**other, "xdm:isPrimary": True})
    descriptors.replace(caller, first.id, {**said(schema), **IDENTITY, "xdm:isPrimary": False})
    assert descriptors.replace(caller, second.id, {**other, "xdm:isPrimary": True}).is_primary


@pytest.mark.parametrize(
    ("path", "members"),
    [
        ("/_northwind/crm", {"@type": "xdm:descriptorReferenceIdentity", "xdm:identityNamespace": "CRM"}),
        ("/_northwind/lines/sku", {"@type": "xdm:descriptorReferenceIdentity", "xdm:identityNamespace": "SKU"}),
        ("/_northwind/crm", {"@type": "xdm:alternateDisplayInfo", "xdm:title": {"en_us": "Number"}}),
        # A client sends every member that it knows, empty ones too.
        (
            "/_northwind/crm",
            {"@type": "xdm:alternateDisplayInfo", "xdm:title": {"en_us": ""}, "xdm:note": {"en_us": ""},
             "xdm:excludeMetaEnum": ""},
        ),
        (["/_northwind/crm", "/_northwind/mail"], {"@type": "xdm:descriptorDeprecated"}),
        (["/_northwind/crm", "/_id"], {"@type": "xdm:descriptorPrimaryKey"}),
        ("/_northwind/total", {"@type": "xdm:descriptorVersion"}),
        ("/_northwind/at", {"@type": "xdm:descriptorTimestamp"}),
        ("/_northwind/crm", {"@type": "xdm:descriptorLabel", "xdm:labels": ["core/C2"]}),
        (None, {"@type": "xdm:descriptorTimeSeriesGranularity", "xdm:granularity": "day"}),
    ],
)  # fmt: skip
def test_every_type_with_its_members(
    descriptors: Descriptors, caller: Caller, schema: SchemaResource, path: Any, members: dict[str, Any]
) -> None:
    body = said(schema, path, **members)
    made = descriptors.create(caller, {key: value for key, value in body.items() if value is not None})
    assert made.type == members["@type"]
    assert made.paths == (() if path is None else (path,) if isinstance(path, str) else tuple(path))


@pytest.mark.parametrize("kind", ["OneToOne", "OneToMany", "ManyToMany", "Relationship"])
def test_a_relationship_leads_to_a_field_of_another_schema(
    schemas: Schemas, descriptors: Descriptors, caller: Caller, schema: SchemaResource, group: SchemaResource, kind: str
) -> None:
    parts = [{"$ref": XDM + "context/profile"}, {"$ref": group.id}]
    other = schemas.create(caller, SchemaKind.SCHEMAS, {"title": "T", "type": "object", "allOf": parts})
    body = said(schema, **{
        "@type": f"xdm:descriptor{kind}", "xdm:destinationSchema": other.alt_id,
        "xdm:destinationProperty": "/_northwind/mail", "xdm:cardinality": "M:1",
        "xdm:sourceToDestinationTitle": "Mail of",
    })  # fmt: skip
    made = descriptors.create(caller, body)
    assert (made.destination, made.body["xdm:destinationVersion"]) == (other.id, 1)
    assert made.body["xdm:sourceToDestinationTitle"] == "Mail of"
    with pytest.raises(InUse, match=f"the descriptor {made.id}"):
        schemas.delete(caller, SchemaKind.SCHEMAS, other.id)
    for wrong in ({"xdm:destinationSchema": "nothing"}, {"xdm:destinationProperty": "/no"}, {"xdm:cardinality": "9"}):
        with pytest.raises(BadDescriptor):
            descriptors.create(caller, {**body, "xdm:sourceProperty": "/_id", **wrong})
    # With its own schema a descriptor goes, whatever it leads to.
    schemas.delete(caller, SchemaKind.SCHEMAS, schema.id)
    assert descriptors.list(caller) == []


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"@type": "xdm:descriptorNothing"}, "no type of descriptor"),
        ({"@type": None}, "no type of descriptor"),
        ({"@type": ["x"]}, "no type of descriptor"),
        ({"xdm:sourceSchema": None}, "xdm:sourceSchema is missing"),
        ({"xdm:sourceSchema": "https://ns.adobe.com/northwind/schemas/0"}, "there is no resource"),
        ({"xdm:sourceSchema": XDM + "context/profile"}, "of your own"),
        ({"xdm:sourceVersion": 2}, "xdm:sourceVersion must be 1"),
        ({"xdm:sourceVersion": True}, "xdm:sourceVersion must be 1"),
        ({"xdm:sourceProperty": None}, "must be a path"),
        ({"xdm:sourceProperty": "_northwind/crm"}, "must be a path"),
        ({"xdm:sourceProperty": "/_northwind/"}, "must be a path"),
        ({"xdm:sourceProperty": "/"}, "must be a path"),
        ({"xdm:sourceProperty": "/properties/_northwind/properties/crm"}, "must be a path"),
        ({"xdm:sourceProperty": "/_northwind/nothing"}, "has no field /_northwind/nothing"),
        ({"xdm:sourceProperty": "/_northwind/crm/deeper"}, "has no field"),
        ({"xdm:sourceProperty": ["/_northwind/crm"]}, "is one path"),
        ({"xdm:sourceProperty": "/_northwind/total"}, "is of type number; xdm:descriptorIdentity needs a string"),
        ({"xdm:sourceProperty": "/_northwind"}, "is of type object"),
        ({"xdm:namespace": ""}, "xdm:namespace is missing"),
        ({"xdm:property": "xdm:nothing"}, "xdm:property is"),
        ({"xdm:isPrimary": "true"}, "must be true or false"),
        ({"@type": "xdm:descriptorReferenceIdentity"}, "xdm:identityNamespace is missing"),
        ({"@type": "xdm:alternateDisplayInfo"}, "says nothing"),
        ({"@type": "xdm:alternateDisplayInfo", "xdm:title": "x"}, "a text for each locale"),
        ({"@type": "xdm:alternateDisplayInfo", "meta:enum": {"a": 7}}, "a text for each value"),
        ({"@type": "xdm:descriptorTimestamp"}, "needs a date-time"),
        ({"@type": "xdm:descriptorVersion"}, "needs a number"),
        ({"@type": "xdm:descriptorPrimaryKey", "xdm:sourceProperty": []}, "names 1 to"),
        ({"@type": "xdm:descriptorPrimaryKey", "xdm:sourceProperty": ["/_id", "/_id"]}, "twice"),
        ({"@type": "xdm:descriptorLabel", "xdm:labels": "core/C2"}, "a list of labels"),
        ({"@type": "xdm:descriptorLabel", "xdm:labels": ["core/C2", "C99"]}, "no label there is: 'C99'"),
        ({"@type": "xdm:descriptorTimeSeriesGranularity", "xdm:granularity": "era"}, "xdm:granularity is one of"),
        (
            {"@type": "xdm:descriptorTimeSeriesGranularity", "xdm:granularity": "day", "xdm:ianaTimezone": "../x"},
            "no time zone",
        ),
    ],
)
def test_what_cannot_be_said_is_refused(
    descriptors: Descriptors, caller: Caller, schema: SchemaResource, wrong: dict[str, Any], told: str
) -> None:
    with pytest.raises(BadDescriptor, match=told):
        descriptors.create(caller, {**said(schema), **IDENTITY, **wrong})
    assert descriptors.list(caller) == []


def test_the_same_is_not_said_twice(descriptors: Descriptors, caller: Caller, schema: SchemaResource) -> None:
    made = descriptors.create(caller, {**said(schema), **IDENTITY})
    with pytest.raises(BadDescriptor, match=f"{made.id} says the same"):
        descriptors.create(caller, {**said(schema), **IDENTITY, "xdm:namespace": "Other"})
    key = said(schema, **{"@type": "xdm:descriptorPrimaryKey"})
    descriptors.create(caller, key)
    with pytest.raises(BadDescriptor, match="has a xdm:descriptorPrimaryKey already"):
        descriptors.create(caller, {**key, "xdm:sourceProperty": "/_id"})


def test_a_descriptor_of_elsewhere_is_not_found(
    descriptors: Descriptors, caller: Caller, schema: SchemaResource
) -> None:
    made = descriptors.create(caller, {**said(schema), **IDENTITY})
    elsewhere = replace(caller, scope=replace(caller.scope, sandbox_id="other", sandbox_name="dev"))
    assert descriptors.list(elsewhere) == []
    for call in (
        lambda: descriptors.get(elsewhere, made.id),
        lambda: descriptors.replace(elsewhere, made.id, {**said(schema), **IDENTITY}),
        lambda: descriptors.delete(elsewhere, made.id),
    ):
        with pytest.raises(NotFound):
            call()
    with pytest.raises(BadDescriptor, match="there is no resource"):
        descriptors.create(elsewhere, {**said(schema, "/_id"), **IDENTITY})
    reader = replace(caller, permissions=frozenset({Permission.VIEW_SOURCES}))
    with pytest.raises(Forbidden):
        descriptors.delete(reader, made.id)


def test_a_full_schema_shows_what_is_said_of_it_and_of_its_groups(
    schemas: Schemas, descriptors: Descriptors, caller: Caller, schema: SchemaResource, group: SchemaResource
) -> None:
    primary = descriptors.create(caller, {**said(schema), **IDENTITY, "xdm:isPrimary": True})
    display = {
        "@type": "xdm:alternateDisplayInfo", "xdm:title": {"de-DE": "Größe", "en-US": "Size"},
        "xdm:description": {"de_de": "Wie groß"}, "meta:enum": {"m": "Medium"}, "xdm:excludeMetaEnum": {"l": "Large"},
    }  # fmt: skip
    shown = descriptors.create(caller, said(group, "/_northwind/size", **display))
    gone = descriptors.create(caller, said(schema, "/_northwind/lines/sku", **{"@type": "xdm:descriptorDeprecated"}))
    full = schemas.full(caller, schema.id)
    known = [descriptor_document(one) for one in descriptors.of(caller, full)]
    told = with_descriptors(full, known)
    assert [one["@id"] for one in told["meta:descriptors"]] == [primary.id, shown.id, gone.id]
    (of_field,) = field_at(told, "/_northwind/crm")["meta:descriptors"]
    assert of_field["xdm:isPrimary"]
    size = field_at(told, "/_northwind/size")
    assert (size["title"], size["description"]) == ("Size", "Wie groß")
    assert size["meta:enum"] == {"s": "Small", "m": "Medium"}
    assert field_at(with_deprecations(full, known), "/_northwind/lines/sku")["meta:status"] == "deprecated"
    # The resolved schema itself stays as it is.
    assert "meta:descriptors" not in full
    assert "title" not in field_at(full, "/_northwind/size")


def test_the_key_of_a_time_series_has_its_time_in_it(
    schemas: Schemas, descriptors: Descriptors, caller: Caller
) -> None:
    fields = {"id": {"type": "string"}, "at": {"type": "string", "format": "date-time"}}
    body = {"title": "E", "type": "object", "properties": fields, "meta:behaviorType": "time-series"}
    events = schemas.create(caller, SchemaKind.SCHEMAS, body)
    time = said(events, "/at", **{"@type": "xdm:descriptorTimestamp"})
    key = said(events, ["/id"], **{"@type": "xdm:descriptorPrimaryKey"})
    made = descriptors.create(caller, time)
    with pytest.raises(BadDescriptor, match="lacks its timestamp /at"):
        descriptors.create(caller, key)
    descriptors.delete(caller, made.id)
    made = descriptors.create(caller, key)
    with pytest.raises(BadDescriptor, match="lacks its timestamp /at"):
        descriptors.create(caller, time)
    descriptors.replace(caller, made.id, {**key, "xdm:sourceProperty": ["/id", "/at"]})
    descriptors.create(caller, time)


@pytest.mark.parametrize("again", ["/_northwind/items[*]/k", "/_northwind/items/items/k", "/_northwind/items/*/k"])
def test_a_field_of_a_list_is_one_field_however_it_is_spelled(
    descriptors: Descriptors, schemas: Schemas, caller: Caller, again: str
) -> None:
    item = {"type": "object", "properties": {"k": {"type": "string"}}}
    own = {"_northwind": {"type": "object", "properties": {"items": {"type": "array", "items": item}}}}
    body = {"title": "L", "type": "object", "properties": own}
    group = schemas.create(caller, SchemaKind.FIELD_GROUPS, body)
    label = {"@type": "xdm:descriptorLabel", "xdm:labels": ["core/I1"]}
    first = descriptors.create(caller, {**said(group, again), **label})
    assert first.paths == ("/_northwind/items/k",)
    for spelled in ("/_northwind/items/k", again):
        with pytest.raises(BadDescriptor, match=f"{first.id} says the same of /_northwind/items/k"):
            descriptors.create(caller, {**said(group, spelled), **label})
    descriptors.create(caller, {**said(group, "/_northwind/items[*]"), **label})
    # What an earlier version kept as it came.
    old = {**first.body, "xdm:sourceProperty": again}
    descriptors.database.descriptors.replace(first, replace(first, body=old, stamp=first.stamp.touched()))
    with pytest.raises(BadDescriptor, match=f"{first.id} says the same of /_northwind/items/k"):
        descriptors.create(caller, {**said(group, "/_northwind/items/k"), **label})
