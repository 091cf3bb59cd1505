"""Windows of a column that the table service applies itself, and its clock."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from demo.azurite import Azurite
from demo.tables import TableAccount, seed
from flowservice.connectors.azure_table.connection_string import parse
from flowservice.connectors.azure_table.source import TableSource
from flowservice.connectors.azure_table.windows import literal
from flowservice.domain.window import DeltaColumn, Late, Window
from flowservice.engine.windowing import selected
from flowservice.errors import BrokenPage
from flowservice.sdk import Clocked, Egress, Reading, Selection, Source
from tests.connectors.azure_table.table_server import LAPTOP, Answer, page, serving

SECOND = timedelta(seconds=1)
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
Bounds = tuple[datetime | None, datetime | None]


@pytest.fixture
def source(azurite: Azurite) -> Iterator[TableSource]:
    opened = TableSource(parse(azurite.connection_string), egress=LAPTOP)
    yield opened
    opened.close()


def entity(row: str, **properties: Any) -> dict[str, Any]:
    return {"PartitionKey": "p", "RowKey": row, **properties}


def changed(row: str, moment: str) -> dict[str, Any]:
    return entity(row, changed=moment, **{"changed@odata.type": "Edm.DateTime"})


def windowed(source: Source, table: str, column: str, bounds: Bounds) -> tuple[Reading, list[str]]:
    """How a window is read, and the row keys that come."""
    reading = source.plan(Selection(path=table, columns=("RowKey",), window=(column, *bounds)))
    keys = [
        str(key)
        for split in reading.splits
        for batch in source.read(split, after=None)
        for key in batch.rows.column("RowKey").to_pylist()
    ]
    return reading, keys


@pytest.mark.azurite
def test_the_seventh_digit_of_a_time_is_not_lost_at_the_edges(
    azurite: Azurite, source: TableSource, new_table: Callable[[str], str]
) -> None:
    table = new_table("edges")
    moments = {
        "0-just-before": "2026-03-01T11:59:59.9999999Z",
        "1-at-start": "2026-03-01T12:00:00Z",
        "2-just-after": "2026-03-01T12:00:00.0000001Z",
        "3-inside": "2026-03-01T12:00:00.5Z",
        "4-just-before-end": "2026-03-01T12:00:00.9999999Z",
        "5-at-end": "2026-03-01T12:00:01Z",
    }
    seed(TableAccount(endpoint=azurite.endpoint), table, (changed(row, at) for row, at in moments.items()))
    reading, keys = windowed(source, table, "changed", (NOON, NOON + SECOND))
    assert "window" in reading.pushed_down
    assert keys == ["1-at-start", "2-just-after", "3-inside", "4-just-before-end"]
    assert windowed(source, table, "changed", (None, NOON))[1] == ["0-just-before"]
    assert windowed(source, table, "changed", (NOON + SECOND, None))[1] == ["5-at-end"]


@pytest.mark.azurite
def test_rows_without_the_column_pass_so_that_the_engine_can_tell_of_them(
    azurite: Azurite, source: TableSource, new_table: Callable[[str], str]
) -> None:
    table = new_table("gaps")
    rows = [changed("inside", "2026-03-01T12:00:00Z"), changed("outside", "2026-03-02T00:00:00Z"), entity("without")]
    seed(TableAccount(endpoint=azurite.endpoint), table, iter(rows))
    reading, keys = windowed(source, table, "changed", (NOON, NOON + SECOND))
    assert "window" in reading.pushed_down
    assert keys == ["inside", "without"]


@pytest.mark.azurite
def test_rows_that_came_late_pass_so_that_the_engine_can_count_them(
    azurite: Azurite, source: TableSource, new_table: Callable[[str], str]
) -> None:
    assert source.change_column() == "Timestamp"
    table = new_table("latecomers")
    rows = [changed("before", "2026-03-01T11:00:00Z"), changed("in", "2026-03-01T12:00:00Z")]
    seed(TableAccount(endpoint=azurite.endpoint), table, iter([*rows, changed("beyond", "2026-03-02T00:00:00Z")]))

    def keys(since: datetime) -> list[str]:
        columns, window = ("changed", "Timestamp"), ("changed", NOON, NOON + SECOND)
        reading = source.plan(Selection(path=table, columns=columns, window=window, late=("Timestamp", since)))
        assert "window" in reading.pushed_down
        batches = [batch.rows for split in reading.splits for batch in source.read(split, after=None)]
        late = Late(column="Timestamp", since=since)
        found = [selected(rows, Window(column=DeltaColumn(name="changed"), start=NOON), late=late) for rows in batches]
        assert sum(tally.count for one in found for tally in one.skipped) == sum(rows.num_rows for rows in batches) - 1
        return sorted(str(key) for rows in batches for key in rows.column("RowKey").to_pylist())

    now = source.server_time()
    assert keys(now - timedelta(days=1)) == ["before", "in"]
    assert keys(now + timedelta(days=1)) == ["in"]


@pytest.mark.azurite
@pytest.mark.parametrize("column", ["mixed", "text", "absent", "a b"])
def test_a_window_of_another_column_is_left_to_the_engine(
    azurite: Azurite, source: TableSource, new_table: Callable[[str], str], column: str
) -> None:
    table = new_table("untimed")
    rows = [
        entity("0", text="2026-03-01", mixed="2026-03-01T12:00:00Z", **{"mixed@odata.type": "Edm.DateTime"}),
        entity("1", text="never", mixed="soon"),
    ]
    seed(TableAccount(endpoint=azurite.endpoint), table, iter(rows))
    reading, keys = windowed(source, table, column, (NOON, NOON + SECOND))
    assert "window" not in reading.pushed_down
    assert keys == ["0", "1"]


@pytest.mark.azurite
def test_timestamp_windows_by_the_services_clock_split_a_table(
    azurite: Azurite, source: TableSource, new_table: Callable[[str], str]
) -> None:
    assert isinstance(source, Clocked)
    table = new_table("stamped")
    seed(TableAccount(endpoint=azurite.endpoint), table, (entity(f"{n:03d}") for n in range(150)))
    now = source.server_time()
    assert abs(now - datetime.now(UTC)) < timedelta(minutes=1)
    middle = now - timedelta(days=1)
    before, after = (windowed(source, table, "Timestamp", bounds) for bounds in ((None, middle), (middle, None)))
    assert "window" in before[0].pushed_down
    assert (before[1], len(after[1])) == ([], 150)
    assert len(windowed(source, table, "Timestamp", (middle, now + timedelta(days=1)))[1]) == 150


def as_cosmos(request: Any) -> Answer:
    """A table of two rows of which one lies in the window, and a filter on Timestamp finds nothing."""
    if "Timestamp" in request.query.get("$filter", ""):
        return page([])
    moments = {"changed": "2026-03-01T12:00:00.5Z", "changed@odata.type": "Edm.DateTime"}
    return page([entity(str(n), Timestamp=f"2026-03-01T12:00:0{n}.5Z", **moments) for n in range(2)])


@pytest.mark.parametrize(
    ("host", "column", "pushed"),
    [
        ("account.table.cosmos.azure.com", "Timestamp", False),
        ("account-westeurope.table.cosmos.azure.com", "Timestamp", False),
        ("account.table.cosmos.azure.cn", "Timestamp", False),
        ("account.table.cosmos.azure.us", "Timestamp", False),
        ("Account.Table.COSMOSDB.azure.com", "Timestamp", False),
        ("account.table.cosmos.azure.com", "changed", True),
        ("account.table.core.windows.net", "Timestamp", True),
        ("account.table.core.chinacloudapi.cn", "Timestamp", True),
        ("cosmos.table.core.windows.net", "Timestamp", True),
        ("table.cosmosis.example", "Timestamp", True),
    ],
)
def test_only_cosmos_is_not_asked_to_filter_by_timestamp(host: str, column: str, pushed: bool) -> None:
    with serving(as_cosmos) as server:
        account = parse(f"AccountName=a;AccountKey=a2V5;TableEndpoint=http://{host}:{server.port}")
        source = TableSource(account, egress=Egress(local=True, resolve=lambda _: ["127.0.0.1"]))
        window = (column, NOON, NOON + SECOND)
        reading = source.plan(Selection(path="things", columns=("RowKey", column), window=window))
        assert ("window" in reading.pushed_down) is pushed
        del server.requests[:]
        (split,) = reading.splits
        batches = list(source.read(split, after=None))
        source.close()
    (request,) = server.requests
    # What the service does not filter by is read, so that the engine can.
    assert request.query["$select"] == f"PartitionKey,RowKey,{column}"
    assert (column in request.query.get("$filter", "")) is pushed
    if not pushed:
        (batch,) = batches
        window_of_run = Window(column=DeltaColumn(name=column), start=NOON, end=NOON + SECOND)
        assert selected(batch.rows, window_of_run).rows.column("RowKey").to_pylist() == ["0"]


def test_a_moment_is_written_with_all_of_its_microseconds() -> None:
    assert literal(datetime(2026, 3, 1, 12, 0, 0, 7, tzinfo=UTC)) == "datetime'2026-03-01T12:00:00.000007Z'"


def test_the_filter_goes_along_with_every_page_and_every_range_of_keys() -> None:
    asked: list[str] = []

    def answer(request: Any) -> Answer:
        asked.append(request.query.get("$filter", ""))
        rows = [{"PartitionKey": "p", "RowKey": str(len(asked)), "Timestamp": "2026-03-01T12:00:00.5Z"}]
        has_more = len(asked) < 4 and "$select" not in request.query
        return page(rows, next_partition=f"q{len(asked)}" if has_more else None)

    with serving(answer) as server:
        source = TableSource(server.account, egress=LAPTOP)
        reading = source.plan(Selection(path="stamped", window=("Timestamp", NOON, NOON + SECOND)))
        del asked[:]
        (split,) = reading.splits
        batches = list(source.read(split, after=None))
        wanted = (
            "Timestamp ge datetime'2026-03-01T12:00:00.000000Z' and Timestamp lt datetime'2026-03-01T12:00:01.000000Z'"
        )
        assert len(asked) == 4
        assert set(asked) == {wanted}
        assert sum(batch.rows.num_rows for batch in batches) == 4
        del asked[:]
        list(source.read(split, after={"last": ["p", "3"]}))
        assert asked[0] == f"PartitionKey eq 'p' and RowKey gt '3' and {wanted}"
        source.close()


@pytest.mark.parametrize("date", ["Sun, 01 Mar 2026 12:00:00 GMT", "Sun, 01 Mar 2026 12:00:00 -0000"])
def test_the_clock_is_the_services_date(date: str) -> None:
    with serving(lambda _: _dated(date)) as server:
        source = TableSource(server.account, egress=LAPTOP)
        assert source.server_time() == NOON
        source.close()


@pytest.mark.parametrize("date", ["", "soon", "Fri, 31 Dec 9999 23:59:59 -2359"])
def test_a_service_that_does_not_tell_its_time_is_asked_again_later(date: str) -> None:
    with serving(lambda _: _dated(date)) as server:
        source = TableSource(server.account, egress=LAPTOP)
        with pytest.raises(BrokenPage):
            source.server_time()
        source.close()


def _dated(date: str) -> Answer:
    answer = page([])
    return Answer(body=answer.body, headers={**answer.headers, "Date": date})
