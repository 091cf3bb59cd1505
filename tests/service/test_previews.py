"""Rows shown with a row filter: of the sample, else found by reading, within a time that a client waits."""

import itertools
from dataclasses import dataclass

import pytest

from flowservice.errors import FilterValueType, UnknownColumn
from flowservice.sdk import Condition, Relation, Sample, Selection
from flowservice.service.previews import SHOWN_ROWS, preview
from tests.engine.events import Events
from tests.engine.world import NOON


@dataclass
class Sampled(Events):
    """Its sample holds the first ten rows alone, and each batch that is read is counted."""

    batches: int = 0

    def __post_init__(self) -> None:
        self.hook = self._count

    def _count(self, what: str) -> None:
        self.batches += what == "batch"

    def sample(self, path: str, *, rows: int) -> Sample:
        return Events(self.rows[:10]).sample(path, rows=rows)


def source(rows: int) -> Sampled:
    return Sampled([(n, NOON) for n in range(rows)], splits=1, batch_rows=10)


def asked(relation: Relation, *values: int | str, column: str = "n") -> Condition:
    return Condition(column=column, relation=relation, values=values)


def shown(events: Sampled, wanted: Condition | None, *, seconds_a_batch: float = 0) -> list[int]:
    clock = itertools.count(0, seconds_a_batch)
    parts = preview(events, "numbers", wanted, clock=lambda: next(clock)).rows
    return [n for part in parts for n in part.column("n").to_pylist()]


def test_rows_that_the_sample_lacks_are_found_by_reading_with_the_filter() -> None:
    events, wanted = source(500), asked(Relation.GE, 490)
    assert shown(events, wanted) == list(range(490, 500))
    assert events.asked[-1] == Selection(path="numbers", filter=wanted, splits=1)


def test_reading_ends_once_there_are_enough_to_show() -> None:
    events = source(5_000)
    assert shown(events, asked(Relation.GE, 100)) == list(range(100, 100 + SHOWN_ROWS))
    assert events.batches == 20


def test_reading_ends_after_the_time_that_a_client_waits_and_shows_what_there_is() -> None:
    events = source(5_000)
    assert shown(events, asked(Relation.GE, 4_990), seconds_a_batch=3) == []
    assert events.batches < 6
    assert shown(source(5_000), asked(Relation.IN, 3, 4_990), seconds_a_batch=30) == [3]


def test_without_a_filter_nothing_is_read_but_the_sample() -> None:
    events = source(500)
    assert sorted(shown(events, None)) == list(range(10))
    assert events.batches == 0


def test_a_filter_that_makes_no_sense_is_told_before_anything_is_read() -> None:
    with pytest.raises(UnknownColumn, match="nothing"):
        preview(source(9), "numbers", asked(Relation.EQ, 1, column="nothing"))
    with pytest.raises(FilterValueType, match="n"):
        preview(source(9), "numbers", asked(Relation.EQ, "x"))
