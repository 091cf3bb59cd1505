"""Tables in Azure Blob Storage (also with a hierarchical namespace) or S3.

An object appears whole or not at all, and stays; nothing can be renamed. So a table is removed by one small object that
says so (`.removed/<sandbox>/<table>`): while it is there, there is no table, whatever objects are left. It goes last.
"""

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Lock
from typing import Final

from deltalake.exceptions import CommitFailedError
from pyarrow import fs

from flowservice.adapters.delta.object_files import ANSWER_S, CONNECT_S, RETRIES, RETRY_S, object_files
from flowservice.adapters.delta.storage import REMOVED, without_urls
from flowservice.errors import LakeError, LakeUnavailable

_PROBE: Final = ".probe"
_PATIENCE: Final = {
    "max_retries": f"{RETRIES}",
    "retry_timeout": f"{RETRY_S}s",
    "connect_timeout": f"{CONNECT_S}s",
    "timeout": f"{ANSWER_S}s",
}
_UNANSWERED: Final = ("error sending request", "error decoding response", "operation timed out", "HTTP error")
_STATUS: Final = re.compile(r"\b(401|403|404|408|429|5\d\d) [A-Z]")
_CODE: Final = re.compile(r"<Code>([A-Za-z]{1,60})</Code>")


@dataclass(frozen=True, slots=True)
class ObjectStore:
    """Fills Storage below `root`, the URL of a container or bucket and a prefix in it. Raises OSError."""

    root: str
    options: Mapping[str, str] = field(repr=False)
    allow_http: bool = False
    filesystem: fs.FileSystem = field(init=False, repr=False, compare=False)
    _removing: Lock = field(init=False, repr=False, compare=False, default_factory=Lock)

    def __post_init__(self) -> None:
        object.__setattr__(self, "root", self.root.rstrip("/"))
        # Without a conditional put two writers of S3 could each believe that the same version is theirs.
        safe = {"aws_conditional_put": "etag"} if self.root.startswith("s3") else {}
        files = object_files(self.root, self.options, allow_http=self.allow_http)
        object.__setattr__(self, "filesystem", files)
        insecure = {"allow_http": "true"} if self.allow_http else {}
        object.__setattr__(self, "options", {**_PATIENCE, **safe, **insecure, **self.options})

    def within(self, path: str) -> fs.FileSystem:
        """The objects of the table alone."""
        return fs.SubTreeFileSystem(path, self.filesystem)

    def url(self, path: str = "") -> str:
        """The URL of `path`."""
        return f"{self.root}/{path}".rstrip("/")

    def may_hold_table(self, path: str) -> bool:
        """Not while it is being removed. Raises OSError."""
        return not self._is_being_removed(path)

    def make_room(self, path: str) -> None:
        """Finish the removal of a table that was there before. Raises OSError."""
        self._finish_removal(path)

    def unfinished(self, path: str) -> str:
        """Its own place: an object that is not complete is not there."""
        return path

    def settle(self, path: str, table: str) -> None:
        """It is there since it was closed."""

    def drop_empty(self, path: str) -> None:
        """There are no folders."""

    def remove(self, path: str) -> None:
        """Write the object that says so. Raises OSError."""
        if self.filesystem.get_file_info(path).type is not fs.FileType.NotFound:
            self._write(f"{REMOVED}/{path}")

    def remove_sandbox(self, sandbox_id: str) -> None:
        """Remove its tables, one by one. Raises OSError."""
        for path in self._listed(sandbox_id):
            self.remove(path)

    def tidy(self) -> None:
        """Delete the objects of what was removed, also by others and before. Raises OSError."""
        failures: list[OSError] = []
        for said in self._listed(REMOVED, recursive=True):
            try:
                self._finish_removal(said.removeprefix(f"{REMOVED}/"))
            except OSError as error:
                failures.append(error)
        if failures:
            raise failures[0]

    def ping(self) -> None:
        """Return if an object can be written. Raises OSError."""
        self._write(_PROBE)
        # Somebody else who asks at this moment may have deleted it.
        with suppress(FileNotFoundError):
            self.filesystem.delete_file(_PROBE)

    def refused(self, error: Exception) -> LakeError:
        """Told by status and code alone: the text of a store holds URLs, which may hold a signature."""
        text = str(error)
        codes, statuses = _CODE.findall(text), _STATUS.findall(text)
        status = statuses[-1] if statuses else ""
        if status in {"401", "403"} or "InvalidAccessKeyId" in codes:
            return self._unavailable("it refused the credentials", "Check the key, and what it may do there.")
        if "NoSuchBucket" in codes or "ContainerNotFound" in codes:
            return self._unavailable("there is no such container or bucket", "Create it: the service does not.")
        if status in {"408", "429"} or status.startswith("5"):
            return self._unavailable(f"it answered {' '.join([status, *codes[:1]])}", "It may be busy.")
        if any(hint in text for hint in _UNANSWERED) or "os error" in text:
            return self._unavailable("it did not answer", "Check its endpoint, and the network.")
        if isinstance(error, CommitFailedError):
            return self._unavailable("another commit came in between", "Nothing needs to be done.")
        if isinstance(error, OSError):
            detail = " ".join([status, *codes[:1]]) or type(error).__name__
            return self._unavailable(f"it refused a request ({detail})", "Check the settings of the lake.")
        return LakeError(f"the lake refused: {without_urls(text)[:200]}")

    def _unavailable(self, reason: str, advice: str) -> LakeUnavailable:
        return LakeUnavailable(
            f"the lake at {self.root} could not be used: {reason}", advice=f"{advice} The run goes on by itself."
        )

    def _is_being_removed(self, path: str) -> bool:
        try:
            self.filesystem.open_input_file(f"{REMOVED}/{path}").close()
        except FileNotFoundError:
            return False
        return True

    def _finish_removal(self, path: str) -> None:
        # Who comes second finds nothing to do, and deletes nothing of a table that was made again meanwhile.
        with self._removing:
            if not self._is_being_removed(path):
                return
            for found in self._listed(path, recursive=True):
                self._delete(found)
            self._delete(f"{REMOVED}/{path}")

    def _delete(self, path: str) -> None:
        # Another process may tidy at the same time.
        with suppress(FileNotFoundError):
            self.filesystem.delete_file(path)

    def _listed(self, path: str, *, recursive: bool = False) -> list[str]:
        """The folders in `path`; with `recursive` the objects below it."""
        found = self.filesystem.get_file_info(fs.FileSelector(path, allow_not_found=True, recursive=recursive))
        wanted = fs.FileType.File if recursive else fs.FileType.Directory
        return [info.path for info in found if info.type is wanted]

    def _write(self, path: str) -> None:
        with self.filesystem.open_output_stream(path) as stream:
            stream.write(b"1")
