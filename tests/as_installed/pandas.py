"""Stands before pandas on the path of the servers of these tests: where the service is installed there is none.

pyarrow would import it for nothing, at half a second a process.
"""

raise ImportError("pandas is for tests and benchmarks alone")
