"""Who is at work in a sandbox: calls that were let in before it closed, and may still write."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock


@dataclass(frozen=True, slots=True)
class Admission:
    """Counts the writing calls of this process by the sandbox that they name (None: the default one).

    A call is counted before its sandbox is looked up: whoever closes a sandbox and then finds nobody here knows that
    all further calls see it closed.
    """

    _inside: Counter[tuple[str, str | None]] = field(default_factory=Counter)
    _lock: Lock = field(default_factory=Lock)

    @contextmanager
    def entered(self, org_id: str, sandbox_name: str | None) -> Iterator[None]:
        """Be at work there."""
        key = (org_id, sandbox_name)
        with self._lock:
            self._inside[key] += 1
        try:
            yield
        finally:
            with self._lock:
                self._inside[key] -= 1
                if not self._inside[key]:
                    del self._inside[key]

    def is_empty(self, org_id: str, sandbox_name: str, *, is_default: bool) -> bool:
        """Whether nobody is at work in the sandbox."""
        with self._lock:
            names = (sandbox_name, None) if is_default else (sandbox_name,)
            return not any(self._inside[org_id, name] for name in names)
