"""Services over a real store in a file, a caller who may do everything, and ids that count."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from flowservice.adapters.delta import DeltaLake, Folder
from flowservice.adapters.sql.database import SqlDatabase
from flowservice.adapters.sql.engine import open_engine
from flowservice.adapters.sql.migrate import migrate
from flowservice.domain.identity import ALL_PERMISSIONS, Caller, Org, Sandbox, SandboxState, Scope
from flowservice.engine.mapping_trial import MappingTrials
from flowservice.ports.database import Database
from flowservice.service.datasets import Datasets
from flowservice.service.descriptors import Descriptors
from flowservice.service.mapping_sets import MappingSets
from flowservice.service.schemas import Schemas
from tests.service.shop import Shop

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
def caller(database: SqlDatabase) -> Caller:
    scope = Scope(org_id="9A1B@AdobeOrg", sandbox_id="5e0c", sandbox_name="prod")
    return Caller(scope=scope, tenant_id="northwind", user_id="u", client_id="c", permissions=ALL_PERMISSIONS)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[SqlDatabase]:
    engine = open_engine(f"sqlite:///{tmp_path / 'control.db'}")
    migrate(engine)
    database = SqlDatabase(engine=engine)
    for org, tenant, sandbox in (("9A1B@AdobeOrg", "northwind", "5e0c"), ("other@AdobeOrg", "other", "77aa")):
        database.tenancy.add_org(Org(id=org, tenant_id=tenant, created_at=NOON))
        database.tenancy.add_sandbox(
            Sandbox(
                id=sandbox,
                org_id=org,
                name="prod",
                title="Production",
                type="production",
                state=SandboxState.ACTIVE,
                region="VA7",
                is_default=True,
                revision=1,
                created_at=NOON,
                created_by="u",
                updated_at=NOON,
                updated_by="u",
            )
        )
    yield database
    engine.dispose()


@pytest.fixture
def schemas(database: Database) -> Schemas:
    return Schemas(database=database, now=lambda: NOON, ids=CountingIds())


@pytest.fixture
def descriptors(database: Database, schemas: Schemas) -> Descriptors:
    return Descriptors(database=database, now=lambda: NOON, ids=schemas.ids)


@pytest.fixture
def datasets(database: Database, schemas: Schemas, tmp_path: Path) -> Datasets:
    return Datasets(
        database=database,
        lake=DeltaLake(Folder(tmp_path / "lake")),
        schemas=schemas,
        now=lambda: NOON,
        ids=CountingIds(),
    )


@pytest.fixture
def mapping_sets(database: Database, schemas: Schemas) -> MappingSets:
    return MappingSets(database=database, schemas=schemas, trying=MappingTrials(), now=lambda: NOON, ids=CountingIds())


@pytest.fixture
def shop(schemas: Schemas, descriptors: Descriptors, datasets: Datasets, caller: Caller) -> Shop:
    shop = Shop(schemas, descriptors, datasets, caller)
    shop.build()
    return shop
