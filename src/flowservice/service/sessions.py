"""Signing in from a browser: a one-time code begins a session, which stands for a credential until it ends."""

import hmac
import re
import secrets
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from flowservice.domain.identity import Credential
from flowservice.domain.session import Session, SignInCode
from flowservice.errors import NotFound
from flowservice.ports.database import Database
from flowservice.ports.runtime import Clock
from flowservice.service.credentials import hashed
from flowservice.service.identity import Claims, NotAuthenticated

CODE_LIFETIME: Final = timedelta(hours=1)
SESSION_LIFETIME: Final = timedelta(hours=12)
_CODE_BYTES: Final = 20
# Letters and digits alone: whatever makes links of texts takes the whole of it.
_CODE: Final = re.compile(r"[0-9a-f]{40}")
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{43}")


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """A session with the credential that it stands for. `token` is what the cookie holds, and known nowhere else."""

    token: str = field(repr=False)
    session: Session
    credential: Credential

    @property
    def csrf_token(self) -> str:
        """What calls of this session carry beside the cookie: a page of another origin cannot know it."""
        return hmac.digest(self.token.encode(), b"flowservice csrf", "sha256").hex()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sessions:
    """Codes and sessions. Nothing is kept of either but hashes; all that is random in them has 128 bits and more."""

    database: Database
    now: Clock

    def new_code(self, client_id: str) -> str:
        """A code that begins one session of the credential within an hour. Raises NotFound."""
        code, at = secrets.token_hex(_CODE_BYTES), self.now()
        self.database.sessions.forget(before=at)
        kept = SignInCode(hashed=hashed(code), client_id=client_id, expires_at=at + CODE_LIFETIME)
        self.database.sessions.add_code(kept)
        return code

    def begin(self, code: str) -> SignedIn:
        """A session for a code, which is of no more use then. Raises NotAuthenticated."""
        at, token = self.now(), secrets.token_urlsafe(32)
        if not _CODE.fullmatch(code):
            raise NotAuthenticated("code", "not a code of ours")
        try:
            with self.database.transaction() as tx:
                client_id = tx.sessions.take_code(hashed(code), at=at)
                session = Session(
                    hashed=hashed(token), client_id=client_id, created_at=at, expires_at=at + SESSION_LIFETIME
                )
                tx.sessions.add(session)
                credential = tx.tenancy.credential(client_id)
        except NotFound as error:
            raise NotAuthenticated("code", error.message) from None
        return SignedIn(token=token, session=session, credential=credential)

    def known(self, token: str | None) -> SignedIn:
        """The session of a cookie. Raises NotAuthenticated once it ended, expired, or its credential was revoked."""
        if token is None or not _TOKEN.fullmatch(token):
            raise NotAuthenticated("token", "not a session of ours")
        try:
            session = self.database.sessions.get(hashed(token), at=self.now())
            credential = self.database.tenancy.credential(session.client_id)
        except NotFound as error:
            raise NotAuthenticated("token", error.message) from None
        return SignedIn(token=token, session=session, credential=credential)

    def called(self, token: str | None, csrf_token: str | None) -> SignedIn:
        """The same, for a call that has to carry the session's other token as well. Raises NotAuthenticated."""
        signed_in = self.known(token)
        sent = (csrf_token or "").encode(errors="surrogatepass")
        if not hmac.compare_digest(sent, signed_in.csrf_token.encode()):
            raise NotAuthenticated("token", "x-csrf-token is not the session's")
        return signed_in

    def claims(self, token: str | None, csrf_token: str | None) -> Claims:
        """What a call of a session says in place of an access token. Raises as `called`."""
        credential = self.called(token, csrf_token).credential
        return Claims(client_id=credential.client_id, org_id=credential.org_id)

    def end(self, signed_in: SignedIn) -> None:
        """Sign out: the cookie is of no more use."""
        self.database.sessions.remove(signed_in.session.hashed)

    def end_all(self) -> None:
        """End every session and code, of whatever organisation."""
        self.database.sessions.forget(before=None)
