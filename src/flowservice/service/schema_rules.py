"""What a change of a schema resource must leave whole: the resources, data and descriptors that rest on it."""

from collections.abc import Iterator, Sequence
from typing import Final

from flowservice.domain.dataset import BatchStatus, Dataset
from flowservice.domain.descriptor import Descriptor, field_at
from flowservice.domain.evolution import check_additive
from flowservice.domain.identity import Scope
from flowservice.domain.query import Condition, Operator, Query
from flowservice.domain.registry import full_document
from flowservice.domain.schema import SchemaKind, SchemaResource
from flowservice.domain.union import is_tagged, united
from flowservice.domain.xdm_patterns import check_patterns
from flowservice.domain.xdm_resolve import Document
from flowservice.domain.xdm_tree import tree_of
from flowservice.errors import BadDescriptor, BadSchema, BreakingChange, InUse
from flowservice.ports.database import Database, every
from flowservice.service.schema_library import Library, equal

_TOLD: Final = 5
_LANDING: Final = (BatchStatus.LOADING, BatchStatus.STAGING, BatchStatus.SUCCESS)
WORDS: Final = {
    SchemaKind.SCHEMAS: "schema",
    SchemaKind.CLASSES: "class",
    SchemaKind.FIELD_GROUPS: "field group",
    SchemaKind.DATA_TYPES: "data type",
    SchemaKind.BEHAVIORS: "behaviour",
}


def called(resource: SchemaResource) -> str:
    """The resource in a message."""
    return f"the {WORDS[resource.kind]} {resource.name[:100]!r}"


def check_change(database: Database, scope: Scope, before: Library, after: Library, old: SchemaResource) -> None:
    """Return if `old` may become what it is in the library `after`.

    Every resource that builds on it still resolves, what is in use only gains fields, schemas of a union go together,
    and each field that a descriptor speaks of is there. Raises BadSchema, BreakingChange, InUse.
    """
    new = after.resources[old.id]
    for resource in (new, *after.dependents(new)):
        full = resolved_in(after, resource, changed=new)
        if resource.kind is SchemaKind.SCHEMAS:
            former = before.resources[resource.id]
            _check_class(database, scope, former, resource)
            if (why := held_by(database, scope, former)) is not None:
                check_additive(resolved_in(before, former, changed=new), full, what=called(former), why=why)
            if is_tagged(resource.body):
                check_union(after, resource.class_id)
        _check_described(database, scope, resource, full)


def resolved_in(library: Library, resource: SchemaResource, *, changed: SchemaResource) -> Document:
    """The resource resolved. Raises BadSchema, which says so if another one than the `changed` is broken by it."""
    shown = library.lookup(resource.id)
    if shown is None:
        raise BadSchema(f"{called(resource)} is gone")
    try:
        full = full_document(shown, library.lookup)
        check_patterns(tree_of(full))
    except BadSchema as error:
        if resource.id == changed.id:
            raise
        raise BadSchema(
            f"{called(resource)} builds on this one and could not be composed any more: {error.message}",
            advice=error.advice or "Choose other names or types for the fields.",
        ) from error
    return full


def check_union(library: Library, class_id: str) -> None:
    """Return if the schemas of a class that are in the union go together. Raises BadSchema."""
    schemas = {
        one.name: full_document(library.lookup(one.id) or {}, library.lookup) for one in tagged(library, class_id)
    }
    united(schemas)


def tagged(library: Library, class_id: str) -> list[SchemaResource]:
    """The schemas of a class that take part in its union, the oldest first."""
    schemas = (one for one in library.resources.values() if one.kind is SchemaKind.SCHEMAS)
    found = [one for one in schemas if one.class_id == class_id and is_tagged(one.body)]
    return sorted(found, key=lambda one: (one.stamp.created.at, one.id))


def held_by(database: Database, scope: Scope, schema: SchemaResource) -> str | None:
    """What holds a schema to the fields that it has, in words; None if it may still become anything."""
    if is_tagged(schema.body):
        return "it is in the union of its class"
    for dataset in datasets_of(database, scope, schema):
        conditions = (
            *equal(dataset_id=dataset.id),
            Condition(path=("state",), operator=Operator.EQ, values=tuple(state.value for state in _LANDING)),
        )
        if database.batches.count(scope, Query(conditions=conditions)):
            return f"its dataset {dataset.name[:100]!r} holds data"
    return None


def datasets_of(database: Database, scope: Scope, schema: SchemaResource) -> Iterator[Dataset]:
    """The datasets of a schema, whichever of its ids they name."""
    named = Condition(path=("schema_ref", "id"), operator=Operator.EQ, values=(schema.id, schema.alt_id))
    return every(database.datasets, scope, (named,))


def descriptors_of(database: Database, scope: Scope, schema_ids: Sequence[str]) -> list[Descriptor]:
    """The descriptors that speak of these resources, the oldest first."""
    condition = Condition(path=("schema_id",), operator=Operator.EQ, values=tuple(schema_ids))
    return list(every(database.descriptors, scope, (condition,)))[::-1]


def all_descriptors(database: Database, scope: Scope) -> list[Descriptor]:
    """All of the sandbox, the oldest first."""
    return list(every(database.descriptors, scope))[::-1]


def check_unused(database: Database, scope: Scope, library: Library, resource: SchemaResource) -> None:
    """Return if nothing rests on the resource. Raises InUse saying what does; BreakingChange for one in the union."""
    if is_tagged(resource.body):
        raise BreakingChange(
            f"{called(resource)} is in the union of its class and cannot be deleted",
            advice="Keep it; the tag that puts it there cannot be taken off.",
        )
    users = [f"{called(user)} ({user.id})" for user in library.users(resource)]
    users += [f"the dataset {one.name[:100]!r} ({one.id})" for one in datasets_of(database, scope, resource)]
    users += [
        f"the descriptor {one.id} of {one.schema_id}"
        for one in all_descriptors(database, scope)
        if one.destination == resource.id and one.schema_id != resource.id
    ]
    if users:
        more = f" and {len(users) - _TOLD} more" if len(users) > _TOLD else ""
        raise InUse(
            f"{called(resource)} is in use by {', '.join(users[:_TOLD])}{more}",
            advice="Change or delete what uses it first.",
        )


def _check_class(database: Database, scope: Scope, old: SchemaResource, new: SchemaResource) -> None:
    if old.class_id == new.class_id:
        return
    dataset = next(datasets_of(database, scope, old), None)
    if is_tagged(old.body) or dataset is not None:
        why = "it is in the union" if dataset is None else f"the dataset {dataset.name[:100]!r} is of it"
        raise BreakingChange(
            f"the class of {called(old)} cannot change, since {why}", advice="Make a new schema of the other class."
        )


def _check_described(database: Database, scope: Scope, resource: SchemaResource, full: Document) -> None:
    """Raises InUse if a field is gone that a descriptor speaks of."""
    for descriptor in descriptors_of(database, scope, [resource.id]):
        for path in descriptor.paths:
            try:
                field_at(full, path)
            except BadDescriptor as error:
                raise InUse(
                    f"{called(resource)} would lose {path[:200]}, of which the descriptor {descriptor.id} speaks "
                    f"({descriptor.name})",
                    advice="Delete the descriptor first.",
                ) from error
