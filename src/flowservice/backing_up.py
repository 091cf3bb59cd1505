"""`flowservice backup`: a copy of a home that is one whole, also while it serves.

Store and lake change independently of each other, so the order counts. A store that is newer than its lake would say
of rows that they landed while they are not there; one that is older would not know runs whose numbers the lake holds.

1. The files of all tables are copied. They are never written twice, and this takes the longest.
2. Each table's version is noted. What was committed until now was so before the store is copied.
3. The store is copied, as of one moment. Whatever run it calls ended has committed before, for runs commit first.
4. Each table's log is copied, up to the first commit of a run that had not read everything yet at that moment: it came
   later, and so did all after it. A run that had read everything may be in the lake already, or not: after a crash it
   is the same, and the run looks. Then come the files that were still missing, and the parts that runs under way have
   recorded in the store.

Files that a run stages go when it ends; where one went between 3 and 4, both are done again. So it is where the keys
changed meanwhile: the key file has to open what is sealed in the store.
"""

import contextlib
import os
import shutil
import sqlite3
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa

from flowservice import VERSION
from flowservice.adapters.delta import place_of
from flowservice.adapters.delta.copying import Moved, TableCopy, tables_in
from flowservice.adapters.delta.lake import path_of
from flowservice.adapters.sql.snapshot import Snapshot, copied
from flowservice.app import App
from flowservice.domain.dataset import TableKind, TableRef
from flowservice.errors import Conflict, Invalid, NotFound
from flowservice.manifest import NAME, Kept, Manifest
from flowservice.serving import sole
from flowservice.settings import Settings

STORE: Final = "flowservice.db"
KEY: Final = "key"
CREDENTIALS: Final = "credentials.json"
LAKE: Final = "lake"
UNFINISHED: Final = ".unfinished"
"""Ending of what is being written, which is no backup, and no home either."""
_TRIES: Final = 20
Step = Callable[[str], None]
"""Told of each step when it is over, so that tests can do something between two."""


def backup(settings: Settings, to: Path, *, done: Step = lambda _: None) -> dict[str, Any]:
    """Back up a home to a folder, or to a file with the ending `.tar`; what was kept.

    Raises NotFound for a home without a store, Invalid for a place that is taken or cannot be written, Conflict if the
    home changes faster than it can be copied.
    """
    to = Path(os.path.abspath(to))  # noqa: PTH100 - `resolve` would follow a link that is to be replaced
    if to.exists():
        raise Invalid(f"{to} is there already", advice="Name a new folder, or a new file that ends with .tar.")
    place = place_of(settings.resolved_lake_url)
    home = _Home(settings=settings, lake=place if isinstance(place, Path) else None)
    home.check()
    # Beside its place: to take its name at the end is one step.
    work = to.with_name(f"{to.name}{UNFINISHED}")
    with written(to, work), home.quiet():
        work.mkdir(mode=0o700, parents=True)
        manifest = _Backup(home=home, to=work, done=done).made()
        _publish(work, to)
    return {
        "backup": str(to),
        "store": manifest.store or _size(manifest, STORE),
        "lake": manifest.lake or _size(manifest, f"{LAKE}/"),
        "tables": len(manifest.tables),
        "files": len(manifest.files),
        "sizeBytes": manifest.size_bytes,
    }


@dataclass(frozen=True, kw_only=True)
class _Home:
    settings: Settings
    lake: Path | None
    """The folder of the lake; None: it is an object store."""

    @property
    def store(self) -> Path | None:
        """The file of the store; None: it is no file."""
        url = sa.make_url(self.settings.resolved_database_url)
        return Path(url.database or "") if url.get_backend_name() == "sqlite" else None

    @property
    def store_elsewhere(self) -> str | None:
        if self.store is not None:
            return None
        return sa.make_url(self.settings.resolved_database_url).render_as_string(hide_password=True)

    def check(self) -> None:
        """Raises NotFound."""
        if (self.store is not None and not self.store.is_file()) or not self.settings.key_path.is_file():
            raise NotFound(
                f"there is no store, or no key, for {self.settings.home}", advice="Name the home with --home."
            )

    def quiet(self) -> contextlib.AbstractContextManager[None]:
        """Without the file of the store nobody can say what the lake may hold, unless nothing runs. Raises Invalid."""
        return contextlib.nullcontext() if self.store is not None else sole(self.settings)

    def small_files(self) -> dict[str, bytes]:
        """By their names in a backup. Raises OSError."""
        found = {KEY: self.settings.key_path.read_bytes()}
        with contextlib.suppress(FileNotFoundError):
            # Not there once the first credential was revoked.
            found[CREDENTIALS] = self.settings.credentials_path.read_bytes()
        return found


@dataclass(kw_only=True)
class _Backup:
    home: _Home
    to: Path
    done: Step
    _copies: dict[TableRef, TableCopy] = field(default_factory=dict)

    def made(self) -> Manifest:
        """The backup in `to`, with the manifest that was written last. Raises Conflict, OSError."""
        for copy in self._known_copies():
            copy.ahead()
        self.done("ahead")
        schema, versions = self._moment()
        paths = sorted(path for path in self.to.rglob("*") if path.is_file())
        manifest = Manifest(
            program=VERSION,
            made_at=datetime.now(UTC).isoformat(timespec="seconds"),
            schema=schema,
            store=self.home.store_elsewhere,
            lake=None if self.home.lake is not None else self.home.settings.resolved_lake_url,
            tables=versions,
            files=tuple(Kept.of(self.to, path) for path in paths),
        )
        _write(self.to / NAME, manifest.to_json().encode())
        return manifest

    def _moment(self) -> tuple[str | None, dict[str, int]]:
        """The schema of the store, and the version of each table of the lake."""
        for _ in range(_TRIES):
            small = self.home.small_files()
            for copy in self._known_copies():
                copy.look()
            self.done("looked")
            snapshot = self._store()
            self.done("store")
            try:
                versions = self._lake(snapshot)
            except Moved:
                continue
            if self.home.small_files() != small:
                continue
            for name, held in small.items():
                _write(self.to / name, held)
            return None if snapshot is None else snapshot.revision, versions
        raise Conflict(
            "the home changes faster than it can be copied",
            advice="Back it up while fewer runs end, or while the server is stopped.",
        )

    def _store(self) -> Snapshot | None:
        if self.home.store is None:
            return None
        target = self.to / STORE
        target.unlink(missing_ok=True)
        return copied(self.home.store, target)

    def _lake(self, snapshot: Snapshot | None) -> dict[str, int]:
        if self.home.lake is None:
            return self._elsewhere(snapshot)
        if snapshot is None:
            # Nothing runs: the lake is as it is, and what runs have staged stays where it is.
            finished = {copy.table: copy.finish(set(copy.copied), lambda _: True) for copy in self._known_copies()}
            return _versions(finished)
        for gone in self._copies.keys() - snapshot.tables:
            shutil.rmtree(self._copies.pop(gone).target, ignore_errors=True)
        finished = {}
        for table in snapshot.tables:
            known = snapshot.may_have_committed if table.kind is TableKind.DATA else snapshot.planned
            parts = {part.path for part in snapshot.parts.get(table, ())}
            finished[table] = self._copy(table).finish(parts, known.__contains__)
        return _versions(finished)

    def _elsewhere(self, snapshot: Snapshot | None) -> dict[str, int]:
        """The versions of the tables in an object store. Raises LakeUnavailable, LakeError."""
        lake = App(self.home.settings).lake
        tables = () if snapshot is None else snapshot.tables
        return _versions({table: lake.version(table) for table in tables})

    def _known_copies(self) -> list[TableCopy]:
        for table in tables_in(self.home.lake) if self.home.lake is not None else ():
            self._copy(table)
        return list(self._copies.values())

    def _copy(self, table: TableRef) -> TableCopy:
        assert self.home.lake is not None
        made = TableCopy(root=self.home.lake, to=self.to / LAKE, table=table)
        return self._copies.setdefault(table, made)


@contextlib.contextmanager
def written(to: Path, work: Path) -> Iterator[None]:
    """`work` is written and then named `to`; of a failure nothing is left. Raises Invalid for what the disk refuses."""
    try:
        _clear(work)
        yield
    except (OSError, sqlite3.Error, tarfile.TarError) as error:
        reason = (isinstance(error, OSError) and error.strerror) or str(error)
        raise Invalid(
            f"{to} could not be written: {reason}", advice="Nothing was left there; see to its disk and folder."
        ) from None
    finally:
        with contextlib.suppress(OSError):
            _clear(work)


def flush(folder: Path) -> None:
    """The names in a folder outlast a power cut. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _publish(work: Path, to: Path) -> None:
    """Give what is whole its name. Raises OSError."""
    for folder, _, _ in os.walk(work):
        flush(Path(folder))
    if to.suffix != ".tar":
        work.rename(to)
    else:
        archive = work / "backup.tar"
        with os.fdopen(os.open(archive, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            with tarfile.open(fileobj=file, mode="w") as tar:
                # The manifest first: who restores looks at it before anything else.
                for path in sorted(work.rglob("*"), key=lambda path: (path.name != NAME, path)):
                    if path.is_file() and path != archive:
                        tar.add(path, arcname=path.relative_to(work).as_posix(), filter=_nobodys)
            file.flush()
            os.fsync(file.fileno())
        archive.rename(to)
    flush(to.parent)


def _nobodys(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    return entry


def _versions(finished: dict[TableRef, int | None]) -> dict[str, int]:
    known = {path_of(table): version for table, version in finished.items() if version is not None}
    return dict(sorted(known.items()))


def _size(manifest: Manifest, prefix: str) -> str:
    return f"{sum(kept.size_bytes for kept in manifest.files if kept.path.startswith(prefix))} bytes"


def _write(path: Path, held: bytes) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(held)
        file.flush()
        os.fsync(file.fileno())


def _clear(work: Path) -> None:
    if work.is_dir():
        shutil.rmtree(work)
    else:
        work.unlink(missing_ok=True)
