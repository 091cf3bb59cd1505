"""nginx that answers as a table service would: kept pages, one after the other, each naming the next.

It is faster than any client: a benchmark of readers measures the readers. It knows nothing of filters.
"""

import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pyreqwest.client import SyncClientBuilder

from demo.azurite import ACCOUNT, KEY, free_port
from demo.certificates import certificates

TABLE: Final = "pages"
_CONFIGURATION: Final = """
daemon off; master_process off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 512; }}
http {{
  access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000; keepalive_timeout 600;
  client_body_temp_path {folder}/t; proxy_temp_path {folder}/t; fastcgi_temp_path {folder}/t;
  uwsgi_temp_path {folder}/t; scgi_temp_path {folder}/t;
  ssl_certificate {folder}/server.pem; ssl_certificate_key {folder}/server.key; ssl_session_cache shared:s:1m;
  map_hash_max_size 65536; map_hash_bucket_size 128;
  map $arg_NextPartitionKey $page {{ "" 0; default $arg_NextPartitionKey; }}
  map $page $next {{ {following} }}
  map $page $file {{ {files} }}
  server {{
    listen 127.0.0.1:{port}; listen 127.0.0.1:{tls_port} ssl;
    root {folder}/pages; default_type "application/json;odata=minimalmetadata;streaming=true;charset=utf-8";
    add_header x-ms-continuation-NextPartitionKey $next;
    location / {{ try_files /$file.json =404; }}
  }}
}}
"""


class NoNginx(RuntimeError):
    """nginx is not installed."""


@dataclass(frozen=True, slots=True)
class Replay:
    """Where the pages are served."""

    port: int
    tls_port: int
    authority: Path

    @property
    def connection_string(self) -> str:
        """Over plain HTTP."""
        return self._at(f"http://127.0.0.1:{self.port}/{ACCOUNT}")

    @property
    def tls_connection_string(self) -> str:
        """Over TLS; the reader has to trust `authority`."""
        return self._at(f"https://127.0.0.1:{self.tls_port}/{ACCOUNT}")

    def _at(self, endpoint: str) -> str:
        protocol = endpoint.partition(":")[0]
        return f"DefaultEndpointsProtocol={protocol};AccountName={ACCOUNT};AccountKey={KEY};TableEndpoint={endpoint};"


@contextmanager
def replay(pages: Sequence[bytes], *, count: int | None = None) -> Iterator[Replay]:
    """Serve `pages`, or `count` pages by sending them again and again. Raises NoNginx."""
    count = count or len(pages)
    nginx = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if nginx is None:
        raise NoNginx("the benchmark needs nginx: apt-get install nginx-light, or the like")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "pages").mkdir()
        for number, page in enumerate(pages):
            (folder / "pages" / f"{number}.json").write_bytes(page)
        made = certificates(folder)
        following = " ".join(f"{number} {number + 1};" for number in range(count - 1)) + ' default "";'
        files = " ".join(f"{number} {number % len(pages)};" for number in range(count)) + " default none;"
        server = Replay(free_port(), free_port(), made.ca)
        configuration = folder / "nginx.conf"
        configuration.write_text(
            _CONFIGURATION.format(
                folder=folder, port=server.port, tls_port=server.tls_port, following=following, files=files
            )
        )
        with subprocess.Popen([nginx, "-c", str(configuration), "-e", str(folder / "error.log")]) as process:
            try:
                _wait(server.port, process)
                yield server
            finally:
                process.terminate()


def _wait(port: int, process: "subprocess.Popen[bytes]") -> None:
    client = SyncClientBuilder().no_proxy().build()
    for _ in range(100):
        if process.poll() is not None:
            break
        try:
            if client.get(f"http://127.0.0.1:{port}/x/{TABLE}()").build().send().status == 200:
                return
        except Exception:  # noqa: BLE001 - it is not up yet
            time.sleep(0.05)
    raise RuntimeError("nginx did not start")
