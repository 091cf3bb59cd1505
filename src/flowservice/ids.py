"""New ids, each in the style of its kind."""

import secrets
from datetime import datetime
from typing import Final
from uuid import uuid4

_CROCKFORD: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


class RandomIds:
    """Fills `ports.runtime.Ids`."""

    def uuid(self) -> str:
        return str(uuid4())

    def hex(self, digits: int) -> str:
        return secrets.token_hex((digits + 1) // 2)[:digits]

    def ulid(self, at: datetime) -> str:
        # 48 bits of milliseconds and 80 random ones (github.com/ulid/spec).
        number = int(at.timestamp() * 1000) << 80 | secrets.randbits(80)
        return "".join(_CROCKFORD[number >> shift & 31] for shift in range(125, -1, -5))
