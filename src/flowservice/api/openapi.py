"""The OpenAPI document: what FastAPI derives from the routes, and how to sign in."""

from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

_HEADERS: Final = {
    "api key": ("x-api-key", "Client id of the credential that the token was issued to."),
    "organisation": ("x-gw-ims-org-id", "Organisation of the credential."),
    "sandbox": ("x-sandbox-name", "Sandbox to work in; without it the default one."),
}


def document(app: FastAPI) -> dict[str, Any]:
    """The application's document, made once."""
    if app.openapi_schema is None:
        made = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
        schemes: dict[str, Any] = {"token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}}
        for name, (header, description) in _HEADERS.items():
            schemes[name] = {"type": "apiKey", "in": "header", "name": header, "description": description}
        made.setdefault("components", {})["securitySchemes"] = schemes
        signed_in: dict[str, list[str]] = {name: [] for name in schemes if name != "sandbox"}
        for path, calls in made["paths"].items():
            if path.startswith("/data/"):
                for call in calls.values():
                    call["security"] = [signed_in | {"sandbox": []}, signed_in]
            elif path.startswith("/v1/"):
                for call in calls.values():
                    call["security"] = [signed_in]
        app.openapi_schema = made
    return app.openapi_schema
