"""The published numbers of what schedules, delta columns and runs are refused for."""

import pytest

from flowservice import errors as e
from flowservice.api.problems import documented


@pytest.mark.parametrize(
    ("kind", "number"),
    [
        (e.BadSchedule, "CONNECTOR-1397-400"),
        (e.IntervalNotAllowed, "CONNECTOR-1361-400"),
        (e.BadInterval, "CONNECTOR-1362-400"),
        (e.BackfillNotAllowed, "CONNECTOR-1364-400"),
        (e.StartInPast, "CONNECTOR-1360-400"),
        (e.StartHasPassed, "CONNECTOR-1366-400"),
        (e.CannotBecomeOnce, "CONNECTOR-1403-400"),
        (e.BackfillIsFixed, "CONNECTOR-1404-400"),
        (e.MissingDeltaColumn, "CONNECTOR-1367-400"),
        (e.DeltaColumnNotAllowed, "CONNECTOR-1369-400"),
        (e.UnknownColumn, "CONNECTOR-1378-400"),
        (e.DeltaColumnHasNoTimes, "CONNECTOR-1379-400"),
        (e.DeltaColumnDiffers, "CONNECTOR-1382-400"),
        (e.RunNeedsDeltaColumn, "CONNECTOR-1383-400"),
        (e.RunNotCreated, "CONNECTOR-1380-400"),
        (e.BadWindow, "CONNECTOR-1381-400"),
        (e.BadRunParams, "CONNECTOR-1384-400"),
        (e.ConnectorRunsNot, "CONNECTOR-1385-400"),
        (e.NotOnDemand, "CONNECTOR-1386-400"),
        (e.NotRetriable, "CONNECTOR-1387-400"),
        (e.FlowDisabled, "CONNECTOR-1388-400"),
        (e.UnknownRunAction, "CONNECTOR-1333-400"),
        (e.RunsAreManaged, "FLOW-1427-400"),
        (e.UnknownFlow, "FLOW-1430-404"),
        (e.EmptyFlowId, "FLOW-1446-400"),
    ],
)
def test_a_refusal_has_its_published_number(kind: type[e.Error], number: str) -> None:
    assert documented(kind)[0] == number
