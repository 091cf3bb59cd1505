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

from flowservice.adapters.delta import place_of
from flowservice.adapters.sealing.box import EnvelopeBox
from flowservice.adapters.sealing.key_file import KeyFile
from flowservice.adapters.sql.database import SqlDatabase
from flowservice.adapters.sql.engine import open_engine
from flowservice.app import App, decoder_in_use
from flowservice.errors import Error
from flowservice.settings import Settings

_AT_ONCE: Final = 500
"""Secrets that are read from the store at a time."""


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
    checks: tuple[Callable[[Settings], Finding], ...] = (_home, _key, _database, _secrets, _lake)
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
        keys = len(KeyFile(path).current().sealing)
    except Error as error:
        return Finding(about="key file", ok=False, message=error.message, advice=error.advice)
    return Finding(about="key file", ok=True, message=f"{path}, {keys} key{'' if keys == 1 else 's'}")


def _database(settings: Settings) -> Finding:
    if not _has_store(settings):
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


def _has_store(settings: Settings) -> bool:
    """Whether there is a store to ask: a file of SQLite, or a server."""
    url = sa.make_url(settings.resolved_database_url)
    return url.get_backend_name() != "sqlite" or Path(url.database or "").exists()


def _secrets(settings: Settings) -> Finding:
    if not settings.key_path.exists() or not _has_store(settings):
        return Finding(about="secrets", ok=True, message="not looked at: there is no key file or no store")
    engine = open_engine(settings.resolved_database_url)
    try:
        keys = KeyFile(settings.key_path)
        box = EnvelopeBox(lambda: keys.current().sealing)
        opened, lost = _tried(SqlDatabase(engine=engine), box)
    except Exception as error:  # noqa: BLE001 - what keeps key file or store from answering is told above
        return Finding(about="secrets", ok=True, message=f"not looked at ({type(error).__name__})")
    finally:
        engine.dispose()
    if lost:
        return Finding(
            about="secrets",
            ok=False,
            message=f"no key opens {len(lost)} of {opened + len(lost)}, of the connections {_some(lost)}",
            advice="Restore the key that they were sealed with as a further line of the key file, or delete these "
            "connections and make them again.",
        )
    return Finding(about="secrets", ok=True, message=f"{opened}, and each can be opened")


def _tried(database: SqlDatabase, box: EnvelopeBox) -> tuple[int, list[str]]:
    """How many secrets can be opened, and the ids of the connections whose secret cannot."""
    opened, lost, last = 0, list[str](), ""
    while some := database.connections.sealed(after=last, limit=_AT_ONCE):
        for connection in some:
            try:
                box.open(connection.auth.sealed if connection.auth else "", owner=connection.id)
                opened += 1
            except Error:
                lost.append(connection.id)
        last = some[-1].id
    return opened, lost


def _some(ids: list[str]) -> str:
    return ", ".join(ids[:3]) + (", …" if len(ids) > 3 else "")


def _lake(settings: Settings) -> Finding:
    try:
        place = place_of(settings.resolved_lake_url)
        if isinstance(place, Path) and not place.exists():
            return Finding(about="lake", ok=True, message="not there yet; the first start makes it")
        App(settings).lake.ping()
    except Error as error:
        return Finding(about="lake", ok=False, message=error.message, advice=error.advice)
    return Finding(about="lake", ok=True, message=str(place))


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
