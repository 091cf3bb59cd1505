"""A shared access signature: what its parameters say of tables, permissions, times and keys.

Messages name parameters and never quote the signature.
Sources: learn.microsoft.com/rest/api/storageservices/create-account-sas, …/create-service-sas
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import parse_qsl

from flowservice.connectors.azure_table.keys import Span
from flowservice.errors import BadField

_SOON: Final = timedelta(days=1)
_ADVICE: Final = (
    "Make one that may read tables: services ss=t, resource types srt=o (and c, s to list tables), permissions sp=r "
    "(and l to list)."
)


@dataclass(frozen=True, slots=True)
class Sas:
    """A shared access signature: query parameters, without the leading `?`, that go along with every request."""

    query: str = field(repr=False)

    @property
    def table(self) -> str | None:
        """The table that it is limited to."""
        return self._parameters.get("tn")

    @property
    def keys(self) -> Span:
        """The entities that it is limited to. Its own ends are inclusive, and its rows may be left out."""
        said = self._parameters
        start = (said["spk"], said.get("srk", "")) if "spk" in said else None
        if "epk" in said and "erk" not in said:
            return Span(start=start, end=(said["epk"] + " ", ""))  # before the next partition there can be
        return Span.between(start, (said["epk"], said["erk"]) if "epk" in said else None)

    def lapse(self, at: datetime) -> str | None:
        """Why it is not valid at `at`; None: it is, or a policy on the server decides."""
        starts, ends = _moment(self._parameters.get("st")), _moment(self._parameters.get("se"))
        if ends is not None and at >= ends:
            return f"the shared access signature expired on {_spoken(ends)}"
        if starts is not None and at < starts:
            return f"the shared access signature is valid only from {_spoken(starts)}"
        return None

    def ends_soon(self, at: datetime) -> str | None:
        """A warning if it expires within a day of `at`."""
        ends = _moment(self._parameters.get("se"))
        if ends is None or not at <= ends < at + _SOON:
            return None
        return f"its shared access signature expires on {_spoken(ends)}; what is read then fails. Replace it before"

    @property
    def _parameters(self) -> Mapping[str, str]:
        return dict(parse_qsl(self.query, keep_blank_values=True))


def parse_sas(text: str, key: str) -> Sas:
    """The signature that a configuration gives under `key`. Raises BadField if it is none, or cannot read tables."""
    query = text.strip().lstrip("?")
    said = dict(parse_qsl(query, keep_blank_values=True))
    if not said.get("sig"):
        raise BadField(f"{key} has no `sig`: it was cut or mistyped", advice="Copy it again from the Azure portal.")
    if lacking := _lacking(said):
        raise BadField(f"{key} cannot read tables: {lacking}", advice=_ADVICE)
    for row, partition in (("srk", "spk"), ("erk", "epk")):
        if row in said and partition not in said:
            raise BadField(f"{key} has `{row}` without `{partition}`: it was cut or mistyped", advice=_ADVICE)
    return Sas(query)


def _lacking(said: Mapping[str, str]) -> str | None:
    """What is missing for reading. A signature with a policy of the server (`si`) need not say its permissions."""
    if "sr" in said and "tn" not in said:
        return "it is one for blobs or files (`sr`)"
    if "sp" in said and "r" not in said["sp"]:
        return "its permissions `sp` lack `r` (read)"
    if said.keys().isdisjoint({"ss", "srt"}):
        return None
    if "t" not in said.get("ss", ""):
        return "its services `ss` lack `t` (table)"
    return None if "o" in said.get("srt", "") else "its resource types `srt` lack `o` (object)"


def _moment(text: str | None) -> datetime | None:
    """A time as signatures write it, in UTC: a date, or with minutes, seconds, fractions. None: it says none."""
    try:
        at = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def _spoken(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
