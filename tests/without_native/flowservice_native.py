"""Stands before the installed extension on the path: as on a machine without it."""

raise ImportError("left out by `make test-portable`")
