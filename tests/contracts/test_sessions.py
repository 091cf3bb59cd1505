"""What the store promises about sessions of browsers and the codes that begin them."""

from datetime import timedelta
from threading import Barrier, Thread

import pytest
import sqlalchemy as sa

from flowservice.adapters.sql import tables
from flowservice.adapters.sql.database import SqlDatabase
from flowservice.domain.identity import ALL_PERMISSIONS, Caller, Credential
from flowservice.errors import NotFound
from flowservice.service.identity import NotAuthenticated
from flowservice.service.sessions import CODE_LIFETIME, SESSION_LIFETIME, Sessions, SignedIn
from tests.contracts.test_database import NOON, sandbox_of

CLIENT = "browsers"


@pytest.fixture
def caller(database: SqlDatabase) -> Caller:
    """An organisation with a credential."""
    caller = sandbox_of(database, "A@AdobeOrg")
    database.tenancy.add_credential(
        Credential(
            client_id=CLIENT,
            org_id="A@AdobeOrg",
            secret_hash="",
            user_id="u",
            scopes="",
            permissions=ALL_PERMISSIONS,
            created_at=NOON,
        )
    )
    return caller


@pytest.fixture
def sessions(database: SqlDatabase, caller: Caller) -> Sessions:
    return Sessions(database=database, now=lambda: NOON)


def at(sessions: Sessions, late: timedelta) -> Sessions:
    """The same store, so much later."""
    return Sessions(database=sessions.database, now=lambda: NOON + late)


def test_of_many_who_bring_one_code_at_once_one_signs_in(sessions: Sessions) -> None:
    code = sessions.new_code(CLIENT)
    came: list[SignedIn | NotAuthenticated] = []
    together = Barrier(8)

    def sign_in() -> None:
        together.wait()
        try:
            came.append(sessions.begin(code))
        except NotAuthenticated as error:
            came.append(error)

    threads = [Thread(target=sign_in) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    refused = [one for one in came if isinstance(one, NotAuthenticated)]
    assert (len(came), len(refused), {error.reason for error in refused}) == (8, 7, {"code"})


def test_a_code_is_good_for_an_hour(sessions: Sessions) -> None:
    codes = [sessions.new_code(CLIENT) for _ in range(2)]
    assert at(sessions, CODE_LIFETIME - timedelta(seconds=1)).begin(codes[0]).credential.client_id == CLIENT
    with pytest.raises(NotAuthenticated, match="has expired"):
        at(sessions, CODE_LIFETIME).begin(codes[1])


def test_a_session_is_good_for_twelve_hours(sessions: Sessions) -> None:
    token = sessions.begin(sessions.new_code(CLIENT)).token
    assert at(sessions, SESSION_LIFETIME - timedelta(seconds=1)).known(token).credential.client_id == CLIENT
    with pytest.raises(NotAuthenticated):
        at(sessions, SESSION_LIFETIME).known(token)


def test_what_has_expired_is_forgotten_when_the_next_code_is_made(sessions: Sessions, database: SqlDatabase) -> None:
    sessions.begin(sessions.new_code(CLIENT))
    sessions.new_code(CLIENT)
    at(sessions, SESSION_LIFETIME).new_code(CLIENT)
    with database.engine.connect() as connection:
        left = [
            connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
            for table in (tables.sign_in_codes, tables.sessions)
        ]
    assert left == [1, 0]


def test_codes_and_sessions_go_with_their_credential(sessions: Sessions, database: SqlDatabase) -> None:
    token, code = sessions.begin(sessions.new_code(CLIENT)).token, sessions.new_code(CLIENT)
    database.tenancy.remove_credential(CLIENT)
    with pytest.raises(NotAuthenticated):
        sessions.known(token)
    with pytest.raises(NotAuthenticated):
        sessions.begin(code)
    with pytest.raises(NotFound):
        sessions.new_code(CLIENT)


def test_the_store_holds_neither_code_nor_cookie_nor_csrf_token(sessions: Sessions, database: SqlDatabase) -> None:
    code, spent = sessions.new_code(CLIENT), sessions.new_code(CLIENT)
    signed_in = sessions.begin(spent)
    with database.engine.connect() as connection:
        told = [str(connection.execute(sa.select(table)).all()) for table in (tables.sign_in_codes, tables.sessions)]
    assert all(rows.count(CLIENT) == 1 for rows in told)
    for secret in (code, spent, signed_in.token, signed_in.csrf_token):
        assert len(secret) >= 40
        assert secret not in "".join(told)
    assert signed_in.token not in repr(signed_in)


def test_signing_out_ends_one_session_and_ending_all_ends_the_codes_too(sessions: Sessions) -> None:
    first, second = (sessions.begin(sessions.new_code(CLIENT)) for _ in range(2))
    code = sessions.new_code(CLIENT)
    sessions.end(first)
    with pytest.raises(NotAuthenticated):
        sessions.known(first.token)
    assert sessions.known(second.token) == second
    sessions.end_all()
    with pytest.raises(NotAuthenticated):
        sessions.known(second.token)
    with pytest.raises(NotAuthenticated):
        sessions.begin(code)


@pytest.mark.parametrize("cookie", [None, "", "x", "\ud800" * 43, "a" * 43, "a" * 100_000, "\0" * 43])
def test_what_is_no_session_of_ours_is_refused(sessions: Sessions, cookie: str | None) -> None:
    for call in (sessions.known, lambda token: sessions.begin(token or "")):
        with pytest.raises(NotAuthenticated):
            call(cookie)
