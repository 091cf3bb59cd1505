"""Expressions of mappings over whole columns."""
