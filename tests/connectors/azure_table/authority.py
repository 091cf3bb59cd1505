"""A Microsoft Entra ID of the tests' own."""

import base64
import json
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from tests.connectors.azure_table.table_server import Answer, Request, serving

TENANT: Final = "2f4a9838-26b7-47ee-be60-ccc1fdec5953"
CLIENT_ID: Final = "7c1f1a2e-5d0b-4f6a-9a43-2a9a3c1b7e11"
CLIENT_SECRET: Final = "a-secret~of.the-application"


@dataclass
class Authority:
    """What signs service principals in, and remembers how it was asked."""

    url: str = ""
    lifetime_s: int = 3600
    refusal: Answer | None = None
    """What it answers in place of a token."""
    lookup: Answer | None = None
    """What it answers in place of a tenant's configuration."""
    requests: list[Request] = field(default_factory=list)
    given: list[str] = field(default_factory=list)
    """Its tokens, the oldest first."""

    def answer(self, request: Request) -> Answer:
        """As the real one, for `TENANT`."""
        self.requests.append(request)
        if request.path.endswith("/.well-known/openid-configuration"):
            return self.lookup or _json(
                issuer=f"{self.url}/{TENANT}/v2.0",
                authorization_endpoint=f"{self.url}/{TENANT}/oauth2/v2.0/authorize",
                token_endpoint=f"{self.url}/{TENANT}/oauth2/v2.0/token",
            )
        if self.refusal is not None:
            return self.refusal
        token = jwt(number=len(self.given), audience=request.form["scope"].removesuffix("/.default"))
        self.given.append(token)
        return _json(token_type="Bearer", expires_in=self.lifetime_s, access_token=token)


@contextmanager
def authority(tls: ssl.SSLContext) -> Iterator[Authority]:
    """A running one."""
    made = Authority()
    with serving(made.answer, tls=tls) as server:
        made.url = f"https://localhost:{server.port}"
        yield made


def refused(code: int, text: str = "hidden") -> Answer:
    """How Microsoft Entra ID says no."""
    body = {"error": "invalid_client", "error_description": f"AADSTS{code}: {text}", "error_codes": [code]}
    return Answer(status=401, body=json.dumps(body).encode(), headers={"Content-Type": "application/json"})


def jwt(*, number: int, audience: str) -> str:
    """A token that the emulator takes: it looks at what one says, not at who signed it."""
    now = int(time.time())
    claims = {
        "aud": audience,
        "iss": f"https://sts.windows.net/{TENANT}/",
        "iat": now - 60,
        "nbf": now - 60,
        "exp": now + 3600,
        "jti": str(number),
    }
    return ".".join(_segment(part) for part in ({"alg": "none", "typ": "JWT"}, claims, {"unsigned": number}))


def _segment(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def _json(**members: Any) -> Answer:
    return Answer(body=json.dumps(members).encode(), headers={"Content-Type": "application/json"})
