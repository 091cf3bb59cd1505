"""The Policy Service on the wire: what its resources look like. `at` is the service's own address."""

from typing import Any
from urllib.parse import quote

from pydantic import Field
from starlette.requests import Request

from flowservice.api.dulepolicy import BASE
from flowservice.api.wire import Wire
from flowservice.domain.epoch import milliseconds
from flowservice.domain.label import CoreLabel, CustomLabel
from flowservice.domain.marketing_action import CoreAction, MarketingAction
from flowservice.domain.resource import MAX_DESCRIPTION, MAX_NAME, Resource
from flowservice.service.labels import LabelContent


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
