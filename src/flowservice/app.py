"""The composition root: the one module that names adapters. Everything is built here and passed on as arguments."""

import json
import os
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from importlib.metadata import entry_points
from pathlib import Path
from threading import Semaphore
from typing import TYPE_CHECKING, Any

from flowservice.adapters.sealing.box import EnvelopeBox, load_key
from flowservice.adapters.sql.database import SqlDatabase
from flowservice.adapters.sql.engine import open_engine
from flowservice.adapters.sql.migrate import migrate
from flowservice.adapters.tokens.jwt import JwtTokens
from flowservice.api.search_forms import FORMS
from flowservice.domain.dataset import Dataset
from flowservice.domain.mapping import MappingSet
from flowservice.domain.xdm_tree import ObjectField
from flowservice.errors import BadMappingVersion, NotFound
from flowservice.ids import RandomIds
from flowservice.sdk import ENTRY_POINTS, Connector
from flowservice.service.connections import Connections
from flowservice.service.datasets import Datasets
from flowservice.service.flow_checks import FlowChecks
from flowservice.service.flows import Flows
from flowservice.service.identity import Identity
from flowservice.service.mapping_sets import MappingSets
from flowservice.service.runs import Runs
from flowservice.service.sandboxes import Sandboxes
from flowservice.service.schemas import Schemas
from flowservice.service.source_connections import SourceConnections
from flowservice.service.sources import OpenSources
from flowservice.service.specs import Specs
from flowservice.service.target_connections import TargetConnections
from flowservice.settings import Settings

if TYPE_CHECKING:
    from fastapi import FastAPI

    from flowservice.adapters.dbos import DbosRuns
    from flowservice.adapters.delta import DeltaLake
    from flowservice.engine.execution import Execution
    from flowservice.engine.row_mapper import RowMapper


def utc_now() -> datetime:
    """Now, aware, in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class App:
    """The parts of one process, each built when it is first needed: `token` does not load the lake."""

    settings: Settings

    @cached_property
    def key(self) -> bytes:
        """The key that seals secrets and signs tokens."""
        return load_key(self.settings.key_path)

    @cached_property
    def database(self) -> SqlDatabase:
        """The control store, migrated."""
        engine = open_engine(self.settings.resolved_database_url)
        migrate(engine)
        database = SqlDatabase(engine=engine, forms=FORMS)
        database.refresh_search()
        return database

    @cached_property
    def ids(self) -> RandomIds:
        """Ids."""
        return RandomIds()

    @cached_property
    def secrets(self) -> EnvelopeBox:
        """The box for secrets."""
        return EnvelopeBox(self.key)

    @cached_property
    def identity(self) -> Identity:
        """Tokens and credentials."""
        return Identity(
            database=self.database,
            tokens=JwtTokens(self.key),
            now=utc_now,
            ids=self.ids,
            token_lifetime_s=self.settings.token_lifetime_s,
        )

    @cached_property
    def lake(self) -> "DeltaLake":
        """The lake."""
        from flowservice.adapters.delta import DeltaLake  # noqa: PLC0415 - `token` need not load it

        return DeltaLake(self.settings.lake_root)

    @cached_property
    def connectors(self) -> Sequence[Connector]:
        """Every installed connector."""
        return tuple(entry.load() for entry in entry_points(group=ENTRY_POINTS))

    @cached_property
    def specs(self) -> Specs:
        """Specs and the connectors behind them."""
        return Specs(self.connectors)

    @cached_property
    def sources(self) -> OpenSources:
        """What opens connections."""
        return OpenSources(self.specs, self.secrets)

    @cached_property
    def schemas(self) -> Schemas:
        """The schema registry."""
        return Schemas(database=self.database, now=utc_now, ids=self.ids)

    @cached_property
    def queue(self) -> "DbosRuns":
        """The run queue, and the worker that serves it."""
        from flowservice.adapters.dbos import DbosRuns  # noqa: PLC0415 - `token` need not load it

        return DbosRuns(engine=self.database.engine)

    @cached_property
    def runs(self) -> Runs:
        """Runs."""
        return Runs(self.database, self.queue, utc_now, self.ids)

    def execution(self) -> "Execution":
        """What a worker does with a run."""
        from flowservice.engine.execution import Execution  # noqa: PLC0415 - `token` need not load it
        from flowservice.engine.patience import Patience  # noqa: PLC0415
        from flowservice.engine.split_runner import ThreadSplits  # noqa: PLC0415
        from flowservice.engine.step import PartLimits  # noqa: PLC0415

        stopping = self.queue.stopping
        return Execution(
            database=self.database,
            lake=self.lake,
            sources=self.sources,
            mapper_for=self._mapper,
            now=utc_now,
            splits=ThreadSplits(self.settings.split_threads),
            limits=PartLimits(part_rows=self.settings.part_max_rows),
            patience=Patience(sleep=stopping.wait, stopping=stopping.is_set),
            places=Semaphore(self.settings.workers),
        )

    def web(self, *, on_start: Callable[[], None], on_stop: Callable[[], None], wake: Callable[[], None]) -> "FastAPI":
        """The web application. `wake` tells the tick that a flow may be due."""
        from prometheus_client import REGISTRY  # noqa: PLC0415 - `token` need not load it

        from flowservice.api import catalog, conversion, ims, sandboxes, schemaregistry, server  # noqa: PLC0415
        from flowservice.api.flowservice import (  # noqa: PLC0415
            connections,
            flows,
            runs,
            source_connections,
            specs,
            target_connections,
        )

        database, now, ids = self.database, utc_now, self.ids
        accounts = Connections(database, self.specs, self.sources, now, ids)
        mapping_sets = MappingSets(database=database, schemas=self.schemas, now=now, ids=ids)
        checks = FlowChecks(database, self.specs, accounts, mapping_sets)
        return server.build(
            identity=self.identity,
            routers=[
                ims.router(self.identity),
                sandboxes.router(Sandboxes(database)),
                specs.router(self.specs),
                connections.router(accounts),
                source_connections.router(SourceConnections(database, self.specs, accounts, now, ids)),
                target_connections.router(TargetConnections(database, self.specs, now, ids)),
                flows.router(Flows(database, checks, now, ids), wake),
                runs.router(self.runs),
                schemaregistry.router(self.schemas),
                catalog.router(Datasets(database=database, schemas=self.schemas, now=now, ids=ids)),
                conversion.router(mapping_sets, self.schemas),
            ],
            probes=server.Probes(database=database.ping, lake=self.lake.ping),
            registry=REGISTRY,
            on_start=on_start,
            on_stop=on_stop,
            strict_sandbox=self.settings.strict_sandbox_header,
            max_body_bytes=self.settings.max_body_bytes,
        )

    def tree(self, dataset: Dataset) -> ObjectField:
        """The typed schema of a dataset, for the service's own use."""
        scope = dataset.stamp.scope
        return self.schemas.tree(self.identity.itself(scope), dataset.schema_ref.id)

    def _mapper(self, mapping_set: MappingSet, version: int, dataset: Dataset) -> "RowMapper":
        from flowservice.engine.mapping import Mapper  # noqa: PLC0415 - `token` need not load it

        mapping = mapping_set.at(version)
        if mapping is None:
            raise BadMappingVersion(f"the mapping set {mapping_set.id} has no version {version}")
        return Mapper(mapping, self.tree(dataset))

    def prepare(self) -> None:
        """Make what the home lacks: folder, key, store, organisation, sandbox, first credential."""
        self.settings.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self.database.tenancy.orgs():
            return
        org = self.identity.add_org(f"{secrets.token_hex(12).upper()}@AdobeOrg", tenant_id="tenant")
        made = self.identity.add_credential(org.id)
        write_credentials(
            self.settings.credentials_path,
            {
                "clientId": made.credential.client_id,
                "clientSecret": made.secret,
                "orgId": org.id,
                "scopes": made.credential.scopes,
                "tokenUrl": f"http://{self.settings.host}:{self.settings.port}/ims/token/v3",
            },
        )


def read_credentials(path: Path) -> dict[str, str]:
    """The first credential. Raises NotFound before the first start."""
    try:
        found: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise NotFound(
            f"there are no credentials in {path.parent}", advice="Start the service once: flowservice serve."
        ) from None
    return found


def write_credentials(path: Path, credentials: Mapping[str, Any]) -> None:
    """Write them whole or not at all, readable by the owner alone."""
    draft = path.with_suffix(f".{os.getpid()}.tmp")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(credentials, file, indent=2)
        file.write("\n")
    draft.replace(path)
