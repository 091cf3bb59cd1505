"""How long until the service is ready, and until a command has answered?

    python -m benchmarks.start

From the start of the process to the line that says where the service is, and to the end of a command.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from benchmarks.measuring import CODE, claim
from benchmarks.run_flow import serving

FIRST_S, LATER_S = 5.0, 4.0
REPEATS: Final = 3


def run() -> list[str]:
    """Print the table; the claims that do not hold."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        first_s = _ready_s(home)
        later = [_ready_s(home) for _ in range(REPEATS)]
        commands = {
            "flowservice --version": ["--version"],
            "flowservice token": ["token", "--home", str(home)],
            "flowservice sql": ["sql", "--home", str(home), "SELECT 1"],
        }
        taken = {name: [_command_s(arguments) for _ in range(REPEATS)] for name, arguments in commands.items()}
    print(f"{'':<34}{'best s':>9}{'worst s':>9}")
    rows = {"flowservice serve, first start": [first_s], "flowservice serve, later": later, **taken}
    for name, seconds in rows.items():
        print(f"{name:<34}{min(seconds):>9.2f}{max(seconds):>9.2f}")
    print()
    return [
        *claim(f"ready within {FIRST_S:.0f} s at first start", f"{first_s:.2f} s", first_s <= FIRST_S),
        *claim(f"ready within {LATER_S:.0f} s later", f"{max(later):.2f} s", max(later) <= LATER_S),
    ]


def _ready_s(home: Path) -> float:
    started = time.perf_counter()
    with serving(home):
        return time.perf_counter() - started


def _command_s(arguments: list[str]) -> float:
    command = [sys.executable, "-c", "from flowservice.cli import main; main()", *arguments]
    started = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True, env=CODE)
    return time.perf_counter() - started


if __name__ == "__main__":
    sys.exit(1 if run() else 0)
