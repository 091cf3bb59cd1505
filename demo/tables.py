"""Three tables that people would recognise, deterministic, with all that makes Azure tables awkward.

| table | partitions | of note |
| --- | --- | --- |
| `customers` | country | sparse, every Edm type, Unicode, `loyaltyPoints` mixed in a few rows |
| `orders` | month | Double amounts, DateTime with odd fractions, the partition grows towards the end |
| `pageevents` | one a day, reverse-tick row keys | optional campaign properties, Boolean flags |
"""

import base64
import hashlib
import hmac
import json
import random
import threading
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import groupby, islice
from operator import itemgetter
from typing import Any, Final, TypeAlias
from urllib.parse import quote, urlencode, urlsplit

from pyreqwest.client import SyncClient, SyncClientBuilder
from pyreqwest.http import HeaderMap

from demo.azurite import ACCOUNT, KEY

Entity: TypeAlias = dict[str, Any]
"""JSON of an entity, with `@odata.type` annotations."""

ROWS: Final = 20_000
# The service's limit for one entity-group transaction, all in one partition.
GROUP: Final = 100
_WRITERS: Final = 4
# Azurite finds boundaries by these beginnings.
_BATCH: Final = "batch_b1a5e2f0-0000-4000-8000-000000000001"
_CHANGES: Final = "changeset_b1a5e2f0-0000-4000-8000-000000000002"

_NAMES: Final = {
    "DE": (("Anna", "Jürgen", "Sören", "Käthe", "Lukas"), ("Müller", "Groß", "Schäfer", "Köhler", "Weiß")),
    "FR": (("Chloé", "François", "Zoé", "Hélène", "Louis"), ("Lefèvre", "Noël", "Dubois", "Gérard", "Petit")),
    "JP": (("陽菜", "蓮", "結衣", "悠真", "葵"), ("佐藤", "鈴木", "高橋", "田中", "渡辺")),
    "PL": (("Łucja", "Paweł", "Zofia", "Józef", "Maja"), ("Wójcik", "Kamiński", "Zając", "Dąbrowski", "Król")),
    "US": (("Emma", "Liam", "Olivia", "Noah", "Ava"), ("O'Brien", "Smith", "Johnson", "Nguyen", "García")),
}
_EPOCH: Final = datetime(2026, 1, 1, tzinfo=UTC)
_TICKS_AT_END: Final = 3155378975999999999


def _guid(draw: random.Random) -> str:
    return str(uuid.UUID(int=draw.getrandbits(128), version=4))


def _moment(draw: random.Random, start: datetime, days: int) -> str:
    """With 0 to 7 fraction digits and no trailing zero, as the service writes them."""
    moment = start + timedelta(seconds=draw.randrange(days * 86_400))
    digits = str(draw.randrange(10**7)).zfill(7)[: draw.randrange(8)].rstrip("0")
    return moment.strftime("%Y-%m-%dT%H:%M:%S") + (f".{digits}" if digits else "") + "Z"


def customers(rows: int = ROWS) -> Iterator[Entity]:
    """Customers by country. About half have a phone, a third a note, few a negative balance."""
    draw = random.Random("customers")
    countries = sorted(_NAMES)
    for number in range(rows):
        country = countries[number * len(countries) // rows]
        given, family = (draw.choice(part) for part in _NAMES[country])
        born = f"{draw.randrange(1930, 2008)}-{draw.randrange(1, 13):02d}-{draw.randrange(1, 29):02d}"
        entity: Entity = {
            "PartitionKey": country,
            "RowKey": f"{number:08d}",
            "customerId": _guid(draw),
            "customerId@odata.type": "Edm.Guid",
            "firstName": given,
            "lastName": family,
            "email": f"user{number}@example.{country.lower()}",
            "birthDate": f"{born}T00:00:00Z",
            "birthDate@odata.type": "Edm.DateTime",
            "loyaltyPoints": str(draw.randrange(5_000_000_000)),
            "loyaltyPoints@odata.type": "Edm.Int64",
            "balance": draw.randrange(-5_000, 500_000) / 100 + 0.005,
            "visits": draw.randrange(500),
            "isActive": draw.random() < 0.8,
            "createdAt": _moment(draw, datetime(2019, 1, 1, tzinfo=UTC), 2_500),
            "createdAt@odata.type": "Edm.DateTime",
        }
        if draw.random() < 0.5:
            entity["phone"] = f"+{draw.randrange(10**11, 10**12)}"
        if draw.random() < 0.3:
            entity["note"] = draw.choice(("called twice", 'prefers "e-mail"', "línea\nnueva", "VIP 🎉", ""))
        if draw.random() < 0.2:
            entity["avatar"] = base64.b64encode(draw.randbytes(draw.randrange(1, 48))).decode()
            entity["avatar@odata.type"] = "Edm.Binary"
        if draw.random() < 0.01:
            # As happens when two versions of an application write: the same property, another type.
            entity["loyaltyPoints"] = draw.choice(("none", "gold", "12"))
            del entity["loyaltyPoints@odata.type"]
        if draw.random() < 0.01:
            entity["score"] = draw.choice(("NaN", "Infinity", "-Infinity"))
            entity["score@odata.type"] = "Edm.Double"
        elif draw.random() < 0.4:
            entity["score"] = draw.random()
            entity["score@odata.type"] = "Edm.Double"
        yield entity


def orders(rows: int = ROWS) -> Iterator[Entity]:
    """Orders by month; later months have more."""
    draw = random.Random("orders")
    for number in range(rows):
        month = int(24 * (number / rows) ** 0.5)
        entity: Entity = {
            "PartitionKey": f"{2024 + month // 12}-{month % 12 + 1:02d}",
            "RowKey": f"order-{number:08d}",
            "orderId": _guid(draw),
            "orderId@odata.type": "Edm.Guid",
            "customer": f"{draw.randrange(ROWS):08d}",
            "total": draw.randrange(100, 200_000) / 100 + 0.0001,
            "currency": draw.choice(("EUR", "USD", "JPY", "PLN")),
            "items": draw.randrange(1, 30),
            "placedAt": _moment(draw, datetime(2024 + month // 12, month % 12 + 1, 1, tzinfo=UTC), 28),
            "placedAt@odata.type": "Edm.DateTime",
            "isGift": draw.random() < 0.1,
        }
        if draw.random() < 0.25:
            entity["coupon"] = draw.choice(("WELCOME10", "SPRING", "5€ OFF"))
        if draw.random() < 0.6:
            entity["shippedAt"] = _moment(draw, _EPOCH, 90)
            entity["shippedAt@odata.type"] = "Edm.DateTime"
        yield entity


def pageevents(rows: int = ROWS) -> Iterator[Entity]:
    """Page views, one partition a day, newest first in it: the usual way to get at the latest rows quickly."""
    draw = random.Random("pageevents")
    days = 30
    for number in range(rows):
        day = number * days // rows
        ticks = _TICKS_AT_END - (number + day * 86_400) * 10_000_000
        entity: Entity = {
            "PartitionKey": (_EPOCH + timedelta(days=day)).strftime("%Y%m%d"),
            "RowKey": f"{ticks:019d}",
            "eventId": _guid(draw),
            "eventId@odata.type": "Edm.Guid",
            "url": draw.choice(("/", "/shop", "/shop/cart", "/blog/2026/été", "/search?q=a%20b")),
            "durationMs": draw.randrange(60_000),
            "bytesSent": str(draw.randrange(10**10)),
            "bytesSent@odata.type": "Edm.Int64",
            "isMobile": draw.random() < 0.6,
            "scrollDepth": draw.random(),
            "at": _moment(draw, _EPOCH + timedelta(days=day), 1),
            "at@odata.type": "Edm.DateTime",
        }
        if draw.random() < 0.15:
            entity |= {"campaign": draw.choice(("summer", "retarget")), "medium": "email"}
        yield entity


TABLES: Final[dict[str, Callable[[int], Iterator[Entity]]]] = {
    "customers": customers,
    "orders": orders,
    "pageevents": pageevents,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TableAccount:
    """Where to seed. By default the emulator's account."""

    endpoint: str
    name: str = ACCOUNT
    key: str = KEY


def seed(
    account: TableAccount,
    table: str,
    entities: Iterator[Entity],
    *,
    progress: Callable[[int], None] = lambda _written: None,
) -> int:
    """Create `table` and write `entities`, in transactions of 100 of one partition, four at a time. Returns how many.

    `progress` gets the number written so far. Raises RuntimeError with the service's answer if it refuses one.
    """
    client = SyncClientBuilder().no_proxy().build()
    written, counting = 0, threading.Lock()

    def write(group: list[Entity]) -> None:
        nonlocal written
        _commit(client, account, table, group)
        with counting:
            written += len(group)
            progress(written)

    try:
        _create(client, account, table)
        with ThreadPoolExecutor(_WRITERS) as writers:
            pending = [writers.submit(write, group) for group in _groups(entities)]
            for done in pending:
                done.result()
    finally:
        client.close()
    return written


def stored(account: TableAccount, table: str, *, columns: str = "") -> Iterator[Entity]:
    """The entities that `table` holds, read page by page without the connector: what to compare a lake with.

    `columns` names some with commas between them; by default all come. `sum(1 for _ in stored(...))` counts them.
    """
    client = SyncClientBuilder().no_proxy().build()
    try:
        token: dict[str, str] | None = {}
        while token is not None:
            query = urlencode({**({"$select": columns} if columns else {}), **token})
            body, headers = _send(client, account, f"{table}()", query=query)
            yield from json.loads(body)["value"]
            names = ("NextPartitionKey", "NextRowKey")
            found = {name: headers.get(f"x-ms-continuation-{name}") for name in names}
            token = {name: value for name, value in found.items() if value is not None} or None
    finally:
        client.close()


def _groups(entities: Iterator[Entity]) -> Iterator[list[Entity]]:
    for _, partition in groupby(entities, itemgetter("PartitionKey")):
        while group := list(islice(partition, GROUP)):
            yield group


def _create(client: SyncClient, account: TableAccount, table: str) -> None:
    body = json.dumps({"TableName": table}).encode()
    _send(client, account, "Tables", body=body, accepted=(201, 204, 409))


def _commit(client: SyncClient, account: TableAccount, table: str, group: list[Entity]) -> None:
    """One entity-group transaction: a MIME batch with one change set, all or nothing."""
    changes = b"".join(
        (
            f"--{_CHANGES}\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n"
            f"PUT {account.endpoint}/{table}(PartitionKey='{_quoted(entity['PartitionKey'])}',"
            f"RowKey='{_quoted(entity['RowKey'])}') HTTP/1.1\r\n"
            f"Content-Type: application/json\r\nAccept: application/json;odata=minimalmetadata\r\n"
            f"DataServiceVersion: 3.0;NetFx\r\n\r\n"
        ).encode()
        + json.dumps(entity).encode()
        + b"\r\n"
        for entity in group
    )
    head = f"--{_BATCH}\r\nContent-Type: multipart/mixed; boundary={_CHANGES}\r\n\r\n".encode()
    body = head + changes + f"--{_CHANGES}--\r\n--{_BATCH}--\r\n".encode()
    answer, _ = _send(
        client, account, "$batch", body=body, content=f"multipart/mixed; boundary={_BATCH}", accepted=(202,)
    )
    if answer.count(b"HTTP/1.1 204") != len(group):
        raise RuntimeError(f"a transaction into {table} was refused: {answer[:500].decode(errors='replace')}")


def _quoted(key: str) -> str:
    return quote(key.replace("'", "''"), safe="")


def _send(
    client: SyncClient,
    account: TableAccount,
    resource: str,
    *,
    body: bytes | None = None,
    content: str = "application/json",
    query: str = "",
    accepted: tuple[int, ...] = (200,),
) -> tuple[bytes, HeaderMap]:
    """POST with a body, else GET. Returns body and headers of the answer."""
    url = f"{account.endpoint}/{resource}"
    date = format_datetime(datetime.now(UTC), usegmt=True)
    text = f"{date}\n/{account.name}{urlsplit(url).path}"
    signed = base64.b64encode(hmac.new(base64.b64decode(account.key), text.encode(), hashlib.sha256).digest()).decode()
    headers = {
        "x-ms-date": date,
        "x-ms-version": "2019-02-02",
        "Accept": "application/json;odata=minimalmetadata",
        "DataServiceVersion": "3.0;NetFx",
        "Authorization": f"SharedKeyLite {account.name}:{signed}",
    }
    if body is None:
        response = client.get(f"{url}?{query}").headers(headers).build().send()
    else:
        headers |= {"Content-Type": content, "Prefer": "return-no-content"}
        response = client.post(url).headers(headers).body_bytes(body).build().send()
    answer = bytes(response.bytes())
    if response.status not in accepted:
        raise RuntimeError(f"{resource} answered {response.status}: {answer[:500].decode(errors='replace')}")
    return answer, response.headers
