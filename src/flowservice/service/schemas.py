"""What people and programs may do with schemas, classes, field groups and data types."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, TypeAlias

import jsonpatch

from flowservice.domain.composition import EDITABLE, composed
from flowservice.domain.identity import Caller, Permission, Scope
from flowservice.domain.query import Query
from flowservice.domain.registry import SEGMENTS, document, full_document, ids_of
from flowservice.domain.resource import Stamp
from flowservice.domain.schema import SchemaChange, SchemaKind, SchemaResource
from flowservice.domain.union import is_tagged, union_document, united
from flowservice.domain.xdm_resolve import Document
from flowservice.domain.xdm_sample import sample_of
from flowservice.domain.xdm_standard import standard_resource, standard_resources
from flowservice.domain.xdm_tree import ObjectField, tree_of
from flowservice.errors import BadSchema, BreakingChange, ColumnsNotAddable
from flowservice.ports.database import Database
from flowservice.ports.runtime import Clock, Ids
from flowservice.service.contention import repeated
from flowservice.service.due_labels import mark_users
from flowservice.service.patch import patched
from flowservice.service.schema_library import Library, all_of, equal, lookup_in, own, shown, stored, unknown
from flowservice.service.schema_rules import check_change, check_union, check_unused, descriptors_of, tagged

_DIGITS: Final = 48
_CHANGES: Final = 500
"""Changes of one resource that are told, the newest ones."""
_OWN_KINDS: Final = tuple(kind for kind in SchemaKind if kind is not SchemaKind.BEHAVIORS)


Matches: TypeAlias = Callable[[SchemaResource], None]
"""Returns if a resource is as its caller saw it last; raises otherwise."""


def _any(_resource: SchemaResource) -> None:
    return None


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
        with self.database.transaction() as database:
            # Nobody deletes meanwhile what it refers to.
            database.tenancy.hold(caller.scope.org_id)
            resource = self.composed(database, caller, kind, body, digits=self.ids.hex(_DIGITS))
            self.add(database, caller, resource)
        return resource

    def composed(
        self, database: Database, caller: Caller, kind: SchemaKind, body: Mapping[str, Any], *, digits: str
    ) -> SchemaResource:
        """The resource that `body` makes, checked but not stored. Raises as `create`."""
        ref, alt_id = ids_of(kind, caller.tenant_id, digits)
        lookup = lookup_in(database, caller)
        composition = composed(kind, body, ref=ref, tenant_id=caller.tenant_id, lookup=lookup)
        _check_title(database, caller.scope, kind, composition.body["title"])
        return SchemaResource(
            id=ref,
            stamp=Stamp.first(caller, at=self.now()),
            name=composition.body["title"],
            description=composition.body.get("description", ""),
            kind=kind,
            alt_id=alt_id,
            body=composition.body,
            class_id=composition.class_id,
            extends=composition.extends,
        )

    def add(self, database: Database, caller: Caller, resource: SchemaResource) -> None:
        """Store a composed resource, inside a transaction. Raises BadSchema if it does not go with its union."""
        if is_tagged(resource.body):
            check_union(Library.of(database, caller).having(resource), resource.class_id)
        database.schemas.add(resource)
        self._tell(database, caller, resource, [{"op": "add", "path": "", "value": resource.body}])

    def replace(
        self,
        caller: Caller,
        kind: SchemaKind,
        ref: str,
        body: Mapping[str, Any],
        *,
        matches: Matches = _any,
        only_check: bool = False,
    ) -> SchemaResource:
        """The resource with all that its author writes as `body` has it; what the registry assigns is ignored there.

        Args:
            matches: raises if the resource is not as the caller saw it last.
            only_check: raise what the change would raise, and write nothing.
        Raises: NotFound, NotSupported, MissingField, BadSchema, BreakingChange, InUse.
        """
        return self._edited(
            caller, kind, ref, lambda old: _keeping_tags(old, body), matches=matches, only_check=only_check
        )

    def change(
        self,
        caller: Caller,
        kind: SchemaKind,
        ref: str,
        operations: object,
        *,
        matches: Matches = _any,
        only_check: bool = False,
    ) -> SchemaResource:
        """The resource after a JSON Patch. Takes and raises what `replace` does, and EmptyBody, PatchFailed,
        PatchUnsupported."""

        def edit(old: SchemaResource) -> Mapping[str, Any]:
            body = patched(document(old, tenant_id=caller.tenant_id), operations, editable=EDITABLE)
            if is_tagged(old.body) and not is_tagged(body):
                raise BreakingChange(
                    "a schema stays in the union of its class", advice="Leave meta:immutableTags as it is."
                )
            return body

        return self._edited(caller, kind, ref, edit, matches=matches, only_check=only_check)

    def delete(self, caller: Caller, kind: SchemaKind, ref: str) -> None:
        """Remove the resource and the descriptors that speak of it.

        Raises NotFound, NotSupported; InUse saying what uses it, BreakingChange for a schema in the union.
        """
        caller.may(Permission.MANAGE_SOURCES)
        with self.database.transaction() as database:
            database.tenancy.hold(caller.scope.org_id)
            resource = own(database, caller, kind, ref)
            check_unused(database, caller.scope, Library.of(database, caller), resource)
            for descriptor in descriptors_of(database, caller.scope, [resource.id]):
                database.descriptors.delete(descriptor)
            while changes := self._changes(database, caller.scope, resource):
                for change in changes:
                    database.schema_changes.delete(change)
            database.schemas.delete(resource)

    def get(self, caller: Caller, container: Container, kind: SchemaKind, ref: str) -> Document:
        """One resource, references unresolved. The tenant container finds standard ones too. Raises NotFound."""
        caller.may(Permission.VIEW_SOURCES)
        lookup = standard_resource if container is Container.GLOBAL else lookup_in(self.database, caller)
        known = lookup(ref)
        if known is None or known["meta:resourceType"] != SEGMENTS[kind]:
            raise unknown(ref)
        return known

    def any(self, caller: Caller, ref: str) -> Document:
        """One resource of whatever kind, references unresolved. Raises NotFound."""
        caller.may(Permission.VIEW_SOURCES)
        if (known := lookup_in(self.database, caller)(ref)) is None:
            raise unknown(ref)
        return known

    def full(self, caller: Caller, ref: str) -> Document:
        """One resource of any kind, every reference replaced by the properties it stands for. Raises NotFound."""
        return full_document(self.any(caller, ref), lookup_in(self.database, caller))

    def tree(self, caller: Caller, ref: str) -> ObjectField:
        """The typed tree of a resource, for mapping and the lake. Raises NotFound."""
        return tree_of(self.full(caller, ref))

    def sample(self, caller: Caller, ref: str) -> Mapping[str, Any]:
        """An object that is valid by the resource, a value in every field. Raises NotFound."""
        return sample_of(self.full(caller, ref))

    def history(self, caller: Caller, ref: str) -> Sequence[SchemaChange]:
        """The changes of a resource of the sandbox, the newest first. Raises NotFound."""
        caller.may(Permission.VIEW_SOURCES)
        known = stored(self.database, caller.scope, ref)
        if known is None:
            self.any(caller, ref)
            return []
        return self._changes(self.database, caller.scope, known)

    def add_fields(self, caller: Caller, schema_id: str, fields: Mapping[str, Document]) -> None:
        """Give a schema further fields of the tenant's own, by their names below the tenant's object.

        They go into a field group that no other schema has. To be called inside a transaction. Raises NotFound,
        ColumnsNotAddable if the schema has no such group, BadSchema, Stale.
        """
        caller.may(Permission.MANAGE_SOURCES)
        group, below = self._own_group(caller, schema_id), f"_{caller.tenant_id}"
        properties = dict(group.body.get("properties", {}))
        node = properties.get(below, {"type": "object"})
        properties[below] = {**node, "properties": {**node.get("properties", {}), **fields}}
        self._write(self.database, caller, group, {**group.body, "properties": properties})

    def _edited(
        self,
        caller: Caller,
        kind: SchemaKind,
        ref: str,
        edit: Callable[[SchemaResource], Mapping[str, Any]],
        *,
        matches: Matches,
        only_check: bool,
    ) -> SchemaResource:
        caller.may(Permission.MANAGE_SOURCES)

        def write() -> SchemaResource:
            with self.database.transaction() as database:
                database.tenancy.hold(caller.scope.org_id)
                old = own(database, caller, kind, ref)
                matches(old)
                return self._write(database, caller, old, edit(old), only_check=only_check)

        return repeated(write)

    def _write(
        self,
        database: Database,
        caller: Caller,
        old: SchemaResource,
        body: Mapping[str, Any],
        *,
        only_check: bool = False,
    ) -> SchemaResource:
        """The resource with another body, written with all that follows from it for others, if it is not only checked;
        then the resource is answered as it stays."""
        before = Library.of(database, caller)
        composition = composed(old.kind, body, ref=old.id, tenant_id=caller.tenant_id, lookup=before.lookup)
        if composition.body == old.body:
            return old
        title = composition.body["title"]
        if title != old.name:
            _check_title(database, caller.scope, old.kind, title)
        new = replace(
            old,
            stamp=old.stamp.moved(caller, at=self.now()),
            name=title,
            description=composition.body.get("description", ""),
            body=composition.body,
            class_id=composition.class_id,
            extends=composition.extends,
            minor=old.minor + 1,
        )
        after = before.having(new)
        dependents = after.dependents(new)
        after = after.extending_anew(dependents)
        check_change(database, caller.scope, before, after, old)
        if only_check:
            return old
        database.schemas.replace(old, new)
        for known in dependents:
            told = after.resources[known.id]
            if told is not before.resources[known.id]:
                database.schemas.replace(known, replace(told, stamp=known.stamp.touched()))
        # It may bring labelled fields along, or take them away.
        mark_users(database, caller, after, new.id, now=self.now)
        steps = jsonpatch.make_patch(dict(old.body), dict(new.body)).patch
        self._tell(database, caller, new, steps)
        return new

    def _tell(
        self, database: Database, caller: Caller, resource: SchemaResource, steps: Sequence[Mapping[str, Any]]
    ) -> None:
        """Write down a change for the resource's history."""
        database.schema_changes.add(
            SchemaChange(
                id=self.ids.hex(_DIGITS),
                stamp=Stamp.first(caller, at=self.now()),
                name=f"1.{resource.minor}",
                schema_id=resource.id,
                steps=tuple(steps),
            )
        )

    def _changes(self, database: Database, scope: Scope, resource: SchemaResource) -> Sequence[SchemaChange]:
        query = Query(conditions=equal(schema_id=resource.id), limit=_CHANGES)
        # Two of them may have been made within a millisecond.
        return sorted(database.schema_changes.list(scope, query).items, key=lambda change: change.minor, reverse=True)

    def _own_group(self, caller: Caller, schema_id: str) -> SchemaResource:
        """A field group of the tenant that this schema refers to and no other one does.

        Raises NotFound, ColumnsNotAddable.
        """
        schemas = all_of(self.database, caller.scope, SchemaKind.SCHEMAS)
        schema = next((known for known in schemas if known.id == schema_id), None)
        if schema is None:
            raise unknown(schema_id)
        shared = {ref for other in schemas if other.id != schema_id for ref in other.extends}
        groups = (
            known
            for ref in schema.extends
            if ref not in shared and (known := stored(self.database, caller.scope, ref)) is not None
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
            standard = standard_resources().values()
            return [known for known in standard if known["meta:resourceType"] == SEGMENTS[kind]]
        return shown(self.database, caller, all_of(self.database, caller.scope, kind))

    def unions(self, caller: Caller) -> Sequence[Document]:
        """The union of every class that has schemas in it, by class."""
        caller.may(Permission.VIEW_SOURCES)
        library = Library.of(self.database, caller)
        classes = {one.class_id for one in library.resources.values() if is_tagged(one.body)}
        return [_union(library, class_id) for class_id in sorted(classes)]

    def union(self, caller: Caller, ref: str, *, is_full: bool) -> Document:
        """One union, by its `$id` or altId; with the fields of its schemas if it is to be full. Raises NotFound."""
        union = next((one for one in self.unions(caller) if ref in (one["$id"], one["meta:altId"])), None)
        if union is None:
            raise unknown(ref)
        if not is_full:
            return union
        library = Library.of(self.database, caller)
        schemas = {
            one.name: full_document(library.lookup(one.id) or {}, library.lookup)
            for one in tagged(library, union["meta:class"])
        }
        return {**{key: value for key, value in union.items() if key != "allOf"}, **united(schemas)}

    def stats(self, caller: Caller) -> Document:
        """The tenant id, how many resources there are, the newest ones, and which schemas use which class."""
        caller.may(Permission.VIEW_SOURCES)
        everything = all_of(self.database, caller.scope)
        by_kind = {kind: [known for known in everything if known.kind is kind] for kind in _OWN_KINDS}
        created = sorted(everything, key=lambda known: known.stamp.created.at, reverse=True)
        updated = sorted(everything, key=lambda known: known.stamp.updated.at, reverse=True)
        usage: dict[str, list[Document]] = {}
        for schema in by_kind[SchemaKind.SCHEMAS]:
            usage.setdefault(schema.class_id, []).append(
                {"$id": schema.id, "title": schema.name, "description": schema.description}
            )
        unions = {known.class_id for known in everything if is_tagged(known.body)}
        return {
            "imsOrg": caller.scope.org_id,
            "tenantId": caller.tenant_id,
            "counts": {SEGMENTS[kind]: len(known) for kind, known in by_kind.items()} | {"unions": len(unions)},
            "recentlyCreatedResources": [_recent(known) for known in created[:10]],
            "recentlyUpdatedResources": [_recent(known) for known in updated if known.minor][:10],
            "classUsage": usage,
        }


def _check_title(database: Database, scope: Scope, kind: SchemaKind, title: str) -> None:
    same_title = equal(kind=kind.value, name=title)
    if kind is SchemaKind.SCHEMAS and database.schemas.count(scope, Query(conditions=same_title)):
        raise BadSchema(
            f"a schema titled {title[:200]!r} exists already",
            advice="Choose another title; it must be unique among the schemas of the sandbox.",
        )


def _keeping_tags(old: SchemaResource, body: Mapping[str, Any]) -> Mapping[str, Any]:
    """A whole new body; the tags that stay on a schema for ever need not be said again."""
    if is_tagged(old.body) and not body.get("meta:immutableTags"):
        return {**body, "meta:immutableTags": old.body["meta:immutableTags"]}
    return body


def _union(library: Library, class_id: str) -> Document:
    class_document = library.lookup(class_id)
    if class_document is None:
        raise unknown(class_id)
    schemas = [known for one in tagged(library, class_id) if (known := library.lookup(one.id)) is not None]
    return union_document(class_document, schemas, tenant_id=library.tenant_id)


def _recent(known: SchemaResource) -> Document:
    return {
        "$id": known.id,
        "title": known.name,
        "description": known.description,
        "meta:resourceType": SEGMENTS[known.kind],
        "meta:created": _told(known.stamp.created.at),
        "meta:updated": _told(known.stamp.updated.at),
        "version": f"1.{known.minor}",
    }


def _told(at: datetime) -> str:
    return at.strftime("%a %b %d %Y %H:%M:%S GMT+0000 (UTC)")
