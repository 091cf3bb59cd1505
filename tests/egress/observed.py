"""Sends every payload to a live server inside the observed network, and prints what was seen: `python -m …`."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.egress import network
from tests.egress.payloads import ENVIRONMENT, RECORDS, payloads
from tests.live import Server
from tests.wire import resources
from tests.wire.resources import FLOW


def observe(home: Path) -> Iterator[dict[str, Any]]:
    """The answer to each payload, and the addresses that the server dialled for it."""
    network.enter()
    observer, names = network.Observer(), network.NameServer(RECORDS)
    observer.start()
    names.start()
    server = Server(home, env={**ENVIRONMENT, "RES_OPTIONS": "timeout:1 attempts:1"}, executed=True).start()
    try:
        with server.client() as client:
            for payload in payloads():
                observer.location = payload.location
                observer.seen()
                body = resources.connection(payload.text)
                answer = client.post(f"{FLOW}/connections", json={**body, "auth": payload.auth or body["auth"]})
                yield {"name": payload.name, "status": answer.status_code, "dialled": observer.seen()} | {
                    "body": answer.json()
                }
            count = client.get(f"{FLOW}/connections?count=true").json()["count"]
            yield {"name": "count", "status": 200, "dialled": [], "body": count}
    finally:
        server.stop()


if __name__ == "__main__":
    json.dump(list(observe(Path(sys.argv[1]))), sys.stdout)
