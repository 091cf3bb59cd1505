"""Windows of a column as `$filter`.

The engine's bounds are whole microseconds. A value of the service has seven digits, and cutting the seventh moves it
across no such bound: what the filter takes is what the engine takes.
"""

from datetime import UTC, datetime

from flowservice.connectors.azure_table import edm, sampling
from flowservice.connectors.azure_table.table_service import TableService
from flowservice.sdk import Selection

_SAMPLE_ROWS = 200


def condition(service: TableService, table: str, selection: Selection) -> str | None:
    """The condition that leaves out rows outside the window, and none besides; None: the service cannot tell them.

    A comparison with a property that is missing or of another type is false, so conditions on a column of entities say
    what a row may not be: then such rows pass, and the engine tells of them. So do those that came late.
    """
    column, start, end = selection.window or ("", None, None)
    bounds = (("ge", start), ("lt", end))
    if column == "Timestamp":
        if service.account.is_cosmos:
            # It answers any filter on Timestamp with 200 and no rows (github.com/Azure/azure-sdk-for-net/issues/32468).
            return None
        # Every entity has it.
        terms = [f"Timestamp {operator} {literal(at)}" for operator, at in bounds if at is not None]
    elif _is_datetime(service, table, column):
        outside = (("lt", start), ("ge", end))
        terms = [f"not ({column} {operator} {literal(at)})" for operator, at in outside if at is not None]
        if start is not None and selection.late is not None:
            written, since = selection.late
            terms[0] = f"({terms[0]} or {written} ge {literal(since)})"
    else:
        return None
    return " and ".join(terms) or None


def literal(at: datetime) -> str:
    """A moment as a filter says it."""
    return f"datetime'{at.astimezone(UTC).strftime('%Y-%m-%dT%H:%M:%S.%fZ')}'"


def _is_datetime(service: TableService, table: str, column: str) -> bool:
    if not column.isidentifier():
        return False
    sample = sampling.sample(service, table, rows=_SAMPLE_ROWS)
    index = sample.rows.schema.get_field_index(column)
    return bool(index >= 0 and sample.rows.schema.field(index).type == edm.ARROW[edm.DATETIME])
