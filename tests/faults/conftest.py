"""What cases share: one front and one stage a process of the suite."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.faults.case import Case, Stage, staged
from tests.faults.front import opened
from tests.faults.modes import Mode


@pytest.fixture(scope="session")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Where cases take place."""
    with opened() as front, staged(tmp_path_factory.mktemp("furnished"), front) as ready:
        yield ready


@pytest.fixture
def case(
    stage: Stage, tmp_path: Path, record_property: Callable[[str, object], None]
) -> Callable[[str, Mode, str], Case]:
    """Begins a case of a kind of fault, with a mode and a seed; it counts in the closing table."""

    def begun(kind: str, mode: Mode, seed: str) -> Case:
        record_property("fault", kind)
        record_property("mode", mode.name)
        return Case(stage=stage, mode=mode, seed=seed, at=tmp_path)

    return begun
