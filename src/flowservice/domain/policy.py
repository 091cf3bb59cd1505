"""Policies: which marketing actions are denied for data with which labels.

Nothing is allowed by a policy. An action is denied where an enabled one names it and its expression is true.
"""

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final, TypeAlias

from flowservice.domain.deny import Combined, Expression, Labelled, Operator, holds
from flowservice.domain.label import CORE
from flowservice.domain.marketing_action import ActionRef
from flowservice.domain.resource import Resource


class PolicyStatus(StrEnum):
    """Whether a policy counts: a draft only where drafts are asked for."""

    DRAFT = "DRAFT"
    ENABLED = "ENABLED"
    DISABLED = "DISABLED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy(Resource):
    """A policy that somebody made. `name` is a title: several may have the same."""

    status: PolicyStatus
    actions: tuple[ActionRef, ...]
    """The actions that it denies, each by itself."""
    deny: Expression


@dataclass(frozen=True, slots=True, kw_only=True)
class CorePolicy:
    """A policy that every organisation has, and each sandbox enables or not."""

    id: str
    name: str
    description: str
    actions: tuple[ActionRef, ...]
    deny: Expression
    status: PolicyStatus = PolicyStatus.DISABLED


@dataclass(frozen=True, slots=True, kw_only=True)
class EnabledCorePolicies(Resource):
    """The core policies that a sandbox has enabled. There is one such list a sandbox, by the sandbox's id."""

    policy_ids: tuple[str, ...]


AnyPolicy: TypeAlias = Policy | CorePolicy


def _core(number: int, name: str, action: str, *labels: str) -> CorePolicy:
    operands = tuple(map(Labelled, labels))
    return CorePolicy(
        id=f"corepolicy_{number:04d}",
        name=name,
        description=f"Denies {action} for data with the label {' or '.join(labels)}.",
        actions=(ActionRef(CORE, action),),
        deny=operands[0] if len(operands) == 1 else Combined(Operator.OR, operands),
    )


CORE_POLICIES: Final = (
    # The real list is not published. That C4 covers C5 to C7 is a matter of meaning, so policies name both.
    _core(1, "No export to third parties", "exportToThirdParty", "C2"),
    _core(2, "No joining with identifying data", "combineWithPII", "C3"),
    _core(3, "No targeting by e-mail", "emailTargeting", "C4", "C5"),
    _core(4, "No targeting across sites", "crossSiteTargeting", "C4", "C5"),
    _core(5, "No ads on own sites", "onsiteAdvertising", "C4", "C6"),
    _core(6, "No choice of content on own sites", "onsitePersonalization", "C4", "C7"),
    _core(7, "No measurement", "analytics", "C8"),
    _core(8, "No data science", "dataScience", "C9"),
    _core(9, "No stitched identities", "singleIdentityPersonalization", "C10"),
    _core(10, "No sharing with partners", "segmentMatch", "C11"),
    _core(11, "No export at all", "exportToThirdParty", "C12"),
)
"""By their ids, all off."""


def core_policies(enabled_ids: Iterable[str]) -> tuple[CorePolicy, ...]:
    """All core policies, those of these ids enabled."""
    enabled = frozenset(enabled_ids)
    return tuple(
        replace(policy, status=PolicyStatus.ENABLED) if policy.id in enabled else policy for policy in CORE_POLICIES
    )


def violated(
    policies: Iterable[AnyPolicy], action: ActionRef, labels: AbstractSet[str], *, include_draft: bool
) -> list[AnyPolicy]:
    """The policies that deny the action for data with these labels, in the order given."""
    counting = {PolicyStatus.ENABLED, PolicyStatus.DRAFT} if include_draft else {PolicyStatus.ENABLED}
    return [
        policy
        for policy in policies
        if policy.status in counting and action in policy.actions and holds(policy.deny, labels)
    ]
