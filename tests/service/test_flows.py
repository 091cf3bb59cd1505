"""A flow and what it needs are there together, whoever else is at work."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from flowservice.adapters.sealing.box import EnvelopeBox
from flowservice.adapters.sql.database import SqlDatabase
from flowservice.connectors.azure_table import connector
from flowservice.domain.connection import DATA_LAKE, Connection, SourceConnection, TargetConnection
from flowservice.domain.dataset import Dataset, SchemaRef
from flowservice.domain.flow import Flow
from flowservice.domain.identity import Caller
from flowservice.domain.query import Query
from flowservice.domain.resource import SpecRef, Stamp
from flowservice.engine.mapping_trial import MappingTrials
from flowservice.errors import BadField, Error, InUse, NotFound, Referenced, Stale
from flowservice.sdk import Egress
from flowservice.service.connections import Connections
from flowservice.service.content import FlowContent
from flowservice.service.datasets import Datasets
from flowservice.service.delta_columns import DeltaColumns
from flowservice.service.flow_checks import FlowChecks
from flowservice.service.flows import Flows
from flowservice.service.mapping_sets import MappingSets
from flowservice.service.masking import Masking
from flowservice.service.schemas import Schemas
from flowservice.service.source_connections import SourceConnections
from flowservice.service.sources import OpenSources
from flowservice.service.specs import Specs
from flowservice.service.target_connections import TargetConnections
from tests.service.conftest import NOON, CountingIds

CRM_TO_AEP = SpecRef(id="14518937-270c-4525-bdec-c2ba7cce3860")


def nothing() -> None:
    return


@dataclass(frozen=True, slots=True)
class Dialling(FlowChecks):
    """Checks during which something else happens, as the source is dialled; what the source says does not matter."""

    meanwhile: Callable[[], None] = nothing

    def transformations(self, caller: Caller, ends: Any, steps: Any) -> None:
        self.meanwhile()


@dataclass
class Desk:
    """All that makes and deletes flows and what they need, over one store."""

    database: SqlDatabase
    caller: Caller
    datasets: Datasets
    schemas: Schemas
    ids: CountingIds = field(default_factory=CountingIds)

    def __post_init__(self) -> None:
        stamp = Stamp.first(self.caller, at=NOON)
        spec = SpecRef(id=connector.id)
        self.database.connections.add(Connection(id="base", stamp=stamp, spec=spec))
        self.database.source_connections.add(
            SourceConnection(id="source", stamp=stamp, spec=spec, base_connection_id="base", params={"tableName": "t"})
        )
        self.database.target_connections.add(
            TargetConnection(id="target", stamp=stamp, spec=SpecRef(id=DATA_LAKE), params={"dataSetId": "dataset"})
        )
        self.database.datasets.add(
            Dataset(id="dataset", stamp=stamp, schema_ref=SchemaRef(id="schema", content_type="json"))
        )

    @property
    def accounts(self) -> Connections:
        sources = OpenSources(self.specs, EnvelopeBox(lambda: [b"k" * 32]), Egress(local=True))
        return Connections(
            self.database,
            self.specs,
            sources,
            lambda: NOON,
            self.ids,
            Masking(database=self.database, labels=frozenset()),
        )

    @property
    def specs(self) -> Specs:
        return Specs((connector,), self.database)

    def flows(self, meanwhile: Callable[[], None] = nothing) -> Flows:
        sets = MappingSets(
            database=self.database, schemas=self.schemas, trying=MappingTrials(), now=lambda: NOON, ids=self.ids
        )
        checks = Dialling(self.database, self.specs, self.accounts, sets, meanwhile)
        columns = DeltaColumns(self.database, self.specs, self.accounts)
        return Flows(self.database, checks, lambda: NOON, self.ids, columns)

    def flow(self, meanwhile: Callable[[], None] = nothing) -> Flow:
        content = FlowContent(name="flow", source_ids=("source",), target_ids=("target",))
        return self.flows(meanwhile).create(self.caller, CRM_TO_AEP, content)

    def deleting(self, what: str) -> Callable[[], None]:
        """Deletes the source, target, base connection or dataset."""
        ends = (self.database, self.specs)
        known: dict[str, Callable[[], None]] = {
            "source": lambda: SourceConnections(*ends, self.accounts, lambda: NOON, self.ids).delete(
                self.caller, "source"
            ),
            "target": lambda: TargetConnections(*ends, self.schemas, lambda: NOON, self.ids).delete(
                self.caller, "target"
            ),
            "base": lambda: self.accounts.delete(self.caller, "base"),
            "dataset": lambda: self.datasets.delete(self.caller, "dataset"),
        }
        return known[what]


@pytest.fixture
def desk(database: SqlDatabase, caller: Caller, datasets: Datasets, schemas: Schemas) -> Desk:
    return Desk(database, caller, datasets, schemas)


@pytest.mark.parametrize(
    ("what", "error"), [("source", NotFound), ("target", NotFound), ("base", NotFound), ("dataset", BadField)]
)
def test_a_flow_is_not_made_of_what_was_deleted_while_it_was_checked(desk: Desk, what: str, error: type[Error]) -> None:
    with pytest.raises(error):
        desk.flow(desk.deleting(what))
    assert desk.database.flows.list(desk.caller.scope, Query()).items == []


@pytest.mark.parametrize(
    ("what", "error"), [("source", Referenced), ("target", Referenced), ("base", InUse), ("dataset", InUse)]
)
def test_what_a_flow_needs_is_not_deleted(desk: Desk, what: str, error: type[Error]) -> None:
    flow = desk.flow()
    with pytest.raises(error):
        desk.deleting(what)()
    desk.flows().delete(desk.caller, flow.id)
    desk.deleting(what)()


def test_a_dataset_is_kept_for_the_flow_that_writes_into_it_wherever_its_target_points_now(desk: Desk) -> None:
    desk.flow()
    target = desk.database.target_connections.get(desk.caller.scope, "target")
    other = Dataset(id="other", stamp=target.stamp, schema_ref=SchemaRef(id="schema", content_type="json"))
    desk.database.datasets.add(other)
    moved = replace(target, params={"dataSetId": "other"}, stamp=target.stamp.touched())
    desk.database.target_connections.replace(target, moved)
    with pytest.raises(InUse):
        desk.datasets.delete(desk.caller, "dataset")
    desk.datasets.delete(desk.caller, "other")


def test_a_flow_is_deleted_whatever_its_runs_write_into_it_meanwhile(desk: Desk) -> None:
    flow = desk.flow()
    _touched_on_reading(desk, times=3)
    desk.flows().delete(desk.caller, flow.id)
    assert desk.database.flows.list(desk.caller.scope, Query()).items == []


def test_a_flow_that_changes_all_the_time_is_not_deleted_and_says_so(desk: Desk) -> None:
    flow = desk.flow()
    _touched_on_reading(desk, times=100)
    with pytest.raises(Stale):
        desk.flows().delete(desk.caller, flow.id)
    assert [kept.id for kept in desk.database.flows.list(desk.caller.scope, Query()).items] == [flow.id]


def _touched_on_reading(desk: Desk, *, times: int) -> None:
    """Let somebody write each flow right after it is read."""
    flows = desk.database.flows

    class Touching(type(flows)):  # type: ignore[misc] # whatever class the store has
        left = times

        def get(self, scope: Any, resource_id: str) -> Flow:
            found: Flow = super().get(scope, resource_id)
            if Touching.left:
                Touching.left -= 1
                flows.replace(found, replace(found, stamp=found.stamp.touched()))
            return found

    touching = Touching(noun=flows.noun, table=flows.table, adapter=flows.adapter, connect=flows.connect, own=flows.own)
    object.__setattr__(desk.database, "flows", touching)
