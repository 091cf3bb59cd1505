"""What people and programs may do with datasets."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from flowservice.domain.dataset import Batch, Dataset, SchemaRef
from flowservice.domain.identity import Caller, Permission
from flowservice.domain.query import Page, Query
from flowservice.domain.registry import behavior_of
from flowservice.domain.resource import Stamp
from flowservice.domain.schema import SchemaKind
from flowservice.errors import BadField, MissingField, NotFound
from flowservice.ports.database import Database
from flowservice.ports.runtime import Clock, Ids
from flowservice.service.schemas import Container, Schemas

_DIGITS: Final = 24
_CONTENT_TYPE: Final = "application/vnd.adobe.xed+json;version=1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Datasets:
    """The datasets of the catalog, and the batches in them."""

    database: Database
    schemas: Schemas
    now: Clock
    ids: Ids

    def create(self, caller: Caller, body: Mapping[str, Any]) -> Dataset:
        """A new dataset, still without a table. Raises MissingField, BadField."""
        caller.may(Permission.MANAGE_SOURCES)
        name = body.get("name")
        if not isinstance(name, str) or not name.strip():
            raise MissingField("name is missing", advice="Give the dataset a name.")
        schema_ref = _schema_ref(body.get("schemaRef"))
        dataset = Dataset(
            id=self.ids.hex(_DIGITS),
            stamp=Stamp.first(caller, at=self.now()),
            name=name,
            description=_typed(body, "description", str, ""),
            schema_ref=schema_ref,
            view_id=self.ids.hex(_DIGITS),
            behavior=self._behavior(caller, schema_ref),
            tags=_tags(_typed(body, "tags", Mapping, {})),
            file_description=dict(_typed(body, "fileDescription", Mapping, {})),
            enable_error_diagnostics=_typed(body, "enableErrorDiagnostics", bool, False),
        )
        self.database.datasets.add(dataset)
        return dataset

    def get(self, caller: Caller, dataset_id: str) -> Dataset:
        """Raises NotFound."""
        caller.may(Permission.VIEW_SOURCES)
        return self.database.datasets.get(caller.scope, dataset_id)

    def list(self, caller: Caller, query: Query) -> Page[Dataset]:
        """A page of datasets. Raises BadQuery."""
        caller.may(Permission.VIEW_SOURCES)
        return self.database.datasets.list(caller.scope, query)

    def batch(self, caller: Caller, batch_id: str) -> Batch:
        """Raises NotFound."""
        caller.may(Permission.VIEW_SOURCES)
        return self.database.batches.get(caller.scope, batch_id)

    def batches(self, caller: Caller, query: Query) -> Page[Batch]:
        """A page of batches. Raises BadQuery."""
        caller.may(Permission.VIEW_SOURCES)
        return self.database.batches.list(caller.scope, query)

    def _behavior(self, caller: Caller, schema_ref: SchemaRef) -> str:
        try:
            shown = self.schemas.get(caller, Container.TENANT, SchemaKind.SCHEMAS, schema_ref.id)
        except NotFound as error:
            raise BadField(
                f"schemaRef.id names no schema: {schema_ref.id[:200]!r}",
                advice="Create the schema first and use its $id; a class or field group is no schema.",
            ) from error
        return behavior_of(tuple(shown["meta:extends"]))


def _schema_ref(sent: object) -> SchemaRef:
    if sent is None:
        raise MissingField("schemaRef is missing", advice="Send schemaRef with the $id of a schema.")
    if not isinstance(sent, Mapping) or not isinstance(sent.get("id"), str):
        raise BadField("schemaRef.id must be text", advice="Send schemaRef with the $id of a schema.")
    return SchemaRef(id=sent["id"], content_type=_typed(sent, "contentType", str, _CONTENT_TYPE))


def _tags(sent: Mapping[str, Any]) -> Mapping[str, Any]:
    for name, values in sent.items():
        if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
            raise BadField(f"the tag {name[:100]!r} must be a list of texts")
    return dict(sent)


def _typed(body: Mapping[str, Any], name: str, kind: type, default: Any) -> Any:
    value = body.get(name)
    if value is None:
        return default
    if not isinstance(value, kind):
        words = {str: "text", bool: "true or false"}
        raise BadField(f"{name} must be {words.get(kind, 'a JSON object')}")
    return value
