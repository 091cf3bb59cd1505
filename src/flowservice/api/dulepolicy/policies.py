"""Policies: the core ones, which are enabled or not, and one's own."""

from collections.abc import Iterator, Sequence
from typing import Annotated, Any
from urllib.parse import unquote

from fastapi import APIRouter, Body, Path, Query, Request, Response

from flowservice.api import answers
from flowservice.api.calls import Calling
from flowservice.api.dulepolicy import BASE, wire
from flowservice.api.dulepolicy import answers as told
from flowservice.api.dulepolicy.listing import OF_CORE, OF_CUSTOM, Listing, page
from flowservice.api.patching import Operations, edited
from flowservice.domain.deny import mentioned
from flowservice.domain.label import bare
from flowservice.domain.policy import AnyPolicy, Policy
from flowservice.service.policies import Policies, PolicyContent

PolicyId = Annotated[str, Path(description="Id of the policy.")]
Labels = Annotated[
    str | None, Query(alias="duleLabels", description="Those that speak of one of these labels; with commas between.")
]
Action = Annotated[
    str | None, Query(alias="marketingAction", description="Those that deny this action: its name or address.")
]
_POLICY: Any = answers.of(told.CustomPolicy)
_ENABLED: Any = answers.of(told.EnabledCorePolicies)


def router(policies: Policies, public_url: str | None) -> APIRouter:
    """Policies, core and custom."""
    routes = APIRouter(prefix=BASE, tags=["Policies"])
    _add_core(routes, policies, public_url)
    _add_reads(routes, policies, public_url)
    _add_writes(routes, policies, public_url)
    return routes


def _add_core(routes: APIRouter, policies: Policies, public_url: str | None) -> None:
    @routes.get(
        "/policies/core",
        summary="List core policies",
        name="list-core",
        responses=answers.of(told.Page[told.CorePolicy]),
    )
    def listed(
        caller: Calling, asked: Listing, request: Request, labels: Labels = None, action: Action = None
    ) -> dict[str, Any]:
        at = wire.address(request, public_url)
        found = _speaking_of(policies.core(caller), labels, action)
        return page((wire.policy(policy, at) for policy in found), asked, fields=OF_CORE, key="id")

    @routes.get(
        "/policies/core/{policy_id}",
        summary="Read a core policy",
        name="read-core",
        responses=answers.of(told.CorePolicy),
    )
    def read(caller: Calling, policy_id: PolicyId, request: Request) -> dict[str, Any]:
        """`ENABLED` if it is in the list of enabled ones, else `DISABLED`."""
        return wire.policy(policies.core_one(caller, policy_id), wire.address(request, public_url))

    @routes.get(
        "/enabledCorePolicies", summary="Read which core policies are enabled", name="enabled-core", responses=_ENABLED
    )
    def enabled(caller: Calling, request: Request) -> dict[str, Any]:
        return wire.enabled(policies.enabled(caller), caller.scope, wire.address(request, public_url))

    @routes.put("/enabledCorePolicies", summary="Set which core policies are enabled", name="enable-core",
                responses=_ENABLED)  # fmt: skip
    def enable(
        caller: Calling, body: Annotated[wire.EnabledBody | wire.PolicyIds, Body()], request: Request
    ) -> dict[str, Any]:
        """The list alone is taken, too: a published client sends it so."""
        ids = body if isinstance(body, list) else body.policy_ids
        return wire.enabled(policies.enable(caller, ids), caller.scope, wire.address(request, public_url))


def _add_reads(routes: APIRouter, policies: Policies, public_url: str | None) -> None:
    @routes.get(
        "/policies/custom",
        summary="List custom policies",
        name="list-custom",
        responses=answers.of(told.Page[told.CustomPolicy]),
    )
    def listed(
        caller: Calling, asked: Listing, request: Request, labels: Labels = None, action: Action = None
    ) -> dict[str, Any]:
        at = wire.address(request, public_url)
        found = _speaking_of(policies.list(caller), labels, action)
        return page((wire.policy(policy, at) for policy in found), asked, fields=OF_CUSTOM, key="id")

    @routes.get("/policies/custom/{policy_id}", summary="Read a custom policy", name="read-custom", responses=_POLICY)
    def read(caller: Calling, policy_id: PolicyId, request: Request) -> dict[str, Any]:
        return wire.policy(policies.get(caller, policy_id), wire.address(request, public_url))


def _add_writes(routes: APIRouter, policies: Policies, public_url: str | None) -> None:
    @routes.post(
        "/policies/custom",
        status_code=201,
        summary="Create a policy",
        name="create",
        responses=answers.of(told.CustomPolicy, status=201),
    )
    def create(caller: Calling, body: wire.PolicyBody, request: Request) -> dict[str, Any]:
        """A draft, unless it says something else."""
        return wire.policy(policies.create(caller, body.content()), wire.address(request, public_url))

    @routes.put("/policies/custom/{policy_id}", summary="Replace a policy", name="replace", responses=_POLICY)
    def replace(caller: Calling, policy_id: PolicyId, body: wire.PolicyBody, request: Request) -> dict[str, Any]:
        """The body is whole: without a `status` the policy is a draft then."""
        content = body.content()
        changed = policies.change(caller, policy_id, lambda _: content)
        return wire.policy(changed, wire.address(request, public_url))

    @routes.patch("/policies/custom/{policy_id}", summary="Change a policy", name="change", responses=_POLICY)
    def change(caller: Calling, policy_id: PolicyId, operations: Operations, request: Request) -> dict[str, Any]:
        """A JSON Patch of the policy as it is read: all of it, or nothing."""
        at = wire.address(request, public_url)

        def edit(policy: Policy) -> PolicyContent:
            return edited(wire.PolicyBody, wire.policy(policy, at), operations).content()

        return wire.policy(policies.change(caller, policy_id, edit), at)

    @routes.delete(
        "/policies/custom/{policy_id}",
        summary="Delete a policy",
        name="delete",
        response_class=Response,
        status_code=200,
    )
    def delete(caller: Calling, policy_id: PolicyId) -> Response:
        """The answer is empty."""
        policies.delete(caller, policy_id)
        return Response()


def _speaking_of(policies: Sequence[AnyPolicy], labels: str | None, action: str | None) -> Iterator[AnyPolicy]:
    wanted = None if labels is None else {bare(label.strip()) for label in labels.split(",")}
    # Its name, `core/name`, or an address.
    name = None if action is None else unquote(action.rpartition("marketingActions/")[2])
    for policy in policies:
        spoken_of = wanted is None or bool(wanted & mentioned(policy.deny))
        if spoken_of and (name is None or any(name in {ref.name, ref.path} for ref in policy.actions)):
            yield policy
