"""How many instructions does the native decoder need for an entity, and for a byte?

    python -m benchmarks.count_instructions

Counted by `valgrind --tool=callgrind`, which gives the same figures however busy the machine is: one version of the
decoder can be compared with the next. The same pages are decoded once and three times; the difference is decoding.
"""

import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Final

from benchmarks.measuring import ROOT
from benchmarks.pages import PAGE_ROWS, pages
from native.building import lock

_PAGES: Final = 10
_NATIVE: Final = ROOT / "native"
# Of one thread, without caches: instructions are all that is asked for.
_CALLGRIND: Final = ("valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null")


def run() -> list[str]:
    """Print the figures. Nothing is claimed."""
    missing = [tool for tool in ("cargo", "valgrind") if shutil.which(tool) is None]
    if missing:
        print(f"not counted: {' and '.join(missing)} not installed")
        return []
    lock()
    command = ["cargo", "build", "--locked", "--quiet", "--release", "--example", "decode"]
    subprocess.run(command, cwd=_NATIVE, check=True)
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / f"{number:02d}.json" for number in range(_PAGES)]
        for path, page in zip(paths, pages(_PAGES), strict=True):
            path.write_bytes(page)
        size = sum(path.stat().st_size for path in paths)
        once, thrice = (_instructions(rounds, paths) for rounds in (1, 3))
    counted = (thrice - once) / 2
    print(f"{counted / _PAGES / PAGE_ROWS:.0f} instructions an entity, {counted / size:.2f} a byte")
    return []


def _instructions(rounds: int, paths: list[Path]) -> int:
    decode = str(_NATIVE / "target/release/examples/decode")
    command = [*_CALLGRIND, decode, str(rounds), *map(str, paths)]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    found = re.search(r"refs:\s+([\d,]+)", told)
    if found is None:
        raise RuntimeError(f"valgrind told no count: {told[-500:]}")
    return int(found[1].replace(",", ""))


if __name__ == "__main__":
    run()
