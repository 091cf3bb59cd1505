"""Where rows are written to: datasets of the lake."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from flowservice.domain.connection import DATA_LAKE, TargetConnection
from flowservice.domain.dataset import Dataset
from flowservice.domain.identity import Caller, Scope
from flowservice.domain.spec import SpecKind
from flowservice.domain.write_mode import WriteMode
from flowservice.errors import BadField, EmptyDataset, MissingField, NoConnector, NotFound, SchemaMismatch
from flowservice.ports.database import Database, Store
from flowservice.ports.runtime import Clock, Ids
from flowservice.service.drafts import takes_drafts
from flowservice.service.end_connections import EndConnections
from flowservice.service.schemas import Schemas
from flowservice.service.specs import Specs


@dataclass(frozen=True, slots=True)
class TargetConnections(EndConnections[TargetConnection]):
    """Makes sure that what is to be written to exists."""

    kind: ClassVar = TargetConnection
    end: ClassVar = "target"
    noun: ClassVar = "target connection"

    database: Database
    specs: Specs
    schemas: Schemas
    now: Clock
    ids: Ids

    def store_of(self, database: Database) -> Store[TargetConnection]:
        """Where they live in that database."""
        return database.target_connections

    def checked(self, caller: Caller, end: TargetConnection) -> TargetConnection:
        """A target onto an existing dataset.

        Raises UnknownSpec, NoConnector, NotFound (base connection), MissingField, EmptyDataset, BadField (dataset,
        write mode), SchemaMismatch.
        """
        self._to_lake(caller, end)
        dataset = target_dataset(self.database, caller.scope, end.params)
        mode = WriteMode.of(end.params)
        if mode.is_upsert:
            mode.check(self.schemas.tree(caller, dataset.schema_ref.id))
        stated = _stated_schema(end.data)
        if stated.get("id") not in (None, dataset.schema_ref.id):
            raise SchemaMismatch(
                "data.schema.id is not the schema of the dataset",
                advice=f"Send {dataset.schema_ref.id}, or leave it out.",
            )
        return self._inheriting(caller, end)

    def drafted(self, caller: Caller, end: TargetConnection) -> TargetConnection:
        """A target that may still lack its dataset. Raises DraftUnsupported and as `checked`."""
        self._to_lake(caller, end)
        _stated_schema(end.data)
        WriteMode.of(end.params)
        takes_drafts(self.specs.known(caller.scope, SpecKind.CONNECTION, end.spec.id))
        if end.params.get("dataSetId") is not None:
            target_dataset(self.database, caller.scope, end.params)
        return self._inheriting(caller, end)

    def _to_lake(self, caller: Caller, end: TargetConnection) -> None:
        self.specs.known(caller.scope, SpecKind.CONNECTION, end.spec.id)
        if end.spec.id != DATA_LAKE:
            raise NoConnector("this server writes to the data lake only", advice=f"Send connectionSpec.id {DATA_LAKE}.")

    def _inheriting(self, caller: Caller, end: TargetConnection) -> TargetConnection:
        # The lake needs no account; clients that name one all the same may.
        if end.base_connection_id is None:
            return replace(end, base_spec=None)
        return replace(end, base_spec=self.database.connections.get(caller.scope, end.base_connection_id).spec)


def _stated_schema(data: Mapping[str, Any]) -> Mapping[str, Any]:
    """What `data` says of the schema. Raises BadField for what cannot be meant."""
    if not isinstance(data.get("format"), str | None):
        raise BadField("data.format must be a text", advice="Send parquet_xdm, or leave it out.")
    stated = data.get("schema")
    if not isinstance(stated, Mapping | None):
        raise BadField("data.schema must be an object", advice='Send {"id": …, "version": …}, or leave it out.')
    return stated or {}


def target_dataset(database: Database, scope: Scope, params: Mapping[str, Any]) -> Dataset:
    """The dataset that `params.dataSetId` names. Raises MissingField, EmptyDataset, BadField."""
    dataset_id = params.get("dataSetId")
    if dataset_id == "":
        raise EmptyDataset("params.dataSetId is empty", advice="Create a dataset and send its id.")
    if not isinstance(dataset_id, str):
        raise MissingField("params.dataSetId is missing", advice="Create a dataset and send its id, as text.")
    try:
        return database.datasets.get(scope, dataset_id)
    except NotFound:
        raise BadField(
            "params.dataSetId names no dataset of this sandbox",
            advice="Create the dataset in this sandbox (POST /data/foundation/catalog/dataSets) and send its id.",
        ) from None
