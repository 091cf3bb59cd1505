"""Homes with everything that one flow needs, made through the API once a mode and copied for each case."""

import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from threading import Thread
from typing import Any, Final

import uvicorn
from fastapi import FastAPI

from flowservice.app import App, read_credentials
from flowservice.settings import Settings
from tests.faults.front import TABLE
from tests.faults.modes import HOUR, NOON, Mode
from tests.live import Client
from tests.wire import resources
from tests.wire.resources import FLOW, Dataflow

FIELDS: Final = {
    "row": {"type": "string"},
    "name": {"type": "string"},
    "age": {"type": "integer", "minimum": 0},
}
MAPPING: Final = {"key": "_id", "RowKey": ".row", "name": ".name", "age": ".age"}


def furnish(home: Path, mode: Mode, connection_string: str, database_url: str | None = None) -> None:
    """Make a home whose one flow is due an hour after `NOON`. The source must answer."""
    furnish_all(home, (mode,), connection_string, database_url)


def furnish_all(home: Path, modes: Sequence[Mode], connection_string: str, database_url: str | None = None) -> None:
    """The same with a flow for each of the modes, and a dataset for each flow."""
    clock = NOON + timedelta(minutes=1)
    app = App(Settings(home=home, database_url=database_url), lambda: clock)
    app.prepare()
    app.queue.prepare()
    web = app.web(on_start=_nothing, on_stop=_nothing, wake=_nothing, clear=_nothing)
    with _served(web) as url, Client(url, read_credentials(app.settings.credentials_path)) as client:
        for mode in modes:
            flow = resources.dataflow(
                client, connection_string, TABLE, fields=FIELDS, mapping=MAPPING, required=["name"]
            )
            client.made(f"{FLOW}/flows", _flow(client, flow, mode))
    app.queue.stop()
    app.database.engine.dispose()


@contextmanager
def _served(web: FastAPI) -> Iterator[str]:
    """The URL of an application that is served by a thread."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(web, log_config=None, access_log=False))
    thread = Thread(target=server.run, args=([listener],))
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


def _flow(client: Client, dataflow: Dataflow, mode: Mode) -> dict[str, Any]:
    target = resources.target(dataflow.dataset_id)
    if mode.write == "upsert":
        target["params"] |= {"writeMode": "upsert", "keyFields": ["_id"]}
    target_id = client.made(f"{FLOW}/targetConnections", target)["id"]
    body = resources.flow(dataflow.source_id, target_id, dataflow.mapping_id)
    start = str(int((NOON + HOUR).timestamp()))
    body["scheduleParams"] = {"startTime": start, "frequency": "once"}
    if mode.windows:
        body["scheduleParams"] = {"startTime": start, "frequency": "hour", "interval": 1, "backfill": "true"}
        body["transformations"].append({"name": "Copy", "params": {"deltaColumn": {"name": "Timestamp"}}})
    if mode.tolerated:
        body["options"] = {"partialIngestionPercent": mode.tolerated, "errorDiagnosticsEnabled": True}
    return body


def _nothing() -> None:
    return
