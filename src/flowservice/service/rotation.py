"""A new key for all secrets, while the service goes on.

Whatever is killed on the way, each secret is sealed with a key that is there: a key comes before the first secret that
it seals, and goes after the last. What was left undone is done by the next rotation.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final

from flowservice.domain.connection import Connection
from flowservice.errors import Invalid, NotFound, Stale
from flowservice.ports.database import Database
from flowservice.ports.runtime import KeyRing, SecretBox
from flowservice.service.sources import renewed

_AT_ONCE: Final = 200
"""Connections that are read at a time; each is written in a transaction of its own, so that nobody waits long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotated:
    """What a rotation did."""

    key_id: str
    resealed: int
    dropped: int
    """Keys that were removed."""
    lost: tuple[str, ...]
    """Ids of the connections whose secret no key opens, before the rotation as after it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotation:
    """Gives the secrets of every organisation and sandbox another key. One at a time: who holds `ring` sees to it."""

    database: Database
    box: SecretBox
    ring: KeyRing

    def run(self, *, keep_old: bool) -> Rotated:
        """Add a key, seal all secrets with it, and drop the others unless they are to be kept.

        Raises Invalid if keys cannot be written, StoreUnavailable. A rotation may be run again after either.
        """
        key_id = self.ring.add()
        resealed, dropped = 0, None
        while dropped is None:
            resealed += self._resealed()
            dropped = self._settled(keep_old=keep_old)
        # The database may have lost the transaction, and with it the hold on the keys, just before they were dropped.
        # This process can still open what was stored in that moment.
        resealed += self._resealed()
        lost = tuple(connection.id for connection in self._behind(self.database))
        return Rotated(key_id=key_id, resealed=resealed, dropped=dropped, lost=lost)

    def _resealed(self) -> int:
        """Seal anew what an older key sealed; how many. What is changed meanwhile is left for the next time."""
        resealed = 0
        for connection in self._behind(self.database):
            with suppress(Invalid, Stale, NotFound):
                # Clients see nothing of it, so the etag that they hold stays good.
                sealed = replace(renewed(connection, self.box), stamp=connection.stamp.touched())
                self.database.connections.replace(connection, sealed)
                resealed += 1
        return resealed

    def _settled(self, *, keep_old: bool) -> int | None:
        """Drop the old keys if nothing needs them any more: how many were dropped, or None if something does."""
        with self.database.transaction() as tx:
            tx.connections.hold_keys(alone=True)
            if any(self._opens(connection) for connection in self._behind(tx)):
                return None
            return 0 if keep_old else self.ring.drop()

    def _behind(self, database: Database) -> Iterator[Connection]:
        """The connections whose secret is not sealed with the key that seals now."""
        mark, last = self.box.mark(), ""
        while some := database.connections.sealed(but=mark, after=last, limit=_AT_ONCE):
            yield from some
            last = some[-1].id

    def _opens(self, connection: Connection) -> bool:
        try:
            renewed(connection, self.box)
        except Invalid:
            # No key that is there was of use to it, so it needs none of them.
            return False
        return True
