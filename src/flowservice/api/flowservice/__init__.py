"""The Flow Service proper: a router for each collection."""

from typing import Final

BASE: Final = "/data/foundation/flowservice"
