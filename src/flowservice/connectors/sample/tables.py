"""The tables of sample data: the same rows each time, made column by column when they are first asked for.

Everybody in them is invented, and so are their towns. What is wrong in them on purpose is what stands out of the
ordinary in `odd`, and the rows that are named beside the columns.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cache
from typing import Final

import polars as pl
import pyarrow as pa

from flowservice.sdk import SOURCE_TYPE, MixedColumn, Sample, to_text

TEXT: Final = "text"
INTEGER: Final = "integer"
DECIMAL: Final = "decimal"
TRUTH: Final = "boolean"
TIME: Final = "time"
_ARROW: Final[Mapping[str, pa.DataType]] = {
    TEXT: pa.string(),
    INTEGER: pa.int64(),
    DECIMAL: pa.float64(),
    TRUTH: pa.bool_(),
    TIME: pa.timestamp("us", tz="UTC"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column: its name, the type of most of its values, and these."""

    name: str
    kind: str
    values: pl.Series
    odd: Mapping[int, str] = field(default_factory=dict)
    """Texts that stand in place of the value of some rows, whatever the column's type."""

    def at(self, places: pl.Series) -> tuple[pa.Field, pa.Array, frozenset[str]]:
        """The values of some rows, and the types that they have: text as soon as one of them is."""
        values = _array(self.values.gather(places), self.kind)
        is_odd = places.is_in(list(self.odd))
        if not is_odd.any():
            return self._field(self.kind), values, frozenset({self.kind})
        texts = [self.odd[place] for place in places.filter(is_odd)]
        changed = pl.Series(to_text(values)).scatter(is_odd.arg_true(), texts)
        return self._field(TEXT), _array(changed, TEXT), frozenset({self.kind, TEXT})

    def _field(self, kind: str) -> pa.Field:
        return pa.field(self.name, _ARROW[kind], metadata={SOURCE_TYPE: kind})


def _array(values: pl.Series, kind: str) -> pa.Array:
    return values.to_arrow(compat_level=pl.CompatLevel.oldest()).cast(_ARROW[kind])


@dataclass(frozen=True, slots=True)
class Table:
    """Columns of one length."""

    columns: Sequence[Column]

    @property
    def rows(self) -> int:
        """How many there are."""
        return len(self.columns[0].values)

    def batch(self, start: int, rows: int, wanted: Collection[str] | None) -> pa.RecordBatch:
        """So many rows from `start` on, fewer at the end, of the columns that are wanted (None: all)."""
        places = pl.int_range(start, min(start + rows, self.rows), eager=True)
        found = [column.at(places) for column in self.columns if wanted is None or column.name in wanted]
        schema = pa.schema([about for about, _, _ in found])
        return pa.RecordBatch.from_arrays([values for _, values, _ in found], schema=schema)

    def spread(self, rows: int) -> Sample:
        """So many rows from all over the table, fewer if it has no more, in its order."""
        taken = min(rows, self.rows)
        places = pl.int_range(taken, eager=True) * self.rows // max(taken, 1)
        found = [column.at(places) for column in self.columns]
        mixed = (
            MixedColumn(name=about.name, seen=tuple(sorted(seen)), widened_to=TEXT)
            for about, _, seen in found
            if len(seen) > 1
        )
        schema = pa.schema([about for about, _, _ in found])
        return Sample(rows=pa.Table.from_arrays([values for _, values, _ in found], schema=schema), mixed=tuple(mixed))


_FIRST_NAMES: Final = (
    *("Adelis", "Borin", "Calvia", "Dorrek", "Elspa", "Farrow", "Gunda", "Hesper", "Ilvane", "Jorrit", "Kaelis"),
    *("Lunet", "Merek", "Nadira", "Osric", "Petra", "Quillon", "Rosamel", "Sorrel", "Tamsin", "Ulric", "Vesna"),
    *("Wystan", "Xanthe", "Yorick", "Zelda"),
)
_LAST_NAMES: Final = (
    *("Ashgrove", "Brackwater", "Coldbrook", "Dunmarrow", "Eastervale", "Fernhollow", "Greywillow", "Harrowgate"),
    *("Ironquill", "Juniperley", "Kestrelby", "Larkenshaw", "Mossbridge", "Nettlefield", "Oakenrill", "Pebblewick"),
    *("Quarrowmere", "Ravenscombe", "Silverthorn", "Thistledown", "Underhay", "Vinterberg", "Wrenfordham"),
)
_TOWNS: Final = (
    "Port Ellery",
    "Lower Quenby",
    "Saltmarrow",
    "New Thessaly",
    "Gullhaven",
    "Mirrow-on-Tarn",
    "Ostrel Bay",
)
_COUNTRIES: Final = ("NL", "DE", "SE", "IT", "PT")
_THINGS: Final = ("Kettle", "Lantern", "Notebook", "Rucksack", "Scarf", "Teapot", "Umbrella", "Writing desk")
_MAKES: Final = ("Plain", "Travel", "Deluxe")
_CATEGORIES: Final = ("Kitchen", "Outdoors", "Office")
_COUPONS: Final = ("SPRING10", "WELCOME", "FREESHIP")

_WITHOUT_EMAIL: Final = (57, 411, 803)
_SAME_EMAIL: Final = 250
"""Its e-mail is that of the customer before."""
_TWO_TO_THE_32: Final = 2**32
_N: Final = pl.col("n")


def _drawn(seed: int, below: int) -> pl.Expr:
    """A number from 0 on for each row: the same each time, without a pattern that one sees."""
    mixed = _N + seed * 1_000_003
    for _ in range(2):
        # A published mixing function of 32 bits: each bit that goes in changes half of those that come out.
        mixed = ((mixed ^ (mixed // 65_536)) * 0x45D9F3B) % _TWO_TO_THE_32
    return (mixed ^ (mixed // 65_536)) % below


def _picked(words: Sequence[str], place: pl.Expr) -> pl.Expr:
    return pl.lit(pl.Series(words)).gather(place)


def _number(prefix: str, digits: int, place: pl.Expr = _N) -> pl.Expr:
    """Ids such as `C0001`, counted from 1."""
    return pl.lit(prefix) + (place + 1).cast(pl.String).str.zfill(digits)


def _moment(start: datetime, minutes: pl.Expr) -> pl.Expr:
    return pl.lit(start) + pl.duration(minutes=minutes, time_unit="us")


def _made(rows: int, columns: Iterable[tuple[str, str, pl.Expr]], odd: Mapping[str, Mapping[int, str]]) -> Table:
    """A table of columns, each computed over the numbers of the rows and the columns before it."""
    told = tuple(columns)
    frame = pl.DataFrame({"n": pl.int_range(rows, eager=True)})
    for name, _, values in told:
        frame = frame.with_columns(values.alias(name))
    return Table([Column(name=name, kind=kind, values=frame[name], odd=odd.get(name, {})) for name, kind, _ in told])


@cache
def customers() -> Table:
    """1,000 people.

    Three have no e-mail, and one that of another; three birth dates cannot be read, and three loyalty points are words.
    """
    named = pl.when(_N == _SAME_EMAIL).then(_N - 1).otherwise(_N)
    address = pl.col("firstName") + "." + pl.col("lastName")
    email = (address.gather(named) + (named + 1).cast(pl.String) + "@example.com").str.to_lowercase()
    born = pl.lit(date(1940, 1, 1)) + pl.duration(days=_drawn(3, 24_000), time_unit="us")
    return _made(
        1_000,
        (
            ("id", TEXT, _number("C", 4)),
            ("firstName", TEXT, _picked(_FIRST_NAMES, _drawn(1, len(_FIRST_NAMES)))),
            ("lastName", TEXT, _picked(_LAST_NAMES, _drawn(2, len(_LAST_NAMES)))),
            ("email", TEXT, pl.when(~_N.is_in(_WITHOUT_EMAIL)).then(email)),
            ("birthDate", TEXT, pl.when(_drawn(4, 12) > 0).then(born.dt.to_string("%Y-%m-%d"))),
            ("town", TEXT, _picked(_TOWNS, _drawn(5, len(_TOWNS)))),
            ("country", TEXT, _picked(_COUNTRIES, _drawn(6, len(_COUNTRIES)))),
            ("newsletter", TRUTH, pl.when(_drawn(7, 20) > 0).then(_drawn(8, 3) > 0)),
            ("loyaltyPoints", INTEGER, _drawn(9, 2_500)),
            ("registeredAt", TIME, _moment(datetime(2021, 1, 1, tzinfo=UTC), _N * 2_000 + _drawn(10, 2_000))),
        ),
        {
            "birthDate": {120: "31.02.1990", 402: "1985-13-01", 777: "unknown"},
            "loyaltyPoints": {17: "none", 333: "1.2k", 871: "n/a"},
        },
    )


@cache
def orders() -> Table:
    """5,000 orders of these customers, from January to December 2025, each placed later than the one before.

    Two of their quantities are words, which no sample of a thousand rows comes upon.
    """
    placed = _moment(datetime(2025, 1, 1, tzinfo=UTC), _N * 100 + _drawn(5, 100))
    product = _drawn(2, len(_MAKES) * len(_THINGS))
    is_delivered = pl.col("status") == "delivered"
    return _made(
        5_000,
        (
            ("id", TEXT, _number("O", 5)),
            ("customerId", TEXT, _number("C", 4, _drawn(1, 1_000))),
            ("productId", TEXT, _number("P", 2, product)),
            ("quantity", INTEGER, _drawn(3, 4) + 1),
            ("unitPrice", DECIMAL, _price(product)),
            ("coupon", TEXT, pl.when(_drawn(6, 7) == 0).then(_picked(_COUPONS, _drawn(7, len(_COUPONS))))),
            ("status", TEXT, _picked(("delivered",) * 7 + ("cancelled", "returned", "shipped"), _drawn(4, 10))),
            ("placedAt", TIME, placed),
            (
                "deliveredAt",
                TIME,
                pl.when(is_delivered).then(pl.col("placedAt") + pl.duration(hours=_drawn(8, 96) + 20)),
            ),
        ),
        {"quantity": {1_203: "two", 3_999: "1 box"}},
    )


@cache
def products() -> Table:
    """24 things that can be ordered."""
    make, thing = _N // len(_THINGS), _N % len(_THINGS)
    return _made(
        len(_MAKES) * len(_THINGS),
        (
            ("id", TEXT, _number("P", 2)),
            ("name", TEXT, _picked(_MAKES, make) + " " + _picked(_THINGS, thing).str.to_lowercase()),
            ("category", TEXT, _picked(_CATEGORIES, thing % len(_CATEGORIES))),
            ("price", DECIMAL, _price(_N)),
            ("isSold", TRUTH, _drawn(2, 6) > 0),
            ("changedAt", TIME, _moment(datetime(2024, 6, 1, tzinfo=UTC), _N * 1_440 * 7)),
        ),
        {},
    )


def _price(product: pl.Expr) -> pl.Expr:
    return (product * 325 % 4_000 + 495) / 100


TABLES: Final[Mapping[str, Callable[[], Table]]] = {"customers": customers, "orders": orders, "products": products}
