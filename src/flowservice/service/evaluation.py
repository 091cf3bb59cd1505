"""Whether a marketing action may be done with data: asked, never enforced. Nothing that is ingested is held up."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from flowservice.domain.evaluation import Discovered, Entity, Verdict, all_labels, discovered
from flowservice.domain.identity import Caller, Permission, Scope
from flowservice.domain.label import bare, ordered
from flowservice.domain.marketing_action import ActionRef
from flowservice.domain.policy import violated
from flowservice.errors import BadField, NotFound
from flowservice.ports.database import Database
from flowservice.ports.runtime import Clock
from flowservice.service.effective_labels import EffectiveLabels
from flowservice.service.marketing_actions import is_known
from flowservice.service.policies import all_policies


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """Evaluations in a sandbox."""

    database: Database
    labels: EffectiveLabels
    now: Clock

    def of_labels(self, caller: Caller, action: ActionRef, labels: Iterable[str], *, include_draft: bool) -> Verdict:
        """For data that carries these labels, whether or not they exist. Raises NotFound for an unknown action."""
        self._check(caller, action)
        return self._verdict(caller, action, ordered(map(bare, labels)), include_draft=include_draft)

    def of_entities(
        self, caller: Caller, action: ActionRef, entities: Sequence[Entity], *, include_draft: bool
    ) -> Verdict:
        """For the data of these datasets together. Raises NotFound for an unknown action; BadField for a dataset or a
        field that does not exist."""
        self._check(caller, action)
        found = tuple(self._discovered(caller.scope, entity) for entity in entities)
        return self._verdict(caller, action, all_labels(found), include_draft=include_draft, found=found)

    def _check(self, caller: Caller, action: ActionRef) -> None:
        caller.may(Permission.VIEW_SOURCES)
        if not is_known(self.database, caller.scope, action):
            raise NotFound(
                f"there is no {action.kind} marketing action of that name",
                advice=f"GET /marketingActions/{action.kind} lists them.",
                resource_id=action.name,
            )

    def _discovered(self, scope: Scope, entity: Entity) -> Discovered:
        try:
            found = self.labels.of(scope, entity.dataset_id)
        except NotFound:
            raise BadField(
                f"entityId: there is no dataset {entity.dataset_id[:80]!r}",
                advice="Check the id and the sandbox (x-sandbox-name); the Catalog lists the datasets there are.",
            ) from None
        return discovered(entity, found)

    def _verdict(
        self,
        caller: Caller,
        action: ActionRef,
        labels: tuple[str, ...],
        *,
        include_draft: bool,
        found: tuple[Discovered, ...] | None = None,
    ) -> Verdict:
        policies = all_policies(self.database, caller.scope)
        denying = violated(policies, action, frozenset(labels), include_draft=include_draft)
        return Verdict(action=action, labels=labels, violated=tuple(denying), at=self.now(), discovered=found)
