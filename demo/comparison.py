"""Whether what landed equals the source: computed from the stored entities by the published rules, row by row."""

import json
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from demo.tables import Entity


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """How many rows there are on each side, how many are equal, and the first difference."""

    source: int
    landed: int
    equal: int
    first_difference: str = ""

    @property
    def is_equal(self) -> bool:
        """Whether every row of the source landed once, and nothing else."""
        return self.source == self.landed == self.equal


def customer(entity: Entity, tenant: str) -> dict[str, Any]:
    """What an entity of `customers` must become, by path; a missing value is left out."""
    expected: dict[str, Any] = {
        "_id": entity["customerId"].lower(),
        "person.name.firstName": entity["firstName"],
        "person.name.lastName": entity["lastName"],
        "person.birthDate": entity["birthDate"][:10],
        "personalEmail.address": entity["email"],
        "mobilePhone.number": entity.get("phone"),
        "homeAddress.countryCode": entity["PartitionKey"],
        "_repo.createDate": _microseconds(entity["createdAt"]),
        f"{tenant}.loyaltyPoints": _whole(entity["loyaltyPoints"]),
        f"{tenant}.balance": float(entity["balance"]),
        f"{tenant}.visits": entity["visits"],
        f"{tenant}.isActive": entity["isActive"],
        f"{tenant}.score": _number(entity.get("score")),
        f"{tenant}.note": entity.get("note"),
        f"{tenant}.avatar": entity.get("avatar"),
    }
    return {path: value for path, value in expected.items() if value is not None}


def landed(query: Sequence[str], *, env: Mapping[str, str] | None = None) -> list[dict[str, Any]]:
    """The rows that the command `query` prints as NDJSON, run in the environment `env` (None: this one)."""
    printed = subprocess.run(query, check=True, capture_output=True, text=True, env=env).stdout
    return [json.loads(line) for line in printed.splitlines()]


def compared(expected: Iterable[dict[str, Any]], rows: Iterable[Mapping[str, Any]], key: str) -> Verdict:
    """Both sides by `key`, which is unique."""
    wanted = {row[key]: row for row in expected}
    got = [flat(row) for row in rows]
    different = [row for row in got if wanted.get(row.get(key)) != row]
    equal = len({row[key] for row in got if wanted.get(row.get(key)) == row})
    first = ""
    if different:
        row = different[0]
        want = wanted.get(row.get(key), {})
        parts = [path for path in sorted({*row, *want}) if row.get(path) != want.get(path)]
        first = "; ".join(f"{path}: landed {row.get(path)!r}, expected {want.get(path)!r}" for path in parts[:3])
    return Verdict(source=len(wanted), landed=len(got), equal=equal, first_difference=first)


def flat(row: Mapping[str, Any], at: str = "") -> dict[str, Any]:
    """Leaves of a row by path, without the missing ones; times in one form."""
    leaves: dict[str, Any] = {}
    for name, value in row.items():
        path = f"{at}.{name}" if at else name
        if isinstance(value, Mapping):
            leaves |= flat(value, path)
        elif value is not None:
            leaves[path] = _microseconds(value) if path.endswith("Date") and "T" in str(value) else value
    return leaves


def _microseconds(text: str) -> str:
    """A time cut to microseconds, as ISO 8601 in UTC."""
    whole, _, rest = text.rstrip("Z").partition(".")
    moment = datetime.fromisoformat(whole).replace(tzinfo=UTC, microsecond=int(rest[:6].ljust(6, "0")) if rest else 0)
    return moment.isoformat()


def _whole(value: str) -> int | None:
    return int(value) if value.lstrip("-").isdigit() else None


def _number(value: Any) -> Any:
    # JSON has no word for these; what landed prints them as text.
    return value if isinstance(value, str) or value is None else float(value)
