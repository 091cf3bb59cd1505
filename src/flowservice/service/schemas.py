"""What people and programs may do with schemas, classes, field groups and data types."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final

from flowservice.domain.identity import Caller, Permission, Scope
from flowservice.domain.query import Condition, Operator, Query
from flowservice.domain.registry import SEGMENTS, composed, document, full_document, ids_of
from flowservice.domain.resource import Stamp
from flowservice.domain.schema import SchemaKind, SchemaResource
from flowservice.domain.xdm_resolve import Document, Lookup
from flowservice.domain.xdm_standard import standard_resource, standard_resources
from flowservice.domain.xdm_tree import ObjectField, tree_of
from flowservice.errors import BadSchema, ColumnsNotAddable, NotFound
from flowservice.ports.database import Database
from flowservice.ports.runtime import Clock, Ids

_DIGITS: Final = 48
_PAGE: Final = 500


class Container(StrEnum):
    """Where a resource is from."""

    GLOBAL = "global"
    TENANT = "tenant"


@dataclass(frozen=True, slots=True, kw_only=True)
class Schemas:
    """The schema registry. A resource is named by its `$id` or altId, decoded."""

    database: Database
    now: Clock
    ids: Ids

    def create(self, caller: Caller, kind: SchemaKind, body: Mapping[str, Any]) -> SchemaResource:
        """A new resource of the tenant. Raises MissingField, NotSupported, BadSchema."""
        caller.may(Permission.MANAGE_SOURCES)
        ref, alt_id = ids_of(kind, caller.tenant_id, self.ids.hex(_DIGITS))
        with self.database.transaction() as database:
            lookup = _lookup(database, caller)
            composition = composed(kind, body, ref=ref, tenant_id=caller.tenant_id, lookup=lookup)
            title = composition.body["title"]
            same_title = _conditions(kind=kind.value, name=title)
            if kind is SchemaKind.SCHEMAS and database.schemas.count(caller.scope, Query(conditions=same_title)):
                raise BadSchema(
                    f"a schema titled {title[:200]!r} exists already",
                    advice="Choose another title; it must be unique among the schemas of the sandbox.",
                )
            resource = SchemaResource(
                id=ref,
                stamp=Stamp.first(caller, at=self.now()),
                name=title,
                description=composition.body.get("description", ""),
                kind=kind,
                alt_id=alt_id,
                body=composition.body,
                class_id=composition.class_id,
                extends=composition.extends,
            )
            database.schemas.add(resource)
        return resource

    def get(self, caller: Caller, container: Container, kind: SchemaKind, ref: str) -> Document:
        """One resource, references unresolved. The tenant container finds standard ones too. Raises NotFound."""
        caller.may(Permission.VIEW_SOURCES)
        lookup = standard_resource if container is Container.GLOBAL else _lookup(self.database, caller)
        known = lookup(ref)
        if known is None or known["meta:resourceType"] != SEGMENTS[kind]:
            raise _unknown(ref)
        return known

    def full(self, caller: Caller, ref: str) -> Document:
        """One resource of any kind, every reference replaced by the properties it stands for. Raises NotFound."""
        caller.may(Permission.VIEW_SOURCES)
        lookup = _lookup(self.database, caller)
        if (known := lookup(ref)) is None:
            raise _unknown(ref)
        return full_document(known, lookup)

    def tree(self, caller: Caller, ref: str) -> ObjectField:
        """The typed tree of a resource, for mapping and the lake. Raises NotFound."""
        return tree_of(self.full(caller, ref))

    def add_fields(self, caller: Caller, schema_id: str, fields: Mapping[str, Document]) -> None:
        """Give a schema further fields of the tenant's own, by their names below the tenant's object.

        They go into a field group that no other schema has. To be called inside a transaction. Raises NotFound,
        ColumnsNotAddable if the schema has no such group, BadSchema, Stale.
        """
        caller.may(Permission.MANAGE_SOURCES)
        group, own = self._own_group(caller, schema_id), f"_{caller.tenant_id}"
        properties = dict(group.body.get("properties", {}))
        node = properties.get(own, {"type": "object"})
        properties[own] = {**node, "properties": {**node.get("properties", {}), **fields}}
        body = {**group.body, "properties": properties}
        lookup = _lookup(self.database, caller)
        composed(group.kind, body, ref=group.id, tenant_id=caller.tenant_id, lookup=lookup)
        stamp = group.stamp.moved(caller, at=self.now())
        self.database.schemas.replace(group, replace(group, body=body, minor=group.minor + 1, stamp=stamp))
        # Whatever the field group alone may say, the schema has to hold together.
        self.tree(caller, schema_id)

    def _own_group(self, caller: Caller, schema_id: str) -> SchemaResource:
        """A field group of the tenant that this schema refers to and no other one does.

        Raises NotFound, ColumnsNotAddable.
        """
        schemas = self._all(caller.scope, SchemaKind.SCHEMAS)
        schema = next((known for known in schemas if known.id == schema_id), None)
        if schema is None:
            raise _unknown(schema_id)
        shared = {ref for other in schemas if other.id != schema_id for ref in other.extends}
        groups = (
            known
            for ref in schema.extends
            if ref not in shared and (known := _stored(self.database, caller.scope, ref)) is not None
        )
        group = next((known for known in groups if known.kind is SchemaKind.FIELD_GROUPS), None)
        if group is None:
            raise ColumnsNotAddable(
                "the dataset's schema has no field group that is its own",
                advice="Add the fields yourself and map them, or ignore the columns.",
            )
        return group

    def list(self, caller: Caller, container: Container, kind: SchemaKind) -> Sequence[Document]:
        """Every resource of one kind, the newest first; standard ones by `$id`."""
        caller.may(Permission.VIEW_SOURCES)
        if container is Container.GLOBAL:
            shown = standard_resources().values()
            return [known for known in shown if known["meta:resourceType"] == SEGMENTS[kind]]
        return [document(known, tenant_id=caller.tenant_id) for known in self._all(caller.scope, kind)]

    def stats(self, caller: Caller) -> Document:
        """The tenant id, how many resources there are, the newest ones, and which schemas use which class."""
        caller.may(Permission.VIEW_SOURCES)
        own_kinds = [kind for kind in SchemaKind if kind is not SchemaKind.BEHAVIORS]
        by_kind = {kind: self._all(caller.scope, kind) for kind in own_kinds}
        everything = [known for kind in own_kinds for known in by_kind[kind]]
        created = sorted(everything, key=lambda known: known.stamp.created.at, reverse=True)
        updated = sorted(everything, key=lambda known: known.stamp.updated.at, reverse=True)
        usage: dict[str, list[Document]] = {}
        for schema in by_kind[SchemaKind.SCHEMAS]:
            usage.setdefault(schema.class_id, []).append(
                {"$id": schema.id, "title": schema.name, "description": schema.description}
            )
        return {
            "imsOrg": caller.scope.org_id,
            "tenantId": caller.tenant_id,
            "counts": {SEGMENTS[kind]: len(known) for kind, known in by_kind.items()} | {"unions": 0},
            "recentlyCreatedResources": [_recent(known) for known in created[:10]],
            "recentlyUpdatedResources": [_recent(known) for known in updated[:10]],
            "classUsage": usage,
        }

    def _all(self, scope: Scope, kind: SchemaKind) -> Sequence[SchemaResource]:
        out: list[SchemaResource] = []
        after = None
        while True:
            query = Query(conditions=_conditions(kind=kind.value), limit=_PAGE, after=after)
            page = self.database.schemas.list(scope, query)
            out += page.items
            if (after := page.next) is None:
                return out


def _lookup(database: Database, caller: Caller) -> Lookup:
    """Standard resources and those of the caller's sandbox, by `$id` or altId."""

    def lookup(ref: str) -> Document | None:
        if (standard := standard_resource(ref)) is not None:
            return standard
        known = _stored(database, caller.scope, ref)
        return None if known is None else document(known, tenant_id=caller.tenant_id)

    return lookup


def _stored(database: Database, scope: Scope, ref: str) -> SchemaResource | None:
    if ref.startswith("_"):
        page = database.schemas.list(scope, Query(conditions=_conditions(alt_id=ref), limit=1))
        return next(iter(page.items), None)
    try:
        return database.schemas.get(scope, ref)
    except NotFound:
        return None


def _conditions(**fields: str) -> tuple[Condition, ...]:
    return tuple(
        Condition(path=(name,), operator=Operator.EQ, values=(value,)) for name, value in sorted(fields.items())
    )


def _recent(known: SchemaResource) -> Document:
    return {
        "$id": known.id,
        "title": known.name,
        "description": known.description,
        "meta:resourceType": SEGMENTS[known.kind],
        "meta:created": known.stamp.created.at.strftime("%a %b %d %Y %H:%M:%S GMT+0000 (UTC)"),
        "version": f"1.{known.minor}",
    }


def _unknown(ref: str) -> NotFound:
    return NotFound(f"there is no schema resource {ref[:200]!r}", advice="List the resources to see their ids.")
