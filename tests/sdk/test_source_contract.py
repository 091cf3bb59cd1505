"""The contract suite itself, on the smallest source there is."""

from collections.abc import Iterator

import pyarrow as pa
import pytest

from flowservice.errors import NoSuchObject
from flowservice.sdk import (
    SOURCE_TYPE,
    Batch,
    Cursor,
    Division,
    Node,
    Reading,
    Sample,
    Selection,
    Source,
    Split,
    Stealing,
    first_rows,
    whole,
)
from flowservice.sdk.testing import Rows, SourceContract

SCHEMA = pa.schema([pa.field("n", pa.int64(), metadata={SOURCE_TYPE: b"integer"})])


class Countdown:
    """Counts down to 1, three numbers a batch."""

    def __init__(self, start: int) -> None:
        self.start = start

    def check(self) -> None:
        pass

    def explore(self, path: str) -> Iterator[Node]:
        if path:
            raise NoSuchObject(f"{path!r} has no children")
        yield Node(kind="table", name="numbers", path="numbers")

    def sample(self, path: str, *, rows: int) -> Sample:
        return first_rows(self, path, rows=rows)

    def plan(self, selection: Selection) -> Reading:
        if selection.path != "numbers":
            raise NoSuchObject(f"there is no {selection.path!r}")
        return whole(selection)

    def read(self, split: Split, *, after: Cursor | None) -> Iterator[Batch]:
        first = self.start if after is None else int(after["n"]) - 1
        for n in range(first, 0, -3):
            numbers = list(range(n, max(0, n - 3), -1))
            yield Batch(rows=pa.record_batch([numbers], schema=SCHEMA), resume={"n": numbers[-1]})

    def close(self) -> None:
        pass


class TestCountdown(SourceContract):
    path = "numbers"
    key = ("n",)

    @pytest.fixture
    def source(self) -> Source:
        return Countdown(25)

    def expected(self) -> Rows:
        return sorted((str(n),) for n in range(1, 26))


class Halting(Countdown):
    """Counts down with batches of no numbers in between, and at the end."""

    def read(self, split: Split, *, after: Cursor | None) -> Iterator[Batch]:
        nothing = pa.RecordBatch.from_arrays([], schema=pa.schema([]))
        yield Batch(rows=nothing, resume=after or {"n": self.start + 1})
        for batch in super().read(split, after=after):
            yield batch
            yield Batch(rows=nothing, resume=batch.resume)


class TestHalting(TestCountdown):
    @pytest.fixture
    def source(self) -> Source:
        return Halting(25)


class Divisible(Countdown):
    """Counts down to above a limit, and gives away the lower half of what is left."""

    overlap = 0

    def __init__(self, start: int) -> None:
        super().__init__(start)
        self.left: dict[int, list[int]] = {}
        self.steals = 0

    def read(self, split: Split, *, after: Cursor | None) -> Iterator[Batch]:
        first = int(after["n"]) - 1 if after else int(split.range.get("from", self.start))
        self.left[split.number] = [first, int(split.range.get("above", 0))]
        return self.downward(self.left[split.number])

    def downward(self, left: list[int]) -> Iterator[Batch]:
        while left[0] > left[1]:
            numbers = list(range(left[0], max(left[1], left[0] - 3), -1))
            left[0] = numbers[-1] - 1
            yield Batch(rows=pa.record_batch([numbers], schema=SCHEMA), resume={"n": numbers[-1]})

    def steal(self, split: Split) -> Division | None:
        first, last = self.left.get(split.number, (0, 0))
        if first - last < 2:
            return None
        self.steals += 1
        middle = self.left[split.number][1] = (first + last) // 2
        return Division(kept={**split.range, "above": middle}, given={"from": middle + self.overlap, "above": last})


class TestDivisible(TestCountdown):
    @pytest.fixture
    def source(self) -> Iterator[Source]:
        source = Divisible(25)
        yield source
        assert isinstance(source, Stealing)


@pytest.mark.parametrize("overlap", [1, -1])
def test_the_contract_notices_a_part_that_is_off_by_one(overlap: int) -> None:
    source = Divisible(25)
    source.overlap = overlap
    with pytest.raises(AssertionError):
        TestCountdown().test_rows_come_once_whatever_parts_are_taken(source)
    assert source.steals


@pytest.mark.parametrize(
    "forgetful",
    [
        lambda cursor: {"n": int(cursor["n"]) + 1},  # repeats a row
        lambda cursor: {"n": int(cursor["n"]) - 1},  # loses one
    ],
)
def test_the_contract_notices_a_cursor_that_is_off_by_one(forgetful: object) -> None:
    class Off(Countdown):
        def read(self, split: Split, *, after: Cursor | None) -> Iterator[Batch]:
            assert callable(forgetful)
            for batch in super().read(split, after=after):
                yield Batch(rows=batch.rows, resume=forgetful(batch.resume))

    with pytest.raises(AssertionError):
        TestCountdown().test_after_any_batch_reading_resumes_with_exactly_the_rest(Off(25))
