"""Export and import: a schema with all that it builds on, in another sandbox or organisation."""

from dataclasses import replace
from typing import Any

import pytest

from flowservice.adapters.sql.database import SqlDatabase
from flowservice.domain.identity import Caller, Permission, Sandbox, SandboxState, Scope
from flowservice.domain.schema import SchemaKind, SchemaResource
from flowservice.domain.xdm_resolve import references
from flowservice.errors import Forbidden, ImportFailed, NotFound
from flowservice.service.descriptors import Descriptors
from flowservice.service.schema_exchange import PLACEHOLDER, SchemaExchange
from flowservice.service.schemas import Container, Schemas
from tests.service.conftest import NOON

XDM = "https://ns.adobe.com/xdm/"
TEXT = {"type": "string"}


@pytest.fixture
def exchange(schemas: Schemas, descriptors: Descriptors) -> SchemaExchange:
    return SchemaExchange(database=schemas.database, schemas=schemas, descriptors=descriptors, ids=schemas.ids)


@pytest.fixture
def other_org(caller: Caller) -> Caller:
    scope = Scope(org_id="other@AdobeOrg", sandbox_id="77aa", sandbox_name="prod")
    return replace(caller, scope=scope, tenant_id="other")


@pytest.fixture
def other_sandbox(caller: Caller, database: SqlDatabase) -> Caller:
    database.tenancy.add_sandbox(
        Sandbox(
            id="dev1", org_id=caller.scope.org_id, name="dev", title="Dev", type="development",
            state=SandboxState.ACTIVE, region="VA7", is_default=False, revision=1,
            created_at=NOON, created_by="u", updated_at=NOON, updated_by="u",
        )
    )  # fmt: skip
    return replace(caller, scope=replace(caller.scope, sandbox_id="dev1", sandbox_name="dev"))


@pytest.fixture
def schema(schemas: Schemas, descriptors: Descriptors, caller: Caller) -> SchemaResource:
    """A schema of an own class, with a field group that uses a data type, and a primary identity."""
    make = schemas.create
    size = make(caller, SchemaKind.DATA_TYPES, {"title": "Size", "type": "object", "properties": {"cm": TEXT}})
    own = {"_northwind": {"type": "object", "properties": {"size": {"$ref": size.alt_id}, "crm": TEXT},
                          "required": ["crm"]}}  # fmt: skip
    group = make(caller, SchemaKind.FIELD_GROUPS, {
        "title": "Things", "type": "object", "definitions": {"d": {"properties": own}},
        "allOf": [{"$ref": "#/definitions/d"}],
    })  # fmt: skip
    record = {"title": "Thing", "type": "object", "allOf": [{"$ref": XDM + "data/record"}]}
    kind = make(caller, SchemaKind.CLASSES, record)
    parts = [{"$ref": kind.id}, {"$ref": group.id}, {"$ref": XDM + "context/identitymap"}]
    made = make(caller, SchemaKind.SCHEMAS, {"title": "Things", "type": "object", "allOf": parts})
    said = {"xdm:sourceSchema": made.id, "xdm:sourceProperty": "/_northwind/crm"}
    descriptors.create(
        caller,
        {**said, "@type": "xdm:descriptorIdentity", "xdm:namespace": "CRM", "xdm:isPrimary": True},
    )
    return made


def names(documents: Any) -> list[str]:
    return [one.get("title") or one["@type"] for one in documents]


def test_an_export_holds_what_a_resource_builds_on_first(
    exchange: SchemaExchange, caller: Caller, schema: SchemaResource
) -> None:
    exported = exchange.exported(caller, schema.alt_id)
    assert sorted(names(exported[:3])) == ["Size", "Thing", "Things"]
    assert names(exported[3:]) == ["Things", "xdm:descriptorIdentity"]
    seen: set[str] = set()
    for one in exported[:4]:
        assert {ref for ref in references(one) if "northwind" in ref} <= seen
        seen |= {one["$id"], one["meta:altId"]}
    assert names(exchange.exported(caller, XDM + "context/person")) == ["Person"]
    with pytest.raises(NotFound):
        exchange.exported(caller, "nothing")


@pytest.mark.parametrize("where", ["other_org", "other_sandbox"])
def test_an_import_makes_the_same_elsewhere(
    request: pytest.FixtureRequest,
    schemas: Schemas,
    descriptors: Descriptors,
    exchange: SchemaExchange,
    caller: Caller,
    schema: SchemaResource,
    where: str,
) -> None:
    there: Caller = request.getfixturevalue(where)
    exported = exchange.exported(caller, schema.id)
    # In whatever order it comes.
    made = exchange.imported(there, exported[::-1])
    assert sorted(names(made)) == sorted(names(exported))
    ids = {one["$id"] for one in made if "$id" in one}
    assert not ids & {one.get("$id") for one in exported}
    (new,) = (one for one in made if one.get("meta:resourceType") == "schemas")
    assert new["$id"].startswith(f"https://ns.adobe.com/{there.tenant_id}/schemas/")
    ours, theirs = schemas.full(caller, schema.id), schemas.full(there, new["$id"])
    own = theirs["properties"][f"_{there.tenant_id}"]
    assert own["required"] == ["crm"]
    assert own["properties"]["size"]["properties"]["cm"]["type"] == "string"
    assert len(theirs["properties"]) == len(ours["properties"])
    (said,) = descriptors.list(there)
    assert (said.schema_id, said.paths) == (new["$id"], (f"/_{there.tenant_id}/crm",))
    assert said.is_primary
    # What was exported there can be imported here again, once its title is free.
    with pytest.raises(ImportFailed):
        exchange.imported(caller, exchange.exported(there, new["$id"]))


def test_an_export_with_a_placeholder_for_the_tenant_is_imported(
    schemas: Schemas, exchange: SchemaExchange, caller: Caller
) -> None:
    own = {f"_{PLACEHOLDER}": {"type": "object", "properties": {"a": TEXT}}}
    group = {
        "$id": f"https://ns.adobe.com/{PLACEHOLDER}/mixins/1", "meta:altId": f"_{PLACEHOLDER}.mixins.1",
        "meta:resourceType": "mixins", "title": "Theirs", "type": "object", "properties": own,
    }  # fmt: skip
    (made,) = exchange.imported(caller, [group])
    assert list(made["properties"]) == ["_northwind"]
    assert schemas.get(caller, Container.TENANT, SchemaKind.FIELD_GROUPS, made["$id"]) == made


def test_an_ad_hoc_class_keeps_its_namespace_through_an_import(
    schemas: Schemas, exchange: SchemaExchange, caller: Caller, other_org: Caller
) -> None:
    fields = {"properties": {"_adhoc": {"type": "object", "properties": {"x": TEXT}}}}
    kind = schemas.create(
        caller, SchemaKind.CLASSES, {"title": "L", "type": "object", "allOf": [{"$ref": XDM + "data/adhoc"}, fields]}
    )
    landing = schemas.create(caller, SchemaKind.SCHEMAS, {"title": "L", "type": "object", "allOf": [{"$ref": kind.id}]})
    *_, made = exchange.imported(other_org, exchange.exported(caller, landing.id))
    namespace = made["meta:datasetNamespace"]
    assert namespace in schemas.full(other_org, made["$id"])["properties"]
    assert namespace != "_" + kind.id.rpartition("/")[2]


def test_an_import_is_whole_or_nothing_and_says_why(
    schemas: Schemas, exchange: SchemaExchange, caller: Caller, other_org: Caller, schema: SchemaResource
) -> None:
    exported = [dict(one) for one in exchange.exported(caller, schema.id)]
    schemas.create(
        other_org,
        SchemaKind.SCHEMAS,
        {"title": "Things", "type": "object", "allOf": [{"$ref": XDM + "context/profile"}]},
    )
    with pytest.raises(ImportFailed, match="'Things': a schema titled 'Things' exists already") as caught:
        exchange.imported(other_org, exported)
    assert [cause.code for cause in caught.value.causes] == ["schema-invalid"]
    assert schemas.list(other_org, Container.TENANT, SchemaKind.FIELD_GROUPS) == []
    # What rests on a broken one is not told beside it.
    broken = next(one for one in exported if one["title"] == "Size")
    broken["properties"] = {"cm": {"type": "text"}}
    with pytest.raises(ImportFailed) as caught:
        exchange.imported(other_org, exported)
    assert len(caught.value.causes) == 1
    assert "'Size'" in caught.value.message


@pytest.mark.parametrize(
    "sent",
    [
        [], {}, None, "x", [7], [{}], [{"title": "x"}], [{"$id": "x", "meta:resourceType": "behaviors", "title": "x"}],
        [{"$id": 7, "meta:resourceType": "schemas"}],
        [{"$id": name, "meta:resourceType": "datatypes", "title": name, "properties": {"x": {"$ref": other}}}
         for name, other in (("a", "b"), ("b", "a"))],
        [{"$id": "x", "meta:resourceType": "datatypes", "title": "T", "properties": {"a": {"$ref": "nothing"}}}],
        [{"@type": "xdm:descriptorIdentity", "xdm:sourceSchema": "nothing"}],
        [{"@type": 7}],
        [{"$id": "", "meta:altId": "y", "meta:resourceType": "datatypes", "title": "T"}],
        [{"$id": "x", "meta:resourceType": "datatypes", "title": "T"}] * 501,
    ],
)  # fmt: skip
def test_what_is_no_export_is_refused(exchange: SchemaExchange, caller: Caller, sent: Any) -> None:
    with pytest.raises(ImportFailed) as caught:
        exchange.imported(caller, sent)
    assert caught.value.causes


def test_permissions(exchange: SchemaExchange, caller: Caller, schema: SchemaResource) -> None:
    reader = replace(caller, permissions=frozenset({Permission.VIEW_SOURCES}))
    exported = exchange.exported(reader, schema.id)
    with pytest.raises(Forbidden):
        exchange.imported(reader, exported)


def test_definitions_that_nobody_uses_may_lead_in_a_circle(
    schemas: Schemas, exchange: SchemaExchange, caller: Caller
) -> None:
    body = {"title": "A", "type": "object", "properties": {"a": TEXT}}
    first = schemas.create(caller, SchemaKind.DATA_TYPES, body)
    unused = {"definitions": {"x": {"$ref": first.id}}}
    second = schemas.create(caller, SchemaKind.DATA_TYPES, {**body, "title": "B", **unused})
    schemas.replace(caller, SchemaKind.DATA_TYPES, first.id, {**body, "definitions": {"x": {"$ref": second.id}}})
    assert sorted(names(exchange.exported(caller, first.id))) == ["A", "B"]
