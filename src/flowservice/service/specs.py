"""Connection specs and flow specs: what is documented, what customers added, and what of it this server can do."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from importlib.resources import files
from typing import Any, Final

from flowservice.domain.identity import Caller, Permission, Scope
from flowservice.domain.query import Condition, Operator, Page, Query
from flowservice.domain.search import fulfils, sort_key
from flowservice.domain.spec import SpecKind, StoredSpec, row_id
from flowservice.errors import BadToken, NoConnector, NotFound, UnknownSpec
from flowservice.ports.database import Database, every
from flowservice.sdk import Connector
from flowservice.service.spec_documents import Document, connection_spec, flow_spec, own_spec, stored_spec

_NOUNS: Final = {SpecKind.CONNECTION: "connection spec", SpecKind.FLOW: "flow spec"}
_MEMBERS: Final = {SpecKind.CONNECTION: "connectionSpec", SpecKind.FLOW: "flowSpec"}


@dataclass(frozen=True)
class Specs:
    """The specs of a sandbox, and the connectors that are installed."""

    connectors: Sequence[Connector]
    database: Database

    @cached_property
    def provided(self) -> Mapping[SpecKind, Mapping[str, Document]]:
        """Every spec that came with the server by its id.

        First the documented ones, in the order of the catalog, then those of connectors to what is not documented.
        """
        text = files(__package__).joinpath("documented_specs.json").read_text(encoding="utf-8")
        loaded: Mapping[str, list[dict[str, Any]]] = json.loads(text)
        by_id = {connector.id: connector for connector in self.connectors}
        documented = {spec["id"] for spec in loaded["connectionSpecs"]}
        others = sorted(by_id.keys() - documented, key=lambda spec_id: by_id[spec_id].name)
        own = [own_spec(by_id[spec_id]) for spec_id in others]
        connection_specs = (connection_spec(spec, by_id.get(spec["id"])) for spec in (*loaded["connectionSpecs"], *own))
        flow_specs = (flow_spec(spec, by_id, own) for spec in loaded["flowSpecs"])
        return {
            SpecKind.CONNECTION: {spec["id"]: spec for spec in connection_specs},
            SpecKind.FLOW: {spec["id"]: spec for spec in flow_specs},
        }

    def all(self, scope: Scope, kind: SpecKind) -> tuple[Document, ...]:
        """Every spec of a sandbox: those that came with the server, then the customer's own, the newest first."""
        own = {spec.spec_id: stored_spec(spec) for spec in self._stored(scope, kind)}
        return tuple({**self.provided[kind], **own}.values())

    def get(self, scope: Scope, kind: SpecKind, spec_id: str) -> Document:
        """Raises NotFound."""
        stored = self.stored(scope, kind, spec_id)
        if stored is not None:
            return stored_spec(stored)
        if (known := self.provided[kind].get(spec_id)) is not None:
            return known
        raise NotFound(f"{_NOUNS[kind]} not found with the given id", advice=f"GET /{_MEMBERS[kind]}s lists them.")

    def known(self, scope: Scope, kind: SpecKind, spec_id: str) -> Document:
        """The spec that a body refers to. Raises UnknownSpec."""
        try:
            return self.get(scope, kind, spec_id)
        except NotFound:
            member = _MEMBERS[kind]
            raise UnknownSpec(
                f"{member}.id names no spec of this server", advice=f"GET /{member}s lists the specs and their ids."
            ) from None

    def stored(self, scope: Scope, kind: SpecKind, spec_id: str) -> StoredSpec | None:
        """The customer's own spec, or own form of one that came with the server."""
        try:
            found = self.database.specs.get(scope, row_id(spec_id, scope.sandbox_id))
        except NotFound:
            return None
        return found if found.kind is kind else None

    def connector(self, scope: Scope, spec_id: str) -> Connector:
        """The connector behind a spec. Raises UnknownSpec, NoConnector."""
        for connector in self.connectors:
            if connector.id == spec_id:
                return connector
        spec = self.known(scope, SpecKind.CONNECTION, spec_id)
        raise NoConnector(
            f"this server has no connector for {spec['attributes'].get('displayName', spec['name'])}"[:200],
            advice="GET /connectionSpecs?property=attributes.isSupported==true lists the sources that it has.",
        )

    def _stored(self, scope: Scope, kind: SpecKind) -> Sequence[StoredSpec]:
        wanted = (Condition(path=("kind",), operator=Operator.EQ, values=(kind.value,)),)
        return list(every(self.database.specs, scope, wanted))


@dataclass(frozen=True, slots=True)
class SpecList:
    """Specs as a collection that is listed: in the order of the catalog, for they were not made one after the other."""

    documents: Callable[[Scope], Sequence[Document]]

    def list(self, caller: Caller, query: Query) -> Page[Document]:
        """A page. Raises BadToken, BadValueType."""
        found = _found(self.documents(caller.scope), caller, query)
        for order in reversed(query.order):
            found.sort(key=partial(sort_key, order=order), reverse=order.descending)
        start = 0
        if query.after is not None:
            # A place in the list: a spec that is made in between moves what follows it.
            if not query.after.isascii() or not query.after.isdigit() or len(query.after) > 6:
                raise BadToken("the continuation token is not one of this list", advice="Repeat the first call.")
            start = int(query.after)
        end = start + query.limit
        return Page(items=found[start:end], next=str(end) if end < len(found) else None)

    def count(self, caller: Caller, query: Query) -> int:
        """How many match. Raises BadValueType."""
        return len(_found(self.documents(caller.scope), caller, query))


def _found(documents: Sequence[Document], caller: Caller, query: Query) -> list[Document]:
    caller.may(Permission.VIEW_SOURCES)
    return [document for document in documents if all(fulfils(document, item) for item in query.shown)]
