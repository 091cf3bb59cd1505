"""The sample tables as a source."""

from collections.abc import Iterator
from typing import Final

import pyarrow as pa

from flowservice.connectors.sample.tables import TABLES, Table
from flowservice.errors import NoSuchObject, SourceError
from flowservice.sdk import Batch, CheckStep, Cursor, Finding, Node, Reading, Sample, Selection, Split

STEPS: Final = (CheckStep(name="make-rows", title="Make the rows"),)
_BATCH_ROWS: Final = 500
_KEY: Final = "id"


class SampleSource:
    """Fills `sdk.Source` without a request to anybody. The engine puts windows and row filters to the rows."""

    @property
    def key_columns(self) -> tuple[str, ...]:
        """Of every table."""
        return (_KEY,)

    @property
    def account_names(self) -> frozenset[str]:
        """All accounts of sample data read the same rows. Azure has no account of such a name."""
        return frozenset({"built-in sample data"})

    def check(self) -> None:
        """There is nothing to reach."""

    def check_step(self, name: str) -> Finding:
        """Make every table. Raises SourceError for a step that is not among `STEPS`."""
        if name not in {step.name for step in STEPS}:
            raise SourceError(f"there is no step {name!r}", advice="Take the steps that the spec declares.")
        rows = sum(made().rows for made in TABLES.values())
        return Finding(message=f"{len(TABLES)} tables with {rows:,} rows are there.")

    def explore(self, path: str) -> Iterator[Node]:
        """The tables. A table has no children. Raises NoSuchObject for any `path`."""
        if path.strip("/"):
            raise NoSuchObject(f"{path!r} is no folder: tables have no children", advice="Explore the root.")
        for name in TABLES:
            yield Node(kind="table", name=name, path=name)

    def sample(self, path: str, *, rows: int) -> Sample:
        """Rows from all over the table, evenly taken. Raises NoSuchObject."""
        return _table(path).spread(rows)

    def plan(self, selection: Selection) -> Reading:
        """One split: the columns. Raises NoSuchObject."""
        _table(selection.path)
        split = Split(number=0, path=selection.path, columns=selection.columns, range={})
        return Reading(splits=(split,), pushed_down=frozenset({"columns"}))

    def read(self, split: Split, *, after: Cursor | None) -> Iterator[Batch]:
        """Rows in the order of the table. The key always comes along."""
        table = _table(split.path)
        wanted = None if split.columns is None else {_KEY, *split.columns}
        for start in range(0 if after is None else int(after["row"]), table.rows, _BATCH_ROWS):
            rows: pa.RecordBatch = table.batch(start, _BATCH_ROWS, wanted)
            yield Batch(rows=rows, resume={"row": start + rows.num_rows})

    def close(self) -> None:
        """Nothing is open."""


def _table(name: str) -> Table:
    if name not in TABLES:
        raise NoSuchObject(f"there is no sample table {name[:80]!r}", advice=f"Read one of {', '.join(TABLES)}.")
    return TABLES[name]()
