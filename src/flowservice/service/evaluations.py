"""Whether a marketing action may be done with data: asked, never enforced. Nothing that is ingested is held up."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from flowservice.domain.dataset_labels import LabelledDataset
from flowservice.domain.evaluation import Discovered, Entity, Question, Verdict, all_labels, discovered
from flowservice.domain.identity import Caller, Permission, Scope
from flowservice.domain.label import bare, ordered
from flowservice.domain.policy import AnyPolicy, violated
from flowservice.errors import BadField, Invalid, NotFound
from flowservice.ports.database import Database
from flowservice.ports.runtime import Clock
from flowservice.service.effective_labels import EffectiveLabels
from flowservice.service.marketing_actions import is_known
from flowservice.service.policies import all_policies


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluations:
    """Evaluations in a sandbox."""

    database: Database
    labels: EffectiveLabels
    now: Clock

    def one(self, caller: Caller, question: Question) -> Verdict:
        """The answer. Raises NotFound for an unknown action; BadField for a dataset or field that does not exist."""
        return self._look(caller).verdict(question)

    def each(self, caller: Caller, questions: Iterable[Question]) -> list[Verdict | NotFound | Invalid]:
        """The answer to each, or the error that `one` would raise. All go by the same policies and labels."""
        look = self._look(caller)
        return [look.verdict_or_error(question) for question in questions]

    def _look(self, caller: Caller) -> "_Look":
        caller.may(Permission.VIEW_SOURCES)
        scope = caller.scope
        return _Look(made_by=self, scope=scope, policies=all_policies(self.database, scope))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    """What policies and labels there are, read once for all questions of a call."""

    made_by: Evaluations
    scope: Scope
    policies: Sequence[AnyPolicy]
    datasets: dict[str, LabelledDataset] = field(default_factory=dict)

    def verdict_or_error(self, question: Question) -> Verdict | NotFound | Invalid:
        try:
            return self.verdict(question)
        except (NotFound, Invalid) as error:
            return error

    def verdict(self, question: Question) -> Verdict:
        action = question.action
        if not is_known(self.made_by.database, self.scope, action):
            raise NotFound(
                f"there is no {action.kind} marketing action of that name",
                advice=f"GET /marketingActions/{action.kind} lists them.",
                resource_id=action.name,
            )
        found = None if question.entities is None else tuple(map(self._discovered, question.entities))
        labels = ordered(map(bare, question.labels)) if found is None else all_labels(found)
        denying = violated(self.policies, action, frozenset(labels), include_draft=question.include_draft)
        return Verdict(action=action, labels=labels, violated=tuple(denying), at=self.made_by.now(), discovered=found)

    def _discovered(self, entity: Entity) -> Discovered:
        dataset_id = entity.dataset_id
        try:
            if dataset_id not in self.datasets:
                self.datasets[dataset_id] = self.made_by.labels.of(self.scope, dataset_id)
        except NotFound:
            raise BadField(
                f"entityId: there is no dataset {dataset_id[:80]!r}",
                advice="Check the id and the sandbox (x-sandbox-name); the Catalog lists the datasets there are.",
            ) from None
        return discovered(entity, self.datasets[dataset_id])
