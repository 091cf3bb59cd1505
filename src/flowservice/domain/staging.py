"""What a run has staged so far: parts, and where each split goes on after a crash.

A part is a finished file that nothing refers to yet. It counts once it is recorded in the split's progress; a file
that is not recorded is an orphan and is swept.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from flowservice.domain.run import Counts, Tally

_RUN: Final = "run="


def run_folder(run_id: str) -> str:
    """Where the parts of a run are, within a table."""
    return f"{_RUN}{run_id}/"


def run_of(path: str) -> str | None:
    """The run that wrote the part at `path`; None if it is not one of ours (a compaction's, say)."""
    folder, slash, _ = path.partition("/")
    return folder.removeprefix(_RUN) if slash and folder.startswith(_RUN) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A staged Parquet file: its path inside its table, rows and bytes."""

    path: str
    rows: int
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Staged:
    """What one step of a split produced: a part of mapped rows, one of rejected rows, and where to read on."""

    data: Part | None
    rejects: Part | None
    counts: Counts
    warnings: tuple[Tally, ...]
    rejections: tuple[Tally, ...]
    resume: Mapping[str, Any] | None
    """The source's cursor after these rows; None if nothing was read."""
    skipped: tuple[Tally, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitProgress:
    """A split of a run: which attempt works on it, what it staged, and whether it is done."""

    run_id: str
    number: int
    attempt: int
    staged: tuple[Staged, ...] = ()
    done: bool = False
    reads: Mapping[str, Any] | None = None
    """What it reads, as the engine says it, where that is not what the plan says under this number."""

    @property
    def rejected(self) -> int:
        """How many rows were rejected in what is staged."""
        return sum(step.counts.rejected for step in self.staged)

    @property
    def resume(self) -> Mapping[str, Any] | None:
        """Where to read on: the cursor of the newest staged step."""
        return self.staged[-1].resume if self.staged else None


def read_so_far(splits: Iterable[SplitProgress]) -> Counts:
    """What a run that is still reading may tell of itself. Nothing counts as written before it is published."""
    staged = [step.counts for split in splits for step in split.staged]
    return Counts(read=sum(step.read for step in staged), input_bytes=sum(step.input_bytes for step in staged))
