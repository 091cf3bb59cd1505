"""All that a connector author sees. Public and versioned; a connector imports this and `flowservice.errors` alone."""

from flowservice.sdk.connector import ENTRY_POINTS, Auth, Connector, json_schema, parsed, secret_fields
from flowservice.sdk.egress import Destinations, Egress, canonical, host_of
from flowservice.sdk.source import (
    SOURCE_TYPE,
    Batch,
    Clocked,
    Cursor,
    Division,
    Json,
    MixedColumn,
    Node,
    Reading,
    Sample,
    Selection,
    Source,
    Split,
    Stealing,
    first_rows,
    whole,
)
from flowservice.sdk.text import text_of, to_text

__all__ = [
    "ENTRY_POINTS",
    "SOURCE_TYPE",
    "Auth",
    "Batch",
    "Clocked",
    "Connector",
    "Cursor",
    "Destinations",
    "Division",
    "Egress",
    "Json",
    "MixedColumn",
    "Node",
    "Reading",
    "Sample",
    "Selection",
    "Source",
    "Split",
    "Stealing",
    "canonical",
    "first_rows",
    "host_of",
    "json_schema",
    "parsed",
    "secret_fields",
    "text_of",
    "to_text",
    "whole",
]
