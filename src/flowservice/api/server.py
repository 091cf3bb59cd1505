"""The web application: gateway, routers, problems, health, and the API's own documentation."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import structlog
from anyio import to_thread
from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse, JSONResponse, PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from starlette.exceptions import HTTPException
from starlette.staticfiles import StaticFiles

from flowservice import VERSION
from flowservice.api import answers
from flowservice.api import neighbour_answers as told
from flowservice.api.gateway import Gateway, not_authenticated
from flowservice.api.openapi import document, operation_id
from flowservice.api.pages import Pages, add_pages, documented
from flowservice.api.problems import problem
from flowservice.errors import BadField, BadQuery, Error, Invalid, MissingField, NotFound, WrongMethod
from flowservice.service.admission import Admission
from flowservice.service.identity import Identity, NotAuthenticated
from flowservice.service.sessions import Sessions

_log = structlog.get_logger("flowservice.api")


@dataclass(frozen=True, slots=True, kw_only=True)
class Probes:
    """What readiness looks at; each returns or raises."""

    database: Callable[[], None]
    lake: Callable[[], None]


def build(
    *,
    identity: Identity,
    sessions: Sessions,
    routers: Sequence[APIRouter],
    probes: Probes,
    registry: CollectorRegistry,
    on_start: Callable[[], None],
    on_stop: Callable[[], None],
    admission: Admission,
    strict_sandbox: bool,
    max_body_bytes: int,
    public_url: str | None,
    pages: Pages,
) -> FastAPI:
    """The application. `on_start` and `on_stop` run the worker and the tick of this process."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        # In threads: both wait for the database.
        await to_thread.run_sync(on_start)
        yield
        await to_thread.run_sync(on_stop)

    app = FastAPI(
        title="Flow Service",
        version=VERSION,
        description="Open, self-hosted implementation of the Flow Service of Adobe Experience Platform.",
        openapi_url="/v1/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=operation_id,
        lifespan=lifespan,
    )
    for routes in routers:
        app.include_router(routes)
    app.include_router(_operations(probes, registry))
    _document(app)
    add_pages(app, pages)
    app.openapi = partial(document, app)  # type: ignore[method-assign] # FastAPI's documented way to extend it
    app.add_middleware(
        Gateway,
        identity=identity,
        sessions=sessions,
        admission=admission,
        strict_sandbox=strict_sandbox,
        max_body_bytes=max_body_bytes,
        public_url=public_url,
    )
    app.add_exception_handler(Error, _known)
    app.add_exception_handler(NotAuthenticated, _not_signed_in)
    app.add_exception_handler(RequestValidationError, _unfit)
    app.add_exception_handler(HTTPException, partial(_unrouted, pages))
    app.add_exception_handler(Exception, _unexpected)
    return app


def _operations(probes: Probes, registry: CollectorRegistry) -> APIRouter:
    routes = APIRouter(tags=["Operations"])

    @routes.get("/health", summary="The process answers", responses=answers.of(told.Health))
    def health() -> dict[str, str]:
        return {"status": "ok", "version": VERSION}

    @routes.get(
        "/ready",
        summary="Database and lake are reachable",
        responses=answers.of(told.Readiness) | answers.of(told.Readiness, status=503),
    )
    def ready() -> JSONResponse:
        failed = sorted(name for name, probe in _named(probes) if _fails(probe))
        body = {"status": "ready" if not failed else "not ready", "failed": failed}
        return JSONResponse(body, status_code=200 if not failed else 503)

    @routes.get("/metrics", summary="Prometheus metrics", response_class=PlainTextResponse)
    def metrics() -> Response:
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    return routes


def _named(probes: Probes) -> list[tuple[str, Callable[[], None]]]:
    return [("database", probes.database), ("lake", probes.lake)]


def _fails(probe: Callable[[], None]) -> bool:
    try:
        probe()
    except Exception as error:  # noqa: BLE001 - whatever keeps it from answering makes the service not ready
        _log.warning("probe failed", error=type(error).__name__)
        return True
    return False


def _document(app: FastAPI) -> None:
    app.mount("/v1/docs/static", StaticFiles(packages=[("fastapi_offline", "static")]), name="docs-static")

    @app.get("/v1/docs", include_in_schema=False)
    def docs() -> HTMLResponse:
        page = get_swagger_ui_html(
            openapi_url="/v1/openapi.json",
            title="Flow Service API",
            swagger_js_url="/v1/docs/static/swagger-ui-bundle.js",
            swagger_css_url="/v1/docs/static/swagger-ui.css",
            swagger_favicon_url="/v1/docs/static/favicon.png",
        )
        return documented(page)


def _answer(request: Request, error: Error) -> JSONResponse:
    return problem(error, path=request.scope["path"], request_id=request.state.request_id)


async def _known(request: Request, error: Exception) -> Response:
    assert isinstance(error, Error)
    answer = _answer(request, error)
    if answer.status_code >= 500:
        _log.warning("refused", code=error.code, message=error.message, request_id=request.state.request_id)
    return answer


async def _not_signed_in(_request: Request, error: Exception) -> Response:
    assert isinstance(error, NotAuthenticated)
    return not_authenticated(error)


async def _unfit(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    problems: Sequence[Any] = error.errors()
    where = ["/".join(str(step) for step in item["loc"][1:]) for item in problems]
    # Only the place and the rule are told: the value may be a secret, or long.
    text = "; ".join(f"{at or 'body'}: {item['msg']}" for at, item in zip(where, problems, strict=True))[:1_000]
    kind: type[Invalid] = BadField
    if any(item["loc"][0] in {"query", "header", "path"} for item in problems):
        kind = BadQuery
    elif any(item["type"] == "missing" for item in problems):
        kind = MissingField
    return _answer(request, kind(text, advice="Correct the named fields; /v1/docs describes each call."))


async def _unrouted(pages: Pages, request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 405:
        answer = _answer(request, WrongMethod("this path does not take that method", advice="See /v1/docs."))
        answer.headers.update(error.headers or {})
        return answer
    if error.status_code == 404:
        # A view of the user interface has a path that only its script knows.
        missing = NotFound("no such path", advice="See /v1/docs for the paths there are.")
        return pages.answer(request) or _answer(request, missing)
    return _answer(request, BadField(str(error.detail)[:200]))


async def _unexpected(request: Request, error: Exception) -> Response:
    _log.error("unexpected error", exc_info=error, request_id=request.state.request_id)
    return _answer(
        request,
        Error(
            "the service failed on its own side",
            advice="Please report this with the request id; the log holds the details.",
        ),
    )
