"""Real parts that tests share; each is started by the first test that asks for it."""

import itertools
from collections.abc import Callable, Iterator
from typing import Any, Final

import hypothesis
import pytest

from demo.azurite import Azurite
from tests import object_stores
from tests import postgres as servers
from tests.faults import closing_table
from tests.live import Client, Server

# On a busy machine an example may take any time; what is slow shows in the benchmarks.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")

_FIGURES: Final = pytest.StashKey[list[str]]()


@pytest.fixture(scope="session")
def figure(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Tells a figure that was measured: a line of the closing summary."""
    return request.config.stash.setdefault(_FIGURES, []).append


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Where tests run in several processes: hand the figures to the one that prints them."""
    output: dict[str, object] | None = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["figures"] = session.config.stash.get(_FIGURES, [])


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take the figures of a process that has ended."""
    node.config.stash.setdefault(_FIGURES, []).extend(getattr(node, "workeroutput", {}).get("figures", []))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the figures, and what became of the faults that were made to happen."""
    reports = ((outcome, report) for outcome, known in terminalreporter.stats.items() for report in known)
    if table := list(closing_table.lines(reports)):
        terminalreporter.section("faults")
        for line in table:
            terminalreporter.line(line)
    if told := terminalreporter.config.stash.get(_FIGURES, []):
        terminalreporter.section("measured")
        for line in told:
            terminalreporter.line(line)


@pytest.fixture(scope="session")
def azurite() -> Iterator[Azurite]:
    """The Azure Table emulator, shared by the session."""
    with Azurite() as emulator:
        yield emulator


@pytest.fixture(scope="session")
def azure_blobs() -> Iterator[object_stores.Shelf]:
    """Azure's blobs, emulated, shared by the session."""
    with object_stores.azure_blobs() as shelf:
        yield shelf


@pytest.fixture(scope="session")
def s3() -> Iterator[object_stores.Shelf]:
    """S3, emulated, shared by the session."""
    with object_stores.s3() as shelf:
        yield shelf


@pytest.fixture(scope="session")
def postgres() -> Iterator[servers.Postgres]:
    """A PostgreSQL server, shared by the session."""
    with servers.running() as server:
        yield server


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def either_server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A live server of the module's own, on each database."""
    env = {}
    if request.param == "postgresql":
        postgres: servers.Postgres = request.getfixturevalue("postgres")
        env = {"FLOWSERVICE_DATABASE_URL": postgres.new_database()}
    running = Server(tmp_path_factory.mktemp(f"on-{request.param}") / "home", env=env).start()
    yield running
    assert running.stop() == 0


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A live server, shared by the session."""
    running = Server(tmp_path_factory.mktemp("shared") / "home").start()
    yield running
    assert running.stop() == 0


@pytest.fixture(scope="session")
def client(server: Server) -> Iterator[Client]:
    """A client of the shared server."""
    with server.client() as calls:
        yield calls


_numbers = itertools.count(1)


@pytest.fixture
def new_table() -> Callable[[str], str]:
    """Makes table names that no other test uses: `new_table("customers")`."""
    return lambda prefix: f"{prefix}{next(_numbers)}"
