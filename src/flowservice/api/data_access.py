"""Data Access: the rows of a batch as Parquet files, downloaded in whole or in ranges, and a look at a dataset."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Header, Path, Query, Request, Response
from fastapi.responses import StreamingResponse

from flowservice.api import answers
from flowservice.api import data_access_answers as told
from flowservice.api.byte_ranges import byte_range
from flowservice.api.calls import Calling
from flowservice.api.exploring import row_json
from flowservice.api.export_names import BASE
from flowservice.api.file_pages import address, entry_json, page_json
from flowservice.api.neighbour_answers import DiagnosticFiles
from flowservice.api.wire import epoch_ms
from flowservice.domain.dataset import Dataset
from flowservice.errors import MissingParameter
from flowservice.service.batch_files import BatchFile, BatchFiles, Content
from flowservice.service.dataset_previews import DatasetPreviews

_BINARY: Final = "application/octet-stream"
BatchId = Annotated[str, Path(description="Id of a batch.")]
DatasetId = Annotated[str, Path(description="Id of a dataset: 24 hexadecimal digits.")]
FileId = Annotated[str, Path(description="Id of a file, the `dataSetFileId` of a list.")]
Limit = Annotated[int, Query(ge=1, le=100, description="Files a page.")]
Start = Annotated[int, Query(ge=0, le=1_000_000, description="How many to pass over.")]
First = Annotated[str, Query(max_length=200, description="Name of the first file to list.")]
Name = Annotated[str | None, Query(max_length=200, description="Name of the file, to read it.")]
Ranged = Annotated[
    str | None, Header(alias="Range", description="One range of bytes: `bytes=0-99`, `bytes=100-` or `bytes=-100`.")
]
IfRange = Annotated[
    str | None, Header(alias="If-Range", description="An ETag: if the file has another by now, all of it is answered.")
]
_BYTES: Final[dict[str, Any]] = {"schema": {"type": "string", "format": "binary"}, "example": "PAR1…"}
_CONTENT: Final[dict[int | str, dict[str, Any]]] = {
    200: {"model": DiagnosticFiles, "content": {_BINARY: _BYTES}},
    206: {"description": "The range.", "content": {_BINARY: _BYTES}},
}


def router(files: BatchFiles, previews: DatasetPreviews, public_url: str | None) -> APIRouter:
    """Files and rows. Without a `public_url`, links lead to the address that the caller used."""
    routes = APIRouter(prefix=BASE, tags=["Data Access"])

    @routes.get("/batches/{batch_id}/files", summary="List the files of a batch", responses=answers.of(told.BatchFiles))
    def batch_files(
        caller: Calling, batch_id: BatchId, request: Request, limit: Limit = 100, start: Start = 0
    ) -> dict[str, Any]:
        """Together they hold the rows of the batch that are in the dataset now. A batch that did not land, or was
        undone, has none."""
        dataset, those = files.of_batch(caller, batch_id)
        base = address(public_url, request)
        listing = f"{base}/batches/{batch_id}/files"
        return page_json(those, lambda one: _file_json(dataset, one, base), listing, limit=limit, start=start)

    @routes.get("/files/{file_id}", summary="Describe or read a file", response_model=None, responses=_CONTENT)
    def file(
        caller: Calling,
        file_id: FileId,
        request: Request,
        path: Name = None,
        limit: Limit = 100,
        start: First = "",
        wanted: Ranged = None,
        if_range: IfRange = None,
    ) -> Any:
        """Without `path`, its name and length; with it, its bytes, in whole or a range. `HEAD` tells the length."""
        if path:
            return _bytes(files.content(caller, file_id, path), file_id, wanted, if_range)
        those = [one for one in (files.one(caller, file_id),) if one.name >= start]
        listing = f"{address(public_url, request)}/files/{file_id}"
        return page_json(
            those,
            lambda one: entry_json(one.name, one.size_bytes, f"{listing}?path={one.name}"),
            listing,
            limit=limit,
            start=0,
        )

    @routes.head("/files/{file_id}", include_in_schema=False)
    def head(caller: Calling, file_id: FileId, path: Name = None) -> Response:
        """What a GET would say of the file."""
        if not path:
            raise MissingParameter("the query parameter path is missing", advice="Send the name of the file.")
        content = files.content(caller, file_id, path)
        length = {"Content-Length": str(content.size_bytes)}
        return Response(media_type=_BINARY, headers={**_headers(content, file_id), **length})

    @routes.get("/datasets/{dataset_id}/preview", summary="Show rows of a dataset", responses=answers.of(told.Preview))
    def preview(caller: Calling, dataset_id: DatasetId) -> dict[str, Any]:
        """Up to 100, as its table is now."""
        return {"data": [row_json(row) for row in previews.rows(caller, dataset_id)]}

    return routes


def _file_json(dataset: Dataset, file: BatchFile, base: str) -> dict[str, Any]:
    at = str(epoch_ms(file.modified_at))
    return {
        "dataSetFileId": file.id,
        "dataSetViewId": dataset.view_id,
        "version": "1.0.0",
        "created": at,
        "updated": at,
        "records": str(file.rows),
        "size": str(file.size_bytes),
        "isValid": True,
        "_links": {"self": {"href": f"{base}/files/{file.id}"}},
    }


def _bytes(content: Content, file_id: str, wanted: str | None, if_range: str | None) -> Response:
    """The file, or the range of it. Raises RangeUnsatisfiable."""
    headers = _headers(content, file_id)
    part = None
    if if_range is None or if_range.strip() == headers["ETag"]:
        part = byte_range(wanted, content.size_bytes)
    start, end = (0, content.size_bytes) if part is None else (part.start, part.end)
    headers["Content-Length"] = str(end - start)
    if part is not None:
        headers["Content-Range"] = part.told
    return StreamingResponse(
        content.read(start, end), status_code=200 if part is None else 206, media_type=_BINARY, headers=headers
    )


def _headers(content: Content, file_id: str) -> dict[str, str]:
    # A file that was deleted and made anew is another one to whoever has half of it.
    etag = f'"{file_id.rpartition("-")[2]}-{content.size_bytes}-{epoch_ms(content.file.modified_at)}"'
    return {"Accept-Ranges": "bytes", "ETag": etag}
