"""How long a transient error is waited for."""

import logging
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar

from flowservice.errors import Throttled, Transient
from flowservice.ports.runtime import Interrupted

T = TypeVar("T")
_LOG: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """Full-jitter back-off: before try n a pause of 0 to `first_pause_s` * 2^n, at most `longest_pause_s`.

    `sleep` waits that many seconds and may return early when the process stops; `stopping` is then asked.
    """

    tries: int = 8
    first_pause_s: float = 0.5
    longest_pause_s: float = 60.0
    sleep: Callable[[float], object] = time.sleep
    stopping: Callable[[], bool] = lambda: False

    def wait(self, failures: int, error: Exception) -> None:
        """Pause after that many failures in a row; a source that names a time gets it. Raises Interrupted."""
        longest_s = min(self.first_pause_s * 2.0 ** min(failures, 30), self.longest_pause_s)
        # Jitter spreads the workers that one outage threw back together; it guards nothing.
        pause_s = random.uniform(0, longest_s)  # noqa: S311
        if isinstance(error, Throttled) and error.retry_after_s is not None:
            pause_s += error.retry_after_s
        self.keep_going()
        self.sleep(pause_s)
        self.keep_going()

    def keep_going(self) -> None:
        """Return unless the process stops. Raises Interrupted."""
        if self.stopping():
            raise Interrupted

    def outlasting(self, kind: type[Exception], call: Callable[[], T]) -> T:
        """The result of `call`, tried while its error is of that kind, however long. Raises Interrupted."""
        failures = 0
        while True:
            try:
                return call()
            except kind as error:
                failures += 1
                _LOG.warning("%s; waiting for it", error)
                self.wait(failures, error)

    def repeated(self, call: Callable[[], T]) -> T:
        """The result of `call`, tried up to `tries` times while its error is Transient."""
        failures = 0
        while True:
            try:
                return call()
            except Transient as error:
                failures += 1
                if failures >= self.tries:
                    raise
                self.wait(failures, error)
