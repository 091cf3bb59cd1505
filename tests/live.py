"""A real server in a process of its own, and calls to it."""

import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx

from tests.forked import Forked, forked

SOURCE = Path(__file__).resolve().parent.parent / "src"


ROOT = SOURCE.parent
AS_INSTALLED = ROOT / "tests" / "as_installed"
PROGRAM = "from flowservice.cli import main; main()"


def command(*arguments: str, program: str = PROGRAM) -> list[str]:
    """The `flowservice` command line."""
    return [sys.executable, "-c", program, *arguments]


class Server:
    """`flowservice serve` on a home. May be killed and started again.

    Forked from a process that has loaded it, unless it is to be `executed`, as where it is installed.
    """

    def __init__(
        self,
        home: Path,
        *,
        port: int = 0,
        env: Mapping[str, str] | None = None,
        program: str = PROGRAM,
        executed: bool = False,
    ) -> None:
        self.home = home
        self.program = program
        self.executed = executed or program != PROGRAM
        self.port = port
        # The code beside these tests, whatever else is installed; and nothing that only tests need.
        self.env = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (AS_INSTALLED, SOURCE, ROOT))), **(env or {})}
        self.process: subprocess.Popen[str] | Forked | None = None
        self.url = ""
        self.log = home.parent / f"{home.name}.log"

    def start(self, *, within_s: float = 30) -> "Server":
        """Start; returns once the server says that it is ready."""
        started = time.monotonic()
        self.launch()
        self.answered()
        assert time.monotonic() - started < within_s
        return self

    def launch(self) -> None:
        """Start the process, and wait for nothing."""
        arguments = ("serve", "--home", str(self.home), "--port", str(self.port))
        if not self.executed:
            self.process = Forked(arguments, env=self.env, errors=self.log)
            return
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command(*arguments, program=self.program),
                stdout=subprocess.PIPE,
                stderr=log,
                env=self.env,
                text=True,
            )

    def answered(self) -> None:
        """Return once the launched server says that it is ready."""
        assert self.process is not None
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if "ready at" not in line:
            self.stop()
            raise AssertionError(f"the server did not start: {self.log.read_text()[-3000:]}")
        self.url = line.rsplit(" ", 1)[-1].strip().rstrip("/")
        self.port = int(self.url.rsplit(":", 1)[-1])

    def stop(self, by: signal.Signals = signal.SIGTERM) -> int:
        """Stop gracefully; the exit code."""
        return self._end(by)

    def kill(self) -> int:
        """Kill it at once; the exit code."""
        return self._end(signal.SIGKILL)

    def _end(self, kind: signal.Signals) -> int:
        assert self.process is not None
        self.process.send_signal(kind)
        code = self.process.wait(timeout=30)
        if self.process.stdout is not None:
            self.process.stdout.close()
        return code

    def run(self, *arguments: str) -> str:
        """The output of another `flowservice` command on this home."""
        done = forked([*arguments, "--home", str(self.home)], env=self.env)
        done.check_returncode()
        return done.stdout

    def rows(self, query: str, *, sandbox: str = "prod") -> list[dict[str, Any]]:
        """What `flowservice sql` prints, without a process for it: most of its time goes into starting one."""
        # Few tests ask, and some need a process in which nothing was loaded yet.
        from flowservice import querying
        from flowservice.settings import Settings

        printed = io.StringIO()
        querying.run(Settings(home=self.home), query, sandbox=sandbox, output="ndjson", to=printed)
        return [json.loads(line) for line in printed.getvalue().splitlines()]

    def credentials(self) -> dict[str, str]:
        """The first credential, as `credentials show --json` prints it."""
        found: dict[str, str] = json.loads((self.home / "credentials.json").read_text())
        return found

    def client(self, credentials: Mapping[str, str] | None = None, *, sandbox: str = "prod") -> "Client":
        """A client that has signed in."""
        return Client(self.url, credentials or self.credentials(), sandbox=sandbox)


class Client(httpx.Client):
    """Calls with the headers that every call needs."""

    def __init__(self, url: str, credentials: Mapping[str, str], *, sandbox: str = "prod") -> None:
        self.flow = f"{url}/data/foundation/flowservice"
        token = httpx.post(
            f"{url}/ims/token/v3",
            data={
                "grant_type": "client_credentials",
                "client_id": credentials["clientId"],
                "client_secret": credentials["clientSecret"],
                "scope": credentials["scopes"],
            },
        ).json()["access_token"]
        super().__init__(
            base_url=url,
            headers={
                "Authorization": f"Bearer {token}",
                "x-api-key": credentials["clientId"],
                "x-gw-ims-org-id": credentials["orgId"],
                "x-sandbox-name": sandbox,
            },
            timeout=60,
        )

    def made(self, path: str, body: Any, *, status: int = 201) -> Any:
        """The answer to a POST that must succeed."""
        answer = self.post(path, json=body)
        assert answer.status_code == status, answer.text
        return answer.json()

    def one(self, path: str) -> Any:
        """The single resource at a Flow Service path."""
        answer = self.get(path)
        assert answer.status_code == 200, answer.text
        (item,) = answer.json()["items"]
        return item
