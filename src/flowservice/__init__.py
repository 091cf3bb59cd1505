"""Flow Service: an open, self-hosted implementation of the Flow Service of Adobe Experience Platform."""

from typing import Final

VERSION: Final = "0.1.0"
