"""How many times faster do several readers read one table, when idle ones take parts of ranges that are being read?

    python -m benchmarks.steal_ranges

On a simulated clock, so the figures are exact and the same on every machine: a page takes 1, a probe 0.15, decoding
nothing. Everything else is the service's own code. 200 pages a table; the longer the table, the closer to ideal. What
the tables of each kind look like is what `tests/connectors/azure_table` reads.
"""

import heapq
import random
import sys
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, Final

from benchmarks.measuring import claim
from flowservice.connectors.azure_table.source import TableSource
from flowservice.domain.staging import SplitProgress
from flowservice.engine.plan import Plan
from flowservice.engine.stealing import Attempt, Attempts
from flowservice.sdk import Batch, Selection, Split
from tests.connectors.azure_table.simulated_service import FAMILIES, SimulatedService, source_of

PAGES: Final = 200
PAGE_ROWS: Final = 100
PROBE: Final = 0.15
READERS: Final = (4, 8, 16)
GOAL: Final = 5.5
"""With 8 readers, for every kind of keys."""


class Numbers:
    """A store of which nothing is kept but the numbers that it gives."""

    def __init__(self) -> None:
        self.last = 0

    def divide(
        self, progress: SplitProgress, *, given: Mapping[str, Any], above: int, **_: Mapping[str, Any]
    ) -> SplitProgress:
        self.last = max(self.last, above) + 1
        return SplitProgress(run_id=progress.run_id, number=self.last, attempt=0, reads=given)


@dataclass
class Race:
    """Some readers of one table, and the time at which each has its next page."""

    source: TableSource
    service: SimulatedService
    readers: int
    now: float = 0.0
    rows: int = 0
    ranges: int = 0
    _due: list[tuple[float, int, Iterator[Batch], AbstractContextManager[Attempt]]] = field(default_factory=list)
    _ended: list[AbstractContextManager[Attempt]] = field(default_factory=list)

    def run(self) -> float:
        """How long it takes."""
        splits = self.source.plan(Selection(path="t")).splits
        plan = Plan(path="t", columns=(), absent=(), mapping_id="", mapping_version=0, splits=splits)
        self.service.meanwhile = lambda: self._pass(PROBE)
        attempts = Attempts(source=self.source, store=Numbers(), plan=plan)  # type: ignore[arg-type] # enough of one
        self._begin(attempts, splits[0])
        while self._due:
            split = attempts.stolen() if len(self._due) < self.readers else None
            self._end()
            if split is not None:
                self._begin(attempts, split)
            elif self._due:
                self._pass(self._due[0][0] - self.now)
        return self.now

    def _end(self) -> None:
        """Not while a part is being taken: in one thread, one would wait for the other."""
        while self._ended:
            self._ended.pop().__exit__(None, None, None)

    def _begin(self, attempts: Attempts, split: Split) -> None:
        running = attempts.at(split, SplitProgress(run_id="r", number=split.number, attempt=1))
        attempt = running.__enter__()
        batches = self.source.read(attempt.split, after=None)
        attempt.has_begun = True
        self.ranges += 1
        heapq.heappush(self._due, (self.now + 1, split.number, batches, running))

    def _pass(self, time: float) -> None:
        """Let readers have the pages that are due by then."""
        until = self.now + time
        while self._due and self._due[0][0] <= until:
            self.now, number, batches, running = heapq.heappop(self._due)
            batch = next(batches, None)
            self.rows += 0 if batch is None else batch.rows.num_rows
            if batch is not None and "next" not in batch.resume:
                # The last page of a query; most often there is no other one, and no time passes.
                following = next(batches, None)
                batches, batch = (batches, None) if following is None else (chain([following], batches), batch)
            if batch is None:
                self._ended.append(running)
            else:
                heapq.heappush(self._due, (self.now + 1, number, batches, running))
        self.now = until


def raced(family: str, readers: int) -> Race:
    """The race, run."""
    service = SimulatedService(FAMILIES[family](PAGES * PAGE_ROWS, random.Random(11)))
    race = Race(source_of(service, page_rows=PAGE_ROWS, batch_rows=1), service, readers)
    race.run()
    assert race.rows == len(service.keys)
    return race


def run() -> list[str]:
    """Print the table; what misses the claim."""
    heads = "".join(f"{f'{readers} readers':>14}" for readers in READERS)
    print(f"{'keys':<32}{heads}{'probes (8)':>14}{'ranges (8)':>12}")
    least = float("inf")
    for family in FAMILIES:
        alone = raced(family, 1).now
        races = {readers: raced(family, readers) for readers in READERS}
        least = min(least, alone / races[8].now)
        print(
            f"{family:<32}"
            + "".join(f"{f'{alone / race.now:.1f} x':>14}" for race in races.values())
            + f"{races[8].service.probes:>14}{races[8].ranges:>12}"
        )
    return claim(
        f"8 readers read a table of {PAGES} pages at least {GOAL:g} times as fast as one", f"{least:.1f}", least >= GOAL
    )


if __name__ == "__main__":
    sys.exit(1 if run() else 0)
