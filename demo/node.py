"""Installing the emulator: `python -m demo.node install`. Says so and goes on where it cannot be."""

import subprocess
import sys
from pathlib import Path
from typing import Final

from demo.azurite import ROOT, Missing, node_executable

STAMP: Final = ROOT / "node_modules/.installed"


def npm(node: Path) -> list[str]:
    """The npm that came with `node`. Raises Missing."""
    for folder in (node.parent.parent, node.parent):
        for script in ("lib/node_modules/npm/bin/npm-cli.js", "node_modules/npm/bin/npm-cli.js"):
            if (folder / script).exists():
                return [str(node), str(folder / script)]
    raise Missing("npm was not found beside Node; install it to get the Azurite emulator")


def install() -> None:
    """Install what package-lock.json names. Raises Missing, CalledProcessError."""
    command = [*npm(node_executable()), "ci", "--silent", "--no-audit", "--no-fund"]
    subprocess.run(command, cwd=ROOT, check=True)
    STAMP.touch()


if __name__ == "__main__":
    try:
        install()
    except (Missing, subprocess.CalledProcessError) as error:
        print(
            f"setup: no Azurite ({error}). The service itself runs; the demo and the tests that need Azure do not.",
            file=sys.stderr,
        )
