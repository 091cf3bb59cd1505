"""What makes a class, field group, data type or schema acceptable.

The documents are JSON Schema with XDM's additions, so this module speaks the wire's names.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from flowservice.domain.registry import (
    ADHOC,
    BEHAVIOR_TYPE,
    MODEL_BASED,
    UNION,
    behavior_among,
    behavior_of,
)
from flowservice.domain.schema import SchemaKind
from flowservice.domain.xdm_patterns import check_patterns
from flowservice.domain.xdm_resolve import Document, Lookup, pointed, resolved
from flowservice.domain.xdm_standard import NAMESPACE
from flowservice.domain.xdm_tree import tree_of
from flowservice.domain.xdm_types import typed
from flowservice.errors import BadSchema, MissingField, NotSupported

EDITABLE: Final = frozenset(
    {
        "title",
        "description",
        "type",
        "allOf",
        "definitions",
        "properties",
        "required",
        "meta:extends",
        "meta:immutableTags",
        "meta:intendedToExtend",
        "meta:status",
    }
)
"""What a patch may touch. `meta:extends` follows from `allOf`, so what a patch says of it changes nothing."""

_ADHOC_FIELD: Final = "_adhoc"
_FIELD_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
_AUTHORED: Final = ("meta:intendedToExtend", "meta:immutableTags", "meta:status", "meta:enum")
_ASSIGNED: Final = frozenset({"$id", "$schema", "version", "imsOrg"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Composition:
    """What the registry keeps of an accepted body, and what it found in it."""

    body: Mapping[str, Any]
    class_id: str
    extends: tuple[str, ...]


def composed(kind: SchemaKind, body: Document, *, ref: str, tenant_id: str, lookup: Lookup) -> Composition:
    """`body` as the resource `ref`, checked.

    Raises MissingField, NotSupported, and BadSchema for everything that cannot become a table.
    """
    if kind is SchemaKind.BEHAVIORS:
        raise NotSupported("behaviours are fixed", advice="Make a class that refers to one of them.")
    kept = _authored(body)
    refs = _refs(kept)
    if is_model_based := kind is SchemaKind.SCHEMAS and BEHAVIOR_TYPE in body and not _classes(refs, lookup):
        kept[BEHAVIOR_TYPE] = _behavior_type(body)
    extends = extended(kept, lookup)
    own = f"_{tenant_id}"
    if kind is SchemaKind.CLASSES and ADHOC in extends:
        own = f"_{ref.rpartition('/')[2]}"
        kept = _renamed(kept, own)
    check_patterns(tree_of(resolved({**kept, "$id": ref}, lookup)))
    kept = typed(kept)
    _check_tags(kind, kept, extends)
    match kind:
        case SchemaKind.SCHEMAS if is_model_based:
            _check_names(kept, None)
            return Composition(body=kept, class_id=MODEL_BASED, extends=extends)
        case SchemaKind.SCHEMAS:
            return Composition(body=kept, class_id=_class_of(body, refs, lookup), extends=extends)
        case SchemaKind.CLASSES:
            _check_behavior(extends)
            _check_names(kept, own)
        case SchemaKind.FIELD_GROUPS:
            _check_names(kept, own)
        case SchemaKind.DATA_TYPES:
            _check_names(kept, None)
    return Composition(body=kept, class_id="", extends=extends)


def _authored(body: Document) -> dict[str, Any]:
    """The body without what the registry assigns, which clients send back from a read."""
    title = body.get("title")
    if not isinstance(title, str) or not title.strip():
        raise MissingField("title is missing", advice="Give the resource a title.")
    if not isinstance(body.get("description", ""), str):
        raise BadSchema("description must be text")
    if body.get("type", "object") != "object":
        raise BadSchema("type must be object")
    kept = {
        key: value
        for key, value in body.items()
        if key not in _ASSIGNED and (not key.startswith("meta:") or key in _AUTHORED)
    }
    return {**kept, "type": "object"}


def _refs(body: Document) -> tuple[str, ...]:
    parts = body.get("allOf", [])
    if not isinstance(parts, list) or not all(isinstance(part, Mapping) for part in parts):
        raise BadSchema("allOf must be a list of objects")
    refs = (part.get("$ref") for part in parts)
    named = (ref.partition("#")[0] for ref in refs if isinstance(ref, str))
    return tuple(name for name in named if name)


def extended(body: Document, lookup: Lookup) -> tuple[str, ...]:
    """What a body refers to in `allOf`, and what that extends in turn. Raises BadSchema.

    An unknown reference is left for the resolution to name.
    """
    out: dict[str, None] = dict.fromkeys([MODEL_BASED] if BEHAVIOR_TYPE in body else [])
    for ref in _refs(body):
        if (known := lookup(ref)) is not None:
            out |= dict.fromkeys([known["$id"], *known.get("meta:extends", ())])
    return tuple(out)


def _class_of(body: Document, refs: tuple[str, ...], lookup: Lookup) -> str:
    """The one class among a schema's references. Raises BadSchema."""
    if next(_own_fields(body, body), None) is not None:
        raise BadSchema(
            "a schema defines no fields itself", advice="Put the fields into a field group and refer to it in allOf."
        )
    kinds = {known["$id"]: known["meta:resourceType"] for ref in refs if (known := lookup(ref)) is not None}
    classes = _classes(refs, lookup)
    if len(classes) != 1:
        raise BadSchema(
            f"allOf refers to {len(classes)} classes; a schema has exactly one",
            advice=f"Refer to one class, such as {NAMESPACE}context/profile, and any number of field groups.",
        )
    if others := [ref for ref, kind in kinds.items() if kind not in ("classes", "mixins")]:
        raise BadSchema(f"allOf refers to {others[0]!r}, which is neither a class nor a field group")
    return str(classes[0])


def _classes(refs: tuple[str, ...], lookup: Lookup) -> list[str]:
    found = (known for ref in refs if (known := lookup(ref)) is not None)
    return list(dict.fromkeys(known["$id"] for known in found if known["meta:resourceType"] == "classes"))


def _behavior_type(body: Document) -> str:
    stated = body[BEHAVIOR_TYPE]
    if stated not in ("record", "time-series"):
        raise BadSchema(f"{BEHAVIOR_TYPE} is record or time-series", advice="A schema without it refers to a class.")
    return str(stated)


def _check_tags(kind: SchemaKind, body: Document, extends: tuple[str, ...]) -> None:
    for name in ("meta:immutableTags", "meta:intendedToExtend"):
        value = body.get(name, [])
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise BadSchema(f"{name} must be a list of texts")
    tags = body.get("meta:immutableTags", [])
    if other := [tag for tag in tags if tag != UNION]:
        raise BadSchema(f"{other[0][:100]!r} is no tag of the registry", advice=f'The one tag there is: "{UNION}".')
    if tags and (kind is not SchemaKind.SCHEMAS or behavior_of(extends).startswith("adhoc")):
        raise BadSchema(
            f"only a schema of a record or time-series class can be tagged {UNION!r}",
            advice="Leave meta:immutableTags out.",
        )


def _check_behavior(extends: tuple[str, ...]) -> None:
    if behavior_among(extends) is None:
        raise BadSchema(
            "a class refers to a behaviour in allOf",
            advice=f"Refer to {NAMESPACE}data/record, {NAMESPACE}data/time-series or {ADHOC}.",
        )


def _check_names(body: Document, own: str | None) -> None:
    """Raises BadSchema for a field that is badly named, or outside the object `own` (None: anywhere)."""
    for path in _own_fields(body, body):
        dotted = ".".join(path)[:200]
        for name in path:
            if name != own and not _FIELD_NAME.fullmatch(name):
                raise BadSchema(
                    f"{name[:100]!r} in {dotted} is no field name",
                    advice="Use letters, digits, dash and underscore, not starting with an underscore or dash.",
                )
        if own is not None and own not in path:
            raise BadSchema(f"the field {dotted} is outside {own}", advice=f"Put your own fields below {own}.")


def _own_fields(node: Document, home: Document, at: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Paths of the innermost fields that a document defines itself, not through other documents."""
    ref = node.get("$ref")
    inner: list[tuple[tuple[str, ...], Document]] = [(at, part) for part in node.get("allOf", ())]
    if isinstance(ref, str) and ref.startswith("#"):
        inner.append((at, pointed(home, ref)))
    inner += [((*at, name), child) for name, child in node.get("properties", {}).items()]
    if "items" in node:
        inner.append((at, node["items"]))
    if not inner and at:
        yield at
    for path, child in inner:
        yield from _own_fields(child, home, path)


def _renamed(body: dict[str, Any], own: str) -> dict[str, Any]:
    """An ad hoc class with its field `_adhoc` under the name that no other class has."""

    def part(node: Any) -> Any:
        if not isinstance(node, Mapping) or not isinstance(node.get("properties"), Mapping):
            return node
        fields = {own if name == _ADHOC_FIELD else name: child for name, child in node["properties"].items()}
        return {**node, "properties": fields}

    out: dict[str, Any] = part(body)
    out = {**out, "allOf": [part(node) for node in body["allOf"]]}
    if isinstance(body.get("definitions"), Mapping):
        out["definitions"] = {name: part(node) for name, node in body["definitions"].items()}
    return out
