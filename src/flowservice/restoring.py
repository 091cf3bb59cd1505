"""`flowservice restore`: a home out of a backup, whole or not at all."""

import hashlib
import os
import shutil
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Final, Protocol

from flowservice.adapters.sql.migrate import check_known
from flowservice.backing_up import UNFINISHED, flush, written
from flowservice.errors import Invalid, NotFound
from flowservice.manifest import NAME, Kept, Manifest

_CHUNK: Final = 1 << 20


def restore(source: Path, home: Path) -> dict[str, Any]:
    """Make `home` from the backup at `source`; what is in it now.

    Raises NotFound where there is no backup, Invalid for one that is damaged or of a later version, and for a home
    that holds something.
    """
    home = Path(os.path.abspath(home))  # noqa: PTH100 - the name that was given, not what it links to
    if home.exists() and not (home.is_dir() and not any(home.iterdir())):
        raise Invalid(f"{home} is not empty", advice="Restore into a new folder; then serve from that one.")
    work = home.with_name(f"{home.name}{UNFINISHED}")
    with _opened(source) as held, written(home, work):
        manifest = _checked(held)
        work.mkdir(mode=0o700, parents=True)
        for kept in manifest.files:
            manifest.check(kept, _taken(held, kept, work))
        for folder, _, _ in os.walk(work):
            flush(Path(folder))
        # Over an empty folder, too.
        work.rename(home)
        flush(home.parent)
    return {
        "home": str(home),
        "madeAt": manifest.made_at,
        "store": manifest.store or "restored",
        "lake": manifest.lake or "restored",
        "tables": len(manifest.tables),
        "files": len(manifest.files),
        "sizeBytes": manifest.size_bytes,
    }


class _Held(Protocol):
    def names(self) -> set[str]:
        """Its files."""

    def open(self, name: str) -> IO[bytes]:
        """One of them. Raises FileNotFoundError."""


class _Folder:
    def __init__(self, root: Path) -> None:
        self._root = root

    def names(self) -> set[str]:
        return {path.relative_to(self._root).as_posix() for path in self._root.rglob("*") if path.is_file()}

    def open(self, name: str) -> IO[bytes]:
        return (self._root / name).open("rb")


class _Archive:
    def __init__(self, tar: tarfile.TarFile) -> None:
        self._tar = tar
        self._entries = {entry.name: entry for entry in tar.getmembers() if entry.isfile()}

    def names(self) -> set[str]:
        return set(self._entries)

    def open(self, name: str) -> IO[bytes]:
        file = self._tar.extractfile(self._entries[name]) if name in self._entries else None
        if file is None:
            raise FileNotFoundError(2, "it is not in the archive", name)
        return file


@contextmanager
def _opened(source: Path) -> Iterator[_Held]:
    if source.is_dir():
        yield _Folder(source)
        return
    try:
        tar = tarfile.open(source)  # noqa: SIM115 - what the body raises is none of this
    except FileNotFoundError:
        raise NotFound(f"there is no backup at {source}", advice="Name what `backup --to` wrote.") from None
    except (OSError, tarfile.TarError) as error:
        raise Invalid(f"{source} cannot be read: {error}", advice="Name what `backup --to` wrote.") from None
    with tar:
        yield _Archive(tar)


def _checked(held: _Held) -> Manifest:
    """What the backup says, if it is whole and of a version that this program can open. Raises Invalid."""
    if NAME not in held.names():
        raise Invalid(
            "there is no manifest: this is no backup, or one that was not finished",
            advice="Name what `backup --to` wrote.",
        )
    with held.open(NAME) as file:
        manifest = Manifest.read(file.read().decode(errors="replace"))
    if manifest.schema is not None:
        check_known(manifest.schema)
    named = {kept.path for kept in manifest.files}
    if named != held.names() - {NAME}:
        odd = sorted(named ^ (held.names() - {NAME}))
        raise Invalid(
            f"the backup has other files than its manifest says: {odd[0][:200]}",
            advice="Take another backup; nothing was restored from this one.",
        )
    for kept in manifest.files:
        with held.open(kept.path) as file:
            size_bytes = file.seek(0, os.SEEK_END)
            file.seek(0)
            # All of it is looked at before the first byte is written; a file may still change after that.
            manifest.check(kept, Kept(path=kept.path, size_bytes=size_bytes, sha256=_digest(file)))
    return manifest


def _digest(file: IO[bytes]) -> str:
    found = hashlib.sha256()
    while chunk := file.read(_CHUNK):
        found.update(chunk)
    return found.hexdigest()


def _taken(held: _Held, kept: Kept, work: Path) -> Kept:
    """The file as it is in `work` now. Raises OSError."""
    target = work / kept.path
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with held.open(kept.path) as file, os.fdopen(descriptor, "wb") as copy:
        shutil.copyfileobj(file, copy, _CHUNK)
        copy.flush()
        os.fsync(copy.fileno())
    return Kept.of(work, target)
