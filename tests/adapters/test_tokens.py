"""Access tokens."""

from datetime import UTC, datetime, timedelta

import pytest

from flowservice.adapters.tokens.jwt import JwtTokens
from flowservice.errors import Invalid

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


def test_a_token_says_its_claims_until_it_expires() -> None:
    tokens = JwtTokens(lambda: [bytes(32)])
    token = tokens.issue({"client_id": "c"}, at=NOON, lifetime_s=600)
    assert tokens.verify(token, at=NOON + timedelta(seconds=599))["client_id"] == "c"
    # Also where it was found to be genuine before.
    with pytest.raises(Invalid, match="expired"):
        tokens.verify(token, at=NOON + timedelta(seconds=600))


def test_a_token_outlives_a_restart_but_not_another_key() -> None:
    token = JwtTokens(lambda: [bytes(32)]).issue({}, at=NOON, lifetime_s=600)
    JwtTokens(lambda: [bytes(32)]).verify(token, at=NOON)
    with pytest.raises(Invalid):
        JwtTokens(lambda: [b"\x01" * 32]).verify(token, at=NOON)


@pytest.mark.parametrize(
    "forged",
    ["", "a", "a.b.c", "é.é.é", "eyJhbGciOiJub25lIn0.eyJpc3MiOiJmbG93c2VydmljZSIsImV4cCI6OTk5OTk5OTk5OX0."],
)
def test_a_forged_token_is_refused(forged: str) -> None:
    with pytest.raises(Invalid):
        JwtTokens(lambda: [bytes(32)]).verify(forged, at=NOON)


def test_a_token_lives_as_long_as_its_key_is_there_and_new_ones_are_signed_with_the_first() -> None:
    keys = [bytes(32)]
    tokens = JwtTokens(lambda: keys)
    before = tokens.issue({"client_id": "c"}, at=NOON, lifetime_s=600)
    keys.insert(0, b"\x01" * 32)
    assert tokens.verify(before, at=NOON)["client_id"] == "c"
    after = tokens.issue({}, at=NOON, lifetime_s=600)
    del keys[1]
    tokens.verify(after, at=NOON)
    with pytest.raises(Invalid):
        tokens.verify(before, at=NOON)
