"""Mappings that are proposed for a source and a schema; nothing is kept."""

from collections import Counter
from collections.abc import Mapping as JsonObject
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from flowservice.domain.dataset import SchemaRef
from flowservice.domain.flow import Flow
from flowservice.domain.identity import Caller, Permission, Scope
from flowservice.domain.suggestion import SourceField, Suggestion, suggestions
from flowservice.domain.xdm_arrow import xdm_type_of
from flowservice.errors import BadField, Error, MissingField, NotFound
from flowservice.ports.database import Database, every
from flowservice.sdk import Dated, Keyed, Source
from flowservice.service.connections import Connections
from flowservice.service.mapping_sets import target_schema
from flowservice.service.schemas import Schemas
from flowservice.service.told_columns import told_columns
from flowservice.service.usage import flow_into

_SAMPLE_ROWS: Final = 1_000
_MOST_SETS: Final = 500
"""Earlier mapping sets that are looked at, the newest first."""
_LONGEST: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What is proposed for the columns of a source."""

    schema: SchemaRef
    columns: tuple[str, ...]
    found: tuple[Suggestion, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestions:
    """Which column may feed which field: by names, types, and what the sandbox mapped before."""

    database: Database
    schemas: Schemas
    connections: Connections

    def for_dataset(self, caller: Caller, dataset_id: str, batch_id: str | None) -> Proposal:
        """For a dataset, of the columns that its flow reads, or the flow that made the batch.

        Raises NotFound, BadField where no flow writes into it, and as `Sources.open` where its source was never read.
        """
        caller.may(Permission.VIEW_SOURCES)
        dataset = self.database.datasets.get(caller.scope, dataset_id)
        if batch_id is None:
            flow = flow_into(self.database, caller.scope, dataset_id)
        else:
            batch = self.database.batches.get(caller.scope, batch_id)
            if batch.dataset_id != dataset_id:
                raise BadField("the batch is of another dataset", advice="Name a batch of the dataset, or none.")
            flow = self.database.flows.get(caller.scope, batch.flow_id)
        if flow is None:
            raise BadField(
                "no flow writes into the dataset, so nothing tells the columns of its source",
                advice="POST the columns, or a source connection, to /mappingSets/suggestion.",
            )
        return self._proposed(caller, dataset.schema_ref, self._of_flow(flow))

    def of(self, caller: Caller, body: JsonObject[str, Any]) -> Proposal:
        """For the dataset or schema that the body names, of the columns that it tells or those of a source.

        Raises MissingField, BadField, NotFound, and as `Sources.open` where a source is asked.
        """
        caller.may(Permission.VIEW_SOURCES)
        if "datasetId" in body:
            ref = self.database.datasets.get(caller.scope, _text(body, "datasetId")).schema_ref
        else:
            schema_id, content_type = target_schema(body)
            ref = SchemaRef(id=schema_id, content_type=content_type)
        said = [name for name in ("columns", "sourceConnectionId", "connectionId") if name in body]
        if len(said) != 1:
            raise MissingField(
                "the source is not told, or told twice",
                advice="Send columns, or sourceConnectionId, or connectionId with object.",
            )
        if said == ["columns"]:
            return self._proposed(caller, ref, told_columns(body["columns"]))
        if said == ["sourceConnectionId"]:
            source = self.database.source_connections.get(caller.scope, _text(body, "sourceConnectionId"))
            named = [str(column["name"]) for column in source.params.get("columns") or ()]
            fields = self._sampled(caller.scope, str(source.base_connection_id), str(source.params["tableName"]))
            return self._proposed(caller, ref, [field for field in fields if not named or field.name in named])
        return self._proposed(
            caller, ref, self._sampled(caller.scope, _text(body, "connectionId"), _text(body, "object"))
        )

    def _of_flow(self, flow: Flow) -> Sequence[SourceField]:
        base = str(flow.source.base_connection_id)
        try:
            known = self.database.source_shapes.get(flow.stamp.scope, flow.id)
        except NotFound:
            return self._sampled(flow.stamp.scope, base, str(flow.source.params["tableName"]))
        try:
            connection = self.database.connections.get(flow.stamp.scope, base)
            with closing(self.connections.sources.open(connection)) as source:
                own = _own_columns(source)
        except Error:
            # The columns are known without it; only which are its own is not.
            own = frozenset()
        return [SourceField(name, is_sources_own=name in own) for name in known.columns]

    def _sampled(self, scope: Scope, connection_id: str, path: str) -> Sequence[SourceField]:
        with self.connections.opened(self.database.connections.get(scope, connection_id)) as opened:
            return _fields(opened, path)

    def _proposed(self, caller: Caller, ref: SchemaRef, source: Sequence[SourceField]) -> Proposal:
        tree = self.schemas.tree(caller, ref.id)
        found = suggestions(source, tree, self._earlier(caller.scope))
        return Proposal(schema=ref, columns=tuple(field.name for field in source), found=found)

    def _earlier(self, scope: Scope) -> Counter[tuple[str, str]]:
        return Counter(
            (mapping.column, mapping.destination)
            for mapping_set in islice(every(self.database.mapping_sets, scope), _MOST_SETS)
            for mapping in mapping_set.current.mappings
            if mapping.column is not None
        )


def _fields(source: Source, path: str) -> list[SourceField]:
    sample = source.sample(path, rows=_SAMPLE_ROWS)
    mixed = {column.name for column in sample.mixed}
    own = _own_columns(source)
    return [
        SourceField(field.name, None if field.name in mixed else xdm_type_of(field.type), field.name in own)
        for field in sample.rows.schema
    ]


def _own_columns(source: Source) -> frozenset[str]:
    """The columns that are the source's and not its rows'. Dials nothing."""
    keys = source.key_columns if isinstance(source, Keyed) else ()
    changed = source.change_column() if isinstance(source, Dated) else None
    return frozenset(keys if changed is None else (*keys, changed))


def _text(body: JsonObject[str, Any], name: str, where: str = "") -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value or len(value) > _LONGEST:
        raise BadField(f"{where}{name} must be text of 1 to {_LONGEST:,} characters")
    return value
