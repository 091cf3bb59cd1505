"""What the Policy Service answers, for the API's own document."""

from typing import Any, Generic, Literal, TypeVar

from pydantic import Field

from flowservice.api.answers import Answer

Item = TypeVar("Item", bound=Answer)


class Href(Answer):
    """An address."""

    href: str


class SelfLink(Answer):
    """Where a resource is."""

    itself: Href = Field(alias="self")


class Linked(Answer):
    """A core resource."""

    links: SelfLink = Field(alias="_links")


class Stamped(Linked):
    """What every custom resource has."""

    ims_org: str
    sandbox_name: str
    created: int = Field(description="Epoch milliseconds.")
    created_client: str
    created_user: str
    updated: int = Field(description="Epoch milliseconds.")
    updated_client: str
    updated_user: str


class CoreLabel(Linked):
    """A label that everybody has."""

    name: str
    category: str
    friendly_name: str
    description: str


class CustomLabel(CoreLabel, Stamped):
    """A label that somebody made."""


class CoreAction(Linked):
    """A marketing action that everybody has."""

    name: str
    friendly_name: str
    description: str


class CustomAction(Stamped):
    """A marketing action that somebody made."""

    name: str
    description: str


class CorePolicy(Linked):
    """A policy that everybody has."""

    id: str
    name: str
    status: Literal["DRAFT", "ENABLED", "DISABLED"]
    marketing_action_refs: list[str]
    description: str
    deny: dict[str, Any]


class CustomPolicy(CorePolicy, Stamped):
    """A policy that somebody made."""


class EnabledCorePolicies(Linked):
    """The core policies that are enabled; who changed the list, and when, once somebody has."""

    policy_ids: list[str]
    ims_org: str
    sandbox_name: str


class PageCount(Answer):
    """How many are on the page; `next`, unless it is the last one, asks for the one after it as `start`."""

    count: int
    next: str | None = Field(default=None)


class Following(Answer):
    """`href`, unless it is the last page: the same as `_page.next`."""

    href: str | None = None


class PageLinks(Answer):
    """How to go on."""

    page: Following


class Page(Answer, Generic[Item]):
    """A page of a list."""

    page: PageCount = Field(alias="_page")
    links: PageLinks = Field(alias="_links")
    children: list[Item]
