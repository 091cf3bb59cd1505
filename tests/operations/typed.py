"""Commands of operators, run as they type them."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from tests.forked import forked


def typed(
    *arguments: str, home: Path | None = None, env: Mapping[str, str] | None = None, cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """`flowservice` with these arguments, run to its end."""
    options = ("--home", str(home)) if home else ()
    return forked([*arguments, *options], env={**os.environ, **(env or {})}, cwd=cwd)
