"""Which cases a campaign has: the same for the same seed; some of them, spread over all, run with the whole suite."""

import os
import random
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import pytest

from tests.faults.modes import Mode
from tests.faults.points import Point

SEED: Final = os.environ.get("FAULTS_SEED", "1")
"""Another one draws other modes, calls and sizes."""


def spread(points: Iterable[Point], modes: Sequence[Mode], *, each: int) -> Iterator[tuple[Point, Mode]]:
    """Every point in so many of the modes that reach it, as different ones as there are."""
    for number, point in enumerate(points):
        reached = [mode for mode in modes if point.is_reached_in(mode)]
        assert reached, f"no mode comes by {point.name!r}"
        draw = random.Random(f"{SEED} {number}")
        draw.shuffle(reached)
        yield from ((point, mode) for mode in (reached * each)[:each])


def cases(drawn: Iterable[tuple[str, Any]], *, quick: Iterable[int] = ()) -> list[Any]:
    """Parameters by name; but for the `quick` ones, by position, they are of the long form alone."""
    chosen = set(quick)
    return [
        pytest.param(
            *(values if isinstance(values, tuple) else (values,)),
            id=f"{number:03d} {name}",
            marks=() if number in chosen else (pytest.mark.faults,),
        )
        for number, (name, values) in enumerate(drawn)
    ]
