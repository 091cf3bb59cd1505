"""Parts of a table are taken over while it is read: each row that was there throughout comes once, whatever happens."""

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Final

import pytest

from flowservice.connectors.azure_table.keys import Key, Span, rank
from flowservice.sdk import Batch, Cursor, Division, Selection, Split
from tests.connectors.azure_table.simulated_service import FAMILIES, SimulatedService, number, source_of

SCHEDULES: Final = 500
CHUNKS: Final = 10
SAMPLED: Final = 4


def keys_in(batch: Batch) -> list[Key]:
    if not batch.rows.num_rows:
        return []
    columns = [batch.rows.column(name).to_pylist() for name in ("PartitionKey", "RowKey")]
    return list(zip(*columns, strict=True))


@dataclass
class Reader:
    """A split, what is stored of it, and the reader that goes on from there."""

    split: Split
    rows: list[Key] = field(default_factory=list)
    cursor: Cursor | None = None
    is_done: bool = False
    batches: Iterator[Batch] | None = None
    unstored: list[Key] = field(default_factory=list)
    reached: Cursor | None = None

    def store(self, *, done: bool = False) -> None:
        self.rows += self.unstored
        self.unstored = []
        self.cursor, self.is_done = self.reached or self.cursor, done


@dataclass
class Schedule:
    """One scan by several readers of a table that changes, in an order drawn by lot."""

    seed: int
    steals: int = 0

    def __post_init__(self) -> None:
        self.draw = random.Random(self.seed)
        family = list(FAMILIES.values())[self.seed % len(FAMILIES)]
        self.before = family(self.draw.choice([7, 100, 200, 300]), self.draw)
        self.service = SimulatedService(self.before, draw=random.Random(self.seed))
        self.lasting = set(self.service.keys)
        self.spare = family(50, random.Random(self.seed + 1)) + family(50, random.Random(-self.seed))
        self.open()
        selection = Selection(path="t", splits=self.draw.choice([1, 1, 1, 7]))
        self.readers = [Reader(split) for split in self.source.plan(selection).splits]

    def open(self) -> None:
        self.source = source_of(
            self.service,
            page_rows=self.draw.choice([1, 3, 10, 40]),
            batch_rows=self.draw.choice([1, 10, 40]),
            least_pages=self.draw.choice([0, 0, 2]),
            batch_s=self.draw.choice([0, 5]),
        )

    def run(self) -> Counter[Key]:
        while running := [reader for reader in self.readers if not reader.is_done]:
            reader = self.draw.choice(running)
            act = self.draw.choices(
                [self.advance, self.take, self.change, self.kill_reader, self.kill_all], [50, 40, 15, 3, 1]
            )[0]
            act(reader)
        return Counter(key for reader in self.readers for key in reader.rows)

    def advance(self, reader: Reader, *, may_end: bool = True) -> None:
        """Read a batch; store what was read, or do so later."""
        if reader.batches is None:
            reader.batches = iter(self.source.read(reader.split, after=reader.cursor))
        batch = next(reader.batches, None)
        if batch is None:
            if may_end:
                reader.store(done=True)
            return
        if batch.rows.num_rows:
            names = batch.rows.schema.names
            found = list(
                zip(*(batch.rows.column(name).to_pylist() for name in ("PartitionKey", "RowKey")), strict=True)
            )
            assert batch.rows.column(names.index("n")).to_pylist() == list(map(number, found))
            reader.unstored += found
        reader.reached = batch.resume
        if self.draw.random() < 0.5:
            reader.store()

    def take(self, reader: Reader) -> None:
        """Take a part. Meanwhile the reader goes on, and the process may end before the part is stored."""

        def go_on() -> None:
            if self.draw.random() < 0.15:
                self.advance(reader, may_end=False)

        self.service.meanwhile = go_on
        division = self.source.steal(reader.split)
        self.service.meanwhile = lambda: None
        if division is None:
            return
        self.steals += 1
        if self.draw.random() < 0.3:
            for _ in range(self.draw.randrange(6)):
                self.advance(reader, may_end=False)
            if self.draw.random() < 0.5:
                self.kill_all(reader)
                return
        self.settle(reader, division)

    def settle(self, reader: Reader, division: Division) -> None:
        reader.split = replace(reader.split, range=division.kept)
        self.readers.append(Reader(replace(reader.split, number=len(self.readers), range=division.given)))

    def change(self, reader: Reader) -> None:
        """Rows come and go; one that went may come again."""
        if self.draw.random() < 0.5 and (keys := self.service.keys):
            gone = self.draw.choice(keys)
            self.service.delete(gone)
            self.lasting.discard(gone)
        else:
            self.service.insert(self.draw.choice(self.spare))

    def kill_reader(self, reader: Reader) -> None:
        """An attempt ends, and another one begins where the stored one left off."""
        reader.batches, reader.unstored, reader.reached = None, [], reader.cursor

    def kill_all(self, reader: Reader) -> None:
        for one in self.readers:
            if not one.is_done:
                self.kill_reader(one)
        self.source.close()
        self.open()


@pytest.mark.parametrize(
    "chunk", [pytest.param(chunk, marks=pytest.mark.fuzz if chunk >= SAMPLED else ()) for chunk in range(CHUNKS)]
)
def test_rows_that_are_there_throughout_come_once_whatever_is_taken_from_whom(chunk: int) -> None:
    steals = 0
    for seed in range(chunk * SCHEDULES // CHUNKS, (chunk + 1) * SCHEDULES // CHUNKS):
        schedule = Schedule(seed)
        came = schedule.run()
        assert not (schedule.lasting - came.keys()), f"rows are missing in schedule {seed}"
        assert set(came.values()) <= {1}, f"rows came twice in schedule {seed}"
        assert came.keys() <= {*schedule.before, *schedule.spare}
        steals += schedule.steals
    assert steals > 60


def test_a_small_table_is_not_probed() -> None:
    service = SimulatedService([("p", f"{n:04d}") for n in range(5_000)])
    source = source_of(service)
    (split,) = source.plan(Selection(path="t")).splits
    assert source.steal(split) is None
    for _ in source.read(split, after=None):
        assert source.steal(split) is None
    assert service.probes == 0


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("page_rows", [1, 10, 1000])
@pytest.mark.parametrize("splits", [1, 7, 32])
def test_rows_are_the_same_whatever_the_pages_and_the_splits(family: str, page_rows: int, splits: int) -> None:
    service = SimulatedService(FAMILIES[family](300, random.Random(3)))
    source = source_of(service, page_rows=page_rows)
    planned = source.plan(Selection(path="t", splits=splits)).splits
    assert [split.number for split in planned] == list(range(len(planned)))
    assert splits / 2 < len(planned) <= splits
    read = [row for split in planned for batch in source.read(split, after=None) for row in batch.rows.to_pylist()]
    assert [(row["PartitionKey"], row["RowKey"]) for row in read] == service.keys
    assert [row["n"] for row in read] == list(map(number, service.keys))


def test_nothing_outside_of_what_a_signature_allows_is_asked_for() -> None:
    service = SimulatedService(FAMILIES["dates, sequential rows"](3_000, random.Random(1)))
    inside = service.keys[500:2_500]
    service.allowed = Span.between(inside[0], inside[-1])
    source = source_of(service, page_rows=50, batch_rows=50, least_pages=1)
    for splits in (1, 7):
        planned = list(source.plan(Selection(path="t", splits=splits)).splits)
        came, steals = [], 0
        for split in planned:
            for batch in source.read(split, after=None):
                came += keys_in(batch)
                division = source.steal(split)
                if division is not None:
                    steals += 1
                    planned.append(replace(split, number=len(planned), range=division.given))
                    split = replace(split, range=division.kept)  # noqa: PLW2901 - as the engine does
        assert sorted(came, key=rank) == inside
        assert steals
        assert all("$filter" in query for query in service.asked)


def test_few_rows_of_a_window_are_sought_in_many_splits() -> None:
    service = SimulatedService([("p", f"{n:05d}") for n in range(9_000)], looks_at=500)
    source = source_of(service, page_rows=100)
    start = datetime(2026, 3, 1, tzinfo=UTC) + timedelta(seconds=352)
    everything, few = ("Timestamp", start, None), ("Timestamp", start, start + timedelta(seconds=2))
    assert len(source.plan(Selection(path="t", window=everything)).splits) == 1
    splits = source.plan(Selection(path="t", window=few)).splits
    assert len(splits) == 32
    found = [key for split in splits for batch in source.read(split, after=None) for key in keys_in(batch)]
    assert found == [key for key in service.keys if number(key) in {352, 353}]
    assert found


def test_cosmos_is_read_by_one() -> None:
    account = replace(SimulatedService([]).account, endpoint="https://shop.table.cosmos.azure.com")
    assert account.is_cosmos
    service = SimulatedService([("p", f"{n:05d}") for n in range(3_000)], account=account)
    source = source_of(service, page_rows=10, batch_rows=10, least_pages=0)
    (split,) = source.plan(Selection(path="t", splits=7)).splits
    for _ in source.read(split, after=None):
        assert source.steal(split) is None
    assert service.probes == 0
