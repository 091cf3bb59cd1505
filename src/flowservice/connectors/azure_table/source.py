"""A storage account's tables as a source."""

import logging
import re
from collections.abc import Iterator
from datetime import datetime
from functools import cache
from typing import Final

from flowservice.connectors.azure_table import row_filters, sampling, windows
from flowservice.connectors.azure_table.account import Account
from flowservice.connectors.azure_table.keys import KeyRange
from flowservice.connectors.azure_table.retries import Retries
from flowservice.connectors.azure_table.scan import Scan
from flowservice.connectors.azure_table.table_service import TableService
from flowservice.errors import Drifted, NoSuchObject
from flowservice.sdk import Batch, Cursor, Egress, Node, Reading, Sample, Selection, Split

_LOG: Final = logging.getLogger(__name__)
_NO_NAME: Final = re.compile(r"[^\w-]")
_WHERE: Final = "where"
"""Member of a split's range that holds a condition beside the keys."""
_SAMPLE_ROWS: Final = 1_000
"""What tells in which types a row filter is to be said."""


class TableSource:
    """Fills `sdk.Source`; each method's errors are those of `faults`."""

    def __init__(
        self,
        account: Account,
        *,
        egress: Egress,
        retries: Retries | None = None,
        page_rows: int = 1000,
        batch_rows: int = 8_000,
        batch_s: float = 5.0,
    ) -> None:
        self._service = TableService(account, egress=egress, retries=retries)
        self._page_rows = page_rows
        self._batch_rows = batch_rows
        self._batch_s = batch_s

    def check(self) -> None:
        """One small request; see `TableService.check`."""
        self._service.check()

    def explore(self, path: str) -> Iterator[Node]:
        """The account's tables. A table has no children. Raises NoSuchObject for any `path`."""
        if path.strip("/"):
            raise NoSuchObject(f"{path!r} is no folder: tables have no children", advice="Explore the root.")
        for name in self._service.tables():
            yield Node(kind="table", name=name, path=name)

    def sample(self, path: str, *, rows: int) -> Sample:
        """Rows from all over the table; see `sampling`."""
        return sampling.sample(self._service, _table(path), rows=rows)

    def server_time(self) -> datetime:
        """The service's clock: what it writes into `Timestamp`. One small request."""
        return self._service.clock()

    def plan(self, selection: Selection) -> Reading:
        """One split, of the selected columns, a window of a column of times, and what can be said of a row filter.

        Logs what a run should know.

        Raises NoSuchObject if the table does not exist (one request).
        """
        for warning in self._service.warnings():
            _LOG.warning("%s", warning)
        table = _table(selection.path)
        self._service.open(table, {"$top": "1"}).body()
        where = windows.condition(self._service, table, *selection.window) if selection.window else None
        said = self._said(table, selection)
        conditions = [condition for condition in (where, said.text if said else None) if condition is not None]
        keys = {**KeyRange().to_json(), **({_WHERE: " and ".join(conditions)} if conditions else {})}
        split = Split(number=0, path=selection.path, columns=selection.columns, range=keys)
        applied = {"columns": True, "window": where is not None, "filter": bool(said and said.part == selection.filter)}
        return Reading(
            splits=(split,),
            pushed_down=frozenset(name for name, is_applied in applied.items() if is_applied),
            filtered=said.part if said else None,
        )

    def _said(self, table: str, selection: Selection) -> row_filters.Said | None:
        if selection.filter is None:
            return None
        kinds = cache(lambda: row_filters.kinds_of(sampling.sample(self._service, table, rows=_SAMPLE_ROWS)))
        return row_filters.said(selection.filter, is_cosmos=self._service.account.is_cosmos, kinds=kinds)

    def read(self, split: Split, *, after: Cursor | None) -> Iterator[Batch]:
        """Batches of whole pages, one every few seconds; see `scan`. PartitionKey and RowKey always come along."""
        bounds = dict(split.range)
        where = bounds.pop(_WHERE, None)
        try:
            keys = KeyRange.from_json(bounds)
        except TypeError:
            raise Drifted("the stored split is not one of this connector", advice="Plan anew.") from None
        scan = Scan(
            service=self._service,
            table=split.path,
            columns=split.columns,
            range=keys,
            where=where,
            page_rows=self._page_rows,
            batch_rows=self._batch_rows,
            batch_s=self._batch_s,
        )
        return scan.batches(after)

    def close(self) -> None:
        """Close all connections."""
        self._service.close()


def _table(name: str) -> str:
    """`name`, if a table can have it. `Tables` is the list of tables, and `()` is how a table is asked for."""
    if _NO_NAME.search(name) or name.lower() == "tables":
        raise NoSuchObject("no table can have that name", advice="Explore the root to see the tables.")
    return name
