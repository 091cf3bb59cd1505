"""The key file: the service's keys, one a line in base64. The first one seals and signs, all open.

A file of one line is what a first start makes. Below the keys there may be lines `tokens <key> <until>`: what is left
of a key that was removed, and can do no more than tell that an access token is genuine, as long as one may be out.

The file is never written in place: a reader finds what was there before or what is there now, whatever is killed.
"""

import base64
import binascii
import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Final, TypeAlias

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from flowservice.errors import Conflict, Invalid

KEY_BYTES: Final = 32
KEY_ID_BYTES: Final = 8
_TOKENS: Final = "tokens"

_Version: TypeAlias = tuple[int, int, int]


def key_id(key: bytes) -> bytes:
    """What names a key in public: 8 bytes that tell nothing of it."""
    return sha256(b"flowservice key id" + key).digest()[:KEY_ID_BYTES]


@dataclass(frozen=True, slots=True, kw_only=True)
class FormerTokens:
    """What is left of a removed key."""

    key: bytes
    """The key that tokens were signed with: 32 bytes, from which the removed key cannot be found."""
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """What a key file holds."""

    sealing: tuple[bytes, ...]
    """At least one, of 32 bytes each."""
    former: tuple[FormerTokens, ...] = ()


class KeyFile:
    """A key file as it is now: one that was changed since is read again."""

    def __init__(self, path: Path) -> None:
        """Reads `path`, which is made (mode 0600) if it is not there. Raises Invalid if it does not hold a key."""
        self.path = path
        _make(path)
        self._known = _read(path)

    def current(self) -> Keys:
        """Its keys. Raises Invalid if it was changed and cannot be read, or does not hold a key.

        A file that was taken away changes nothing: no rotation does that, and where the file is mounted for the start
        alone the service goes on.
        """
        # One assignment: a thread that comes late leaves an older version, which the next call finds to be one.
        with _readable(self.path):
            try:
                if _version(self.path.stat()) != self._known[0]:
                    self._known = _read(self.path)
            except FileNotFoundError:
                pass
        return self._known[1]

    def latest(self) -> Keys:
        """Its keys as they were read last, where they cannot be read now. For those who only read."""
        try:
            return self.current()
        except Invalid:
            return self._known[1]


class KeyRing:
    """Fills `ports.runtime.KeyRing`: what a rotation does to a key file. Made by `held`."""

    def __init__(self, path: Path, *, former: Callable[[bytes], FormerTokens] | None, now: datetime) -> None:
        # The file itself: a link to it stays one.
        self._path = path.resolve()
        self._former = former
        self._now = now

    def add(self) -> str:
        keys = _read(self._path)[1]
        new = AESGCM.generate_key(bit_length=8 * KEY_BYTES)
        _replace(self._path, replace(keys, sealing=(new, *keys.sealing)))
        return key_id(new).hex()

    def drop(self) -> int:
        keys = _read(self._path)[1]
        first, *old = keys.sealing
        former: tuple[FormerTokens, ...] = ()
        if self._former is not None:
            former = (*map(self._former, old), *(one for one in keys.former if one.until > self._now))
        _replace(self._path, Keys(sealing=(first,), former=former))
        return len(old)


@contextmanager
def held(path: Path, *, former: Callable[[bytes], FormerTokens] | None, now: datetime) -> Iterator[KeyRing]:
    """The keys in `path`, for one rotation at a time, of whatever process.

    Args:
        former: what shall be left of a key that is dropped. None: nothing, and what earlier ones left goes as well.
        now: aware, in UTC; what is left of keys that were dropped earlier goes when its time is over.
    Raises:
        Conflict: another rotation is at work.
        Invalid: there is no such file, or its folder cannot be written.
    """
    path = path.resolve()
    if not path.exists():
        raise Invalid(f"{path} does not exist", advice="Restore the key file from a backup (FLOWSERVICE_KEY_FILE).")
    # A file of its own, which stays: the key file is another one after each change, and whoever locks a file that may
    # be removed may hold one that nobody else sees.
    with _writable(path):
        lock = os.open(path.with_name(f"{path.name}.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        if os.geteuid() == 0:
            # The owner of the key file is to rotate next time, too.
            owner = path.stat()
            os.fchown(lock, owner.st_uid, owner.st_gid)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Conflict(
                f"another rotation of the keys in {path} is at work", advice="Wait until it has ended."
            ) from None
        yield KeyRing(path, former=former, now=now)
    finally:
        os.close(lock)


def _make(path: Path) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return
    with os.fdopen(descriptor, "w") as file:
        file.write(_text(Keys(sealing=(AESGCM.generate_key(bit_length=8 * KEY_BYTES),))))
        file.flush()
        os.fsync(file.fileno())


def _read(path: Path) -> tuple[_Version, Keys]:
    """The keys, and the version of the file that they were read from. Raises Invalid, FileNotFoundError."""
    with _readable(path), path.open(encoding="ascii") as file:
        version = _version(os.fstat(file.fileno()))
        try:
            lines = [line.split() for line in file.read().splitlines() if line.strip()]
            keys = Keys(
                sealing=tuple(_key(*words) for words in lines if words[0] != _TOKENS),
                former=tuple(_former(*words[1:]) for words in lines if words[0] == _TOKENS),
            )
            if not keys.sealing:
                raise ValueError
        except (binascii.Error, ValueError, TypeError):
            raise Invalid(
                f"{path} does not hold a key",
                advice="Each line must hold 32 bytes in base64; restore it from a backup.",
            ) from None
    return version, keys


def _key(word: str) -> bytes:
    key = base64.b64decode(word, validate=True)
    if len(key) != KEY_BYTES:
        raise ValueError
    return key


def _former(word: str, until: str) -> FormerTokens:
    ends = datetime.fromisoformat(until)
    if ends.tzinfo is None:
        raise ValueError
    return FormerTokens(key=_key(word), until=ends)


def _text(keys: Keys) -> str:
    sealing = [base64.b64encode(key).decode() for key in keys.sealing]
    former = [f"{_TOKENS} {base64.b64encode(one.key).decode()} {one.until.isoformat()}" for one in keys.former]
    return "".join(f"{line}\n" for line in (*sealing, *former))


def _replace(path: Path, keys: Keys) -> None:
    """Put a file that holds `keys` in the place of `path`, whole or not at all. Raises Invalid."""
    draft = path.with_name(f"{path.name}.new")
    with _writable(path):
        before = path.stat()
        # One that a killed rotation left: only who holds the lock comes here.
        draft.unlink(missing_ok=True)
        try:
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
                file.write(_text(keys))
                file.flush()
                # Who reads it today must read it tomorrow: the service may run as another user than this command.
                if (before.st_uid, before.st_gid) != (os.geteuid(), os.getegid()):
                    os.fchown(file.fileno(), before.st_uid, before.st_gid)
                os.fchmod(file.fileno(), before.st_mode & 0o777)
                os.fsync(file.fileno())
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            # Before any secret is sealed with a new key, its file must outlast a power cut.
            os.fsync(folder)
        finally:
            os.close(folder)


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise
    except OSError as error:
        raise Invalid(
            f"{path} cannot be read: {error.strerror}", advice=f"Type, as its owner: chmod u+r {path}"
        ) from None


@contextmanager
def _writable(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Invalid(
            f"the key file {path} cannot be replaced: {error.strerror}",
            advice="Run this as the owner of the file, which must be in a folder that can be written. Where it is "
            "mounted read-only, start the service with FLOWSERVICE_KEY_FILE set to a copy elsewhere, and rotate that.",
        ) from None


def _version(found: os.stat_result) -> _Version:
    return found.st_mtime_ns, found.st_ino, found.st_size
