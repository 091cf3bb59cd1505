"""What the lake needs beside runs."""

import logging
from typing import Final

from flowservice.errors import LakeError
from flowservice.ports.lake import Lake

_LOG: Final = logging.getLogger(__name__)


def tidied(lake: Lake) -> None:
    """Delete the files of what was removed. What cannot be deleted now costs room and is tried again next time."""
    try:
        lake.tidy()
    except LakeError as error:
        _LOG.warning("what was removed from the lake is still on disk: %s", error.message)
