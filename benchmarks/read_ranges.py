"""What do several ranges at a time bring, when a service takes its time for a page, and when it does not?

    python -m benchmarks.read_ranges

200 pages of 1,000 entities into Arrow, by the service's own threads, which take parts of ranges from each other. The
server (`range_server`) is one of ours, in Python, on the same machine: with 100 ms a page it has time to spare; without
a pause it is the limit, and shares the cores.
"""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, Final

from benchmarks.measuring import CODE, ROOT, Cost, claim, in_own_process, report, table, watched
from benchmarks.range_server import PAGES
from benchmarks.steal_ranges import Numbers
from demo.azurite import ACCOUNT, KEY

RANGES: Final = (1, 2, 8, 32)
DELAYS_MS: Final = (0, 100)
ROWS: Final = PAGES * 1000
GOAL: Final = 4.0
"""How many times as fast 8 ranges are as one, with 100 ms a page."""


class Begun(Numbers):
    """A store that gives numbers to splits, and keeps nothing."""

    def begin(self, number: int) -> Any:
        """The first attempt at a split."""
        from flowservice.domain.staging import SplitProgress

        return SplitProgress(run_id="run", number=number, attempt=1)


def measured(port: str, ranges: str) -> Cost:
    """What reading the table costs in this process."""
    from flowservice.connectors.azure_table.connection_string import parse
    from flowservice.connectors.azure_table.source import TableSource
    from flowservice.engine.plan import Plan
    from flowservice.engine.split_runner import ThreadSplits
    from flowservice.engine.stealing import Attempts
    from flowservice.sdk import Egress, Selection, Split

    endpoint = f"http://127.0.0.1:{port}/{ACCOUNT}"
    source = TableSource(
        parse(f"AccountName={ACCOUNT};AccountKey={KEY};TableEndpoint={endpoint}"), egress=Egress(local=True)
    )
    splits = source.plan(Selection(path="pages")).splits
    plan = Plan(path="pages", columns=(), absent=(), mapping_id="", mapping_version=0, splits=splits)
    store = Begun()
    attempts = Attempts(source=source, store=store, plan=plan)  # type: ignore[arg-type] # enough of one
    rows: list[int] = []

    def read(split: Split, _: Callable[[], bool]) -> None:
        with attempts.at(split, store.begin(split.number)) as attempt:
            batches = source.read(attempt.split, after=None)
            attempt.has_begun = True
            rows.extend(batch.rows.num_rows for batch in batches)

    def more() -> Any:
        split = attempts.stolen()
        return None if split is None else partial(read, split)

    with watched(ROWS) as cost:
        ThreadSplits(threads=int(ranges)).run([partial(read, split) for split in splits], more)
        taken = cost()
    source.close()
    if sum(rows) != ROWS:
        raise RuntimeError(f"{ranges} ranges read {sum(rows)} of {ROWS} rows")
    return taken


@contextmanager
def serving_ranges(delay_ms: int, *properties: int) -> Iterator[str]:
    """A `range_server`; its port."""
    command = [sys.executable, "-m", "benchmarks.range_server", str(delay_ms), *map(str, properties)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=CODE) as server:
        try:
            assert server.stdout is not None
            yield server.stdout.readline().strip()
        finally:
            server.terminate()


def run() -> list[str]:
    """Print the table; the claims that do not hold."""
    costs: dict[tuple[int, int], Cost] = {}
    for delay_ms in DELAYS_MS:
        with serving_ranges(delay_ms) as port:
            time.sleep(0.2)
            for ranges in RANGES:
                costs[delay_ms, ranges] = in_own_process(__spec__.name, port, str(ranges))
    lines = [(f"{ranges} ranges, {delay} ms a page", cost) for (delay, ranges), cost in costs.items()]
    print(table(lines), end="\n\n")
    ratio = costs[100, 1].wall_s / costs[100, 8].wall_s
    text = f"8 ranges are at least {GOAL:.0f} times as fast as one, with 100 ms a page"
    return claim(text, f"{ratio:.1f} times", ratio >= GOAL)


if __name__ == "__main__":
    if sys.argv[1:]:
        report(measured(*sys.argv[1:]))
    else:
        sys.exit(1 if run() else 0)
