"""CPU seconds and resident memory of a process, read from outside or inside, and the machine they were measured on."""

import json
import os
import platform
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
CODE: Final = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"}
"""The environment of a process that runs the code beside this file, whatever else is installed."""

SHORT, LONG = 20_000, 60_000
MOST_MB: Final = 200.0
"""What a process may need above idle."""
MOST_GROWTH_MB: Final = 40.0
"""What three times the rows may add to that: the noise of an allocator."""

_LIBRARIES: Final = (
    "pyarrow",
    "polars",
    "orjson",
    "pyreqwest",
    "deltalake",
    "dbos",
    "azure-data-tables",
    "pandas",
    "dlt",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What reading or landing `rows` took."""

    rows: int
    wall_s: float
    cpu_s: float
    peak_mb: float
    """Resident memory above what the process held before."""


def machine() -> str:
    """Where and with what the figures are measured."""
    model = next((line for line in _lines("/proc/cpuinfo") if line.startswith("model name")), "unknown processor")
    libraries = ", ".join(f"{name} {version(name)}" for name in _LIBRARIES)
    return (
        f"{platform.platform()}, {os.cpu_count()} CPUs ({model.split(':')[-1].strip()}), "
        f"load {os.getloadavg()[0]:.1f}\nPython {platform.python_version()}, {libraries}"
    )


@contextmanager
def watched(rows: int, process: int | None = None) -> Iterator[Callable[[], Cost]]:
    """Watch a process (None: this one); the function gives what it cost until now."""
    idle, peak, done = _resident_mb(process), [0.0], threading.Event()

    def watch() -> None:
        while not done.wait(0.01):
            peak[0] = max(peak[0], _resident_mb(process))

    watching = threading.Thread(target=watch)
    watching.start()
    cpu_before, started = _cpu_s(process), time.perf_counter()

    def cost() -> Cost:
        wall_s, cpu_s = time.perf_counter() - started, _cpu_s(process) - cpu_before
        return Cost(rows=rows, wall_s=wall_s, cpu_s=cpu_s, peak_mb=max(0.0, peak[0] - idle))

    try:
        yield cost
    finally:
        done.set()
        watching.join()


def in_own_process(module: str, *arguments: str, **environment: str) -> Cost:
    """What `report` prints when `module` runs in a fresh interpreter: nobody pays for another's imports or garbage."""
    command = [sys.executable, "-m", module, *arguments]
    variables = {**CODE, **environment}
    output = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT, env=variables).stdout
    return Cost(**json.loads(output))


def report(cost: Cost) -> None:
    """Tell the process that waits in `in_own_process`."""
    print(json.dumps(asdict(cost)))


def table(costs: Sequence[tuple[str, Cost]]) -> str:
    """Costs, a line each."""
    lines = [f"{'':<34}{'rows':>8}{'wall s':>9}{'rows/s':>9}{'CPU s':>8}{'rows/CPU s':>12}{'peak MB':>9}"]
    lines += [
        f"{name:<34}{cost.rows:>8}{cost.wall_s:>9.2f}{cost.rows / cost.wall_s:>9.0f}{cost.cpu_s:>8.2f}"
        f"{cost.rows / cost.cpu_s:>12.0f}{cost.peak_mb:>9.0f}"
        for name, cost in costs
    ]
    return "\n".join(lines)


def memory_claims(what: str, short: Cost, long: Cost) -> list[str]:
    """Those of the claims on memory that do not hold; prints all."""
    growth_mb = long.peak_mb - short.peak_mb
    highest_mb = max(short.peak_mb, long.peak_mb)
    return [
        *claim(f"{what} needs at most {MOST_MB:.0f} MB above idle", f"{highest_mb:.0f} MB", highest_mb <= MOST_MB),
        *claim(
            f"{what} needs no more memory for {long.rows} rows than for {short.rows}, within {MOST_GROWTH_MB:.0f} MB",
            f"{growth_mb:+.0f} MB",
            growth_mb <= MOST_GROWTH_MB,
        ),
    ]


def claim(text: str, measured: str, holds: bool) -> list[str]:
    """Print whether a claim holds; the claim, if it does not."""
    print(f"{'holds' if holds else 'MISSED':<7}{text}: {measured}")
    return [] if holds else [f"{text}: {measured}"]


def _lines(path: str) -> list[str]:
    return Path(path).read_text(encoding="utf-8").splitlines()


def _resident_mb(process: int | None) -> float:
    pages = int(_lines(f"/proc/{process or 'self'}/statm")[0].split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def _cpu_s(process: int | None) -> float:
    """User and system. From outside it is known to a hundredth of a second."""
    if process is None:
        return time.process_time()
    # The name of the command, in brackets, may hold blanks.
    fields = _lines(f"/proc/{process}/stat")[0].rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
