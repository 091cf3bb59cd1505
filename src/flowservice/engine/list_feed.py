"""Lists that are put together from several mappings: item by item (`list[*].field`), or by number (`list[0].field`)."""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl
import pyarrow as pa

from flowservice.domain.expressions.kinds import Scalar
from flowservice.domain.xdm_arrow import arrow_type
from flowservice.domain.xdm_tree import ArrayField
from flowservice.engine.assembly import values_of
from flowservice.engine.expressions.column import rows_of
from flowservice.engine.expressions.landing import landed
from flowservice.engine.feed import Feed, Rows, iterates, spread
from flowservice.engine.validation import leaves_of
from flowservice.errors import BadMapping

Lost = tuple[Feed, pa.BooleanArray | None]
"""A mapping, and the rows in which it lost a value."""


@dataclass(frozen=True, slots=True)
class ListFeed:
    """The mappings that feed the items of the list at `path`, all in one way."""

    path: str
    node: ArrayField
    feeds: tuple[Feed, ...]

    def values(self, rows: Rows) -> tuple[pa.Array, tuple[Lost, ...]]:
        """The lists, and what each mapping lost. Raises BadMapping where kinds do not fit each other or the field."""
        return self._each(rows) if self.feeds[0].in_each else self._numbered(rows)

    def check(self, rows: Rows) -> None:
        """Return if some mapping may give arrays, which tell how many items there are. Raises BadMapping."""
        if not self.feeds[0].in_each:
            return
        columns = [feed.computed(rows) for feed in self.feeds]
        if not any(iterates(column) or column.kind is Scalar.NULL for column in columns):
            raise BadMapping(
                f"nothing that is mapped to {self.path[:200]}[*] gives an array",
                advice=f"Map an array, such as orders[*].id, or feed a single item: {self.path[:200]}[0].",
            )

    def _numbered(self, rows: Rows) -> tuple[pa.Array, tuple[Lost, ...]]:
        height = rows.batch.num_rows
        columns: dict[int, dict[str, pa.Array]] = {}
        lost: list[Lost] = []
        for feed in self.feeds:
            assert feed.place.item is not None
            made, failed = spread(feed.place.below, feed.node, feed.computed(rows), feed.covered)
            columns.setdefault(feed.place.item, {}).update(made)
            lost.append((feed, failed))
        items = [
            values_of(self.node.items, self._item_type, columns.get(number, {}), height)
            for number in range(max(columns) + 1)
        ]
        # No list ends in an item without a value.
        ends = {str(at): pl.Series(item.is_valid()).cast(pl.Int64) * (at + 1) for at, item in enumerate(items)}
        lens = pl.DataFrame(ends).max_horizontal()
        of = rows_of(lens)
        values = pa.concat_arrays(items).take((_places(lens, of) * height + of).to_arrow())
        return self._lists(values, lens, lens == 0), tuple(lost)

    def _each(self, rows: Rows) -> tuple[pa.Array, tuple[Lost, ...]]:
        made = [feed.computed(rows) for feed in self.feeds]
        arrays = [
            landed(column, ArrayField(items=feed.node)) if iterates(column) else None
            for feed, column in zip(self.feeds, made, strict=True)
        ]
        lens, none = _longest([each.values for each in arrays if each is not None], rows.batch.num_rows)
        of = rows_of(lens)
        places = _places(lens, of)
        columns: dict[str, pa.Array] = {}
        lost: list[Lost] = []
        for feed, column, each in zip(self.feeds, made, arrays, strict=True):
            if each is None:
                # The same in each item of its row.
                parts, failed = spread(feed.place.below, feed.node, column, feed.covered)
                columns |= {path: part.take(of.to_arrow()) for path, part in parts.items()}
            else:
                of_items, failed = (
                    leaves_of(feed.node, _taken(each.values, of, places), feed.place.below),
                    each.lost_rows,
                )
                columns |= {path: part for path, part in of_items if path not in feed.covered}
            lost.append((feed, failed))
        values = values_of(self.node.items, self._item_type, columns, len(of))
        return self._lists(values, lens, none), tuple(lost)

    @property
    def _item_type(self) -> pa.DataType:
        kind = arrow_type(self.node.items)
        assert kind is not None  # something is fed below it
        return kind

    def _lists(self, values: pa.Array, lens: pl.Series, none: pl.Series) -> pa.Array:
        offsets = pl.concat([pl.Series([0], dtype=pl.Int64), lens.cum_sum().cast(pl.Int64)]).cast(pl.Int32).to_arrow()
        mask = none.to_arrow(compat_level=pl.CompatLevel.oldest()) if none.any() else None
        return pa.ListArray.from_arrays(offsets, values, mask=mask).cast(arrow_type(self.node))


def _longest(lists: Sequence[pa.Array], height: int) -> tuple[pl.Series, pl.Series]:
    """How many items the longest of each row's lists has, and the rows in which all lists are null."""
    lens = [pl.Series(each.value_lengths()).cast(pl.Int64).fill_null(0) for each in lists]
    none = [pl.Series(each.is_null()) for each in lists]
    if not lists:
        return pl.repeat(0, height, dtype=pl.Int64, eager=True), pl.repeat(value=True, n=height, eager=True)
    return (
        pl.DataFrame({str(at): each for at, each in enumerate(lens)}).max_horizontal(),
        pl.DataFrame({str(at): each for at, each in enumerate(none)}).min_horizontal(),
    )


def _places(lens: pl.Series, of: pl.Series) -> pl.Series:
    """The place of each item in its list, from 0."""
    starts = lens.cum_sum() - lens
    return pl.int_range(len(of), eager=True) - starts.gather(of)


def _taken(lists: pa.Array, of: pl.Series, places: pl.Series) -> pa.Array:
    """The item at each of these places of the rows that are told; null beyond the end of a row's list."""
    lens = pl.Series(lists.value_lengths()).cast(pl.Int64).fill_null(0)
    starts = lens.cum_sum() - lens
    inside = pl.lit(places < lens.gather(of))
    return lists.flatten().take(
        pl.select(pl.when(inside).then(pl.lit(starts.gather(of) + places))).to_series().to_arrow()
    )
