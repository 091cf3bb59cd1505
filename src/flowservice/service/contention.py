"""What to do when another writer came in between."""

import time
from collections.abc import Callable
from typing import Final, TypeVar

from flowservice.errors import OtherEtag, Stale

T = TypeVar("T")

_TRIES: Final = 5


def repeated(attempt: Callable[[], T]) -> T:
    """The result of `attempt`, which reads afresh each time, tried again where its write met another. Raises Stale."""
    for _ in range(_TRIES - 1):
        try:
            return attempt()
        except OtherEtag:
            # What the client read is past, and will not come back.
            raise
        except Stale:
            time.sleep(0.01)
    return attempt()
