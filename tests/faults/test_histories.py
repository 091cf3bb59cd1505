"""Random histories equal the oracle after each act.

`FAULTS_SEED=… FAULTS_HISTORY=n` with `-k repeat` repeats the n-th one alone.
"""

import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from tests.faults.case import Stage, sample
from tests.faults.front import opened
from tests.faults.furnished import furnish
from tests.faults.history import MODES, Fate, History, copied
from tests.faults.modes import Shape
from tests.faults.sampling import SEED
from tests.faults.subject import hurried

_QUICK: Final = 4
_ALL: Final = 1_000
_BATCH: Final = 50


def lived(folder: Path, first: int, count: int, told: Path) -> None:
    """Live histories, in this process; writes what went wrong to `told`, nothing if all went well."""
    faults: list[str] = []
    with opened() as front:
        fate = Fate()
        front.behind(sample())
        # Homes take their time, too: two kinds of them a batch.
        modes = [MODES[(first // _BATCH * 2 + index + 1) % len(MODES)] for index in range(2)]
        for mode in modes:
            furnish(folder / mode.name, mode, front.connection_string)
        hurried(Shape.drawn(random.Random(first // _BATCH)))
        fate.armed()
        for number in range(first, first + count):
            mode = modes[number % 2]
            home = copied(folder / mode.name, folder / "home")
            faults += History(seed=f"{SEED} {number}", mode=mode, home=home, front=front, fate=fate).lived()
    told.write_text("\n".join(faults))


@pytest.mark.parametrize(
    ("first", "count"),
    [
        pytest.param(0, _QUICK, id="sample"),
        *(
            pytest.param(first, _BATCH, id=f"from {first}", marks=pytest.mark.faults)
            for first in range(0, _ALL, _BATCH)
        ),
        *(
            pytest.param(int(number), 1, id="repeat", marks=pytest.mark.faults)
            for number in filter(None, [os.environ.get("FAULTS_HISTORY")])
        ),
    ],
)
def test_histories_equal_the_oracle_after_each_act(
    stage: Stage, folder: Path, record_property: Callable[[str, object], None], first: int, count: int
) -> None:
    record_property("fault", f"histories ({count} each)")
    record_property("mode", "all")
    told = folder / "told"
    process = stage.process(lived, folder, first, count, told)
    process.join(600)
    assert process.exitcode == 0, f"the process that lives them ended with {process.exitcode}"
    assert not told.read_text(), told.read_text()
