"""What is known by its name in its sandbox: labels, marketing actions."""

from typing import TypeVar

from flowservice.domain.identity import Scope
from flowservice.domain.policy_name import id_in
from flowservice.domain.resource import Resource
from flowservice.errors import NotFound
from flowservice.ports.database import Store

R = TypeVar("R", bound=Resource)


def by_name(store: Store[R], scope: Scope, name: str) -> R | None:
    """The resource of that name."""
    try:
        return store.get(scope, id_in(scope, name))
    except NotFound:
        return None


def none_named(what: str, name: str) -> NotFound:
    """The error that says so. `what`: for example `custom label`."""
    return NotFound(
        f"there is no {what} of that name",
        advice="Check the name, letter by letter, and the sandbox (x-sandbox-name).",
        resource_id=name,
    )
