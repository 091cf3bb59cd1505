"""Object stores for the tests: Azurite's blobs, and a moto server as S3. Each lake gets a prefix of its own."""

import base64
import hashlib
import hmac
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import formatdate
from itertools import count
from typing import Any, Final

from pydantic import SecretStr

from demo.azurite import ACCOUNT, KEY, Azurite, free_port
from flowservice.adapters.delta import Access, DeltaLake, ObjectStore, storage_at

CONTAINER: Final = "lake"
_VERSION: Final = "2021-12-02"
_numbers = count(1)


@dataclass(frozen=True, kw_only=True)
class Shelf:
    """A running store with an empty container or bucket."""

    scheme: str
    settings: Mapping[str, Any]
    """Of the service, but for `lake_url`."""

    def new_url(self) -> str:
        """A place that no other lake is at."""
        return f"{self.scheme}://{CONTAINER}/lake{next(_numbers)}"

    def new_lake(self) -> DeltaLake:
        """An empty lake."""
        return self.lake_at(self.new_url())

    def environment(self, url: str) -> dict[str, str]:
        """The variables of a service whose lake is there."""
        plain = {
            name: value.get_secret_value() if isinstance(value, SecretStr) else str(value)
            for name, value in self.settings.items()
        }
        return {f"FLOWSERVICE_{name.upper()}": value for name, value in {**plain, "lake_url": url}.items()}

    def lake_at(self, url: str, **others: Any) -> DeltaLake:
        """The lake there, with other settings than usual where they are given."""
        given = {name.removeprefix("lake_"): value for name, value in {**self.settings, **others}.items()}
        storage = storage_at(url, Access(**given))
        assert isinstance(storage, ObjectStore)
        return DeltaLake(storage)


@contextmanager
def azure_blobs() -> Iterator[Shelf]:
    """Azurite's blob service."""
    with Azurite(service="blob") as azurite:
        request = urllib.request.Request(f"{azurite.endpoint}/{CONTAINER}?restype=container", method="PUT")
        sign(request, f"/{ACCOUNT}/{ACCOUNT}/{CONTAINER}\nrestype:container")
        urllib.request.urlopen(request).close()
        settings = {
            "lake_account": ACCOUNT,
            "lake_key": SecretStr(KEY),
            "lake_endpoint": azurite.endpoint,
            "lake_emulator": True,
        }
        yield Shelf(scheme="az", settings=settings)


@contextmanager
def s3() -> Iterator[Shelf]:
    """A moto server, in a process of its own."""
    port = free_port()
    command = [sys.executable, "-W", "ignore", "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            _await(port)
            endpoint = f"http://127.0.0.1:{port}"
            urllib.request.urlopen(urllib.request.Request(f"{endpoint}/{CONTAINER}", method="PUT")).close()
            settings = {
                "lake_key_id": "tester",
                "lake_key": SecretStr("not-checked-by-moto"),
                "lake_endpoint": endpoint,
                "lake_region": "us-east-1",
                "lake_allow_http": True,
            }
            yield Shelf(scheme="s3", settings=settings)
        finally:
            process.terminate()


def sign(request: urllib.request.Request, resource: str) -> None:
    """Sign a request without a body for Azurite."""
    date = formatdate(usegmt=True)
    lines = [request.get_method(), *[""] * 11, f"x-ms-date:{date}", f"x-ms-version:{_VERSION}", resource]
    digest = hmac.new(base64.b64decode(KEY), "\n".join(lines).encode(), hashlib.sha256).digest()
    for name, value in (
        ("x-ms-date", date),
        ("x-ms-version", _VERSION),
        ("Content-Length", "0"),
        ("Authorization", f"SharedKey {ACCOUNT}:{base64.b64encode(digest).decode()}"),
    ):
        request.add_header(name, value)


def _await(port: int) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return
