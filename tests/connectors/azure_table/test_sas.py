"""What a shared access signature says of itself, and what of that is told before it fails."""

from datetime import UTC, datetime, timedelta

import pytest

from flowservice.connectors.azure_table.keys import Span, rank
from flowservice.connectors.azure_table.sas import Sas, parse_sas
from flowservice.errors import BadField
from tests.connectors.azure_table.signatures import account_sas, signed, table_sas

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def test_the_tests_own_signatures_are_those_that_were_verified() -> None:
    table = "r\n\n2030-01-01T00:00:00Z\n/table/devstoreaccount1/mytable\n\n\n\n2019-02-02\n\n\n\n"
    assert signed(table) == "YzfTkKP8gj98vRhYfivNKLH2Xo8G8Lk0DYF+bUMCg04="
    assert "sig=YzfTkKP8gj98vRhYfivNKLH2Xo8G8Lk0DYF%2BbUMCg04%3D" in table_sas("myTable", se="2030-01-01T00:00:00Z")
    account = account_sas(se="2030-01-01T00:00:00Z", spr="https")
    assert "sig=iSAQBwKmLc1x3Tikk6RH%2BSxD69q30F5eGOavbvPXjH0%3D" in account


@pytest.mark.parametrize("text", [account_sas(), f"?{account_sas()}", f" ?{table_sas('mytable')} "])
def test_a_signature_is_taken_with_and_without_its_question_mark(text: str) -> None:
    assert parse_sas(text, "sas").query == text.strip(" ?")


def test_a_signature_tells_the_table_it_is_limited_to() -> None:
    assert parse_sas(table_sas("mytable"), "sas").table == "mytable"
    assert parse_sas(account_sas(), "sas").table is None


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no `sig`"),
        ("sv=2019-02-02&sig=", "no `sig`"),
        (account_sas(sp="wl"), "`sp` lack `r`"),
        (account_sas(ss="bfq"), "`ss` lack `t`"),
        (account_sas(srt="sc"), "`srt` lack `o`"),
        (table_sas("mytable", sp="aud"), "`sp` lack `r`"),
        ("sv=2019-02-02&sr=c&sp=r&sig=hidden", "blobs or files"),
        (table_sas("mytable", srk="hidden"), "`srk` without `spk`"),
        (table_sas("mytable", erk="hidden"), "`erk` without `epk`"),
    ],
)
def test_what_cannot_read_is_refused_by_the_parameter_without_a_value(text: str, says: str) -> None:
    with pytest.raises(BadField, match=says) as refused:
        parse_sas(text, "sasUri")
    assert refused.value.message.startswith("sasUri ")
    assert refused.value.advice
    assert not [part for part in ("hidden", "2019", "2099") if part in refused.value.message + refused.value.advice]


def test_a_policy_of_the_server_may_hold_what_a_signature_leaves_out() -> None:
    by_policy = parse_sas("sv=2019-02-02&tn=mytable&si=readers&sig=x", "sas")
    assert by_policy.lapse(NOON) is None
    assert by_policy.ends_soon(NOON) is None


@pytest.mark.parametrize(
    "end", ["2026-11-23T12:00:00Z", "2026-11-23T12:00Z", "2026-11-23T12:00:00.0000000Z", "2026-11-23T13:00:00+01:00"]
)
def test_a_signature_ends_at_its_moment_in_every_form_of_it(end: str) -> None:
    sas = parse_sas(account_sas(se=end), "sas")
    assert sas.lapse(NOON - timedelta(seconds=1)) is None
    assert sas.lapse(NOON) == "the shared access signature expired on 2026-11-23 12:00 UTC"


def test_a_date_without_a_time_is_its_beginning() -> None:
    assert "expired on 2026-11-23 00:00 UTC" in str(parse_sas(account_sas(se="2026-11-23"), "sas").lapse(NOON))


def test_a_signature_may_begin_later() -> None:
    sas = Sas("st=2026-11-23T13:00:00Z&sig=x")
    assert sas.lapse(NOON) == "the shared access signature is valid only from 2026-11-23 13:00 UTC"
    assert sas.lapse(NOON + timedelta(hours=1)) is None


def test_a_time_that_is_none_is_left_to_the_service() -> None:
    sas = Sas("st=soon&se=later&sig=x")
    assert (sas.lapse(NOON), sas.ends_soon(NOON)) == (None, None)


@pytest.mark.parametrize(("hours", "is_soon"), [(-1, False), (0, True), (23, True), (24, False)])
def test_a_signature_that_ends_within_the_day_is_warned_about_without_quoting_it(hours: int, is_soon: bool) -> None:
    warning = parse_sas(account_sas(se=f"{NOON + timedelta(hours=hours):%Y-%m-%dT%H:%M:%SZ}"), "sas").ends_soon(NOON)
    assert (warning is not None) is is_soon
    assert "sig" not in (warning or "").replace("signature", "")


def test_no_signature_shows_in_what_is_printed() -> None:
    assert "hidden" not in repr(Sas("sig=hidden"))


def holds(span: Span, *key: str) -> bool:
    """Whether an entity lies within."""
    partition, row = key
    is_past_start = span.start is None or rank(span.start) <= rank((partition, row))
    return is_past_start and span.has_end_above((partition, row))


def test_a_signature_without_keys_allows_them_all() -> None:
    allowed = parse_sas(table_sas("mytable"), "sas").keys
    assert allowed == Span()
    assert holds(allowed, "", "")


def test_a_range_of_keys_is_inclusive_on_both_sides() -> None:
    allowed = parse_sas(table_sas("mytable", spk="b", srk="5", epk="d", erk="3"), "sas").keys
    within = [("b", "5"), ("b", "6"), ("c", ""), ("c", "9"), ("d", ""), ("d", "3")]
    beyond = [("a", "9"), ("b", "4"), ("d", "30"), ("d", "4"), ("e", "")]
    assert all(holds(allowed, *key) for key in within)
    assert not any(holds(allowed, *key) for key in beyond)


def test_a_range_of_partitions_takes_their_rows_whole() -> None:
    allowed = parse_sas(table_sas("mytable", spk="b", epk="d"), "sas").keys
    assert holds(allowed, "b", "")
    assert holds(allowed, "d", "\uffff")
    assert not holds(allowed, "da", "")


def test_keys_compare_as_the_service_orders_them() -> None:
    # Beyond U+FFFF a key begins with a surrogate, which comes before U+FF5E.
    allowed = parse_sas(table_sas("mytable", spk="\U0001f600", epk="\uff5e"), "sas").keys
    assert holds(allowed, "\uff5d", "")
    assert not holds(allowed, "\uff5f", "")
