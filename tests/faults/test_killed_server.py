"""`kill -9` in the middle of a run, whose threads take ranges from each other: after a restart it ends with exactly the
source's rows.

Twenty moments spread over a run and a little beyond its end; `make faults` takes all, `make test` two of them.
`FAULTS_SEED` takes others.
"""

import os
import random
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Final

import pytest

from demo.azurite import Azurite
from demo.tables import TableAccount, customers, seed
from tests.faults.scene import PART_ROWS, ROWS, TABLE, Scene
from tests.live import Server

KILLS: Final = 20
_BEYOND: Final = 1.1
"""The last moments lie behind the end of an undisturbed run."""
_HEAD: Final = f"{'killed at':<22}{'state':<24}{'ranges':<9}{'parts recorded':<18}{'rows recorded':<20}{'rows':>7}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Strike:
    """When to kill: `first` in lengths of an undisturbed run after POST /flows; then each of `again` after a launch,
    in lengths of a start and an undisturbed run, so that it may hit the start itself."""

    first: float
    again: tuple[float, ...] = ()


def strikes() -> Iterator[Any]:
    draw = random.Random(os.environ.get("FAULTS_SEED", "kill -9"))
    for number in range(KILLS):
        first = (number + draw.random()) / KILLS * _BEYOND
        again = tuple(draw.random() * 0.8 for _ in range(number % 3))
        marks = () if number == 4 else (pytest.mark.faults,)
        name = " then ".join(f"{moment:.0%}" for moment in (first, *again))
        yield pytest.param(Strike(first=first, again=again), marks=marks, id=name)


@pytest.fixture(scope="module")
def scene(azurite: Azurite, tmp_path_factory: pytest.TempPathFactory, figure: Callable[[str], None]) -> Iterator[Scene]:
    written = seed(TableAccount(endpoint=azurite.endpoint), TABLE, customers(ROWS))
    assert written == ROWS
    home = tmp_path_factory.mktemp("faults") / "home"
    server = Server(home, env={"FLOWSERVICE_PART_MAX_ROWS": str(PART_ROWS)})
    with closing(Scene(server=server, connection_string=azurite.connection_string, endpoint=azurite.endpoint)) as made:
        made.prepare()
        figure(f"an undisturbed run of {ROWS:,} rows took {made.run_s:.2f} s, the first start {made.start_s:.2f} s")
        figure(_HEAD)
        yield made


@pytest.mark.azurite
@pytest.mark.parametrize("strike", list(strikes()))
def test_a_run_whose_server_is_killed_ends_with_exactly_the_rows_of_the_source(
    scene: Scene, strike: Strike, figure: Callable[[str], None]
) -> None:
    dataset_id, flow_id = scene.begun()
    time.sleep(strike.first * scene.run_s)
    scene.killed()
    at_kills = [(f"{strike.first * scene.run_s:.2f} s", scene.seen(flow_id))]
    for moment in strike.again:
        scene.server.launch()
        after_s = moment * (scene.start_s + scene.run_s)
        time.sleep(after_s)
        scene.killed()
        at_kills.append((f"+ {after_s:.2f} s", scene.seen(flow_id)))
    scene.restarted()
    run = scene.check(dataset_id, flow_id)
    rows = run["metrics"]["recordSummary"]["outputRecordCount"]
    for number, (moment_text, seen) in enumerate(at_kills):
        ended = f"{rows:>7,}" if number == len(at_kills) - 1 else ""
        figure(f"{moment_text:<22}{seen.state:<24}{seen.ranges:<9}{seen.parts:<18}{seen.rows:<20,}{ended}")


@pytest.mark.azurite
@pytest.mark.parametrize("ranges", [2, *(pytest.param(more, marks=pytest.mark.faults) for more in (2, 2, 3, 3, 4))])
def test_a_server_that_is_killed_right_after_a_range_was_taken_goes_on_with_both(
    scene: Scene, ranges: int, figure: Callable[[str], None]
) -> None:
    dataset_id, flow_id = scene.begun()
    scene.wait_for_ranges(flow_id, ranges)
    scene.killed()
    seen = scene.seen(flow_id)
    scene.restarted()
    scene.check(dataset_id, flow_id)
    unread = sum(not split.done for split in seen.splits)
    figure(f"killed with {seen.ranges} ranges, {unread} of them unread; the run ended with {ROWS:,} rows")
