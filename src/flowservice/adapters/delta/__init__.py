"""Tables of the lake in the Delta format, on a local folder."""

from flowservice.adapters.delta.lake import DeltaLake

__all__ = ["DeltaLake"]
