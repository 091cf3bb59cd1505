"""How a connector introduces itself: its spec, its typed configuration, and how to open it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from pydantic import BaseModel, SecretStr, ValidationError

from flowservice.errors import BadField, MissingField
from flowservice.sdk.check_step import CheckStep
from flowservice.sdk.egress import Egress
from flowservice.sdk.source import Source

ENTRY_POINTS: Final = "flowservice.connectors"
"""Entry point group in which an installed package names its `Connector`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Auth:
    """One way to sign in. `config` is said once and used for validation, the JSON Schema, the form and the docs."""

    name: str
    config: type[BaseModel]
    kind: str = "ConnectionString"
    """What the connection spec calls the type of this way."""
    destination: frozenset[str] = frozenset()
    """Wire names of the fields that say where the secrets go. Who changes one has to send the secrets again: else
    whoever may change a connection could have its secrets used, unseen, at a place of their own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Connector:
    """A kind of source, under the id of its connection spec."""

    id: str
    name: str
    auths: tuple[Auth, ...]
    params: type[BaseModel]
    """What a source connection states: for a table source at least `tableName`."""
    open: Callable[[str, BaseModel, Egress], Source]
    """(auth name, valid config, where it may connect to) to a source. Dials nothing."""
    attributes: Mapping[str, Any] = field(default_factory=dict)
    check_steps: tuple[CheckStep, ...] = ()
    """The steps of `Stepped.check_step`, in order, if its sources have them; else `Source.check` is the only one."""


def parsed(model: type[BaseModel], values: object, *, at: str) -> BaseModel:
    """`values` as `model`.

    Raises MissingField or BadField naming each wrong field below `at`, never quoting a value: it may be a secret.
    """
    try:
        return model.model_validate(values)
    except ValidationError as error:
        wrong = "; ".join(
            f"{'/'.join([at, *map(str, problem['loc'])])}: {problem['msg'].removeprefix('Value error, ')}"
            for problem in error.errors(include_input=False, include_url=False, include_context=False)
        )
        is_missing = all(problem["type"] == "missing" for problem in error.errors())
        # `from None`: pydantic's own message quotes the input.
        raise (MissingField if is_missing else BadField)(
            wrong, advice="Correct the named fields; the connection spec holds their JSON Schema."
        ) from None


def json_schema(model: type[BaseModel]) -> dict[str, Any]:
    """JSON Schema draft-07 of a configuration; secrets carry `format: password`."""
    schema = model.model_json_schema(by_alias=True)
    schema["$schema"] = "http://json-schema.org/draft-07/schema#"
    schema.pop("title", None)
    for prop in schema.get("properties", {}).values():
        prop.pop("writeOnly", None)
    return schema


def secret_fields(model: type[BaseModel]) -> frozenset[str]:
    """Wire names of the fields that are secrets."""
    return frozenset(
        info.alias or name for name, info in model.model_fields.items() if SecretStr in _types_in(info.annotation)
    )


def _types_in(annotation: object) -> set[object]:
    return {annotation, *getattr(annotation, "__args__", ())}
