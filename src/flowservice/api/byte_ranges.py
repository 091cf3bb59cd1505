"""What a `Range` header asks for. Source: RFC 9110, section 14."""

import re
from dataclasses import dataclass
from typing import Final

from flowservice.errors import RangeUnsatisfiable

_ONE: Final = re.compile(r"[ \t]*(?P<first>[0-9]{0,40})-(?P<last>[0-9]{0,40})[ \t]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class ByteRange:
    """The bytes from `start` up to `end` of `size_bytes`."""

    start: int
    end: int
    size_bytes: int

    @property
    def told(self) -> str:
        """It as a `Content-Range`."""
        return f"bytes {self.start}-{self.end - 1}/{self.size_bytes}"


def byte_range(header: str | None, size_bytes: int) -> ByteRange | None:
    """The one range that `header` asks for, of a file that long; None: all of it is asked for.

    Units other than bytes are passed over, as the RFC wants it. Raises RangeUnsatisfiable for several ranges, for what
    is no range, and for one that begins past the end.
    """
    unit, _, ranges = (header or "").partition("=")
    if unit.strip().lower() != "bytes":
        return None
    one = _ONE.fullmatch(ranges)
    if one is None or not (one["first"] or one["last"]):
        raise RangeUnsatisfiable(
            "the header Range holds several ranges" if "," in ranges else "the header Range holds no range of bytes",
            advice="Ask for one range at a time: bytes=0-99, bytes=100- or, from the end, bytes=-100.",
            size_bytes=size_bytes,
        )
    start, end = _bounds(one["first"], one["last"], size_bytes)
    if start >= end:
        raise RangeUnsatisfiable(
            f"the range is not within the {size_bytes} bytes of the file",
            advice="HEAD on the same path tells how long the file is.",
            size_bytes=size_bytes,
        )
    return ByteRange(start=start, end=end, size_bytes=size_bytes)


def _bounds(first: str, last: str, size_bytes: int) -> tuple[int, int]:
    if not first:
        return max(size_bytes - int(last), 0), size_bytes
    return int(first), min(int(last) + 1, size_bytes) if last else size_bytes
