"""The Policy Service on the wire: what its resources look like. `at` is the service's own address."""

from typing import Annotated, Any, Final, Literal
from urllib.parse import quote

from pydantic import Field
from starlette.requests import Request

from flowservice.api.dulepolicy import BASE
from flowservice.api.wire import Wire
from flowservice.domain.deny import expression_document, expression_in
from flowservice.domain.epoch import milliseconds
from flowservice.domain.identity import Scope
from flowservice.domain.label import CORE, CUSTOM, CoreLabel, CustomLabel
from flowservice.domain.marketing_action import ActionRef, CoreAction, MarketingAction, reference_in
from flowservice.domain.policy import AnyPolicy, EnabledCorePolicies, Policy, PolicyStatus
from flowservice.domain.resource import MAX_DESCRIPTION, MAX_NAME, Resource
from flowservice.service.labels import LabelContent
from flowservice.service.policies import PolicyContent

_MAX_REF: Final = 2_000
_MAX_REFS: Final = 100
PolicyIds = Annotated[list[str], Field(max_length=1_000, description="Ids such as `corepolicy_0003`.")]


class LabelBody(Wire):
    """A custom label."""

    name: str = Field(description="As in the path.")
    category: str = Field(min_length=1, max_length=MAX_NAME, description="`Custom`, as a rule.")
    friendly_name: str | None = Field(default=None, max_length=MAX_NAME)
    description: str | None = Field(default=None, max_length=MAX_DESCRIPTION)

    def content(self) -> LabelContent:
        """As the service takes it."""
        return LabelContent(
            category=self.category, friendly_name=self.friendly_name or "", description=self.description or ""
        )


class ActionBody(Wire):
    """A custom marketing action."""

    name: str = Field(description="As in the path.")
    description: str | None = Field(default=None, max_length=MAX_DESCRIPTION)


class PolicyBody(Wire):
    """A custom policy."""

    name: str = Field(min_length=1, max_length=MAX_NAME, description="A title; it need not be unique.")
    marketing_action_refs: list[Annotated[str, Field(max_length=_MAX_REF)]] = Field(
        min_length=1,
        max_length=_MAX_REFS,
        description="Addresses of marketing actions, each of which is denied: what follows `marketingActions/` counts.",
    )
    deny: dict[str, Any] = Field(description='`{"label": "C2"}`, or `{"operator": "AND", "operands": [...]}`; or OR.')
    status: Literal["DRAFT", "ENABLED", "DISABLED"] = Field(
        default="DRAFT", description="Drafts count only where an evaluation asks for them."
    )
    description: str | None = Field(default=None, max_length=MAX_DESCRIPTION)

    def content(self) -> PolicyContent:
        """As the service takes it. Raises BadField."""
        refs = [
            reference_in(ref, at=f"marketingActionRefs/{place}") for place, ref in enumerate(self.marketing_action_refs)
        ]
        return PolicyContent(
            name=self.name,
            description=self.description or "",
            status=PolicyStatus(self.status),
            actions=tuple(dict.fromkeys(refs)),
            deny=expression_in(self.deny),
        )


class EnabledBody(Wire):
    """The core policies that are to be enabled, and no others."""

    policy_ids: PolicyIds


def address(request: Request, public_url: str | None) -> str:
    """The service's own address. Without a `public_url`, it is at the address that the caller used."""
    return (public_url or str(request.base_url)).rstrip("/") + BASE


def core_label(label: CoreLabel, at: str) -> dict[str, Any]:
    """A core label."""
    return {
        "name": label.name,
        "category": label.category.value,
        "friendlyName": label.friendly_name,
        "description": label.description,
        **_linked(f"{at}/labels/core", label.name),
    }


def custom_label(label: CustomLabel, at: str) -> dict[str, Any]:
    """A custom label."""
    return {
        "name": label.name,
        "category": label.category,
        "friendlyName": label.friendly_name,
        "description": label.description,
        **stamped(label),
        **_linked(f"{at}/labels/custom", label.name),
    }


def core_action(action: CoreAction, at: str) -> dict[str, Any]:
    """A core marketing action."""
    return {
        "name": action.name,
        "friendlyName": action.friendly_name,
        "description": action.description,
        **_linked(f"{at}/marketingActions/core", action.name),
    }


def custom_action(action: MarketingAction, at: str) -> dict[str, Any]:
    """A custom marketing action."""
    return {
        "name": action.name,
        "description": action.description,
        **stamped(action),
        **_linked(f"{at}/marketingActions/custom", action.name),
    }


def policy(one: AnyPolicy, at: str) -> dict[str, Any]:
    """A policy."""
    return {
        "id": one.id,
        "name": one.name,
        "status": one.status.value,
        "marketingActionRefs": [action_ref(action, at) for action in one.actions],
        "description": one.description,
        "deny": expression_document(one.deny),
        **(stamped(one) if isinstance(one, Policy) else {}),
        **_linked(f"{at}/policies/{CUSTOM if isinstance(one, Policy) else CORE}", one.id),
    }


def action_ref(action: ActionRef, at: str) -> str:
    """The address of an action."""
    return f"{at}/marketingActions/{action.kind}/{quote(action.name)}"


def enabled(one: EnabledCorePolicies | None, scope: Scope, at: str) -> dict[str, Any]:
    """The list of enabled core policies."""
    return {
        "policyIds": [] if one is None else list(one.policy_ids),
        **({"imsOrg": scope.org_id, "sandboxName": scope.sandbox_name} if one is None else stamped(one)),
        "_links": {"self": {"href": f"{at}/enabledCorePolicies"}},
    }


def stamped(resource: Resource) -> dict[str, Any]:
    """Whose it is, and who made and changed it, and when."""
    stamp = resource.stamp
    return {
        "imsOrg": stamp.scope.org_id,
        "sandboxName": stamp.scope.sandbox_name,
        "created": milliseconds(stamp.created.at),
        "createdClient": stamp.created.client,
        "createdUser": stamp.created.by,
        "updated": milliseconds(stamp.updated.at),
        "updatedClient": stamp.updated.client,
        "updatedUser": stamp.updated.by,
    }


def _linked(container: str, name: str) -> dict[str, Any]:
    return {"_links": {"self": {"href": f"{container}/{quote(name)}"}}}
