"""A lake in trouble: a full disk, a read-only folder, lost answers, and a log that was cleaned up in between."""

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from tests.faults.case import Case
from tests.faults.modes import MODES, UNDOS, Mode
from tests.faults.points import RUNNING, UNDOING, WRITING, Point
from tests.faults.sampling import SEED, cases
from tests.faults.strikes import Deed, Strike

_POINTS: Final = {point.name: point for point in (*RUNNING, *WRITING, *UNDOING)}
_LOST: Final = [
    (name, deed)
    for deed, names in {
        "lose the answer": (
            "before the data commit",
            "after the data commit",
            "before the merge",
            "after the merge",
            "before the quarantine commit",
            "after the quarantine commit",
            "after the quarantine commit of an upsert",
            "after the rows are deleted",
            "after the merge of the undo",
        ),
        "refuse": (
            "before a file is opened",
            "before a row group is written",
            "before a file is finished",
            "before a part is fsynced",
            "before a file gets its name",
        ),
        "clean up and kill": (
            "after the data is published",
            "after the upsert",
            "after the rows are restored",
        ),
    }.items()
    for name in names
]
_ANSWERS = [
    (f"{deed} {name}, {mode.name}", (_POINTS[name], deed, mode))
    for name, deed in _LOST
    for mode in (*MODES, *UNDOS)
    if _POINTS[name].is_reached_in(mode)
]


@pytest.mark.parametrize(("point", "deed", "mode"), cases(_ANSWERS, quick=(1, 12)))
def test_a_lake_that_fails_at_a_point_holds_each_row_once_all_the_same(
    case: Callable[[str, Mode, str], Case], point: Point, deed: Deed, mode: Mode
) -> None:
    failing = case(f"lake: {deed}", mode, f"{SEED} {point.name} {mode.name}")
    struck = max(number for number, act in enumerate(mode.acts) if act == point.act)
    for number in range(len(mode.acts)):
        failing.prepare(number)
        if number == struck:
            strike = Strike(point=point, call=point.first + failing.draw.randrange(point.many), deed=deed)
            if deed == "clean up and kill":
                failing.killed(number, strike)
                failing.finished(number)
            else:
                failing.ended(failing.started(number, strike))
                assert failing.has_struck, f"{strike.name} was never reached"
        else:
            failing.finished(number)
        failing.expect(number)
    failing.judged()


@contextmanager
def mounted(folder: Path, size: str) -> Iterator[Callable[[str], None]]:
    """A file system of so many bytes in memory; yields what mounts it anew with other options."""
    folder.mkdir(parents=True, exist_ok=True)
    try:
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], check=True, capture_output=True
        )
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"only root of a machine that lets it mount can fill a disk: {error}")
    try:
        yield lambda options: _remount(folder, options)
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True, capture_output=True)


def _remount(folder: Path, options: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{options}", str(folder)], check=True, capture_output=True)


_FULL = [
    (f"{size} kB, {mode.name}", (size, mode)) for size in (24, 60, 100, 160, 260) for mode in MODES if mode.windows
]


@pytest.mark.parametrize(("kilobytes", "mode"), cases(_FULL, quick=(7,)))
def test_a_run_on_a_full_disk_fails_and_says_so_or_goes_on_once_there_is_room(
    case: Callable[[str, Mode, str], Case], kilobytes: int, mode: Mode
) -> None:
    full = case("lake: disk full", mode, f"{SEED} {kilobytes} {mode.name}")
    full.tries = 3
    with mounted(full.home / "lake", f"{kilobytes}k") as remounted:
        full.prepare(0)
        process = full.started(0)
        process.join(3.0)
        remounted("size=64m")
        full.ended(process)
        settle(full, "lake-unavailable", "lake")
        full.acted(1)
        full.judged()


_CLOSED = [
    (f"{point.name}, {mode.name}", (point, mode))
    for point in (_POINTS[name] for name in ("after the plan is stored", "after the run has read"))
    for mode in MODES
    if mode.windows
]


@pytest.mark.parametrize(("point", "mode"), cases(_CLOSED, quick=(6,)))
@pytest.mark.parametrize("comes_back", [False, True], ids=["for good", "for a while"])
def test_a_run_in_a_read_only_lake_fails_and_says_so_or_goes_on_once_it_can_write(
    case: Callable[[str, Mode, str], Case], point: Point, mode: Mode, comes_back: bool
) -> None:
    closed = case("lake: read-only", mode, f"{SEED} {point.name} {mode.name}")
    closed.tries, closed.unswept = 20 if comes_back else 3, True
    with mounted(closed.home / "lake", "64m") as remounted:
        closed.prepare(0)
        process = closed.started(0, Strike(point=point, deed="stop"))
        closed.stopped(process)
        remounted("ro")
        closed.revived(process)
        if comes_back:
            time.sleep(0.3)
            remounted("rw")
        closed.ended(process)
        remounted("rw")
        settle(closed, "lake-unavailable")
        closed.acted(1)
        closed.judged()


def settle(troubled: Case, *codes: str) -> None:
    """Tell the oracle how the first run ended, by its own word: landed, or failed for one of these reasons."""
    (code,) = troubled.codes()
    if code in codes:
        troubled.oracle.failed(troubled.rows.values(), troubled.mode.clock(0), code)
    else:
        troubled.expect(0)
        # Its failure does not wait until they can be kept; but it has to say so.
        if any(error["message"].startswith("rejected rows were not kept") for error in troubled.errors(0)[1:]):
            troubled.oracle.could_not_keep()
