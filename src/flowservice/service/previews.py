"""Rows of a table that are shown before anything is made of it."""

import time
from collections.abc import Callable, Generator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from typing import Final

import pyarrow as pa

from flowservice.sdk import Keyed, RowFilter, Sample, Selection, Source, columns_of, passing, to_text
from flowservice.service.row_filters import check_types
from flowservice.service.source_columns import sampled

SHOWN_ROWS: Final = 100
_SAMPLE_ROWS: Final = 1_000
_LONGEST_S: Final = 10.0
_MOST_READ: Final = 50_000
"""Rows; with the time, what a client waits for. A source that filters by itself reads on beyond that many unseen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """A sample, and up to `SHOWN_ROWS` rows to show, in parts that may type a column differently."""

    sample: Sample
    rows: tuple[pa.Table, ...] = ()
    key_columns: tuple[str, ...] = ()
    """By which the source itself tells rows apart; none where it does not say."""


def sampled_table(source: Source, path: str, wanted: RowFilter | None) -> Sample:
    """A sample of the whole table, in which `wanted` makes sense.

    Raises NoSuchObject, UnknownColumn, FilterValueType.
    """
    sample = source.sample(path, rows=_SAMPLE_ROWS)
    if wanted is not None:
        known = sampled(source, path, columns_of(wanted), first=sample)
        known.check(path)
        check_types(wanted, known)
    return sample


def key_columns(source: Source) -> tuple[str, ...]:
    """The columns by which it tells rows apart; none where it does not say."""
    return source.key_columns if isinstance(source, Keyed) else ()


def preview(
    source: Source, path: str, wanted: RowFilter | None, *, clock: Callable[[], float] = time.monotonic
) -> Preview:
    """The first rows of a sample; with a filter, rows that pass it: of the sample, else found by reading the table.

    A table in which few rows pass may be too large to find them all: then those are shown that were found in about
    ten seconds. Raises as `sampled_table`.
    """
    sample = sampled_table(source, path, wanted)
    keys = key_columns(source)
    if wanted is None:
        return Preview(sample=sample, rows=(_first(sample.rows, SHOWN_ROWS),), key_columns=keys)
    of_sample = _first(sample.rows.filter(passing(sample.rows, wanted)), SHOWN_ROWS)
    if of_sample.num_rows == SHOWN_ROWS:
        return Preview(sample=sample, rows=(of_sample,), key_columns=keys)
    read = _read(source, path, wanted, until=clock() + _LONGEST_S, clock=clock)
    if sum(part.num_rows for part in read) <= of_sample.num_rows:
        return Preview(sample=sample, rows=(of_sample,), key_columns=keys)
    return Preview(sample=sample, rows=tuple(_as_sampled(part, sample) for part in read), key_columns=keys)


def _read(source: Source, path: str, wanted: RowFilter, *, until: float, clock: Callable[[], float]) -> list[pa.Table]:
    found: list[pa.Table] = []
    left, read = SHOWN_ROWS, 0
    for split in source.plan(Selection(path=path, filter=wanted, splits=1)).splits:
        with ExitStack() as stack:
            batches = source.read(split, after=None)
            if isinstance(batches, Generator):
                stack.enter_context(closing(batches))
            for batch in batches:
                read += batch.rows.num_rows
                rows = pa.Table.from_batches([batch.rows])
                passed = _first(rows.filter(passing(rows, wanted)), left)
                if passed.num_rows:
                    found.append(passed)
                    left -= passed.num_rows
                if not left or read >= _MOST_READ or clock() >= until:
                    return found
    return found


def _first(rows: pa.Table, number: int) -> pa.Table:
    # A slice of a table without columns has as many rows as it is asked for.
    return rows.slice(0, min(number, rows.num_rows))


def _as_sampled(rows: pa.Table, sample: Sample) -> pa.Table:
    """`rows` with text where the sample has text: one column is shown in one way."""
    for place, field in enumerate(rows.schema):
        known = sample.rows.schema.get_field_index(field.name)
        if known >= 0 and pa.types.is_string(sample.rows.schema.field(known).type) and field.type != pa.string():
            rows = rows.set_column(place, field.name, to_text(rows.column(place)))
    return rows
