"""What someone who asks for a run on demand may say of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from flowservice.domain.epoch import seconds
from flowservice.domain.window import DeltaColumn, Window
from flowservice.errors import BadField, BadRunParams, BadWindow, RunNeedsDeltaColumn


@dataclass(frozen=True, slots=True, kw_only=True)
class RunParams:
    """When to run (None: now), over which window, and by which delta column."""

    starts_at: datetime | None = None
    window_start: datetime | None = None
    window_end: datetime | None = None
    delta_column: DeltaColumn | None = None

    @classmethod
    def of(cls, sent: Mapping[str, Any]) -> "RunParams":
        """As a client wrote them: times are epoch seconds. Raises BadRunParams, BadWindow."""
        column = sent.get("deltaColumn")
        try:
            delta_column = None if column is None else DeltaColumn.of(column, at="params.deltaColumn")
        except BadField as error:
            raise BadRunParams(error.message, advice=error.advice) from None
        params = cls(
            starts_at=_time(sent, "startTime"),
            window_start=_time(sent, "windowStartTime"),
            window_end=_time(sent, "windowEndTime"),
            delta_column=delta_column,
        )
        start, end = params.window_start, params.window_end
        if start is not None and end is not None and end < start:
            raise BadWindow(
                "params.windowEndTime lies before params.windowStartTime", advice="Send the earlier time as the start."
            )
        return params

    def window(self, column: DeltaColumn | None) -> Window | None:
        """The window, of that column; None: everything. Raises RunNeedsDeltaColumn."""
        if self.window_start is None and self.window_end is None:
            return None
        if column is None:
            raise RunNeedsDeltaColumn(
                "the first run over a window has to name the delta column",
                advice='Add params.deltaColumn {"name": …}; the flow keeps it.',
            )
        return Window(column=column, start=self.window_start, end=self.window_end)


def _time(sent: Mapping[str, Any], member: str) -> datetime | None:
    value = seconds(sent, member, at="params", error=BadRunParams)
    return None if value is None else datetime.fromtimestamp(value, UTC)
