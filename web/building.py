"""Building the user interface into the package: `python web/building.py STAMP`. Says so and goes on without Node.

What cannot be built for a fault of its own (a type that does not fit, a budget that is exceeded) is an error.
"""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).resolve().parent
ROOT: Final = HERE.parent
sys.path.insert(0, str(ROOT))

from demo.azurite import Missing, node_executable  # noqa: E402 - a script: the repository is not on its path
from demo.node import npm  # noqa: E402

BUILT: Final = ROOT / "src/flowservice/web"


def install(node: Path) -> None:
    """What the lock file names, if that was not installed yet. Raises Missing, CalledProcessError."""
    installed, lock = HERE / "node_modules/.package-lock.json", HERE / "package-lock.json"
    if not installed.exists() or installed.stat().st_mtime < lock.stat().st_mtime:
        subprocess.run([*npm(node), "ci", "--silent", "--no-audit", "--no-fund"], cwd=HERE, check=True)
        installed.touch()


def build(node: Path) -> None:
    """Types from the API's own document, checks, bundle, budgets. Raises CalledProcessError."""
    subprocess.run([sys.executable, "-m", "docs.openapi_file", HERE / "openapi.json"], cwd=ROOT, check=True)
    modules = HERE / "node_modules"
    for step in (
        (modules / "openapi-typescript/bin/cli.js", "openapi.json", "--output", "src/api/schema.d.ts"),
        (modules / "typescript/bin/tsc",),
        (HERE / "scripts/styles.mjs",),
        (modules / "@biomejs/biome/bin/biome", "check", "--error-on-warnings"),
        (modules / "vite/bin/vite.js", "build", "--logLevel", "warn"),
        (HERE / "scripts/budgets.mjs",),
    ):
        done = subprocess.run([node, *step], cwd=HERE, check=False, capture_output=True, text=True)
        if done.returncode != 0:
            # Half a build would be served as if it were whole.
            shutil.rmtree(BUILT, ignore_errors=True)
            print(done.stdout, done.stderr, sep="\n", file=sys.stderr)
            done.check_returncode()


def main(stamp: Path) -> None:
    """Build, and leave `stamp` if that was possible."""
    try:
        node = node_executable()
        install(node)
    except (Missing, subprocess.CalledProcessError) as error:
        print(
            f"setup: the user interface was not built ({error}). The service runs; its page says how to build it.",
            file=sys.stderr,
        )
        return
    build(node)
    stamp.touch()


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]))
    except subprocess.CalledProcessError as failed:
        sys.exit(f"setup: the user interface could not be built: {Path(str(failed.cmd[1])).name} failed")
