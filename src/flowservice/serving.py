"""`flowservice serve`: one process with API, tick and worker, from its first line to its graceful end."""

import asyncio
import contextlib
import fcntl
import gc
import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from threading import Event, Thread
from typing import Any, Final, NoReturn, Protocol

import structlog
import uvicorn

from flowservice import logs
from flowservice.app import App, decoder_in_use, read_credentials, utc_now, write_credentials
from flowservice.errors import Error, Invalid, NotFound, StoreUnavailable
from flowservice.ports.runtime import Clock
from flowservice.service.clearing import Clearing
from flowservice.service.lake_upkeep import LakeUpkeep
from flowservice.service.leadership import Leadership
from flowservice.service.runs import Runs
from flowservice.service.table_labels import TableLabels
from flowservice.settings import Settings

_log = structlog.get_logger("flowservice.serve")

_TICK_S: Final = 1.0
_DRAIN_S: Final = 5
_LABEL_S: Final = 2.0
_HOUR_S: Final = 3_600.0
_DAY_S: Final = 86_400.0
_FORGET_AGAIN_S: Final = 1.0
_CLEAR_AGAIN_S: Final = 0.25
_CLEAR_LOOK_S: Final = 5.0
"""Another process of the same store may have closed a sandbox and ended before it was empty."""


def run(settings: Settings, *, now: Clock = utc_now) -> None:
    """Serve until SIGINT or SIGTERM. Raises Invalid if the address cannot be listened on, or a part is missing."""
    logs.configure(settings.log_level)
    _log.info("pages of Azure tables are decoded", decoder=decoder_in_use(settings))
    with contextlib.closing(_listen(settings)) as listener, sole(settings):
        host, port = listener.getsockname()[:2]
        url = settings.url_at(host, port)
        app = App(settings, now)
        app.prepare()
        _tell_credentials(settings, url)
        ticks, clearing = tick(app.runs, app.leadership), _clear(app.clearing)
        keeping = keep_lake(app.lake_upkeep, app.leadership, every_s=60 * settings.lake_upkeep_minutes)
        labelling = label_tables(app.table_labels, app.leadership)
        forgetting = forget_steps(app.queue.forget, app.leadership, now, kept=settings.run_steps_retention)
        idle = True

        def on_start() -> None:
            app.queue.prepare()
            app.queue.start(app.execution().execute)
            ticks.start()
            clearing.start()
            labelling.start()
            forgetting.start()
            if settings.lake_upkeep_minutes:
                keeping.start()

        def on_stop() -> None:
            nonlocal idle
            ticks.stop()
            clearing.stop()
            labelling.stop()
            keeping.stop()
            forgetting.stop()
            with contextlib.suppress(StoreUnavailable):
                app.leadership.resign()
            idle = app.queue.stop(_DRAIN_S)

        web = app.web(on_start=on_start, on_stop=on_stop, wake=ticks.wake, clear=clearing.wake)
        config = uvicorn.Config(
            web,
            log_config=None,
            access_log=False,
            lifespan="on",
            timeout_graceful_shutdown=_DRAIN_S,
            server_header=False,
        )
        asyncio.run(_Server(config, url, app.sign_in_link).serve(sockets=[listener]))
        if not idle:
            _leave()


@contextlib.contextmanager
def sole(settings: Settings) -> Iterator[None]:
    """Be the one server of this home: a second one would take up the runs that the first is at work on.

    The lock ends with the process, however it ends. Raises Invalid.
    """
    settings.home.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(settings.home / "serve.lock", os.O_RDWR | os.O_CREAT, 0o600)
    with os.fdopen(descriptor, "r+b") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Invalid(
                f"another server works on {settings.home}",
                advice="Stop it first, or take another folder with --home.",
            ) from None
        yield


def _leave() -> NoReturn:
    """End now. The interpreter would wait for the threads of a run that does not leave off."""
    logging.shutdown()
    sys.stdout.flush()
    os._exit(0)


class Rounds:
    """Does something again and again in a thread of its own: when woken, else after the pause that a round asks for."""

    def __init__(self, name: str, go_round: Callable[[], float], *, pause_s: float) -> None:
        """`go_round` gives the seconds until the next one; after one that failed it is `pause_s`."""
        self.go_round = go_round
        self._pause_s = pause_s
        self._woken = Event()
        self._stopping = False
        self._thread = Thread(target=self._go, name=name, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def wake(self) -> None:
        """Go round now."""
        self._woken.set()

    def stop(self) -> None:
        """End; returns when the thread has, or a little later than it should have."""
        self._stopping = True
        self._woken.set()
        if self._thread.is_alive():
            self._thread.join(timeout=_DRAIN_S)

    def _go(self) -> None:
        while not self._stopping:
            pause_s = self._pause_s
            try:
                pause_s = self.go_round()
            except Exception:  # noqa: BLE001 - a round that fails must not be the last one
                _log.exception("failed; it tries again", rounds=self._thread.name)
            self._woken.wait(pause_s)
            self._woken.clear()


def tick(runs: Runs, leadership: Leadership) -> Rounds:
    """Starts due flows, in one process of all on a store: every second, and at once when woken."""

    def start_due() -> float:
        while leadership.lead() and runs.start_due():
            pass
        return _TICK_S

    return Rounds("tick", start_due, pause_s=_TICK_S)


def _clear(clearing: Clearing) -> Rounds:
    """Empties sandboxes that are reset or deleted: what a former process left at once, later ones when woken."""

    begun = False

    def advance() -> float:
        nonlocal begun
        if not begun:
            clearing.begin()
            begun = True
        return _CLEAR_AGAIN_S if clearing.advance() else _CLEAR_LOOK_S

    return Rounds("clear", advance, pause_s=_CLEAR_AGAIN_S)


def keep_lake(upkeep: LakeUpkeep, leadership: Leadership, *, every_s: float) -> Rounds:
    """Keeps the tables of the lake, in one process of all on a store: compaction each round, a vacuum once a day.

    Not at once after the start, when what was due meanwhile is caught up with.
    """
    vacuum_at = time.monotonic()
    waits = True

    def go_round() -> float:
        nonlocal vacuum_at, waits
        if waits:
            waits = False
            return every_s
        if leadership.lead():
            vacuum = time.monotonic() >= vacuum_at
            upkeep.go_round(vacuum=vacuum)
            if vacuum:
                vacuum_at = time.monotonic() + _DAY_S
        return every_s

    return Rounds("lake upkeep", go_round, pause_s=every_s)


def label_tables(labels: TableLabels, leadership: Leadership) -> Rounds:
    """Carries labels that changed to their tables, in one process of all on a store: every few seconds."""

    def go_round() -> float:
        if leadership.lead():
            labels.go_round()
        return _LABEL_S

    return Rounds("label tables", go_round, pause_s=_LABEL_S)


class Forgets(Protocol):
    """Deletes the steps of some runs whose execution was over by then; how many."""

    def __call__(self, *, before: datetime) -> int: ...


def forget_steps(forget: Forgets, leadership: Leadership, now: Clock, *, kept: timedelta) -> Rounds:
    """Deletes the steps of runs that ended longer than `kept` ago, in one process of all on a store, once an hour.

    Not at once after the start, when what was due meanwhile is caught up with.
    """
    waits = True

    def go_round() -> float:
        nonlocal waits
        if waits:
            waits = False
        # Some at a time: others write in between.
        elif leadership.lead() and (steps_of := forget(before=now() - kept)):
            _log.info("the steps of runs that ended long ago are deleted", runs=steps_of)
            return _FORGET_AGAIN_S
        return _HOUR_S

    return Rounds("forget steps", go_round, pause_s=_HOUR_S)


class _Server(uvicorn.Server):
    """Says where it is once it answers, and ends with exit code 0 when told to stop."""

    def __init__(self, config: uvicorn.Config, url: str, sign_in_link: Callable[[str], str]) -> None:
        super().__init__(config)
        self._url = url
        self._sign_in_link = sign_in_link

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        # What is there now stays. Looking through all of it for garbage would stop every call for a tenth of a second.
        gc.collect()
        gc.freeze()
        if self.started:
            print(f"Flow Service is ready at {self._url}/", flush=True)  # noqa: T201 - all of standard output
            self._tell_sign_in()

    def _tell_sign_in(self) -> None:
        try:
            link = self._sign_in_link(self._url)
        except Error as error:
            # Clients are served all the same.
            _log.warning("there is no link to sign in by; flowservice sign-in makes one", why=error.message)
            return
        # Not by way of a library that breaks lines: half a link is none.
        print(f"Sign in once, within an hour: {link}", flush=True)  # noqa: T201

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        # uvicorn's own raises the signal once more at the end; a graceful stop is a success.
        kinds = (signal.SIGINT, signal.SIGTERM)
        former: dict[Any, Any] = {kind: signal.signal(kind, self.handle_exit) for kind in kinds}
        try:
            yield
        finally:
            for kind, handler in former.items():
                signal.signal(kind, handler)


def _listen(settings: Settings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    # Only of a socket that says so does asyncio turn off Nagle's algorithm, which holds back short answers for 40 ms.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
    except OSError as error:
        listener.close()
        raise Invalid(
            f"cannot listen on {settings.host}:{settings.port}: {error.strerror}",
            advice="Another process may have the port; take another one with --port.",
        ) from None
    return listener


def _tell_credentials(settings: Settings, url: str) -> None:
    """Let the credential file name the address of this very start."""
    with contextlib.suppress(NotFound):
        known = read_credentials(settings.credentials_path)
        token_url = f"{url}/ims/token/v3"
        if known.get("tokenUrl") != token_url:
            write_credentials(settings.credentials_path, {**known, "tokenUrl": token_url})
