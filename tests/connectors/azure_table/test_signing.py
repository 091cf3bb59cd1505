"""Test vectors that the emulator accepted."""

import base64
from datetime import UTC, datetime, timedelta

import pytest

from flowservice.connectors.azure_table.account import EMULATOR_KEY
from flowservice.connectors.azure_table.connection_string import parse
from flowservice.connectors.azure_table.signing import Signer, signature

DATE = "Mon, 23 Nov 2026 13:00:00 GMT"
NOON = datetime(2026, 11, 23, 13, tzinfo=UTC)
KEY = base64.b64decode(EMULATOR_KEY)


@pytest.mark.parametrize(
    ("path", "signed"),
    [
        ("/devstoreaccount1/mytable()", "HTS1tbgfdyV9X69zaC7otjZwMrQym3IT01vV7qqXIbU="),
        ("/mytable()", "l02hHjtV1K7KudGtY/DFgZ3sMIPqbxMJLhFgJmADH+c="),
    ],
    ids=["path style", "host style"],
)
def test_shared_key_lite_signs_the_date_and_the_path(path: str, signed: str) -> None:
    assert signature(KEY, "devstoreaccount1", path, DATE) == signed


def test_headers_carry_the_signature_of_now() -> None:
    signer = Signer(parse("UseDevelopmentStorage=true"), now=lambda: NOON)
    assert signer.headers("/devstoreaccount1/mytable()") == {
        "x-ms-date": DATE,
        "Authorization": "SharedKeyLite devstoreaccount1:HTS1tbgfdyV9X69zaC7otjZwMrQym3IT01vV7qqXIbU=",
    }


def test_a_new_second_is_a_new_date() -> None:
    times = iter([NOON, NOON + timedelta(microseconds=9), NOON + timedelta(seconds=1)])
    signer = Signer(parse("UseDevelopmentStorage=true"), now=lambda: next(times))
    first, same, later = (signer.headers("/t()") for _ in range(3))
    assert first is same
    assert later["x-ms-date"] == "Mon, 23 Nov 2026 13:00:01 GMT"


def test_a_shared_access_signature_signs_no_header() -> None:
    account = parse("AccountName=a;SharedAccessSignature=sig=x")
    assert set(Signer(account).headers("/t()")) == {"x-ms-date"}
