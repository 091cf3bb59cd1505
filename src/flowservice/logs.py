"""Logging to standard error, with secrets cut out whoever wrote the line."""

import logging
import re
import sys
from collections.abc import MutableMapping
from functools import lru_cache
from typing import Any, Final

import structlog

_SECRET_KEYS: Final = re.compile(
    r"secret|password|authorization|token|connection_?string|account_?key|signature", re.IGNORECASE
)
_SECRET_TEXTS: Final = re.compile(
    r"(?P<name>AccountKey|SharedAccessSignature|sig|client_secret|access_token|Authorization)(?P<sign>\s*[=:]\s*)"
    r"(?:SharedKeyLite\s+|SharedKey\s+|Bearer\s+)?[^\s;&\"']+",
    re.IGNORECASE,
)
_MASK: Final = "***"


def configure(level: str) -> None:
    """Send our logs and those of the libraries to standard error, at `level` (libraries: at least warnings)."""
    shared: list[structlog.typing.Processor] = [
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        redacted,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    render: structlog.typing.Processor = structlog.processors.JSONRenderer()
    if sys.stderr.isatty():
        render = structlog.dev.ConsoleRenderer()
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.ExtraAdder(), *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, render],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("flowservice").setLevel(level.upper())


def redacted(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """The event without secrets: by the name of a member, and by their form inside any text."""
    for name, value in event.items():
        if _is_secret(name):
            event[name] = _MASK
        # Every request writes a line, and hardly any text can hold what is looked for.
        elif isinstance(value, str) and ("=" in value or ":" in value):
            event[name] = _SECRET_TEXTS.sub(rf"\g<name>\g<sign>{_MASK}", value)
    return event


@lru_cache(1_000)
def _is_secret(name: str) -> bool:
    return _SECRET_KEYS.search(name) is not None
