"""The resources of a sandbox's registry, looked up by `$id` or altId, and who builds on whom."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Self

from flowservice.domain.composition import extended
from flowservice.domain.identity import Caller, Scope
from flowservice.domain.query import Condition, Operator, Query
from flowservice.domain.registry import document
from flowservice.domain.schema import SchemaKind, SchemaResource
from flowservice.domain.xdm_resolve import Document, Lookup, references
from flowservice.domain.xdm_standard import standard_resource
from flowservice.errors import NotFound, NotSupported
from flowservice.ports.database import Database, every


def lookup_in(database: Database, caller: Caller) -> Lookup:
    """Standard resources and those of the caller's sandbox, by `$id` or altId, each read when it is asked for."""

    def lookup(ref: str) -> Document | None:
        if (standard := standard_resource(ref)) is not None:
            return standard
        known = stored(database, caller.scope, ref)
        return None if known is None else shown(database, caller, [known])[0]

    return lookup


def shown(database: Database, caller: Caller, resources: Sequence[SchemaResource]) -> list[Document]:
    """The sandbox's own resources as the registry shows them, references unresolved."""
    if not resources:
        return []
    sandbox = database.tenancy.sandbox(caller.scope.org_id, caller.scope.sandbox_name)
    return [document(one, tenant_id=caller.tenant_id, sandbox_type=sandbox.type) for one in resources]


def stored(database: Database, scope: Scope, ref: str) -> SchemaResource | None:
    """The sandbox's own resource of that `$id` or altId."""
    if ref.startswith("_"):
        page = database.schemas.list(scope, Query(conditions=equal(alt_id=ref), limit=1))
        return next(iter(page.items), None)
    try:
        return database.schemas.get(scope, ref)
    except NotFound:
        return None


def own(database: Database, caller: Caller, kind: SchemaKind, ref: str) -> SchemaResource:
    """The sandbox's own resource of that kind. Raises NotFound; NotSupported for a standard one, which is fixed."""
    if (standard := standard_resource(ref)) is not None:
        raise NotSupported(
            f"{standard['$id']} is a standard resource, which cannot be changed",
            advice="Make a resource of your own that refers to it in allOf.",
        )
    known = stored(database, caller.scope, ref)
    if known is None or known.kind is not kind:
        raise unknown(ref)
    return known


def all_of(database: Database, scope: Scope, kind: SchemaKind | None = None) -> Sequence[SchemaResource]:
    """The sandbox's own resources of one kind, or of all, the newest first."""
    conditions = () if kind is None else equal(kind=kind.value)
    return list(every(database.schemas, scope, conditions))


def equal(**fields: str) -> tuple[Condition, ...]:
    """Conditions that these fields have these values."""
    return tuple(
        Condition(path=(name,), operator=Operator.EQ, values=(value,)) for name, value in sorted(fields.items())
    )


def unknown(ref: str) -> NotFound:
    """What to raise where there is no such resource."""
    return NotFound(f"there is no schema resource {ref[:200]!r}", advice="List the resources to see their ids.")


@dataclass(frozen=True, slots=True)
class Library:
    """All resources of a sandbox at once, as they are or as they would be."""

    tenant_id: str
    resources: Mapping[str, SchemaResource]
    """By `$id`."""
    alt_ids: Mapping[str, str]

    @classmethod
    def of(cls, database: Database, caller: Caller) -> Self:
        """Those that the caller's sandbox has now."""
        known = all_of(database, caller.scope)
        return cls(caller.tenant_id, {one.id: one for one in known}, {one.alt_id: one.id for one in known})

    def lookup(self, ref: str) -> Document | None:
        """A `xdm_resolve.Lookup`."""
        if (standard := standard_resource(ref)) is not None:
            return standard
        known = self.resources.get(self.alt_ids.get(ref, ref))
        return None if known is None else document(known, tenant_id=self.tenant_id)

    def having(self, *resources: SchemaResource) -> "Library":
        """The library with these, new ones or in place of their former selves."""
        return Library(
            self.tenant_id,
            {**self.resources, **{one.id: one for one in resources}},
            {**self.alt_ids, **{one.alt_id: one.id for one in resources}},
        )

    def users(self, resource: SchemaResource) -> list[SchemaResource]:
        """Those that name the resource themselves."""
        return [self.resources[user] for user in self._users().get(resource.id, ())]

    def dependents(self, resource: SchemaResource) -> list[SchemaResource]:
        """Those that build on the resource, directly or through others; nearest first."""
        users = self._users()
        found: dict[str, None] = {}
        waiting = [resource.id]
        while waiting:
            for user in users.get(waiting.pop(0), ()):
                if user not in found and user != resource.id:
                    found[user] = None
                    waiting.append(user)
        return [self.resources[user] for user in found]

    def _users(self) -> dict[str, list[str]]:
        """Who names whom, by `$id`."""
        out: dict[str, list[str]] = {}
        for known in self.resources.values():
            for named in {self.alt_ids.get(ref, ref) for ref in references(known.body)} - {known.id}:
                out.setdefault(named, []).append(known.id)
        return out

    def extending_anew(self, dependents: Sequence[SchemaResource]) -> "Library":
        """The library with what each of these extends told anew, since a resource that they build on changed."""
        library = self
        for _ in dependents:
            told = [known for one in dependents if (known := library._told(one)) is not library.resources[one.id]]
            if not told:
                break
            library = library.having(*told)
        return library

    def _told(self, resource: SchemaResource) -> SchemaResource:
        known = self.resources[resource.id]
        extends = extended(known.body, self.lookup)
        return known if extends == known.extends else replace(known, extends=extends)
