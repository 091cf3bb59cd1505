"""What is said of a schema's fields beside the schema: identities, relationships, other titles, keys.

A descriptor's body is JSON with the wire's names, as a schema's is.
"""

from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from flowservice.domain.dataset_labels import FieldPath, path_among
from flowservice.domain.label import bare, ordered, prefixed
from flowservice.domain.resource import Resource
from flowservice.domain.xdm_resolve import Document
from flowservice.domain.xdm_types import INTEGERS, XdmType, xdm_type
from flowservice.errors import BadDescriptor

SOURCE: Final = "xdm:sourceSchema"
PROPERTY: Final = "xdm:sourceProperty"
DESTINATION: Final = "xdm:destinationSchema"
TARGET: Final = "xdm:destinationProperty"
TYPE: Final = "@type"
LABELS: Final = "xdm:labels"
_LABELS_ALIAS: Final = "xdm:label"
"""Published clients write it, and read the other."""
MAX_LABELS: Final = 300
"""Labels that may be put on the fields of one schema resource."""

_ASSIGNED: Final = frozenset({"@id", "imsOrg", "version", "meta:containerId", "meta:sandboxId", "meta:sandboxType"})
_MAX_TEXT: Final = 4_000
_MAX_KEY: Final = 32
_GRANULARITIES: Final = ("minute", "hour", "day", "week", "month", "quarter", "year")
_CARDINALITIES: Final = ("1:1", "1:0", "1:M", "M:1", "M:M")


class DescriptorType(StrEnum):
    """The types there are, by their names in `@type`."""

    IDENTITY = "xdm:descriptorIdentity"
    DISPLAY = "xdm:alternateDisplayInfo"
    ONE_TO_ONE = "xdm:descriptorOneToOne"
    ONE_TO_MANY = "xdm:descriptorOneToMany"
    MANY_TO_MANY = "xdm:descriptorManyToMany"
    RELATIONSHIP = "xdm:descriptorRelationship"
    REFERENCE_IDENTITY = "xdm:descriptorReferenceIdentity"
    DEPRECATED = "xdm:descriptorDeprecated"
    PRIMARY_KEY = "xdm:descriptorPrimaryKey"
    VERSION = "xdm:descriptorVersion"
    TIMESTAMP = "xdm:descriptorTimestamp"
    GRANULARITY = "xdm:descriptorTimeSeriesGranularity"
    LABEL = "xdm:descriptorLabel"


RELATIONSHIPS: Final = frozenset(
    {
        DescriptorType.ONE_TO_ONE,
        DescriptorType.ONE_TO_MANY,
        DescriptorType.MANY_TO_MANY,
        DescriptorType.RELATIONSHIP,
    }
)
ONE_A_SCHEMA: Final = frozenset(
    {DescriptorType.PRIMARY_KEY, DescriptorType.VERSION, DescriptorType.TIMESTAMP, DescriptorType.GRANULARITY}
)
"""Types of which a schema has one at most."""
_LISTED: Final = frozenset({DescriptorType.DEPRECATED, DescriptorType.PRIMARY_KEY})
"""Types that may name several fields at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Descriptor(Resource):
    """One descriptor. `name` is its type."""

    schema_id: str
    """`$id` of the resource that it speaks of."""
    body: Mapping[str, Any]
    """As the registry keeps it, without what it assigns."""

    @property
    def type(self) -> DescriptorType:
        """What it says."""
        return DescriptorType(self.name)

    @property
    def is_primary(self) -> bool:
        """Whether it names the field that identifies a row."""
        return self.type is DescriptorType.IDENTITY and self.body.get("xdm:isPrimary") is True

    @property
    def paths(self) -> tuple[str, ...]:
        """The fields it speaks of, such as `/person/name`."""
        named = self.body.get(PROPERTY, ())
        return (named,) if isinstance(named, str) else tuple(named)

    @property
    def labels(self) -> tuple[str, ...]:
        """The bare names of the labels that it puts on its field."""
        return ordered(map(bare, _written_labels(self.body))) if self.type is DescriptorType.LABEL else ()

    @property
    def destination(self) -> str | None:
        """`$id` of the schema that a relationship leads to."""
        return self.body.get(DESTINATION)


def descriptor_document(descriptor: Descriptor) -> dict[str, Any]:
    """The descriptor as the registry shows it."""
    scope = descriptor.stamp.scope
    body = descriptor.body
    if descriptor.type is DescriptorType.LABEL:
        # Earlier versions kept them by the other name, and as they came.
        body = {key: value for key, value in body.items() if key != _LABELS_ALIAS}
        body = {**body, LABELS: [prefixed(name) for name in descriptor.labels]}
    return {
        "@id": descriptor.id,
        **body,
        "version": "1",
        "imsOrg": scope.org_id,
        "meta:containerId": "tenant",
        "meta:sandboxId": scope.sandbox_id,
    }


def type_in(body: Document) -> DescriptorType:
    """The type that a body names. Raises BadDescriptor."""
    named = body.get(TYPE)
    if not isinstance(named, str) or named not in set(DescriptorType):
        raise BadDescriptor(f"{TYPE} names no type of descriptor", advice=f"Use one of {', '.join(DescriptorType)}.")
    return DescriptorType(named)


def schema_in(body: Document, member: str = SOURCE) -> str:
    """The schema that a body names. Raises BadDescriptor."""
    named = body.get(member)
    if not isinstance(named, str) or not named:
        raise BadDescriptor(f"{member} is missing", advice="Send the $id of the schema.")
    return named


def described(
    body: Document, source: Document, *, schema_id: str, destination: Callable[[str], Document]
) -> dict[str, Any]:
    """What the registry keeps of `body`, checked against the resolved schema `source` with the id `schema_id`.

    `destination` finds the resolved schema that a relationship leads to. Raises BadDescriptor, and what it raises.
    """
    kind = type_in(body)
    out: dict[str, Any] = {
        TYPE: kind.value,
        SOURCE: schema_id,
        "xdm:sourceVersion": _version(body, "xdm:sourceVersion"),
    }
    if kind is not DescriptorType.GRANULARITY:
        out[PROPERTY] = _properties(body, kind)
        for path in [out[PROPERTY]] if isinstance(out[PROPERTY], str) else out[PROPERTY]:
            _check_kind(kind, path, field_at(source, path, of=SOURCE))
    out |= _own(kind, body, destination)
    # What is not known here stays as it came: clients add members of their own.
    known = out.keys() | ({_LABELS_ALIAS} if kind is DescriptorType.LABEL else set())
    kept = {key: value for key, value in body.items() if key not in _ASSIGNED and key not in known and _is_kept(key)}
    return {**out, **kept}


def field_at(schema: Document, path: str, *, of: str = "the schema") -> Document:
    """The node of a resolved schema at a path such as `/person/name`. Lists are looked into. Raises BadDescriptor."""
    node: Document = schema
    for step in path.removeprefix("/").split("/"):
        while "items" in node and step not in node.get("properties", {}):
            node = node["items"]
            if step in ("items", "*"):
                break
        else:
            name = step.removesuffix("[*]")
            fields = node.get("properties", {})
            if name not in fields:
                raise BadDescriptor(
                    f"{of} has no field {path[:200]}",
                    advice="Name a field by its path from the root of the schema, such as /person/name/lastName.",
                )
            node = fields[name]
    return node


Paths = TypeVar("Paths", str, list[str])


def respelled(named: Paths, fields: AbstractSet[FieldPath]) -> Paths:
    """A path, or several, in the one spelling of those that lead to a field: without marks of a list's items."""
    if isinstance(named, list):
        return [respelled(path, fields) for path in named]
    found = path_among(fields, named)
    # The items of a resource that is a list have no name.
    return named if found is None else "/" + "/".join(found)


def _own(kind: DescriptorType, body: Document, destination: Callable[[str], Document]) -> dict[str, Any]:
    """The members that its type has."""
    match kind:
        case DescriptorType.IDENTITY:
            return _identity(body)
        case DescriptorType.REFERENCE_IDENTITY:
            return {"xdm:identityNamespace": _text(body, "xdm:identityNamespace")}
        case DescriptorType.DISPLAY:
            return _display(body)
        case DescriptorType.LABEL:
            return {LABELS: _labels(body)}
        case DescriptorType.GRANULARITY:
            return _granularity(body)
        case _ if kind in RELATIONSHIPS:
            return _relationship(body, destination)
    return {}


def _identity(body: Document) -> dict[str, Any]:
    by = body.get("xdm:property", "xdm:code")
    if by not in ("xdm:code", "xdm:id"):
        raise BadDescriptor("xdm:property is xdm:code or xdm:id", advice="Leave it out for xdm:code.")
    primary = body.get("xdm:isPrimary", False)
    if primary is None:
        primary = False
    if not isinstance(primary, bool):
        raise BadDescriptor("xdm:isPrimary must be true or false")
    return {"xdm:namespace": _text(body, "xdm:namespace"), "xdm:property": by, "xdm:isPrimary": primary}


def _display(body: Document) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for name in ("xdm:title", "xdm:description", "xdm:note"):
        texts = body.get(name)
        if texts is None:
            continue
        if not isinstance(texts, Mapping) or not all(isinstance(text, str) for text in texts.values()):
            raise BadDescriptor(
                f"{name} must hold a text for each locale", advice='For example {"en_us": "Family name"}.'
            )
        out[name] = dict(texts)
    for name in ("meta:enum", "xdm:excludeMetaEnum"):
        # Clients send an empty text where they mean none.
        if (values := body.get(name)) in (None, ""):
            continue
        if not isinstance(values, Mapping) or not all(isinstance(text, str) for text in values.values()):
            raise BadDescriptor(f"{name} must hold a text for each value", advice='For example {"g": "Gold"}.')
        out[name] = dict(values)
    if not out:
        raise BadDescriptor(
            "an alternate display says nothing",
            advice="Give xdm:title, xdm:description, meta:enum or xdm:excludeMetaEnum.",
        )
    return out


def _labels(body: Document) -> list[str]:
    labels = _written_labels(body)
    if not isinstance(labels, list) or not all(isinstance(label, str) and label.strip() for label in labels):
        raise BadDescriptor(f"{LABELS} must be a list of labels", advice='For example ["core/C2"]; [] for none.')
    return [prefixed(name) for name in ordered(bare(label.strip()) for label in labels)]


def _written_labels(body: Document) -> Any:
    return body.get(LABELS, body.get(_LABELS_ALIAS, []))


def _granularity(body: Document) -> dict[str, Any]:
    granularity, zone = body.get("xdm:granularity"), body.get("xdm:ianaTimezone", "UTC")
    if granularity not in _GRANULARITIES:
        raise BadDescriptor(f"xdm:granularity is one of {', '.join(_GRANULARITIES)}")
    try:
        ZoneInfo(zone if isinstance(zone, str) else "")
    except (ValueError, OSError, ZoneInfoNotFoundError):
        raise BadDescriptor("xdm:ianaTimezone names no time zone", advice="For example Europe/Berlin.") from None
    return {"xdm:granularity": granularity, "xdm:ianaTimezone": zone}


def _relationship(body: Document, destination: Callable[[str], Document]) -> dict[str, Any]:
    schema = destination(schema_in(body, DESTINATION))
    version = _version(body, "xdm:destinationVersion")
    out: dict[str, Any] = {DESTINATION: schema["$id"], "xdm:destinationVersion": version}
    if body.get(TARGET) is not None:
        path = _path(body[TARGET], TARGET)
        field_at(schema, path, of=DESTINATION)
        out[TARGET] = path
    cardinality = body.get("xdm:cardinality")
    if cardinality is not None and cardinality not in _CARDINALITIES:
        raise BadDescriptor(f"xdm:cardinality is one of {', '.join(_CARDINALITIES)}")
    return out


def _check_kind(kind: DescriptorType, path: str, node: Document) -> None:
    of = xdm_type(node, at=path)
    if of is XdmType.ARRAY and kind in (DescriptorType.IDENTITY, DescriptorType.REFERENCE_IDENTITY):
        of = xdm_type(node.get("items", {}), at=path)
    match kind:
        case DescriptorType.IDENTITY | DescriptorType.REFERENCE_IDENTITY:
            wanted, words = of is XdmType.STRING, "a string"
        case DescriptorType.TIMESTAMP:
            wanted, words = of in (XdmType.DATE_TIME, XdmType.DATE), "a date-time"
        case DescriptorType.VERSION:
            wanted, words = of in INTEGERS | {XdmType.NUMBER, XdmType.DATE_TIME}, "a number or a date-time"
        case DescriptorType.PRIMARY_KEY:
            wanted, words = of not in (XdmType.OBJECT, XdmType.ARRAY, XdmType.MAP), "a single value"
        case _:
            return
    if not wanted:
        raise BadDescriptor(
            f"{path[:200]} is of type {of.value}; {kind.value} needs {words}", advice="Name another field."
        )


def _properties(body: Document, kind: DescriptorType) -> str | list[str]:
    named = body.get(PROPERTY)
    if not isinstance(named, list):
        return _path(named, PROPERTY)
    if kind not in _LISTED:
        raise BadDescriptor(f"{PROPERTY} of {kind.value} is one path", advice="Make one descriptor for each field.")
    if not 0 < len(named) <= _MAX_KEY:
        raise BadDescriptor(f"{PROPERTY} names 1 to {_MAX_KEY} fields")
    paths = [_path(path, PROPERTY) for path in named]
    if len(set(paths)) != len(paths):
        raise BadDescriptor(f"{PROPERTY} names a field twice")
    return paths


def _path(named: Any, member: str) -> str:
    if not isinstance(named, str) or not named.startswith("/") or named.endswith("/") or "/properties/" in named:
        raise BadDescriptor(
            f"{member} must be a path that begins with / and does not end with it",
            advice="Name the fields alone, without `properties`: /person/name/lastName.",
        )
    if len(named) > _MAX_TEXT:
        raise BadDescriptor(f"{member} has at most {_MAX_TEXT} characters")
    return named


def _version(body: Document, member: str) -> int:
    version = body.get(member, 1)
    if version not in (1, "1", "1.0", 1.0) or isinstance(version, bool):
        raise BadDescriptor(f"{member} must be 1", advice="It always means the newest minor version.")
    return 1


def _text(body: Document, member: str) -> str:
    text = body.get(member)
    if not isinstance(text, str) or not 0 < len(text.strip()) <= _MAX_TEXT:
        raise BadDescriptor(f"{member} is missing or no text", advice="Name the identity namespace by its code.")
    return text


def _is_kept(key: str) -> bool:
    return key.startswith(("xdm:", "meta:"))
