"""How many requests wait for an answer at a time: as many as the service bears.

Additive increase, multiplicative decrease, as TCP has it: a refusal for load halves the number, each answer adds a
little of one. So many ranges of a table that are read side by side do not wear themselves out against a busy service.
Source: Chiu and Jain, "Analysis of the Increase and Decrease Algorithms for Congestion Avoidance", 1989
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from flowservice.errors import Cancelled, Throttled

_POLL_S: Final = 0.5


@dataclass(slots=True)
class Gate:
    """Lets requests pass. One for each account that is read; used by all of its threads."""

    most: float = 64.0
    """Requests under way at a time, however well things go."""
    settled_s: float = 1.0
    """Requests that were under way together are refused together: within this time they count as one refusal."""
    now: Callable[[], float] = field(default=time.monotonic, repr=False)
    limit: float = field(init=False, default=0.0)
    """What the service seems to bear now; at least 1."""
    _under_way: int = field(init=False, default=0)
    _lowered_at: float = field(init=False, default=float("-inf"))
    _changed: threading.Condition = field(init=False, default_factory=threading.Condition, repr=False)

    def __post_init__(self) -> None:
        self.limit = self.most

    @contextmanager
    def passed(self, stopped: threading.Event) -> Iterator[None]:
        """A request is under way; waits for its turn. Raises Cancelled once `stopped` is set."""
        with self._changed:
            while self._under_way >= max(1, int(self.limit)):
                self._changed.wait(_POLL_S)
                if stopped.is_set():
                    raise Cancelled("reading was stopped")
            self._under_way += 1
        try:
            yield
        except Throttled:
            self._lower()
            raise
        else:
            with self._changed:
                self.limit = min(self.most, self.limit + 1 / self.limit)
        finally:
            with self._changed:
                self._under_way -= 1
                self._changed.notify_all()

    def _lower(self) -> None:
        with self._changed:
            if self.now() - self._lowered_at >= self.settled_s:
                self._lowered_at = self.now()
                self.limit = max(1.0, min(self.limit, self._under_way) / 2)
