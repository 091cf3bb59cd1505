"""The Catalog on the wire: datasets and batches, keyed by their ids."""

import re
from collections.abc import Iterable, Mapping
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from flowservice.api.wire import epoch_ms
from flowservice.domain.dataset import Batch, Dataset
from flowservice.domain.resource import Resource
from flowservice.service.batch_files import file_id
from flowservice.service.datasets import Landed, Size


def reference(dataset: Dataset) -> list[str]:
    """The answer to a write."""
    return [f"@/dataSets/{dataset.id}"]


def datasets(found: Iterable[Dataset]) -> dict[str, Any]:
    """The answer to a read of one or many."""
    return {dataset.id: dataset_json(dataset) for dataset in found}


def batches(found: Iterable[Batch]) -> dict[str, Any]:
    """The answer to a read of one or many."""
    return {batch.id: batch_json(batch) for batch in found}


def dataset_json(dataset: Dataset) -> dict[str, Any]:
    """A dataset. Clients rely on `name`, `classification` and the two `adobe/` tags being there."""
    defaults = {"adobe/pqs/table": [table_name(dataset)], "adobe/siphon/table/format": ["delta"]}
    return {
        "name": dataset.name,
        "description": dataset.description,
        **_stamped(dataset),
        "viewId": dataset.view_id,
        "schemaRef": {"id": dataset.schema_ref.id, "contentType": dataset.schema_ref.content_type},
        "tags": {**defaults, **dataset.tags},
        "fileDescription": {"persisted": True, "containerFormat": "parquet", "format": "parquet"}
        | dict(dataset.file_description),
        "enableErrorDiagnostics": dataset.enable_error_diagnostics,
        "unifiedTags": list(dataset.unified_tags),
        "systemLabels": list(dataset.system_labels),
        "classification": {"dataBehavior": dataset.behavior, "managedBy": "CUSTOMER"},
        "files": f"@/dataSets/{dataset.id}/views/{dataset.view_id}/files",
        "state": "DRAFT",
        **_given(
            lastBatchId=dataset.last_batch_id,
            lastBatchStatus=dataset.last_batch_status,
            lastSuccessfulBatch=dataset.last_successful_batch,
            lastFailedBatch=dataset.last_failed_batch,
        ),
    }


def extensions(size: Size | None) -> dict[str, Any]:
    """How large the dataset's table is, where that is known."""
    if size is None:
        return {}
    lake = {
        "metrics": {"rowCount": size.rows, "storageSize": size.size_bytes},
        "tableHealthMetrics": {"noOfFilesTotal": size.files},
    }
    return {"extensions": {"adobe_lakeHouse": lake}}


def view_json(dataset: Dataset) -> dict[str, Any]:
    """The one view of a dataset: all of it."""
    return {
        dataset.view_id: {
            "name": dataset.name,
            "dataSetId": dataset.id,
            "isDefault": True,
            "files": f"@/dataSets/{dataset.id}/views/{dataset.view_id}/files",
            **_stamped(dataset),
        }
    }


def file_json(dataset: Dataset, landed: Landed) -> dict[str, Any]:
    """A file of a dataset."""
    scope = dataset.stamp.scope
    at = epoch_ms(landed.file.modified_at)
    name = landed.file.path.rsplit("/", 1)[-1]
    # The same file has the same id each time it is shown. Data Access reads by it what is of one batch.
    nameless = f"{uuid5(NAMESPACE_URL, f'{dataset.id}/{landed.file.path}')}-1"
    return {
        "id": nameless if landed.batch_id is None else file_id(landed.batch_id, name),
        "name": name,
        "dataSetId": dataset.id,
        "dataSetViewId": dataset.view_id,
        **_given(batchId=landed.batch_id),
        "imsOrg": scope.org_id,
        "sandboxId": scope.sandbox_id,
        "records": landed.file.rows,
        "size": landed.file.size_bytes,
        "created": at,
        "updated": at,
    }


def batch_json(batch: Batch) -> dict[str, Any]:
    """A batch. Clients rely on `created`, `errors`, `sandboxId` and the related dataset being there."""
    return {
        "id": batch.id,
        "externalId": batch.id,
        "status": batch.status.value,
        **_stamped(batch),
        **_given(started=epoch_ms(batch.started_at), completed=epoch_ms(batch.completed_at)),
        "inputFormat": {"format": "parquet"},
        "relatedObjects": [{"type": "dataSet", "id": batch.dataset_id}],
        "tags": {"flowId": [batch.flow_id], "flowRunId": [batch.run_id]}
        | {name: list(values) for name, values in batch.tags.items()},
        "metrics": dict(batch.metrics),
        "errors": [dict(error) for error in batch.errors],
        "replay": {},
    }


def table_name(dataset: Dataset) -> str:
    """A name for SQL made of the dataset's: lower case, digits and underscores."""
    name = re.sub(r"[^a-z0-9]+", "_", dataset.name.lower()).strip("_")
    return name or f"dataset_{dataset.id}"


def selected(document: Mapping[str, Any], properties: str | None) -> dict[str, Any]:
    """The top-level properties that `properties` (with commas between them) names; None: all."""
    if not properties:
        return dict(document)
    return {name: document[name] for part in properties.split(",") if (name := part.strip()) in document}


def _stamped(resource: Resource) -> dict[str, Any]:
    stamp = resource.stamp
    return {
        "imsOrg": stamp.scope.org_id,
        "sandboxId": stamp.scope.sandbox_id,
        "version": f"1.0.{stamp.revision - 1}",
        "created": epoch_ms(stamp.created.at),
        "updated": epoch_ms(stamp.updated.at),
        "createdClient": stamp.created.client,
        "createdUser": stamp.created.by,
        "updatedUser": stamp.updated.by,
    }


def _given(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}
