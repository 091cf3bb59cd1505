"""Resolving a composed schema: `$ref` and `allOf` replaced by what they stand for, properties and `required` merged."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from flowservice.domain.xdm_types import json_type, xdm_type
from flowservice.errors import BadSchema

Document: TypeAlias = Mapping[str, Any]
Lookup: TypeAlias = Callable[[str], Document | None]
"""A schema resource by its `$id` or altId; None where there is none."""

MAX_DEPTH: Final = 100
"""Levels of nodes, through properties, items, allOf and references."""

MAX_NODES: Final = 20_000
"""Fields a resolved schema may have: refs that fan out could otherwise describe more than memory holds."""

_MOST_SHOWN: Final = 200
"""Characters of a reference in a message: an `$id` is shorter."""

_KEPT: Final = (
    "title",
    "description",
    "type",
    "format",
    "enum",
    "pattern",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "minLength",
    "maxLength",
    "default",
    "meta:xdmType",
    "meta:enum",
    "meta:status",
)
Part: TypeAlias = tuple[str, tuple[str, ...]]
"""The `$id` of a document, and the steps from its root to what is meant: none for all of it."""

MADE_OF: Final = "made of"
"""In a tree that was resolved with `traced`: the `Part`s that were named by their document and begin at this node."""
STANDS_HERE: Final = "stands here"
"""Likewise: those that were named from within their document."""

_UNSUPPORTED: Final = ("anyOf", "oneOf", "not", "if", "patternProperties")


def resolved(document: Document, lookup: Lookup, *, traced: bool = False) -> dict[str, Any]:
    """`document` with every reference replaced, as one tree of properties with `meta:xdmType` on each node.

    `traced`: each node also says what it is `MADE_OF`, and what `STANDS_HERE`.
    Raises BadSchema for unknown references, cycles, fields defined twice with different types, and what is malformed.
    """
    walk = _Walk(lookup, traced)
    root = walk.node(document, document, at="", trail=(str(document.get("$id", "")),))
    root.setdefault("type", "object")
    _name_types(root, at="")
    return root


@dataclass(slots=True)
class _Walk:
    lookup: Lookup
    traced: bool = False
    nodes: int = 0
    depth: int = 0
    documents: dict[str, Document] = field(default_factory=dict)

    def node(self, node: Any, home: Document, *, at: str, trail: tuple[str, ...]) -> dict[str, Any]:
        """`node`, a part of the document `home`, resolved. `trail` are the references being followed."""
        self.nodes += 1
        self.depth += 1
        if self.nodes > MAX_NODES or self.depth > MAX_DEPTH:
            raise BadSchema("the schema is too deep or has too many fields")
        if not isinstance(node, Mapping):
            raise BadSchema(f"the field {at or '(root)'} must be a JSON object")
        if unsupported := [word for word in _UNSUPPORTED if word in node]:
            raise BadSchema(f"the field {at or '(root)'} uses {unsupported[0]}, which a schema may not use here")
        out: dict[str, Any] = {}
        if "$ref" in node:
            out = self.referred(node["$ref"], home, at=at, trail=trail)
        for part in _listed(node, "allOf", at=at):
            merge(out, self.node(part, home, at=at, trail=trail), at=at)
        merge(out, self.own(node, home, at=at, trail=trail), at=at)
        self.depth -= 1
        return out

    def own(self, node: Document, home: Document, *, at: str, trail: tuple[str, ...]) -> dict[str, Any]:
        """What the node says itself, without its references."""
        out = {key: node[key] for key in _KEPT if key in node}
        if "properties" in node:
            properties = node["properties"]
            if not isinstance(properties, Mapping):
                raise BadSchema(f"properties of {at or '(root)'} must be a JSON object")
            out["properties"] = {
                name: self.node(child, home, at=f"{at}.{name}" if at else name, trail=trail)
                for name, child in properties.items()
            }
        if "items" in node:
            out["items"] = self.node(node["items"], home, at=f"{at}[*]", trail=trail)
        if isinstance(node.get("additionalProperties"), Mapping):
            out["additionalProperties"] = self.node(node["additionalProperties"], home, at=f"{at}.*", trail=trail)
        if "required" in node:
            out["required"] = [str(name) for name in _listed(node, "required", at=at)]
        return out

    def referred(self, ref: Any, home: Document, *, at: str, trail: tuple[str, ...]) -> dict[str, Any]:
        if not isinstance(ref, str):
            raise BadSchema(f"$ref of {at or '(root)'} must be text")
        name, _, pointer = ref.partition("#")
        document = self.document(name) if name else home
        # A part is told apart by the document it is in, whichever of its names was used.
        owner = str(document.get("$id", name)) if name else trail[-1].partition("#")[0]
        key = f"{owner}#{pointer}" if pointer or not name else owner
        if key in trail:
            circle = " → ".join(
                step[:_MOST_SHOWN] or "the resource itself" for step in (*trail[trail.index(key) :], key)
            )
            raise BadSchema(
                f"the field {at[:200] or '(root)'} refers to itself: {circle[:800]}",
                advice="Take the reference out of one of these resources.",
            )
        part = pointed(document, f"#{pointer}") if pointer or not name else document
        out = self.node(part, document, at=at, trail=(*trail, key))
        if self.traced:
            how = MADE_OF if name else STANDS_HERE
            out[how] = [*out.get(how, ()), (owner, _steps(pointer))]
        if not name:
            return out
        if at == "":  # the texts of a schema's parts say nothing about the schema
            return {name: value for name, value in out.items() if name not in ("title", "description")}
        return {**out, "meta:referencedFrom": owner}

    def document(self, ref: str) -> Document:
        known = self.documents.get(ref) or self.lookup(ref)
        if known is None:
            raise BadSchema(
                f"there is no schema resource {ref[:200]!r}",
                advice="Create it first, or name one that the registry lists.",
            )
        self.documents[ref] = known
        return known


def references(node: Any) -> frozenset[str]:
    """The other resources that a document names with `$ref`, at any depth, by `$id` or altId."""
    found: set[str] = set()
    waiting = [node]
    while waiting:
        node = waiting.pop()
        if isinstance(node, Mapping):
            if isinstance(ref := node.get("$ref"), str) and (name := ref.partition("#")[0]):
                found.add(name)
            waiting += node.values()
        elif isinstance(node, list):
            waiting += node
    return frozenset(found)


def pointed(home: Document, ref: str) -> Any:
    """What a local reference such as `#/definitions/order` points at. Raises BadSchema."""
    node: Any = home
    if ref in ("", "#"):
        return node
    for name in _steps(ref.removeprefix("#")):
        if not isinstance(node, Mapping) or name not in node:
            raise BadSchema(f"{ref[:200]!r} points at nothing")
        node = node[name]
    return node


def _steps(pointer: str) -> tuple[str, ...]:
    """The names in a JSON pointer."""
    steps = pointer.removeprefix("/").split("/") if pointer else []
    return tuple(step.replace("~1", "/").replace("~0", "~") for step in steps)


def merge(into: dict[str, Any], other: Document, *, at: str) -> None:
    """Add `other` to `into`; what `other` says wins for texts and rules. Raises BadSchema where types clash."""
    if {"type", "properties"} & set(into) and {"type", "properties"} & set(other):
        ours, theirs = xdm_type(into, at=at), xdm_type(other, at=at)
        # A bare "object" is what people write next to a reference to say nothing in particular.
        bare = "object" in (into.get("type"), other.get("type")) and ("map" in (ours, theirs))
        if ours is not theirs and not bare:
            raise BadSchema(f"the field {at or '(root)'} is defined twice: as {ours.value} and as {theirs.value}")
    for key, value in other.items():
        if key == "properties":
            fields = into.setdefault("properties", {})
            for name, child in value.items():
                if name in fields:
                    merge(fields[name], child, at=f"{at}.{name}" if at else name)
                else:
                    fields[name] = child
        elif key == "required":
            into["required"] = list(dict.fromkeys([*into.get("required", []), *value]))
        elif key in (MADE_OF, STANDS_HERE):
            into[key] = [*into.get(key, ()), *value]
        elif key in ("items", "additionalProperties") and key in into:
            merge(into[key], value, at=f"{at}[*]")
        else:
            into[key] = value


def _listed(node: Document, key: str, *, at: str) -> list[Any]:
    value = node.get(key, [])
    if not isinstance(value, list):
        raise BadSchema(f"{key} of {at or '(root)'} must be a list")
    return value


def _name_types(node: dict[str, Any], *, at: str) -> None:
    """Write `type` where it was implied, and `meta:xdmType` on every node."""
    kind = xdm_type(node, at=at)
    node["meta:xdmType"] = kind.value
    node.setdefault("type", json_type(kind))
    for name, child in node.get("properties", {}).items():
        _name_types(child, at=f"{at}.{name}" if at else name)
    if "items" in node:
        _name_types(node["items"], at=f"{at}[*]")
    if "properties" not in node and "additionalProperties" in node:
        _name_types(node["additionalProperties"], at=f"{at}.*")
