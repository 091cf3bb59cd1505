"""What the readers of a source may hold at a time, shared evenly: pages, and the batches that they become."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock
from typing import Final

LIMIT: Final = 256 * 2**20
# Of each reader: a body, what the decoder holds of the pages before it, a batch under way, and what is made of that,
# about six times a share; allocators keep as much again (benchmarks/land_large.py).
_AT_A_TIME: Final = 12
_LEAST, _MOST = 2**20, 16 * 2**20


@dataclass(slots=True)
class Memory:
    """Bytes in flight. An entity may have 1 MiB, and is read whole, however many readers there are."""

    limit: int = LIMIT
    readers: int = field(init=False, default=0)
    _changing: Lock = field(init=False, default_factory=Lock, repr=False)

    @contextmanager
    def shared(self) -> Iterator[None]:
        """One reader more."""
        with self._changing:
            self.readers += 1
        try:
            yield
        finally:
            with self._changing:
                self.readers -= 1

    def share(self) -> int:
        """Bytes that a page, or a batch before it is handed over, may have as JSON."""
        return max(_LEAST, min(_MOST, self.limit // (_AT_A_TIME * max(1, self.readers))))

    def rows(self, row_bytes: float) -> int:
        """How many rows of so many bytes fit into a page: one at least."""
        return max(1, int(self.share() / row_bytes))
