"""Mapping sets: both dialects, their versions, and what is refused."""

from dataclasses import replace
from typing import Any

import pytest

from flowservice.api import data_prep_wire
from flowservice.domain.identity import Caller, Permission
from flowservice.domain.mapping import MappingKind
from flowservice.domain.query import Query
from flowservice.domain.schema import SchemaKind
from flowservice.errors import (
    BadExpression,
    BadField,
    BadMapping,
    BadMappingVersion,
    Error,
    Forbidden,
    MissingField,
    NotFound,
)
from flowservice.service.mapping_sets import MappingSets
from flowservice.service.schemas import Schemas

XDM = "https://ns.adobe.com/xdm/"
CONTENT_TYPE = "application/vnd.adobe.xed-full+json;version=1"


@pytest.fixture
def schema_id(schemas: Schemas, caller: Caller) -> str:
    refs = [XDM + "context/profile", XDM + "context/profile-person-details", XDM + "context/identitymap"]
    own = {"_northwind": {"type": "object", "properties": {"tags": {"type": "array", "items": {"type": "string"}}}}}
    group = schemas.create(caller, SchemaKind.FIELD_GROUPS, {"title": "G", "type": "object", "properties": own})
    body = {"title": "People", "type": "object", "allOf": [{"$ref": ref} for ref in [*refs, group.id]]}
    return schemas.create(caller, SchemaKind.SCHEMAS, body).id


def tutorial(schema_id: str) -> dict[str, Any]:
    """The body that Adobe's tutorial sends."""

    def mapping(source: str, destination: str) -> dict[str, Any]:
        return {
            "destinationXdmPath": destination,
            "sourceAttribute": source,
            "identity": False,
            "identityGroup": None,
            "namespaceCode": None,
            "version": 0,
        }

    return {
        "version": 0,
        "xdmSchema": schema_id,
        "xdmVersion": "1.0",
        "id": None,
        "mappings": [
            mapping("Id", "_id"),
            mapping("FullName", "person.name.fullName"),
            mapping("BirthDate", "person.birthDate"),
        ],
    }


def current(schema_id: str, *mappings: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "name": "People",
        "outputSchema": {"schemaRef": {"id": schema_id, "contentType": CONTENT_TYPE}},
        "mappings": list(mappings),
        **more,
    }


def attribute(source: str, destination: str, word: str = "ATTRIBUTE") -> dict[str, Any]:
    return {"sourceType": word, "source": source, "destination": destination}


def test_the_tutorials_body(mapping_sets: MappingSets, caller: Caller, schema_id: str) -> None:
    made = mapping_sets.create(caller, tutorial(schema_id))
    assert data_prep_wire.created(made) == {
        "id": made.id,
        "version": 0,
        "createdDate": 1772452800000,
        "modifiedDate": 1772452800000,
        "createdBy": "u",
        "modifiedBy": "u",
    }
    assert len(made.id) == 32
    assert [(one.kind, one.column, one.destination) for one in made.current.mappings] == [
        (MappingKind.ATTRIBUTE, "Id", "_id"),
        (MappingKind.ATTRIBUTE, "FullName", "person.name.fullName"),
        (MappingKind.ATTRIBUTE, "BirthDate", "person.birthDate"),
    ]


@pytest.mark.parametrize("older", [True, False])
def test_a_set_is_shown_in_both_dialects(
    mapping_sets: MappingSets, caller: Caller, schema_id: str, older: bool
) -> None:
    body = tutorial(schema_id) if older else current(schema_id, attribute("Id", "_id"))
    made = mapping_sets.create(caller, body)
    shown = data_prep_wire.set_json(*mapping_sets.get(caller, made.id))
    assert shown["xdmSchema"] == shown["schemaRef"]["id"] == shown["outputSchema"]["schemaRef"]["id"] == schema_id
    assert shown["xdmVersion"] == "1.0"
    first = shown["mappings"][0]
    assert (first["source"], first["destination"]) == ("Id", "_id")
    assert (first["sourceAttribute"], first["destinationXdmPath"]) == ("Id", "_id")
    assert first["sourceType"] == "ATTRIBUTE"
    assert data_prep_wire.page([shown], limit=10)["_page"] == {"limit": 10, "count": 1}


def test_what_is_read_can_be_sent_again(mapping_sets: MappingSets, caller: Caller, schema_id: str) -> None:
    made = mapping_sets.create(caller, current(schema_id, attribute("Id", "_id"), attribute("x", "personID", "STATIC")))
    again = mapping_sets.create(caller, data_prep_wire.set_json(made, made.current))
    assert [replace(one, id="") for one in again.current.mappings] == [
        replace(one, id="") for one in made.current.mappings
    ]


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("ATTRIBUTE", MappingKind.ATTRIBUTE),
        ("text/x.schema-path", MappingKind.ATTRIBUTE),
        ("EXPRESSION", MappingKind.ATTRIBUTE),
        ("text/x.aep-xl", MappingKind.ATTRIBUTE),
        ("STATIC", MappingKind.STATIC),
    ],
)
def test_every_word_for_the_source_type_is_understood_and_echoed(
    mapping_sets: MappingSets, caller: Caller, schema_id: str, word: str, kind: MappingKind
) -> None:
    made = mapping_sets.create(caller, current(schema_id, attribute("${First Name}", "personID", word)))
    assert made.current.mappings[0].kind is kind
    assert data_prep_wire.mappings_json(made, made.current)[0]["sourceType"] == word


def test_an_update_is_a_new_version_and_the_old_one_stays(
    mapping_sets: MappingSets, caller: Caller, schema_id: str
) -> None:
    made = mapping_sets.create(caller, tutorial(schema_id))
    mapping_sets.update(caller, made.id, current(schema_id, attribute("Key", "_id")))
    old, new = (mapping_sets.get(caller, made.id, version)[1] for version in (0, None))
    assert (old.version, len(old.mappings)) == (0, 3)
    assert (new.version, new.mappings[0].source) == (1, "Key")
    with pytest.raises(BadMappingVersion):
        mapping_sets.get(caller, made.id, 2)


@pytest.mark.parametrize(
    ("mappings", "error", "words"),
    [
        ([], BadMapping, "no mappings"),
        ([attribute("a", "person.name.fulName")], BadMapping, r"did you mean 'person\.name\.fullName'"),
        ([attribute("a", "_id.x")], BadMapping, "no field '_id.x'"),
        ([attribute("a", "_id"), attribute("b", "_id")], BadMapping, "two mappings feed '_id'"),
        ([attribute("a", "person.name", "STATIC")], BadMapping, "of type object"),
        ([attribute("a", "_northwind.tags", "STATIC")], BadMapping, "of type array"),
        ([attribute("a", "identityMap", "STATIC")], BadMapping, "of type map"),
        ([attribute("a", "_northwind.tags[0][1]")], BadMapping, "is no destination"),
        (
            [attribute("concat(a, b", "_id", "EXPRESSION")],
            BadExpression,
            "'_id', character 12: the expression ends too soon",
        ),
        ([attribute("conct(a, b)", "_id")], BadExpression, "'_id', character 1: there is no function 'conct'"),
        ([attribute('matches_regex(a, "(")', "_id", "EXPRESSION")], BadExpression, "the pattern"),
        ([{"sourceAttribute": "a - ", "destinationXdmPath": "_id"}], BadExpression, "ends too soon"),
        ([attribute("a", "_id", "GUESS")], BadField, "mappings/0/sourceType"),
        ([{"source": "a"}], MissingField, "no destination"),
        ([{"destination": "_id"}], MissingField, "no source"),
        ([{"source": 7, "destination": "_id"}], BadField, "mappings/0/source must be text"),
        ([attribute("a", "_id") | {"sourceAttribute": "b"}], BadMapping, "differently"),
        (["a"], BadField, "mappings/0"),
        (7, BadField, "must be a list"),
        ("a", BadField, "source, destination missing"),
        (None, MissingField, "mappings"),
    ],
)
def test_a_set_that_cannot_be_applied_is_refused(
    mapping_sets: MappingSets, caller: Caller, schema_id: str, mappings: Any, error: type[Error], words: str
) -> None:
    with pytest.raises(error, match=words):
        mapping_sets.create(caller, current(schema_id) | {"mappings": mappings})
    assert mapping_sets.list(caller, Query()).items == []


@pytest.mark.parametrize(
    ("more", "error"),
    [
        ({"outputSchema": None}, MissingField),
        ({"outputSchema": {"schemaRef": {"id": "https://ns.adobe.com/northwind/schemas/none"}}}, BadMapping),
        ({"outputSchema": {"schemaRef": {"id": 7}}}, BadField),
        ({"outputSchema": "x"}, BadField),
        ({"name": 7}, BadField),
    ],
)
def test_a_set_needs_a_schema(
    mapping_sets: MappingSets, caller: Caller, schema_id: str, more: dict[str, Any], error: type[Error]
) -> None:
    with pytest.raises(error):
        mapping_sets.create(caller, current(schema_id, attribute("a", "_id")) | more)


def test_other_sandboxes_and_permissions(mapping_sets: MappingSets, caller: Caller, schema_id: str) -> None:
    made = mapping_sets.create(caller, tutorial(schema_id))
    with pytest.raises(NotFound):
        mapping_sets.get(replace(caller, scope=replace(caller.scope, sandbox_id="other")), made.id)
    with pytest.raises(Forbidden):
        mapping_sets.create(replace(caller, permissions=frozenset({Permission.VIEW_SOURCES})), tutorial(schema_id))
