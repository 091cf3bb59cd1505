"""Real pages of a table: seeded into Azurite, read from it once, and multiplied.

An entity has about 20 properties of all eight types, some of them sparse, names and notes in many scripts, escapes, and
about 880 bytes as JSON. Azurite answers 1,000 entities in 50 to 100 ms; so its pages are kept and replayed, and each
copy of them has partition keys of its own.
"""

import base64
import random
import uuid
from collections.abc import Iterator
from typing import Any, Final

from demo.azurite import Azurite
from demo.tables import TableAccount, seed

SEEDED: Final = 10_000
PAGE_ROWS: Final = 1000
_PARTITION_ROWS: Final = 500
_NAMES: Final = ("Anna Müller", "François Noël", "佐藤 陽菜", "Paweł Zając", "Emma O'Brien", "Зоя Ким", "Léa 🎉 Petit")
_NOTES: Final = ('asked for "express"\nand got it', "C:\\data\\in", "línea nueva\tcolumna", "ok", "</td>&nbsp;")
_WORDS: Final = ("lorem", "ipsum", "dolor", "sit", "amet", "consectetur", "adipiscing", "elit", "sed", "eiusmod")


def pages(count: int) -> list[bytes]:
    """`count` pages of 1,000 entities, in key order throughout."""
    seeded = _from_azurite()
    copies = -(-count // len(seeded))
    return [
        page.replace(b'"PartitionKey":"tenant-00-', b'"PartitionKey":"tenant-%02d-' % copy)
        for copy in range(copies)
        for page in seeded
    ][:count]


def entities(rows: int) -> Iterator[dict[str, Any]]:
    """The entities that are seeded."""
    draw = random.Random("pages")
    for number in range(rows):
        entity: dict[str, Any] = {
            "PartitionKey": f"tenant-00-{number // _PARTITION_ROWS:06d}",
            "RowKey": f"{number:012d}",
            "customer": draw.choice(_NAMES),
            "email": f"user{number}@example.com",
            "description": " ".join(draw.choices(_WORDS, k=draw.randrange(6, 14))),
            "quantity": draw.randrange(1000),
            "level": draw.randrange(10),
            "revenue@odata.type": "Edm.Int64",
            "revenue": str(draw.randrange(10**13)),
            "price@odata.type": "Edm.Double",
            "price": draw.random() * 1000,
            "rating@odata.type": "Edm.Double",
            "rating": "NaN" if draw.random() < 0.01 else draw.random() * 5,
            "isActive": draw.random() < 0.7,
            "isNew": draw.random() < 0.1,
            "createdAt@odata.type": "Edm.DateTime",
            "createdAt": _moment(draw),
            "updatedAt@odata.type": "Edm.DateTime",
            "updatedAt": _moment(draw),
            "sequence@odata.type": "Edm.Int64",
            "sequence": str(number),
            "customerId@odata.type": "Edm.Guid",
            "customerId": str(uuid.UUID(int=draw.getrandbits(128), version=4)),
            "digest@odata.type": "Edm.Binary",
            "digest": base64.b64encode(draw.randbytes(20)).decode(),
        }
        if draw.random() < 0.5:
            entity["city"] = draw.choice(("Ghent", "München", "東京", "São Paulo"))
        if draw.random() < 0.3:
            entity["note"] = draw.choice(_NOTES)
        if draw.random() < 0.2:
            entity["closedAt@odata.type"] = "Edm.DateTime"
            entity["closedAt"] = "2025-06-01T00:00:00Z"
        if draw.random() < 0.1:
            entity["discount"] = draw.randrange(50)
        yield entity


def _moment(draw: random.Random) -> str:
    """With its seventh digit, as times of a program come."""
    day = f"2024-{draw.randrange(1, 13):02d}-{draw.randrange(1, 29):02d}"
    return f"{day}T{draw.randrange(24):02d}:11:12.{draw.randrange(10**6) * 10 + draw.randrange(1, 10):07d}Z"


def _from_azurite() -> list[bytes]:
    from flowservice.connectors.azure_table.connection_string import parse
    from flowservice.connectors.azure_table.table_service import TableService, Token
    from flowservice.sdk import Egress

    with Azurite() as emulator:
        account = TableAccount(endpoint=emulator.endpoint)
        seed(account, "pages", entities(SEEDED))
        service = TableService(parse(emulator.connection_string), egress=Egress(local=True))
        found: list[bytes] = []
        token: Token | None = {}
        while token is not None:
            page = service.open("pages", {"$top": str(PAGE_ROWS), **token})
            found.append(bytes(page.body()))
            token = page.next
        service.close()
        return found
