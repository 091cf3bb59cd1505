"""What cases share: one front and one stage a process of the suite."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.faults.case import Case, Stage, staged
from tests.faults.front import opened
from tests.faults.modes import Mode

_MEMORY: Final = Path("/dev/shm")
_ROOM: Final = 2**30


@pytest.fixture(scope="session")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Where cases take place."""
    with opened() as front, staged(tmp_path_factory.mktemp("furnished"), front) as ready:
        yield ready


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder in memory, where there is room: what a process wrote outlasts its death there, too, and sooner.

    `FAULTS_KEEP=1` keeps it.
    """
    in_memory = os.access(_MEMORY, os.W_OK) and shutil.disk_usage(_MEMORY).free > _ROOM
    made = Path(tempfile.mkdtemp(prefix="flowservice-faults-", dir=_MEMORY)) if in_memory else tmp_path
    yield made
    if "FAULTS_KEEP" not in os.environ:
        shutil.rmtree(made, ignore_errors=True)


@pytest.fixture
def case(
    stage: Stage, folder: Path, record_property: Callable[[str, object], None]
) -> Callable[[str, Mode, str], Case]:
    """Begins a case of a kind of fault, with a mode and a seed; it counts in the closing table."""

    def begun(kind: str, mode: Mode, seed: str) -> Case:
        record_property("fault", kind)
        record_property("mode", mode.name)
        return Case(stage=stage, mode=mode, seed=seed, at=folder)

    return begun
