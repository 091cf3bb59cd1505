"""Processes of `flowservice`, forked from one that has loaded it: loading takes longer than most commands do."""

import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import closing
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final, TextIO

PRELOADED: Final = ("tests.preloaded", "tests.faults.subject", "tests.faults.furnished")
"""There is one such process for all tests that fork."""
_PATIENCE_S: Final = 60


class Forked:
    """A process of `flowservice` with these arguments and this environment. What it says comes by `stdout`; what it
    complains of is appended to the file `errors`."""

    def __init__(
        self, arguments: Sequence[str], *, env: Mapping[str, str], errors: Path, cwd: Path | None = None
    ) -> None:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(list(PRELOADED))
        heard, said = context.Pipe(duplex=False)
        with closing(said):
            self._process = context.Process(target=_run, args=(list(arguments), dict(env), cwd, said, errors))
            self._process.start()
        assert self._process.pid is not None
        self.pid: int = self._process.pid
        # A pipe of bytes, whatever else it could be.
        self.stdout: TextIO | None = os.fdopen(os.dup(heard.fileno()), encoding="utf-8")
        heard.close()

    def send_signal(self, number: signal.Signals) -> None:
        """Send it."""
        os.kill(self.pid, number)

    def poll(self) -> int | None:
        """The exit code, negative for a signal; None while it runs."""
        return self._process.exitcode

    def wait(self, timeout: float) -> int:
        """The exit code. Raises TimeoutExpired after so many seconds."""
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise subprocess.TimeoutExpired("flowservice", timeout)
        return self._process.exitcode


def forked(
    arguments: Sequence[str], *, env: Mapping[str, str], cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """A command, run to its end. Raises TimeoutExpired after a minute."""
    with tempfile.TemporaryDirectory() as folder:
        errors = Path(folder, "errors")
        process = Forked(arguments, env=env, errors=errors, cwd=cwd)
        assert process.stdout is not None
        with process.stdout as said:
            out = said.read()
        try:
            code = process.wait(_PATIENCE_S)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            raise
        return subprocess.CompletedProcess(list(arguments), code, out, errors.read_text(encoding="utf-8"))


def _run(arguments: list[str], env: dict[str, str], cwd: Path | None, said: Connection, errors: Path) -> None:
    os.dup2(said.fileno(), 1)
    said.close()
    complaints = os.open(errors, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.dup2(complaints, 2)
    os.close(complaints)
    os.environ.clear()
    os.environ.update(env)
    if cwd is not None:
        os.chdir(cwd)
    sys.argv = ["flowservice", *arguments]
    from flowservice.cli import main

    main()
