"""XDM: types of fields, composition of schemas, and the Arrow schema they land in."""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pytest

from flowservice.domain.xdm_arrow import arrow_schema
from flowservice.domain.xdm_resolve import MAX_NODES, resolved
from flowservice.domain.xdm_standard import standard_resource, standard_resources
from flowservice.domain.xdm_tree import ObjectField, found, leaves, tree_of
from flowservice.domain.xdm_types import XdmType, xdm_type
from flowservice.errors import BadMapping, BadSchema

XDM = "https://ns.adobe.com/xdm/"


def tree(**properties: Any) -> ObjectField:
    return tree_of({"type": "object", "properties": properties})


@pytest.mark.parametrize(
    ("node", "kind", "arrow"),
    [
        ({"type": "string"}, "string", pa.string()),
        ({"type": "string", "format": "uri"}, "string", pa.string()),
        ({"type": "string", "format": "date"}, "date", pa.date32()),
        ({"type": "string", "format": "date-time"}, "date-time", pa.timestamp("us", tz="UTC")),
        ({"type": "string", "meta:xdmType": "date-time"}, "date-time", pa.timestamp("us", tz="UTC")),
        ({"type": "number"}, "number", pa.float64()),
        ({"type": "boolean"}, "boolean", pa.bool_()),
        ({"type": "integer"}, "int", pa.int64()),
        ({"type": "integer", "minimum": 0}, "int", pa.int64()),
        ({"type": "integer", "meta:xdmType": "int"}, "int", pa.int64()),
        ({"type": "integer", "minimum": -128, "maximum": 128}, "byte", pa.int8()),
        ({"type": "integer", "minimum": 1, "maximum": 32767}, "short", pa.int16()),
        ({"type": "integer", "minimum": -32768, "maximum": 32768}, "short", pa.int16()),
        ({"type": "integer", "minimum": -2147483648, "maximum": 2147483648}, "int", pa.int32()),
        ({"type": "integer", "minimum": -(2**53) + 1, "maximum": 2**53 - 1}, "long", pa.int64()),
        ({"type": "integer", "minimum": -(2**63), "maximum": 2**63 - 1}, "long", pa.int64()),
        ({"type": "integer", "minimum": 0.0, "maximum": 1e12}, "long", pa.int64()),
        ({"type": "integer", "meta:xdmType": "int", "minimum": 0, "maximum": 2**40}, "int", pa.int64()),
        ({"type": "integer", "meta:xdmType": "long"}, "long", pa.int64()),
        ({"meta:xdmType": "short"}, "short", pa.int16()),
        ({"type": "array", "items": {"type": "number"}}, "array", pa.list_(pa.field("element", pa.float64()))),
        ({"type": "object", "additionalProperties": {"type": "integer"}}, "map", pa.map_(pa.string(), pa.int64())),
        ({"type": "object", "properties": {"a": {"type": "boolean"}}}, "object", pa.struct({"a": pa.bool_()})),
        ({"properties": {"a": {"type": "boolean"}}}, "object", pa.struct({"a": pa.bool_()})),
    ],
)
def test_the_type_of_a_field_and_how_it_is_stored(node: Mapping[str, Any], kind: str, arrow: pa.DataType) -> None:
    assert xdm_type(node, at="f").value == kind
    assert arrow_schema(tree(f=node)) == pa.schema({"f": arrow})


def test_an_object_that_can_hold_nothing_is_not_stored() -> None:
    empty = {"type": "object", "properties": {}}
    assert arrow_schema(tree(a=empty, b={"type": "object", "properties": {"c": empty}})) == pa.schema({})


@pytest.mark.parametrize("node", [{}, {"type": "text"}, {"type": None}, {"type": ["string"]}, {"type": "null"}])
def test_a_field_without_a_usable_type_is_refused(node: Mapping[str, Any]) -> None:
    with pytest.raises(BadSchema, match="f has no usable type"):
        tree(f=node)


@pytest.mark.parametrize("ref", list(standard_resources()))
def test_every_standard_resource_resolves_and_can_be_stored(ref: str) -> None:
    full = resolved(standard_resources()[ref], standard_resource)
    arrow_schema(tree_of(full))
    assert standard_resource(standard_resources()[ref]["meta:altId"]) is standard_resources()[ref]


def test_the_fields_of_the_standard_profile() -> None:
    parts = ["profile", "profile-person-details", "profile-personal-details", "identitymap"]
    body = {"allOf": [{"$ref": f"{XDM}context/{part}"} for part in parts]}
    paths = {path for path, _ in leaves(tree_of(resolved(body, standard_resource)))}
    assert {
        "_id",
        "_repo.createDate",
        "personID",
        "person.name.fullName",
        "person.birthDate",
        "homeAddress.postalCode",
        "personalEmail.address",
        "mobilePhone.number",
        "identityMap",
    } <= paths


def test_what_people_add_first_is_there() -> None:
    profile = ["context/profile", "context/profile-work-details", "mixins/profile/profile-loyalty-details"]
    event = ["context/experienceevent", "context/experienceevent-web", "context/experienceevent-commerce"]
    for parts, wanted in (
        ([*profile, "mixins/profile-consents"], {
            "workEmail.address", "organizations", "loyalty.points", "loyalty.loyaltyID", "loyalty.joinDate",
            "consents.collect.val", "consents.marketing.preferred", "consents.marketing.email.subscriptions",
            "consents.marketing.sms.reason", "consents.idSpecific", "consents.metadata.time",
        }),
        (event, {
            "web.webPageDetails.pageViews.value", "web.webInteraction.type", "web.webReferrer.URL",
            "commerce.order.priceTotal", "commerce.order.payments", "commerce.purchases.value", "productListItems",
        }),
    ):  # fmt: skip
        body = {"allOf": [{"$ref": f"{XDM}{part}"} for part in parts]}
        full = resolved(body, standard_resource)
        assert wanted <= {path for path, _ in leaves(tree_of(full))}


def test_a_resolved_field_says_which_resource_it_is_from() -> None:
    full = resolved({"allOf": [{"$ref": XDM + "context/experienceevent-web"}]}, standard_resource)
    web = full["properties"]["web"]
    assert web["meta:referencedFrom"] == XDM + "context/webinfo"
    assert web["properties"]["webPageDetails"]["properties"]["pageViews"]["meta:referencedFrom"] == XDM + "data/measure"
    assert "meta:referencedFrom" not in full


def test_a_reference_may_name_a_part_of_another_resource() -> None:
    part = {"definitions": {"d": {"type": "object", "properties": {"x": {"$ref": "#/definitions/e"}}},
                            "e": {"type": "string", "maxLength": 3}}}  # fmt: skip
    full = resolved({"allOf": [{"$ref": "lib#/definitions/d"}]}, _library(lib=part))
    assert (full["properties"]["x"]["type"], full["properties"]["x"]["maxLength"]) == ("string", 3)
    with pytest.raises(BadSchema, match="points at nothing"):
        resolved({"allOf": [{"$ref": "lib#/definitions/x"}]}, _library(lib=part))


def test_an_experience_event_needs_its_id_and_time() -> None:
    full = resolved({"allOf": [{"$ref": XDM + "context/experienceevent"}]}, standard_resource)
    assert full["required"] == ["_id", "timestamp"]


def test_every_node_of_a_resolved_schema_names_its_type() -> None:
    full = resolved({"allOf": [{"$ref": XDM + "context/identitymap"}]}, standard_resource)
    identities = full["properties"]["identityMap"]
    assert identities["meta:xdmType"] == "map"
    assert identities["additionalProperties"]["meta:xdmType"] == "array"
    item = identities["additionalProperties"]["items"]
    assert {name: node["meta:xdmType"] for name, node in item["properties"].items()} == {
        "id": "string",
        "primary": "boolean",
        "authenticatedState": "string",
    }


def _library(**documents: Any) -> Any:
    return {name: {"$id": name, **document} for name, document in documents.items()}.get


def test_what_a_document_says_itself_wins_over_what_it_refers_to() -> None:
    lookup = _library(name={"type": "object", "title": "Name", "properties": {"x": {"type": "string"}}})
    full = resolved({"properties": {"n": {"$ref": "name", "title": "Mine"}}}, lookup)
    assert full["properties"]["n"]["title"] == "Mine"
    assert full["properties"]["n"]["properties"]["x"]["type"] == "string"


def test_required_fields_and_properties_of_all_parts_are_joined() -> None:
    one = {"properties": {"o": {"type": "object", "properties": {"a": {"type": "string"}}}}, "required": ["o"]}
    two = {"properties": {"o": {"type": "object", "properties": {"b": {"type": "string"}}}}, "required": ["o", "b"]}
    full = resolved({"allOf": [one, two]}, _library())
    assert list(full["properties"]["o"]["properties"]) == ["a", "b"]
    assert full["required"] == ["o", "b"]


def test_resolving_changes_no_document() -> None:
    part = {"$id": "part", "properties": {"o": {"type": "object", "properties": {"a": {"type": "string"}}}}}
    more = {"properties": {"o": {"type": "object", "properties": {"b": {"type": "string"}}}}}
    resolved({"allOf": [{"$ref": "part"}, more]}, {"part": part}.get)
    assert part == {"$id": "part", "properties": {"o": {"type": "object", "properties": {"a": {"type": "string"}}}}}


@pytest.mark.parametrize(
    "documents",
    [
        {"a": {"allOf": [{"$ref": "a"}]}},
        {"a": {"properties": {"x": {"$ref": "b"}}}, "b": {"type": "object", "properties": {"y": {"$ref": "a"}}}},
        {"a": {"definitions": {"d": {"allOf": [{"$ref": "#/definitions/d"}]}}, "allOf": [{"$ref": "#/definitions/d"}]}},
        {"a": {"$ref": "#"}},
        {"a": {"definitions": {"d": {"properties": {"x": {"$ref": "a#/definitions/d"}}}}, "$ref": "#/definitions/d"}},
    ],
)
def test_a_cycle_is_refused(documents: dict[str, Any]) -> None:
    with pytest.raises(BadSchema, match="refers to itself"):
        resolved({"allOf": [{"$ref": "a"}]}, _library(**documents))


def test_a_cycle_is_told_with_its_field_and_its_way() -> None:
    documents = {
        "a": {"type": "object", "properties": {"x": {"$ref": "b"}}},
        "b": {"type": "object", "properties": {"y": {"type": "array", "items": {"$ref": "a"}}}},
    }
    with pytest.raises(BadSchema, match=r"the field x\.y\[\*\] refers to itself: a → b → a"):
        resolved({"allOf": [{"$ref": "a"}]}, _library(**documents))


def test_a_circle_is_told_with_whole_ids() -> None:
    own = f"https://ns.adobe.com/northwind/mixins/{'7' * 48}"
    node = {"type": "object", "properties": {"x": {"$ref": own}}}
    with pytest.raises(BadSchema, match=f"refers to itself: {own} → {own}$"):
        resolved({"$ref": own}, _library(**{own: {"$id": own, **node}}))


def test_references_that_fan_out_are_refused_before_memory_ends() -> None:
    documents: dict[str, Any] = {"d0": {"type": "string"}}
    for n in range(1, 40):
        ref = {"$ref": f"d{n - 1}"}
        documents[f"d{n}"] = {"type": "object", "properties": {"a": ref, "b": ref}}
    with pytest.raises(BadSchema, match="too many fields"):
        resolved({"allOf": [{"$ref": "d39"}]}, _library(**documents))
    assert MAX_NODES < 100_000


def test_a_field_may_be_a_map_by_reference() -> None:
    lookup = _library(m={"type": "object", "additionalProperties": {"type": "string"}})
    full = resolved({"properties": {"f": {"type": "object", "$ref": "m"}}}, lookup)
    assert full["properties"]["f"]["meta:xdmType"] == "map"


@pytest.mark.parametrize(
    ("path", "near"),
    [("person.name.fulName", "person.name.fullName"), ("fullName", None), ("person", None), ("", None)],
)
def test_an_unknown_path_names_the_nearest(path: str, near: str | None) -> None:
    names = {"type": "object", "properties": {"fullName": {"type": "string"}}}
    person = tree(person={"type": "object", "properties": {"name": names}})
    if path == "person":
        assert isinstance(found(person, path), ObjectField)
        return
    with pytest.raises(BadMapping) as caught:
        found(person, path)
    assert near is None or f"did you mean {near!r}" in caught.value.message


def test_types_are_named_as_on_the_wire() -> None:
    assert {kind.value for kind in XdmType} >= {"string", "int", "long", "date-time", "map"}
