"""Schema resources carried from one sandbox or organisation to another, with all that they build on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from flowservice.domain.descriptor import Descriptor, descriptor_document
from flowservice.domain.identity import Caller, Permission
from flowservice.domain.registry import ids_of
from flowservice.domain.schema import SchemaKind, SchemaResource
from flowservice.domain.xdm_resolve import Document, references
from flowservice.errors import BadField, Error, ImportFailed, Invalid
from flowservice.ports.database import Database
from flowservice.ports.runtime import Ids
from flowservice.service.descriptors import Descriptors
from flowservice.service.schema_library import lookup_in, shown, stored, unknown
from flowservice.service.schema_rules import descriptors_of
from flowservice.service.schemas import Schemas

PLACEHOLDER: Final = "<XDM_TENANTID_PLACEHOLDER>"
"""What an export of Adobe's has in place of the tenant id."""

_DIGITS: Final = 48
_MAX_RESOURCES: Final = 500
_KINDS: Final[Mapping[str, SchemaKind]] = {
    "schemas": SchemaKind.SCHEMAS,
    "classes": SchemaKind.CLASSES,
    "mixins": SchemaKind.FIELD_GROUPS,
    "fieldgroups": SchemaKind.FIELD_GROUPS,
    "datatypes": SchemaKind.DATA_TYPES,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaExchange:
    """Export and import of schema resources."""

    database: Database
    schemas: Schemas
    descriptors: Descriptors
    ids: Ids

    def exported(self, caller: Caller, ref: str) -> Sequence[Document]:
        """A resource and the sandbox's own ones that it builds on, these first; then the descriptors of them.

        A descriptor that leads to a schema outside of these is left out. Raises NotFound.
        """
        caller.may(Permission.VIEW_SOURCES)
        resource = stored(self.database, caller.scope, ref)
        if resource is None:
            standard = lookup_in(self.database, caller)(ref)
            if standard is None:
                raise unknown(ref)
            return [standard]
        found = self._collected(caller, resource)
        said = descriptors_of(self.database, caller.scope, list(found))
        return [
            *shown(self.database, caller, list(found.values())),
            *(descriptor_document(one) for one in said if one.destination is None or one.destination in found),
        ]

    def imported(self, caller: Caller, sent: object) -> Sequence[Document]:
        """New resources of what an export holds, under ids of their own, all of them or none.

        Raises ImportFailed with the reason for each that cannot be.
        """
        caller.may(Permission.MANAGE_SOURCES)
        documents = _documents(sent)
        arrival = _Arrival.of(documents, caller.tenant_id, self.ids)
        with self.database.transaction() as database:
            database.tenancy.hold(caller.scope.org_id)
            return self._added(database, caller, arrival)

    def _added(self, database: Database, caller: Caller, arrival: "_Arrival") -> Sequence[Document]:
        made: list[SchemaResource] = []
        said: list[Descriptor] = []
        causes: list[Error] = []
        failed: set[str] = set()
        for name, kind, body in arrival.resources:
            if references(body) & failed:
                failed.add(name)
                continue
            try:
                resource = self.schemas.composed(database, caller, kind, body, digits=name.rpartition("/")[2])
                self.schemas.add(database, caller, resource)
            except Invalid as error:
                failed.add(name)
                causes.append(_told(error, f"the resource {str(body.get('title', ''))[:100]!r}"))
            else:
                made.append(resource)
        if not causes:
            for body in arrival.descriptors:
                try:
                    said.append(self.descriptors.add(database, caller, body))
                except Invalid as error:
                    causes.append(_told(error, f"a descriptor {str(body.get('@type', ''))[:100]!r}"))
        if causes:
            raise ImportFailed(
                f"nothing was imported: {causes[0].message[:400]}"
                + (f" (and {len(causes) - 1} more)" if len(causes) > 1 else ""),
                advice=causes[0].advice or "Correct what report.sub-errors names and import it again.",
                causes=causes,
            )
        return [
            *shown(database, caller, made),
            *(descriptor_document(one) for one in said),
        ]

    def _collected(self, caller: Caller, resource: SchemaResource) -> dict[str, SchemaResource]:
        """The resource and the sandbox's own ones that it builds on, by `$id`, each behind what it refers to."""
        seen = {resource.id: resource}
        named: dict[str, list[str]] = {}
        waiting = [resource]
        while waiting:
            one = waiting.pop()
            known = [
                found for ref in sorted(references(one.body)) if (found := stored(self.database, caller.scope, ref))
            ]
            named[one.id] = [found.id for found in known]
            for found in known:
                if found.id not in seen:
                    seen[found.id] = found
                    waiting.append(found)
        out: dict[str, SchemaResource] = {}
        while len(out) < len(seen):
            left = [ref for ref in named if ref not in out]
            # A definition that nobody uses may lead back; then there is no order, and none is needed.
            ready = [ref for ref in left if all(other in out for other in named[ref] if other != ref)] or left
            out |= {ref: seen[ref] for ref in ready}
        return out


@dataclass(frozen=True, slots=True)
class _Arrival:
    """What came, under its new ids: resources in an order in which each comes after what it refers to."""

    resources: list[tuple[str, SchemaKind, dict[str, Any]]] = field(default_factory=list)
    descriptors: list[dict[str, Any]] = field(default_factory=list)

    @classmethod
    def of(cls, documents: Sequence[Document], tenant_id: str, ids: Ids) -> "_Arrival":
        """Raises ImportFailed."""
        resources = [one for one in documents if "@type" not in one]
        names: dict[str, str] = {}
        own: dict[str, str] = {f"_{PLACEHOLDER}": f"_{tenant_id}"}
        kinds: dict[str, SchemaKind] = {}
        for one in resources:
            kind = _KINDS.get(str(one.get("meta:resourceType")))
            if kind is None or not isinstance(one.get("$id"), str) or not one["$id"]:
                raise _malformed(
                    "each resource needs $id, and meta:resourceType of schemas, classes, mixins or datatypes"
                )
            ref, _ = ids_of(kind, tenant_id, ids.hex(_DIGITS))
            kinds[ref] = kind
            names |= {str(name): ref for name in (one["$id"], one.get("meta:altId")) if name}
            own[f"_{one['$id'].rpartition('/')[2]}"] = f"_{ref.rpartition('/')[2]}"
            if isinstance(namespace := one.get("meta:tenantNamespace"), str) and namespace.startswith("_"):
                own[namespace] = f"_{tenant_id}"
        rewritten = {names[one["$id"]]: _rewritten(one, names, own) for one in resources}
        order = _ordered({ref: references(body) for ref, body in rewritten.items()})
        return cls(
            [(ref, kinds[ref], rewritten[ref]) for ref in order],
            [_rewritten(one, names, own) for one in documents if "@type" in one],
        )


def _documents(sent: object) -> list[Document]:
    items = sent if isinstance(sent, list) else [sent]
    documents = [one for one in items if isinstance(one, Mapping) and one]
    if not documents or len(documents) != len(items):
        raise _malformed("an import is a list of resources, as an export answers it")
    if len(documents) > _MAX_RESOURCES:
        raise _malformed(f"an import holds at most {_MAX_RESOURCES} resources")
    return documents


def _rewritten(node: Any, names: Mapping[str, str], own: Mapping[str, str]) -> Any:
    """The node with ids and names of the tenant's own fields as they are here."""
    if isinstance(node, Mapping):
        return {own.get(key, key): _rewritten(value, names, own) for key, value in node.items()}
    if isinstance(node, list):
        return [_rewritten(item, names, own) for item in node]
    if not isinstance(node, str):
        return node
    if node.startswith("/"):
        # A field's path in a descriptor.
        return "/".join(own.get(step, step) for step in node.split("/"))
    name, sign, pointer = node.partition("#")
    return names.get(name, own.get(name, name)) + sign + pointer


def _ordered(refs: Mapping[str, frozenset[str]]) -> list[str]:
    """The keys, each after those that it refers to. Raises ImportFailed for a circle."""
    out: list[str] = []
    left = dict(refs)
    while left:
        ready = [name for name, needed in left.items() if not (needed - {name}) & left.keys()]
        if not ready:
            raise _malformed("the resources refer to each other in a circle")
        out += ready
        for name in ready:
            del left[name]
    return out


def _told(error: Invalid, what: str) -> Error:
    """The error, saying of which of the resources."""
    kind = type(error)
    return kind(f"{what}: {error.message}", advice=error.advice)


def _malformed(message: str) -> ImportFailed:
    cause = BadField(message, advice="Send what GET /rpc/export/{id} answered.")
    return ImportFailed(message, advice=cause.advice, causes=[cause])
