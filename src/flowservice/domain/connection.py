"""A connection to a foreign system (an account), and what is read from it or written through it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from flowservice.domain.resource import Governed, SpecRef

DATA_LAKE: Final = "c604ff05-7f1a-43c0-8e18-33bf874cb11c"
"""Connection spec of the lake: the only target that a batch source flow accepts."""


class ConnectionState(StrEnum):
    """States that this server gives a connection and its ends."""

    DRAFT = "draft"
    ENABLED = "enabled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signin:
    """How a connection signs in: what may be shown, and the secret part sealed."""

    spec_name: str
    params: Mapping[str, Any]
    """Everything that is not a secret, as sent."""
    sealed: str = ""
    """The secret fields as a sealed JSON object, bound to the connection's id; empty where there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection(Governed):
    """A base connection: an account at a foreign system. A draft may still lack its sign-in."""

    spec: SpecRef
    auth: Signin | None = None
    state: ConnectionState = ConnectionState.ENABLED


@dataclass(frozen=True, slots=True, kw_only=True)
class EndConnection(Governed):
    """One end of a flow. A draft may still lack anything but its spec."""

    spec: SpecRef
    base_connection_id: str | None = None
    base_spec: SpecRef | None = None
    """The spec of the base connection, inherited when it was named."""
    data: Mapping[str, Any] = field(default_factory=dict)
    params: Mapping[str, Any] = field(default_factory=dict)
    state: ConnectionState = ConnectionState.ENABLED


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceConnection(EndConnection):
    """What to read from a connection: for a table source `params.tableName` and maybe `params.columns`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetConnection(EndConnection):
    """Where to write: for the lake `params.dataSetId`."""
