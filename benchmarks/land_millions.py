"""How does the whole service land ten million entities, and in how much memory?

    python -m benchmarks.land_millions [ROWS]

One flow on `flowservice serve`, from an account to one Delta commit. 200 real pages are sent again and again by nginx,
which knows no filters; so one range is read. CPU seconds and memory are the server's, all its threads, from the POST of
the flow to the end of its run.
"""

import sys
import tempfile
from pathlib import Path
from typing import Any, Final

from benchmarks.measuring import Cost, claim, table
from benchmarks.pages import PAGE_ROWS, pages
from benchmarks.replay import TABLE, NoNginx, replay
from benchmarks.run_flow import measured_run, serving, signed_in
from demo.tutorial import Target

ROWS: Final = 10_000_000
MOST_MB: Final = 400.0
"""What the server may need above idle, whatever the table's length."""

_LONG: Final = {"type": "integer", "minimum": -(2**63), "maximum": 2**63 - 1}
_MOMENT: Final = {"type": "string", "format": "date-time"}
_FIELDS: Final[dict[str, dict[str, Any]]] = {
    "PartitionKey": {"type": "string"},
    "RowKey": {"type": "string"},
    "customer": {"type": "string"},
    "email": {"type": "string"},
    "description": {"type": "string"},
    "quantity": {"type": "integer"},
    "level": {"type": "integer"},
    "revenue": _LONG,
    "sequence": _LONG,
    "price": {"type": "number"},
    "rating": {"type": "number"},
    "isActive": {"type": "boolean"},
    "isNew": {"type": "boolean"},
    "createdAt": _MOMENT,
    "updatedAt": _MOMENT,
    "closedAt": _MOMENT,
    "customerId": {"type": "string"},
    "digest": {"type": "string"},
    "city": {"type": "string"},
    "note": {"type": "string"},
    "discount": {"type": "integer"},
}
PAGES: Final = Target(
    title="Pages",
    extends=("https://ns.adobe.com/xdm/context/profile",),
    own_fields={name[0].lower() + name[1:]: {"title": name, **field} for name, field in _FIELDS.items()},
    mapping={name: f"{{tenant}}.{name[0].lower()}{name[1:]}" for name in _FIELDS},
)


def landed(rows: int) -> tuple[Cost, int]:
    """What a server spends on landing so many rows, and the files that hold them."""
    with (
        replay(pages(200), count=rows // PAGE_ROWS) as source,
        tempfile.TemporaryDirectory() as folder,
        serving(Path(folder) / "home", FLOWSERVICE_SPLIT_THREADS="1") as (url, process),
    ):
        tutorial = signed_in(url, Path(folder) / "home")
        taken, metrics = measured_run(tutorial, process, source.connection_string, TABLE, PAGES, rows)
    return taken, int(metrics["fileSummary"]["outputFileCount"])


def run(rows: int = ROWS) -> list[str]:
    """Print the figures; the claims that do not hold."""
    try:
        cost, files = landed(rows)
    except NoNginx as missing:
        return [str(missing)]
    print(table([("flowservice", cost)]))
    print(f"{files} files", end="\n\n")
    text = f"{rows} rows need at most {MOST_MB:.0f} MB above idle"
    return claim(text, f"{cost.peak_mb:.0f} MB", cost.peak_mb <= MOST_MB)


if __name__ == "__main__":
    sys.exit(1 if run(int(sys.argv[1]) if sys.argv[1:] else ROWS) else 0)
