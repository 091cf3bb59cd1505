"""Who still uses what."""

from flowservice.domain.flow import Flow
from flowservice.domain.identity import Scope
from flowservice.domain.query import Condition, Operator, Query
from flowservice.ports.database import Database


def flow_into(database: Database, scope: Scope, dataset_id: str) -> Flow | None:
    """A flow that writes into the dataset, if there is one; where a flow writes was settled when it was made."""
    condition = Condition(path=("target", "params", "dataSetId"), operator=Operator.EQ, values=(dataset_id,))
    return next(iter(database.flows.list(scope, Query(conditions=(condition,), limit=1)).items), None)


def flows_at(database: Database, scope: Scope, end: str, connection_id: str, *, member: str = "id") -> int:
    """How many flows have the connection at an `end` (`source` or `target`)."""
    condition = Condition(path=(end, member), operator=Operator.EQ, values=(connection_id,))
    return database.flows.count(scope, Query(conditions=(condition,)))
