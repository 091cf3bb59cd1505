"""Connection specs and flow specs: what is documented, and what of it this server can do."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from importlib.resources import files
from typing import Any

from flowservice.domain.identity import Caller, Permission
from flowservice.domain.query import Page, Query
from flowservice.domain.search import fulfils, sort_key
from flowservice.errors import BadToken, NoConnector, NotFound, UnknownSpec
from flowservice.sdk import Connector
from flowservice.service.spec_documents import Document, connection_spec, flow_spec


@dataclass(frozen=True)
class Specs:
    """The documented specs, and the connectors that are installed."""

    connectors: Sequence[Connector]

    @cached_property
    def _documented(self) -> Mapping[str, list[dict[str, Any]]]:
        text = files(__package__).joinpath("documented_specs.json").read_text(encoding="utf-8")
        loaded: Mapping[str, list[dict[str, Any]]] = json.loads(text)
        return loaded

    @cached_property
    def connection_specs(self) -> tuple[Document, ...]:
        """Every connection spec, in the order of the catalog."""
        by_id = {connector.id: connector for connector in self.connectors}
        return tuple(connection_spec(spec, by_id.get(spec["id"])) for spec in self._documented["connectionSpecs"])

    @cached_property
    def flow_specs(self) -> tuple[Document, ...]:
        """Every flow spec."""
        return tuple(flow_spec(spec) for spec in self._documented["flowSpecs"])

    def connection_spec(self, spec_id: str) -> Document:
        """Raises NotFound."""
        return _by_id(self.connection_specs, spec_id, "connection spec")

    def flow_spec(self, spec_id: str) -> Document:
        """Raises NotFound."""
        return _by_id(self.flow_specs, spec_id, "flow spec")

    def known_connection_spec(self, spec_id: str) -> Document:
        """The spec that a body refers to. Raises UnknownSpec."""
        return _known(self.connection_specs, spec_id, "connectionSpec", "connectionSpecs")

    def known_flow_spec(self, spec_id: str) -> Document:
        """The spec that a body refers to. Raises UnknownSpec."""
        return _known(self.flow_specs, spec_id, "flowSpec", "flowSpecs")

    def connector(self, spec_id: str) -> Connector:
        """The connector behind a spec. Raises UnknownSpec, NoConnector."""
        spec = self.known_connection_spec(spec_id)
        for connector in self.connectors:
            if connector.id == spec_id:
                return connector
        raise NoConnector(
            f"this server has no connector for {spec['attributes']['displayName']}",
            advice="GET /connectionSpecs?property=attributes.isSupported==true lists the sources that it has.",
        )


@dataclass(frozen=True, slots=True)
class SpecList:
    """Specs as a collection that is listed: in the order of the catalog, for they were not made one after the other."""

    documents: Callable[[], Sequence[Document]]

    def list(self, caller: Caller, query: Query) -> Page[Document]:
        """A page. Raises BadToken, BadValueType."""
        found = _found(self.documents(), caller, query)
        for order in reversed(query.order):
            found.sort(key=partial(sort_key, order=order), reverse=order.descending)
        start = 0
        if query.after is not None:
            # Which come first does not change while the service runs.
            if not query.after.isascii() or not query.after.isdigit() or len(query.after) > 6:
                raise BadToken("the continuation token is not one of this list", advice="Repeat the first call.")
            start = int(query.after)
        end = start + query.limit
        return Page(items=found[start:end], next=str(end) if end < len(found) else None)

    def count(self, caller: Caller, query: Query) -> int:
        """How many match. Raises BadValueType."""
        return len(_found(self.documents(), caller, query))


def _found(documents: Sequence[Document], caller: Caller, query: Query) -> list[Document]:
    caller.may(Permission.VIEW_SOURCES)
    return [document for document in documents if all(fulfils(document, item) for item in query.shown)]


def _by_id(documents: Sequence[Document], spec_id: str, noun: str) -> Document:
    for document in documents:
        if document["id"] == spec_id:
            return document
    raise NotFound(f"{noun} not found with the given id")


def _known(documents: Sequence[Document], spec_id: str, member: str, collection: str) -> Document:
    try:
        return _by_id(documents, spec_id, member)
    except NotFound:
        raise UnknownSpec(
            f"{member}.id names no spec of this server", advice=f"GET /{collection} lists the specs and their ids."
        ) from None
