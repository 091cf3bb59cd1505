"""What every store promises, on every database."""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from flowservice.adapters.sql.database import SqlDatabase
from flowservice.adapters.sql.migrate import migrate
from flowservice.adapters.sql.tables import metadata
from flowservice.domain.connection import Connection, Signin
from flowservice.domain.dataset_labels import DatasetLabels, FieldLabels, LabelsDue
from flowservice.domain.identity import ALL_PERMISSIONS, Caller, Org, Sandbox, SandboxState
from flowservice.domain.query import Condition, Operator, Order, Query
from flowservice.domain.resource import SpecRef, Stamp
from flowservice.domain.run import Counts, Run, RunState, Tally
from flowservice.domain.staging import Part, Staged
from flowservice.domain.window import DeltaColumn, Window
from flowservice.errors import BadQuery, Conflict, NotFound, Stale

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


def sandbox_of(database: SqlDatabase, org: str, name: str = "prod") -> Caller:
    """A caller in a new sandbox."""
    if not any(known.id == org for known in database.tenancy.orgs()):
        database.tenancy.add_org(Org(id=org, tenant_id="t", created_at=NOON))
    sandbox = Sandbox(
        id=f"{org}-{name}",
        org_id=org,
        name=name,
        title=name,
        type="production",
        state=SandboxState.ACTIVE,
        region="VA7",
        is_default=name == "prod",
        revision=1,
        created_at=NOON,
        created_by="u",
        updated_at=NOON,
        updated_by="u",
    )
    database.tenancy.add_sandbox(sandbox)
    return Caller(scope=sandbox.scope, tenant_id="t", user_id="u", client_id="c", permissions=ALL_PERMISSIONS)


@pytest.fixture
def caller(database: SqlDatabase) -> Caller:
    return sandbox_of(database, "A@AdobeOrg")


def connection(caller: Caller, number: int, **auth: object) -> Connection:
    return Connection(
        id=f"c{number}",
        stamp=Stamp.first(caller, at=NOON + timedelta(seconds=number)),
        name=f"name {number}",
        spec=SpecRef(id="spec"),
        auth=Signin(spec_name="key", params=auth),
    )


def ids(connections: Sequence[Connection]) -> list[str]:
    return [item.id for item in connections]


def test_what_is_added_is_read_back_whole(database: SqlDatabase, caller: Caller) -> None:
    added = connection(caller, 1, host="h", nested={"deep": [1, 2.5, None, "é"]})
    database.connections.add(added)
    assert database.connections.get(caller.scope, "c1") == added


def test_an_id_is_taken_once(database: SqlDatabase, caller: Caller) -> None:
    database.connections.add(connection(caller, 1))
    with pytest.raises(Conflict):
        database.connections.add(connection(caller, 1))


@pytest.mark.parametrize(("org", "name"), [("B@AdobeOrg", "prod"), ("A@AdobeOrg", "dev")])
def test_another_scope_sees_nothing(database: SqlDatabase, caller: Caller, org: str, name: str) -> None:
    stored = connection(caller, 1)
    database.connections.add(stored)
    other = sandbox_of(database, org, name)
    with pytest.raises(NotFound):
        database.connections.get(other.scope, "c1")
    assert not database.connections.list(other.scope, Query()).items
    assert database.connections.count(other.scope, Query()) == 0
    with pytest.raises(NotFound):
        database.connections.delete(replace(stored, stamp=replace(stored.stamp, scope=other.scope)))


def test_of_two_writers_on_one_revision_one_wins(database: SqlDatabase, caller: Caller) -> None:
    first = connection(caller, 1)
    database.connections.add(first)
    database.connections.replace(first, replace(first, name="one", stamp=first.stamp.moved(caller, at=NOON)))
    with pytest.raises(Stale):
        database.connections.replace(first, replace(first, name="two", stamp=first.stamp.moved(caller, at=NOON)))
    with pytest.raises(Stale):
        database.connections.delete(first)
    assert database.connections.get(caller.scope, "c1").name == "one"


def test_what_is_deleted_is_gone(database: SqlDatabase, caller: Caller) -> None:
    stored = connection(caller, 1)
    database.connections.add(stored)
    database.connections.delete(stored)
    with pytest.raises(NotFound):
        database.connections.get(caller.scope, "c1")


def test_pages_are_newest_first_and_hold_each_item_once(database: SqlDatabase, caller: Caller) -> None:
    for number in range(7):
        database.connections.add(connection(caller, number))
    seen: list[str] = []
    token: str | None = None
    while True:
        page = database.connections.list(caller.scope, Query(limit=3, after=token))
        seen += ids(page.items)
        token = page.next
        if token is None:
            break
        assert token.replace("-", "").replace("_", "").isalnum()
        # What comes meanwhile does not disturb the pages that follow.
        database.connections.add(connection(caller, 100 + len(seen)))
    assert seen == [f"c{number}" for number in reversed(range(7))]


def test_a_sorted_list_pages_too(database: SqlDatabase, caller: Caller) -> None:
    for number in range(5):
        database.connections.add(connection(caller, number))
    order = (Order(path=("name",), descending=True),)
    first = database.connections.list(caller.scope, Query(order=order, limit=3))
    second = database.connections.list(caller.scope, Query(order=order, limit=3, after=first.next))
    assert ids([*first.items, *second.items]) == ["c4", "c3", "c2", "c1", "c0"]
    assert second.next is None


@pytest.mark.parametrize(
    ("path", "operator", "values", "found"),
    [
        ("id", "==", ["c1", "c3"], ["c3", "c1"]),
        ("id", "!=", ["c1", "c3"], ["c2", "c0"]),
        ("state", "==", ["Enabled"], ["c3", "c2", "c1", "c0"]),
        ("created_at", ">=", [str(1777636802000)], ["c3", "c2"]),
        ("auth.params.size", "==", ["2"], ["c2"]),
        ("auth.params.size", "<", ["2"], ["c1", "c0"]),
        ("auth.params.tls", "==", ["true"], ["c2", "c0"]),
        ("auth.params.missing", "==", ["x"], []),
        ("auth.params.missing", "!=", ["x"], ["c3", "c2", "c1", "c0"]),
        ("spec.id", "==", ["spec' OR 1=1 --"], []),
        ("""spec.i'd".x""", "==", ["y"], []),
    ],
)
def test_filters(
    database: SqlDatabase, caller: Caller, path: str, operator: str, values: list[str], found: list[str]
) -> None:
    for number in range(4):
        database.connections.add(connection(caller, number, size=number, tls=number % 2 == 0))
    condition = Condition(path=tuple(path.split(".")), operator=Operator(operator), values=tuple(values))
    query = Query(conditions=(condition,))
    assert ids(database.connections.list(caller.scope, query).items) == found
    assert database.connections.count(caller.scope, query) == len(found)


@pytest.mark.parametrize("token", ["x", "WzFd", "W10", "eyJhIjoxfQ", "é"])
def test_a_strange_token_is_refused(database: SqlDatabase, caller: Caller, token: str) -> None:
    with pytest.raises(BadQuery):
        database.connections.list(caller.scope, Query(after=token))


def test_a_transaction_is_undone_by_an_error(database: SqlDatabase, caller: Caller) -> None:
    def broken() -> None:
        with database.transaction() as tx:
            tx.connections.add(connection(caller, 1))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        broken()
    assert not database.connections.list(caller.scope, Query()).items


def test_the_first_plan_of_a_run_stays(database: SqlDatabase) -> None:
    assert database.progress.plan("r") is None
    assert database.progress.keep_plan("r", {"splits": 1}) == {"splits": 1}
    assert database.progress.keep_plan("r", {"splits": 2}) == {"splits": 1}


NOTHING = Staged(data=None, rejects=None, counts=Counts(), warnings=(), rejections=(), resume={"token": "t"})


def test_only_the_newest_attempt_records(database: SqlDatabase) -> None:
    staged = Staged(
        data=Part(path="p", rows=2, size_bytes=9),
        rejects=None,
        counts=Counts(read=2, written=2),
        warnings=(Tally(code="W", field="f", message="m", count=1),),
        rejections=(),
        resume={"token": "t"},
    )
    first = database.progress.begin("r", 0)
    first = database.progress.record(first, staged, done=False)
    second = database.progress.begin("r", 0)
    assert second.attempt > first.attempt
    assert second.staged == (staged,)
    assert second.resume == {"token": "t"}
    with pytest.raises(Stale):
        database.progress.record(first, staged, done=True)
    database.progress.record(second, staged, done=True)
    (split,) = database.progress.splits("r")
    assert split.done
    assert len(split.staged) == 2


def test_a_split_that_is_divided_reads_less_and_another_one_the_rest(database: SqlDatabase) -> None:
    database.progress.keep_plan("r", {})
    first, second = database.progress.begin("r", 0), database.progress.begin("r", 1)
    given = database.progress.divide(first, kept={"to": 5}, given={"from": 5}, above=3)
    assert (given.number, given.attempt, given.reads) == (4, 0, {"from": 5})
    assert database.progress.divide(second, kept={"to": 7}, given={"from": 7}, above=3).number == 5
    # What an attempt records leaves alone what was divided meanwhile.
    database.progress.record(first, NOTHING, done=False)
    again, taken = database.progress.begin("r", 0), database.progress.begin("r", 4)
    assert (again.reads, taken.reads, taken.attempt) == ({"to": 5}, {"from": 5}, 1)
    assert [(split.number, split.reads) for split in database.progress.splits("r")] == [
        (0, {"to": 5}),
        (1, {"to": 7}),
        (4, {"from": 5}),
        (5, {"from": 7}),
    ]


def test_a_split_that_is_done_or_another_attempts_is_not_divided(database: SqlDatabase) -> None:
    database.progress.keep_plan("r", {})
    first = database.progress.begin("r", 0)
    second = database.progress.begin("r", 0)
    with pytest.raises(Stale):
        database.progress.divide(first, kept={}, given={}, above=0)
    database.progress.record(second, NOTHING, done=True)
    with pytest.raises(Stale):
        database.progress.divide(second, kept={}, given={}, above=0)
    (split,) = database.progress.splits("r")
    assert split.reads is None


def test_divisions_at_the_same_time_get_numbers_of_their_own(database: SqlDatabase) -> None:
    database.progress.keep_plan("r", {})
    begun = [database.progress.begin("r", number) for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        given = list(pool.map(lambda split: database.progress.divide(split, kept={}, given={}, above=7), begun))
    assert sorted(split.number for split in given) == list(range(8, 16))


def test_migrations_make_the_tables_that_the_code_uses(database: SqlDatabase) -> None:
    migrate(database.engine)
    with database.engine.connect() as connection:
        ours = {name for name in sa.inspect(connection).get_table_names() if name != "alembic_version"}
        difference = compare_metadata(MigrationContext.configure(connection), metadata)
    assert ours == set(metadata.tables)
    assert difference == []


def a_run(caller: Caller, number: int, window: Window | None = None) -> Run:
    return Run(
        id=f"{caller.scope.org_id}-r{number}",
        stamp=Stamp.first(caller, at=NOON),
        flow_id="f",
        flow_spec=SpecRef(id="spec"),
        source_connection_id="s",
        target_connection_id="t",
        dataset_id="d",
        number=0,
        batch_id="b",
        starts_at=NOON + timedelta(minutes=number),
        window=window,
    )


def test_activity_is_summed_by_flow_bucket_and_state(database: SqlDatabase, caller: Caller) -> None:
    other = sandbox_of(database, "B@AdobeOrg")

    def ran(number: int, minute: int, state: RunState, read: int, *, flow: str = "f", by: Caller = caller) -> None:
        at = Stamp.first(by, at=NOON + timedelta(minutes=minute))
        counts = Counts(read=read, written=max(read - 1, 0), rejected=min(read, 1))
        run = replace(a_run(by, number), starts_at=None, flow_id=flow, number=number, state=state, stamp=at)
        database.runs.add(replace(run, counts=counts, read_completed_at=at.created.at if read else None))

    ran(1, 0, RunState.SUCCESS, 10)
    ran(2, 9, RunState.SUCCESS, 20)
    ran(3, 9, RunState.FAILED, 5)
    ran(4, 10, RunState.SUCCESS, 7)
    ran(5, 0, RunState.PARTIAL_SUCCESS, 3, flow="g")
    ran(6, -1, RunState.SUCCESS, 100)
    ran(7, 20, RunState.SUCCESS, 100)
    ran(8, 0, RunState.SUCCESS, 100, by=other)
    ran(9, 5, RunState.IN_PROGRESS, 0)
    found = database.runs.activity(caller.scope, since=NOON, bucket=timedelta(minutes=10), buckets=2)
    assert sorted((a.flow_id, a.bucket, a.state.value, a.runs, a.read, a.written, a.rejected) for a in found) == [
        ("f", 0, "failed", 1, 5, 4, 1),
        ("f", 0, "inProgress", 1, 0, 0, 0),
        ("f", 0, "success", 2, 30, 28, 2),
        ("f", 1, "success", 1, 7, 6, 1),
        ("g", 0, "partialSuccess", 1, 3, 2, 1),
    ]


def test_runs_that_wait_are_found_when_their_time_has_come_the_longest_due_first(
    database: SqlDatabase, caller: Caller
) -> None:
    other = sandbox_of(database, "B@AdobeOrg")
    window = Window(column=DeltaColumn(name="changed", timezone="UTC"), start=NOON, end=NOON + timedelta(seconds=1))
    for run in (a_run(caller, 3), a_run(other, 1, window=window), a_run(caller, 2), a_run(caller, 5)):
        database.runs.add(run)
    database.runs.add(replace(a_run(caller, 0), starts_at=None, number=1))

    def due(minute: int, limit: int = 9) -> list[str]:
        at = NOON + timedelta(minutes=minute)
        return [run.id.rpartition("r")[2] for run in database.runs.waiting(at=at, limit=limit)]

    assert (due(0), due(1), due(4), due(9, limit=2)) == ([], ["1"], ["1", "2", "3"], ["1", "2"])
    first = database.runs.find("B@AdobeOrg-r1")
    assert (first.window, first.starts_at, first.is_waiting) == (window, NOON + timedelta(minutes=1), True)
    database.runs.replace(first, replace(first, number=4, stamp=first.stamp.touched()))
    second = database.runs.find("A@AdobeOrg-r2")
    database.runs.replace(second, second.moved_to(RunState.FAILED, at=NOON))
    assert due(9) == ["3", "5"]
    after = database.runs.find("A@AdobeOrg-r3")
    assert [run.id for run in database.runs.waiting(at=NOON + timedelta(hours=1), limit=9, after=after)] == [
        "A@AdobeOrg-r5"
    ]


def test_flows_at_work_are_those_with_a_run_that_is_queued_or_in_progress(
    database: SqlDatabase, caller: Caller
) -> None:
    other = sandbox_of(database, "B@AdobeOrg")

    def begun(who: Caller, number: int, flow_id: str, account: str | None) -> Run:
        run = replace(a_run(who, number), starts_at=None, number=1, flow_id=flow_id, connection_id=account)
        database.runs.add(run)
        return run

    running = begun(caller, 1, "f1", "a")
    begun(caller, 2, "f1", "a")
    begun(other, 3, "f2", None)
    ended = begun(caller, 4, "f3", "a")
    database.runs.replace(running, running.moved_to(RunState.IN_PROGRESS, at=NOON))
    database.runs.replace(ended, ended.moved_to(RunState.FAILED, at=NOON))
    database.runs.add(replace(a_run(caller, 5), flow_id="f4"))  # it waits for its time

    def flows(*callers: Caller) -> set[tuple[str, str | None]]:
        found = database.runs.at_work([who.scope.org_id for who in callers])
        assert all(one.sandbox_id in {who.scope.sandbox_id for who in callers} for one in found)
        return {(one.flow_id, one.connection_id) for one in found}

    assert flows(caller, other) == {("f1", "a"), ("f2", None)}
    assert (flows(caller), flows()) == ({("f1", "a")}, set())


def test_many_are_added_and_replaced_together_or_not_at_all(database: SqlDatabase, caller: Caller) -> None:
    runs = [a_run(caller, number) for number in range(20)]
    database.runs.add_all(runs)
    listed = database.runs.list(caller.scope, Query(limit=100)).items
    assert sorted(listed, key=lambda run: run.id) == sorted(runs, key=lambda run: run.id)
    with pytest.raises(Conflict):
        database.runs.add_all([a_run(caller, 20), runs[3]])
    with pytest.raises(NotFound):
        database.runs.find(a_run(caller, 20).id)

    pairs = [(run, replace(run, number=7, stamp=run.stamp.touched())) for run in runs]
    database.runs.replace_all(pairs[:10])
    # One that was changed meanwhile, and one that is not there.
    for wrong in (pairs[9], (a_run(caller, 99), a_run(caller, 99))):
        with pytest.raises(Stale):
            database.runs.replace_all([*pairs[10:], wrong])
    assert [database.runs.find(run.id).number for run in runs] == [7] * 10 + [0] * 10
    # What clients see was rewritten, too.
    shown = Condition(path=("id",), operator=Operator.EQ, values=tuple(run.id for run in runs))
    assert database.runs.count(caller.scope, Query(shown=(shown,))) == 20
    database.runs.replace_all([])
    database.runs.add_all([])


def test_a_flow_has_a_run_in_line_if_one_for_a_slot_has_not_begun(database: SqlDatabase, caller: Caller) -> None:
    waits = replace(a_run(caller, 0), starts_at=None, slot_at=NOON, number=1)
    for number, (flow_id, run) in enumerate(
        (
            ("in line", waits),
            ("begun", waits.moved_to(RunState.IN_PROGRESS, at=NOON)),
            ("on demand", replace(waits, slot_at=None)),
            ("repeated", replace(waits, parent_id="r")),
            ("not asked for", waits),
        )
    ):
        database.runs.add(replace(run, id=f"r{number}", flow_id=flow_id))
    asked = ["in line", "begun", "on demand", "repeated", "without runs"]
    assert database.runs.with_a_run_in_line(asked) == {"in line"}
    assert database.runs.with_a_run_in_line([]) == set()


def test_a_lease_has_one_holder_until_it_expires_by_the_clock_of_the_database(database: SqlDatabase) -> None:
    leases, long, short = database.leases, timedelta(minutes=1), timedelta(milliseconds=200)
    assert leases.holder("tick") is None
    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(lambda n: leases.take("tick", f"p{n}", lasts=long), range(8)))
    assert sorted(taken) == [False] * 7 + [True]
    held = f"p{taken.index(True)}"
    assert leases.holder("tick") == held
    assert leases.take("tick", held, lasts=long)
    assert leases.take("another", "p9", lasts=long)
    leases.give_up("tick", "p9")
    assert leases.holder("tick") == held
    leases.give_up("tick", held)
    assert (leases.holder("tick"), leases.holder("another")) == (None, "p9")

    assert leases.take("tick", "a", lasts=short)
    assert not leases.take("tick", "b", lasts=short)
    time.sleep(0.3)
    assert leases.holder("tick") is None
    assert leases.take("tick", "b", lasts=short)
    assert not leases.take("tick", "a", lasts=short)


def test_a_lease_from_before_the_clock_was_put_back_is_free(database: SqlDatabase) -> None:
    assert database.leases.take("tick", "a", lasts=timedelta(hours=1))
    assert database.leases.take("tick", "b", lasts=timedelta(seconds=5))
    assert database.leases.holder("tick") == "b"


def test_marks_of_every_scope_are_found_those_first_that_wait_longest(database: SqlDatabase, caller: Caller) -> None:
    other = sandbox_of(database, "B@AdobeOrg")
    marks = [
        LabelsDue(id=f"d{number}", stamp=Stamp.of_service(one.scope, at=NOON + timedelta(seconds=number)))
        for number, one in enumerate((caller, other, caller))
    ]
    database.labels_due.add_all(marks[::-1])
    assert [one.id for one in database.labels_due.oldest(limit=2)] == ["d0", "d1"]
    # Made anew, it is the last.
    later = replace(marks[0], stamp=marks[0].stamp.moved(None, at=NOON + timedelta(minutes=1)))
    database.labels_due.replace(marks[0], later)
    assert list(database.labels_due.oldest(limit=9)) == [marks[1], marks[2], later]
    with pytest.raises(Stale):
        database.labels_due.delete(marks[0])


def test_labels_of_a_dataset_are_read_back_whole(database: SqlDatabase, caller: Caller) -> None:
    on_field = FieldLabels(schema_id="s", content_type="x", schema_path="/properties/a", labels=("I1",))
    labels = DatasetLabels(id="d", stamp=Stamp.first(caller, at=NOON), labels=("C2", "C9"), fields=(on_field,))
    database.dataset_labels.add(labels)
    assert database.dataset_labels.get(caller.scope, "d") == labels
    with pytest.raises(NotFound):
        database.dataset_labels.get(sandbox_of(database, "B@AdobeOrg").scope, "d")
