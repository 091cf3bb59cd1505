"""Where tables are: a folder, or a prefix in an object store. Both hand out one file system, rooted at the lake."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final, Protocol

from deltalake.exceptions import DeltaError
from pyarrow import fs

from flowservice.errors import LakeError

REMOVED: Final = ".removed"
"""Name, beside those of the sandboxes, under which it stands what is being removed."""

REFUSALS: Final = (DeltaError, OSError)
"""What delta-rs and file systems raise where a lake cannot be used."""


class Storage(Protocol):
    """Paths are relative to the lake: `<sandbox id>/<table>/…`."""

    @property
    def filesystem(self) -> fs.FileSystem:
        """Reads, writes, lists and deletes, by paths relative to the lake. It raises OSError."""

    @property
    def options(self) -> Mapping[str, str]:
        """What delta-rs needs to reach it, secrets among it."""

    def within(self, path: str) -> fs.FileSystem | None:
        """A file system rooted at the table at `path`, for delta-rs; None: its own will do."""

    def url(self, path: str = "") -> str:
        """The place of `path`, for delta-rs and for people. Holds no secret."""

    def may_hold_table(self, path: str) -> bool:
        """False where it is known that there is no table at `path`. Raises OSError."""

    def make_room(self, path: str) -> None:
        """Make ready for the first commit of a table at `path`. Raises OSError."""

    def unfinished(self, path: str) -> str:
        """Where the file that will be at `path` is written. Raises OSError."""

    def settle(self, path: str, table: str) -> None:
        """The closed file that was written for `path`, in the table at `table`, is there and stays. Raises OSError."""

    def drop_empty(self, path: str) -> None:
        """Remove the folder if there is nothing in it. Raises OSError."""

    def remove(self, path: str) -> None:
        """Nobody finds the table at `path` any more, at once. Its files may stay until `tidy`. Raises OSError."""

    def remove_sandbox(self, sandbox_id: str) -> None:
        """As `remove`, of all tables of a sandbox. May be repeated after a failure in the middle. Raises OSError."""

    def tidy(self) -> None:
        """Delete the files of what was removed, whatever cannot be deleted keeping nothing else. Raises OSError."""

    def ping(self) -> None:
        """Return if the lake can be written. Raises OSError."""

    def refused(self, error: Exception) -> LakeError:
        """An error of REFUSALS as one of ours, without a secret in it."""


@contextmanager
def refusing(storage: Storage) -> Iterator[None]:
    """Has an error of delta-rs or a file system be one of ours. Without its cause, which may quote a secret."""
    try:
        yield
    except REFUSALS as error:
        raise storage.refused(error) from None


def without_urls(text: str) -> str:
    """A vendor's text that people may see: the URL of an object may hold a signature."""
    return re.sub(r"\S+://\S+", "…", text)
