"""Tables of the lake in the Delta format, in a folder or an object store."""

from flowservice.adapters.delta.folder import Folder
from flowservice.adapters.delta.lake import DeltaLake
from flowservice.adapters.delta.lake_files import DeltaFiles
from flowservice.adapters.delta.object_store import ObjectStore
from flowservice.adapters.delta.place import Access, place_of, storage_at

__all__ = ["Access", "DeltaFiles", "DeltaLake", "Folder", "ObjectStore", "place_of", "storage_at"]
