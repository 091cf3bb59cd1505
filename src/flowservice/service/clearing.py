"""Emptying sandboxes that are being reset or deleted: rows of the control store, then tables of the lake.

Every step may be repeated, and the sandbox keeps its state until the last one is done: a process that is killed in the
middle leaves the rest to the next one.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from flowservice.domain.identity import Sandbox, SandboxState
from flowservice.errors import Error
from flowservice.ports.database import Database
from flowservice.ports.lake import Lake
from flowservice.ports.runtime import Clock
from flowservice.service.admission import Admission
from flowservice.service.lake_upkeep import tidied

_LOG: Final = logging.getLogger(__name__)
_BECOMES: Final = {SandboxState.RESETTING: SandboxState.ACTIVE, SandboxState.DELETING: SandboxState.DELETED}
_ROWS_AT_ONCE: Final = 500
"""Rows of a kind removed in one transaction: others write in between."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Clearing:
    """Empties what waits for it."""

    database: Database
    lake: Lake
    admission: Admission
    now: Clock

    def begin(self) -> None:
        """What a former process was cut off from, before the first `advance`."""
        tidied(self.lake)

    def advance(self) -> bool:
        """Do what can be done now; whether a sandbox still waits (for runs at work, say) and this shall be repeated."""
        waiting = self.database.tenancy.sandboxes_in(_BECOMES.keys())
        emptied = [self._emptied(sandbox) for sandbox in waiting]
        return not all(emptied)

    def _emptied(self, sandbox: Sandbox) -> bool:
        try:
            return self._attempt(sandbox)
        except Error as error:
            _LOG.warning("sandbox %s is not empty yet: %s", sandbox.name, error.message)
            return False

    def _attempt(self, sandbox: Sandbox) -> bool:
        if not self.admission.is_empty(sandbox.org_id, sandbox.name, is_default=sandbox.is_default):
            return False
        with self._held(sandbox) as tx:
            if tx is not None:
                tx.contents.stop(sandbox.id)
        # A run at work sees that its sandbox is closed, and ends; only then its rows and files may go.
        if self.database.contents.at_work(sandbox.id):
            return False
        while self._fewer(sandbox):
            pass
        with self._held(sandbox) as tx:
            if tx is not None:
                self.lake.remove_sandbox(sandbox.id)
                # The change is that of whoever asked for it.
                done = sandbox.moved_to(_BECOMES[sandbox.state], by=sandbox.updated_by, at=self.now())
                tx.tenancy.put_sandbox(done)
                _LOG.info("sandbox %s is empty and %s", sandbox.name, done.state.value)
        tidied(self.lake)
        return True

    def _fewer(self, sandbox: Sandbox) -> bool:
        """Remove some rows; whether there were any."""
        with self._held(sandbox) as tx:
            return tx is not None and tx.contents.remove(sandbox.id, limit=_ROWS_AT_ONCE) > 0

    @contextmanager
    def _held(self, sandbox: Sandbox) -> Iterator[Database | None]:
        """A transaction in which the sandbox stays what it is; None if another process was done with it before."""
        with self.database.transaction() as tx:
            tx.tenancy.hold(sandbox.org_id)
            same = tx.tenancy.sandbox(sandbox.org_id, sandbox.name) == sandbox
            yield tx if same else None
