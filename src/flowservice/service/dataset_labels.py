"""What people and programs may do with the labels of a dataset."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from flowservice.domain.dataset import Dataset
from flowservice.domain.dataset_labels import DatasetLabels, FieldLabels, path_among
from flowservice.domain.identity import Caller, Permission
from flowservice.domain.label import bare, ordered
from flowservice.domain.resource import Stamp
from flowservice.errors import BadField, LabelsExist, NotFound
from flowservice.ports.database import Database
from flowservice.ports.runtime import Clock
from flowservice.service.contention import repeated
from flowservice.service.due_labels import mark
from flowservice.service.effective_labels import EffectiveLabels
from flowservice.service.known_labels import LISTED, unknown_labels
from flowservice.service.schema_library import stored

NAMESPACE: Final = "AEP"
_OPTION: Final = ("id", "contentType", "schemaPath")
_MAX_TEXT: Final = 4_000
_MAX_LABELS: Final = 300
_FIELDS_ADVICE: Final = "Put a label on a field of the schema: POST …/schemaregistry/tenant/descriptors."


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """The labels of a dataset, and the altId of its schema, from which fields inherit further ones."""

    labels: DatasetLabels
    schema_alt_id: str


Matches = Callable[[DatasetLabels], None]
"""Returns if a caller means the labels as they are. Raises OtherEtag, MissingIfMatch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelsOfDatasets:
    """Each dataset has labels as one whole, with an etag, or none at all."""

    database: Database
    now: Clock
    legacy_field_labels: bool = False
    """Whether fields are labelled here, as older clients do."""

    def get(self, caller: Caller, dataset_id: str) -> Labelled:
        """Raises NotFound, also where the dataset has no labels."""
        caller.may(Permission.VIEW_SOURCES)
        return self._shown(self.database, self.database.datasets.get(caller.scope, dataset_id))

    def create(self, caller: Caller, dataset_id: str, body: Mapping[str, Any]) -> Labelled:
        """The first labels of a dataset. Raises NotFound, BadField; LabelsExist if it has some, even an empty list."""
        caller.may(Permission.MANAGE_SOURCES)
        with self.database.transaction() as tx:
            tx.tenancy.hold(caller.scope.org_id)
            dataset = tx.datasets.get(caller.scope, dataset_id)
            new = self._made(tx, caller, dataset, body)
            if body.get("optionalLabels") and not self.legacy_field_labels:
                raise BadField("optionalLabels: labels of fields are not kept with a dataset", advice=_FIELDS_ADVICE)
            if _of(tx, dataset) is not None:
                raise LabelsExist("the dataset has labels already", advice="Replace them with PUT and If-Match.")
            return self._added(tx, caller, dataset, new)

    def replace(
        self, caller: Caller, dataset_id: str, body: Mapping[str, Any], *, matches: Matches, creates: bool
    ) -> Labelled:
        """The labels with the whole `body` in place of their own; where there are none, they are made if it `creates`.

        Raises NotFound, BadField, and what `matches` raises.
        """
        caller.may(Permission.MANAGE_SOURCES)

        def write() -> Labelled:
            with self.database.transaction() as tx:
                tx.tenancy.hold(caller.scope.org_id)
                dataset = tx.datasets.get(caller.scope, dataset_id)
                old = _of(tx, dataset)
                if old is None and not creates:
                    raise _none(dataset)
                if old is not None:
                    matches(old)
                made = self._made(tx, caller, dataset, body)
                if not self.legacy_field_labels:
                    _check_shrinks(old, made)
                if old is None:
                    return self._added(tx, caller, dataset, made)
                new = replace(made, stamp=old.stamp.moved(caller, at=self.now()))
                tx.dataset_labels.replace(old, new)
                mark(tx, caller, [dataset.id], now=self.now)
                return self._shown(tx, dataset)

        return repeated(write)

    def delete(self, caller: Caller, dataset_id: str, *, matches: Matches) -> None:
        """Raises NotFound, and what `matches` raises."""
        caller.may(Permission.MANAGE_SOURCES)

        def delete() -> None:
            with self.database.transaction() as tx:
                tx.tenancy.hold(caller.scope.org_id)
                dataset = tx.datasets.get(caller.scope, dataset_id)
                old = _of(tx, dataset)
                if old is None:
                    raise _none(dataset)
                matches(old)
                tx.dataset_labels.delete(old)
                mark(tx, caller, [dataset.id], now=self.now)

        repeated(delete)

    def _made(self, database: Database, caller: Caller, dataset: Dataset, body: Mapping[str, Any]) -> DatasetLabels:
        """What `body` says. Raises BadField."""
        _check_entity(body.get("entityId"), dataset)
        for parent in _objects(body, "parents"):
            self._check_parent(database, dataset, parent)
        labels = _labels(database, caller, body.get("labels", []), "labels")
        fields = [_field(database, caller, entry) for entry in _objects(body, "optionalLabels")]
        if self.legacy_field_labels and fields:
            known = EffectiveLabels(database).of_dataset(dataset).known
            for one in fields:
                if path_among(known, one.schema_path) is None:
                    raise BadField(
                        f"optionalLabels: the schema has no field {one.schema_path[:200]!r}",
                        advice="Name it by a JSON pointer such as /properties/person/properties/name.",
                    )
        stamp = Stamp.first(caller, at=self.now())
        kept = tuple(one for one in fields if one.labels)
        return DatasetLabels(id=dataset.id, stamp=stamp, name=dataset.name, labels=labels, fields=kept)

    def _check_parent(self, database: Database, dataset: Dataset, parent: Mapping[str, Any]) -> None:
        schema_id = dataset.schema_ref.id
        if parent.get("type") == "schema" and parent.get("id") in {schema_id, _alt_id(database, dataset)}:
            return
        raise BadField(
            "parents: a dataset inherits labels from its own schema alone",
            advice=f"Leave parents out, or name the schema {schema_id[:200]}.",
        )

    def _added(self, database: Database, caller: Caller, dataset: Dataset, new: DatasetLabels) -> Labelled:
        database.dataset_labels.add(new)
        mark(database, caller, [dataset.id], now=self.now)
        return self._shown(database, dataset)

    def _shown(self, database: Database, dataset: Dataset) -> Labelled:
        labels = _of(database, dataset)
        if labels is None:
            raise _none(dataset)
        return Labelled(labels=labels, schema_alt_id=_alt_id(database, dataset))


def _of(database: Database, dataset: Dataset) -> DatasetLabels | None:
    try:
        return database.dataset_labels.get(dataset.stamp.scope, dataset.id)
    except NotFound:
        return None


def _none(dataset: Dataset) -> NotFound:
    return NotFound(
        f"the dataset {dataset.id} has no labels",
        advice="POST them, or PUT them with If-Match: *; fields may have some.",
    )


def _alt_id(database: Database, dataset: Dataset) -> str:
    schema = stored(database, dataset.stamp.scope, dataset.schema_ref.id)
    return dataset.schema_ref.id if schema is None else schema.alt_id


def _check_entity(entity: Any, dataset: Dataset) -> None:
    if entity not in (None, {"namespace": NAMESPACE, "type": "dataset", "id": dataset.id}):
        raise BadField(
            "entityId names another thing than the path",
            advice=f'Leave it out, or send {{"namespace": "{NAMESPACE}", "type": "dataset", "id": "{dataset.id}"}}.',
        )


def _objects(body: Mapping[str, Any], name: str) -> Sequence[Mapping[str, Any]]:
    found = body.get(name) or []
    if not isinstance(found, list) or not all(isinstance(one, Mapping) for one in found):
        raise BadField(f"{name} must be a list of objects", advice="[] says that there are none.")
    return found


def _labels(database: Database, caller: Caller, sent: Any, at: str) -> tuple[str, ...]:
    if not isinstance(sent, list) or not all(isinstance(name, str) for name in sent):
        raise BadField(f"{at} must be a list of names of labels", advice='For example ["C2", "I1"].')
    names = ordered(bare(name.strip()) for name in sent)
    if len(names) > _MAX_LABELS:
        raise BadField(f"{at} has at most {_MAX_LABELS} labels", advice="Send fewer.")
    if unknown := unknown_labels(database, caller.scope, names):
        raise BadField(f"{at} names no label there is: {unknown}", advice=LISTED)
    return names


def _field(database: Database, caller: Caller, entry: Mapping[str, Any]) -> FieldLabels:
    option = entry.get("option")
    texts = [option.get(name) for name in _OPTION] if isinstance(option, Mapping) else [None]
    if not all(isinstance(text, str) and 0 < len(text) <= _MAX_TEXT for text in texts):
        raise BadField(
            "optionalLabels: an option names id, contentType and schemaPath", advice="Send the three of them as text."
        )
    schema_id, content_type, schema_path = map(str, texts)
    labels = _labels(database, caller, entry.get("labels", []), "optionalLabels")
    return FieldLabels(schema_id=schema_id, content_type=content_type, schema_path=schema_path, labels=labels)


def _check_shrinks(old: DatasetLabels | None, new: DatasetLabels) -> None:
    """Raises BadField if a field has a label that it had not."""
    had = {one.schema_path: frozenset(one.labels) for one in (old.fields if old is not None else ())}
    for one in new.fields:
        if more := frozenset(one.labels) - had.get(one.schema_path, frozenset()):
            raise BadField(
                f"optionalLabels: {one.schema_path[:200]} has no {', '.join(sorted(more))} here; labels of fields that "
                "are kept with a dataset may only be taken away",
                advice=_FIELDS_ADVICE,
            )
