"""JSON Patch (RFC 6902) on the part of a resource that its clients may change."""

from collections.abc import Mapping
from typing import Any, Final

import jsonpatch
from jsonpointer import JsonPointerException

from flowservice.domain.documents import MAX_DEPTH, is_deeper
from flowservice.errors import EmptyBody, PatchFailed, PatchUnsupported, SpecIsFixed

_OPERATIONS: Final = frozenset({"add", "replace", "remove"})
_MAX_OPERATIONS: Final = 1_000


def patched(document: Mapping[str, Any], operations: object, *, editable: frozenset[str]) -> dict[str, Any]:
    """`document` after all of `operations`, or unchanged and an error.

    `editable` names the top-level members that may change. One operation may stand without its array; `op` may be in
    any letter case, as clients send it. Raises PatchUnsupported, PatchFailed, SpecIsFixed, EmptyBody.
    """
    steps = operations if isinstance(operations, list) else [operations]
    if not steps:
        raise EmptyBody("the patch holds no operation", advice='Send [{"op", "path", "value"}].')
    if len(steps) > _MAX_OPERATIONS:
        raise PatchFailed(f"a patch holds at most {_MAX_OPERATIONS} operations", advice="Send several patches.")
    checked = [_checked(step, editable) for step in steps]
    try:
        result: Any = jsonpatch.JsonPatch(checked).apply(dict(document))
    except (jsonpatch.JsonPatchException, JsonPointerException):
        paths = ", ".join(str(step["path"])[:80] for step in checked[:5])
        raise PatchFailed(
            f"the patch does not apply at {paths}",
            advice="A replaced or removed member must exist; use add for a new one.",
        ) from None
    if is_deeper(result):
        raise PatchFailed(
            f"the patched resource is nested more than {MAX_DEPTH} levels deep", advice="Add a flatter value."
        )
    return dict(result)


def _checked(step: object, editable: frozenset[str]) -> Any:
    if not isinstance(step, Mapping) or not isinstance(step.get("op"), str) or not isinstance(step.get("path"), str):
        raise PatchFailed("each operation needs op and path", advice='Send [{"op", "path", "value"}].')
    operation, path = step["op"].lower(), step["path"]
    if operation not in _OPERATIONS:
        raise PatchUnsupported("the patch operation is not supported", advice="Use add, replace or remove.")
    top = path.split("/")[1] if path.startswith("/") else ""
    if top == "connectionSpec":
        raise SpecIsFixed("the connection spec of a connection cannot be changed", advice="Create a new connection.")
    if top not in editable:
        allowed = ", ".join(f"/{name}" for name in sorted(editable))
        raise PatchFailed("the patch touches a member that cannot be changed", advice=f"Change one of {allowed}.")
    if operation != "remove" and "value" not in step:
        raise PatchFailed(f"{operation} needs a value")
    return {"op": operation, "path": path, **({} if operation == "remove" else {"value": step["value"]})}
