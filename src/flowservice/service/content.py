"""What their users say of connections, their ends and flows: the same whether one is made or changed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from flowservice.domain.resource import Governance


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What all of them have."""

    name: str
    description: str = ""
    governance: Governance = field(default_factory=Governance)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthContent:
    """How to sign in, with secrets in clear or, where they stay as they are, masked."""

    spec_name: str
    params: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionContent(Content):
    """Of a connection."""

    auth: AuthContent | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EndContent(Content):
    """Of a source or target connection."""

    base_connection_id: str | None = None
    data: Mapping[str, Any] = field(default_factory=dict)
    params: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowContent(Content):
    """Of a flow."""

    source_ids: tuple[str, ...]
    target_ids: tuple[str, ...]
    transformations: tuple[Mapping[str, Any], ...] = ()
    schedule: Mapping[str, Any] | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
