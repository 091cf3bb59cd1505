"""What a process that has executed thousands of runs takes up, against one that has executed hundreds."""

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

_WARM: Final = 800
_RUNS: Final = 2_000
_WITHIN_S: Final = 3_400
_GROWTH: Final = 12 * 2**20
"""Bytes, of about 250 MiB: what allocators hold differs by a few from one look to the next. A run that kept
8 kB would be found."""
_STORE: Final = {
    # Rows that each run leaves, of ours and of DBOS.
    **dict.fromkeys(("runs", "runs_search", "batches", "plans"), 1),
    **dict.fromkeys(("workflow_status", "workflow_input", "workflow_output"), 1),
    "operation_outputs": 5,
}


@pytest.mark.faults
def test_after_two_thousand_runs_a_process_takes_up_what_it_did_after_eight_hundred(
    stage: Stage, folder: Path, record_property: Callable[[str, object], None]
) -> None:
    record_property("fault", "2,000 runs in one process")
    record_property("mode", "append and upsert, some rejected")
    taken = soaked(stage, folder, runs=_RUNS, every=100)
    warm, end = taken[_WARM], taken[_RUNS]
    course = "\n".join(map(str, taken.values()))
    assert end.landed == _RUNS, course
    # One look may meet a pool at work: the least of some.
    least = [min(taken[at - back].own_bytes for back in (0, 100, 200)) for at in (_WARM, _RUNS)]
    assert least[1] - least[0] < _GROWTH, course
    # Delta keeps tables open for moments, and a connection of the store is open or not.
    assert end.files <= warm.files + 8, course
    assert end.threads <= warm.threads + 4, course
    # A page is found by an index, however many there are: a few milliseconds, on a machine that is busy.
    assert min(taken[at].lists_s for at in taken if at > _RUNS // 2) < 0.1, course
    growing = {name: rows for name, rows in end.table_rows.items() if rows > taken[100].table_rows[name]}
    splits = growing.pop("splits")
    assert growing.pop("source_shapes") == len(soaking.FLOWS), course
    assert growing == {name: each * _RUNS for name, each in _STORE.items()}, course
    # Two threads: a range is cut once at most.
    assert _RUNS <= splits <= 2 * _RUNS, course


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
    process.join(_WITHIN_S)
    assert process.exitcode == 0, f"the process ended with {process.exitcode}"
    return soaking.read(told)
