"""A storage account's tables as a source."""

import logging
import re
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from functools import cache, cached_property, partial
from typing import Final

from flowservice.connectors.azure_table import row_filters, sampling, windows
from flowservice.connectors.azure_table.account import Account
from flowservice.connectors.azure_table.check_steps import AccountCheck
from flowservice.connectors.azure_table.course import Course, Landmarks, middle_of
from flowservice.connectors.azure_table.keys import Span
from flowservice.connectors.azure_table.memory import LIMIT, Memory
from flowservice.connectors.azure_table.probing import cuts
from flowservice.connectors.azure_table.retries import ONCE, Retries
from flowservice.connectors.azure_table.scan import Scan
from flowservice.connectors.azure_table.table_service import TableService
from flowservice.errors import NoSuchObject
from flowservice.sdk import Batch, Cursor, Division, Egress, Finding, Node, Reading, Sample, Selection, Split

_LOG: Final = logging.getLogger(__name__)
_NO_NAME: Final = re.compile(r"[^\w-]")
_WHERE: Final = "where"
"""Member of a split's range that holds a condition beside the keys."""
_SAMPLE_ROWS: Final = 1_000
"""What tells in which types a row filter is to be said."""
_SPARSE_SPLITS: Final = 32
# Meanwhile nothing can be recorded of the split.
_STEAL_S: Final = 5.0


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
        least_pages: int = 5,
        memory_bytes: int = LIMIT,
        service: TableService | None = None,
    ) -> None:
        """Of a split that by its keys has fewer than `least_pages` left nothing is taken: no reader is worth that.

        `service`, if given, is asked in place of one made of what stands before it.
        """
        self._service = service or TableService(account, egress=egress, retries=retries)
        self._egress = egress
        self._page_rows = page_rows
        self._batch_rows = batch_rows
        self._batch_s = batch_s
        self._least_pages = least_pages
        self._memory = Memory(memory_bytes)
        self._courses: dict[int, Course] = {}
        """Of the newest reader of each split."""
        self._landmarks: dict[str, Landmarks] = {}
        """By table."""

    @property
    def key_columns(self) -> tuple[str, ...]:
        """Of every table."""
        return ("PartitionKey", "RowKey")

    @property
    def account_names(self) -> frozenset[str]:
        """The account's name, and the address of its tables; see `Account.names`."""
        return self._service.account.names

    def check(self) -> None:
        """One small request; see `TableService.check`."""
        self._service.check()

    def check_step(self, name: str) -> Finding:
        """One step of a check; see `check_steps`."""
        return self._account_check.take(name)

    @cached_property
    def _account_check(self) -> AccountCheck:
        return AccountCheck(self._service, self._egress, self._service.now)

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

    def change_column(self) -> str | None:
        """`Timestamp`. The Table API of Cosmos DB cannot filter by it."""
        return None if self._service.account.is_cosmos else "Timestamp"

    def plan(self, selection: Selection) -> Reading:
        """The selected columns, a window of a column of times, and what can be said of a row filter, in one split.

        Others can take parts from it. In several if that is wanted, or if few rows pass and nobody wants one: pages
        without rows do not tell how far a reader has come. The Table API of Cosmos DB sorts nothing by key, so there
        all is one split. Logs what a run should know.

        Raises NoSuchObject if the table does not exist (one request).
        """
        for warning in self._service.warnings():
            _LOG.warning("%s", warning)
        table = _table(selection.path)
        self._service.open(table, {"$top": "1", **self._allowed()}).body()
        window = windows.condition(self._service, table, selection) if selection.window else None
        said = self._said(table, selection)
        conditions = [condition for condition in (window, said.text if said else None) if condition is not None]
        where = " and ".join(conditions) or None
        applied = {
            "columns": True,
            "window": window is not None,
            "filter": bool(said and said.part == selection.filter),
        }
        wanted = selection.splits
        if wanted is None:
            wanted = _SPARSE_SPLITS if where is not None and self._is_sparse(table, where) else 1
        spans = self._parts(table, wanted)
        condition = {} if where is None else {_WHERE: where}
        splits = tuple(
            Split(
                number=number,
                path=selection.path,
                columns=selection.columns,
                range={**span.to_json(), **condition},
            )
            for number, span in enumerate(spans)
        )
        return Reading(
            splits=splits,
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
        span, where = _range(split)
        course = Course(
            span.end,
            self._landmarks.setdefault(split.path, Landmarks()),
            start=span.start if after is None else None,
        )
        scan = Scan(
            service=self._service,
            table=split.path,
            columns=split.columns,
            span=span,
            course=course,
            memory=self._memory,
            where=where,
            page_rows=self._page_rows,
            batch_rows=self._batch_rows,
            batch_s=self._batch_s,
        )
        self._courses[split.number] = course
        return _watched(scan, after)

    def steal(self, split: Split) -> Division | None:
        """Give away about half of what is left to read, in about three small requests and few seconds; see `course`."""
        course = self._courses.get(split.number)
        if course is None or self._service.account.is_cosmos:
            return None
        until = time.monotonic() + _STEAL_S
        probe = partial(self._service.first_key, split.path, retries=ONCE, until=until)
        row_bytes = course.landmarks.row_bytes
        page_rows = self._page_rows if row_bytes is None else min(self._page_rows, self._memory.rows(row_bytes))
        cut = middle_of(course, probe, least_pages=self._least_pages, page_rows=page_rows)
        if cut is None or not course.cut(cut):
            return None
        span, where = _range(split)
        condition = {} if where is None else {_WHERE: where}
        return Division(
            kept={**replace(span, end=cut).to_json(), **condition},
            given={**replace(span, start=cut).to_json(), **condition},
        )

    def close(self) -> None:
        """Close all connections."""
        self._service.close()

    def _is_sparse(self, table: str, where: str) -> bool:
        """Whether a page of what passes the condition has few rows although others follow."""
        query = {"$top": str(self._page_rows), "$select": "PartitionKey,RowKey", **self._allowed(where)}
        found, following, _ = self._service.entities(table, query)
        return following is not None and len(found) < self._page_rows / 2

    def _allowed(self, where: str | None = None) -> dict[str, str]:
        """A filter for the first of what may be read and passes a condition, if one is needed."""
        conditions = [self._service.allowed.legs()[0].filter(), where]
        condition = " and ".join(one for one in conditions if one is not None)
        return {"$filter": condition} if condition else {}

    def _parts(self, table: str, wanted: int) -> Iterator[Span]:
        """All that may be read, in about so many spans."""
        start, end = self._service.allowed.start, self._service.allowed.end
        if wanted > 1 and not self._service.account.is_cosmos:
            probe = partial(self._service.first_key, table)
            for cut in cuts(probe, self._service.allowed, wanted=wanted - 1):
                yield Span(start=start, end=cut)
                start = cut
        yield Span(start=start, end=end)


def _watched(scan: Scan, after: Cursor | None) -> Iterator[Batch]:
    """The batches of a scan, whose course ends with them."""
    try:
        with scan.memory.shared():
            yield from scan.batches(after)
    finally:
        scan.course.finish()


def _range(split: Split) -> tuple[Span, str | None]:
    """Keys and condition of a split. Raises Drifted."""
    keys = dict(split.range)
    where = keys.pop(_WHERE, None)
    return Span.from_json(keys), where


def _table(name: str) -> str:
    """`name`, if a table can have it. `Tables` is the list of tables, and `()` is how a table is asked for."""
    if _NO_NAME.search(name) or name.lower() == "tables":
        raise NoSuchObject("no table can have that name", advice="Explore the root to see the tables.")
    return name
