"""What the Policy Service answers, for the API's own document."""

from typing import Any, Generic, Literal, TypeVar

from pydantic import Field, RootModel

from flowservice.api.answers import Answer, PlainProblem

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


class Evaluated(Answer):
    """What an evaluation of labels found."""

    timestamp: int = Field(description="Epoch milliseconds.")
    client_id: str
    user_id: str
    ims_org: str
    sandbox_name: str
    marketing_action_ref: str
    dule_labels: list[str] = Field(description="All labels that counted.")
    violated_policies: list[CorePolicy] = Field(description="Empty where the action may be done.")


class FieldLabels(Answer):
    """A field that has labels."""

    path: str
    labels: list[str]


class Names(Answer):
    """Labels."""

    labels: list[str]


class DataSetLabels(Answer):
    """The labels on a dataset, and on its fields, those of the dataset left out."""

    connection: Names
    data_set: Names
    fields: list[FieldLabels]


class Discovered(Answer):
    """The labels that were found on a dataset."""

    entity_type: Literal["dataSet"]
    entity_id: str
    data_set_labels: DataSetLabels


class EvaluatedDatasets(Evaluated):
    """What an evaluation of datasets found."""

    discovered_labels: list[Discovered]


class EvaluatedJob(Answer):
    """A job's `body` where `status` is 200, else its `error`."""

    status: int
    body: Evaluated | None = None
    error: PlainProblem | None = None


class EvaluatedJobs(RootModel[list[EvaluatedJob]]):
    """One for each job, in the same order."""


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
