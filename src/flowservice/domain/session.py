"""A browser's session: what stands for a credential's token after someone signed in by a one-time link."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInCode:
    """A code that begins one session. It is kept as a hash."""

    hashed: str
    client_id: str
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A browser that has signed in. What its cookie holds is kept as a hash."""

    hashed: str
    client_id: str
    created_at: datetime
    expires_at: datetime
