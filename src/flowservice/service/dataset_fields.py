"""The fields of a dataset that its clients write: what they may hold, and how a change is applied to them."""

from collections.abc import Mapping
from typing import Any, Final

from flowservice.domain.dataset import Dataset, SchemaRef
from flowservice.domain.resource import MAX_DESCRIPTION, MAX_NAME
from flowservice.errors import BadField, EmptyBody, MissingField
from flowservice.service.patch import patched

EDITABLE: Final = frozenset(
    {
        "name",
        "description",
        "schemaRef",
        "tags",
        "fileDescription",
        "enableErrorDiagnostics",
        "unifiedTags",
        "systemLabels",
    }
)
_CONTENT_TYPE: Final = "application/vnd.adobe.xed+json;version=1"
_MAX_TAGS: Final = 200


def written(body: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a dataset, in the domain's names, as a whole body gives them. Raises MissingField, BadField."""
    name = body.get("name")
    if not isinstance(name, str) or not name.strip():
        raise MissingField("name is missing", advice="Give the dataset a name.")
    description = _typed(body, "description", str, "")
    if len(name) > MAX_NAME or len(description) > MAX_DESCRIPTION:
        raise BadField(
            f"name has at most {MAX_NAME} characters, description {MAX_DESCRIPTION}", advice="Shorten the text."
        )
    return {
        "name": name,
        "description": description,
        "schema_ref": _schema_ref(body.get("schemaRef")),
        "tags": _tags(_typed(body, "tags", Mapping, {})),
        "file_description": dict(_typed(body, "fileDescription", Mapping, {})),
        "enable_error_diagnostics": _typed(body, "enableErrorDiagnostics", bool, False),
        "unified_tags": _texts(body, "unifiedTags"),
        "system_labels": _texts(body, "systemLabels"),
    }


def shown(dataset: Dataset) -> dict[str, Any]:
    """The fields as clients see and change them."""
    return {
        "name": dataset.name,
        "description": dataset.description,
        "schemaRef": {"id": dataset.schema_ref.id, "contentType": dataset.schema_ref.content_type},
        "tags": dict(dataset.tags),
        "fileDescription": dict(dataset.file_description),
        "enableErrorDiagnostics": dataset.enable_error_diagnostics,
        "unifiedTags": list(dataset.unified_tags),
        "systemLabels": list(dataset.system_labels),
    }


def changed(fields: Mapping[str, Any], change: object, *, nested: bool) -> dict[str, Any]:
    """`fields` after a change: a JSON Patch if it is a list, else members to merge in, in all depths if `nested`.

    A null takes a member away. Raises BadField, EmptyBody, PatchFailed, PatchUnsupported.
    """
    if isinstance(change, list):
        return patched(fields, change, editable=EDITABLE)
    if not isinstance(change, Mapping):
        raise BadField(
            "the body must be a JSON object or a JSON Patch",
            advice='Send {"description": "…"} or [{"op", "path", "value"}].',
        )
    if not change:
        raise EmptyBody("the body changes nothing", advice="Send the members to change.")
    if fixed := sorted(change.keys() - EDITABLE):
        raise BadField(
            f"{', '.join(name[:80] for name in fixed[:5])} cannot be changed",
            advice=f"Change one of {', '.join(sorted(EDITABLE))}.",
        )
    return _merged(fields, change) if nested else {**fields, **change}


def _merged(document: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    """RFC 7386."""
    result = dict(document)
    for name, value in change.items():
        if value is None:
            result.pop(name, None)
        elif isinstance(value, Mapping):
            known = result.get(name)
            result[name] = _merged(known if isinstance(known, Mapping) else {}, value)
        else:
            result[name] = value
    return result


def _schema_ref(sent: object) -> SchemaRef:
    if sent is None:
        raise MissingField("schemaRef is missing", advice="Send schemaRef with the $id of a schema.")
    if not isinstance(sent, Mapping) or not isinstance(sent.get("id"), str):
        raise BadField("schemaRef.id must be text", advice="Send schemaRef with the $id of a schema.")
    content_type = _typed(sent, "contentType", str, _CONTENT_TYPE)
    if len(content_type) > MAX_NAME:
        raise BadField("schemaRef.contentType is too long", advice=f"Send {_CONTENT_TYPE}, or leave it out.")
    return SchemaRef(id=sent["id"], content_type=content_type)


def _tags(sent: Mapping[str, Any]) -> Mapping[str, Any]:
    if len(sent) > _MAX_TAGS:
        raise BadField(f"a dataset has at most {_MAX_TAGS} tags", advice="Send fewer.")
    for name, values in sent.items():
        if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
            raise BadField(f"the tag {name[:100]!r} must be a list of texts", advice='For example {"team": ["shop"]}.')
    return dict(sent)


def _texts(body: Mapping[str, Any], name: str) -> tuple[str, ...]:
    values = _typed(body, name, list, [])
    if len(values) > _MAX_TAGS or not all(isinstance(value, str) for value in values):
        raise BadField(f"{name} must be a list of at most {_MAX_TAGS} texts")
    return tuple(values)


def _typed(body: Mapping[str, Any], name: str, kind: type, default: Any) -> Any:
    value = body.get(name)
    if value is None:
        return default
    if not isinstance(value, kind):
        words = {str: "text", bool: "true or false", list: "a list"}
        raise BadField(f"{name} must be {words.get(kind, 'a JSON object')}")
    return value
