"""What an explore call asks for. Clients write the names of its parameters in any way: `fileType`, `FileType`,
`FILE_TYPE`."""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final
from urllib.parse import unquote

import orjson
from fastapi import Depends, Query
from starlette.requests import Request

from flowservice.errors import (
    BadDelimiter,
    BadFilters,
    BadQuery,
    DetectionMixed,
    DetectionUnsupported,
    ExploreUnsupported,
    MissingParameter,
    RowFiltersUnsupported,
    UnknownObjectType,
    WrongFormat,
)
from flowservice.sdk import RowFilter, row_filter

_OBJECT_TYPES: Final = frozenset({"root", "folder", "file", "table", "rest"})
_FILE_TYPES: Final = frozenset({"delimited", "json", "parquet"})
_COMPRESSIONS: Final = frozenset({"bzip2", "gzip", "deflate", "zipdeflate", "targzip", "tar"})
_ENCODINGS: Final = frozenset({"utf-8", "iso-8859-1"})
_DETECTED: Final = {"filetype": "fileType", "compressiontype": "compressionType", "columndelimiter": "columnDelimiter"}
_FILES_ALONE: Final = "For files; checked, and without effect on tables."
_NAME_OF_TABLE: Final = "Send the name of the table."


@dataclass(frozen=True, slots=True, kw_only=True)
class ExploreCall:
    """A call that this server's sources can answer: the root, or a table."""

    path: str
    """Name of the table; empty for the root."""
    preview: bool = False
    wanted: RowFilter | None = None
    """Rows that a preview shows; None: all."""


async def _explore_call(
    request: Request,
    _object_type: Annotated[
        str | None, Query(alias="objectType", description="`root` or `table`, in any case.")
    ] = None,
    _object: Annotated[str | None, Query(alias="object", description="Name of the table.")] = None,
    _preview: Annotated[str, Query(alias="preview", description="`true` adds the first sampled rows.")] = "false",
    _file_type: Annotated[str | None, Query(alias="fileType", description=_FILES_ALONE)] = None,
    _delimiter: Annotated[str | None, Query(alias="columnDelimiter", description=_FILES_ALONE)] = None,
    _compression: Annotated[str | None, Query(alias="compressionType", description=_FILES_ALONE)] = None,
    _encoding: Annotated[str | None, Query(alias="encoding", description=_FILES_ALONE)] = None,
    _detect: Annotated[str | None, Query(alias="determineProperties", description=_FILES_ALONE)] = None,
    _filters: Annotated[
        str | None,
        Query(
            alias="filters",
            description="A row filter, as `params.filters` of a source connection has it, in base64: the preview of a "
            "table shows rows that pass it.",
        ),
    ] = None,
) -> ExploreCall:
    """Raises MissingParameter, UnknownObjectType, ExploreUnsupported, RowFiltersUnsupported and what `_check_file`,
    `_filter` raise."""
    sent = named(request)
    kind = sent.get("objecttype")
    if kind is None:
        raise MissingParameter(
            "the query parameter objectType is missing", advice="Send objectType=root or objectType=table."
        )
    kind = kind.lower()
    if kind not in _OBJECT_TYPES:
        raise UnknownObjectType("objectType is unknown", advice="Send root, folder, file, table or rest.")
    preview = _truth(sent, "preview")
    _check_file(sent)
    wanted = _filter(sent.get("filters", ""))
    if kind == "root" and wanted is not None:
        raise RowFiltersUnsupported("a list of tables has no rows to filter", advice="Leave filters out.")
    if kind == "root":
        return ExploreCall(path="")
    if kind != "table" and sent.get("object"):
        raise ExploreUnsupported(
            f"this source has no objects of type {kind}", advice="Use objectType=root or objectType=table."
        )
    return ExploreCall(path=table_named(request), preview=preview, wanted=wanted)


Exploring = Annotated[ExploreCall, Depends(_explore_call)]


def table_named(request: Request) -> str:
    """The table that `object` names. Raises MissingParameter."""
    path = named(request).get("object")
    if not path:
        raise MissingParameter("the query parameter object is missing", advice=_NAME_OF_TABLE)
    return path


def named(request: Request) -> Mapping[str, str]:
    """The parameters of a query by their names in lower case, without `_` and `-`."""
    return {name.lower().replace("_", "").replace("-", ""): value for name, value in request.query_params.items()}


def _truth(sent: Mapping[str, str], name: str) -> bool:
    text = sent.get(name, "").strip().lower()
    if text not in {"", "true", "false"}:
        raise BadQuery(f"{name} must be true or false", advice="Send true or false.")
    return text == "true"


def _check_file(sent: Mapping[str, str]) -> None:
    """What is said of a file's form must make sense, although it plays no part in tables.

    Raises BadQuery, WrongFormat, BadDelimiter, DetectionMixed, DetectionUnsupported.
    """
    file_type = sent.get("filetype", "").lower()
    if file_type and file_type not in _FILE_TYPES:
        raise WrongFormat("fileType is not a supported format", advice="Send delimited, json or parquet.")
    # A tab may be written out, once more encoded or not.
    delimiter = unquote(sent.get("columndelimiter", "")).replace("\\t", "\t")
    if len(delimiter) > 1:
        raise BadDelimiter("columnDelimiter is longer than one character", advice="Send one character, or \\t.")
    for name, known, words in (
        ("compressiontype", _COMPRESSIONS, "bzip2, gzip, deflate, zipDeflate, tarGzip or tar"),
        ("encoding", _ENCODINGS, "UTF-8 or ISO-8859-1"),
    ):
        if sent.get(name, "").lower() not in {"", *known}:
            raise BadQuery(f"{_DETECTED.get(name, name)} is unknown", advice=f"Send {words}.")
    if _truth(sent, "determineproperties"):
        manual = [shown for name, shown in _DETECTED.items() if sent.get(name)]
        if manual:
            raise DetectionMixed(
                f"determineProperties does not go with {', '.join(manual)}", advice="Send either of them."
            )
        raise DetectionUnsupported(
            "this source has no files whose properties could be determined", advice="Leave determineProperties out."
        )


def _filter(filters: str) -> RowFilter | None:
    """Raises BadFilters, BadRowFilter."""
    if not filters:
        return None
    try:
        # In the query, a plus sign is a space.
        text = filters.replace(" ", "+").translate(str.maketrans("-_", "+/")).rstrip("=")
        said: Any = orjson.loads(base64.b64decode(text + "=" * (-len(text) % 4), validate=True))
    except (binascii.Error, ValueError):
        said = None
    if not isinstance(said, dict):
        raise BadFilters("filters is not the base64 of a JSON object", advice="Encode the filter's JSON in base64.")
    return row_filter(said, at="filters")
