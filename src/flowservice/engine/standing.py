"""Whether a run may go on: not once it was cancelled, reads for too long, or lost its flow or its sandbox."""

import time
from dataclasses import dataclass, field, replace
from typing import Final

from flowservice.domain.run import Run
from flowservice.engine.patience import Patience
from flowservice.errors import Cancelled, Error, NotFound, RunTimedOut
from flowservice.ports.database import Database

_LOOK_EVERY_S: Final = 0.5
_LONGEST_NAP_S: Final = 5.0
_AGAIN: Final = "To take its rows after all: POST /runs/{id}/action?op=re-trigger."


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What only a run that still reads depends on: its flow, and its time."""

    until_s: float
    """On the clock of `time.monotonic`."""
    most_minutes: int

    @classmethod
    def begun(cls, *, most_minutes: int) -> "Reading":
        """From now on."""
        return cls(until_s=time.monotonic() + most_minutes * 60.0, most_minutes=most_minutes)


@dataclass(slots=True, kw_only=True)
class Standing:
    """The right of one run to go on. Used by all threads that work on it."""

    run: Run
    database: Database
    reading: Reading | None = None
    """None: nothing is read (any more)."""
    _looked_at_s: float = field(init=False, default=0.0)

    def is_good(self) -> bool:
        """Whether it may go on."""
        return self._against() is None

    def check(self) -> None:
        """Return if it may go on. Raises Cancelled, NotFound, RunTimedOut."""
        self._looked_at_s = time.monotonic()
        if (error := self._against()) is not None:
            raise error

    def check_now_and_then(self) -> None:
        """`check`, unless that was done a moment ago. Raises as `check`."""
        if time.monotonic() - self._looked_at_s >= _LOOK_EVERY_S:
            self.check()

    def watched(self, patience: Patience) -> Patience:
        """`patience`, which whoever works asks between batches and waits with: it also raises what `check` does."""

        def stopping() -> bool:
            if patience.stopping():
                return True
            self.check_now_and_then()
            return False

        def sleep(pause_s: float) -> None:
            # In naps: nobody shall wait for the end of a long pause.
            left_s = pause_s
            patience.sleep(min(left_s, _LONGEST_NAP_S))
            while (left_s := left_s - _LONGEST_NAP_S) > 0 and not stopping():
                patience.sleep(min(left_s, _LONGEST_NAP_S))

        return replace(patience, sleep=sleep, stopping=stopping)

    def _against(self) -> Error | None:
        """What speaks against going on. Of what speaks, whoever looks later finds the same."""
        scope = self.run.stamp.scope
        if not self.database.tenancy.is_open(scope):
            return Cancelled(
                "the sandbox of the run is being reset or deleted; nothing was published",
                advice="Create the flow anew in a sandbox that is active.",
            )
        try:
            by = self.database.runs.find(self.run.id).cancelled_by
        except NotFound:
            return Cancelled("the run was removed; nothing was published", advice="Run the flow again.")
        if by is not None:
            return Cancelled(f"the run was cancelled by {by}; nothing was published", advice=_AGAIN)
        if self.reading is None:
            return None
        try:
            self.database.flows.get(scope, self.run.flow_id)
        except NotFound:
            return NotFound(
                "the flow was deleted before the run had read everything; nothing was published",
                advice="Create the flow anew.",
            )
        if time.monotonic() > self.reading.until_s:
            return RunTimedOut(
                f"the run has read for more than {self.reading.most_minutes} minutes; nothing was published",
                advice="Take fewer rows at a time (a window, a row filter), or raise FLOWSERVICE_RUN_TIMEOUT_MINUTES.",
            )
        return None
