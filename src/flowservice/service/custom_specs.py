"""Specs that customers write: checked as far as they can be without being run, and kept."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from jsonschema import Draft7Validator
from jsonschema.exceptions import SchemaError

from flowservice.domain.documents import inner
from flowservice.domain.identity import Caller, Permission
from flowservice.domain.resource import Stamp
from flowservice.domain.spec import SpecKind, StoredSpec, row_id
from flowservice.errors import BadSpec, SpecReadOnly
from flowservice.ports.database import Database
from flowservice.ports.runtime import Clock, Ids
from flowservice.service.contention import repeated
from flowservice.service.specs import Specs

_READ_ONLY: Final = frozenset(
    {"id", "createdAt", "updatedAt", "createdBy", "updatedBy", "createdClient", "updatedClient"}
    | {"sandboxId", "sandboxName", "imsOrgId", "etag"}
)
_TEMPLATES: Final = frozenset({"generic-rest-extension", "generic-streaming"})
"""Names that the documentation tells every author to use."""
_PLACE: Final = re.compile(r"\$\{([^${}]*)\}")
_MAX_LIST: Final = 1_000
_MAX_TEXT: Final = 10_000


@dataclass(frozen=True, slots=True)
class CustomSpecs:
    """Keeps a customer's own source definitions. Running them is not built yet, and their specs say so."""

    database: Database
    specs: Specs
    now: Clock
    ids: Ids

    def create(self, caller: Caller, kind: SpecKind, document: Mapping[str, Any]) -> StoredSpec:
        """A new spec of the sandbox. Raises BadSpec, UnknownSpec."""
        caller.may(Permission.MANAGE_SOURCES)
        spec = self._spec(caller, kind, self.ids.uuid(), document)
        self.database.specs.add(spec)
        return spec

    def put(self, caller: Caller, kind: SpecKind, spec_id: str, document: Mapping[str, Any]) -> StoredSpec:
        """The spec with another document. A flow spec that came with the server gets a form of its own in this sandbox.

        Raises NotFound, SpecReadOnly for a connection spec that came with it, BadSpec, UnknownSpec.
        """
        caller.may(Permission.MANAGE_SOURCES)
        if document.get("id") not in (None, spec_id):
            raise BadSpec("id is not the id in the path", advice="Send the id of the path, or leave it out.")
        if kind is SpecKind.CONNECTION and spec_id in self.specs.provided[kind]:
            raise SpecReadOnly(
                "a connection spec that came with the server cannot be replaced",
                advice="Create your own: POST /connectionSpecs.",
            )

        def put() -> StoredSpec:
            known = self.specs.stored(caller.scope, kind, spec_id)
            if known is None:
                self.specs.get(caller.scope, kind, spec_id)
                made = self._spec(caller, kind, spec_id, document)
                self.database.specs.add(made)
                return made
            changed = replace(
                self._spec(caller, kind, spec_id, document), stamp=known.stamp.moved(caller, at=self.now())
            )
            self.database.specs.replace(known, changed)
            return changed

        return repeated(put)

    def _spec(self, caller: Caller, kind: SpecKind, spec_id: str, document: Mapping[str, Any]) -> StoredSpec:
        kept = {name: value for name, value in document.items() if name not in _READ_ONLY}
        if kind is SpecKind.CONNECTION:
            self._check_connection_spec(kept)
        else:
            self._check_flow_spec(caller, kept)
        for where, schema in _schemas(kept):
            _check_schema(where, schema)
        return StoredSpec(
            id=row_id(spec_id, caller.scope.sandbox_id),
            stamp=Stamp.first(caller, at=self.now()),
            name=kept["name"],
            kind=kind,
            spec_id=spec_id,
            document=kept,
        )

    def _check_connection_spec(self, document: Mapping[str, Any]) -> None:
        taken = {spec["name"] for spec in self.specs.provided[SpecKind.CONNECTION].values()} - _TEMPLATES
        if document["name"] in taken:
            raise BadSpec(
                f"a connection spec named {document['name']} came with the server",
                advice="Choose another name: clients look specs up by it.",
            )
        names = [auth["name"] for auth in document.get("authSpec") or ()]
        if len(set(names)) < len(names):
            raise BadSpec("two entries of authSpec have the same name", advice="Give each a name of its own.")
        source = document.get("sourceSpec") or {}
        known = (source.get("spec") or {}).get("properties") or {}
        path = ((source.get("attributes") or {}).get("urlParams") or {}).get("path") or ""
        for name in _PLACE.findall(path):
            if name not in known:
                raise BadSpec(
                    f"sourceSpec.attributes.urlParams.path uses ${{{name[:80]}}}, "
                    "which sourceSpec.spec.properties does not have",
                    advice="Declare it there: it is what a source connection's params fill in.",
                )

    def _check_flow_spec(self, caller: Caller, document: Mapping[str, Any]) -> None:
        for member in ("sourceConnectionSpecIds", "targetConnectionSpecIds"):
            for spec_id in document.get(member) or ():
                self.specs.known(caller.scope, SpecKind.CONNECTION, spec_id)


def _schemas(document: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Every JSON Schema in a spec, and where it stands."""
    for index, auth in enumerate(document.get("authSpec") or ()):
        yield f"authSpec/{index}/spec", auth.get("spec")
    for member in ("sourceSpec", "targetSpec", "optionSpec", "scheduleSpec", "runSpec"):
        yield f"{member}/spec", (document.get(member) or {}).get("spec")
    yield "sourceSpec/schema", (document.get("sourceSpec") or {}).get("schema")
    yield "exploreSpec/requestSpec", (document.get("exploreSpec") or {}).get("requestSpec")
    for index, step in enumerate(document.get("transformationSpecs") or ()):
        yield f"transformationSpecs/{index}/spec", step.get("spec")


def _check_schema(where: str, schema: Any) -> None:
    if schema is None:
        return
    if not isinstance(schema, Mapping):
        raise BadSpec(f"{where} must be a JSON Schema object")
    if _is_large(schema):
        raise BadSpec(
            f"{where} has a list of more than {_MAX_LIST} members or a text of more than {_MAX_TEXT} characters",
            advice="Send a shorter schema.",
        )
    try:
        Draft7Validator.check_schema(schema)
    except (ValueError, OverflowError, RecursionError):
        # A pattern that the regular expressions of Python cannot take.
        raise BadSpec(f"{where} has a pattern that cannot be used", advice="Simplify it.") from None
    except SchemaError as error:
        at = "/".join(str(step) for step in error.absolute_path)
        # The rule, not the message: that quotes the value, which may be long.
        raise BadSpec(
            f"{where} is no JSON Schema (draft-07): {at[:200] or 'the whole'} breaks the rule {error.validator}",
            advice="Correct it; json-schema.org/draft-07/schema describes what is allowed.",
        ) from None


def _is_large(schema: Any) -> bool:
    """Whether checking it would take long: each member of a list is compared with all others."""
    if isinstance(schema, str):
        return len(schema) > _MAX_TEXT
    if isinstance(schema, list) and len(schema) > _MAX_LIST:
        return True
    return any(map(_is_large, inner(schema)))
