"""Connection specs and flow specs: what is documented, and what of it this server can do."""

import json
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from typing import Any, Final

from flowservice.domain.query import Condition, Operator
from flowservice.errors import NoConnector, NotFound, UnknownSpec
from flowservice.sdk import Connector
from flowservice.service.spec_documents import Document, connection_spec, flow_spec

_COMPARE: Final[Mapping[Operator, Callable[[str, str], bool]]] = {
    Operator.LT: operator.lt,
    Operator.LE: operator.le,
    Operator.GT: operator.gt,
    Operator.GE: operator.ge,
}


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


def selected(documents: Sequence[Document], conditions: Sequence[Condition]) -> list[Document]:
    """The documents that fulfil every condition. Conditions speak of the wire document's own paths."""
    return [document for document in documents if all(_fulfils(document, condition) for condition in conditions)]


def _fulfils(document: Document, condition: Condition) -> bool:
    found = [_text(value) for value in _at(document, condition.path)]
    if condition.operator is Operator.NE:
        return not any(value in condition.values for value in found)
    if condition.operator is Operator.EQ:
        return any(value in condition.values for value in found)
    wanted = condition.values[0]
    return any(_COMPARE[condition.operator](value, wanted) for value in found)


def _at(value: Any, path: Sequence[str]) -> list[Any]:
    """Every value at the path; `[]` after a step goes into each element of an array."""
    if not path:
        return list(value) if isinstance(value, list) else [value]
    if isinstance(value, list):
        return [found for element in value for found in _at(element, path)]
    if not isinstance(value, Mapping):
        return []
    step = path[0].removesuffix("[]")
    return _at(value[step], path[1:]) if step in value else []


def _text(value: Any) -> str:
    return json.dumps(value) if isinstance(value, bool) else str(value)


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
