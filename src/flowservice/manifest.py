"""What a backup of a home says of itself: which files are in it, and what belongs to it that is elsewhere."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final

from flowservice.errors import Invalid

NAME: Final = "manifest.json"
FORMAT: Final = 1
_DAMAGED: Final = "Take another backup; nothing was restored from this one."


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A file of a backup."""

    path: str
    """Within the backup, with `/`."""
    size_bytes: int
    sha256: str

    @classmethod
    def of(cls, folder: Path, path: Path) -> "Kept":
        """The file as it is now. Raises OSError."""
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        return cls(path=path.relative_to(folder).as_posix(), size_bytes=path.stat().st_size, sha256=digest)


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """Written last: a folder without one is no backup."""

    program: str
    """The version of the program that made the backup."""
    made_at: str
    """ISO 8601, in UTC."""
    schema: str | None
    """Of the control store in it; None: the store is elsewhere."""
    store: str | None
    """Where the control store is that belongs to it, without a password; None: in it."""
    lake: str | None
    """Where the lake is that belongs to it; None: in it."""
    tables: Mapping[str, int]
    """The version of each table of the lake, in it or elsewhere, as of the store's copy."""
    files: Sequence[Kept]

    @property
    def size_bytes(self) -> int:
        """Of all its files."""
        return sum(kept.size_bytes for kept in self.files)

    def to_json(self) -> str:
        """The text of the file."""
        return json.dumps({"format": FORMAT, **asdict(self)}, indent=2) + "\n"

    @classmethod
    def read(cls, text: str) -> "Manifest":
        """What `to_json` wrote. Raises Invalid."""
        try:
            told: dict[str, Any] = json.loads(text)
            known = told.pop("format")
            if known == FORMAT:
                files = tuple(Kept(**kept) for kept in told.pop("files"))
                if not all(_is_within(kept.path) for kept in files):
                    raise ValueError
                return cls(**told, files=files)
        except (ValueError, TypeError, KeyError, AttributeError):
            raise Invalid("the manifest of the backup is damaged", advice=_DAMAGED) from None
        raise Invalid(
            f"the backup is of format {str(known)[:20]!r}; this program knows format {FORMAT}",
            advice="Restore it with the version that made it, or a later one.",
        )

    def check(self, kept: Kept, found: Kept) -> None:
        """Return if a file is as the backup says. Raises Invalid."""
        if kept != found:
            raise Invalid(f"{kept.path} is not what was backed up: it was changed or cut", advice=_DAMAGED)


def _is_within(path: str) -> bool:
    parts = PurePosixPath(path)
    return not parts.is_absolute() and ".." not in parts.parts and path == parts.as_posix()
