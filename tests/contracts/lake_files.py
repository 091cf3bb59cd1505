"""What lies in a lake, wherever it is."""

from deltalake import DeltaTable
from pyarrow import fs

from flowservice.adapters.delta import DeltaLake
from flowservice.domain.dataset import TableRef


def paths(lake: DeltaLake, below: str = "") -> set[str]:
    """Every file there, by its path within the lake."""
    selector = fs.FileSelector(below, allow_not_found=True, recursive=True)
    found = lake.storage.filesystem.get_file_info(selector)
    return {info.path for info in found if info.type is fs.FileType.File}


def size_of(lake: DeltaLake, path: str) -> int:
    """In bytes."""
    size: int = lake.storage.filesystem.get_file_info(path).size
    return size


def table_of(lake: DeltaLake, table: TableRef) -> DeltaTable:
    """The table as another program sees it, and changes it."""
    return DeltaTable(lake.location(table), storage_options=dict(lake.storage.options))
