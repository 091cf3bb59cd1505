"""The session of a browser: our own addition, for the pages that this server shows."""

from typing import Annotated, Any

from fastapi import APIRouter, Cookie, Header, Response
from starlette.requests import Request

from flowservice.api import answers, wire
from flowservice.api import neighbour_answers as told
from flowservice.api.browser import COOKIE, CSRF_HEADER
from flowservice.api.gateway import SESSION
from flowservice.domain.identity import Permission
from flowservice.service.sessions import SESSION_LIFETIME, Sessions, SignedIn

SessionCookie = Annotated[str | None, Cookie(alias=COOKIE, description="As signing in set it.")]
CsrfToken = Annotated[str | None, Header(alias=CSRF_HEADER, description="`csrfToken` of the session.")]


def router(sessions: Sessions, public_url: str | None) -> APIRouter:
    """Sign in, who am I, sign out. The cookie is for TLS alone where the server is reached by it."""
    routes = APIRouter(prefix=SESSION, tags=["Session"])

    def is_secure(request: Request) -> bool:
        return (public_url or str(request.base_url)).lower().startswith("https:")

    @routes.post("", summary="Sign in by a one-time code", responses=answers.of(told.Session))
    def sign_in(body: wire.SignInBody, request: Request, response: Response) -> dict[str, Any]:
        """The code stands behind `#` in the link that `serve` prints. It is of use once, within an hour.

        The answer sets the cookie `flowservice_session`. For twelve hours it stands for token, api key and
        organisation in calls that also carry `x-csrf-token`.
        """
        signed_in = sessions.begin(body.code)
        response.set_cookie(
            COOKIE,
            signed_in.token,
            max_age=int(SESSION_LIFETIME.total_seconds()),
            httponly=True,
            samesite="strict",
            secure=is_secure(request),
        )
        return _told(signed_in, response)

    @routes.get("", summary="Who is signed in", responses=answers.of(told.Session))
    def read(response: Response, cookie: SessionCookie = None) -> dict[str, Any]:
        return _told(sessions.known(cookie), response)

    @routes.delete("", status_code=204, summary="Sign out")
    def sign_out(
        request: Request, response: Response, cookie: SessionCookie = None, csrf_token: CsrfToken = None
    ) -> None:
        """The cookie is of no more use, wherever it was copied to."""
        sessions.end(sessions.called(cookie, csrf_token))
        response.delete_cookie(COOKIE, httponly=True, samesite="strict", secure=is_secure(request))

    return routes


def _told(signed_in: SignedIn, response: Response) -> dict[str, Any]:
    response.headers["Cache-Control"] = "no-store"
    known = signed_in.credential
    return {
        "clientId": known.client_id,
        "name": known.name,
        "orgId": known.org_id,
        "permissions": [permission.value for permission in Permission if permission in known.permissions],
        "csrfToken": signed_in.csrf_token,
        "expiresAt": wire.epoch_ms(signed_in.session.expires_at),
    }
