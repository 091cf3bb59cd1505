"""What the core needs from the process it runs in: time, ids, secrets, tokens, sources, and durable execution."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol, TypeAlias

import pyarrow as pa

from flowservice.domain.connection import Connection
from flowservice.domain.dataset import Dataset
from flowservice.domain.drift import Change
from flowservice.domain.dry_run import DryRun
from flowservice.domain.expressions.syntax import Node
from flowservice.domain.flow import Flow
from flowservice.domain.mapping import MappingVersion
from flowservice.domain.mapping_trial import TriedRow
from flowservice.domain.quarantine import ReplayTrial, Wanted
from flowservice.domain.run import Run
from flowservice.domain.xdm_tree import ObjectField
from flowservice.errors import Error
from flowservice.ports.database import Database
from flowservice.sdk import Source

Clock: TypeAlias = Callable[[], datetime]
"""Now, aware, in UTC."""


class Ids(Protocol):
    """New ids, in the style of each kind of resource."""

    def uuid(self) -> str:
        """A lower-case UUID: connections, flows, runs, sandboxes."""

    def hex(self, digits: int) -> str:
        """That many hex digits: datasets 24, mapping sets 32, schemas 48."""

    def ulid(self, at: datetime) -> str:
        """26 characters that sort by time: batches."""


class SecretBox(Protocol):
    """Seals secrets at rest."""

    def seal(self, secret: bytes, *, owner: str) -> str:
        """`secret` as text that only `open` with the same `owner` (the row's id) can undo."""

    def open(self, sealed: str, *, owner: str) -> bytes:
        """The secret. Raises Invalid if it was sealed for another owner or with a key that is not there."""

    def mark(self) -> str:
        """How each value begins that is sealed with the key that seals now, and no other value."""

    def renewed(self, sealed: str, *, owner: str) -> str:
        """The same secret sealed with the key that seals now; `sealed` itself if it is. Raises as `open`."""


class KeyRing(Protocol):
    """The keys that a secret box has, for the one who changes them. Each method changes all or nothing."""

    def add(self) -> str:
        """Let a new key seal from now on; the others still open. Its id. Raises Invalid if it cannot be kept."""

    def drop(self) -> int:
        """Forget every key but the one that seals; how many they were. Raises Invalid if they cannot be removed."""


class Tokens(Protocol):
    """Access tokens."""

    def issue(self, claims: Mapping[str, Any], *, at: datetime, lifetime_s: int) -> str:
        """A signed token that says `claims`."""

    def verify(self, token: str, *, at: datetime) -> Mapping[str, Any]:
        """Its claims. Raises Invalid if it is forged, malformed or expired."""


class Sources(Protocol):
    """Opens what a connection points at."""

    def open(self, connection: Connection) -> Source:
        """The source, with the connection's secrets. Dials nothing. Raises NoConnector."""


class Rehearsing(Protocol):
    """Tells what the next run of a flow would do. Reads the source, and leaves no trace in the store or the lake."""

    def dry_run(self, flow: Flow, *, rows: int) -> DryRun:
        """What a run that started now would do with the first `rows` rows that it takes, or with those that come in
        about 20 s. `flow` need not be stored as it is.

        Raises NotFound for what is gone, MissingMapping, BadMapping, MissingParameter, BadRowFilter,
        MissingDeltaColumn, NoConnector, SourceError, LakeError.
        """


class TryingReplays(Protocol):
    """Tells what a replay of rejected rows would do. Reads quarantine, and leaves no trace."""

    def replay_trial(self, flow: Flow, run: Run, chosen: Wanted) -> ReplayTrial:
        """How many of the chosen rows that `run`, of `flow`, rejected would pass now, or of those read in about 20 s.

        Raises NotFound for what is gone, MissingMapping, BadMapping, NotReplayable, LakeError.
        """


class TryingMappings(Protocol):
    """Tells what a version of a mapping set is worth, without a source."""

    def faults(
        self, version: MappingVersion, tree: ObjectField, source: pa.Schema | None = None
    ) -> tuple[Error | None, ...]:
        """What is wrong with each mapping for rows of the schema `tree`; None where it can be applied.

        `source` has the columns whose types are known; others may be of any.
        """

    def rows(
        self, version: MappingVersion, tree: ObjectField, rows: Sequence[Mapping[str, Any]]
    ) -> tuple[TriedRow, ...]:
        """What becomes of each of these JSON rows. Raises BadMapping, BadSchema, BadField for mixed shapes."""

    def check(self, expression: Node) -> None:
        """Return if an expression can work whatever the source is: kinds that it tells itself fit each other.

        Raises BadExpression.
        """


class AddingColumns(Protocol):
    """Takes new columns of a source up into what a flow lands."""

    def add(self, flow: Flow, columns: Sequence[Change]) -> None:
        """Add a field a column to the schema of the flow's dataset, and map it: the flow goes on with a further version
        of its mapping set. All in one transaction; a column that the flow maps already stays as it is.

        Raises ColumnsNotAddable where the service may not or cannot do that, with the reason; NotFound, Stale.
        """


class LabellingTables(Protocol):
    """Carries usage labels to the tables of the lake."""

    def label(self, dataset: Dataset) -> None:
        """Have the dataset's table, if there is one, say the labels that hold now. Raises LakeError and its kind."""


class Interrupted(BaseException):
    """The process stops: the run stays as it is and goes on at the next start.

    Not an `Exception`, so that nothing on the way takes it for the end of the run.
    """


class Steps(Protocol):
    """The durable steps of one run. A step that completed is not repeated after a crash; its result is replayed."""

    def run(self, name: str, step: Callable[[], Any]) -> Any:
        """The result (JSON) of `step`, now or from before the crash. Its error passes through."""


class RunQueue(Protocol):
    """Takes runs to the workers."""

    def enqueue(self, run: Run, within: Database) -> None:
        """Queue the run in the caller's transaction. A run is queued once, however often this is called."""
