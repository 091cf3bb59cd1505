"""Expressions of mappings over whole columns."""

from flowservice.engine.expressions import (
    functions_agents,
    functions_analytics,
    functions_arrays,
    functions_dates,
    functions_logic,
    functions_objects,
    functions_text,
    functions_web,
)
from flowservice.engine.expressions.column import Column
from flowservice.engine.expressions.evaluation import Scope, values
from flowservice.engine.expressions.source import source_column

__all__ = ["Column", "Scope", "source_column", "values"]

# Each fills the table of functions.
_FILLED = (
    functions_agents,
    functions_analytics,
    functions_arrays,
    functions_dates,
    functions_logic,
    functions_objects,
    functions_text,
    functions_web,
)
