"""Whether a run may go on: not once its sandbox is closed, to be emptied."""

import time
from dataclasses import dataclass, field, replace
from typing import Final

from flowservice.domain.run import Run
from flowservice.engine.patience import Patience
from flowservice.errors import Cancelled
from flowservice.ports.database import Database

_LOOK_EVERY_S: Final = 0.5
_LONGEST_NAP_S: Final = 5.0


@dataclass(slots=True, kw_only=True)
class Standing:
    """The right of one run to go on. Used by all threads that work on it."""

    run: Run
    database: Database
    _looked_at_s: float = field(init=False, default=0.0)

    def is_good(self) -> bool:
        """Whether the run's sandbox is active."""
        return self.database.tenancy.is_open(self.run.stamp.scope)

    def check(self) -> None:
        """Return if it is good. Raises Cancelled."""
        self._looked_at_s = time.monotonic()
        if not self.is_good():
            raise Cancelled(
                "the sandbox of the run is being reset or deleted; nothing was published",
                advice="Create the flow anew in a sandbox that is active.",
            )

    def check_now_and_then(self) -> None:
        """`check`, unless that was done a moment ago. Raises Cancelled."""
        if time.monotonic() - self._looked_at_s >= _LOOK_EVERY_S:
            self.check()

    def watched(self, patience: Patience) -> Patience:
        """`patience`, which whoever works asks between batches and waits with: it also raises Cancelled."""

        def stopping() -> bool:
            if patience.stopping():
                return True
            self.check_now_and_then()
            return False

        def sleep(pause_s: float) -> None:
            # In naps: a sandbox shall not wait for the end of a long pause.
            left_s = pause_s
            patience.sleep(min(left_s, _LONGEST_NAP_S))
            while (left_s := left_s - _LONGEST_NAP_S) > 0 and not stopping():
                patience.sleep(min(left_s, _LONGEST_NAP_S))

        return replace(patience, sleep=sleep, stopping=stopping)
