"""What the stores promise about organisations, credentials, sandboxes and all that a sandbox holds."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from threading import Thread

import pytest
import sqlalchemy as sa

from flowservice.adapters.sql import tables
from flowservice.adapters.sql.contents import of_runs, of_sandboxes
from flowservice.adapters.sql.database import SqlDatabase
from flowservice.domain.connection_check import LastCheck
from flowservice.domain.dataset import Batch
from flowservice.domain.identity import ALL_PERMISSIONS, Caller, Entrant, Org, Permission, Sandbox, SandboxState
from flowservice.domain.resource import SpecRef, Stamp
from flowservice.domain.run import Run, RunState
from flowservice.errors import Conflict, LastAdministrator, NotFound
from flowservice.ids import RandomIds
from flowservice.service.credentials import Credentials
from tests.contracts.test_database import NOON, connection, sandbox_of


@pytest.fixture
def caller(database: SqlDatabase) -> Caller:
    return sandbox_of(database, "A@AdobeOrg")


def sandbox(database: SqlDatabase, caller: Caller) -> Sandbox:
    return database.tenancy.sandbox(caller.scope.org_id, caller.scope.sandbox_name)


def test_a_deleted_sandbox_gives_its_name_free_and_is_still_found_until_it_is_taken(
    database: SqlDatabase, caller: Caller
) -> None:
    first = sandbox(database, sandbox_of(database, "A@AdobeOrg", "dev"))
    with pytest.raises(Conflict):
        database.tenancy.add_sandbox(replace(first, id="second"))
    gone = first.moved_to(SandboxState.DELETED, by="u", at=NOON)
    database.tenancy.put_sandbox(gone)
    assert database.tenancy.sandbox("A@AdobeOrg", "dev") == gone
    assert not database.tenancy.is_open(gone.scope)
    second = replace(first, id="second", updated_at=NOON - timedelta(days=1))
    database.tenancy.add_sandbox(second)
    assert database.tenancy.sandbox("A@AdobeOrg", "dev") == second
    assert database.tenancy.is_open(second.scope)
    assert [one.id for one in database.tenancy.sandboxes_in({SandboxState.DELETED})] == [gone.id]
    for name in ("de", "dev/", "d%v", "___", "%"):
        with pytest.raises(NotFound):
            database.tenancy.sandbox("A@AdobeOrg", name)
    with pytest.raises(NotFound):
        database.tenancy.sandbox("B@AdobeOrg", "dev")


def test_who_enters_is_seen_with_the_sandbox_that_is_meant_as_they_are_now(database: SqlDatabase) -> None:
    administrator = sandbox_of(database, "A@AdobeOrg", "admin")
    prod = sandbox(database, sandbox_of(database, "A@AdobeOrg"))
    dev = sandbox(database, sandbox_of(database, "A@AdobeOrg", "dev"))
    sandbox_of(database, "B@AdobeOrg", "theirs")
    credentials = Credentials(database=database, now=lambda: NOON, ids=RandomIds())
    credential, _ = (credentials.add(administrator).credential for _ in range(2))
    enter = partial(database.tenancy.entrant, credential.client_id)

    org = database.tenancy.org("A@AdobeOrg")
    assert enter("dev") == Entrant(credential=credential, org=org, sandbox=dev)
    assert enter(None) == Entrant(credential=credential, org=org, sandbox=prod)
    for name in ("theirs", "de", "dev/", "%", ""):
        assert enter(name) == Entrant(credential=credential, org=org, sandbox=None)

    closed = dev.moved_to(SandboxState.RESETTING, by="u", at=NOON)
    database.tenancy.put_sandbox(closed)
    assert enter("dev").sandbox == closed
    database.tenancy.put_sandbox(closed.moved_to(SandboxState.DELETED, by="u", at=NOON))
    assert enter("dev").sandbox is None

    credentials.revoke(administrator, credential.client_id)
    with pytest.raises(NotFound):
        enter("dev")


def test_only_who_exists_can_be_held(database: SqlDatabase, caller: Caller) -> None:
    with database.transaction() as tx:
        tx.tenancy.hold("A@AdobeOrg")
        with pytest.raises(NotFound):
            tx.tenancy.hold("B@AdobeOrg")


def test_of_two_administrators_who_revoke_each_other_at_once_one_stays(database: SqlDatabase) -> None:
    database.tenancy.add_org(Org(id="A@AdobeOrg", tenant_id="t", created_at=NOON))
    credentials = Credentials(database=database, now=lambda: NOON, ids=RandomIds())
    base = sandbox_of(database, "A@AdobeOrg")
    pair = [credentials.add(base).credential.client_id for _ in range(2)]
    refused: list[str] = []

    def revoke(client_id: str) -> None:
        try:
            credentials.revoke(base, client_id)
        except LastAdministrator:
            refused.append(client_id)

    threads = [Thread(target=revoke, args=(client_id,)) for client_id in pair]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [known.client_id for known in database.tenancy.credentials("A@AdobeOrg")] == refused
    assert len(refused) == 1


def test_credentials_are_listed_changed_and_removed(database: SqlDatabase, caller: Caller) -> None:
    credentials = Credentials(database=database, now=lambda: NOON, ids=RandomIds())
    made = [credentials.add(caller, name=name).credential for name in ("one", "two")]
    assert {known.name for known in database.tenancy.credentials("A@AdobeOrg")} == {"one", "two"}
    fewer = replace(made[0], permissions=ALL_PERMISSIONS - {Permission.RUN})
    database.tenancy.put_credential(fewer)
    assert database.tenancy.credential(fewer.client_id) == fewer
    database.tenancy.remove_credential(fewer.client_id)
    for call in (database.tenancy.remove_credential, database.tenancy.credential):
        with pytest.raises(NotFound):
            call(fewer.client_id)
    with pytest.raises(NotFound):
        database.tenancy.put_credential(fewer)


def run(caller: Caller, number: int, state: RunState) -> Run:
    return Run(
        id=f"{caller.scope.sandbox_id}-{number}",
        stamp=Stamp.first(caller, at=NOON),
        flow_id="f",
        flow_spec=SpecRef(id="s"),
        source_connection_id="s",
        target_connection_id="t",
        dataset_id="d",
        number=number,
        batch_id=f"b{number}",
        state=state,
    )


def filled(database: SqlDatabase, caller: Caller) -> None:
    """Something of several kinds, more than one removal takes."""
    for number in range(5):
        database.connections.add(replace(connection(caller, number), id=f"{caller.scope.sandbox_id}{number}"))
        checked = LastCheck(connection_id=f"{caller.scope.sandbox_id}{number}", checked_at=NOON)
        database.connection_checks.keep(caller.scope, checked)
        state = RunState.SCHEDULED if number == 4 else RunState.IN_PROGRESS if number == 3 else RunState.SUCCESS
        one = run(caller, number, state)
        database.runs.add(one)
        database.batches.add(Batch(id=f"b-{one.id}", stamp=one.stamp, dataset_id="d", flow_id="f", run_id=one.id))
        database.progress.keep_plan(one.id, {"splits": 1})
        database.progress.begin(one.id, 0)


def rows(database: SqlDatabase) -> dict[str, int]:
    with database.engine.connect() as at:
        return {
            table.name: at.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
            for table in (*of_sandboxes(), *of_runs())
        }


def test_a_sandbox_is_emptied_of_all_and_no_other_one_is_touched(database: SqlDatabase, caller: Caller) -> None:
    other = sandbox_of(database, "A@AdobeOrg", "dev")
    filled(database, other)
    before = rows(database)
    filled(database, caller)
    contents = database.contents
    contents.stop(caller.scope.sandbox_id)
    assert contents.at_work(caller.scope.sandbox_id) == 1
    assert rows(database)["runs"] == 2 * 5 - 1
    steps = 0
    while contents.remove(caller.scope.sandbox_id, limit=2):
        steps += 1
    assert steps >= 3
    assert rows(database) == before
    assert contents.at_work(other.scope.sandbox_id) == 1
    assert database.progress.plan(f"{other.scope.sandbox_id}-0") is not None


def test_every_table_is_one_of_tenancy_or_is_emptied() -> None:
    emptied: Sequence[sa.Table] = (*of_sandboxes(), *of_runs())
    assert {table.name for table in tables.metadata.sorted_tables} - {table.name for table in emptied} == {
        "orgs",
        "sandboxes",
        "credentials",
        # Of credentials, which belong to no sandbox.
        "sign_in_codes",
        "sessions",
        # Of the whole store: which form its search tables have, and which process does what one does for all.
        "search_forms",
        "leases",
    }
