"""Tables in a folder: what was written outlasts a power cut, and a table is removed by giving it another name."""

import os
import shutil
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from uuid import uuid4

from deltalake.exceptions import CommitFailedError
from pyarrow import fs

from flowservice.adapters.delta.storage import REMOVED
from flowservice.errors import LakeError, LakeUnavailable

UNFINISHED: Final = ".unfinished"
"""Ending of a file that is still being written."""


@dataclass(frozen=True, slots=True)
class Folder:
    """Fills Storage below `root`."""

    root: Path
    filesystem: fs.FileSystem = field(init=False, repr=False, compare=False)
    options: Mapping[str, str] = field(init=False, repr=False, default_factory=dict)

    def __post_init__(self) -> None:
        local = fs.SubTreeFileSystem(str(self.root.absolute()), fs.LocalFileSystem())
        object.__setattr__(self, "filesystem", local)

    def within(self, path: str) -> None:
        """delta-rs reads local files well."""

    def url(self, path: str = "") -> str:
        """The folder of `path`."""
        return str(self.root / path)

    def may_hold_table(self, path: str) -> bool:
        """Parts may lie there before the first commit; only a log makes it a table."""
        return (self.root / path / "_delta_log").is_dir()

    def make_room(self, path: str) -> None:
        """Make the folder. Raises OSError."""
        (self.root / path).mkdir(parents=True, exist_ok=True)

    def unfinished(self, path: str) -> str:
        """A name beside its own, in a folder that is there. Raises OSError."""
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        return f"{path}{UNFINISHED}"

    def settle(self, path: str, table: str) -> None:
        """Safe on disk, then under its own name. Raises OSError."""
        written, named = self.root / f"{path}{UNFINISHED}", self.root / path
        _flush(written)
        written.rename(named)
        # The new name is safe only once its directory is, and that one's entry in the table's.
        _flush(named.parent)
        _flush(self.root / table)

    def drop_empty(self, path: str) -> None:
        """Remove the folder if there is nothing in it. Raises OSError."""
        folder = self.root / path
        if not any(folder.iterdir()):
            folder.rmdir()

    def remove(self, path: str) -> None:
        """Rename the folder away. Raises OSError."""
        removed = self.root / REMOVED
        removed.mkdir(parents=True, exist_ok=True)
        with suppress(FileNotFoundError):
            (self.root / path).rename(removed / uuid4().hex)

    def remove_sandbox(self, sandbox_id: str) -> None:
        """Rename the sandbox's folder away. Raises OSError."""
        self.remove(sandbox_id)

    def tidy(self) -> None:
        """Delete the files of what was removed, also by others and before. Raises OSError."""
        removed = self.root / REMOVED
        failures: list[OSError] = []
        # The folder itself stays: another one may be about to move a table into it.
        for folder in list(removed.iterdir()) if removed.is_dir() else []:
            try:
                shutil.rmtree(folder)
            except FileNotFoundError:
                # Whoever tidies at the same time was ahead.
                continue
            except OSError as error:
                failures.append(error)
        if failures:
            raise failures[0]

    def ping(self) -> None:
        """Return if a file can be written. Raises OSError."""
        self.root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=self.root) as probe:
            probe.write(b"1")

    def refused(self, error: Exception) -> LakeError:
        """delta-rs reports the operating system's refusals as text within its own error."""
        text = str(error)
        if isinstance(error, OSError) and error.errno is not None:
            reason = error.strerror or "input/output error"
        elif isinstance(error, CommitFailedError | OSError) or "os error" in text or "LocalFileSystem" in text:
            known = (os.strerror(code) for code in (28, 30, 13, 5) if f"os error {code}" in text)
            reason = next(known, "it did not answer")
        else:
            return LakeError(f"the lake refused: {text[:200]}")
        return LakeUnavailable(
            f"the lake could not be used: {reason}",
            advice=f"Check that the disk has room and that {self.root} can be written; the run goes on by itself.",
        )


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
