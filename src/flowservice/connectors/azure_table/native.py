"""The native decoder: the extension `flowservice_native` (`native/`) behind `decoder.Decoder`, if it is installed."""

from collections.abc import Mapping, Sequence
from importlib import import_module
from itertools import groupby
from typing import Any, Final

import pyarrow as pa

from flowservice.connectors.azure_table.columns import Column, to_batch
from flowservice.connectors.azure_table.page_faults import fault
from flowservice.sdk import SOURCE_TYPE


def _extension() -> Any:
    try:
        return import_module("flowservice_native")
    except ImportError:
        return None


_EXTENSION: Final[Any] = _extension()

VERSION: Final[str | None] = None if _EXTENSION is None else str(_EXTENSION.__version__)
"""Of the extension; None: it is not installed."""


class NativeDecoder:
    """Fills `decoder.Decoder`. Releases the GIL while it works on a page."""

    def __init__(self, *, columns: Sequence[str] | None = None, declared: Mapping[str, str] | None = None) -> None:
        self._decoder = _EXTENSION.Decoder(None if columns is None else set(columns), dict(declared or {}))

    @property
    def rows(self) -> int:
        """Entities since the last batch."""
        rows: int = self._decoder.rows
        return rows

    @property
    def last_key(self) -> tuple[str, str] | None:
        """The keys of the last of them."""
        key: tuple[str, str] | None = self._decoder.last_key
        return key

    def add(self, body: bytes | memoryview) -> int:
        """Append a page, or nothing of it."""
        try:
            rows: int = self._decoder.add(body)
        except _EXTENSION.PageFault as refused:
            raise fault(*refused.args) from None
        return rows

    def batch(self) -> pa.RecordBatch:
        """All rows since the last batch."""
        batch = pa.record_batch(self._decoder.batch())
        if len(set(batch.schema.names)) == batch.num_columns:
            return batch
        # A property with several Edm types comes as neighbouring columns of its name.
        parts = zip(batch.schema, batch.columns, strict=True)
        columns = (
            Column(name, {field.metadata[SOURCE_TYPE].decode(): values for field, values in own})
            for name, own in groupby(parts, lambda part: part[0].name)
        )
        return to_batch(columns, batch.num_rows)
