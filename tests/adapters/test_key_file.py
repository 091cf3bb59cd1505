"""The key file: read while it is replaced, and replaced whole or not at all."""

import base64
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from flowservice.adapters.sealing.key_file import FormerTokens, KeyFile, held, key_id
from flowservice.errors import Conflict, Invalid

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
RESTORE = base64.b64encode(bytes(32)).decode()


def tokens(key: bytes) -> FormerTokens:
    """The key with its bytes turned around, for an hour."""
    return FormerTokens(key=key[::-1], until=NOON + timedelta(hours=1))


def test_a_key_file_is_made_once_and_is_the_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "key"
    (key,) = KeyFile(path).current().sealing
    assert len(key) == 32
    assert KeyFile(path).current().sealing == (key,)
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "content",
    ["", "\n", "short", "!!!", "é", f"{RESTORE}\nshort", f"tokens {RESTORE} 2026-05-01T12:00:00+00:00"]
    + [f"{RESTORE}\ntokens {RESTORE}{until}" for until in ("", " noon", " 2026-05-01T12:00:00")],
)
def test_a_file_that_holds_no_key_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "key"
    path.write_text(content)
    with pytest.raises(Invalid, match="does not hold a key"):
        KeyFile(path)


def test_a_new_key_comes_first_and_goes_by_an_id(tmp_path: Path) -> None:
    path = tmp_path / "key"
    file = KeyFile(path)
    (old,) = file.current().sealing
    with held(path, former=None, now=NOON) as ring:
        name = ring.add()
        new, other = file.current().sealing
        assert (key_id(new).hex(), other) == (name, old)
        assert ring.drop() == 1
    assert file.current().sealing == (new,)
    assert path.stat().st_mode & 0o777 == 0o600
    assert sorted(one.name for one in tmp_path.iterdir()) == ["key", "key.lock"]


def test_a_dropped_key_leaves_what_verifies_tokens_for_as_long_as_they_live(tmp_path: Path) -> None:
    path = tmp_path / "key"
    file = KeyFile(path)
    (old,) = file.current().sealing
    with held(path, former=tokens, now=NOON) as ring:
        ring.add()
        ring.drop()
    assert file.current().former == (tokens(old),)
    with held(path, former=tokens, now=NOON + timedelta(minutes=59)) as ring:
        ring.drop()
    assert file.current().former == (tokens(old),)
    with held(path, former=tokens, now=NOON + timedelta(hours=1)) as ring:
        ring.drop()
    assert file.current().former == ()


def test_nothing_is_left_of_any_key_where_tokens_shall_end(tmp_path: Path) -> None:
    path = tmp_path / "key"
    file = KeyFile(path)
    for former in (tokens, None):
        with held(path, former=former, now=NOON) as ring:
            ring.add()
            assert ring.drop() == 1
    assert file.current().former == ()


def test_a_file_that_was_taken_away_changes_nothing_and_a_broken_one_is_told(tmp_path: Path) -> None:
    path = tmp_path / "key"
    file = KeyFile(path)
    keys = file.current()
    path.unlink()
    assert file.current() == keys
    path.write_text("no key")
    with pytest.raises(Invalid, match="does not hold a key"):
        file.current()
    assert file.latest() == keys


def test_one_rotation_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "key"
    KeyFile(path)
    with (
        held(path, former=None, now=NOON),
        pytest.raises(Conflict, match="another rotation"),
        held(path, former=None, now=NOON),
    ):
        pass
    with held(path, former=None, now=NOON) as ring:
        ring.add()


def test_a_missing_file_is_not_made_by_a_rotation(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="does not exist"), held(tmp_path / "key", former=None, now=NOON):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_link_to_a_key_file_stays_one(tmp_path: Path) -> None:
    KeyFile(tmp_path / "real")
    (tmp_path / "key").symlink_to("real")
    file = KeyFile(tmp_path / "key")
    with held(tmp_path / "key", former=None, now=NOON) as ring:
        name = ring.add()
    assert (tmp_path / "key").is_symlink()
    assert key_id(file.current().sealing[0]).hex() == name


def test_what_a_killed_rotation_left_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "key"
    file = KeyFile(path)
    (tmp_path / "key.new").write_text("half of a ke")
    with held(path, former=None, now=NOON) as ring:
        ring.add()
    assert len(file.current().sealing) == 2
    assert not (tmp_path / "key.new").exists()


@pytest.mark.parametrize("call", ["replace", "fsync", "fchmod"])
@pytest.mark.parametrize("change", [lambda ring: ring.add(), lambda ring: ring.drop()], ids=["add", "drop"])
def test_a_file_that_cannot_be_replaced_stays_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, change: Callable[[object], object]
) -> None:
    path = tmp_path / "key"
    KeyFile(path)
    with held(path, former=None, now=NOON) as ring:
        ring.add()
        before = path.read_bytes()

        def full(*_: object) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, call, full)
        monkeypatch.setattr(Path, call, full, raising=False)
        with pytest.raises(Invalid, match="No space left") as told:
            change(ring)
        monkeypatch.undo()
    assert "FLOWSERVICE_KEY_FILE" in told.value.advice
    assert path.read_bytes() == before
    assert sorted(one.name for one in tmp_path.iterdir()) == ["key", "key.lock"]
