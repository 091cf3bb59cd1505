"""The union of a class: the fields of all its schemas that are tagged for it, as one schema."""

import copy
from collections.abc import Mapping, Sequence
from typing import Any, Final

from flowservice.domain.registry import UNION
from flowservice.domain.xdm_resolve import Document, merge
from flowservice.errors import BadSchema

_SUFFIX: Final = "__union"


def is_tagged(body: Document) -> bool:
    """Whether a schema takes part in the union of its class."""
    return UNION in body.get("meta:immutableTags", ())


def union_document(class_document: Document, schemas: Sequence[Document], *, tenant_id: str) -> dict[str, Any]:
    """The union as the registry shows it, its schemas named. `schemas` are those of the class that are tagged."""
    extends = dict.fromkeys([class_document["$id"], *class_document.get("meta:extends", ())])
    for schema in schemas:
        extends |= dict.fromkeys([schema["$id"], *schema.get("meta:extends", ())])
    return {
        "$id": class_document["$id"] + _SUFFIX,
        "meta:altId": class_document["meta:altId"] + _SUFFIX,
        "meta:resourceType": "unions",
        "version": "1.0",
        "title": class_document.get("title", ""),
        "description": f"The fields of all schemas of the class {class_document.get('title', '')!r} in the union.",
        "type": "object",
        "allOf": [{"$ref": schema["$id"], "type": "object", "meta:xdmType": "object"} for schema in schemas],
        "meta:class": class_document["$id"],
        "meta:extends": list(extends),
        "meta:immutableTags": [UNION],
        "meta:abstract": False,
        "meta:extensible": False,
        "meta:xdmType": "object",
        "meta:containerId": "tenant",
        "meta:tenantNamespace": f"_{tenant_id}",
    }


def united(schemas: Mapping[str, Document]) -> dict[str, Any]:
    """The fields of these resolved schemas, given by what they are called, together.

    Nothing is required but what all of them require. Raises BadSchema naming a field that two of them type differently,
    and the schema that brought the second type.
    """
    out: dict[str, Any] = {"type": "object", "properties": {}}
    for title, schema in schemas.items():
        fields = copy.deepcopy({"type": "object", "properties": schema.get("properties", {})})
        try:
            merge(out, fields, at="")
        except BadSchema as error:
            raise BadSchema(
                f"the schema {title[:200]!r} does not go with others of its class in the union: {error.message}",
                advice="Give the field the same type in all schemas of the union, or another name.",
            ) from error
    required = [set(schema.get("required", ())) for schema in schemas.values()]
    names = set.intersection(*required) if required else set()
    return {**out, "required": sorted(names)}
