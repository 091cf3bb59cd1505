"""The labels that hold for datasets and their fields, and what they hide from whoever asks."""

from collections.abc import Sequence
from dataclasses import dataclass

from flowservice.domain.dataset_labels import FieldPath, LabelledDataset
from flowservice.domain.identity import Caller, Permission
from flowservice.ports.database import Database
from flowservice.service.effective_labels import EffectiveLabels
from flowservice.service.masking import Masking


@dataclass(frozen=True, slots=True, kw_only=True)
class InForce:
    """The labels of one dataset, wherever they were put."""

    dataset_id: str
    labels: LabelledDataset
    hidden: frozenset[FieldPath]
    """The outermost fields whose values the caller does not get to see."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelsInForce:
    """Labels for people who look at datasets."""

    database: Database
    masking: Masking

    def of(self, caller: Caller, dataset_ids: Sequence[str]) -> Sequence[InForce]:
        """In the order of the ids. Raises NotFound."""
        caller.may(Permission.VIEW_SOURCES)
        labels = EffectiveLabels(self.database)
        return [
            InForce(dataset_id=each, labels=labels.of(caller.scope, each), hidden=self.masking.hidden(caller, each))
            for each in dataset_ids
        ]
