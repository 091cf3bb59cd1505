"""A dataset: a table of the lake with a schema. A batch: what one run adds to it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from flowservice.domain.identity import RESERVED_TENANT
from flowservice.domain.resource import Resource

SYSTEM_COLUMN: Final = f"_{RESERVED_TENANT}"
"""What the service adds to each landed row: the batch that brought it, and when."""
BATCH_COLUMN: Final = f"{SYSTEM_COLUMN}.batchId"
"""Dotted path of the id of the batch that a landed row belongs to."""


class TableKind(StrEnum):
    """The tables that a dataset has."""

    DATA = "data"
    QUARANTINE = "quarantine"


@dataclass(frozen=True, slots=True, kw_only=True)
class TableRef:
    """A table of the lake."""

    sandbox_id: str
    dataset_id: str
    kind: TableKind = TableKind.DATA


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaRef:
    """The schema of a dataset, as its creator wrote it."""

    id: str
    content_type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset(Resource):
    """A dataset of the catalog."""

    schema_ref: SchemaRef
    view_id: str = ""
    behavior: str = "record"
    """What its schema's class holds: `record`, `time-series` or `adhoc`."""
    tags: Mapping[str, Any] = field(default_factory=dict)
    file_description: Mapping[str, Any] = field(default_factory=dict)
    enable_error_diagnostics: bool = False
    unified_tags: tuple[str, ...] = ()
    system_labels: tuple[str, ...] = ()
    last_batch_id: str | None = None
    last_batch_status: str | None = None
    last_successful_batch: str | None = None
    last_failed_batch: str | None = None

    def received(self, batch_id: str, *, landed: bool) -> "Dataset":
        """The dataset after a batch that ended."""
        return replace(
            self,
            last_batch_id=batch_id,
            last_batch_status="success" if landed else "failed",
            last_successful_batch=batch_id if landed else self.last_successful_batch,
            last_failed_batch=self.last_failed_batch if landed else batch_id,
            stamp=self.stamp.touched(),
        )

    @property
    def table(self) -> TableRef:
        """Where its rows are."""
        return TableRef(sandbox_id=self.stamp.scope.sandbox_id, dataset_id=self.id)

    @property
    def quarantine(self) -> TableRef:
        """Where the rows are that could not land, each with its reason."""
        return replace(self.table, kind=TableKind.QUARANTINE)


class BatchStatus(StrEnum):
    """The states a run's batch goes through."""

    LOADING = "loading"
    STAGING = "staging"
    SUCCESS = "success"
    FAILED = "failed"
    INACTIVE = "inactive"
    """Its rows were taken back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch(Resource):
    """What one run adds to a dataset."""

    dataset_id: str
    flow_id: str
    run_id: str
    status: BatchStatus = BatchStatus.LOADING
    started_at: datetime | None = None
    completed_at: datetime | None = None
    metrics: Mapping[str, int] = field(default_factory=dict)
    errors: tuple[Mapping[str, Any], ...] = ()
    tags: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
