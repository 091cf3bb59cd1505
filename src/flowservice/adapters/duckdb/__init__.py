"""SQL over the tables of the lake, by DuckDB."""

from flowservice.adapters.duckdb.lake_sql import LakeSql
from flowservice.adapters.duckdb.output import FORMATS, write

__all__ = ["FORMATS", "LakeSql", "write"]
