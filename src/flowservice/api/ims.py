"""Identity: access tokens on Adobe's paths."""

from typing import Annotated, Final

from fastapi import APIRouter, Path, Request
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from flowservice.api import answers
from flowservice.api import neighbour_answers as told
from flowservice.api.bodies import replayed, whole_body
from flowservice.service.identity import Identity, NotAuthenticated

_GRANTS = {"v1": {"client_credentials", "authorization_code"}}
_FORM = {
    "requestBody": {
        "required": True,
        "content": {
            "application/x-www-form-urlencoded": {
                "schema": {
                    "type": "object",
                    "properties": {
                        "grant_type": {"type": "string", "enum": ["client_credentials"]},
                        "client_id": {"type": "string"},
                        "client_secret": {"type": "string", "format": "password"},
                        "scope": {"type": "string"},
                    },
                    "required": ["grant_type", "client_id", "client_secret"],
                }
            }
        },
    }
}
_MAX_FORM: Final = 65_536
_MAX_FIELDS: Final = 20
_ANSWERS: Final = {
    **answers.of(told.Token),
    **answers.of(told.TokenProblem, status=400),
    **answers.of(told.TokenProblem, status=401),
    **answers.of(told.TokenProblem, status=404),
}
Version = Annotated[str, Path(description="`v3`; older clients say `v2` or `v1`.", examples=["v3"])]


def router(identity: Identity) -> APIRouter:
    """`POST /ims/token/v3`, and the older versions of the same call."""
    routes = APIRouter(tags=["Identity"])

    @routes.post("/ims/token/{version}", openapi_extra=_FORM, summary="Get an access token", responses=_ANSWERS)
    async def token(version: Version, request: Request) -> JSONResponse:
        """Client credentials for a bearer token, in the form or, as older clients send them, in the query."""
        form = await _form(request)
        if form is None:
            return _refused(400, "invalid_request", f"the form cannot be read, or has more than {_MAX_FORM} bytes")
        fields = {**request.query_params, **form}
        if version not in {"v1", "v2", "v3"}:
            return _refused(404, "invalid_request", "no such version; use /ims/token/v3")
        grant = fields.get("grant_type", "client_credentials")
        if grant not in _GRANTS.get(version, {"client_credentials"}):
            return _refused(
                400, "unsupported_grant_type", f"{version} does not know that grant; use client_credentials"
            )
        # The client's own secret is what counts: here no user signs in elsewhere and brings a code from there.
        needed = ("client_id", "client_secret", *(("code",) if grant == "authorization_code" else ()))
        missing = [name for name in needed if not fields.get(name)]
        if missing:
            return _refused(400, "invalid_request", f"{' and '.join(missing)} missing; send them as form fields")
        try:
            issued = await run_in_threadpool(identity.token, fields["client_id"], fields["client_secret"])
        except NotAuthenticated as error:
            return _refused(401, "invalid_client", error.message)
        return JSONResponse(
            {"access_token": issued.value, "token_type": "bearer", "expires_in": issued.lifetime_s},
            headers={"Cache-Control": "no-store"},
        )

    return routes


async def _form(request: Request) -> dict[str, str] | None:
    """The texts of the form; None for one that is too large or malformed. Nobody has signed in yet: it is bounded."""
    body = await whole_body(request.receive, _MAX_FORM)
    if body is None:
        return None
    try:
        async with Request(request.scope, replayed(body)).form(max_files=0, max_fields=_MAX_FIELDS) as form:
            return {name: value for name, value in form.items() if isinstance(value, str)}
    except (HTTPException, UnicodeError):
        return None


def _refused(status: int, error: str, description: str) -> JSONResponse:
    return JSONResponse({"error": error, "error_description": description}, status_code=status)
