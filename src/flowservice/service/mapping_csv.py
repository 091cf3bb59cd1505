"""Mappings as a table: CSV as RFC 4180 has it, a mapping a line, the names of the columns in the first one."""

import csv
import io
from collections.abc import Iterable
from typing import Any, Final

from flowservice.domain.mapping import Mapping
from flowservice.errors import BadField

_NEEDED: Final = ("source", "destination")
COLUMNS: Final = (
    *_NEEDED,
    "sourceType",
    "name",
    "description",
    "onError",
    "identity",
    "identityGroup",
    "namespaceCode",
)
MOST_MAPPINGS: Final = 10_000
"""Of a set."""


def read_csv(text: str) -> list[dict[str, Any]]:
    """The mappings of a table, as JSON would say them. Columns may be missing and come in any order.

    Spreadsheets of some countries write semicolons; the first line tells. Raises BadField with the line.
    """
    head, _, _ = text.lstrip("\ufeff").partition("\n")
    lines = csv.reader(
        io.StringIO(text.lstrip("\ufeff"), newline=""),
        delimiter=";" if ";" in head and "," not in head else ",",
        strict=True,
    )
    try:
        names = next(lines, [])
        _check_names(names)
        found: list[dict[str, Any]] = []
        for cells in lines:
            if cells:
                found.append(_mapping(names, cells, line=lines.line_num))
            if len(found) > MOST_MAPPINGS:
                raise BadField(f"the table has more than {MOST_MAPPINGS:,} mappings", advice="Send fewer.")
    except csv.Error as error:
        raise BadField(
            f"mappings is no CSV table (line {lines.line_num}: {error})",
            advice='Put cells with commas, quotes or line breaks between double quotes, and write a quote as "".',
        ) from error
    return found


def _check_names(names: list[str]) -> None:
    missing = [name for name in _NEEDED if name not in names]
    unknown = [name for name in names if name not in COLUMNS]
    if missing or unknown or len(set(names)) < len(names):
        raise BadField(
            "the first line of the table does not name its columns"
            + (f": {', '.join(missing)} missing" if missing else "")
            + (f": {', '.join(name[:40] for name in unknown[:5])} unknown" if unknown and not missing else ""),
            advice=f"Begin with source,destination; there are also {', '.join(COLUMNS[2:])}. Each comes once.",
        )


def _mapping(names: list[str], cells: list[str], *, line: int) -> dict[str, Any]:
    if len(cells) != len(names):
        raise BadField(
            f"line {line} of the table has {len(cells)} cells, the first line {len(names)}",
            advice="Put cells with commas between double quotes.",
        )
    said: dict[str, Any] = {name: cell for name, cell in zip(names, cells, strict=True) if cell}
    if "identity" in said:
        word = said["identity"].lower()
        if word not in {"true", "false"}:
            raise BadField(f"identity in line {line} of the table is neither true nor false")
        said["identity"] = word == "true"
    return said


def write_csv(mappings: Iterable[Mapping]) -> str:
    """The table of these mappings; `read_csv` gives the same back."""
    out = io.StringIO(newline="")
    lines = csv.writer(out)
    lines.writerow(COLUMNS)
    for mapping in mappings:
        lines.writerow(
            (
                mapping.source,
                mapping.destination,
                mapping.source_type,
                mapping.name,
                mapping.description,
                "reject" if mapping.rejects else "",
                "true" if mapping.identity else "",
                mapping.identity_group or "",
                mapping.namespace_code or "",
            )
        )
    return out.getvalue()
