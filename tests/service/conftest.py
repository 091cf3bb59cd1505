"""Services over stores in memory, a caller who may do everything, and ids that count."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Any, cast

import pytest

from flowservice.domain.identity import ALL_PERMISSIONS, Caller, Scope
from flowservice.ports.database import Database
from flowservice.service.datasets import Datasets
from flowservice.service.mapping_sets import MappingSets
from flowservice.service.schemas import Schemas
from tests.service.memory import MemoryDatabase

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@dataclass
class CountingIds:
    """Ids that count up, in the right style."""

    numbers: Any = field(default_factory=lambda: count(1))

    def uuid(self) -> str:
        return f"00000000-0000-4000-8000-{next(self.numbers):012x}"

    def hex(self, digits: int) -> str:
        return f"{next(self.numbers):0{digits}x}"

    def ulid(self, at: datetime) -> str:
        return f"{next(self.numbers):026d}"


@pytest.fixture
def caller() -> Caller:
    scope = Scope(org_id="9A1B@AdobeOrg", sandbox_id="5e0c", sandbox_name="prod")
    return Caller(scope=scope, tenant_id="northwind", user_id="u", client_id="c", permissions=ALL_PERMISSIONS)


@pytest.fixture
def database() -> Database:
    return cast(Database, MemoryDatabase())


@pytest.fixture
def schemas(database: Database) -> Schemas:
    return Schemas(database=database, now=lambda: NOON, ids=CountingIds())


@pytest.fixture
def datasets(database: Database, schemas: Schemas) -> Datasets:
    return Datasets(database=database, schemas=schemas, now=lambda: NOON, ids=CountingIds())


@pytest.fixture
def mapping_sets(database: Database, schemas: Schemas) -> MappingSets:
    return MappingSets(database=database, schemas=schemas, now=lambda: NOON, ids=CountingIds())
