"""Labels carried to the tables of the lake, so that whoever reads a table with another engine finds them there."""

import logging
from dataclasses import dataclass
from typing import Final

from flowservice.domain.dataset import Dataset
from flowservice.domain.dataset_labels import LabelsDue, column_labels
from flowservice.errors import Error, NotFound, Stale
from flowservice.ports.database import Database
from flowservice.ports.lake import Lake
from flowservice.service.effective_labels import EffectiveLabels

_LOG: Final = logging.getLogger(__name__)
_AT_ONCE: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class TableLabels:
    """Fills `ports.runtime.LabellingTables`. All of it may be repeated, and be done by several processes at once."""

    database: Database
    lake: Lake

    def label(self, dataset: Dataset) -> None:
        """Have the dataset's table, if there is one, say the labels that hold now. Raises LakeError and its kind."""
        told = self.lake.label(dataset.table, column_labels(EffectiveLabels(self.database).of_dataset(dataset)))
        if told:
            _LOG.info("%d columns of the dataset %s say other labels now", told, dataset.id)

    def go_round(self) -> None:
        """Every table that is marked, the longest waiting first. What cannot be done now stays marked."""
        for due in self.database.labels_due.oldest(limit=_AT_ONCE):
            try:
                # The tables of one that is being emptied are on their way out, and so is the mark.
                if self.database.tenancy.is_open(due.stamp.scope):
                    self._settle(due)
            except Error as error:
                _LOG.warning("the table of dataset %s says its labels later: %s", due.id, error.message)

    def _settle(self, due: LabelsDue) -> None:
        # In this order: labels that change meanwhile mark the table anew, and the mark that was read is not theirs.
        try:
            self.label(self.database.datasets.get(due.stamp.scope, due.id))
        except NotFound:
            _LOG.info("the dataset %s is gone", due.id)
        try:
            self.database.labels_due.delete(due)
        except (NotFound, Stale):
            _LOG.debug("the labels of dataset %s changed meanwhile", due.id)
