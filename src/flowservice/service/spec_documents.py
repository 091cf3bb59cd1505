"""Specs as they are on the wire. They are documents by nature: customers write them too."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final, TypeAlias

from flowservice.domain.connection import DATA_LAKE
from flowservice.domain.epoch import milliseconds
from flowservice.domain.spec import SpecKind, StoredSpec
from flowservice.sdk import Connector, json_schema
from flowservice.service.check_steps import steps_of

Document: TypeAlias = Mapping[str, Any]
"""A spec's JSON."""

_DRAFT: Final = "http://json-schema.org/draft-07/schema#"
_CATEGORY_KEYS: Final[Mapping[str, str]] = {
    "Databases": "database",
    "Cloud storage": "cloudStorage",
    "CRM": "crm",
    "Customer success": "customerSuccess",
    "Marketing automation": "marketingAutomation",
    "Advertising": "advertising",
    "E-commerce": "ecommerce",
    "Payments": "payments",
    "Protocols": "protocols",
    "Streaming": "streaming",
    "Samples": "samples",
}
_BATCH_PROVIDER: Final = "0ed90a81-07f4-4586-8190-b40eccef1c5a"
_TABLES_TO_LAKE: Final = "CRMToAEP"


def own_spec(connector: Connector) -> Mapping[str, Any]:
    """What a connector says of a source that is not documented, as the documented ones are told."""
    said = connector.attributes
    return {
        "id": connector.id,
        "name": connector.name,
        "nameIsOurChoice": True,
        "displayName": said.get("displayName", connector.name),
        "category": said.get("category", "Other"),
        "kind": said.get("kind", "table"),
        "providerId": _BATCH_PROVIDER,
        "version": "1.0",
        "formats": [said.get("dataFormat", "tabular")],
    }


def connection_spec(spec: Mapping[str, Any], connector: Connector | None) -> Document:
    """A connection spec that came with the server, with the real schemas where there is a connector."""
    is_target = spec["kind"] == "target"
    is_source = spec["kind"] in {"table", "file", "stream", "rest"}
    attributes: dict[str, Any] = {
        "category": spec["category"],
        "displayName": spec["displayName"],
        "isSource": is_source,
        "isSupported": (supported := connector is not None or spec["id"] == DATA_LAKE),
        "isDraftModeSupported": supported,
        "nameIsOurChoice": spec.get("nameIsOurChoice", False),
        **(dict(connector.attributes) if connector else {}),
    }
    if connector is not None:
        attributes["checkSteps"] = [{"name": step.name, "title": step.title} for step in steps_of(connector)]
        attributes["capabilities"] = _capabilities(connector)
    if not supported:
        attributes["unsupportedReason"] = "This server has no connector for it yet."
    document: dict[str, Any] = {
        "id": spec["id"],
        "name": spec["name"],
        "providerId": spec["providerId"],
        "version": spec["version"],
        "type": spec["kind"],
        "attributes": attributes,
        "authSpec": _auth_specs(spec, connector),
    }
    if is_source:
        document["sourceSpec"] = _source_spec(spec, connector)
        document["exploreSpec"] = _explore_spec(spec["kind"])
    if is_target:
        document["targetSpec"] = {"name": spec["name"], "type": spec["kind"], "spec": _schema(spec["params"])}
    document["permissionsInfo"] = {
        way: [{"@type": "lowLevel", "name": _permission(spec["kind"]), "permissions": [verb]}]
        for way, verb in (("view", "read"), ("manage", "write"))
    }
    return document


def _capabilities(connector: Connector) -> Mapping[str, bool]:
    """What flows from the source can do. The engine gives every source previews and windows of a column of times."""
    taken = json_schema(connector.params)["properties"]
    return {
        "preview": True,
        "columnSelection": "columns" in taken,
        "rowFilter": "filters" in taken,
        "incremental": True,
        "deleteDetection": False,
    }


def _permission(kind: str) -> str:
    return "StreamingSource" if kind == "stream" else "EnterpriseSource"


def _auth_specs(spec: Mapping[str, Any], connector: Connector | None) -> list[Document]:
    if connector is not None:
        return [{"name": auth.name, "type": auth.kind, "spec": json_schema(auth.config)} for auth in connector.auths]
    return [{"name": auth["name"], "type": auth.get("type"), "spec": _schema(auth["params"])} for auth in spec["auth"]]


def _source_spec(spec: Mapping[str, Any], connector: Connector | None) -> Document:
    return {
        "name": spec["name"],
        "type": "Tabular" if spec["kind"] == "table" else spec["kind"],
        "attributes": {
            "uiAttributes": {
                "isSource": True,
                "isBeta": False,
                "category": {"key": _CATEGORY_KEYS.get(spec["category"], "protocols")},
                "label": {"text": spec["displayName"]},
                "frequency": {"key": "streaming" if spec["kind"] == "stream" else "batch"},
            },
            "formats": spec["formats"],
        },
        "spec": json_schema(connector.params) if connector else _schema(spec["params"]),
    }


def _explore_spec(kind: str) -> Document:
    name = {"table": "Tabular", "file": "FileSystem", "rest": "Resource", "stream": "StreamingConnection"}[kind]
    object_types = {
        "table": ["root", "table"],
        "file": ["root", "folder", "file"],
        "rest": ["rest"],
        "stream": ["root"],
    }
    request = {
        "$schema": _DRAFT,
        "type": "object",
        "properties": {"objectType": {"type": "string", "enum": object_types[kind]}, "object": {"type": "string"}},
        "required": ["objectType"],
        "if": {"properties": {"objectType": {"enum": ["table", "folder", "file", "rest"]}}},
        "then": {"required": ["object"]},
    }
    return {"name": name, "type": name, "requestSpec": request, "responseSpec": {"$schema": _DRAFT, "type": "object"}}


def _schema(params: Sequence[Mapping[str, Any]]) -> Document:
    return {
        "$schema": _DRAFT,
        "type": "object",
        "properties": {
            param["name"]: {
                **({"type": param["type"]} if param.get("type") else {}),
                **({"format": "password"} if param.get("secret") else {}),
            }
            for param in params
        },
        "required": [param["name"] for param in params if param.get("required")],
    }


def stored_spec(spec: StoredSpec) -> Document:
    """A customer's own spec: as it was written, with what the server knows of it."""
    attributes = dict(spec.document.get("attributes") or {})
    if spec.kind is SpecKind.CONNECTION:
        attributes |= {"isSupported": False, "unsupportedReason": "Running customers' own sources is not built yet."}
    mark = spec.stamp
    return {
        **spec.document,
        "id": spec.spec_id,
        "attributes": attributes,
        "createdAt": milliseconds(mark.created.at),
        "updatedAt": milliseconds(mark.updated.at),
        "createdBy": mark.created.by,
        "updatedBy": mark.updated.by,
        "createdClient": mark.created.client,
        "updatedClient": mark.updated.client,
        "sandboxId": mark.scope.sandbox_id,
        "sandboxName": mark.scope.sandbox_name,
        "imsOrgId": mark.scope.org_id,
    }


def flow_spec(spec: Mapping[str, Any], connectors: Collection[str], own: Sequence[Mapping[str, Any]]) -> Document:
    """A documented flow spec; `connectors` are the ids of the connection specs that this server can read.

    `own` are the connection specs that are not documented (`own_spec`): tables of theirs are read by the flow spec of
    tables.
    """
    streaming = spec["frequency"] == "streaming"
    added = [one["id"] for one in own if spec["name"] == _TABLES_TO_LAKE and one["kind"] == "table"]
    sources = [*spec["sourceConnectionSpecIds"], *added]
    document: dict[str, Any] = {
        "id": spec["id"],
        "name": spec["name"],
        "providerId": spec["providerId"],
        "version": spec["version"],
        "sourceConnectionSpecIds": sources,
        "targetConnectionSpecIds": spec["targetConnectionSpecIds"],
        "optionSpec": {"name": "OptionSpec", "spec": _options_schema(spec["options"])},
        "transformationSpecs": [
            {"name": name, "spec": _TRANSFORMATION_SCHEMAS[name]} for name in spec["transformations"]
        ],
        "attributes": {
            "isSourceFlow": True,
            "isDraftModeSupported": not streaming and not set(connectors).isdisjoint(sources),
            "frequency": spec["frequency"],
            "nameIsOurChoice": spec.get("nameIsOurChoice", False),
            "uiAttributes": {"apiFeatures": {"updateSupported": True, "flowRunsSupported": not streaming}},
            "notification": {"category": "sources", "flowRun": {"enabled": not streaming}},
        },
        "permissionsInfo": {
            "view": [{"@type": "lowLevel", "name": "EnterpriseSource", "permissions": ["read"]}],
            "manage": [{"@type": "lowLevel", "name": "EnterpriseSource", "permissions": ["write"]}],
        },
    }
    if spec["scheduled"]:
        document["scheduleSpec"] = {"name": "PeriodicSchedule", "type": "Periodic", "spec": _SCHEDULE_SCHEMA}
        document["runSpec"] = {"name": "ProviderParams", "spec": _RUN_SCHEMA}
    return document


def _options_schema(options: Sequence[str]) -> Document:
    return {
        "$schema": _DRAFT,
        "type": "object",
        "properties": {name: _OPTION_SCHEMAS[name] for name in options},
    }


_OPTION_SCHEMAS: Final[Mapping[str, Document]] = {
    "errorDiagnosticsEnabled": {"type": "boolean", "default": False},
    "partialIngestionPercent": {"type": "number", "exclusiveMinimum": 0, "maximum": 100},
    "inletUrl": {"type": "string", "format": "uri"},
}

_TRANSFORMATION_SCHEMAS: Final[Mapping[str, Document]] = {
    "Copy": {
        "$schema": _DRAFT,
        "type": "object",
        "properties": {
            "deltaColumn": {
                "type": "object",
                "properties": {
                    "name": {"type": "string"},
                    "dateFormat": {"type": "string"},
                    "timezone": {"type": "string"},
                },
                "required": ["name"],
            }
        },
    },
    "Mapping": {
        "$schema": _DRAFT,
        "type": "object",
        "properties": {"mappingId": {"type": "string"}, "mappingVersion": {"type": ["string", "integer"]}},
        "required": ["mappingId"],
    },
    "Encryption": {
        "$schema": _DRAFT,
        "type": "object",
        "properties": {"publicKeyId": {"type": "string"}},
        "required": ["publicKeyId"],
    },
}

_SCHEDULE_SCHEMA: Final[Document] = {
    "$schema": _DRAFT,
    "type": "object",
    "properties": {
        "startTime": {"type": "integer", "description": "Epoch seconds."},
        "frequency": {"type": "string", "enum": ["once", "minute", "hour", "day", "week"]},
        "interval": {"type": "integer"},
        "backfill": {"type": "boolean", "default": True},
    },
    "required": ["startTime", "frequency"],
    "if": {"properties": {"frequency": {"const": "once"}}},
    "then": {"allOf": [{"not": {"required": ["interval"]}}, {"not": {"required": ["backfill"]}}]},
    "else": {
        "required": ["interval"],
        "if": {"properties": {"frequency": {"const": "minute"}}},
        "then": {"properties": {"interval": {"minimum": 15}}},
        "else": {"properties": {"interval": {"minimum": 1}}},
    },
}

_RUN_SCHEMA: Final[Document] = {
    "$schema": _DRAFT,
    "type": "object",
    "properties": {
        "startTime": {"type": "integer"},
        "windowStartTime": {"type": "integer"},
        "windowEndTime": {"type": "integer"},
        "deltaColumn": {"type": "object", "properties": {"name": {"type": "string"}}},
    },
    "required": ["startTime"],
}
