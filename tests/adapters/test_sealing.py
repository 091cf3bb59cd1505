"""Secrets at rest."""

import base64
from pathlib import Path

import pytest

from flowservice.adapters.sealing.box import EnvelopeBox, load_key
from flowservice.errors import Invalid


def test_a_sealed_secret_opens_for_its_owner_alone() -> None:
    box = EnvelopeBox(bytes(32))
    sealed = box.seal(b"AccountKey=abc", owner="row-1")
    assert box.open(sealed, owner="row-1") == b"AccountKey=abc"
    assert "abc" not in sealed
    assert b"AccountKey" not in base64.b64decode(sealed)
    with pytest.raises(Invalid, match="row-2"):
        box.open(sealed, owner="row-2")


def test_the_same_secret_is_sealed_differently_each_time() -> None:
    box = EnvelopeBox(bytes(32))
    assert box.seal(b"s", owner="o") != box.seal(b"s", owner="o")


@pytest.mark.parametrize("broken", ["", "!", "AAAA", base64.b64encode(b"\x02" + bytes(100)).decode()])
def test_what_was_not_sealed_does_not_open(broken: str) -> None:
    with pytest.raises(Invalid):
        EnvelopeBox(bytes(32)).open(broken, owner="o")


def test_another_key_does_not_open() -> None:
    sealed = EnvelopeBox(bytes(32)).seal(b"s", owner="o")
    with pytest.raises(Invalid, match="key file"):
        EnvelopeBox(b"\x01" * 32).open(sealed, owner="o")


def test_a_key_file_is_made_once_and_is_the_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "key"
    key = load_key(path)
    assert load_key(path) == key
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("content", ["", "short", "!!!"])
def test_a_file_that_holds_no_key_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "key"
    path.write_text(content)
    with pytest.raises(Invalid, match="does not hold a key"):
        load_key(path)
