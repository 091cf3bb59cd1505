"""Times as numbers. Clients write whole numbers and epoch seconds as a number, or the same as text."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from flowservice.errors import Invalid

LATEST_S: Final = 253_402_300_799
"""9999-12-31T23:59:59Z; what is larger was meant as milliseconds."""
_DIGITS: Final = re.compile(r"-?[0-9]{1,20}")


def milliseconds(at: datetime) -> int:
    """An aware time as epoch milliseconds."""
    return round(at.timestamp() * 1000)


def whole_number(sent: Mapping[str, Any], member: str, *, at: str, error: type[Invalid]) -> int | None:
    """`sent[member]` as a whole number; None where it is missing or null.

    Raises `error`, which names `at`.`member` and never quotes the value.
    """
    value = sent.get(member)
    if value is None:
        return None
    if isinstance(value, str) and _DIGITS.fullmatch(value.strip()):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise error(f"{at}.{member} must be a whole number", advice="Send a number, or its digits as text.")
    return value


def seconds(sent: Mapping[str, Any], member: str, *, at: str, error: type[Invalid]) -> int | None:
    """`sent[member]` as epoch seconds from 0 to `LATEST_S`; None where it is missing or null. Raises `error`."""
    value = whole_number(sent, member, at=at, error=error)
    if value is not None and not 0 <= value <= LATEST_S:
        raise error(f"{at}.{member} is out of range", advice="Times are epoch seconds, not milliseconds.")
    return value
