"""A look at what a dataset holds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from flowservice.domain.dataset import SYSTEM_COLUMN
from flowservice.domain.identity import Caller, Permission
from flowservice.errors import NothingLanded
from flowservice.ports.database import Database
from flowservice.ports.lake import Lake
from flowservice.service.masked_rows import marked
from flowservice.service.masking import Masking

SHOWN_ROWS: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetPreviews:
    """Some rows of a dataset, as its table is now."""

    database: Database
    lake: Lake
    masking: Masking

    def rows(self, caller: Caller, dataset_id: str) -> Sequence[Mapping[str, Any]]:
        """1 to `SHOWN_ROWS` rows, without the system column, marks in place of what labels hide from the caller.

        Raises NotFound, NothingLanded, LakeError.
        """
        for permission in (Permission.VIEW_SOURCES, Permission.VIEW_DATA):
            caller.may(permission)
        dataset = self.database.datasets.get(caller.scope, dataset_id)
        rows = self.lake.first(dataset.table, rows=SHOWN_ROWS)
        if rows is None or not rows.num_rows:
            raise NothingLanded(
                "the dataset has no rows",
                advice="Run a flow into it, or look at its batches: GET /data/foundation/catalog/batches?dataSet=….",
            )
        hidden = self.masking.hidden(caller, dataset.id)
        shown = rows.select([name for name in rows.schema.names if name != SYSTEM_COLUMN])
        return [marked(row, hidden) for row in shown.to_pylist(maps_as_pydicts="lossy")]
