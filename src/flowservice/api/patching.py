"""JSON Patch (RFC 6902) on the part of a resource that its clients may change, under the etag that they read."""

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

import jsonpatch
from jsonpointer import JsonPointerException
from pydantic import ValidationError

from flowservice.api.calls import matching
from flowservice.api.wire import GovernedEdit
from flowservice.domain.resource import Resource
from flowservice.errors import EmptyBody, PatchFailed, PatchUnsupported, SpecIsFixed
from flowservice.service.contention import repeated

R = TypeVar("R", bound=Resource)
E = TypeVar("E", bound=GovernedEdit)

_OPERATIONS: Final = frozenset({"add", "replace", "remove"})
_MAX_OPERATIONS: Final = 1_000


def changed(read: Callable[[], R], if_match: str | None, change: Callable[[R], R]) -> R:
    """The resource after `change`, if its etag is the one named.

    The service's own bookkeeping may come between reading and writing: the etag stays then, and the change is made
    again. Raises MissingIfMatch, Stale, and what `read` and `change` raise.
    """

    def attempt() -> R:
        resource = read()
        matching(resource, if_match)
        return change(resource)

    return repeated(attempt)


def edited(form: type[E], shown: Mapping[str, Any], operations: object, *, fixed: frozenset[str] = frozenset()) -> E:
    """The editable members of a resource as it is `shown`, after all of `operations`.

    `form` names the members that may change, less those that are `fixed`. Raises as `patched`; PatchFailed naming each
    member that is not valid then.
    """
    members = {info.alias or name for name, info in form.model_fields.items()}
    document = {name: value for name, value in shown.items() if name in members}
    result = patched(document, operations, editable=frozenset(members - fixed))
    try:
        return form.model_validate(result)
    except ValidationError as error:
        wrong = "; ".join(
            f"/{'/'.join(map(str, problem['loc']))}: {problem['msg'].removeprefix('Value error, ')}"
            for problem in error.errors(include_input=False, include_url=False, include_context=False)
        )
        # `from None`: pydantic's own message quotes the value.
        raise PatchFailed(f"the patched resource is not valid: {wrong}"[:1_000], advice="Correct the values.") from None


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
        paths = ", ".join(str(step["path"])[:80] for step in checked)
        raise PatchFailed(
            f"the patch does not apply at {paths}",
            advice="A replaced or removed member must exist; use add for a new one.",
        ) from None
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
