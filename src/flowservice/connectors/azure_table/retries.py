"""When to ask again: exponential pauses with full jitter, and no longer than a person or engine would wait."""

import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from flowservice.errors import Cancelled, Error, Throttled, Transient


def _pause(seconds: float, stopped: threading.Event) -> None:
    stopped.wait(seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Retries:
    """Up to `tries` attempts; before attempt n+1 a pause of 0 to first_s * 2**(n-1) seconds, at most `longest_s`.

    Full jitter: after an outage the readers must not come back all at once.
    Source: aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter
    """

    tries: int = 6
    first_s: float = 1.0
    longest_s: float = 30.0
    draw: Callable[[], float] = field(default=random.random, repr=False)
    """A number from 0 to 1."""
    pause: Callable[[float, threading.Event], None] = field(default=_pause, repr=False)

    def wait(self, error: Error, *, failed: int, stopped: threading.Event) -> None:
        """Return after a pause if the call that failed `failed` times is to be repeated.

        Raises `error` again if not, and Cancelled if `stopped` was set meanwhile.
        """
        if not isinstance(error, Transient) or failed >= self.tries:
            raise error
        seconds = min(self.longest_s, self.first_s * 2 ** (failed - 1)) * self.draw()
        if isinstance(error, Throttled) and error.retry_after_s is not None:
            # The service knows best, but an hour's pause is the engine's to take.
            if error.retry_after_s > 2 * self.longest_s:
                raise error
            seconds += error.retry_after_s
        self.pause(seconds, stopped)
        if stopped.is_set():
            raise Cancelled("reading was stopped")


ONCE = Retries(tries=1)
"""No second attempt: for `check`, which must answer within 10 seconds."""
