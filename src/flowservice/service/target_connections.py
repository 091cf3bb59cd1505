"""Where rows are written to: datasets of the lake."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flowservice.domain.connection import DATA_LAKE, TargetConnection
from flowservice.domain.dataset import Dataset
from flowservice.domain.identity import Caller, Permission, Scope
from flowservice.domain.resource import SpecRef, Stamp
from flowservice.errors import BadField, InUse, MissingField, NoConnector, NotFound, SchemaMismatch
from flowservice.ports.database import Database, Store
from flowservice.ports.runtime import Clock, Ids
from flowservice.service.readable import Readable
from flowservice.service.specs import Specs
from flowservice.service.usage import flows_at


@dataclass(frozen=True, slots=True)
class TargetConnections(Readable[TargetConnection]):
    """Makes sure that what is to be written to exists."""

    database: Database
    specs: Specs
    now: Clock
    ids: Ids

    @property
    def store(self) -> Store[TargetConnection]:
        """Where they live."""
        return self.database.target_connections

    def create(
        self,
        caller: Caller,
        *,
        name: str,
        description: str,
        spec: SpecRef,
        data: Mapping[str, Any],
        params: Mapping[str, Any],
    ) -> TargetConnection:
        """A new target connection onto an existing dataset.

        Raises UnknownSpec, NoConnector, MissingField, BadField (dataset), SchemaMismatch.
        """
        caller.may(Permission.MANAGE_SOURCES)
        self.specs.known_connection_spec(spec.id)
        if spec.id != DATA_LAKE:
            raise NoConnector("this server writes to the data lake only", advice=f"Send connectionSpec.id {DATA_LAKE}.")
        dataset = target_dataset(self.database, caller.scope, params)
        stated = data.get("schema")
        if isinstance(stated, Mapping) and stated.get("id") not in {None, dataset.schema_ref.id}:
            raise SchemaMismatch(
                "data.schema.id is not the schema of the dataset",
                advice=f"Send {dataset.schema_ref.id}, or leave it out.",
            )
        connection = TargetConnection(
            id=self.ids.uuid(),
            stamp=Stamp.first(caller, at=self.now()),
            name=name,
            description=description,
            spec=spec,
            data=data,
            params=params,
        )
        self.database.target_connections.add(connection)
        return connection

    def delete(self, caller: Caller, connection_id: str) -> None:
        """Raises NotFound; InUse while a flow writes to it."""
        caller.may(Permission.MANAGE_SOURCES)
        connection = self.database.target_connections.get(caller.scope, connection_id)
        if flows_at(self.database, caller.scope, "target", connection.id):
            raise InUse("a flow still writes to this target connection", advice="Delete the flow first.")
        self.database.target_connections.delete(connection)


def target_dataset(database: Database, scope: Scope, params: Mapping[str, Any]) -> Dataset:
    """The dataset that `params.dataSetId` names. Raises MissingField, BadField."""
    dataset_id = params.get("dataSetId")
    if not isinstance(dataset_id, str) or not dataset_id:
        raise MissingField("params.dataSetId is missing", advice="Create a dataset and send its id.")
    try:
        return database.datasets.get(scope, dataset_id)
    except NotFound:
        raise BadField(
            "params.dataSetId names no dataset of this sandbox",
            advice="Create the dataset in this sandbox (POST /data/foundation/catalog/dataSets) and send its id.",
        ) from None
