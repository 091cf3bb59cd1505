"""In how much memory does the whole service land entities of 1 MiB, the largest that there are?

    python -m benchmarks.land_large

One flow on `flowservice serve` with 8 readers, from our own server (`range_server`) on the same machine: 1,000 entities
of which each has 1 MiB as a service counts, and half as much again as JSON, in 16 properties and in 249. Memory is the
server's above idle, from the POST of the flow to the end of its run.
"""

import sys
import tempfile
from pathlib import Path
from typing import Final

from benchmarks.measuring import Cost, claim, table
from benchmarks.range_server import LARGE, names
from benchmarks.read_ranges import serving_ranges
from benchmarks.run_flow import measured_run, serving, signed_in
from demo.azurite import ACCOUNT, KEY
from demo.tutorial import Target

PROPERTIES: Final = (16, 249)
"""Texts of the most that one can have, and the most that an entity can have besides its keys and Timestamp."""
MOST_MB: Final = 700.0
"""What the server may need above idle: bytes in flight (256 MB), what waits to be written, and what allocators keep."""


def landed(properties: int) -> Cost:
    """What landing them costs."""
    columns = ["PartitionKey", "RowKey", *names(properties)]
    target = Target(
        title="Large",
        extends=("https://ns.adobe.com/xdm/context/profile",),
        own_fields={name[0].lower() + name[1:]: {"title": name, "type": "string"} for name in columns},
        mapping={name: f"{{tenant}}.{name[0].lower()}{name[1:]}" for name in columns},
    )
    with (
        serving_ranges(0, properties) as port,
        tempfile.TemporaryDirectory() as folder,
        serving(Path(folder) / "home", FLOWSERVICE_SPLIT_THREADS="8") as (url, process),
    ):
        tutorial = signed_in(url, Path(folder) / "home")
        endpoint = f"http://127.0.0.1:{port}/{ACCOUNT}"
        account = f"AccountName={ACCOUNT};AccountKey={KEY};TableEndpoint={endpoint}"
        return measured_run(tutorial, process, account, "large", target, LARGE)[0]


def run() -> list[str]:
    """Print the figures; the claims that do not hold."""
    costs = [(f"{properties} properties", landed(properties)) for properties in PROPERTIES]
    print(table(costs), end="\n\n")
    highest_mb = max(cost.peak_mb for _, cost in costs)
    text = f"{LARGE} entities of 1 MiB, by 8 readers, need at most {MOST_MB:.0f} MB above idle"
    return claim(text, f"{highest_mb:.0f} MB", highest_mb <= MOST_MB)


if __name__ == "__main__":
    sys.exit(1 if run() else 0)
