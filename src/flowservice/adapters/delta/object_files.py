"""An object store as a file system of Arrow. delta-rs brings one too, but that one holds up every thread of the process
while it opens, creates and deletes objects: a store that hangs would stop the whole service.
"""

import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, Final, NoReturn

import obstore
import pyarrow as pa
from obstore.exceptions import BaseError, NotFoundError
from obstore.store import from_url
from pyarrow import fs

CONNECT_S: Final = 5
ANSWER_S: Final = 60
RETRY_S: Final = 20
RETRIES: Final = 4
"""What a store may take within one call; beyond that the caller waits and repeats."""
_UPLOAD_BYTES: Final = 8 * 1024 * 1024
"""Of a file at a time: two such pieces of each open file are in memory."""


def object_files(url: str, config: Mapping[str, str], *, allow_http: bool) -> fs.FileSystem:
    """The objects below `url`. `config` is named as for delta-rs. Raises OSError if it does not fit together."""
    with _as_os_error():
        store = from_url(
            url,
            config=dict(config),  # type: ignore[call-overload]  # each store has names of its own
            client_options={
                "allow_http": allow_http,
                "connect_timeout": timedelta(seconds=CONNECT_S),
                "timeout": timedelta(seconds=ANSWER_S),
            },
            retry_config={"max_retries": RETRIES, "retry_timeout": timedelta(seconds=RETRY_S)},
        )
    return fs.PyFileSystem(_Objects(url, store))


class _Objects(fs.FileSystemHandler):  # type: ignore[misc]  # Arrow has no types
    """Folders are prefixes: they are never made, and are there as long as an object is in them."""

    def __init__(self, url: str, store: Any) -> None:
        self._url = url
        self._store = store

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Objects) and other._store is self._store

    def __hash__(self) -> int:
        return hash(self._url)

    def get_type_name(self) -> str:
        return "object store"

    def normalize_path(self, path: str) -> str:
        return path

    def get_file_info(self, paths: list[str]) -> list[fs.FileInfo]:
        return [self._info(path) for path in paths]

    def get_file_info_selector(self, selector: fs.FileSelector) -> list[fs.FileInfo]:
        below = f"{selector.base_dir.rstrip('/')}/" if selector.base_dir else None
        with _as_os_error():
            if selector.recursive:
                return [_file(found) for some in obstore.list(self._store, below) for found in some]
            listed = obstore.list_with_delimiter(self._store, below)
        folders = [fs.FileInfo(path, fs.FileType.Directory) for path in listed["common_prefixes"]]
        return [*folders, *map(_file, listed["objects"])]

    def open_input_file(self, path: str) -> pa.PythonFile:
        with _as_os_error():
            size = obstore.head(self._store, path)["size"]
        return pa.PythonFile(_Ranges(self._store, path, size), mode="r")

    def open_input_stream(self, path: str) -> pa.PythonFile:
        return self.open_input_file(path)

    def open_output_stream(self, path: str, metadata: Mapping[str, str] | None) -> pa.PythonFile:  # noqa: ARG002
        with _as_os_error():
            writer = obstore.open_writer(self._store, path, buffer_size=_UPLOAD_BYTES, max_concurrency=2)
        return pa.PythonFile(_Upload(writer), mode="w")

    def delete_file(self, path: str) -> None:
        with _as_os_error():
            obstore.delete(self._store, path)

    def create_dir(self, path: str, recursive: bool) -> None:
        """There are no folders to make."""

    def _info(self, path: str) -> fs.FileInfo:
        with _as_os_error():
            try:
                return _file(obstore.head(self._store, path))
            except (NotFoundError, FileNotFoundError):
                listed = obstore.list_with_delimiter(self._store, f"{path}/")
        there = listed["common_prefixes"] or listed["objects"]
        return fs.FileInfo(path, fs.FileType.Directory if there else fs.FileType.NotFound)

    def _refuse(self, *_: object) -> NoReturn:
        """What a file system may be asked for, and a lake never is: its objects are written once, and deleted."""
        raise NotImplementedError("objects of a lake are neither moved, copied nor appended to")

    delete_dir = delete_dir_contents = delete_root_dir_contents = move = copy_file = open_append_stream = _refuse


class _Ranges(io.RawIOBase):
    """An object of that many bytes, read in the ranges that are asked for."""

    def __init__(self, store: Any, path: str, size: int) -> None:
        super().__init__()
        self._store = store
        self._path = path
        self._size = size
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        return self._at

    def read(self, size: int | None = -1, /) -> bytes:
        end = self._size if size is None or size < 0 else min(self._at + size, self._size)
        if end <= self._at:
            return b""
        with _as_os_error():
            got = bytes(obstore.get_range(self._store, self._path, start=self._at, end=end))
        self._at = end
        return got


class _Upload(io.RawIOBase):
    """An object that appears when it is closed."""

    def __init__(self, writer: Any) -> None:
        super().__init__()
        self._writer = writer
        self._at = 0

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def write(self, piece: Any, /) -> int:
        # Buffers of Arrow hold signed bytes, which obstore does not take.
        octets = memoryview(piece).cast("B")
        with _as_os_error():
            self._writer.write(octets)
        self._at += len(octets)
        return len(octets)

    def close(self) -> None:
        if not self.closed:
            super().close()
            with _as_os_error():
                self._writer.close()


def _file(found: Any) -> fs.FileInfo:
    return fs.FileInfo(found["path"], fs.FileType.File, size=found["size"], mtime=found["last_modified"])


@contextmanager
def _as_os_error() -> Iterator[None]:
    """Errors of the store as those of any file system. Their text may hold a signature."""
    try:
        yield
    except NotFoundError as error:
        raise FileNotFoundError(str(error)) from None
    except BaseError as error:
        raise OSError(str(error)) from None
