"""Schema drift of flows: what is known of their sources' columns, and decisions about changes that are held."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from flowservice.domain.drift import ChangeKind, DriftPolicy, SourceShape
from flowservice.domain.flow import Flow
from flowservice.domain.identity import Caller, Permission
from flowservice.errors import DriftChanged, NotFound
from flowservice.ports.database import Database
from flowservice.ports.runtime import Clock
from flowservice.service.added_columns import AddedColumns
from flowservice.service.contention import repeated


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowDrift:
    """A flow with its policy, and what it knows of the columns of its source; None: it has not seen any."""

    flow: Flow
    policy: DriftPolicy
    shape: SourceShape | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Drifts:
    """Dials no source."""

    database: Database
    adding: AddedColumns
    now: Clock

    def get(self, caller: Caller, flow_id: str) -> FlowDrift:
        """As it stands. Raises NotFound."""
        caller.may(Permission.VIEW_SOURCES)
        flow = self.database.flows.get(caller.scope, flow_id)
        return FlowDrift(flow=flow, policy=DriftPolicy.of(flow.options), shape=_shape(self.database, flow))

    def accept(self, caller: Caller, flow_id: str, drift_id: str) -> FlowDrift:
        """Take the held changes of that id up: new columns are added to the dataset's schema and mapped, columns that
        are gone are expected no more, types that values have now are known. The next run takes all that waited.

        Raises NotFound, DriftChanged, ColumnsNotAddable; then nothing has changed.
        """

        def take_up(tx: Database, flow: Flow, shape: SourceShape) -> None:
            held = shape.held.changes if shape.held else ()
            new = [one.change for one in held if one.change.kind is ChangeKind.NEW]
            if new:
                self.adding.add_within(tx, caller, flow, new)

        return self._decide(caller, flow_id, drift_id, take_up)

    def ignore(self, caller: Caller, flow_id: str, drift_id: str) -> FlowDrift:
        """Go on in spite of the held changes of that id: as `accept`, but new columns are added nowhere.

        Raises NotFound, DriftChanged.
        """
        return self._decide(caller, flow_id, drift_id, lambda _tx, _flow, _shape: None)

    def _decide(
        self, caller: Caller, flow_id: str, drift_id: str, act: Callable[[Database, Flow, SourceShape], None]
    ) -> FlowDrift:
        caller.may(Permission.MANAGE_SOURCES)

        def decide() -> None:
            with self.database.transaction() as tx:
                flow = tx.flows.get(caller.scope, flow_id)
                shape = _shape(tx, flow)
                if shape is None or shape.held is None:
                    raise DriftChanged(
                        f"flow {flow_id} holds no changes of its source's columns",
                        advice="There is nothing to decide: they were decided about, or the columns are as they were.",
                    )
                if shape.held.id != drift_id:
                    raise DriftChanged(
                        f"flow {flow_id} holds other changes than those",
                        advice=f"Look at them: GET /v1/flows/{flow_id}/drift. Then decide by the id that it shows.",
                    )
                decided = replace(shape.decided(), stamp=shape.stamp.moved(caller, at=self.now()))
                tx.source_shapes.replace(shape, decided)
                act(tx, flow, shape)

        repeated(decide)
        return self.get(caller, flow_id)


def _shape(database: Database, flow: Flow) -> SourceShape | None:
    try:
        return database.source_shapes.get(flow.stamp.scope, flow.id)
    except NotFound:
        return None
