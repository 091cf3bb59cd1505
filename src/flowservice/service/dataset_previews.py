"""A look at what a dataset holds."""

from dataclasses import dataclass
from typing import Final

import pyarrow as pa

from flowservice.domain.dataset import SYSTEM_COLUMN
from flowservice.domain.identity import Caller, Permission
from flowservice.errors import NothingLanded
from flowservice.ports.database import Database
from flowservice.ports.lake import Lake

SHOWN_ROWS: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetPreviews:
    """Some rows of a dataset, as its table is now."""

    database: Database
    lake: Lake

    def rows(self, caller: Caller, dataset_id: str) -> pa.Table:
        """1 to `SHOWN_ROWS` rows, without the system column. Raises NotFound, NothingLanded, LakeError."""
        for permission in (Permission.VIEW_SOURCES, Permission.VIEW_DATA):
            caller.may(permission)
        dataset = self.database.datasets.get(caller.scope, dataset_id)
        rows = self.lake.first(dataset.table, rows=SHOWN_ROWS)
        if rows is None or not rows.num_rows:
            raise NothingLanded(
                "the dataset has no rows",
                advice="Run a flow into it, or look at its batches: GET /data/foundation/catalog/batches?dataSet=….",
            )
        return rows.drop_columns([SYSTEM_COLUMN]) if SYSTEM_COLUMN in rows.schema.names else rows
