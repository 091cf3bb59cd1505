"""A source in trouble: rows land exactly, or the run fails and says why, and the next one takes its rows.

Each trouble comes twice: before the harness's own table, in a flow with windows, and before Azurite, once.
"""

import random
from collections.abc import Callable
from dataclasses import replace

import pytest

from demo.azurite import Azurite
from demo.tables import TableAccount, seed
from tests.faults.case import Case
from tests.faults.front import TABLE, Emulator, entity
from tests.faults.modes import MODES, Mode, Row, Shape, edited
from tests.faults.proxy import Trouble, troubles
from tests.faults.sampling import SEED, cases

_TRIES = 3
_TROUBLES = [
    (f"{trouble.name}, {mode.name}", (number, mode))
    for number, trouble in enumerate(troubles())
    for mode in MODES
    if mode.rejects != "too many" and mode.windows
]
_AZURITE = [
    (f"{trouble.name}, {write}", (number, Mode(write=write, rejects="some")))
    for number, trouble in enumerate(troubles())
    for write in ("append", "upsert")
]


@pytest.mark.parametrize(("trouble", "mode"), cases(_TROUBLES, quick=(2, 21, 61)))
def test_rows_land_exactly_or_the_run_says_why_not(
    case: Callable[[str, Mode, str], Case], trouble: int, mode: Mode
) -> None:
    known = troubles()[trouble]
    troubled = case("fault proxy", mode, f"{SEED} {known.name} {mode.name}")
    troubled.tries = _TRIES
    troubled.prepare(0)
    troubled.stage.front.behind(troubled.table, known.fault)
    troubled.finished(0)
    settle(troubled, known)
    troubled.stage.front.behind(troubled.table)
    troubled.acted(1)
    troubled.judged()


@pytest.fixture(scope="session")
def rows(azurite: Azurite) -> dict[str, Row]:
    """What Azurite holds."""
    found: dict[str, Row] = {}
    draw = random.Random(SEED)
    edited(found, MODES[1], replace(Shape.drawn(draw), rows=90), draw, end=MODES[1].clock(0))
    ordered = sorted(found.values(), key=lambda row: (row.partition, row.row))
    seed(TableAccount(endpoint=azurite.endpoint), TABLE, map(entity, ordered))
    return found


@pytest.mark.azurite
@pytest.mark.parametrize(("trouble", "mode"), cases(_AZURITE, quick=(11,)))
def test_rows_of_azurite_land_exactly_or_the_run_says_why_not(
    case: Callable[[str, Mode, str], Case], azurite: Azurite, rows: dict[str, Row], trouble: int, mode: Mode
) -> None:
    known = troubles()[trouble]
    troubled = case("fault proxy before Azurite", mode, f"{SEED} {known.name} {mode.name}")
    troubled.tries = _TRIES
    troubled.rows = rows
    troubled.stage.front.behind(Emulator(azurite.endpoint.removesuffix("/devstoreaccount1")), known.fault)
    troubled.finished(0)
    settle(troubled, known)
    troubled.judged()


def settle(troubled: Case, trouble: Trouble) -> None:
    """Tell the oracle what the trouble must have come to."""
    if trouble.passes:
        troubled.expect(0)
        return
    (code,) = troubled.codes()
    assert code in trouble.codes, f"{trouble.name} ended as {code}: {troubled.said()}"
    troubled.oracle.failed(troubled.rows.values(), troubled.mode.clock(0), code)
