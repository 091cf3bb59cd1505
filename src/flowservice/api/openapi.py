"""The API's own document: what FastAPI derives from the routes, and what it cannot: refusals, sign-in, examples."""

import json
import re
from collections.abc import Iterator, Mapping
from importlib.resources import files
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from flowservice import errors as e
from flowservice.api import answers
from flowservice.api.browser import COOKIE, CSRF_HEADER
from flowservice.api.gateway import SESSION
from flowservice.api.links import add_links
from flowservice.api.permissions import OF_THE_ORG, needed
from flowservice.api.problems import problem

_HEADERS: Final = {
    "api-key": ("x-api-key", "Client id of the credential that the token was issued to."),
    "organisation": ("x-gw-ims-org-id", "Organisation of the credential."),
    "sandbox": ("x-sandbox-name", "Sandbox to work in; without it the default one."),
    "csrf": (CSRF_HEADER, "`csrfToken` of a browser's session."),
}
_SESSION: Final = (
    "Of a browser that has signed in: stands for token, api key and organisation in calls of pages of this origin that "
    "carry the session's csrf token."
)
_REFUSALS: Final[Mapping[int, tuple[e.Error, str]]] = {
    400: (e.BadField("name: Input should be a valid string", advice="Correct the named fields."), "The call is wrong."),
    403: (e.Forbidden("the credential lacks the permission manage-sources", advice="Use one that has it."), "Refused."),
    404: (e.NotFound("not found with the given id", advice="Check the id and the sandbox."), "No such resource."),
    409: (e.Conflict("the name is taken", advice="Choose another name."), "Taken, or at work."),
    412: (e.Stale("the resource changed since it was read", advice="Read it again."), "Changed since it was read."),
    416: (e.RangeUnsatisfiable("the range is not within the 812 bytes of the file"), "No range of the file."),
    428: (e.PreconditionMissing("the header If-Match is missing", advice="Send the etag."), "If-Match is missing."),
    503: (e.StoreUnavailable("the control store did not answer", advice="Try again."), "Not available just now."),
}
_GATEWAY: Final = {
    401: {"error_code": "401013", "message": "Oauth token is not valid"},
    403: {"error_code": "403010", "message": "Oauth token is missing."},
}
_IMS: Final[Mapping[int, tuple[str, str]]] = {
    400: ("invalid_request", "client_id missing; send them as form fields"),
    401: ("invalid_client", "the client id or the secret is wrong"),
    404: ("invalid_request", "no such version; use /ims/token/v3"),
}
_PROBLEMS: Final[tuple[type[BaseModel], ...]] = (
    answers.GatewayProblem,
    answers.FlowProblem,
    answers.PlainProblem,
    answers.DatasetProblem,
)
_SHAPES: Final = (
    ("/data/foundation/flowservice", "FlowProblem"),
    ("/data/foundation/dataset/", "DatasetProblem"),
    ("", "PlainProblem"),
)
"""The shape of refusals of the paths that begin so; the first counts."""
_REF: Final = "#/components/schemas/"
_DONE: Final = {"200": "Done.", "201": "Made.", "202": "Begun.", "204": "Gone."}
_METHODS: Final = frozenset({"get", "put", "post", "patch", "delete"})


def operation_id(route: APIRoute) -> str:
    """A name for the operation that says its collection, such as `flows-create`."""
    tag = str(route.tags[0]) if route.tags else "operations"
    return re.sub(r"[^a-z0-9]+", "-", f"{tag}-{route.name}".lower().replace("'s", ""))


def document(app: FastAPI) -> dict[str, Any]:
    """The application's document, made once."""
    if app.openapi_schema is None:
        made = get_openapi(
            title=app.title,
            version=app.version,
            description=app.description,
            routes=app.routes,
            servers=[{"url": "/"}],
            license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        )
        examples = _examples()
        components = made.setdefault("components", {})
        _sign_in(components)
        schemas = components.setdefault("schemas", {})
        schemas |= _schemas_of_problems()
        for unused in ("HTTPValidationError", "ValidationError"):
            schemas.pop(unused, None)
        for path, method, call in _calls(made):
            _tell_refusals(call, path, method)
            _tidy_answers(call)
            _give_examples(call, examples.get(call["operationId"], {}))
            if path.startswith("/v1/") and path.startswith(OF_THE_ORG):
                call["security"] = [_signed_in(), _in_session()]
            elif path.startswith(("/data/", "/v1/")) and path != SESSION:
                call["security"] = [_signed_in("sandbox"), _signed_in(), _in_session("sandbox"), _in_session()]
            if "security" in call:
                call["x-permissions"] = [permission.value for permission in needed(method.upper(), path)]
        add_links(made["paths"])
        app.openapi_schema = made
    return app.openapi_schema


def _calls(made: Mapping[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in made["paths"].items():
        for method, call in item.items():
            if method in _METHODS:
                yield path, method, call


def _sign_in(components: dict[str, Any]) -> None:
    schemes: dict[str, Any] = {"token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}}
    for name, (header, description) in _HEADERS.items():
        schemes[name] = {"type": "apiKey", "in": "header", "name": header, "description": description}
    schemes["session"] = {"type": "apiKey", "in": "cookie", "name": COOKIE, "description": _SESSION}
    components["securitySchemes"] = schemes
    components["headers"] = {
        "x-request-id": {
            "description": "Names the call in the service's log; the caller's own if one was sent.",
            "schema": {"type": "string"},
        }
    }


def _signed_in(*more: str) -> dict[str, list[str]]:
    return {name: [] for name in ("token", "api-key", "organisation", *more)}


def _in_session(*more: str) -> dict[str, list[str]]:
    return {name: [] for name in ("session", "csrf", *more)}


def _schemas_of_problems() -> dict[str, Any]:
    _, made = models_json_schema([(model, "validation") for model in _PROBLEMS], ref_template=_REF + "{model}")
    schemas: dict[str, Any] = made["$defs"]
    return schemas


def _tell_refusals(call: dict[str, Any], path: str, method: str) -> None:
    told = call["responses"]
    told.pop("422", None)
    if path.startswith("/ims/"):
        for status in (400, 401, 404):
            told[str(status)] |= _ims_refusal(status)
        told["503"] = _refusal(503, path)
    elif path.startswith(("/data/", "/v1/")):
        statuses = [400, 401, 403, 404, 503]
        if any(parameter["name"] == "If-Match" for parameter in call.get("parameters", ())):
            statuses += [412, 428] if path.startswith("/data/foundation/dataset/") else [412]
        if method != "get":
            statuses.append(409)
        if "206" in told:
            statuses.append(416)
        for status in sorted(statuses):
            told.setdefault(str(status), _refusal(status, path))
    elif path == "/ready":
        told["503"]["description"] = "Not ready."
        told["503"]["content"]["application/json"]["example"] = {"status": "not ready", "failed": ["lake"]}
    if "x-never-done" in call:
        for status in [status for status in told if status[0] == "2"]:
            del told[status]
    for answer in told.values():
        answer.setdefault("headers", {})["x-request-id"] = {"$ref": "#/components/headers/x-request-id"}


def _refusal(status: int, path: str) -> dict[str, Any]:
    shape = next(shape for prefix, shape in _SHAPES if path.startswith(prefix))
    examples: dict[str, Any] = {}
    shapes = []
    description = "Not signed in."
    if status in _REFUSALS:
        error, description = _REFUSALS[status]
        shapes.append(shape)
        body = problem(error, path=path, request_id="4f1c3d0a").body
        examples[error.code] = {"value": json.loads(bytes(body))}
    if status in {400, 401, 403}:
        shapes.append("GatewayProblem")
    if status in _GATEWAY:
        examples["gateway"] = {"value": _GATEWAY[status]}
    refs = [{"$ref": _REF + name} for name in shapes]
    return _content(description, refs[0] if len(refs) == 1 else {"anyOf": refs}, examples)


def _ims_refusal(status: int) -> dict[str, Any]:
    error, description = _IMS[status]
    example = {error: {"value": {"error": error, "error_description": description}}}
    return _content("No token.", {"$ref": _REF + "TokenProblem"}, example)


def _content(description: str, schema: Mapping[str, Any], examples: Mapping[str, Any]) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": schema, "examples": examples}}}


def _tidy_answers(call: dict[str, Any]) -> None:
    """A schema that refers to another stands alone: FastAPI leaves what it derived from the function beside it."""
    for status, answer in call["responses"].items():
        answer["description"] = _DONE.get(status, answer["description"])
        for content in answer.get("content", {}).values():
            schema = content.get("schema", {})
            for alone in ("$ref", "anyOf"):
                if alone in schema:
                    content["schema"] = {alone: schema[alone]}


def _examples() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(files(__package__).joinpath("examples.json").read_text(encoding="utf-8"))
    return loaded


def _give_examples(call: dict[str, Any], known: Mapping[str, Any]) -> None:
    """The examples of an operation, as a real server was called and answered; parameters' by their names."""
    for parameter in call.get("parameters", ()):
        if parameter["name"] in known.get("parameters", {}):
            parameter["example"] = known["parameters"][parameter["name"]]
    for content in call.get("requestBody", {}).get("content", {}).values():
        if "request" in known:
            content["example"] = known["request"]
    for status, answer in call["responses"].items():
        for content in answer.get("content", {}).values():
            if status[0] == "2" and "response" in known and "example" not in content:
                content["example"] = known["response"]
