"""Data Prep on the wire: a mapping set in both of its dialects, side by side."""

from collections.abc import Sequence
from typing import Any

from flowservice.domain.epoch import milliseconds
from flowservice.domain.mapping import Mapping, MappingKind, MappingSet, MappingVersion
from flowservice.domain.xdm_resolve import Document


def created(mapping_set: MappingSet) -> dict[str, Any]:
    """The answer to a create."""
    return {"id": mapping_set.id, "version": mapping_set.current.version, **_stamped(mapping_set)}


def page(data: Sequence[dict[str, Any]], *, limit: int) -> dict[str, Any]:
    """The answer to a list."""
    return {"data": list(data), "_page": {"limit": limit, "count": len(data)}, "_links": {}}


def set_json(
    mapping_set: MappingSet, version: MappingVersion, *, json_schema: Document | None = None
) -> dict[str, Any]:
    """A set at one of its versions; with `json_schema` where the caller asked to expand the schema."""
    ref = {"id": version.schema_id, "contentType": version.schema_content_type}
    output: dict[str, Any] = {"id": version.schema_id, "version": "1.0", "schemaRef": ref}
    return {
        "id": mapping_set.id,
        "version": version.version,
        **_stamped(mapping_set),
        "supportVersion": "1.1",
        "name": mapping_set.name,
        "description": mapping_set.description,
        "inputSchema": dict(mapping_set.input_schema),
        "outputSchema": output if json_schema is None else output | {"jsonSchema": json_schema},
        "mappings": mappings_json(mapping_set, version),
        "status": "PUBLISHED",
        "strictMapping": False,
        "allowNullValues": False,
        "schemaRef": ref,
        "xdmSchema": version.schema_id,
        "xdmVersion": "1.0",
        "tags": dict(mapping_set.tags),
    }


def mappings_json(mapping_set: MappingSet, version: MappingVersion) -> list[dict[str, Any]]:
    """The mappings of one version."""
    return [mapping_json(mapping_set, version, mapping) for mapping in version.mappings]


def mapping_json(mapping_set: MappingSet, version: MappingVersion, mapping: Mapping) -> dict[str, Any]:
    """One mapping of a version."""
    attributes = [] if mapping.kind is MappingKind.STATIC else [mapping.source]
    return {
        "id": mapping.id,
        "version": version.version,
        **_stamped(mapping_set),
        **rule_json(mapping),
        "primaryIdentity": False,
        "matchScore": 0.0,
        "functionVersion": 0,
        "expressionAttributes": attributes,
        "sourceAttribute": mapping.source,
        "destinationXdmPath": mapping.destination,
    }


def rule_json(mapping: Mapping) -> dict[str, Any]:
    """What a mapping says, without the set that it is part of."""
    return {
        "sourceType": mapping.source_type,
        "source": mapping.source,
        "destination": mapping.destination,
        "name": mapping.name,
        "description": mapping.description,
        "identity": mapping.identity,
        "identityGroup": mapping.identity_group,
        "namespaceCode": mapping.namespace_code,
        "onError": "reject" if mapping.rejects else "warn",
    }


def _stamped(mapping_set: MappingSet) -> dict[str, Any]:
    stamp = mapping_set.stamp
    return {
        "createdDate": milliseconds(stamp.created.at),
        "modifiedDate": milliseconds(stamp.updated.at),
        "createdBy": stamp.created.by,
        "modifiedBy": stamp.updated.by,
    }
