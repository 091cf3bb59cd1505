"""Links of the API's document: which calls go on with what a call answered, by OpenAPI's own link objects."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

_METHODS: Final = frozenset({"get", "put", "post", "patch", "delete"})
_IDS: Final[Mapping[str, str]] = {
    # What names a resource in the answer to its create, where that is not `id`.
    "/data/foundation/sandbox-management/sandboxes": "name",
    "/v1/credentials": "clientId",
    "/data/foundation/schemaregistry/tenant/descriptors": "@id",
    "/data/foundation/schemaregistry": "meta:altId",
    "/data/foundation/dulepolicy/labels": "name",
    "/data/foundation/dulepolicy/marketingActions": "name",
}
_LISTS: Final[Mapping[str, str]] = {
    # Where the first resource stands in a list.
    "/data/foundation/flowservice": "items/0",
    "/data/foundation/sandbox-management/sandboxes": "sandboxes/0",
    "/v1/credentials": "credentials/0",
    "/v1/drafts": "items/0",
    "/data/foundation/schemaregistry": "results/0",
    "/data/foundation/conversion": "data/0",
    "/data/foundation/dulepolicy": "children/0",
}
_TENANT: Final = "/schemaregistry/tenant/"
_OF_ANY: Final = "/schemaregistry/{container}/"


def add_links(paths: Mapping[str, Any]) -> None:
    """Let each create and each list name the calls on what it made or found."""
    for path, item in paths.items():
        for method in ("post", "get"):
            call = item.get(method)
            if call is None or path.endswith("}"):
                continue
            pointer = _pointer(path, method)
            status = next((status for status in call["responses"] if status[0] == "2"), None)
            if status is None or pointer is None:
                continue
            links = {other["operationId"]: _link(other, path, pointer) for other in _members(paths, path)}
            if links:
                call["responses"][status]["links"] = links


def _pointer(path: str, method: str) -> str | None:
    """Where the name of a resource stands in the answer."""
    name = _under(path, _IDS) or "id"
    if method == "post":
        return name
    first = _under(path, _LISTS)
    return None if first is None else f"{first}/{name}"


def _under(path: str, known: Mapping[str, str]) -> str | None:
    return next((value for prefix, value in known.items() if path.startswith(prefix)), None)


def _members(paths: Mapping[str, Any], collection: str) -> Iterator[Mapping[str, Any]]:
    """The calls on one resource of the collection."""
    # What a tenant makes is read in the container of either kind, and changed in its own.
    starts = tuple({f"{collection}/{{", f"{collection.replace(_TENANT, _OF_ANY)}/{{"})
    for path, item in paths.items():
        start = next((start for start in starts if path.startswith(start)), None)
        if start is None or "{" in path[len(start) :]:
            continue
        for method, call in item.items():
            if method in _METHODS:
                yield call


def _link(call: Mapping[str, Any], collection: str, pointer: str) -> dict[str, Any]:
    parameters = {
        known["name"]: f"$response.body#/{pointer}" for known in call.get("parameters", ()) if known["in"] == "path"
    }
    if "container" in parameters:
        parameters["container"] = "tenant" if _TENANT in collection else "$request.path.container"
    etag = "etag" if "/flowservice/" in collection or collection == "/v1/drafts" else ""
    if etag and any(known["name"] == "If-Match" for known in call.get("parameters", ())):
        parameters["If-Match"] = f"$response.body#/{(pointer.rpartition('/')[0] + '/').lstrip('/')}{etag}"
    return {"operationId": call["operationId"], "parameters": parameters, "description": call["summary"]}
