"""The API's own document as a file, from which the types of the UI are made: `python -m docs.openapi_file TO`."""

import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from flowservice.app import App
from flowservice.settings import Settings


def openapi() -> dict[str, Any]:
    """The document that `/v1/openapi.json` answers, of a service that was never started."""
    with TemporaryDirectory() as folder:
        app = App(Settings(home=Path(folder)))
        found: dict[str, Any] = app.web(on_start=_nothing, on_stop=_nothing, wake=_nothing, clear=_nothing).openapi()
        app.database.engine.dispose()
    return found


def _nothing() -> None:
    return None


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(openapi()) + "\n", encoding="utf-8")
