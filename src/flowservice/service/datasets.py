"""What people and programs may do with datasets, and what the batches and files in them are."""

import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Final

from flowservice.domain.criteria import Criterion, Relation, Search
from flowservice.domain.dataset import Batch, Dataset, SchemaRef
from flowservice.domain.identity import Caller, Permission, Scope
from flowservice.domain.query import Condition, Operator, Query
from flowservice.domain.registry import BEHAVIOR_TYPE, behavior_of
from flowservice.domain.resource import Stamp
from flowservice.domain.run import RunState
from flowservice.domain.schema import SchemaKind
from flowservice.domain.staging import run_of
from flowservice.errors import BadField, InUse, LakeError, NotFound
from flowservice.ports.database import Database
from flowservice.ports.lake import DataFile, Lake
from flowservice.ports.runtime import Clock, Ids
from flowservice.service import dataset_fields
from flowservice.service.contention import repeated
from flowservice.service.lake_upkeep import tidied
from flowservice.service.schemas import Container, Schemas
from flowservice.service.usage import flow_into

_LOG: Final = logging.getLogger(__name__)
_DIGITS: Final = 24
_AT_ONCE: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How large a table is."""

    rows: int
    size_bytes: int
    files: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Landed:
    """A file of a dataset's table, and the batch that brought it (None: a file that no run wrote)."""

    file: DataFile
    batch_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Datasets:
    """The datasets of the catalog, and the batches in them."""

    database: Database
    lake: Lake
    schemas: Schemas
    now: Clock
    ids: Ids

    def create(self, caller: Caller, body: Mapping[str, Any]) -> Dataset:
        """A new dataset, still without a table. Raises MissingField, BadField."""
        caller.may(Permission.MANAGE_SOURCES)
        fields = dataset_fields.written(body)
        with self.database.transaction() as tx:
            # Nobody deletes its schema meanwhile.
            tx.tenancy.hold(caller.scope.org_id)
            dataset = Dataset(
                id=self.ids.hex(_DIGITS),
                stamp=Stamp.first(caller, at=self.now()),
                view_id=self.ids.hex(_DIGITS),
                behavior=_behavior(replace(self.schemas, database=tx), caller, fields["schema_ref"]),
                **fields,
            )
            tx.datasets.add(dataset)
        return dataset

    def get(self, caller: Caller, dataset_id: str) -> Dataset:
        """Raises NotFound."""
        caller.may(Permission.VIEW_SOURCES)
        return self.database.datasets.get(caller.scope, dataset_id)

    def find(self, caller: Caller, search: Search) -> Sequence[Dataset]:
        """A page of datasets. Raises BadQuery."""
        caller.may(Permission.VIEW_SOURCES)
        return self.database.dataset_search.find(caller.scope, search)

    def replace(self, caller: Caller, dataset_id: str, body: Mapping[str, Any]) -> Dataset:
        """The dataset with all that a client may write as `body` has it. Raises NotFound, MissingField, BadField."""
        return self._write(caller, dataset_id, lambda _: body)

    def change(self, caller: Caller, dataset_id: str, change: object, *, nested: bool) -> Dataset:
        """The dataset after a JSON Patch or a merge. Raises NotFound, BadField, EmptyBody, PatchFailed and its kin."""
        return self._write(caller, dataset_id, lambda fields: dataset_fields.changed(fields, change, nested=nested))

    def delete(self, caller: Caller, dataset_id: str) -> None:
        """Remove the dataset and its tables in the lake. Raises NotFound; InUse while flows or runs write into it."""
        caller.may(Permission.MANAGE_SOURCES)

        def delete() -> None:
            with self.database.transaction() as tx:
                # Until it is done, nobody makes a flow that writes into it.
                tx.tenancy.hold(caller.scope.org_id)
                dataset = tx.datasets.get(caller.scope, dataset_id)
                _check_unused(tx, caller.scope, dataset_id)
                tx.datasets.delete(dataset)
                _forget_labels(tx, dataset)
                # Before the row is gone for good: if this fails, the dataset is there for another try, though perhaps
                # without its rows. Rows without a dataset nobody would ever find.
                self.lake.remove(dataset.table)
                self.lake.remove(dataset.quarantine)

        repeated(delete)
        tidied(self.lake)

    def batch(self, caller: Caller, batch_id: str) -> Batch:
        """Raises NotFound."""
        caller.may(Permission.VIEW_SOURCES)
        return self.database.batches.get(caller.scope, batch_id)

    def find_batches(self, caller: Caller, search: Search) -> Sequence[Batch]:
        """A page of batches. Raises BadQuery."""
        caller.may(Permission.VIEW_SOURCES)
        return self.database.batch_search.find(caller.scope, search)

    def size(self, dataset: Dataset) -> Size | None:
        """How much has landed; None if the lake does not tell."""
        try:
            files = self.lake.files(dataset.table)
        except LakeError as error:
            _LOG.warning("the size of dataset %s is not known: %s", dataset.id, error.message)
            return None
        return Size(
            rows=sum(file.rows for file in files),
            size_bytes=sum(file.size_bytes for file in files),
            files=len(files),
        )

    def files(self, caller: Caller, dataset: Dataset) -> Sequence[Landed]:
        """The files of the dataset's table, the newest first, each with its batch. Raises LakeError."""
        caller.may(Permission.VIEW_SOURCES)
        files = sorted(self.lake.files(dataset.table), key=lambda file: (file.modified_at, file.path), reverse=True)
        batches = self._batches_of({run for file in files if (run := run_of(file.path))}, caller.scope)
        return [Landed(file=file, batch_id=batches.get(run_of(file.path) or "")) for file in files]

    def _write(self, caller: Caller, dataset_id: str, edit: Callable[[dict[str, Any]], Mapping[str, Any]]) -> Dataset:
        caller.may(Permission.MANAGE_SOURCES)

        def write(dataset: Dataset) -> Dataset:
            fields = dataset_fields.written(edit(dataset_fields.shown(dataset)))
            if fields["schema_ref"].id != dataset.schema_ref.id:
                raise BadField(
                    "the schema of a dataset cannot be changed", advice="Create another dataset with the new schema."
                )
            changed = replace(dataset, stamp=dataset.stamp.moved(caller, at=self.now()), **fields)
            self.database.datasets.replace(dataset, changed)
            return changed

        # The bookkeeping of runs may come in between.
        return repeated(lambda: write(self.database.datasets.get(caller.scope, dataset_id)))

    def _batches_of(self, run_ids: set[str], scope: Scope) -> dict[str, str]:
        found: dict[str, str] = {}
        runs = sorted(run_ids)
        for at in range(0, len(runs), _AT_ONCE):
            wanted = Criterion(path=("run_id",), relation=Relation.EQ, values=tuple(runs[at : at + _AT_ONCE]))
            search = Search(criteria=(wanted,), limit=_AT_ONCE)
            found |= {batch.run_id: batch.id for batch in self.database.batch_search.find(scope, search)}
        return found


def _behavior(schemas: Schemas, caller: Caller, schema_ref: SchemaRef) -> str:
    try:
        shown = schemas.get(caller, Container.TENANT, SchemaKind.SCHEMAS, schema_ref.id)
    except NotFound as error:
        raise BadField(
            f"schemaRef.id names no schema: {schema_ref.id[:200]!r}",
            advice="Create the schema first and use its $id; a class or field group is no schema.",
        ) from error
    return str(shown.get(BEHAVIOR_TYPE) or behavior_of(tuple(shown["meta:extends"])))


def _forget_labels(database: Database, dataset: Dataset) -> None:
    scope = dataset.stamp.scope
    with suppress(NotFound):
        database.dataset_labels.delete(database.dataset_labels.get(scope, dataset.id))
    with suppress(NotFound):
        database.labels_due.delete(database.labels_due.get(scope, dataset.id))


def _check_unused(database: Database, scope: Scope, dataset_id: str) -> None:
    flow = flow_into(database, scope, dataset_id)
    if flow is not None:
        raise InUse(
            "a flow writes into this dataset",
            advice=f"Delete the flow first: GET /flows/{flow.id} shows it.",
        )
    conditions = (
        Condition(path=("dataset_id",), operator=Operator.EQ, values=(dataset_id,)),
        Condition(path=("state",), operator=Operator.EQ, values=(RunState.SCHEDULED, RunState.IN_PROGRESS)),
    )
    if database.runs.count(scope, Query(conditions=conditions)):
        raise InUse("a run writes into this dataset", advice="Wait until it has ended.")
