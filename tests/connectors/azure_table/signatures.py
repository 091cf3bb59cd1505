"""Shared access signatures as Azure makes them, for tests: of an account, and of one table."""

import base64
import hashlib
import hmac
from urllib.parse import quote, urlencode

from flowservice.connectors.azure_table.account import EMULATOR_ACCOUNT, EMULATOR_KEY

_FAR = "2099-01-01T00:00:00Z"


def signed(text: str) -> str:
    """The signature of a string to sign, by the emulator's key."""
    return base64.b64encode(hmac.new(base64.b64decode(EMULATOR_KEY), text.encode(), hashlib.sha256).digest()).decode()


def account_sas(*, sp: str = "rl", ss: str = "t", srt: str = "sco", se: str = _FAR, spr: str = "") -> str:
    """A signature over all tables of the emulator's account."""
    sv = "2020-12-06"
    sig = signed("\n".join([EMULATOR_ACCOUNT, sp, ss, srt, "", se, "", spr, sv, "", ""]))
    return _query(sv=sv, ss=ss, srt=srt, sp=sp, se=se, spr=spr, sig=sig)


def table_sas(
    table: str, *, sp: str = "r", se: str = _FAR, spk: str = "", srk: str = "", epk: str = "", erk: str = ""
) -> str:
    """A signature over one table, or a range of its keys."""
    sv = "2019-02-02"
    resource = f"/table/{EMULATOR_ACCOUNT}/{table.lower()}"
    sig = signed("\n".join([sp, "", se, resource, "", "", "", sv, spk, srk, epk, erk]))
    return _query(sv=sv, tn=table, sp=sp, se=se, spk=spk, srk=srk, epk=epk, erk=erk, sig=sig)


def _query(**parameters: str) -> str:
    return urlencode({name: value for name, value in parameters.items() if value}, quote_via=quote)
