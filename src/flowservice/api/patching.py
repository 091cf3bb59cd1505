"""Changing a resource by a JSON Patch, under the etag that its client read."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, TypeVar

from fastapi import Body
from pydantic import ValidationError, WithJsonSchema

from flowservice.api.calls import matching
from flowservice.api.wire import Wire
from flowservice.domain.resource import Resource
from flowservice.errors import PatchFailed
from flowservice.service.contention import repeated
from flowservice.service.patch import patched

Operations = Annotated[
    Any,
    WithJsonSchema(
        {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "properties": {
                    "op": {"type": "string", "enum": ["add", "replace", "remove"]},
                    "path": {"type": "string", "pattern": "^/", "description": "A JSON Pointer."},
                    "value": {},
                },
                "required": ["op", "path"],
            },
        }
    ),
    Body(description="A JSON Patch (RFC 6902). One operation may stand without its array; `op` in any letter case."),
]

R = TypeVar("R", bound=Resource)
E = TypeVar("E", bound=Wire)


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
