"""`flowservice doctor`: what is wrong and what to type."""

import os
import socket
import stat
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from flowservice.adapters.sealing.box import load_key
from flowservice.adapters.sql.database import SqlDatabase
from flowservice.adapters.sql.engine import open_engine
from flowservice.app import App, decoder_in_use
from flowservice.errors import Error
from flowservice.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing looked at."""

    about: str
    ok: bool
    message: str
    advice: str = ""


def examine(settings: Settings) -> list[Finding]:
    """Look at everything that `serve` needs, changing nothing."""
    if not settings.home.is_dir():
        advice = f"flowservice serve --home {settings.home}"
        return [
            Finding(about="home", ok=False, message=f"{settings.home} does not exist yet", advice=f"Type: {advice}"),
            _decoder(settings),
            _port(settings),
        ]
    checks: tuple[Callable[[Settings], Finding], ...] = (_home, _key, _database, _lake)
    return [*(check(settings) for check in checks), _decoder(settings), _port(settings)]


def _home(settings: Settings) -> Finding:
    home = settings.home
    if not os.access(home, os.W_OK | os.X_OK):
        return Finding(about="home", ok=False, message=f"{home} cannot be written", advice=f"Type: chmod u+rwx {home}")
    return Finding(about="home", ok=True, message=str(home))


def _key(settings: Settings) -> Finding:
    path = settings.key_path
    if not path.exists():
        return Finding(
            about="key file",
            ok=False,
            message=f"{path} does not exist",
            advice="Restore it from a backup: without it the stored secrets cannot be opened.",
        )
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        return Finding(
            about="key file", ok=False, message=f"{path} can be read by others", advice=f"Type: chmod 600 {path}"
        )
    try:
        load_key(path)
    except Error as error:
        return Finding(about="key file", ok=False, message=error.message, advice=error.advice)
    return Finding(about="key file", ok=True, message=str(path))


def _database(settings: Settings) -> Finding:
    url = sa.make_url(settings.resolved_database_url)
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").exists():
        return Finding(about="database", ok=True, message="not there yet; the first start makes it")
    engine = open_engine(settings.resolved_database_url)
    try:
        orgs = len(SqlDatabase(engine=engine).tenancy.orgs())
    except Exception as error:  # noqa: BLE001 - whatever keeps it from answering is the finding
        return Finding(
            about="database",
            ok=False,
            message=f"the control store does not answer ({type(error).__name__})",
            advice="Check FLOWSERVICE_DATABASE_URL, and that the server runs or the file is readable.",
        )
    finally:
        engine.dispose()
    kind = engine.dialect.name
    return Finding(about="database", ok=True, message=f"{kind}, {orgs} organisation{'' if orgs == 1 else 's'}")


def _lake(settings: Settings) -> Finding:
    if not settings.lake_root.exists():
        return Finding(about="lake", ok=True, message="not there yet; the first start makes it")
    try:
        App(settings).lake.ping()
    except Error as error:
        return Finding(about="lake", ok=False, message=error.message, advice=error.advice)
    return Finding(about="lake", ok=True, message=str(settings.lake_root))


def _decoder(settings: Settings) -> Finding:
    try:
        decoder = decoder_in_use(settings)
    except Error as error:
        return Finding(about="decoder", ok=False, message=error.message, advice=error.advice)
    slower = " (the native one is not installed; with Rust on the machine, `make setup` builds it)"
    return Finding(about="decoder", ok=True, message=decoder + ("" if decoder.startswith("native") else slower))


def _port(settings: Settings) -> Finding:
    address: Final = f"{settings.host}:{settings.port}"
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            if _is_ours(address):
                return Finding(about="port", ok=True, message=f"a Flow Service answers on {address}")
            return Finding(
                about="port",
                ok=False,
                message=f"cannot listen on {address}: {error.strerror}",
                advice=f"Type: flowservice serve --port {settings.port + 1}",
            )
    return Finding(about="port", ok=True, message=f"{address} is free")


def _is_ours(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"http://{address}/health", timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False
