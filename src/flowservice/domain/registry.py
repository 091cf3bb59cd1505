"""What makes a class, field group, data type or schema acceptable, and how the registry shows one.

The documents are JSON Schema with XDM's additions, so this module speaks the wire's names.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from flowservice.domain.epoch import milliseconds
from flowservice.domain.schema import SchemaKind, SchemaResource
from flowservice.domain.xdm_patterns import check_patterns
from flowservice.domain.xdm_resolve import Document, Lookup, pointed, resolved
from flowservice.domain.xdm_standard import NAMESPACE
from flowservice.domain.xdm_tree import tree_of
from flowservice.errors import BadSchema, MissingField, NotSupported

SEGMENTS: Final[Mapping[SchemaKind, str]] = {
    SchemaKind.SCHEMAS: "schemas",
    SchemaKind.CLASSES: "classes",
    SchemaKind.FIELD_GROUPS: "mixins",
    SchemaKind.DATA_TYPES: "datatypes",
    SchemaKind.BEHAVIORS: "behaviors",
}
"""What ids and `meta:resourceType` call each kind. Field groups keep their older name."""

ADHOC: Final = NAMESPACE + "data/adhoc"
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


def ids_of(kind: SchemaKind, tenant_id: str, digits: str) -> tuple[str, str]:
    """`$id` and altId of a tenant's resource."""
    segment = SEGMENTS[kind]
    return f"https://ns.adobe.com/{tenant_id}/{segment}/{digits}", f"_{tenant_id}.{segment}.{digits}"


def composed(kind: SchemaKind, body: Document, *, ref: str, tenant_id: str, lookup: Lookup) -> Composition:
    """`body` as the resource `ref`, checked.

    Raises MissingField, NotSupported, and BadSchema for everything that cannot become a table.
    """
    if kind is SchemaKind.BEHAVIORS:
        raise NotSupported("behaviours are fixed", advice="Make a class that refers to one of them.")
    kept = _authored(body)
    refs = _refs(kept)
    extends = _extended(refs, lookup)
    own = f"_{tenant_id}"
    if kind is SchemaKind.CLASSES and ADHOC in extends:
        own = f"_{ref.rpartition('/')[2]}"
        kept = _renamed(kept, own)
    check_patterns(tree_of(resolved({**kept, "$id": ref}, lookup)))
    match kind:
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
    return tuple(ref for ref in refs if isinstance(ref, str) and not ref.startswith("#"))


def _extended(refs: tuple[str, ...], lookup: Lookup) -> tuple[str, ...]:
    """The references and what they extend in turn. An unknown one is left for the resolution to name."""
    out: dict[str, None] = {}
    for ref in refs:
        if (known := lookup(ref)) is not None:
            out |= dict.fromkeys([known["$id"], *known.get("meta:extends", ())])
    return tuple(out)


def _class_of(body: Document, refs: tuple[str, ...], lookup: Lookup) -> str:
    """The one class among a schema's references. Raises BadSchema, NotSupported."""
    if next(_own_fields(body, body), None) is not None:
        raise BadSchema(
            "a schema defines no fields itself", advice="Put the fields into a field group and refer to it in allOf."
        )
    kinds = {known["$id"]: known["meta:resourceType"] for ref in refs if (known := lookup(ref)) is not None}
    classes = [ref for ref, kind in kinds.items() if kind == "classes"]
    if not classes and "meta:behaviorType" in body:
        raise NotSupported("model-based schemas are not available in this version", advice="Refer to a class in allOf.")
    if len(classes) != 1:
        raise BadSchema(
            f"allOf refers to {len(classes)} classes; a schema has exactly one",
            advice=f"Refer to one class, such as {NAMESPACE}context/profile, and any number of field groups.",
        )
    if others := [ref for ref, kind in kinds.items() if kind not in ("classes", "mixins")]:
        raise BadSchema(f"allOf refers to {others[0]!r}, which is neither a class nor a field group")
    return str(classes[0])


def _check_behavior(extends: tuple[str, ...]) -> None:
    if not any(ref.startswith(NAMESPACE + "data/") for ref in extends):
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


def behavior_of(extends: tuple[str, ...]) -> str:
    """What the rows of a class are: `record`, `time-series` or `adhoc`."""
    known = (ref.removeprefix(NAMESPACE + "data/") for ref in extends if ref.startswith(NAMESPACE + "data/"))
    return next(known, "record")


def document(resource: SchemaResource, *, tenant_id: str, sandbox_type: str = "production") -> dict[str, Any]:
    """The resource as the registry shows it, references unresolved."""
    created, updated, scope = resource.stamp.created, resource.stamp.updated, resource.stamp.scope
    is_schema = resource.kind is SchemaKind.SCHEMAS
    out: dict[str, Any] = {
        "$id": resource.id,
        "meta:altId": resource.alt_id,
        "meta:resourceType": SEGMENTS[resource.kind],
        "version": f"1.{resource.minor}",
        **resource.body,
        "meta:extends": list(resource.extends),
        "meta:abstract": not is_schema,
        "meta:extensible": not is_schema,
        "meta:xdmType": "object",
        "meta:containerId": "tenant",
        "imsOrg": scope.org_id,
        "meta:sandboxId": scope.sandbox_id,
        "meta:sandboxType": sandbox_type,
        "meta:tenantNamespace": f"_{tenant_id}",
        "meta:registryMetadata": {
            "repo:createdDate": milliseconds(created.at),
            "repo:lastModifiedDate": milliseconds(updated.at),
            "xdm:createdClientId": created.client,
            "xdm:lastModifiedClientId": updated.client,
            "xdm:createdUserId": created.by,
            "xdm:lastModifiedUserId": updated.by,
            "eTag": resource.etag.strip('"'),
            "meta:globalLibVersion": "1.0.0",
        },
    }
    if is_schema:
        out["meta:class"] = resource.class_id
    if ADHOC in resource.extends:
        out["meta:datasetNamespace"] = f"_{(resource.class_id or resource.id).rpartition('/')[2]}"
    return out


def full_document(shown: Document, lookup: Lookup) -> dict[str, Any]:
    """A shown resource with every reference replaced by the properties it stands for. Raises BadSchema."""
    assigned = {key: value for key, value in shown.items() if key not in ("allOf", "definitions", "properties")}
    tree = resolved(shown, lookup)
    return {**assigned, "properties": tree.get("properties", {}), "required": tree.get("required", [])}
