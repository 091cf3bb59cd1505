"""Data Access, as far as it tells of errors: the diagnostics of a batch, as lists of files and as JSON Lines."""

import json
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Annotated, Any, Final
from urllib.parse import quote

from fastapi import APIRouter, Path, Query, Request, Response

from flowservice.api import neighbour_answers as told
from flowservice.api.calls import Calling
from flowservice.api.export_names import BASE, ROW_ERRORS, SAMPLE
from flowservice.api.file_pages import address, entry_json, page_json
from flowservice.domain.dataset import Batch
from flowservice.domain.identity import Caller
from flowservice.domain.quarantine import Quarantined
from flowservice.errors import NotFound
from flowservice.service.diagnostics import Diagnostics

_INPUT_FILES: Final = "input_files"
_INPUT: Final = "fileMetaData1.json"
_FILE: Final = re.compile(r"(?:row_errors/)?validation_errors_([1-9][0-9]{0,5})\.json")
_LINES: Final = "application/x-ndjson"
_EXAMPLE: Final = (
    '{"PartitionKey": "DE", "RowKey": "R-0001", "visits": "unknown", "_errors": [{"code": "1555", '
    '"message": "_shop.visits: a required field is missing or null", "column": "_shop.visits"}], '
    '"_filename": "shopreturns"}\n'
)
_CODE: Final = re.compile(r"[A-Z]+-([0-9]+)-[0-9]+")
_REQUIRED: Final = "1555"

BatchId = Annotated[str, Path(description="Id of a batch.")]
Limit = Annotated[int, Query(ge=1, le=100, description="Files a page.")]
Start = Annotated[int, Query(ge=0, le=1_000_000, description="How many to pass over.")]
FilePath = Annotated[str | None, Query(max_length=200, description="A folder to list, or a file to read.")]
_ANSWERS: Final[dict[int | str, dict[str, Any]]] = {
    200: {"model": told.DiagnosticFiles, "content": {_LINES: {"schema": {"type": "string"}, "example": _EXAMPLE}}}
}


def router(diagnostics: Diagnostics, public_url: str | None) -> APIRouter:
    """What runs rejected. Without a `public_url`, links lead to the address that the caller used."""
    routes = APIRouter(prefix=BASE, tags=["Data Access"])

    @routes.get(
        "/batches/{batch_id}/meta", summary="Read the diagnostics of a batch", response_model=None, responses=_ANSWERS
    )
    def meta(
        caller: Calling,
        batch_id: BatchId,
        request: Request,
        path: FilePath = None,
        limit: Limit = 100,
        start: Start = 0,
    ) -> Any:
        """`path=row_errors` and `path=input_files` list files, `path=row_errors/validation_errors_1.json` and
        `path=row_errors_sample.json` are such, one JSON object a line; no path lists what there is."""
        batch = diagnostics.batch(caller, batch_id)
        place = f"{address(public_url, request)}/batches/{batch.id}/meta"
        wanted = (path or "").strip("/")
        if wanted == SAMPLE:
            return _text(_errors(diagnostics, batch, diagnostics.sample(caller, batch)))
        if wanted == f"{_INPUT_FILES}/{_INPUT}" and (table := diagnostics.input(batch)) is not None:
            return _text(_input(table))
        if (number := _number(wanted)) is not None and "/" in wanted:
            return _text(_errors(diagnostics, batch, _rows_of(diagnostics, caller, batch, number)))
        files = _listed(diagnostics, caller, batch, wanted)
        return _files(files, place, f"{wanted}/" if wanted else "", limit=limit, start=start)

    @routes.get(
        "/batches/{batch_id}/failed", summary="Read the failed rows of a batch", response_model=None, responses=_ANSWERS
    )
    def failed(
        caller: Calling,
        batch_id: BatchId,
        request: Request,
        path: FilePath = None,
        limit: Limit = 100,
        start: Start = 0,
    ) -> Any:
        """The same rows, as streaming ingestion tells of them. Without a path, the files."""
        batch = diagnostics.batch(caller, batch_id)
        place = f"{address(public_url, request)}/batches/{batch.id}/failed"
        if path:
            number = _number(path) if "/" not in path else None
            if number is None:
                raise _unknown(path)
            return _text(_failures(_rows_of(diagnostics, caller, batch, number)))
        count = diagnostics.files(batch)
        files = [(_name(number), _failed_length(diagnostics, caller, batch, number)) for number in range(1, count + 1)]
        return _files(files, place, "", limit=limit, start=start)

    return routes


Sized = tuple[str, Callable[[], int]]
"""A file's name, and how to find its length: it has to be made for that."""


def _listed(diagnostics: Diagnostics, caller: Caller, batch: Batch, folder: str) -> list[Sized]:
    """The files of a folder of the diagnostics. Raises NotFound."""
    table = diagnostics.input(batch)
    if folder == ROW_ERRORS:
        count = diagnostics.files(batch)
        return [(_name(number), _error_length(diagnostics, caller, batch, number)) for number in range(1, count + 1)]
    if folder == _INPUT_FILES:
        return [] if table is None else [(_INPUT, lambda: len(_input(table)))]
    if folder:
        raise _unknown(folder)
    sample = (SAMPLE, lambda: len(_errors(diagnostics, batch, diagnostics.sample(caller, batch))))
    return [(ROW_ERRORS, lambda: 0), (_INPUT_FILES, lambda: 0), sample]


def _error_length(diagnostics: Diagnostics, caller: Caller, batch: Batch, number: int) -> Callable[[], int]:
    return lambda: len(_errors(diagnostics, batch, diagnostics.rows(caller, batch, file=number - 1)))


def _failed_length(diagnostics: Diagnostics, caller: Caller, batch: Batch, number: int) -> Callable[[], int]:
    return lambda: len(_failures(diagnostics.rows(caller, batch, file=number - 1)))


def _files(files: Sequence[Sized], place: str, folder: str, *, limit: int, start: int) -> dict[str, Any]:
    def shown(file: Sized) -> dict[str, Any]:
        name, length = file
        return entry_json(name, length(), f"{place}?path={quote(folder + name, safe='')}")

    listing = f"{place}?path={quote(folder[:-1])}" if folder else place
    return page_json(files, shown, listing, limit=limit, start=start)


def _name(number: int) -> str:
    return f"validation_errors_{number}.json"


def _number(path: str) -> int | None:
    found = _FILE.fullmatch(path)
    return None if found is None else int(found[1])


def _rows_of(diagnostics: Diagnostics, caller: Caller, batch: Batch, number: int) -> Sequence[Quarantined]:
    rows = diagnostics.rows(caller, batch, file=number - 1)
    if not rows:
        raise _unknown(_name(number))
    return rows


def _unknown(path: str) -> NotFound:
    return NotFound(f"the batch has no file {path[:100]!r}", advice="Without a path, the call lists what there is.")


def _text(content: bytes) -> Response:
    return Response(content, media_type=_LINES)


def _input(table: str) -> bytes:
    return _lines([{"path": table}])


def _errors(diagnostics: Diagnostics, batch: Batch, rows: Iterable[Quarantined]) -> bytes:
    """Each row with its errors, as batch ingestion tells of them."""
    name = diagnostics.input(batch) or ""
    return _lines(
        {
            **row.row,
            "_errors": [{"code": _code(row.code), "message": row.message, "column": row.field}],
            "_filename": name,
        }
        for row in rows
    )


def _failures(rows: Iterable[Quarantined]) -> bytes:
    return _lines({**row.row, "_validationErrors": [_violation(row)]} for row in rows)


def _violation(row: Quarantined) -> dict[str, Any]:
    steps = row.field.split(".")
    return {
        "message": row.message,
        "keyword": "required" if _code(row.code) == _REQUIRED else "validation",
        "pointerToViolation": "#/" + "/".join(steps),
        "schemaLocation": "#" + "".join(f"/properties/{step}" for step in steps),
        "causingExceptions": [],
    }


def _code(code: str) -> str:
    """The number of a row's code: `1404` of `INGEST-1404-400`; a code without one as it is."""
    found = _CODE.fullmatch(code)
    return code if found is None else found[1]


def _lines(documents: Iterable[dict[str, Any]]) -> bytes:
    return "".join(f"{json.dumps(document, ensure_ascii=False)}\n" for document in documents).encode()
