"""Access tokens as signed JWTs (RFC 7519) of our own issuer."""

from collections.abc import Callable, Mapping, Sequence
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
_KNOWN_KEYS: Final = 100


@lru_cache(_KNOWN_KEYS)
def signing_key(key: bytes) -> bytes:
    """The key that signs tokens, derived from one of the service's: whoever has it cannot open a secret."""
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=b"flowservice access tokens").derive(key)


class JwtTokens:
    """Fills `ports.runtime.Tokens`.

    `keys` gives the signing keys there are now: the first signs, all verify. They are derived from the service's, so
    tokens outlive a restart.
    """

    def __init__(self, keys: Callable[[], Sequence[bytes]]) -> None:
        self._keys = keys
        # A client sends the same token for hours. That a key signed it stays so; whether it has expired does not, nor
        # whether that key still counts.
        self._genuine = lru_cache(_KNOWN_TOKENS)(_checked)

    def issue(self, claims: Mapping[str, Any], *, at: datetime, lifetime_s: int) -> str:
        now_s = int(at.timestamp())
        body = {**claims, "iss": _ISSUER, "iat": now_s, "exp": now_s + lifetime_s}
        return jwt.encode({"alg": _ALGORITHM, "typ": "JWT"}, body, OctKey.import_key(self._keys()[0]))

    def verify(self, token: str, *, at: datetime) -> Mapping[str, Any]:
        claims = self._genuine(token, tuple(self._keys()))
        if claims.get("iss") != _ISSUER or int(claims.get("exp", 0)) <= at.timestamp():
            raise Invalid("the access token has expired", advice="Fetch a new one from /ims/token/v3.")
        return claims


def _checked(token: str, keys: Sequence[bytes]) -> Mapping[str, Any]:
    for key in keys:
        try:
            return jwt.decode(token, OctKey.import_key(key), algorithms=[_ALGORITHM]).claims
        # A stranger's text: whatever the library stumbles over in it, it is no token of ours.
        except Exception:  # noqa: BLE001, S112
            continue
    raise Invalid("the access token is not one of this service")
