"""Row filters that the table service applies: none of the rows that pass is lost, and as few others as may be come."""

import base64
import math
import random
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pyarrow as pa
import pytest

from demo.azurite import Azurite
from demo.tables import TableAccount, seed
from flowservice.connectors.azure_table import edm, row_filters
from flowservice.connectors.azure_table.connection_string import parse
from flowservice.connectors.azure_table.source import TableSource
from flowservice.sdk import (
    AllOf,
    AnyOf,
    Condition,
    Literal,
    Reading,
    Relation,
    RowFilter,
    Selection,
    moment,
    parts_of,
    passing,
    to_text,
)
from tests.connectors.azure_table.odata import EPOCH, Typed, comparisons, holds, ticks
from tests.connectors.azure_table.table_server import LAPTOP
from tests.sdk.filter_oracle import passes
from tests.sdk.test_filtering import ORDERING, WORDS

R = Relation
KINDS: Final = (edm.STRING, edm.INT32, edm.INT64, edm.DOUBLE, edm.BOOLEAN, edm.DATETIME, edm.GUID, edm.BINARY)
GUID: Final = "C9DA6455-213D-42C9-9A79-3E9149A57833"
MOMENT: Final = ticks(datetime(2026, 3, 1, 12, tzinfo=UTC))
TEXTS: Final = (
    *WORDS,
    GUID,
    GUID.lower(),
    "GOLD",
    "it's",
    "a eq b",
    "\ufffd",
    "\ud7ff",
    "\ue000",
    "2026-03-01T11:59:59.9Z",
)


def value_of(kind: str, draw: random.Random) -> Typed:
    """A value of a type, often one at an edge."""
    name = kind.removeprefix("Edm.")
    match name:
        case "Int32":
            return name, draw.choice([draw.randrange(-3, 9), draw.randrange(-(2**31), 2**31), 2**31 - 1])
        case "Int64":
            return name, draw.choice([draw.randrange(-3, 9), draw.randrange(-(2**63), 2**63), 2**53 + 1, 2**53 - 1])
        case "Double":
            edges = (5.0, 5.5, -0.0, 0.1, 1e16, 1e-9, 2.0**53, math.nan, math.inf, -math.inf)
            return name, draw.choice([draw.choice(edges), draw.uniform(-9, 9), float(draw.randrange(9))])
        case "Boolean":
            return name, draw.random() < 0.5
        case "DateTime":
            at = MOMENT + draw.choice([draw.randrange(-20_000, 20_000), draw.randrange(-3, 3) * 10_000])
            return name, draw.choice([at, at, 0, draw.randrange(2_650_467_743_999_999_999)])
        case "Guid":
            return name, draw.choice([GUID, GUID.lower()])
        case "Binary":
            return name, draw.choice([b"", b"\x18\xe2\xc3", b"\xb6\xbb\x9e", b"\xd7m\xf8"])
        case _:
            return name, draw.choice(TEXTS)


def asked(column: str, relation: Relation, *values: Literal) -> Condition:
    return Condition(column=column, relation=relation, values=values)


def as_read(value: Typed) -> Any:
    """A value as a batch has it."""
    kind, content = value
    if kind == "DateTime":
        return EPOCH + timedelta(microseconds=content // 10)
    return content.lower() if kind == "Guid" else content


def near(value: Any) -> list[Literal]:
    """Literals at the edge of what a value, as a batch has it, passes."""
    if isinstance(value, bool):
        return [value, str(value).lower()]
    if isinstance(value, int | float):
        around: list[Literal] = [value - 1, value, value + 1, value + 0.5]
        text = to_text(pa.array([value])).to_pylist()[0]
        return [text, *(n for n in around if abs(float(n)) < math.inf)]
    if isinstance(value, datetime):
        steps = [timedelta(microseconds=n) for n in (-1000, -1, 0, 1, 1000)]
        moments = [(value + step).isoformat() for step in steps if value.year < 9999]
        return [*moments, value.isoformat()[:10], value.isoformat()[:19] + "Z"]
    if isinstance(value, bytes):
        return [base64.b64encode(value).decode()]
    at = [value, value + "a", value[:-1], value[:10], value[:19]]
    if (named := moment(value)) is not None:
        at.append(named.isoformat())
    return [*at, *(float(text) for text in at if re.fullmatch("[0-9]{1,9}", text))]


def filter_of(literals: Mapping[str, Sequence[Literal]], draw: random.Random, *, depth: int = 0) -> RowFilter:
    """A filter over columns, each compared with its own `literals`."""
    if depth < 2 and draw.random() < 0.4:
        parts = tuple(filter_of(literals, draw, depth=depth + 1) for _ in range(draw.choice([2, 2, 3])))
        return AllOf(parts) if draw.random() < 0.5 else AnyOf(parts)
    name = draw.choice(list(literals))
    relation = draw.choice([*ORDERING, R.EQ, R.NE, *R])
    if relation in {R.IS_NULL, R.NOT_NULL}:
        return asked(name, relation)
    if relation in {R.LIKE, R.NOT_LIKE}:
        return asked(name, relation, str(draw.choice(literals[name])) + draw.choice(["", "%", "_", "%a"]))
    several = draw.choices(literals[name], k=draw.randrange(1, 4) if relation in {R.IN, R.NOT_IN} else 1)
    if relation in ORDERING and isinstance(several[0], bool):
        relation = R.EQ
    return asked(name, relation, *several)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("promotes", [True, False])
@pytest.mark.parametrize("tries", [400, pytest.param(1_500, marks=pytest.mark.fuzz)])
def test_whatever_the_sample_said_no_row_that_passes_is_left_out(kind: str, promotes: bool, tries: int) -> None:
    draw = random.Random(f"{kind} {promotes}")
    told = 0
    for _ in range(tries):
        entities: list[dict[str, Typed]] = [
            {"PartitionKey": value_of(edm.STRING, draw), "Timestamp": value_of(edm.DATETIME, draw)} for _ in range(3)
        ]
        for entity in entities:
            if draw.random() < 0.9:
                entity["v"] = value_of(kind if draw.random() < 0.7 else draw.choice(KINDS), draw)
        rows = [{name: as_read(value) for name, value in entity.items()} for entity in entities]
        literals = {
            name: [one for row in rows if name in row for one in near(row[name])] or ["x"]
            for name in ("v", "PartitionKey", "Timestamp")
        }
        wanted = filter_of(literals, draw)
        is_cosmos = draw.random() < 0.2
        said = row_filters.said(wanted, is_cosmos=is_cosmos, kinds=lambda: {"v": frozenset({kind})})
        if said is None:
            continue
        told += 1
        assert comparisons(said.text) <= said.comparisons <= 9
        for entity, row in zip(entities, rows, strict=True):
            # What is told to be applied is weaker than the whole, and what is asked is weaker than what is told.
            assert not passes(row, wanted) or passes(row, said.part)
            assert not passes(row, said.part) or holds(said.text, entity, promotes=promotes), said.text
    assert told > tries // 5


# --- how conditions are said -----------------------------------------------------------------------------------------

TYPES: Final = {
    "city": frozenset({edm.STRING}),
    "n": frozenset({edm.INT32}),
    "long": frozenset({edm.INT64}),
    "real": frozenset({edm.DOUBLE}),
    "either": frozenset({edm.INT32, edm.DOUBLE}),
    "mixed": frozenset({edm.INT64, edm.STRING}),
    "whole": frozenset({edm.INT32, edm.INT64}),
    "yes": frozenset({edm.BOOLEAN}),
    "at": frozenset({edm.DATETIME}),
    "key": frozenset({edm.GUID}),
    "raw": frozenset({edm.BINARY}),
    "or": frozenset({edm.STRING}),
    "a b": frozenset({edm.STRING}),
    "été": frozenset({edm.STRING}),
}


def text_of(wanted: RowFilter, *, is_cosmos: bool = False) -> str | None:
    said = row_filters.said(wanted, is_cosmos=is_cosmos, kinds=lambda: TYPES)
    return said.text if said else None


@pytest.mark.parametrize(
    ("wanted", "text"),
    [
        (asked("PartitionKey", R.EQ, "it's"), "(PartitionKey eq 'it''s')"),
        (asked("PartitionKey", R.IN, "DE", "FR"), "(PartitionKey eq 'DE' or PartitionKey eq 'FR')"),
        (asked("RowKey", R.NE, "a"), "RowKey ne 'a'"),
        (asked("RowKey", R.GE, "a"), "RowKey ge 'a'"),
        (asked("RowKey", R.LIKE, "abc%"), "RowKey ge 'abc' and RowKey lt 'abd'"),
        (asked("RowKey", R.LIKE, "a_c"), "RowKey ge 'a' and RowKey lt 'b'"),
        (asked("RowKey", R.LIKE, "abc"), "RowKey eq 'abc'"),
        (asked("RowKey", R.GE, "2026-03-01"), "RowKey ge '2026-03-01'"),
        (asked("RowKey", R.LE, "2026-03-01"), "RowKey le '2026-03-01T00:00:00Z'"),
        (asked("RowKey", R.GT, "\U0001f469"), None),
        (asked("RowKey", R.EQ, "\U0001f469"), "(RowKey eq '\U0001f469')"),
        (asked("RowKey", R.GT, 7), None),
        (asked("RowKey", R.LIKE, "%abc"), None),
        (asked("RowKey", R.EQ, "a\nb"), None),
        (asked("city", R.EQ, "Ghent"), "(city eq 'Ghent')"),
        (asked("city", R.EQ, "GOLD"), "(not (city lt 'GOLD' or city gt 'GOLD'))"),
        (asked("city", R.EQ, "7"), "(not (city lt '7' or city gt '7'))"),
        (asked("city", R.NE, "Ghent"), "not (city eq 'Ghent')"),
        (asked("city", R.NOT_IN, "a", "b"), "not (city eq 'a' or city eq 'b')"),
        (asked("city", R.LT, "Ghent"), "(not (city ge 'Ghent'))"),
        (asked("city", R.LIKE, "Gh%"), "(not (city lt 'Gh' or city ge 'Gi'))"),
        (asked("city", R.IS_NULL), None),
        (asked("city", R.NOT_NULL), None),
        (asked("city", R.GT, 5), None),
        (asked("n", R.GT, 100), "not (n le 100)"),
        (asked("n", R.GE, 5.5), "not (n le 5)"),
        (asked("n", R.EQ, 5), "not (n lt 5 or n gt 5)"),
        (asked("n", R.NE, 5), "not (n eq 5)"),
        (asked("n", R.NE, 5.5), None),
        (asked("n", R.IN, 7, 3, 5), "not (n lt 3 or n gt 7)"),
        (asked("n", R.LT, 2**31), None),
        (asked("n", R.EQ, "5"), None),
        (asked("long", R.LT, 2**40), "not (long ge 1099511627776L)"),
        (asked("long", R.LT, 2**53), None),
        (asked("real", R.LE, -1), "not (real gt -1.0)"),
        (asked("real", R.GT, 0.00001), "not (real le 0.00001)"),
        (asked("real", R.GT, 1e-50), None),
        (asked("either", R.GT, 2), "not (either le 2 or either le 2.0)"),
        (asked("mixed", R.GT, 2), None),
        (asked("whole", R.GT, 2), None),
        (asked("yes", R.EQ, True), "not (yes eq false)"),
        (asked("yes", R.NE, True), "not (yes eq true)"),
        (asked("at", R.GE, "2026-03-01"), "not (at lt datetime'2026-03-01T00:00:00.000000Z')"),
        (asked("at", R.LE, "2026-03-01T12:00:00.0004Z"), "not (at ge datetime'2026-03-01T12:00:00.001000Z')"),
        (asked("at", R.LT, "9999-12-31T23:59:59.9999999Z"), None),
        (asked("at", R.GT, "1500-01-01"), None),
        (asked("at", R.LT, "0001-01-01"), None),
        (asked("at", R.NE, "2026-03-01"), None),
        (asked("Timestamp", R.LT, "2026-03-01"), "Timestamp lt datetime'2026-03-01T00:00:00.000000Z'"),
        (asked("key", R.EQ, GUID.lower()), None),
        (asked("raw", R.EQ, "AAEC"), None),
        (asked("or", R.EQ, "a"), None),
        (asked("a b", R.EQ, "a"), None),
        (asked("été", R.EQ, "a"), None),
        (asked("unseen", R.EQ, "a"), None),
    ],
)
def test_a_condition_is_said_as_far_as_it_surely_can(wanted: Condition, text: str | None) -> None:
    assert text_of(wanted) == text


def test_of_an_or_all_is_said_or_nothing_and_of_an_and_what_can_be() -> None:
    key, number, unsaid = asked("RowKey", R.GT, "a"), asked("n", R.LT, 5), asked("city", R.IS_NULL)
    assert text_of(AnyOf((key, unsaid))) is None
    assert text_of(AnyOf((key, number))) == "(RowKey gt 'a' or not (n ge 5))"
    said = row_filters.said(AllOf((unsaid, number, key)), is_cosmos=False, kinds=lambda: TYPES)
    assert said is not None
    assert (said.text, said.part) == ("not (n ge 5) and RowKey gt 'a'", AllOf((number, key)))
    half = row_filters.said(AnyOf((AllOf((unsaid, number)), key)), is_cosmos=False, kinds=lambda: TYPES)
    assert half is not None
    assert (half.text, half.part) == ("(not (n ge 5) or RowKey gt 'a')", AnyOf((number, key)))


def test_the_services_limit_of_comparisons_is_kept_and_short_parts_come_first() -> None:
    many = asked("city", R.IN, *(f"town {n}" for n in range(9)))
    few = [asked("n", R.GT, n) for n in range(3)]
    said = row_filters.said(AllOf((many, *few)), is_cosmos=False, kinds=lambda: TYPES)
    assert said is not None
    assert said.part == AllOf(tuple(few))
    assert text_of(asked("city", R.IN, *(f"town {n}" for n in range(11)))) is None
    assert text_of(asked("city", R.EQ, "x " * 4_000)) is None


def test_cosmos_is_asked_for_keys_alone_and_no_sample_is_taken() -> None:
    wanted = AllOf((asked("RowKey", R.GT, "a"), asked("n", R.LT, 5), asked("Timestamp", R.LT, "2026-03-01")))

    def never() -> Any:
        raise AssertionError("no type is needed")

    said = row_filters.said(wanted, is_cosmos=True, kinds=never)
    assert said is not None
    assert (said.text, said.part) == ("RowKey gt 'a'", asked("RowKey", R.GT, "a"))


# --- on the emulator -------------------------------------------------------------------------------------------------

TABLE: Final = "filtered"
TOWNS: Final = ("Ghent", "Gent", "GOLD", "Gh", "true", "7", "2026-03-01", "2026-03-01T12:00:00Z", "it's", "")


def entity(number: int) -> dict[str, Any]:
    at = EPOCH + timedelta(microseconds=MOMENT // 10 + (number - 60) * 250)
    made: dict[str, Any] = {
        "PartitionKey": ("a", "7", "2026-03-01", "it's")[number // 30],
        "RowKey": f"{number:04d}" if number % 2 else f"2026-03-{number % 28 + 1:02d}-{number:04d}",
        "city": TOWNS[number % len(TOWNS)],
        "n": number - 60,
        "long": str((number - 60) * 2**40 if number % 3 else number - 60),
        "long@odata.type": "Edm.Int64",
        "real": (number - 60) / 4 + 0.125,
        "yes": number % 3 == 0,
        "at": at.isoformat().replace("+00:00", "Z"),
        "at@odata.type": "Edm.DateTime",
        "key": GUID if number % 2 else GUID.lower(),
        "key@odata.type": "Edm.Guid",
        "raw": "AAEC",
        "raw@odata.type": "Edm.Binary",
        "mixed": (number, str(number), number + 0.5, number % 2 == 0)[number % 4],
    }
    for place, name in enumerate(("city", "n", "long", "real", "yes", "at")):
        if number % 11 == place:
            made.pop(name)
            made.pop(f"{name}@odata.type", None)
    return made


@pytest.fixture(scope="module")
def source(azurite: Azurite) -> Iterator[TableSource]:
    seed(TableAccount(endpoint=azurite.endpoint), TABLE, (entity(number) for number in range(120)))
    opened = TableSource(parse(azurite.connection_string), egress=LAPTOP)
    yield opened
    opened.close()


def read(source: TableSource, wanted: RowFilter | None) -> tuple[Reading, list[pa.RecordBatch]]:
    reading = source.plan(Selection(path=TABLE, filter=wanted))
    return reading, [batch.rows for split in reading.splits for batch in source.read(split, after=None)]


def rows_of(batches: list[pa.RecordBatch]) -> list[dict[str, Any]]:
    return [row for batch in batches for row in batch.to_pylist()]


def keys(rows: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return sorted((row["PartitionKey"], row["RowKey"]) for row in rows)


@pytest.fixture(scope="module")
def everything(source: TableSource) -> list[dict[str, Any]]:
    return rows_of(read(source, None)[1])


COLUMNS: Final = (
    "PartitionKey",
    "RowKey",
    "Timestamp",
    "city",
    "n",
    "long",
    "real",
    "yes",
    "at",
    "key",
    "raw",
    "mixed",
)


@pytest.mark.azurite
def test_what_is_pushed_down_and_applied_after_is_what_an_oracle_says(
    source: TableSource, everything: list[dict[str, Any]]
) -> None:
    pushed = []
    literals = {
        name: [one for row in everything[::7] for one in ([] if row[name] is None else near(row[name]))]
        for name in COLUMNS
    }

    draw = random.Random("filters")
    for _ in range(150):
        wanted = filter_of(literals, draw)
        reading, batches = read(source, wanted)
        pushed.append(reading.filtered is not None)
        expected = [row for row in everything if passes(row, wanted)]
        found = rows_of([batch.filter(passing(batch, wanted)) for batch in batches])
        assert keys(found) == keys(expected), wanted
    assert sum(pushed) > len(pushed) // 4


@pytest.mark.azurite
@pytest.mark.parametrize(
    ("wanted", "is_whole"),
    [
        (asked("PartitionKey", R.EQ, "7"), True),
        (asked("RowKey", R.LIKE, "00%"), True),
        (asked("city", R.EQ, "Ghent"), True),
        (AllOf((asked("n", R.GE, 50), asked("mixed", R.GT, 0))), False),
        (asked("mixed", R.GT, 0), False),
    ],
)
def test_the_plan_tells_which_part_the_service_applies(
    source: TableSource, everything: list[dict[str, Any]], wanted: RowFilter, is_whole: bool
) -> None:
    reading, batches = read(source, wanted)
    assert ("filter" in reading.pushed_down) is is_whole
    assert (reading.filtered == wanted) is is_whole
    rows = rows_of(batches)
    if is_whole:
        assert keys(rows) == keys([row for row in everything if passes(row, wanted)])
    elif reading.filtered is None:
        assert keys(rows) == keys(everything)
    else:
        assert reading.filtered == parts_of(wanted)[0]
        assert len(rows) < len(everything)


@pytest.mark.azurite
def test_a_filter_and_a_window_are_asked_for_together(source: TableSource, everything: list[dict[str, Any]]) -> None:
    middle = EPOCH + timedelta(microseconds=MOMENT // 10)
    wanted = AnyOf((asked("PartitionKey", R.EQ, "a"), asked("PartitionKey", R.EQ, "7")))
    reading = source.plan(Selection(path=TABLE, filter=wanted, window=("at", None, middle)))
    assert {"filter", "window"} <= reading.pushed_down
    rows = rows_of([batch.rows for split in reading.splits for batch in source.read(split, after=None)])
    expected = [r for r in everything if r["PartitionKey"] in {"a", "7"} and (r["at"] is None or r["at"] < middle)]
    assert keys(rows) == keys(expected)
