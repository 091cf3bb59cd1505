"""A process that has executed thousands of runs takes up no more than one that has executed hundreds."""

import random
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from tests.faults import soaking
from tests.faults.case import Stage
from tests.faults.front import Table
from tests.faults.furnished import furnish_all
from tests.faults.modes import NOON, edited

_WARM: Final = 500
import os

_RUNS: Final = int(os.environ.get("SOAK_N", "2000"))


@pytest.mark.faults
def test_two_thousand_runs_take_no_more_memory_files_and_threads_than_five_hundred(
    stage: Stage, folder: Path, record_property: Callable[[str, object], None]
) -> None:
    record_property("fault", "2,000 runs in one process")
    record_property("mode", "all")
    taken = soaked(stage, folder, runs=_RUNS, every=100)
    print(*taken.values(), sep="\n")
    assert taken[_RUNS].landed == _RUNS


def soaked(stage: Stage, folder: Path, *, runs: int, every: int) -> dict[int, soaking.Taken]:
    """What a process took up on the way through so many runs."""
    home, told = folder / "home", folder / "told"
    table = Table(page_rows=soaking.SHAPE.page_rows)
    edited(table.rows, soaking.FLOWS[0], soaking.SHAPE, random.Random(0), end=NOON)
    stage.front.behind(table)
    made = stage.process(furnish_all, home, soaking.FLOWS, stage.front.connection_string)
    made.join(60)
    assert made.exitcode == 0, "a home could not be furnished"
    process = stage.process(soaking.soak, home, runs, every, told)
    process.join(1800)
    assert process.exitcode == 0, f"the process ended with {process.exitcode}"
    return soaking.read(told)
