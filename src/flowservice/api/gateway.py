"""What stands before every service: paths, tokens, api keys, organisations, sandboxes and content types.

A pure ASGI middleware, so that it answers before any route is looked up or body parsed: the documented order of checks
is token, api key, organisation, sandbox, content type, then the service.
"""

import re
import time
from collections.abc import Mapping
from contextlib import nullcontext
from typing import Any, Final
from urllib.parse import unquote
from uuid import uuid4

import orjson
import structlog
from anyio import to_thread
from starlette.datastructures import Headers
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from flowservice.api.bodies import replayed, whole_body
from flowservice.api.browser import CSRF_HEADER, check_same_origin, cookie_of
from flowservice.api.permissions import OF_THE_ORG, needed
from flowservice.api.problems import problem, sandbox_problem
from flowservice.api.repeats import KEY_HEADER, RUN_HEADER, Repeats
from flowservice.domain.documents import MAX_DEPTH, inner, is_deeper
from flowservice.domain.identity import Caller
from flowservice.errors import (
    AnswerLost,
    BadField,
    BadQuery,
    EmptyBody,
    Error,
    EverySandbox,
    Forbidden,
    NotFound,
    SandboxIdNotAllowed,
    SandboxMissing,
    SandboxNotFound,
    StoreUnavailable,
)
from flowservice.service.admission import Admission
from flowservice.service.identity import Claims, Identity, NotAuthenticated
from flowservice.service.sessions import Sessions

_log = structlog.get_logger("flowservice.api")

_GUARDED: Final = ("/data/", "/v1/")
_PUBLIC: Final = re.compile(r"/v1/(openapi\.json|docs(/.*)?)")
SESSION: Final = "/v1/session"
"""Where a browser signs in: its cookie, if it has one yet, is all that it brings."""
_FLOWS: Final = ("/data/foundation/flowservice", "/v1/flows", "/v1/runs")
_WITHOUT_BODY: Final = (
    "/action",
    "/rotate",
    "/undo",
    "/replay",
    "/cancel",
    "/run",
    "/revert",
    "/check",
    "/landingzone/credentials",
    "/dryRun",
)
_WRITES: Final = frozenset({"POST", "PUT", "PATCH"})
_READS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
# It goes into logs, bodies and a header.
_REQUEST_ID: Final = re.compile(r"[!-~]{1,100}")
_MOST_KEY: Final = 255
_ERRORS: Final[Mapping[str, tuple[str, str]]] = {
    "org-missing": ("400003", "Missing header"),
    "token": ("401013", "Oauth token is not valid"),
    "code": ("401013", "The sign-in code was used, has expired, or never was one"),
    "api-key-missing": ("403000", "Api Key is required"),
    "api-key": ("403003", "Api Key is invalid"),
    "token-missing": ("403010", "Oauth token is missing."),
    "org": ("403025", "Profile is not valid"),
    "org-malformed": ("403027", "User region is missing"),
}


class Gateway:
    """Lets a request through with its `Caller` in `scope["state"]["caller"]`, or answers it."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        identity: Identity,
        sessions: Sessions,
        admission: Admission,
        strict_sandbox: bool,
        max_body_bytes: int,
        public_url: str | None,
    ) -> None:
        self._app = app
        self._identity = identity
        self._sessions = sessions
        self._public_url = public_url
        self._admission = admission
        self._strict_sandbox = strict_sandbox
        self._max_body_bytes = max_body_bytes
        self._repeats = Repeats()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        request_id = _request_id(headers.get("x-request-id", ""))
        scope.setdefault("state", {})["request_id"] = request_id
        scope["path"] = path = _path(scope)
        started = time.perf_counter()
        status = 500

        async def send_marked(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                marks = {b"x-request-id": request_id, RUN_HEADER.encode("ascii"): self._repeats.run}
                kept = [item for item in message["headers"] if item[0] not in marks]
                message["headers"] = [*kept, *((name, mark.encode("ascii")) for name, mark in marks.items())]
            await send(message)

        try:
            await self._pass(scope, receive, send_marked, headers, path, request_id)
        finally:
            _log.info(
                "request",
                method=scope["method"],
                path=path,
                status=status,
                ms=round((time.perf_counter() - started) * 1000, 1),
                request_id=request_id,
            )

    async def _pass(
        self, scope: Scope, receive: Receive, send: Send, headers: Headers, path: str, request_id: str
    ) -> None:
        if not path.startswith(_GUARDED) or _PUBLIC.fullmatch(path):
            await self._app(scope, receive, send)
            return
        # No database takes a NUL in a text, and nothing of ours has one.
        if "\0" in path or b"%00" in scope["query_string"]:
            await _without_nul(path, request_id)(scope, receive, send)
            return
        try:
            if path == SESSION:
                if scope["method"] not in _READS:
                    check_same_origin(headers, self._public_url)
                await self._serve(scope, receive, send, path, request_id)
                return
            claims = await self._claims(headers)
            name = None if path.startswith(OF_THE_ORG) else headers.get("x-sandbox-name") or None
            writes = scope["method"] not in _READS and not path.startswith(OF_THE_ORG)
            # Before the sandbox is looked up: whoever closes it learns of this call.
            with self._admission.entered(claims.org_id, name) if writes else nullcontext():
                # In a thread: it reads the database.
                caller = await to_thread.run_sync(self._caller, claims, headers, name, path)
                _permit(caller, scope["method"], path)
                scope["state"]["caller"] = caller
                await self._serve(scope, receive, send, path, request_id)
        except NotAuthenticated as error:
            await not_authenticated(error)(scope, receive, send)
        except StoreUnavailable as error:
            _log.warning("refused", code=error.code, message=error.message, request_id=request_id)
            await problem(error, path=path, request_id=request_id)(scope, receive, send)
        except (SandboxNotFound, SandboxIdNotAllowed, SandboxMissing, EverySandbox) as error:
            await sandbox_problem(error, path=path, request_id=request_id)(scope, receive, send)
        except (Forbidden, AnswerLost, BadField) as error:
            await problem(error, path=path, request_id=request_id)(scope, receive, send)

    async def _serve(self, scope: Scope, receive: Receive, send: Send, path: str, request_id: str) -> None:
        """Hand an admitted call on, its body read and found to be JSON. Answers what the services raise.

        Raises AnswerLost and BadField for a repeat that cannot be answered.
        """
        body: bytes | None = b""
        if scope["method"] in _WRITES:
            body = await whole_body(receive, self._max_body_bytes)
            refused = self._refused_body(body, scope["method"], path, request_id)
            if refused is not None:
                await refused(scope, receive, send)
                return
            # Clients send JSON under all sorts of types; the routes read it as what it is.
            scope["headers"] = [
                item for item in scope["headers"] if item[0] not in {b"content-type", b"content-length"}
            ]
            scope["headers"] += [
                (b"content-type", b"application/json"),
                (b"content-length", str(len(body or b"")).encode()),
            ]
            receive = replayed(body or b"")
        headers = Headers(scope=scope)
        key = headers.get(KEY_HEADER, "")[:_MOST_KEY]
        caller: Caller | None = scope["state"].get("caller")
        if not key or caller is None or scope["method"] in _READS:
            await self._app(scope, receive, send)
            return
        self._repeats.check_run(headers.get(RUN_HEADER, ""))
        whose = (caller.scope, caller.client_id, scope["method"], path, scope["query_string"], key)
        await self._repeats.serve(self._app, scope, receive, send, key=whose, body=body or b"")

    async def _claims(self, headers: Headers) -> Claims:
        """What the token of a call says, or the session that stands for one.

        Raises NotAuthenticated, also if the api key is not the token's own; OtherOrigin.
        """
        if _is_of_a_session(headers):
            check_same_origin(headers, self._public_url)
            # In a thread: it reads the database.
            claims = await to_thread.run_sync(self._sessions.claims, cookie_of(headers), headers[CSRF_HEADER])
            api_key = headers.get("x-api-key", claims.client_id)
        else:
            claims = self._identity.claims(_bearer(headers))
            api_key = headers.get("x-api-key", "")
        if not api_key:
            raise NotAuthenticated("api-key-missing", "no x-api-key")
        if api_key != claims.client_id:
            raise NotAuthenticated("api-key", "the api key is not the client id of the token")
        return claims

    def _caller(self, claims: Claims, headers: Headers, name: str | None, path: str) -> Caller:
        """The caller in the sandbox that the call names.

        Raises NotAuthenticated, SandboxMissing, StoreUnavailable, and what `Identity.caller` raises.
        """
        entrant = self._identity.entrant(claims, sandbox_name=name)
        org = headers.get("x-gw-ims-org-id", claims.org_id if _is_of_a_session(headers) else "")
        if not org:
            raise NotAuthenticated("org-missing", "no x-gw-ims-org-id")
        if not org.endswith("@AdobeOrg") or org == "@AdobeOrg":
            raise NotAuthenticated("org-malformed", "an organisation id ends in @AdobeOrg")
        if org != entrant.org.id:
            raise NotAuthenticated("org", "the credential belongs to another organisation")
        if path.startswith(OF_THE_ORG):
            return self._identity.member(entrant)
        if name is None and self._strict_sandbox and path.startswith(_FLOWS):
            raise SandboxMissing("x-sandbox-name is missing", advice="Name the sandbox to work in.")
        return self._identity.caller(entrant, sandbox_name=name, sandbox_id=headers.get("x-sandbox-id") or None)

    def _refused_body(self, body: bytes | None, method: str, path: str, request_id: str) -> Response | None:
        if body is None:
            error = BadField(f"the body is larger than {self._max_body_bytes} bytes", advice="Send less at once.")
            return problem(error, path=path, request_id=request_id)
        if not body:
            # Actions are posted without a body, and so is what renews a secret or tries a flow.
            if method == "POST" and path.endswith(_WITHOUT_BODY):
                return None
            return problem(EmptyBody("the body is empty", advice="Send JSON."), path=path, request_id=request_id)
        try:
            document = orjson.loads(body)
        except orjson.JSONDecodeError as error:
            malformed = BadField(
                f"the body is not JSON (line {error.lineno}, column {error.colno})",
                advice="Send valid JSON in UTF-8 with Content-Type: application/json.",
            )
            return problem(malformed, path=path, request_id=request_id)
        if b"\\u0000" in body and _holds_nul(document):
            nul = BadField("a text of the body holds a NUL character", advice="Leave it out.")
            return problem(nul, path=path, request_id=request_id)
        if is_deeper(document):
            deep = BadField(f"the body is nested more than {MAX_DEPTH} levels deep", advice="Send a flatter document.")
            return problem(deep, path=path, request_id=request_id)
        return None


def not_authenticated(error: NotAuthenticated) -> JSONResponse:
    """The gateway's refusal of who is not signed in."""
    code, message = _ERRORS[error.reason]
    return JSONResponse({"error_code": code, "message": message}, status_code=int(code[:3]))


def _is_of_a_session(headers: Headers) -> bool:
    """Whether a call stands on the cookie: a page of ours makes it, for no other adds the header."""
    return CSRF_HEADER in headers and "authorization" not in headers


def _request_id(sent: str) -> str:
    """The client's own id, as far as it is short and visible; else one of ours."""
    return sent if _REQUEST_ID.fullmatch(sent) else uuid4().hex


def _path(scope: Scope) -> str:
    """The path with `%2F` kept (ids of the schema registry are URLs) and without a trailing slash."""
    raw = scope.get("raw_path") or scope["path"].encode()
    path = unquote(raw.decode("latin-1").replace("%2F", "%252F").replace("%2f", "%252F"))
    return path.rstrip("/") or "/"


def _bearer(headers: Headers) -> str:
    scheme, _, token = headers.get("authorization", "").strip().partition(" ")
    if not scheme:
        raise NotAuthenticated("token-missing", "no Authorization header")
    if scheme.lower() != "bearer" or not token.strip():
        raise NotAuthenticated("token", "not a bearer token")
    return token.strip()


def _holds_nul(document: Any) -> bool:
    """Whether a text or a name in it has a NUL character, in any depth."""
    waiting = [document]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            waiting += node.keys()
        elif isinstance(node, str) and "\0" in node:
            return True
        waiting += inner(node)
    return False


def _permit(caller: Caller, method: str, path: str) -> None:
    """Return if the caller may make the call. Raises Forbidden."""
    for permission in needed(method, path):
        caller.may(permission)


def _without_nul(path: str, request_id: str) -> Response:
    error: Error = BadQuery("a query parameter holds a NUL character", advice="Leave it out.")
    if "\0" in path:
        error = NotFound("there is nothing under that path", advice="See /v1/docs for the paths there are.")
    return problem(error, path=path, request_id=request_id)
