"""The catalog's properties: which there are, and where the stored object has them."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from flowservice.domain.criteria import Criterion, Kind, Path, Pattern, Relation, SortKey

_TEXT, _NUMBER, _TIME, _TEXTS = Kind.TEXT, Kind.NUMBER, Kind.TIME, Kind.TEXTS


@dataclass(frozen=True, slots=True)
class Names:
    """The properties of one kind of object.

    A search is put to the database where the property is stored as it is shown; what is made up for showing, and
    regular expressions, are looked at afterwards.
    """

    fields: frozenset[str]
    """Every property at the top."""
    stored: Mapping[str, tuple[Path, Kind]]
    within: Mapping[str, tuple[Path, Kind]] = field(default_factory=dict)
    """Objects whose members are stored under the same names."""
    made_up: frozenset[Path] = frozenset()
    """Members of such objects that are not stored."""
    same: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Values that mean the same: by property, what is written and what is stored."""

    def criterion(self, asked: Criterion) -> Criterion | None:
        """`asked` in terms of what is stored; None if only the shown object can tell."""
        place = self._place(asked.path)
        if place is None or asked.relation is Relation.MATCHES:
            return None
        path, kind = place
        if kind is _TEXTS and asked.relation not in {Relation.EQ, Relation.NE, Relation.EXISTS, Relation.MISSING}:
            return None
        return replace(asked, path=path, kind=kind)

    def sort_key(self, asked: SortKey) -> SortKey | None:
        """`asked` in terms of what is stored; None if it is not stored so."""
        place = self._place(asked.path)
        if place is None or place[1] is _TEXTS:
            return None
        return replace(asked, path=place[0], kind=place[1])

    def meant(self, asked: Criterion) -> Criterion:
        """`asked` with each value as it is stored."""
        same = self.same.get(".".join(asked.path), {})
        values = tuple(value if isinstance(value, Pattern) else same.get(value, value) for value in asked.values)
        return replace(asked, values=values)

    def _place(self, path: Path) -> tuple[Path, Kind] | None:
        if any('"' in step for step in path):
            return None
        if (known := self.stored.get(".".join(path))) is not None:
            return known
        top = self.within.get(path[0])
        if top is None or len(path) != 2 or path in self.made_up:
            return None
        return (*top[0], path[1]), top[1]


_STAMPED: Final[Mapping[str, tuple[Path, Kind]]] = {
    "created": (("created_at_ms",), _NUMBER),
    "updated": (("updated_at_ms",), _NUMBER),
    "createdClient": (("stamp", "created", "client"), _TEXT),
    "createdUser": (("stamp", "created", "by"), _TEXT),
    "updatedUser": (("stamp", "updated", "by"), _TEXT),
}
_STAMP_FIELDS: Final = frozenset({"imsOrg", "sandboxId", "version", *_STAMPED})

DATASETS: Final = Names(
    fields=_STAMP_FIELDS
    | {
        "id",
        "name",
        "description",
        "viewId",
        "schemaRef",
        "tags",
        "fileDescription",
        "enableErrorDiagnostics",
        "classification",
        "files",
        "state",
        "lastBatchId",
        "lastBatchStatus",
        "lastSuccessfulBatch",
        "lastFailedBatch",
        "unifiedTags",
        "systemLabels",
        "extensions",
        "observableSchema",
    },
    stored={
        **_STAMPED,
        "id": (("id",), _TEXT),
        "name": (("name",), _TEXT),
        "description": (("description",), _TEXT),
        "viewId": (("view_id",), _TEXT),
        "schemaRef.id": (("schema_ref", "id"), _TEXT),
        "schemaRef.contentType": (("schema_ref", "content_type"), _TEXT),
        "enableErrorDiagnostics": (("enable_error_diagnostics",), _TEXT),
        "classification.dataBehavior": (("behavior",), _TEXT),
        "lastBatchId": (("last_batch_id",), _TEXT),
        "lastBatchStatus": (("last_batch_status",), _TEXT),
        "lastSuccessfulBatch": (("last_successful_batch",), _TEXT),
        "lastFailedBatch": (("last_failed_batch",), _TEXT),
    },
    within={"tags": (("tags",), _TEXTS)},
    made_up=frozenset({("tags", "adobe/pqs/table"), ("tags", "adobe/siphon/table/format")}),
)

BATCHES: Final = Names(
    fields=_STAMP_FIELDS
    | {
        "id",
        "externalId",
        "status",
        "started",
        "completed",
        "inputFormat",
        "relatedObjects",
        "tags",
        "metrics",
        "errors",
        "replay",
    },
    stored={
        **_STAMPED,
        "id": (("id",), _TEXT),
        "externalId": (("id",), _TEXT),
        "status": (("state",), _TEXT),
        "started": (("started_at",), _TIME),
        "completed": (("completed_at",), _TIME),
        "relatedObjects.id": (("dataset_id",), _TEXT),
        "tags.flowId": (("flow_id",), _TEXT),
        "tags.flowRunId": (("run_id",), _TEXT),
    },
    within={"tags": (("tags",), _TEXTS), "metrics": (("metrics",), _NUMBER)},
    same={"status": {"active": "success", "failure": "failed"}},
)
