"""Whether a flow can run: its ends fit each other and its spec, and its mapping fits both."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa

from flowservice.domain.connection import DATA_LAKE, ConnectionState, SourceConnection, TargetConnection
from flowservice.domain.drift import DriftPolicy
from flowservice.domain.flow import Transformation
from flowservice.domain.identity import Caller
from flowservice.domain.mapping import MappingVersion
from flowservice.domain.resource import SpecRef
from flowservice.domain.spec import SpecKind
from flowservice.domain.write_mode import WriteMode
from flowservice.errors import (
    BadField,
    BadMapping,
    BadMappingVersion,
    MissingMapping,
    NotPublished,
    NotSupported,
    OneSourceOneTarget,
    SchemaMismatch,
    WrongTarget,
)
from flowservice.ports.database import Database
from flowservice.service.connections import Connections
from flowservice.service.mapping_sets import MappingSets
from flowservice.service.source_columns import Sampled, named_columns, sampled
from flowservice.service.spec_documents import Document
from flowservice.service.specs import Specs
from flowservice.service.target_connections import target_dataset

_KNOWN: Final = frozenset({"Copy", "Mapping"})
_MOST_COUNTED: Final = 2**53
"""Numbers from here on are not exact to readers of JSON."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ends:
    """Both ends of a flow, found and fitting."""

    spec: Document
    source: SourceConnection
    target: TargetConnection


@dataclass(frozen=True, slots=True)
class FlowChecks:
    """The checks of `POST /flows`, in the order in which they are made."""

    database: Database
    specs: Specs
    connections: Connections
    mapping_sets: MappingSets

    def ends(self, caller: Caller, flow_spec: SpecRef, source_ids: Sequence[str], target_ids: Sequence[str]) -> Ends:
        """Raises UnknownSpec, OneSourceOneTarget, NotFound, WrongTarget."""
        spec = self.specs.known(caller.scope, SpecKind.FLOW, flow_spec.id)
        if len(source_ids) != 1 or len(target_ids) != 1:
            raise OneSourceOneTarget(
                "a flow has exactly one source and one target connection",
                advice="Send one id in sourceConnectionIds and one in targetConnectionIds.",
            )
        source = self.database.source_connections.get(caller.scope, source_ids[0])
        target = self.database.target_connections.get(caller.scope, target_ids[0])
        if target.spec.id != DATA_LAKE or target.spec.id not in spec.get("targetConnectionSpecIds", ()):
            raise WrongTarget(
                f"the flow spec {spec['name']} does not write to that target",
                advice=f"Use a target of spec {DATA_LAKE}.",
            )
        if source.spec.id not in spec.get("sourceConnectionSpecIds", ()):
            raise WrongTarget(
                f"the flow spec {spec['name']} does not read from that source",
                advice=f"GET /flowSpecs lists them; look for sourceConnectionSpecIds with {source.spec.id}.",
            )
        return Ends(spec=spec, source=source, target=target)

    def published(self, ends: Ends) -> None:
        """Return if rows can go from end to end. Raises NotPublished."""
        for end, collection in ((ends.source, "sourceConnections"), (ends.target, "targetConnections")):
            if end.state is ConnectionState.DRAFT:
                raise NotPublished(
                    f"{collection[:-1]} {end.id} is a draft",
                    advice=f"Publish it first: POST /{collection}/{end.id}/action?op=publish.",
                )

    def steps(self, sent: Sequence[Mapping[str, Any]]) -> tuple[Transformation, ...]:
        """What was sent, well-formed; a draft may still lack some. Raises BadField, MissingMapping, NotSupported."""
        steps = tuple(_transformation(step) for step in sent)
        for step in steps:
            if step.name not in _KNOWN:
                raise NotSupported(
                    f"the transformation {step.name[:40]} is not supported", advice="Use Copy and Mapping."
                )
        if len({step.name for step in steps}) < len(steps):
            raise BadField("transformations has two of one name", advice="Send each once.")
        return steps

    def transformations(self, caller: Caller, ends: Ends, steps: Sequence[Transformation]) -> None:
        """Return if the flow can do these. Raises MissingMapping, BadMappingVersion, SchemaMismatch, BadMapping."""
        mapping = next((step for step in steps if step.name == "Mapping"), None)
        if mapping is None:
            raise MissingMapping(
                "the flow needs a Mapping transformation",
                advice="Create a mapping set and send its id in transformations[].params.mappingId.",
            )
        self._fits(caller, ends, mapping.params)

    def options(self, sent: Mapping[str, Any]) -> Mapping[str, Any]:
        """The options. Raises BadField."""
        percent = sent.get("partialIngestionPercent")
        if percent is not None and (isinstance(percent, bool) or not isinstance(percent, int | float)):
            raise BadField("options.partialIngestionPercent must be a number")
        if percent is not None and not 0 < percent <= 100:
            raise BadField(
                "options.partialIngestionPercent must be above 0 and at most 100",
                advice="Leave it out if no failed row is to be tolerated.",
            )
        most = sent.get("maxRejectedRecords")
        if most is not None and (isinstance(most, bool) or not isinstance(most, int) or not 0 <= most < _MOST_COUNTED):
            raise BadField(
                "options.maxRejectedRecords must be an integer, 0 or more",
                advice="Leave it out if partialIngestionPercent alone shall set the limit.",
            )
        if not isinstance(sent.get("errorDiagnosticsEnabled", False), bool):
            raise BadField("options.errorDiagnosticsEnabled must be true or false")
        DriftPolicy.of(sent)
        return sent

    def _fits(self, caller: Caller, ends: Ends, params: Mapping[str, Any]) -> None:
        _, mapping = self.mapping_sets.get(caller, str(params["mappingId"]), _version(params))
        schema_id = target_dataset(self.database, caller.scope, ends.target.params).schema_ref.id
        if mapping.schema_id != schema_id:
            raise SchemaMismatch(
                "the mapping set's schema is not the dataset's",
                advice=f"Create the mapping set with the schema {schema_id}.",
            )
        mapping.check_keys(WriteMode.of(ends.target.params).keys)
        self._source_fits(caller, ends.source, mapping)

    def _source_fits(self, caller: Caller, source: SourceConnection, mapping: MappingVersion) -> None:
        """Return if the source has the columns that the mapping reads, in types that its expressions can take."""
        named = named_columns(source.params)
        if named is None or mapping.is_computed:
            base = self.database.connections.get(source.stamp.scope, str(source.base_connection_id))
            with self.connections.opened(base) as opened:
                seen = sampled(opened, str(source.params["tableName"]), mapping.source_columns)
        else:
            seen = Sampled(types={}, unknown=mapping.source_columns)
        unknown = seen.unknown if named is None else [each for each in mapping.source_columns if each not in named]
        if unknown:
            raise BadMapping(
                f"the source has no column {', '.join(name[:80] for name in unknown[:5])}",
                advice="Map columns that the source connection selects; explore the table to see them all.",
            )
        if mapping.is_computed:
            # A column that was seen in several types comes as text.
            mixed = set(mapping.source_columns) - set(seen.unknown) - seen.types.keys()
            self.mapping_sets.check_kinds(caller, mapping, {**dict.fromkeys(mixed, pa.string()), **seen.types})


def _transformation(step: Mapping[str, Any]) -> Transformation:
    params = step.get("params")
    params = {} if params is None else params
    if not isinstance(params, Mapping):
        raise BadField("transformations[].params must be an object")
    name = step.get("name")
    if name is None and "mappingId" in params:
        # The aepp client sends it so.
        name = "Mapping"
    if not isinstance(name, str):
        raise BadField("transformations[].name is missing", advice="Send Mapping.")
    if name == "Mapping" and not params.get("mappingId"):
        raise MissingMapping("transformations[].params.mappingId is missing", advice="Send the id of a mapping set.")
    return Transformation(name=name, params=params)


def _version(params: Mapping[str, Any]) -> int:
    try:
        return int(params.get("mappingVersion") or 0)
    except (TypeError, ValueError):
        raise BadMappingVersion("mappingVersion must be a whole number") from None
