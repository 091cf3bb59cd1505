"""The contract of a source as tests: subclass `SourceContract`, say how to open yours, and pytest runs them all.

    class TestCountdown(SourceContract):
        path = "numbers"

        @pytest.fixture
        def source(self) -> Iterator[Source]:
            ...

        def expected(self) -> Rows: ...

Only what every source must keep is here; what is special to one is tested beside it.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from random import Random
from typing import TypeAlias

import pyarrow as pa

from flowservice.errors import NoSuchObject
from flowservice.sdk.check_step import CheckStep, Stepped
from flowservice.sdk.filtering import passing
from flowservice.sdk.row_filter import ORDERS, AllOf, AnyOf, Condition, Relation, RowFilter
from flowservice.sdk.source import SOURCE_TYPE, Batch, Cursor, Selection, Source, Split, Stealing
from flowservice.sdk.text import to_text

Rows: TypeAlias = Sequence[tuple[str | None, ...]]
"""Rows as canonical text, in the order of `SourceContract.key`, sorted."""

LARGEST_BATCH = 65_536
LARGEST_CURSOR = 65_536


def keys_of(batches: Iterable[Batch], key: Sequence[str]) -> list[tuple[str | None, ...]]:
    """The `key` columns of all rows as text, sorted: what a test compares to know that nothing is lost or repeated."""
    found: list[tuple[str | None, ...]] = []
    for batch in batches:
        if batch.rows.num_rows:
            found += zip(*(to_text(batch.rows.column(name)).to_pylist() for name in key), strict=True)
    return sorted(found, key=repr)


class SourceContract:
    """What the engine relies on. A subclass gives a fixture `source`, and `path`, `key` and `expected`."""

    path: str
    """A table or file with at least two batches of rows."""
    key: Sequence[str]
    """Columns that together tell rows apart."""
    delta_column: str | None = None
    """A column of times by which `path` can be read in windows, all before the year 2200. None: that is not tested."""

    check_steps: Sequence[CheckStep] = ()
    """What the connector declares as such."""

    def expected(self) -> Rows:
        """The keys of all rows of `path`, as `keys_of` gives them."""
        raise NotImplementedError

    def test_check_passes(self, source: Source) -> None:
        source.check()

    def test_each_declared_step_of_a_check_passes_and_says_what_it_found(self, source: Source) -> None:
        assert isinstance(source, Stepped) is bool(self.check_steps)
        assert len({step.name for step in self.check_steps}) == len(self.check_steps)
        for step in self.check_steps:
            assert isinstance(source, Stepped)
            assert step.title
            assert source.check_step(step.name).message

    def test_exploring_the_root_finds_the_path(self, source: Source) -> None:
        assert self.path in {node.path for node in source.explore("")}

    def test_exploring_what_does_not_exist_says_so(self, source: Source) -> None:
        _refuses(lambda: list(source.explore("no/such/folder")))

    def test_a_sample_has_rows_and_typed_columns(self, source: Source) -> None:
        rows = source.sample(self.path, rows=10).rows
        assert 0 < rows.num_rows <= 10
        assert rows.num_columns
        assert all(SOURCE_TYPE in (field.metadata or {}) for field in rows.schema)

    def test_planning_what_does_not_exist_says_so(self, source: Source) -> None:
        _refuses(lambda: source.plan(Selection(path="nosuchtable")))

    def test_splits_are_numbered_from_zero(self, source: Source) -> None:
        splits = source.plan(Selection(path=self.path)).splits
        assert [split.number for split in splits] == list(range(len(splits)))

    def test_reading_covers_exactly_the_rows(self, source: Source) -> None:
        assert keys_of(_all(source, self.path), self.key) == list(self.expected())

    def test_reading_again_gives_the_same_rows(self, source: Source) -> None:
        assert keys_of(_all(source, self.path), self.key) == keys_of(_all(source, self.path), self.key)

    def test_batches_and_cursors_keep_their_limits(self, source: Source) -> None:
        for batch in _all(source, self.path):
            assert batch.rows.num_rows <= LARGEST_BATCH
            assert len(json.dumps(dict(batch.resume))) <= LARGEST_CURSOR
            assert batch.wire_bytes >= 0

    def test_after_any_batch_reading_resumes_with_exactly_the_rest(self, source: Source) -> None:
        for split in _splits(source, self.path):
            batches = list(source.read(split, after=None))
            for at, batch in enumerate(batches, start=1):
                rest = list(source.read(split, after=_stored(batch.resume)))
                assert keys_of(rest, self.key) == keys_of(batches[at:], self.key)

    def test_after_its_end_a_split_resumes_with_nothing(self, source: Source) -> None:
        for split in _splits(source, self.path):
            *_, last = source.read(split, after=None)
            assert keys_of(source.read(split, after=_stored(last.resume)), self.key) == []

    def test_a_reader_may_stop_early(self, source: Source) -> None:
        for split in _splits(source, self.path):
            reader = source.read(split, after=None)
            next(reader)
            _close(reader)
        assert keys_of(_all(source, self.path), self.key) == list(self.expected())

    def test_selected_columns_come_if_they_are_pushed_down(self, source: Source) -> None:
        reading = source.plan(Selection(path=self.path, columns=tuple(self.key)))
        if "columns" in reading.pushed_down:
            for split in reading.splits:
                for batch in source.read(split, after=None):
                    assert set(batch.rows.schema.names) <= set(self.key)

    def test_a_window_that_is_pushed_down_keeps_its_rows(self, source: Source) -> None:
        wide = (datetime(1900, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC))
        for window in ((None, wide[1]), (wide[0], None), wide):
            assert keys_of(_in_window(source, self, *window)[0], self.key) == list(self.expected())

    def test_a_window_that_is_pushed_down_leaves_the_rest_out(self, source: Source) -> None:
        far = datetime(2200, 1, 1, tzinfo=UTC)
        for window in ((None, datetime(1900, 1, 1, tzinfo=UTC)), (far, None)):
            batches, is_pushed_down = _in_window(source, self, *window)
            assert any(batch.rows.num_rows for batch in batches) is not is_pushed_down

    def test_a_filter_that_is_pushed_down_keeps_every_row_that_passes(self, source: Source) -> None:
        batches = list(_all(source, self.path))
        for wanted in self._filters():
            reading = source.plan(Selection(path=self.path, filter=wanted))
            found = (batch for split in reading.splits for batch in source.read(split, after=None))
            assert keys_of(_passing(found, wanted), self.key) == keys_of(_passing(batches, wanted), self.key)
            assert ("filter" in reading.pushed_down) is (reading.filtered == wanted)

    def test_a_filter_that_is_pushed_down_leaves_the_rest_out(self, source: Source) -> None:
        reading = source.plan(Selection(path=self.path, filter=self._asked(Relation.EQ, "no row has this")))
        found = [batch for split in reading.splits for batch in source.read(split, after=None)]
        assert any(batch.rows.num_rows for batch in found) is not ("filter" in reading.pushed_down)

    def _filters(self) -> Iterator[RowFilter]:
        """Filters by a column of the key: each takes some of the rows."""
        place = len(self.key) - 1
        texts = sorted({text for row in self.expected() if (text := row[place]) is not None})
        low, middle = texts[0], texts[len(texts) // 2]
        one, others = self._asked(Relation.EQ, middle), self._asked(Relation.NE, middle)
        ordered = [self._asked(relation, middle) for relation in sorted(ORDERS)]
        yield from (one, others, *ordered, self._asked(Relation.NOT_NULL), self._asked(Relation.IS_NULL))
        yield from (self._asked(Relation.IN, low, middle), self._asked(Relation.NOT_IN, low, middle))
        yield from (self._asked(Relation.LIKE, f"{middle[:-1]}%"), self._asked(Relation.NOT_LIKE, f"{middle[:1]}%"))
        yield from (AllOf((others, ordered[0])), AnyOf((one, self._asked(Relation.EQ, low))))

    def _asked(self, relation: Relation, *values: str) -> Condition:
        return Condition(column=self.key[-1], relation=relation, values=values)

    def test_a_column_is_typed_within_a_batch(self, source: Source) -> None:
        for batch in _all(source, self.path):
            assert all(not pa.types.is_null(field.type) for field in batch.rows.schema)

    def test_rows_come_once_whatever_parts_are_taken(self, source: Source) -> None:
        if isinstance(source, Stealing):
            for seed in range(5):
                found = _Taking(source, Random(seed)).read(self.path)  # noqa: S311 - a schedule, not a secret
                assert keys_of(found, self.key) == list(self.expected())


@dataclass
class _Reader:
    """A reader of a split, and what of it is stored: batches, and the cursor of the last."""

    split: Split
    batches: Iterator[Batch]
    stored: list[Batch] = field(default_factory=list)
    pending: list[Batch] = field(default_factory=list)
    has_ended: bool = False

    @property
    def cursor(self) -> Cursor | None:
        return _stored(self.stored[-1].resume) if self.stored else None


@dataclass
class _Taking:
    """Several readers: one at a time goes on, is begun anew from what is stored, or loses a part to another."""

    source: Source
    draw: Random

    def read(self, path: str) -> list[Batch]:
        assert isinstance(self.source, Stealing)
        readers = [_Reader(split, iter(self.source.read(split, after=None))) for split in _splits(self.source, path)]
        while running := [reader for reader in readers if not reader.has_ended]:
            reader = self.draw.choice(running)
            if self.draw.random() < 0.1:
                self._begin_anew(reader)
            division = self.source.steal(reader.split) if self.draw.random() < 0.6 else None
            if division is not None:
                # The reader goes on before the part is stored, and what it then stores holds whether or not that fails.
                for _ in range(self.draw.randrange(3)):
                    self._go_on(reader, may_end=False)
                if self.draw.random() < 0.3:
                    self._begin_anew(reader)
                    continue
                given = Split(
                    number=len(readers), path=path, columns=reader.split.columns, range=_stored(division.given)
                )
                readers.append(_Reader(given, iter(self.source.read(given, after=None))))
                reader.split = replace(reader.split, range=_stored(division.kept))
            self._go_on(reader)
        return [batch for reader in readers for batch in reader.stored]

    def _go_on(self, reader: _Reader, *, may_end: bool = True) -> None:
        batch = next(reader.batches, None)
        reader.pending += [] if batch is None else [batch]
        reader.has_ended = batch is None and may_end
        if reader.has_ended or self.draw.random() < 0.5:
            reader.stored += reader.pending
            reader.pending = []

    def _begin_anew(self, reader: _Reader) -> None:
        _close(reader.batches)
        reader.pending = []
        reader.batches = iter(self.source.read(reader.split, after=reader.cursor))


def _splits(source: Source, path: str) -> Iterator[Split]:
    yield from source.plan(Selection(path=path)).splits


def _all(source: Source, path: str) -> Iterator[Batch]:
    for split in _splits(source, path):
        yield from source.read(split, after=None)


def _passing(batches: Iterable[Batch], wanted: RowFilter) -> Iterator[Batch]:
    for batch in batches:
        yield replace(batch, rows=batch.rows.filter(passing(batch.rows, wanted)))


def _in_window(
    source: Source, contract: SourceContract, start: datetime | None, end: datetime | None
) -> tuple[list[Batch], bool]:
    """The batches of a selection with a window, and whether the source applied it."""
    window = (contract.delta_column, start, end) if contract.delta_column else None
    reading = source.plan(Selection(path=contract.path, window=window))
    batches = [batch for split in reading.splits for batch in source.read(split, after=None)]
    return batches, "window" in reading.pushed_down


def _stored(cursor: Cursor) -> Cursor:
    """A cursor as it comes back from the engine's store."""
    stored: Cursor = json.loads(json.dumps(dict(cursor)))
    return stored


def _close(reader: Iterator[Batch]) -> None:
    close = getattr(reader, "close", None)
    if close is not None:
        close()


def _refuses(call: object) -> None:
    assert callable(call)
    try:
        call()
    except NoSuchObject:
        return
    raise AssertionError("NoSuchObject was expected")
