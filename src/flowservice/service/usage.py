"""Who still uses what."""

from flowservice.domain.identity import Scope
from flowservice.domain.query import Condition, Operator, Query
from flowservice.ports.database import Database


def flows_at(database: Database, scope: Scope, end: str, connection_id: str, *, member: str = "id") -> int:
    """How many flows have the connection at an `end` (`source` or `target`)."""
    condition = Condition(path=(end, member), operator=Operator.EQ, values=(connection_id,))
    return database.flows.count(scope, Query(conditions=(condition,)))
