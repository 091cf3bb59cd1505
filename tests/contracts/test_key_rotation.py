"""A rotation of keys, interrupted at every step it takes, on every database."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from flowservice.adapters.sealing.box import EnvelopeBox
from flowservice.adapters.sealing.key_file import KeyFile, held
from flowservice.adapters.sql.database import SqlDatabase
from flowservice.domain.connection import Connection, Signin
from flowservice.domain.identity import Caller
from flowservice.domain.resource import SpecRef, Stamp
from flowservice.ports.database import Database
from flowservice.ports.runtime import KeyRing
from flowservice.service.rotation import Rotated, Rotation
from tests.contracts.test_database import NOON, sandbox_of


class Killed(BaseException):
    """The process is gone: nothing may catch it."""


class Steps:
    """Lets so many steps be taken, and then none."""

    def __init__(self, left: int) -> None:
        self.left = left

    def take(self) -> None:
        if self.left == 0:
            raise Killed
        self.left -= 1


class Mortal:
    """A thing each of whose calls may be killed just before or just after it is done."""

    def __init__(self, real: Any, steps: Steps) -> None:
        self._real, self._steps = real, steps

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            self._steps.take()
            answer = getattr(self._real, name)(*arguments, **named)
            self._steps.take()
            return answer

        return call


class MortalDatabase:
    def __init__(self, real: SqlDatabase, steps: Steps) -> None:
        self._real, self._steps = real, steps
        self.connections = Mortal(real.connections, steps)

    @contextmanager
    def transaction(self) -> Iterator["MortalDatabase"]:
        with self._real.transaction() as tx:
            yield MortalDatabase(tx, self._steps)
        self._steps.take()


def fresh(path: Path) -> EnvelopeBox:
    """The box of a process that starts now."""
    file = KeyFile(path)
    return EnvelopeBox(lambda: file.current().sealing)


def connection(caller: Caller, name: str, box: EnvelopeBox | None, secret: bytes = b"s") -> Connection:
    auth = Signin(spec_name="a", params={}, sealed=box.seal(secret, owner=name)) if box else None
    return Connection(id=name, stamp=Stamp.first(caller, at=NOON), spec=SpecRef(id="spec"), auth=auth)


def rotated(database: Any, path: Path, *, keep_old: bool = False, steps: Steps | None = None) -> Rotated:
    with held(path, former=None, now=NOON) as ring:
        keys = cast(KeyRing, Mortal(ring, steps)) if steps else ring
        used = cast(Database, MortalDatabase(database, steps)) if steps else database
        return Rotation(database=used, box=fresh(path), ring=keys).run(keep_old=keep_old)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "key"


@pytest.fixture
def stored(database: SqlDatabase, path: Path) -> Sequence[Connection]:
    """Connections with a secret, in three sandboxes of two organisations; beside them others without."""
    callers = [sandbox_of(database, "a"), sandbox_of(database, "a", "dev"), sandbox_of(database, "b")]
    box = fresh(path)
    made = [connection(caller, f"c{number}", box) for number, caller in enumerate(callers)]
    bare = connection(callers[0], "bare", None)
    shown = replace(bare, id="shown", auth=Signin(spec_name="a", params={"host": "h"}))
    for one in (*made, bare, shown):
        database.connections.add(one)
    return made


def secrets(database: SqlDatabase, box: EnvelopeBox) -> dict[str, bytes]:
    found = database.connections.sealed(limit=100)
    return {one.id: box.open(one.auth.sealed, owner=one.id) for one in found if one.auth}


def test_every_secret_gets_the_new_key_and_clients_see_nothing_of_it(
    database: SqlDatabase, path: Path, stored: Sequence[Connection]
) -> None:
    old = KeyFile(path).current().sealing
    did = rotated(database, path)
    assert (did.resealed, did.dropped, did.lost) == (3, 1, ())
    assert set(KeyFile(path).current().sealing).isdisjoint(old)
    assert secrets(database, fresh(path)) == dict.fromkeys(("c0", "c1", "c2"), b"s")
    for before in stored:
        now = database.connections.get(before.stamp.scope, before.id)
        assert now.auth != before.auth
        assert now.etag == before.etag
        assert replace(now, auth=before.auth, stamp=replace(now.stamp, revision=1)) == before


def test_kept_keys_still_open_what_is_restored(database: SqlDatabase, path: Path, stored: Sequence[Connection]) -> None:
    assert rotated(database, path, keep_old=True).dropped == 0
    box = fresh(path)
    assert len(KeyFile(path).current().sealing) == 2
    for before in stored:
        assert before.auth
        assert box.open(before.auth.sealed, owner=before.id) == b"s"
    # The next one removes them.
    assert rotated(database, path).dropped == 2


def test_a_rotation_that_is_killed_at_any_step_loses_nothing_and_the_next_one_ends_it(
    database: SqlDatabase, path: Path, stored: Sequence[Connection]
) -> None:
    kills = 0
    while True:
        steps = Steps(kills)
        try:
            did = rotated(database, path, steps=steps)
        except Killed:
            kills += 1
        else:
            break
        assert secrets(database, fresh(path)) == dict.fromkeys(("c0", "c1", "c2"), b"s"), kills
    assert kills > 15
    assert did.lost == ()
    assert len(KeyFile(path).current().sealing) == 1
    assert secrets(database, fresh(path)) == dict.fromkeys(("c0", "c1", "c2"), b"s")


def test_what_is_stored_with_an_old_key_after_the_pass_is_sealed_anew(
    database: SqlDatabase, path: Path, stored: Sequence[Connection]
) -> None:
    """Somebody stores a secret each time that the rotation is about to look whether any is left."""
    old = KeyFile(path).current().sealing
    caller = sandbox_of(database, "late")
    late = iter([connection(caller, f"late{number}", EnvelopeBox(lambda: old), b"late") for number in range(3)])

    class Busy(MortalDatabase):
        @contextmanager
        def transaction(self) -> Iterator[MortalDatabase]:
            if one := next(late, None):
                database.connections.add(one)
            with super().transaction() as tx:
                yield tx

    busy = cast(Database, Busy(database, Steps(-1)))
    with held(path, former=None, now=NOON) as ring:
        did = Rotation(database=busy, box=fresh(path), ring=ring).run(keep_old=False)
    assert (did.resealed, did.dropped) == (6, 1)
    assert sorted(secrets(database, fresh(path)).values()) == [b"late"] * 3 + [b"s"] * 3


def test_a_secret_that_no_key_opens_is_told_and_does_not_keep_old_keys(
    database: SqlDatabase, path: Path, stored: Sequence[Connection]
) -> None:
    caller = sandbox_of(database, "c")
    database.connections.add(connection(caller, "lost", EnvelopeBox(lambda: [bytes(32)])))
    did = rotated(database, path)
    assert (did.resealed, did.dropped, did.lost) == (3, 1, ("lost",))
    assert len(KeyFile(path).current().sealing) == 1


def test_secrets_are_listed_in_pages_without_those_of_one_key(
    database: SqlDatabase, path: Path, stored: Sequence[Connection]
) -> None:
    store, box = database.connections, fresh(path)
    assert [one.id for one in store.sealed(limit=2)] == ["c0", "c1"]
    assert [one.id for one in store.sealed(after="c1", limit=2)] == ["c2"]
    assert store.sealed(but=box.mark(), limit=9) == []
    # Letters count as they are written.
    assert len(store.sealed(but=box.mark().swapcase(), limit=9)) == 3


def test_keys_are_removed_only_while_nobody_stores_a_secret(database: SqlDatabase) -> None:
    order: list[str] = []
    holding, started = threading.Event(), threading.Event()

    def remove() -> None:
        holding.wait(10)
        started.set()
        with database.transaction() as tx:
            tx.connections.hold_keys(alone=True)
            order.append("removed")

    thread = threading.Thread(target=remove)
    thread.start()
    with database.transaction() as tx:
        tx.connections.hold_keys()
        holding.set()
        assert started.wait(10)
        thread.join(0.2)
        order.append("stored")
    thread.join(10)
    assert order == ["stored", "removed"]
