"""Secrets at rest."""

import base64
from collections.abc import Sequence

import pytest

from flowservice.adapters.sealing.box import EnvelopeBox
from flowservice.errors import Invalid

OLD, NEW = bytes(32), b"\x01" * 32
# Made by the version before keys had ids, with the key OLD: the secret b"AccountKey=abc" of "row-1".
NAMELESS = (
    "AR9blxlaUKtTt52tQoMOatuR6ksJbpi/PH7Pwi+chd3GJX4k2vhSQjI5OwjJ+IlA4mb6Pz"
    "7dXU28Nw9eLUCKU2Q/OkuJgn0vgW7MWK9MfQEoF7vZ8aXhLcbQCkQYSTwrzwfcMU8SEA=="
)


def box_of(*keys: bytes) -> EnvelopeBox:
    return EnvelopeBox(lambda: keys)


def test_a_sealed_secret_opens_for_its_owner_alone() -> None:
    box = box_of(OLD)
    sealed = box.seal(b"AccountKey=abc", owner="row-1")
    assert box.open(sealed, owner="row-1") == b"AccountKey=abc"
    assert "abc" not in sealed
    assert b"AccountKey" not in base64.b64decode(sealed)
    with pytest.raises(Invalid, match="row-2"):
        box.open(sealed, owner="row-2")


def test_the_same_secret_is_sealed_differently_each_time() -> None:
    box = box_of(OLD)
    assert box.seal(b"s", owner="o") != box.seal(b"s", owner="o")


@pytest.mark.parametrize(
    "broken", ["", "!", "AAAA", *(base64.b64encode(bytes([version]) + bytes(100)).decode() for version in (1, 2, 3))]
)
def test_what_was_not_sealed_does_not_open(broken: str) -> None:
    with pytest.raises(Invalid):
        box_of(OLD).open(broken, owner="o")


def test_another_key_does_not_open() -> None:
    sealed = box_of(OLD).seal(b"s", owner="o")
    with pytest.raises(Invalid, match="key file"):
        box_of(NEW).open(sealed, owner="o")


def test_the_first_key_seals_and_all_open() -> None:
    before = box_of(OLD).seal(b"s", owner="o")
    both = box_of(NEW, OLD)
    assert both.open(before, owner="o") == b"s"
    assert box_of(NEW).open(both.seal(b"s", owner="o"), owner="o") == b"s"


@pytest.mark.parametrize("keys", [(OLD,), (NEW, OLD), (OLD, NEW)])
def test_a_value_that_names_no_key_opens_with_whichever_fits(keys: Sequence[bytes]) -> None:
    assert box_of(*keys).open(NAMELESS, owner="row-1") == b"AccountKey=abc"
    with pytest.raises(Invalid):
        box_of(*keys).open(NAMELESS, owner="row-2")


def test_a_value_is_renewed_once_for_each_key() -> None:
    both = box_of(NEW, OLD)
    renewed = both.renewed(NAMELESS, owner="row-1")
    assert renewed.startswith(both.mark())
    assert both.renewed(renewed, owner="row-1") == renewed
    assert box_of(NEW).open(renewed, owner="row-1") == b"AccountKey=abc"
    named = box_of(OLD).seal(b"s", owner="o")
    assert not named.startswith(both.mark())
    assert both.renewed(named, owner="o") != named


@pytest.mark.parametrize("sealed", [NAMELESS, box_of(NEW).seal(b"AccountKey=abc", owner="row-1")])
def test_a_key_that_came_since_is_found(sealed: str) -> None:
    keys = [b"\x02" * 32]
    box = EnvelopeBox(lambda: keys)
    with pytest.raises(Invalid):
        box.open(sealed, owner="row-1")
    keys[:0] = [NEW, OLD]
    assert box.open(sealed, owner="row-1") == b"AccountKey=abc"
    assert box_of(NEW).open(box.seal(b"s", owner="o"), owner="o") == b"s"


def test_what_was_read_before_its_key_went_still_opens() -> None:
    keys = [OLD]
    box = EnvelopeBox(lambda: keys)
    read = box_of(OLD).seal(b"s", owner="o")
    keys[:] = [NEW]
    assert box.mark() == box_of(NEW).mark()
    assert box.open(read, owner="o") == b"s"
