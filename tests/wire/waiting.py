"""Waiting for what the service does in the background."""

import time
from pathlib import Path
from typing import Any

from tests.live import Client
from tests.wire.resources import SANDBOXES


def settled(client: Client, name: str, state: str, *, within_s: float = 20) -> Any:
    """The sandbox, once it is in that state."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        found = client.get(f"{SANDBOXES}/sandboxes/{name}").json()
        if found["state"] == state:
            return found
        time.sleep(0.05)
    raise AssertionError(f"{name} is not {state} after {within_s:.0f} s: {found}")


def tidied(home: Path, *, within_s: float = 20) -> None:
    """Return once no file of what was removed from the lake below `home` is left."""
    deadline = time.monotonic() + within_s
    while left := list((home / "lake" / ".removed").glob("*")):
        if time.monotonic() > deadline:
            raise AssertionError(f"{len(left)} folders are still there after {within_s:.0f} s")
        time.sleep(0.05)
