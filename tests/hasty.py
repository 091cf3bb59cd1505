"""A server whose clock runs fast, so that a schedule's minutes pass in seconds. Its sources keep their own time."""

import os
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from flowservice import serving
from flowservice.settings import Settings
from tests.live import Server

SPEED: Final = 30
_SINCE: Final = "HASTY_SINCE"
"""Variable with the moment from which on time runs fast: the same for every process of a server."""


def server(home: Path, *, env: Mapping[str, str] | None = None) -> Server:
    """A server with that clock, which takes schedules of one minute (two seconds, that is) and short windows."""
    known = {
        _SINCE: datetime.now(UTC).isoformat(),
        "FLOWSERVICE_MIN_INTERVAL_MINUTES": "1",
        "FLOWSERVICE_WINDOW_LAG_S": "1",
    }
    return Server(home, env={**known, **(env or {})}, program="from tests.hasty import main; main()")


def main() -> None:
    """`serve --home DIR --port PORT`."""
    _, home, _, port = sys.argv[1:][-4:]
    since = datetime.fromisoformat(os.environ[_SINCE])
    serving.run(Settings(home=Path(home), port=int(port)), now=lambda: since + SPEED * (datetime.now(UTC) - since))
