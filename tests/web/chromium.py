"""The browser that the tests of the pages drive: `python -m tests.web.chromium STAMP` installs it where it may.

Debian's package, or whatever FLOWSERVICE_CHROMIUM names. Without one these tests are skipped, unless
FLOWSERVICE_REQUIRE_CHROMIUM=1 says that they may not be.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

_NAMES: Final = ("chromium", "chromium-browser", "google-chrome")
_APT: Final = ("apt-get", "install", "--yes", "--no-install-recommends", "chromium")
_INSTALL_S: Final = 600


def find() -> str | None:
    """The program, or None."""
    return os.environ.get("FLOWSERVICE_CHROMIUM") or next(filter(None, map(shutil.which, _NAMES)), None)


def is_required() -> bool:
    """Whether tests without a browser are failures."""
    return os.environ.get("FLOWSERVICE_REQUIRE_CHROMIUM", "").lower() in {"1", "true"}


def install() -> str | None:
    """Why there is no browser, after an attempt to get one; None if there is."""
    if find():
        return None
    if os.geteuid() != 0 or shutil.which(_APT[0]) is None:
        return "only root on Debian can install it from here; type: sudo apt-get install chromium"
    try:
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run(_APT, check=True, stdout=subprocess.DEVNULL, timeout=_INSTALL_S, env=quiet)
    except (OSError, subprocess.SubprocessError) as error:
        return f"apt-get could not install it ({error})"
    return None if find() else "apt-get installed something else"


if __name__ == "__main__":
    if reason := install():
        sys.stderr.write(f"setup: no Chromium: {reason}. The tests of the pages are skipped without it.\n")
        sys.exit(1 if is_required() else 0)
    Path(sys.argv[1]).touch()
