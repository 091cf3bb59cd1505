"""Every benchmark, one after the other. Exit code 1 if one of them misses what the project claims."""

import sys
import time
from typing import Final

from benchmarks import (
    answer_calls,
    count_instructions,
    land_large,
    land_millions,
    list_resources,
    map_expressions,
    map_rows,
    read_pages,
    read_ranges,
    run_flow,
    start,
    start_due,
    steal_ranges,
    upsert_rows,
)
from benchmarks.measuring import machine

BENCHMARKS: Final = (
    read_pages,
    count_instructions,
    read_ranges,
    steal_ranges,
    land_millions,
    land_large,
    run_flow,
    upsert_rows,
    map_expressions,
    map_rows,
    start,
    answer_calls,
    list_resources,
    start_due,
)


def main() -> int:
    """Print all tables."""
    print(machine())
    began, missed = time.monotonic(), []
    for benchmark in BENCHMARKS:
        assert benchmark.__doc__ is not None
        print(f"\n== {benchmark.__doc__.splitlines()[0]}\n", flush=True)
        missed += benchmark.run()
    print(f"\n{time.monotonic() - began:.0f} s in all; ", end="")
    print(f"{len(missed)} claims do not hold:" if missed else "every claim holds")
    for claim in missed:
        print(f"  {claim}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
