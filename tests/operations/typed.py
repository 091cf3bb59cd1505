"""Commands of operators, run as they type them."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from tests.live import AS_INSTALLED, SOURCE, command


def typed(
    *arguments: str, home: Path | None = None, env: Mapping[str, str] | None = None, cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """`flowservice` with these arguments, run to its end."""
    options = ("--home", str(home)) if home else ()
    return subprocess.run(
        command(*arguments, *options),
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (AS_INSTALLED, SOURCE))), **(env or {})},
        cwd=cwd,
        timeout=60,
    )
