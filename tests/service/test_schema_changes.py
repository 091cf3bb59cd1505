"""Changes of schema resources: what they become, what rests on them, and what is refused."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from flowservice.domain.dataset import Batch, BatchStatus, Dataset
from flowservice.domain.identity import Caller, Permission
from flowservice.domain.query import Query
from flowservice.domain.registry import document
from flowservice.domain.resource import Stamp
from flowservice.domain.schema import SchemaKind, SchemaResource
from flowservice.domain.xdm_tree import found
from flowservice.errors import (
    BadSchema,
    BreakingChange,
    Forbidden,
    InUse,
    NotFound,
    NotSupported,
    PatchFailed,
)
from flowservice.ports.database import Database
from flowservice.service.datasets import Datasets
from flowservice.service.descriptors import Descriptors
from flowservice.service.schemas import Container, Schemas
from tests.service.conftest import NOON

XDM = "https://ns.adobe.com/xdm/"
PROFILE = {"$ref": XDM + "context/profile"}
TEXT = {"type": "string"}
TYPED = {**TEXT, "meta:xdmType": "string"}
GROUPS, SCHEMAS, CLASSES, TYPES = (
    SchemaKind.FIELD_GROUPS,
    SchemaKind.SCHEMAS,
    SchemaKind.CLASSES,
    SchemaKind.DATA_TYPES,
)


def group(title: str = "Order details", **fields: Any) -> dict[str, Any]:
    return {"title": title, "type": "object", "properties": {"_northwind": {"type": "object", "properties": fields}}}


def of(*parts: dict[str, Any], title: Any = "Orders", **more: Any) -> dict[str, Any]:
    return {"title": title, "type": "object", "allOf": list(parts), **more}


def ref(resource: SchemaResource) -> dict[str, Any]:
    return {"$ref": resource.id}


@pytest.fixture
def orders(schemas: Schemas, caller: Caller) -> SchemaResource:
    """A field group with the fields `total` and `note`."""
    return schemas.create(caller, GROUPS, group(total={"type": "number"}, note=TEXT))


@pytest.fixture
def schema(schemas: Schemas, caller: Caller, orders: SchemaResource) -> SchemaResource:
    """A schema with that group."""
    return schemas.create(caller, SCHEMAS, of(PROFILE, ref(orders)))


def dataset_of(datasets: Datasets, caller: Caller, schema_id: str) -> Dataset:
    return datasets.create(caller, {"name": "orders", "schemaRef": {"id": schema_id, "contentType": "x"}})


def land(database: Database, caller: Caller, dataset: Dataset, status: BatchStatus = BatchStatus.SUCCESS) -> Batch:
    stamp = Stamp.first(caller, at=NOON)
    batch = Batch(id="B" * 26, stamp=stamp, dataset_id=dataset.id, flow_id="f", run_id="r", status=status)
    database.batches.add(batch)
    return batch


def test_a_put_is_the_new_body_and_a_version_more(schemas: Schemas, caller: Caller, orders: SchemaResource) -> None:
    shown = {**schemas.get(caller, Container.TENANT, GROUPS, orders.id), "title": "Renamed", "version": "7.7"}
    shown["properties"] = group(total={"type": "number"}, more=TEXT)["properties"]
    changed = schemas.replace(caller, GROUPS, orders.alt_id, shown)
    assert (changed.id, changed.name, changed.minor) == (orders.id, "Renamed", 1)
    now = schemas.get(caller, Container.TENANT, GROUPS, orders.id)
    assert (now["version"], now["title"]) == ("1.1", "Renamed")
    assert set(now["properties"]["_northwind"]["properties"]) == {"total", "more"}


def test_a_put_of_what_was_read_changes_nothing(schemas: Schemas, caller: Caller, schema: SchemaResource) -> None:
    shown = schemas.get(caller, Container.TENANT, SCHEMAS, schema.id)
    assert schemas.replace(caller, SCHEMAS, schema.id, shown) == schema
    assert [change.name for change in schemas.history(caller, schema.id)] == ["1.0"]


def test_a_patch_adds_a_group_and_what_it_extends_is_told_anew(
    schemas: Schemas, caller: Caller, schema: SchemaResource
) -> None:
    more = schemas.create(caller, GROUPS, group("More", extra=TEXT))
    steps = [
        {"op": "add", "path": "/allOf/-", "value": {**ref(more), "type": "object", "meta:xdmType": "object"}},
        {"op": "add", "path": "/meta:extends/-", "value": more.id},
    ]
    changed = schemas.change(caller, SCHEMAS, schema.id, steps)
    assert more.id in changed.extends
    assert found(schemas.tree(caller, schema.id), "_northwind.extra")


def test_who_builds_on_a_changed_resource_extends_what_it_extends(
    schemas: Schemas, caller: Caller, schema: SchemaResource, orders: SchemaResource
) -> None:
    base = schemas.create(caller, GROUPS, group("Base", base=TEXT))
    schemas.change(caller, GROUPS, orders.id, [{"op": "add", "path": "/allOf", "value": [ref(base)]}])
    told = schemas.get(caller, Container.TENANT, SCHEMAS, schema.id)
    assert base.id in told["meta:extends"]
    # Nobody changed the schema itself.
    assert (told["version"], schemas.history(caller, schema.id)[0].name) == ("1.0", "1.0")


@pytest.mark.parametrize(
    ("kind", "path", "value"),
    [(SCHEMAS, "/$id", "x"), (SCHEMAS, "/meta:altId", "x"), (GROUPS, "/version", "2.0"), (SCHEMAS, "/nothing/0", 1)],
)
def test_a_patch_of_what_the_registry_assigns_is_refused(
    schemas: Schemas, caller: Caller, schema: SchemaResource, orders: SchemaResource, kind: Any, path: str, value: Any
) -> None:
    resource = schema if kind is SCHEMAS else orders
    with pytest.raises(PatchFailed):
        schemas.change(caller, kind, resource.id, [{"op": "add", "path": path, "value": value}])


def test_a_title_taken_by_another_schema_is_refused(schemas: Schemas, caller: Caller, schema: SchemaResource) -> None:
    other = schemas.create(caller, SCHEMAS, of(PROFILE, title="Others"))
    with pytest.raises(BadSchema, match="exists already"):
        schemas.change(caller, SCHEMAS, other.id, [{"op": "replace", "path": "/title", "value": schema.name}])


def test_a_change_that_breaks_a_resource_built_on_it_is_refused(
    schemas: Schemas, caller: Caller, schema: SchemaResource, orders: SchemaResource
) -> None:
    other = schemas.create(caller, GROUPS, group("Other", total={"type": "number"}, x=TEXT))
    schemas.change(caller, SCHEMAS, schema.id, [{"op": "add", "path": "/allOf/-", "value": ref(other)}])
    steps = [{"op": "replace", "path": "/properties/_northwind/properties/total", "value": TEXT}]
    with pytest.raises(
        BadSchema, match=r"the schema 'Orders' builds on this one .* _northwind\.total is defined twice"
    ):
        schemas.change(caller, GROUPS, orders.id, steps)
    assert schemas.get(caller, Container.TENANT, GROUPS, orders.id)["version"] == "1.0"


def test_a_cycle_through_other_resources_is_refused_by_either_name(schemas: Schemas, caller: Caller) -> None:
    first = schemas.create(caller, TYPES, {"title": "First", "type": "object", "properties": {"a": TEXT}})
    back = {"$ref": first.alt_id}
    second = schemas.create(caller, TYPES, {"title": "Second", "type": "object", "properties": {"b": back}})
    for name in (second.id, second.alt_id):
        steps = [{"op": "add", "path": "/properties/c", "value": {"$ref": name}}]
        with pytest.raises(BadSchema, match=r"the field c\.b refers to itself"):
            schemas.change(caller, TYPES, first.id, steps)


# --- in use ----------------------------------------------------------------------------------------------------------


def test_what_is_in_use_is_not_deleted_and_the_refusal_says_by_what(
    schemas: Schemas, datasets: Datasets, caller: Caller, schema: SchemaResource, orders: SchemaResource
) -> None:
    dataset = dataset_of(datasets, caller, schema.alt_id)
    with pytest.raises(
        InUse, match=rf"the field group 'Order details' is in use by the schema 'Orders' \({schema.id}\)"
    ):
        schemas.delete(caller, GROUPS, orders.id)
    with pytest.raises(InUse, match=f"in use by the dataset 'orders' \\({dataset.id}\\)"):
        schemas.delete(caller, SCHEMAS, schema.id)
    datasets.delete(caller, dataset.id)
    schemas.delete(caller, SCHEMAS, schema.id)
    schemas.delete(caller, GROUPS, orders.alt_id)
    for kind in (SCHEMAS, GROUPS):
        assert schemas.list(caller, Container.TENANT, kind) == []


def test_a_data_type_deep_within_a_field_is_in_use(schemas: Schemas, caller: Caller) -> None:
    kind = schemas.create(caller, TYPES, {"title": "Size", "type": "object", "properties": {"a": TEXT}})
    schemas.create(caller, GROUPS, group(sizes={"type": "array", "items": {"$ref": kind.alt_id}}))
    with pytest.raises(InUse, match="the field group 'Order details'"):
        schemas.delete(caller, TYPES, kind.id)


def test_a_standard_resource_is_fixed(schemas: Schemas, caller: Caller) -> None:
    for change in (
        lambda: schemas.replace(caller, CLASSES, PROFILE["$ref"], of({"$ref": XDM + "data/record"})),
        lambda: schemas.change(caller, CLASSES, "_xdm.context.profile", [{"op": "remove", "path": "/title"}]),
        lambda: schemas.delete(caller, CLASSES, PROFILE["$ref"]),
    ):
        with pytest.raises(NotSupported, match="standard resource"):
            change()


def test_a_resource_of_another_kind_or_sandbox_is_not_changed(
    schemas: Schemas, caller: Caller, orders: SchemaResource
) -> None:
    elsewhere = replace(caller, scope=replace(caller.scope, sandbox_id="other", sandbox_name="dev"))
    for who, kind in ((caller, SCHEMAS), (elsewhere, GROUPS)):
        for call in (
            lambda who=who, kind=kind: schemas.replace(who, kind, orders.id, group(x=TEXT)),
            lambda who=who, kind=kind: schemas.change(who, kind, orders.alt_id, []),
            lambda who=who, kind=kind: schemas.delete(who, kind, orders.id),
        ):
            with pytest.raises(NotFound):
                call()
    assert schemas.list(caller, Container.TENANT, GROUPS)


def test_a_reader_changes_nothing(schemas: Schemas, caller: Caller, orders: SchemaResource) -> None:
    reader = replace(caller, permissions=frozenset({Permission.VIEW_SOURCES}))
    for call in (
        lambda: schemas.replace(reader, GROUPS, orders.id, group(x=TEXT)),
        lambda: schemas.change(reader, GROUPS, orders.id, []),
        lambda: schemas.delete(reader, GROUPS, orders.id),
    ):
        with pytest.raises(Forbidden):
            call()


# --- evolution -------------------------------------------------------------------------------------------------------


REMOVED = [{"op": "remove", "path": "/properties/_northwind/properties/note"}]
ADDED = [{"op": "add", "path": "/properties/_northwind/properties/extra", "value": TEXT}]


def test_a_schema_without_data_may_become_anything(
    schemas: Schemas, datasets: Datasets, caller: Caller, schema: SchemaResource, orders: SchemaResource
) -> None:
    dataset_of(datasets, caller, schema.id)
    schemas.change(caller, GROUPS, orders.id, REMOVED)
    assert "note" not in schemas.full(caller, schema.id)["properties"]["_northwind"]["properties"]


@pytest.mark.parametrize("status", [BatchStatus.LOADING, BatchStatus.STAGING, BatchStatus.SUCCESS])
def test_a_schema_whose_dataset_holds_data_only_gains_fields(
    schemas: Schemas,
    datasets: Datasets,
    database: Database,
    caller: Caller,
    schema: SchemaResource,
    orders: SchemaResource,
    status: BatchStatus,
) -> None:
    land(database, caller, dataset_of(datasets, caller, schema.alt_id), status)
    with pytest.raises(BreakingChange, match=r"the schema 'Orders' .* 'orders' holds data: _northwind\.note cannot be"):
        schemas.change(caller, GROUPS, orders.id, REMOVED)
    with pytest.raises(BreakingChange, match="_northwind cannot be removed"):
        schemas.replace(caller, SCHEMAS, schema.id, of(PROFILE))
    schemas.change(caller, GROUPS, orders.id, ADDED)
    assert found(schemas.tree(caller, schema.id), "_northwind.extra")


@pytest.mark.parametrize("status", [BatchStatus.FAILED, BatchStatus.INACTIVE])
def test_a_batch_that_left_no_rows_holds_nothing(
    schemas: Schemas,
    datasets: Datasets,
    database: Database,
    caller: Caller,
    schema: SchemaResource,
    orders: SchemaResource,
    status: BatchStatus,
) -> None:
    land(database, caller, dataset_of(datasets, caller, schema.id), status)
    schemas.change(caller, GROUPS, orders.id, REMOVED)


def test_the_class_of_a_schema_with_a_dataset_stays(
    schemas: Schemas, datasets: Datasets, caller: Caller, schema: SchemaResource, orders: SchemaResource
) -> None:
    event = {"$ref": XDM + "context/experienceevent"}
    schemas.replace(caller, SCHEMAS, schema.id, of(event, ref(orders)))
    dataset_of(datasets, caller, schema.id)
    with pytest.raises(BreakingChange, match="the class of the schema 'Orders' cannot change"):
        schemas.replace(caller, SCHEMAS, schema.id, of(PROFILE, ref(orders)))


def test_a_field_that_a_descriptor_speaks_of_stays(
    schemas: Schemas, descriptors: Descriptors, caller: Caller, schema: SchemaResource, orders: SchemaResource
) -> None:
    body = {
        "@type": "xdm:alternateDisplayInfo",
        "xdm:sourceSchema": schema.id,
        "xdm:sourceProperty": "/_northwind/note",
        "xdm:title": {"en_us": "Remark"},
    }
    said = descriptors.create(caller, body)
    with pytest.raises(InUse, match=f"'Orders' would lose /_northwind/note, of which the descriptor {said.id}"):
        schemas.change(caller, GROUPS, orders.id, REMOVED)
    descriptors.delete(caller, said.id)
    schemas.change(caller, GROUPS, orders.id, REMOVED)


# --- unions ----------------------------------------------------------------------------------------------------------

TAG = [{"op": "add", "path": "/meta:immutableTags", "value": ["union"]}]


def test_the_union_of_a_class_has_the_fields_of_its_tagged_schemas(
    schemas: Schemas, caller: Caller, schema: SchemaResource
) -> None:
    assert schemas.unions(caller) == []
    more = schemas.create(caller, GROUPS, group("More", extra=TEXT))
    other = schemas.create(caller, SCHEMAS, of(PROFILE, ref(more), title="Others", **{"meta:immutableTags": ["union"]}))
    schemas.create(caller, SCHEMAS, of(PROFILE, title="Left out"))
    schemas.change(caller, SCHEMAS, schema.id, TAG)
    (union,) = schemas.unions(caller)
    assert union["$id"] == XDM + "context/profile__union"
    assert union["meta:altId"] == "_xdm.context.profile__union"
    assert {part["$ref"] for part in union["allOf"]} == {schema.id, other.id}
    assert {schema.id, other.id, more.id, XDM + "data/record"} <= set(union["meta:extends"])
    for name in (union["$id"], union["meta:altId"]):
        fields = schemas.union(caller, name, is_full=True)["properties"]
        assert {"_id", "_repo", "_northwind"} <= fields.keys()
        assert fields["_northwind"]["properties"].keys() == {"total", "note", "extra"}
    assert schemas.stats(caller)["counts"]["unions"] == 1
    with pytest.raises(NotFound):
        schemas.union(caller, XDM + "context/experienceevent__union", is_full=False)


def test_schemas_that_do_not_go_together_do_not_join_a_union(
    schemas: Schemas, caller: Caller, schema: SchemaResource, orders: SchemaResource
) -> None:
    schemas.change(caller, SCHEMAS, schema.id, TAG)
    clash = schemas.create(caller, GROUPS, group("Clash", total=TEXT))
    body = of(PROFILE, ref(clash), title="Others")
    other = schemas.create(caller, SCHEMAS, body)
    told = r"the schema 'Others' does not go with .* _northwind\.total is defined twice: as number and as string"
    with pytest.raises(BadSchema, match=told):
        schemas.change(caller, SCHEMAS, other.id, TAG)
    with pytest.raises(BadSchema, match="does not go with"):
        schemas.create(caller, SCHEMAS, {**body, "title": "Third", "meta:immutableTags": ["union"]})
    assert [one["title"] for one in schemas.list(caller, Container.TENANT, SCHEMAS)] == ["Others", "Orders"]


def test_a_schema_in_a_union_stays_there_and_only_gains_fields(
    schemas: Schemas, caller: Caller, schema: SchemaResource, orders: SchemaResource
) -> None:
    schemas.change(caller, SCHEMAS, schema.id, TAG)
    with pytest.raises(BreakingChange, match=r"it is in the union of its class: _northwind\.note cannot be removed"):
        schemas.change(caller, GROUPS, orders.id, REMOVED)
    with pytest.raises(BreakingChange, match="stays in the union"):
        schemas.change(caller, SCHEMAS, schema.id, [{"op": "remove", "path": "/meta:immutableTags"}])
    with pytest.raises(BreakingChange, match="cannot be deleted"):
        schemas.delete(caller, SCHEMAS, schema.id)
    # A client that sends what it knows of the schema need not know of the tag.
    kept = schemas.replace(caller, SCHEMAS, schema.id, of(PROFILE, ref(orders), title="Renamed"))
    assert document(kept, tenant_id="northwind")["meta:immutableTags"] == ["union"]


@pytest.mark.parametrize("tags", [["other"], "union", [7]])
def test_another_tag_is_refused(schemas: Schemas, caller: Caller, tags: Any) -> None:
    with pytest.raises(BadSchema):
        schemas.create(caller, SCHEMAS, of(PROFILE, **{"meta:immutableTags": tags}))


def test_an_ad_hoc_schema_joins_no_union(schemas: Schemas, caller: Caller) -> None:
    fields = {"properties": {"_adhoc": {"type": "object", "properties": {"x": TEXT}}}}
    landing = schemas.create(caller, CLASSES, of({"$ref": XDM + "data/adhoc"}, fields, title="Landing"))
    with pytest.raises(BadSchema, match="record or time-series"):
        schemas.create(caller, SCHEMAS, of(ref(landing), **{"meta:immutableTags": ["union"]}))


# --- history and samples ---------------------------------------------------------------------------------------------


def test_a_history_holds_each_change_as_a_patch(schemas: Schemas, caller: Caller, orders: SchemaResource) -> None:
    other = replace(caller, user_id="another", client_id="tool")
    schemas.change(other, GROUPS, orders.id, ADDED)
    newest, first = schemas.history(caller, orders.id)
    assert (newest.name, newest.stamp.created.by, newest.stamp.created.client) == ("1.1", "another", "tool")
    assert newest.steps == ({"op": "add", "path": "/properties/_northwind/properties/extra", "value": TYPED},)
    assert (first.name, first.steps[0]["path"], first.steps[0]["value"]) == ("1.0", "", orders.body)
    assert schemas.history(caller, PROFILE["$ref"]) == []
    with pytest.raises(NotFound):
        schemas.history(caller, "nothing")


def test_a_history_goes_with_its_resource(schemas: Schemas, database: Database, caller: Caller) -> None:
    made = schemas.create(caller, GROUPS, group(a=TEXT))
    schemas.delete(caller, GROUPS, made.id)
    assert database.schema_changes.count(caller.scope, Query()) == 0


def test_a_sample_has_the_fields_of_the_class_and_the_groups(
    schemas: Schemas, caller: Caller, schema: SchemaResource
) -> None:
    sample = schemas.sample(caller, schema.alt_id)
    assert isinstance(sample["_northwind"]["total"], int | float)
    assert {"_id", "_repo", "personID"} <= sample.keys()


# --- several at once -------------------------------------------------------------------------------------------------


def test_of_many_who_use_one_title_at_once_one_gets_it(schemas: Schemas, caller: Caller) -> None:
    def create(_: int) -> bool:
        try:
            schemas.create(caller, SCHEMAS, of(PROFILE, title="Wanted"))
        except BadSchema:
            return False
        return True

    with ThreadPoolExecutor(8) as threads:
        made = list(threads.map(create, range(8)))
    assert sum(made) == 1
    assert len(schemas.list(caller, Container.TENANT, SCHEMAS)) == 1


def test_changes_at_once_are_all_made(schemas: Schemas, caller: Caller, orders: SchemaResource) -> None:
    def change(number: int) -> None:
        path = f"/properties/_northwind/properties/f{number}"
        schemas.change(caller, GROUPS, orders.id, [{"op": "add", "path": path, "value": TEXT}])

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(change, range(8)))
    now = schemas.get(caller, Container.TENANT, GROUPS, orders.id)
    assert now["version"] == "1.8"
    assert len(now["properties"]["_northwind"]["properties"]) == 10
    assert len(schemas.history(caller, orders.id)) == 9


def test_nobody_deletes_what_another_one_begins_to_use(schemas: Schemas, caller: Caller) -> None:
    for number in range(6):
        made = schemas.create(caller, GROUPS, group(f"G{number}", a=TEXT))

        def use(made: SchemaResource = made, number: int = number) -> None:
            schemas.create(caller, SCHEMAS, of(PROFILE, ref(made), title=f"S{number}"))

        def delete(made: SchemaResource = made) -> None:
            schemas.delete(caller, GROUPS, made.id)

        with ThreadPoolExecutor(2) as threads:
            failed = [call.exception() for call in [threads.submit(use), threads.submit(delete)]]
        # One of the two comes first, and the other learns of it.
        assert [type(error) for error in failed if error] in ([BadSchema], [InUse])
    for schema in schemas.list(caller, Container.TENANT, SCHEMAS):
        schemas.tree(caller, schema["$id"])
