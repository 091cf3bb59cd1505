"""Filters, orders and pages over what clients see, on every database, against the same said in Python."""

import base64
import json
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event

from flowservice.adapters.sql import tables
from flowservice.adapters.sql.database import SqlDatabase
from flowservice.adapters.sql.engine import open_engine
from flowservice.adapters.sql.migrate import migrate
from flowservice.api.property_filter import condition
from flowservice.api.search_forms import FORMS
from flowservice.domain.connection import Connection, Signin, SourceConnection
from flowservice.domain.identity import Caller
from flowservice.domain.query import Condition, Operator, Order, Query
from flowservice.domain.resource import SpecRef, Stamp
from flowservice.domain.run import Counts, Run, RunError, RunState, Tally
from flowservice.errors import BadFilterValue, BadToken, BadValueType, UnsupportedForField
from tests.contracts.test_database import NOON, sandbox_of


@pytest.fixture
def caller(database: SqlDatabase) -> Caller:
    return sandbox_of(database, "A@AdobeOrg")


def source(caller: Caller, number: int, params: Mapping[str, Any], *, name: str = "source") -> SourceConnection:
    """The `number`th source connection."""
    return SourceConnection(
        id=f"s{number:03d}",
        stamp=Stamp.first(caller, at=NOON + timedelta(seconds=number)),
        name=name,
        spec=SpecRef(id="spec"),
        params=params,
    )


def run(caller: Caller, number: int, **changes: Any) -> Run:
    """The `number`th run, a minute after the one before."""
    at = NOON + timedelta(minutes=number)
    made = Run(
        id=f"r{number:05d}",
        stamp=Stamp.first(caller, at=at),
        flow_id=f"f{number % 3}",
        flow_spec=SpecRef(id="spec"),
        source_connection_id="s",
        target_connection_id="t",
        dataset_id="d",
        number=number,
        batch_id=f"b{number}",
    )
    return replace(made, **changes)


def ids(database: SqlDatabase, caller: Caller, *texts: str, order: tuple[Order, ...] = ()) -> list[str]:
    """Ids of the sources that fit."""
    query = Query(shown=tuple(map(condition, texts)), order=order)
    items = database.source_connections.list(caller.scope, query).items
    assert database.source_connections.count(caller.scope, query) == len(items)
    return [item.id for item in items]


def run_ids(database: SqlDatabase, caller: Caller, *texts: str) -> list[str]:
    """Ids of the runs that fit, over pages of four."""
    query = Query(shown=tuple(map(condition, texts)), limit=4)
    seen: list[str] = []
    while True:
        page = database.runs.list(caller.scope, query)
        seen += [item.id for item in page.items]
        if page.next is None:
            break
        assert len(page.items) == 4
        query = replace(query, after=page.next)
    assert database.runs.count(caller.scope, query) == len(seen)
    return seen


# --- against Python --------------------------------------------------------------------------------------------------

_NAMES = st.sampled_from(["a", "b", "A", "ä", "a-b", "with blank", "x=y", "p%_*?[", "z#", "o'c"])
_TEXTS = st.sampled_from(
    ["", "x", "X", "*", "?", "[a]", "%", "_", "a\nb", "\\n", "'", '"q"', "true", "null", "5", "5.0", "-3", "1e2", "007",
     "0x1", "ümlaut", "😀", "a=b", "1,2", "\x00", "\ud800", "#1", "^9", "x" * 5_000]
)  # fmt: skip
_LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-1_000, 1_000)
    | st.sampled_from([2**53, -(2**53), 0, 10, 1_717_000_000_000])
    | st.sampled_from([0.5, -2.25, 5.0, 1e20, 1e-7])
    | _TEXTS.filter(lambda text: "\x00" not in text and "\ud800" not in text)
)
_DOCUMENTS = st.dictionaries(
    _NAMES,
    st.recursive(_LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_NAMES, inner, max_size=3)),
    max_size=3,
)
_PATHS = st.lists(_NAMES, min_size=1, max_size=3).map(lambda steps: ("params", *steps)) | st.sampled_from(
    [("name",), ("state",), ("etag",), ("connectionSpec", "id"), ("createdBy",), ("createdAt",), ("id",)]
)
_CONDITIONS = st.builds(
    lambda path, operator, values: Condition(
        path=path, operator=operator, values=tuple(values if operator in {"==", "!="} else values[:1])
    ),
    _PATHS,
    st.sampled_from(list(Operator)),
    st.lists(
        _TEXTS.filter(bool).map(lambda text: text[:4_000])
        | _LEAVES.map(lambda leaf: leaf if isinstance(leaf, str) else json.dumps(leaf)).filter(bool),
        min_size=1,
        max_size=3,
    ),
)


def at(value: object, path: tuple[str, ...]) -> Iterator[object]:
    """Every value at a path, any element of an array."""
    if isinstance(value, list | tuple):
        for inner in value:
            yield from at(inner, path)
    elif isinstance(value, Mapping):
        if path and path[0] in value:
            yield from at(value[path[0]], path[1:])
    elif not path:
        yield value


def as_number(text: str) -> float | None:
    """JSON's idea of a number."""
    try:
        value = json.loads(text)
    except ValueError:
        return None
    return value if isinstance(value, int | float) and not isinstance(value, bool) and text.strip() == text else None


def bare(text: str) -> str:
    """Without the quotes around it."""
    return text[1:-1] if len(text) > 1 and text.startswith('"') and text.endswith('"') else text


def fits(document: Mapping[str, Any], wanted: Condition) -> bool:
    """The condition, said plainly."""
    texts = [bare(value if isinstance(value, str) else json.dumps(value)) for value in at(document, wanted.path)]
    values = tuple(map(bare, wanted.values))
    if wanted.path == ("state",):
        values = tuple(value.replace("_", "").lower() for value in values)
    if wanted.operator in {Operator.EQ, Operator.NE}:
        if wanted.path == ("createdAt",):
            texts, values = [float(text) for text in texts], [float(value) for value in values]  # type: ignore[assignment,misc]
        return any(text in values for text in texts) is (wanted.operator is Operator.EQ)
    limit = float(values[0])
    numbers = [number for text in texts if (number := as_number(text)) is not None]
    return {
        Operator.LT: any(number < limit for number in numbers),
        Operator.LE: any(number <= limit for number in numbers),
        Operator.GT: any(number > limit for number in numbers),
        Operator.GE: any(number >= limit for number in numbers),
    }[wanted.operator]


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.filter_too_much],
)
@given(documents=st.lists(_DOCUMENTS, min_size=1, max_size=6), wanted=st.lists(_CONDITIONS, min_size=1, max_size=12))
def test_the_database_finds_what_python_finds(
    database: SqlDatabase, caller: Caller, documents: list[dict[str, Any]], wanted: list[Condition]
) -> None:
    with database.engine.begin() as connection:
        connection.execute(tables.source_connections.delete())
    stored = [source(caller, number, params) for number, params in enumerate(documents)]
    for item in stored:
        database.source_connections.add(item)
    for one in wanted:
        query = Query(shown=(one,))
        try:
            found_ids = [item.id for item in database.source_connections.list(caller.scope, query).items]
        except (BadValueType, BadFilterValue):
            assert any(as_number(value) is None for value in one.values)
            continue
        except UnsupportedForField:
            assert one.path in {("id",), ("state",)}
            continue
        shown = [item for item in reversed(stored) if fits(FORMS.source_connections.shown(item), one)]
        assert found_ids == [item.id for item in shown], one
        assert database.source_connections.count(caller.scope, query) == len(shown)


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(
    values=st.lists(_LEAVES, min_size=2, max_size=8),
    others=st.lists(st.integers(0, 1), min_size=8, max_size=8),
    down=st.tuples(st.booleans(), st.booleans()),
)
def test_an_order_is_total_and_its_pages_hold_each_item_once(
    database: SqlDatabase, caller: Caller, values: list[Any], others: list[int], down: tuple[bool, bool]
) -> None:
    with database.engine.begin() as connection:
        connection.execute(tables.source_connections.delete())
    for number, value in enumerate(values):
        database.source_connections.add(source(caller, number, {"v": value, "o": others[number]}))
    order = (
        Order(path=("params", "o"), descending=down[0]),
        Order(path=("params", "v"), descending=down[1]),
    )
    query = Query(order=order, limit=2)
    seen: list[str] = []
    while True:
        page = database.source_connections.list(caller.scope, query)
        seen += [item.id for item in page.items]
        if page.next is None:
            break
        query = replace(query, after=page.next)

    def key(number: int) -> tuple[Any, ...]:
        text = bare(values[number] if isinstance(values[number], str) else json.dumps(values[number]))
        value = as_number(text)
        return (0, float(value), "") if value is not None else (1, 0.0, text[:200])

    expected = sorted(range(len(values)), reverse=True)
    expected.sort(key=key, reverse=down[1])
    expected.sort(key=lambda number: others[number], reverse=down[0])
    assert seen == [f"s{number:03d}" for number in expected]


# --- by example ------------------------------------------------------------------------------------------------------


def test_any_element_of_an_array_counts(database: SqlDatabase, caller: Caller) -> None:
    database.source_connections.add(
        source(caller, 1, {"columns": [{"name": "id", "size": 4}, {"name": "email", "size": 90}]})
    )
    database.source_connections.add(source(caller, 2, {"columns": [{"name": "id", "size": 7}]}))
    assert ids(database, caller, "params.columns[].name==email") == ["s001"]
    assert ids(database, caller, "params.columns.name==id") == ["s002", "s001"]
    assert ids(database, caller, "params.columns[].name!=email") == ["s002"]
    assert ids(database, caller, "params.columns[].size>8") == ["s001"]
    assert ids(database, caller, "params.columns[].size<5") == ["s001"]
    assert ids(database, caller, "params.columns[].size>=7", "params.columns[].name==id") == ["s002", "s001"]


def test_a_secret_is_in_no_search_row(database: SqlDatabase, caller: Caller) -> None:
    stored = Connection(
        id="c1",
        stamp=Stamp.first(caller, at=NOON),
        name="n",
        spec=SpecRef(id="spec"),
        auth=Signin(spec_name="key", params={"host": "visible-host"}, sealed="sealed-secret"),
    )
    database.connections.add(stored)
    with database.engine.connect() as connection:
        row = connection.execute(sa.select(tables.connections_search)).one()
    assert "sealed-secret" not in str(row)
    assert "visible-host" not in str(row)
    query = Query(shown=(condition("auth.specName==key"),))
    assert database.connections.count(caller.scope, query) == 1


def test_a_change_and_a_deletion_are_found_at_once(database: SqlDatabase, caller: Caller) -> None:
    first = source(caller, 1, {"tableName": "orders"})
    database.source_connections.add(first)
    second = replace(first, params={"tableName": "people"}, stamp=first.stamp.moved(caller, at=NOON))
    database.source_connections.replace(first, second)
    assert ids(database, caller, "params.tableName==orders") == []
    assert ids(database, caller, "params.tableName==people") == ["s001"]
    database.source_connections.delete(second)
    assert ids(database, caller, "params.tableName==people") == []


def test_what_is_undone_is_not_found(database: SqlDatabase, caller: Caller) -> None:
    def broken() -> None:
        with database.transaction() as tx:
            tx.source_connections.add(source(caller, 1, {"tableName": "orders"}))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        broken()
    assert ids(database, caller, "params.tableName==orders") == []


def test_another_sandbox_finds_nothing(database: SqlDatabase, caller: Caller) -> None:
    database.source_connections.add(source(caller, 1, {"tableName": "orders"}))
    database.runs.add(run(caller, 1))
    other = sandbox_of(database, "B@AdobeOrg")
    assert ids(database, other, "params.tableName==orders") == []
    assert ids(database, other, "id==s001") == []
    assert ids(database, other, "id!=x", order=(Order(path=("name",)),)) == []
    for text in ("id==r00001", "flowId==f1", "state==scheduled", "metrics.recordSummary.failedRecordCount>=0"):
        assert run_ids(database, other, text) == []


def some_runs(database: SqlDatabase, caller: Caller) -> None:
    """Thirty runs: each third failed, each fifth partly succeeded, and every other succeeded."""
    for number in range(30):
        state = (
            RunState.FAILED if number % 3 == 0 else RunState.PARTIAL_SUCCESS if number % 5 == 0 else RunState.SUCCESS
        )
        at = NOON + timedelta(minutes=number)
        rejected = number if number % 5 == 0 else 0
        database.runs.add(
            run(
                caller,
                number,
                state=state,
                started_at=at + timedelta(seconds=1) if number != 7 else None,
                read_completed_at=at + timedelta(seconds=5),
                completed_at=at + timedelta(seconds=9),
                counts=Counts(read=number, written=number - rejected, rejected=rejected),
                rejections=(Tally(code="MAPPER-1", field="f", message="m", count=rejected),) if rejected else (),
                errors=(RunError(code="source", message="gone", advice=""),) if state is RunState.FAILED else (),
            )
        )


STARTED_10 = round((NOON + timedelta(minutes=10, seconds=1)).timestamp() * 1000)
CREATED_10 = STARTED_10 - 1_000
MINUTE_MS = 60_000


RUNS_FOUND: list[tuple[list[str], Iterable[int]]] = [
    (["id==r00003,r00001,other"], [3, 1]),
    (["id!=r00003", "flowId==f0", "createdAt<=" + str(CREATED_10)], [9, 6, 0]),
    (["flowId==f1"], range(28, 0, -3)),
    (["flowId==f1,f2", "createdAt>" + str(CREATED_10)], [n for n in range(29, 10, -1) if n % 3]),
    (["state==failed"], range(27, -1, -3)),
    (["state==FAILED,partial_success"], [n for n in range(29, -1, -1) if not n % 3 or not n % 5]),
    (["metrics.statusSummary.status==Failed"], range(27, -1, -3)),
    (["metrics.statusSummary.status==PARTIAL_SUCCESS"], [25, 20, 10, 5]),
    (["state!=failed,success"], [25, 20, 10, 5]),
    (["state==nothing"], []),
    (["metrics.durationSummary.startedAtUTC>" + str(STARTED_10)], range(29, 10, -1)),
    (["metrics.durationSummary.startedAtUTC>=" + str(STARTED_10)], range(29, 9, -1)),
    (["metrics.durationSummary.startedAtUTC<" + str(STARTED_10)], [9, 8, 6, 5, 4, 3, 2, 1, 0]),
    (["metrics.durationSummary.startedAtUTC==" + str(STARTED_10)], [10]),
    (["metrics.durationSummary.startedAtUTC!=" + str(STARTED_10)], [n for n in range(29, -1, -1) if n != 10]),
    (["metrics.durationSummary.startedAtUTC>99999999999999999999"], []),
    (["metrics.durationSummary.completedAtUTC>" + str(CREATED_10 + 9_000)], range(29, 10, -1)),
    (["metrics.recordSummary.failedRecordCount>0"], [25, 20, 15, 10, 5]),
    (
        ["metrics.recordSummary.failedRecordCount>9.5", "metrics.recordSummary.failedRecordCount<=20.0"],
        [20, 15, 10],
    ),
    (["metrics.recordSummary.failedRecordCount==20.0"], [20]),
    (["metrics.recordSummary.failedRecordCount==20.5"], []),
    (["metrics.recordSummary.inputRecordCount==4,5,99999999999999999999"], [5, 4]),
    (["metrics.recordSummary.outputRecordCount==0"], [25, 20, 15, 10, 5, 0]),
    (["metrics.recordSummary.failedInfo[].count>=20"], [25, 20]),
    (["metrics.recordSummary.failedInfo[].code==MAPPER-1", "state==failed"], [15]),
    (["metrics.statusSummary.errors[].code==source", "metrics.recordSummary.inputRecordCount<4"], [3, 0]),
    (["activities[].statusSummary.status==FAILED", "flowId==f0"], list(range(27, -1, -3))),
    (["activities[].id==promotionActivity", "id==r00007"], []),
    (["createdAt==" + str(CREATED_10)], [10]),
    (["createdAt<" + str(CREATED_10)], range(9, -1, -1)),
    (["createdAt<" + str(CREATED_10), "providerRefId!=b7"], [9, 8, 6, 5, 4, 3, 2, 1, 0]),
    (["createdAt>=" + str(CREATED_10), "createdAt<=" + str(CREATED_10 + MINUTE_MS)], [11, 10]),
    (["version==nothing"], []),
    (["sandboxName==dev"], []),
    (["sandboxName!=dev", "imsOrgId!=B@AdobeOrg", "id==r00001"], [1]),
    (["createdAt!=" + str(CREATED_10), "id==r00010"], []),
    (["providerRefId==b7"], [7]),
    (["providerRefId==B7"], []),
    (["sandboxName==prod", "imsOrgId==A@AdobeOrg", "flowSpec.id==spec", "id==r00001"], [1]),
]


@pytest.mark.parametrize("few", [2, 10_000])
def test_runs_are_found_by_every_plan(database: SqlDatabase, caller: Caller, few: int) -> None:
    some_runs(database, caller)
    for texts, numbers in RUNS_FOUND:
        found = run_ids(replace(database, few=few), caller, *texts)
        assert found == [f"r{number:05d}" for number in numbers], texts


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("createdAt==noon", BadFilterValue),
        ("metrics.recordSummary.failedRecordCount==true", BadFilterValue),
        ("createdAt>noon", BadValueType),
        ("createdAt>nan", BadValueType),
        ("createdAt>1e999", BadValueType),
        ("params.x>abc", BadValueType),
        ("flowId>5", UnsupportedForField),
        ("id<5", UnsupportedForField),
        ("state>=5", UnsupportedForField),
    ],
)
def test_a_value_that_does_not_fit_its_field_is_refused(
    database: SqlDatabase, caller: Caller, text: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        database.runs.list(caller.scope, Query(shown=(condition(text),)))


def test_pages_of_an_order_stay_right_while_items_come_and_go(database: SqlDatabase, caller: Caller) -> None:
    stored = [source(caller, number, {}, name=f"n{number % 2}") for number in range(8)]
    for item in stored:
        database.source_connections.add(item)
    query = Query(order=(Order(path=("name",)),), limit=3)
    first = database.source_connections.list(caller.scope, query)
    assert [item.id for item in first.items] == ["s006", "s004", "s002"]
    # One that was seen goes, others come before and after the place where the next page begins.
    database.source_connections.delete(first.items[0])
    database.source_connections.delete(first.items[2])
    database.source_connections.add(source(caller, 20, {}, name="a"))
    database.source_connections.add(source(caller, 21, {}, name="n2"))
    rest: list[str] = []
    after = first.next
    while after is not None:
        page = database.source_connections.list(caller.scope, replace(query, after=after))
        rest, after = rest + [item.id for item in page.items], page.next
    assert rest == ["s000", "s007", "s005", "s003", "s001", "s021"]


@pytest.mark.parametrize(
    "keys", [[], [1, 2], [0, "\ud800"], [0, "\0"], [float("inf"), "x"], [10**19, "x"], [True, "x"], {}, "x", None]
)
def test_a_strange_token_of_a_filtered_list_is_refused(database: SqlDatabase, caller: Caller, keys: object) -> None:
    token = base64.urlsafe_b64encode(json.dumps(keys).encode()).decode().rstrip("=")
    for order in ((), (Order(path=("name",)),), (Order(path=("params", "x")),)):
        with pytest.raises(BadToken):
            database.source_connections.list(
                caller.scope, Query(shown=(condition("name==x"),), order=order, after=token)
            )


def test_rows_of_an_older_form_are_made_anew(database: SqlDatabase, caller: Caller) -> None:
    for number in range(3):
        database.source_connections.add(source(caller, number, {"tableName": "orders"}))
    assert database.refresh_search() == 3
    assert database.refresh_search() == 0
    with database.engine.begin() as connection:
        connection.execute(tables.source_connections_search.update().values(texts=""))
        connection.execute(tables.search_forms.update().values(number=0))
    assert ids(database, caller, "params.tableName==orders") == []
    assert database.refresh_search() == 3
    assert ids(database, caller, "params.tableName==orders") == ["s002", "s001", "s000"]


def test_two_that_start_at_once_both_make_rows_of_an_older_form_anew(database: SqlDatabase, caller: Caller) -> None:
    for number in range(1_200):
        database.source_connections.add(source(caller, number, {"tableName": "orders"}))
    with ThreadPoolExecutor(3) as pool:
        assert all(pool.map(lambda _: database.refresh_search() in {0, 1_200}, range(3)))
    counted = Query(shown=(condition("params.tableName==orders"),))
    assert database.source_connections.count(caller.scope, counted) == 1_200


def test_sqlite_goes_by_the_index_of_what_the_service_looks_for(tmp_path: Path) -> None:
    # PostgreSQL chooses by its statistics.
    engine = open_engine(f"sqlite:///{tmp_path / 'control.db'}")
    migrate(engine)
    database = SqlDatabase(engine=engine)
    caller = sandbox_of(database, "A@AdobeOrg")
    said: list[str] = []
    event.listen(database.engine, "before_cursor_execute", lambda *seen: said.append(seen[2]))
    conditions = (Condition(path=("flow_id",), operator=Operator.EQ, values=("f",)),)
    database.runs.list(caller.scope, Query(conditions=conditions))
    with database.engine.begin() as connection:
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {said[-1]}", ("x",) * said[-1].count("?")).all()
    assert "ix_runs_flow_id" in str(plan)


def test_orders_by_a_column_and_by_a_text(database: SqlDatabase, caller: Caller) -> None:
    some_runs(database, caller)
    for path, descending, first in (
        (("metrics", "recordSummary", "failedRecordCount"), True, ["r00025", "r00020"]),
        (("metrics", "durationSummary", "startedAtUTC"), False, ["r00000", "r00001"]),
        (("metrics", "durationSummary", "startedAtUTC"), True, ["r00007", "r00029"]),
        (("state",), False, ["r00027", "r00024"]),
        (("createdAt",), False, ["r00000", "r00001"]),
        (("id",), True, ["r00029", "r00028"]),
    ):
        page = database.runs.list(caller.scope, Query(order=(Order(path=path, descending=descending),), limit=2))
        assert [item.id for item in page.items] == first, path
