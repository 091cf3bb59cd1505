"""Which of several processes on one store starts what is due."""

import logging
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from flowservice.ports.database import Database

TICK: Final = "tick"
"""The name of the lease."""
LASTS: Final = timedelta(seconds=5)
"""After its last renewal. It is renewed each second; a few may come late before another process takes over."""
_LOG: Final = logging.getLogger(__name__)


@dataclass(slots=True, kw_only=True)
class Leadership:
    """The part of one process in it. Others wait, at no cost but one statement a second.

    That a slot starts once does not rest on this: the transaction that starts it sees to it.
    """

    database: Database
    holder: str
    """Who this process is, for people, and the same after a restart: its former self need not be waited for."""
    _leads: bool | None = None

    def lead(self) -> bool:
        """Whether this process is the one, for `LASTS` from now on. Says so in the log where it is news."""
        leads = self.database.leases.take(TICK, self.holder, lasts=LASTS)
        if leads is not self._leads:
            known = self.holder if leads else self.database.leases.holder(TICK)
            _LOG.info("due flows are started by %s%s", known or "another process", " (this process)" if leads else "")
            self._leads = leads
        return leads

    def resign(self) -> None:
        """Let another process lead at once."""
        self.database.leases.give_up(TICK, self.holder)
        self._leads = None
