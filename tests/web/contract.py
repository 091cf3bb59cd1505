"""What the API's own document says of a request."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import jsonschema


@dataclass(frozen=True)
class Contract:
    """The OpenAPI document of a server."""

    document: dict[str, Any]

    def faults(self, method: str, url: str, body: str | None) -> Iterator[str]:
        """Why the document knows no such request: its path, its method, a parameter, or what is sent."""
        asked = urlsplit(url)
        told = f"{method} {asked.path}"
        operation = self._operation(method.lower(), asked.path)
        if operation is None:
            yield f"{told} is not in the API's document"
            return
        known = {each["name"] for each in operation.get("parameters", []) if each["in"] == "query"}
        for name in dict(parse_qsl(asked.query, keep_blank_values=True)).keys() - known:
            yield f"{told} has no parameter {name}"
        schema = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
        if body is None or schema is None:
            if body is not None:
                yield f"{told} takes no body"
            return
        whole = {**schema, "components": self.document["components"]}
        for error in jsonschema.Draft202012Validator(whole).iter_errors(json.loads(body)):
            yield f"{told}: {error.json_path}: {error.message[:200]}"

    def _operation(self, method: str, path: str) -> dict[str, Any] | None:
        steps = path.rstrip("/").split("/")
        fitting: list[tuple[int, dict[str, Any]]] = []
        for pattern, item in self.document["paths"].items():
            places = pattern.rstrip("/").split("/")
            pairs = list(zip(places, steps, strict=False))
            if len(places) == len(steps) and all(_fits(place, step) for place, step in pairs) and method in item:
                # `/flows/search` is the operation of that name, not the flow of that id.
                fitting.append((sum("{" in place for place in places), item[method]))
        return min(fitting, key=lambda each: each[0])[1] if fitting else None


def _fits(place: str, step: str) -> bool:
    return bool(re.fullmatch(r"\{[^}]+\}", place)) or place == unquote(step)
