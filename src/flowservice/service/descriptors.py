"""What people and programs may do with descriptors."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, TypeAlias

from flowservice.domain.descriptor import (
    LABELS,
    MAX_LABELS,
    ONE_A_SCHEMA,
    PROPERTY,
    Descriptor,
    DescriptorType,
    described,
    respelled,
    schema_in,
    type_in,
)
from flowservice.domain.field_places import field_paths
from flowservice.domain.identity import Caller, Permission
from flowservice.domain.registry import BEHAVIOR_TYPE, full_document
from flowservice.domain.resource import Stamp
from flowservice.domain.xdm_resolve import Document
from flowservice.errors import BadDescriptor
from flowservice.ports.database import Database
from flowservice.ports.runtime import Clock, Ids
from flowservice.service.contention import repeated
from flowservice.service.due_labels import mark_users
from flowservice.service.known_labels import LISTED, unknown_labels
from flowservice.service.schema_library import Library, lookup_in, stored
from flowservice.service.schema_rules import all_descriptors, descriptors_of

_DIGITS: Final = 40
Matches: TypeAlias = Callable[[Descriptor], None]
"""Raises an error unless the stored descriptor is the one that the caller knows."""


def _any(_descriptor: Descriptor) -> None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Descriptors:
    """The descriptors of the schema registry."""

    database: Database
    now: Clock
    ids: Ids

    def create(self, caller: Caller, body: Mapping[str, Any]) -> Descriptor:
        """A new descriptor of a resource of the sandbox. Raises BadDescriptor, BadSchema."""
        caller.may(Permission.MANAGE_SOURCES)
        with self.database.transaction() as database:
            # The resource it speaks of stays as it is meanwhile.
            database.tenancy.hold(caller.scope.org_id)
            return self.add(database, caller, body)

    def add(self, database: Database, caller: Caller, body: Mapping[str, Any]) -> Descriptor:
        """As `create`, inside a transaction that holds the organisation."""
        kept, source = _checked(database, caller, body)
        descriptor = Descriptor(
            id=self.ids.hex(_DIGITS),
            stamp=Stamp.first(caller, at=self.now()),
            name=kept["@type"],
            schema_id=source["$id"],
            body=kept,
        )
        _check_others(database, caller, descriptor, source)
        database.descriptors.add(descriptor)
        self._mark(database, caller, descriptor)
        return descriptor

    def replace(
        self, caller: Caller, descriptor_id: str, body: Mapping[str, Any], *, matches: Matches = _any
    ) -> Descriptor:
        """The descriptor with the whole `body` in place of its own. Raises NotFound, BadDescriptor, BadSchema, and
        what `matches` raises."""
        caller.may(Permission.MANAGE_SOURCES)

        def write() -> Descriptor:
            with self.database.transaction() as database:
                database.tenancy.hold(caller.scope.org_id)
                old = database.descriptors.get(caller.scope, descriptor_id)
                matches(old)
                kept, source = _checked(database, caller, body)
                new = replace(
                    old,
                    stamp=old.stamp.moved(caller, at=self.now()),
                    name=kept["@type"],
                    schema_id=source["$id"],
                    body=kept,
                )
                _check_others(database, caller, new, source)
                database.descriptors.replace(old, new)
                self._mark(database, caller, old, new)
            return new

        return repeated(write)

    def delete(self, caller: Caller, descriptor_id: str, *, matches: Matches = _any) -> None:
        """Raises NotFound, and what `matches` raises."""
        caller.may(Permission.MANAGE_SOURCES)

        def delete() -> None:
            with self.database.transaction() as database:
                database.tenancy.hold(caller.scope.org_id)
                descriptor = database.descriptors.get(caller.scope, descriptor_id)
                matches(descriptor)
                database.descriptors.delete(descriptor)
                self._mark(database, caller, descriptor)

        repeated(delete)

    def _mark(self, database: Database, caller: Caller, *changed: Descriptor) -> None:
        """Tables say the labels of their columns: those concerned are told anew."""
        if schema_ids := {one.schema_id for one in changed if one.type is DescriptorType.LABEL}:
            library = Library.of(database, caller)
            for schema_id in schema_ids:
                mark_users(database, caller, library, schema_id, now=self.now)

    def get(self, caller: Caller, descriptor_id: str) -> Descriptor:
        """Raises NotFound."""
        caller.may(Permission.VIEW_SOURCES)
        return self.database.descriptors.get(caller.scope, descriptor_id)

    def list(self, caller: Caller) -> Sequence[Descriptor]:
        """All of the sandbox, the oldest first; but of those of one field, its labels before all others.

        A published client looks for the labels of a field in the first descriptor that speaks of it.
        """
        caller.may(Permission.VIEW_SOURCES)
        return _labels_first(all_descriptors(self.database, caller.scope))

    def of(self, caller: Caller, shown: Document) -> Sequence[Descriptor]:
        """Those that speak of a shown resource, or of one that it builds on, the oldest first."""
        caller.may(Permission.VIEW_SOURCES)
        told = descriptors_of(self.database, caller.scope, [shown["$id"], *shown.get("meta:extends", ())])
        return _labels_first(told)


def _labels_first(descriptors: Sequence[Descriptor]) -> Sequence[Descriptor]:
    """In the order given, but the label descriptors of a field stand where the first one of it stood."""
    first: dict[tuple[str, tuple[str, ...]], int] = {}
    for at, one in enumerate(descriptors):
        first.setdefault((one.schema_id, one.paths), at)

    def place(numbered: tuple[int, Descriptor]) -> tuple[int, bool, int]:
        at, one = numbered
        if one.type is not DescriptorType.LABEL:
            return at, True, at
        return first[one.schema_id, one.paths], False, at

    return [one for _, one in sorted(enumerate(descriptors), key=place)]


def _checked(database: Database, caller: Caller, body: Mapping[str, Any]) -> tuple[dict[str, Any], Document]:
    """What is kept of the body, and the resource that it speaks of, resolved. Raises BadDescriptor, BadSchema."""
    lookup = lookup_in(database, caller)
    type_in(body)
    source = stored(database, caller.scope, schema_in(body))
    if source is None:
        raise BadDescriptor(
            f"there is no resource {schema_in(body)[:200]!r} of your own",
            advice="Name a schema, class, field group or data type of this sandbox.",
        )

    def destination(ref: str) -> Document:
        shown = lookup(ref)
        if shown is None:
            raise BadDescriptor(f"there is no schema {ref[:200]!r}", advice="Create the other schema first.")
        return full_document(shown, lookup)

    full = destination(source.id)
    kept = described(body, full, schema_id=source.id, destination=destination)
    if PROPERTY in kept:
        kept[PROPERTY] = respelled(kept[PROPERTY], field_paths(full))
    return kept, full


def _check_others(database: Database, caller: Caller, new: Descriptor, source: Document) -> None:
    """Raises BadDescriptor if another descriptor of the same schema says the same, or what does not go with it."""
    others = [one for one in descriptors_of(database, caller.scope, [new.schema_id]) if one.id != new.id]
    if new.is_primary and (other := next((one for one in others if one.is_primary), None)) is not None:
        raise BadDescriptor(
            f"{', '.join(other.paths)[:200]} is the primary identity of the schema already (descriptor {other.id})",
            advice="Change that descriptor, or leave xdm:isPrimary out.",
        )
    if source.get(BEHAVIOR_TYPE) == "time-series":
        _check_key([*others, new])
    same = [one for one in others if one.type is new.type]
    if new.type is DescriptorType.LABEL:
        _check_labels(database, caller, new, same)
    if new.type in ONE_A_SCHEMA and same:
        raise BadDescriptor(
            f"the schema has a {new.type.value} already (descriptor {same[0].id})", advice="Change that one."
        )
    if new.type is DescriptorType.DEPRECATED:
        return
    fields = field_paths(source)
    for one in same:
        # Earlier versions kept paths as they came.
        is_of_same = tuple(respelled(path, fields) for path in one.paths) == new.paths
        if is_of_same and one.destination == new.destination:
            raise BadDescriptor(
                f"the descriptor {one.id} says the same of {', '.join(new.paths)[:200]}", advice="Change that one."
            )


def _check_labels(database: Database, caller: Caller, new: Descriptor, others: Sequence[Descriptor]) -> None:
    """Raises BadDescriptor for a label that there is not, or one too many."""
    if unknown := unknown_labels(database, caller.scope, new.labels):
        raise BadDescriptor(f"{LABELS} names no label there is: {unknown}", advice=LISTED)
    count = sum(len(one.labels) for one in [*others, new])
    if count > MAX_LABELS:
        raise BadDescriptor(
            f"the fields of the schema would have {count} labels; {MAX_LABELS} is the most",
            advice="Label an object instead of each field in it, or the dataset.",
        )


def _check_key(descriptors: Sequence[Descriptor]) -> None:
    """The key of what happened has the time in it. Raises BadDescriptor."""
    key = next((one for one in descriptors if one.type is DescriptorType.PRIMARY_KEY), None)
    time = next((one for one in descriptors if one.type is DescriptorType.TIMESTAMP), None)
    if key is not None and time is not None and not set(time.paths) <= set(key.paths):
        raise BadDescriptor(
            f"the primary key of a time-series schema lacks its timestamp {', '.join(time.paths)[:200]}",
            advice="Name the timestamp among the fields of the key.",
        )
