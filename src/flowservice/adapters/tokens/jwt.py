"""Access tokens as signed JWTs (RFC 7519) of our own issuer."""

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from joserfc import jwt
from joserfc.jwk import OctKey

from flowservice.errors import Invalid

_ALGORITHM: Final = "HS256"
_ISSUER: Final = "flowservice"
_KNOWN_TOKENS: Final = 1_000


class JwtTokens:
    """Fills `ports.runtime.Tokens`. The signing key is derived from the service's key, so tokens outlive a restart."""

    def __init__(self, key: bytes) -> None:
        derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"flowservice access tokens").derive(key)
        self._key = OctKey.import_key(derived)
        # A client sends the same token for hours. That it is genuine stays so; whether it has expired does not.
        self._genuine = lru_cache(_KNOWN_TOKENS)(self._checked)

    def issue(self, claims: Mapping[str, Any], *, at: datetime, lifetime_s: int) -> str:
        now_s = int(at.timestamp())
        body = {**claims, "iss": _ISSUER, "iat": now_s, "exp": now_s + lifetime_s}
        return jwt.encode({"alg": _ALGORITHM, "typ": "JWT"}, body, self._key)

    def verify(self, token: str, *, at: datetime) -> Mapping[str, Any]:
        claims = self._genuine(token)
        if claims.get("iss") != _ISSUER or int(claims.get("exp", 0)) <= at.timestamp():
            raise Invalid("the access token has expired", advice="Fetch a new one from /ims/token/v3.")
        return claims

    def _checked(self, token: str) -> Mapping[str, Any]:
        try:
            return jwt.decode(token, self._key, algorithms=[_ALGORITHM]).claims
        # A stranger's text: whatever the library stumbles over in it, it is no token of ours.
        except Exception:  # noqa: BLE001
            raise Invalid("the access token is not one of this service") from None
