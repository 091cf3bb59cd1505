"""Records the examples of the API's document: `python -m docs.record_examples`, run by hand when an operation changes.

A real server is called and answers; what differs from time to time (ids, etags, times, secrets, addresses) is
replaced by invented values, the same ones in every recording.
"""

import json
import re
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from demo.azurite import Azurite
from demo.tour import Taken, Tour, paths_of, seed_shop
from tests.live import Client, Server

EXAMPLES: Final = Path(__file__).resolve().parent.parent / "src/flowservice/api/examples.json"
SHOWN: Final = 3
"""Items that are kept of a list."""
CONNECTION_STRING: Final = (
    "DefaultEndpointsProtocol=https;AccountName=shop;AccountKey=c2hvcC1hY2NvdW50LWtleQ==;"
    "EndpointSuffix=core.windows.net"
)
_TEXT_TYPES: Final = frozenset({"operations-metrics"})
_BORN: Final = re.compile(
    r"(?P<uuid>\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b)|(?P<hex>\b[0-9a-f]{24,64}\b)"
    r"|(?P<org>\b[0-9A-F]{24}(?=@))|(?P<ulid>\b01[0-9A-HJKMNP-TV-Z]{24}\b)"
)
_DATE: Final = re.compile(r"\b20\d\d-\d\d-\d\d(?P<sep>[ T])\d\d:\d\d:\d\d(\.\d+)?")
_OTHER_DATES: Final = (
    (re.compile(r"\b\d\d-\d\d-20\d\d \d\d:\d\d:\d\d"), "03-02-2026 09:00:00"),
    (re.compile(r"\b[A-Z][a-z]{2} [A-Z][a-z]{2} \d\d 20\d\d \d\d:\d\d:\d\d"), "Mon Mar 02 2026 09:00:00"),
)
_EPOCH_MS: Final = re.compile(r"\A1[789]\d{11}\Z")
_SECRETS: Final = frozenset({"access_token", "clientSecret", "client_secret"})
_FIRST_MS: Final = 1_772_442_000_000


def invented(seen: Mapping[str, Taken], *, url: str, connection_string: str) -> dict[str, str]:
    """What is shown in place of each text that only this server knows: the longest first."""
    names: dict[str, str] = {url: "http://127.0.0.1:8080", connection_string: CONNECTION_STRING}
    kept = {match[0] for match in _BORN.finditer(json.dumps(seen["specs-list-connectionspecs"].response))}
    for operation, taken in seen.items():
        for text in _texts([taken.request, taken.parameters, taken.response], ""):
            for secret in (text[1],) if text[0] in _SECRETS else ():
                names.setdefault(secret, f"{text[0]}-of-{operation}")
            for match in _BORN.finditer(text[1]):
                if match[0] not in kept and match[0] not in _CONSTANTS:
                    names.setdefault(match[0], _like(match, len(names)))
    return names


_CONSTANTS: Final = frozenset(
    {
        "ecde33f2-c56f-46cc-bdea-ad151c16cd69",
        "c604ff05-7f1a-43c0-8e18-33bf874cb11c",
        "14518937-270c-4525-bdec-c2ba7cce3860",
        "0ed90a81-07f4-4586-8190-b40eccef1c5a",
    }
)
"""Ids that Adobe has published: the same everywhere."""


def _like(match: re.Match[str], number: int) -> str:
    if match["uuid"]:
        return str(UUID(int=(0x6655A1E2 << 96) | (number << 48) | 0x4A7C9D21 | (number << 32), version=4))
    if match["ulid"]:
        return f"01KJQ6VZ{number:018d}"
    digits = f"{0x6655A1E2:x}{number:04x}".ljust(len(match[0]), "0")
    return digits.upper() if match["org"] else digits


def _texts(node: Any, name: str) -> Iterator[tuple[str, str]]:
    """Every text in it, names of members too, each with the name of the member that holds it."""
    if isinstance(node, Mapping):
        for key, value in node.items():
            yield "", key
            yield from _texts(value, key)
    elif isinstance(node, list):
        for value in node:
            yield from _texts(value, name)
    elif isinstance(node, str):
        yield name, node


def _shown(node: Any, names: Mapping[str, str]) -> Any:
    if isinstance(node, Mapping):
        return {replaced(key, names): _shown(value, names) for key, value in list(node.items())}
    if isinstance(node, list):
        return [_shown(value, names) for value in node[:SHOWN]]
    if isinstance(node, str):
        text = _DATE.sub(lambda found: f"2026-03-02{found['sep']}09:00:00", replaced(node, names))
        for other, invented_date in _OTHER_DATES:
            text = other.sub(invented_date, text)
        return _EPOCH_MS.sub(str(_FIRST_MS), text)
    if isinstance(node, int) and node > _FIRST_MS // 2:
        return _FIRST_MS
    return node


def replaced(text: str, names: Mapping[str, str]) -> str:
    """`text` with each of `names` replaced."""
    for known in names:
        if known in text:
            text = text.replace(known, names[known])
    return text


def main() -> None:
    """Record, and write the file."""
    with Azurite() as azurite, tempfile.TemporaryDirectory() as folder:
        seed_shop(azurite.endpoint)
        server = Server(Path(folder) / "home").start()
        try:
            with server.client() as client:
                tour = toured(server, client, azurite.connection_string)
        finally:
            server.stop()
    names = {
        str(Path(folder) / "home"): "/srv/flowservice",
        **invented(tour.seen, url=server.url, connection_string=azurite.connection_string),
    }
    examples = {operation: _example(operation, taken, names) for operation, taken in sorted(tour.seen.items())}
    EXAMPLES.write_text(json.dumps(examples, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    print(f"{len(examples)} operations in {EXAMPLES.name}")


def toured(server: Server, client: Client, connection_string: str) -> Tour:
    """A tour of `server` that was taken. Raises Refused."""
    document = client.get("/v1/openapi.json").json()
    tour = Tour(
        http=client,
        credentials=server.credentials(),
        connection_string=connection_string,
        sign_in_code=server.run("sign-in").strip().partition("#")[2],
        paths=paths_of(document),
    )
    tour.take()
    return tour


def _example(operation: str, taken: Taken, names: Mapping[str, str]) -> dict[str, Any]:
    shown: dict[str, Any] = {"parameters": _shown(taken.parameters, names)}
    if taken.request is not None:
        shown["request"] = _shown(taken.request, names)
    if operation in _TEXT_TYPES:
        shown["response"] = "\n".join(str(taken.response).splitlines()[:SHOWN]) + "\n"
    elif taken.response != "":
        shown["response"] = _shown(taken.response, names)
    return {name: value for name, value in shown.items() if value}


if __name__ == "__main__":
    main()
