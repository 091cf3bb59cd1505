"""Evaluations on the wire."""

from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from flowservice.api.dulepolicy import wire
from flowservice.api.wire import Wire
from flowservice.domain.epoch import milliseconds
from flowservice.domain.evaluation import Discovered, Entity, Question, Verdict
from flowservice.domain.identity import Caller
from flowservice.domain.marketing_action import reference_in
from flowservice.errors import BadField

_MAX_ID: Final = 255
_MAX_PATH: Final = 2_000
_MAX_FIELDS: Final = 1_000
_MAX_ENTITIES: Final = 200
_MAX_IN_ALL: Final = 1_000
"""Datasets: to find the labels of one takes about 10 ms."""
_MAX_LABELS: Final = 1_000


def _known_case(value: object) -> object:
    # Samples write it in either case.
    return "dataSet" if isinstance(value, str) and value.lower() == "dataset" else value


class EntityMeta(Wire):
    """What of a dataset is used."""

    fields: list[Annotated[str, Field(max_length=_MAX_PATH)]] | None = Field(
        default=None,
        min_length=1,
        max_length=_MAX_FIELDS,
        description="Fields such as `/properties/person/properties/name`, with all that is in them; without it all.",
    )


class EntityBody(Wire):
    """A dataset."""

    entity_type: Annotated[Literal["dataSet"], BeforeValidator(_known_case)]
    entity_id: str = Field(min_length=1, max_length=_MAX_ID, description="Id of the dataset.")
    entity_meta: EntityMeta | None = None

    def entity(self) -> Entity:
        """As the domain says it."""
        fields = None if self.entity_meta is None else self.entity_meta.fields
        return Entity(dataset_id=self.entity_id, fields=None if fields is None else tuple(fields))


def entities(bodies: Iterable[EntityBody]) -> tuple[Entity, ...]:
    """As the domain says them."""
    return tuple(body.entity() for body in bodies)


Entities = Annotated[list[EntityBody], Field(min_length=1, max_length=_MAX_ENTITIES)]


class JobBody(Wire):
    """One evaluation of several: of labels, or of datasets."""

    eval_ref: str = Field(
        max_length=_MAX_PATH, description="Address of an evaluation: what follows `marketingActions/` counts."
    )
    include_draft: bool = False
    labels: list[Annotated[str, Field(min_length=1, max_length=_MAX_ID)]] | None = Field(
        default=None, min_length=1, max_length=_MAX_LABELS
    )
    entity_list: Entities | None = None

    @model_validator(mode="after")
    def _either(self) -> Self:
        if (self.labels is None) is (self.entity_list is None):
            raise ValueError("a job has either labels or entityList")
        return self

    def question(self, *, at: str) -> Question:
        """As the domain says it. Raises BadField, which names the place `at` which the job stands."""
        return Question(
            action=reference_in(self.eval_ref, at=f"{at}/evalRef"),
            include_draft=self.include_draft,
            labels=tuple(self.labels or ()),
            entities=None if self.entity_list is None else entities(self.entity_list),
        )


def questions(jobs: Sequence[JobBody]) -> list[Question]:
    """What the jobs of one call ask. Raises BadField for one that cannot be, and for more datasets than are taken."""
    if sum(len(job.entity_list or ()) for job in jobs) > _MAX_IN_ALL:
        raise BadField(f"a call takes up to {_MAX_IN_ALL} datasets in all", advice="Ask in several calls.")
    return [job.question(at=str(place)) for place, job in enumerate(jobs)]


def verdict(one: Verdict, caller: Caller, at: str) -> dict[str, Any]:
    """What an evaluation found. `at` is the service's own address."""
    return {
        "timestamp": milliseconds(one.at),
        "clientId": caller.client_id,
        "userId": caller.user_id,
        "imsOrg": caller.scope.org_id,
        "sandboxName": caller.scope.sandbox_name,
        "marketingActionRef": wire.action_ref(one.action, at),
        "duleLabels": list(one.labels),
        **({} if one.discovered is None else {"discoveredLabels": [_discovered(found) for found in one.discovered]}),
        "violatedPolicies": [wire.policy(policy, at) for policy in one.violated],
    }


def _discovered(found: Discovered) -> dict[str, Any]:
    fields = [{"path": _pointer(path), "labels": list(labels)} for path, labels in found.fields]
    labels = {"connection": {"labels": []}, "dataSet": {"labels": list(found.labels)}, "fields": fields}
    return {"entityType": "dataSet", "entityId": found.dataset_id, "dataSetLabels": labels}


def _pointer(path: tuple[str, ...]) -> str:
    return "".join(f"/properties/{name}" for name in path)
