"""How the registry names its resources, and how it shows them.

The documents are JSON Schema with XDM's additions, so this module speaks the wire's names.
"""

import copy
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any, Final

from flowservice.domain.descriptor import PROPERTY, DescriptorType, field_at
from flowservice.domain.epoch import milliseconds
from flowservice.domain.schema import SchemaKind, SchemaResource
from flowservice.domain.xdm_resolve import Document, Lookup, resolved
from flowservice.domain.xdm_standard import NAMESPACE
from flowservice.errors import BadDescriptor

SEGMENTS: Final[Mapping[SchemaKind, str]] = {
    SchemaKind.SCHEMAS: "schemas",
    SchemaKind.CLASSES: "classes",
    SchemaKind.FIELD_GROUPS: "mixins",
    SchemaKind.DATA_TYPES: "datatypes",
    SchemaKind.BEHAVIORS: "behaviors",
}
"""What ids and `meta:resourceType` call each kind. Field groups keep their older name."""

ADHOC: Final = NAMESPACE + "data/adhoc"
_BEHAVIORS: Final = {NAMESPACE + f"data/{name}": name for name in ("record", "time-series", "adhoc", "adhoc-v2")}
MODEL_BASED: Final = NAMESPACE + "data/adhoc-v2"
"""What a schema is of that has no class: its fields stand at its root, and a descriptor names its primary key."""

BEHAVIOR_TYPE: Final = "meta:behaviorType"
UNION: Final = "union"
"""The tag of schemas that take part in the union of their class. It cannot be taken off."""


def ids_of(kind: SchemaKind, tenant_id: str, digits: str) -> tuple[str, str]:
    """`$id` and altId of a tenant's resource."""
    segment = SEGMENTS[kind]
    return f"https://ns.adobe.com/{tenant_id}/{segment}/{digits}", f"_{tenant_id}.{segment}.{digits}"


def behavior_of(extends: tuple[str, ...]) -> str:
    """What the rows of a class are: `record`, `time-series` or `adhoc`."""
    return behavior_among(extends) or "record"


def behavior_among(extends: tuple[str, ...]) -> str | None:
    """The behaviour that is among what a resource extends."""
    return next((_BEHAVIORS[ref] for ref in extends if ref in _BEHAVIORS), None)


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


def flattened(full: Document) -> dict[str, Any]:
    """A resolved resource with one property for each field that holds a value, by its path: `person/name/lastName`.

    Lists are looked into.
    """
    fields: dict[str, Any] = {}
    waiting: list[tuple[str, Document]] = [("", full)]
    while waiting:
        at, node = waiting.pop()
        for name, child in node.get("properties", {}).items():
            path = f"{at}/{name}" if at else name
            inner = child
            while "items" in inner:
                inner = inner["items"]
            if inner.get("properties"):
                waiting.append((path, inner))
            else:
                fields[path] = child
    return {**full, "properties": dict(sorted(fields.items()))}


def with_descriptors(full: Document, descriptors: Iterable[Document]) -> dict[str, Any]:
    """A resolved resource with what is said of it: all descriptors under `meta:descriptors`, and at each field those of
    it. Other titles, texts and values of a field stand in place of its own."""
    told = list(descriptors)
    out = copy.deepcopy(dict(full))
    out["meta:descriptors"] = told
    for descriptor in told:
        for node in _nodes(out, descriptor):
            node.setdefault("meta:descriptors", []).append(descriptor)
            _rename(node, descriptor)
    return out


def with_deprecations(full: Document, descriptors: Iterable[Document]) -> dict[str, Any]:
    """A resolved resource with `meta:status` of the fields that a descriptor calls deprecated."""
    out = copy.deepcopy(dict(full))
    for descriptor in descriptors:
        if descriptor["@type"] == DescriptorType.DEPRECATED:
            for node in _nodes(out, descriptor):
                node["meta:status"] = "deprecated"
    return out


def _nodes(full: dict[str, Any], descriptor: Document) -> Iterator[dict[str, Any]]:
    """The fields that a descriptor speaks of. One that a resource lacks is passed over."""
    named = descriptor.get(PROPERTY, ())
    for path in [named] if isinstance(named, str) else named:
        with suppress(BadDescriptor):
            node = field_at(full, path)
            if isinstance(node, dict):
                yield node


def _rename(node: dict[str, Any], descriptor: Document) -> None:
    if descriptor["@type"] != DescriptorType.DISPLAY:
        return
    for name in ("title", "description"):
        if text := _localized(descriptor.get(f"xdm:{name}", {})):
            node[name] = text
    left_out = descriptor.get("xdm:excludeMetaEnum", {})
    if values := {**node.get("meta:enum", {}), **descriptor.get("meta:enum", {})}:
        node["meta:enum"] = {value: text for value, text in values.items() if value not in left_out}


def _localized(texts: Document) -> str:
    """English, or whatever comes first."""
    known = {locale.replace("-", "_").lower(): text for locale, text in texts.items()}
    return str(known.get("en_us") or next(iter(known.values()), ""))
