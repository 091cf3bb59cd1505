"""The runs of a flow, found by what they are to each other."""

from collections.abc import Iterator

from flowservice.domain.query import Condition, Operator
from flowservice.domain.run import Run
from flowservice.ports.database import Database, every


def replays_of(database: Database, run: Run) -> Iterator[Run]:
    """The replays of the rejected rows of `run`, the newest first."""
    return _replays(database, run, Condition(path=("replays",), operator=Operator.EQ, values=(run.id,)))


def replays_in_flow_of(database: Database, run: Run) -> Iterator[Run]:
    """All replays of the run's flow, the newest first."""
    return _replays(database, run, Condition(path=("replays",), operator=Operator.NE, values=("",)))


def _replays(database: Database, run: Run, which: Condition) -> Iterator[Run]:
    of_flow = Condition(path=("flow_id",), operator=Operator.EQ, values=(run.flow_id,))
    return every(database.runs, run.stamp.scope, (of_flow, which))
