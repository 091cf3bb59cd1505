"""Source rows to rows of an XDM schema: mapped, coerced and validated, a batch at a time."""

import json
from collections.abc import Iterator, Sequence
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from flowservice.domain.mapping import MappingKind, MappingVersion
from flowservice.domain.run import Tally
from flowservice.domain.xdm_arrow import arrow_schema
from flowservice.domain.xdm_patterns import check_patterns
from flowservice.domain.xdm_tree import ObjectField, kind_of
from flowservice.domain.xdm_types import XdmType
from flowservice.engine.assembly import assembled
from flowservice.engine.feed import Feed, Rows
from flowservice.engine.list_feed import ListFeed, Lost
from flowservice.engine.mapping_faults import faults, feeds_of
from flowservice.engine.row_mapper import REJECTS, Mapped
from flowservice.engine.validation import Columns, Violation, violations
from flowservice.sdk import to_text

CONVERSION_FAILED: Final = "MAPPER-3700-400"
KEYLESS: Final = "key-missing"
"""Code of rows without a value in a field by which rows are upserted."""
_SHOWN_SOURCE: Final = 200
"""Characters of an expression in a warning."""
_SHOWN_LENGTH: Final = 1000
"""Characters of a rejected value; the row beside it has it whole."""


class Mapper:
    """One version of a mapping set, compiled for one schema. Stateless: any thread may call `apply`.

    `schema` is the whole landed schema; fields that nothing feeds are null. `source_columns` are those it reads.
    """

    def __init__(self, version: MappingVersion, tree: ObjectField, *, keys: tuple[str, ...] = ()) -> None:
        """Rows without a value in one of `keys` are rejected.

        Raises BadMapping, and BadSchema for a pattern that cannot be matched.
        """
        version.check(tree)
        for fault in faults(version, tree):
            if fault is not None:
                raise fault
        version.check_keys(keys)
        check_patterns(tree)
        self._tree = tree
        self._keys = keys
        self._feeds, self._lists = feeds_of(version.mappings, tree)
        self.schema: pa.Schema = arrow_schema(tree)
        self.source_columns: tuple[str, ...] = version.source_columns
        self._origins = _origins(self._feeds, self._lists)

    def apply(self, batch: pa.RecordBatch) -> Mapped:
        """Map every row. A column that the batch lacks is null in all of its rows."""
        columns: dict[str, pa.Array] = {}
        lost: list[Lost] = []
        rows = Rows(batch)
        for feed in self._feeds:
            made, failed = feed.columns(rows)
            columns |= made
            lost.append((feed, failed))
        for feeds in self._lists:
            columns[feeds.path], failures = feeds.values(rows)
            lost += failures
        return self._told(batch, columns, [(feed, failed) for feed, failed in lost if failed is not None])

    def _told(self, batch: pa.RecordBatch, columns: Columns, lost: Sequence[tuple[Feed, pa.BooleanArray]]) -> Mapped:
        """What lands and what is rejected, with reasons. `lost` are the rows in which mappings lost values."""
        warned = [(_warning(feed, batch, rows.true_count), rows) for feed, rows in lost if not feed.mapping.rejects]
        broken = (
            *(_unmapped(feed, failed) for feed, failed in lost if feed.mapping.rejects),
            *_keyless(self._keys, columns),
            *violations(self._tree, columns, rows=batch.num_rows),
        )
        mapped = assembled(self._tree, self.schema, columns, batch.num_rows)
        rows = pa.Table.from_arrays(mapped, schema=self.schema)
        rejects, kept = REJECTS.empty_table(), None
        if broken:
            rejected = broken[0].rows
            for violation in broken[1:]:
                rejected = pc.or_(rejected, violation.rows)
            kept = pc.invert(rejected)
            rows = rows.filter(kept)
            rejects = _rejects(batch, broken, pc.indices_nonzero(rejected), self._origins)
        rejections = [Tally(code=v.code, field=v.field, message=v.message, count=v.rows.true_count) for v in broken]
        return Mapped(
            rows=rows,
            rejects=rejects,
            warnings=tuple(warning for warning, _ in warned),
            rejections=tuple(rejections),
            kept=kept,
            traced=(*warned, *zip(rejections, (violation.rows for violation in broken), strict=True)),
        )


def _origins(feeds: Sequence[Feed], lists: Sequence[ListFeed]) -> dict[str, str]:
    """The first column that each destination is made of, where there is one."""
    every = (*feeds, *(feed for of_list in lists for feed in of_list.feeds))
    named = ((feed.mapping.destination, feed.column or next(iter(feed.reads), None)) for feed in every)
    return {path: column for path, column in named if column is not None}


def _keyless(keys: tuple[str, ...], columns: Columns) -> Iterator[Violation]:
    for key in keys:
        rows = columns[key].is_null()
        if rows.true_count:
            message = "a key field is missing or null: nobody could tell which row is meant"
            yield Violation(code=KEYLESS, field=key, message=message, rows=rows)


def _unmapped(feed: Feed, rows: pa.BooleanArray) -> Violation:
    """Rows that a mapping rejects for what it could not map. It never quotes the value."""
    source = feed.mapping.source[:_SHOWN_SOURCE]
    message = f"{source!r} gives no value of the field's type here, and the mapping rejects such rows"
    return Violation(code=CONVERSION_FAILED, field=feed.mapping.destination, message=message, rows=rows)


_WORDS: Final = {XdmType.INT: "INTEGER", XdmType.DATE_TIME: "DATETIME"}


def _warning(feed: Feed, batch: pa.RecordBatch, count: int) -> Tally:
    """The form in which clients of Data Prep look for the paths and types. It never quotes the value."""
    path = feed.mapping.destination
    kind = kind_of(feed.node)
    expected = _WORDS.get(kind, kind.value.upper())
    actual = "STRING" if feed.column is None else _word(batch.schema.field(feed.column).type)
    is_constant = feed.mapping.kind is MappingKind.STATIC
    origin = feed.column or ("(constant)" if is_constant else feed.mapping.source[:_SHOWN_SOURCE])
    message = (
        f"Data conversion failed at destination path {path}. The expected data type was: {expected}, "
        f"actual data type was: {actual}. Check the value. sourceField: {origin} destinationField: {path}"
    )
    return Tally(code=CONVERSION_FAILED, field=path, message=message, count=count)


def _word(source: pa.DataType) -> str:
    words = (
        (pa.types.is_integer, "LONG"),
        (pa.types.is_floating, "NUMBER"),
        (pa.types.is_boolean, "BOOLEAN"),
        (pa.types.is_timestamp, "DATETIME"),
        (pa.types.is_date, "DATE"),
        (pa.types.is_nested, "OBJECT"),
        (pa.types.is_binary, "BINARY"),
    )
    return next((word for is_kind, word in words if is_kind(source)), "STRING")


def _rejects(
    batch: pa.RecordBatch, broken: Sequence[Violation], at: pa.UInt64Array, origins: dict[str, str]
) -> pa.Table:
    """The rejected rows. Python walks these alone; a table has few of them or the run fails."""
    source = batch.take(at)
    texts = {name: _texts(source.column(name)) for name in sorted(source.schema.names)}
    reasons = [violation.rows.take(at).to_pylist() for violation in broken]
    out: list[dict[str, str | None]] = []
    for row in range(len(at)):
        mine = [violation for violation, rows in zip(broken, reasons, strict=True) if rows[row]]
        origin = origins.get(mine[0].field)
        shown = {name: text for name, values in texts.items() if (text := values[row]) is not None}
        out.append(
            {
                "code": mine[0].code,
                "field": mine[0].field,
                "message": "; ".join(f"{violation.field}: {violation.message}" for violation in mine),
                "value": (shown.get(origin) or "")[:_SHOWN_LENGTH] if origin in shown else None,
                # Canonical text throughout: a row reads the same whether its batch was typed or mixed.
                "row": json.dumps(shown, ensure_ascii=False),
            }
        )
    return pa.Table.from_pylist(out, schema=REJECTS)


def _texts(values: pa.Array) -> list[str | None]:
    if pa.types.is_nested(values.type):
        return [None if value is None else json.dumps(value, default=str) for value in values.to_pylist()]
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    texts: list[str | None] = to_text(values).to_pylist()
    return texts
