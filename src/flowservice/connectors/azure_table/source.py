"""A storage account's tables as a source."""

import re
from collections.abc import Iterator
from typing import Final

from flowservice.connectors.azure_table import sampling
from flowservice.connectors.azure_table.connection_string import Account
from flowservice.connectors.azure_table.keys import KeyRange
from flowservice.connectors.azure_table.retries import Retries
from flowservice.connectors.azure_table.scan import Scan
from flowservice.connectors.azure_table.table_service import TableService
from flowservice.errors import Drifted, NoSuchObject
from flowservice.sdk import Batch, Cursor, Egress, Node, Reading, Sample, Selection, Split

_NO_NAME: Final = re.compile(r"[^\w-]")


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
    ) -> None:
        self._service = TableService(account, egress=egress, retries=retries)
        self._page_rows = page_rows
        self._batch_rows = batch_rows

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

    def plan(self, selection: Selection) -> Reading:
        """One split, of the selected columns. Raises NoSuchObject if the table does not exist (one request)."""
        self._service.open(_table(selection.path), {"$top": "1"}).body()
        split = Split(number=0, path=selection.path, columns=selection.columns, range=KeyRange().to_json())
        return Reading(splits=(split,), pushed_down=frozenset({"columns"}))

    def read(self, split: Split, *, after: Cursor | None) -> Iterator[Batch]:
        """Batches of whole pages; see `scan`. PartitionKey and RowKey always come along."""
        try:
            keys = KeyRange.from_json(split.range)
        except TypeError:
            raise Drifted("the stored split is not one of this connector", advice="Plan anew.") from None
        scan = Scan(
            service=self._service,
            table=split.path,
            columns=split.columns,
            range=keys,
            page_rows=self._page_rows,
            batch_rows=self._batch_rows,
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
