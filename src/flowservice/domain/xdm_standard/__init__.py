"""The standard resources that every registry holds, in the `global` container. One JSON file each.

The files name the fields of the public XDM model; titles and descriptions are our own words.
"""

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Final

from flowservice.domain.xdm_types import typed

NAMESPACE: Final = "https://ns.adobe.com/xdm/"


@cache
def standard_resources() -> Mapping[str, Mapping[str, Any]]:
    """Every standard resource by its `$id`, with what the registry says of each. Read once, then kept."""
    found = (file for file in files(__name__).iterdir() if file.name.endswith(".json"))
    documents = (json.loads(file.read_text(encoding="utf-8")) for file in found)
    known = {document["$id"]: document for document in documents}
    return {ref: _described(known[ref], known) for ref in sorted(known)}


def standard_resource(ref: str) -> Mapping[str, Any] | None:
    """The standard resource of that `$id` or altId."""
    if ref.startswith("_xdm."):
        ref = NAMESPACE + ref.removeprefix("_xdm.").replace(".", "/")
    return standard_resources().get(ref)


def alt_id(ref: str) -> str:
    """The altId of a standard `$id`: `_xdm.context.profile`."""
    return "_xdm." + ref.removeprefix(NAMESPACE).replace("/", ".")


def _described(document: Mapping[str, Any], known: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Any]:
    return {
        **typed(document),
        "meta:altId": alt_id(document["$id"]),
        "meta:containerId": "global",
        "meta:tenantNamespace": "_xdm",
        "meta:xdmType": "object",
        "version": "1.0",
        "meta:extends": _extended(document, known),
    }


def _extended(document: Mapping[str, Any], known: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """What it builds on, nearest first, each once."""
    out: dict[str, None] = {}
    for part in document.get("allOf", ()):
        if (ref := part["$ref"].partition("#")[0]) in known:
            out |= dict.fromkeys([ref, *_extended(known[ref], known)])
    return list(out)
