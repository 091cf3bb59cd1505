"""The composition root: the one module that names adapters. Everything is built here and passed on as arguments."""

import json
import os
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flowservice.adapters.sealing.box import EnvelopeBox, load_key
from flowservice.adapters.sql.database import SqlDatabase
from flowservice.adapters.sql.engine import open_engine
from flowservice.adapters.sql.migrate import migrate
from flowservice.adapters.tokens.jwt import JwtTokens
from flowservice.errors import NotFound
from flowservice.ids import RandomIds
from flowservice.sdk import ENTRY_POINTS, Connector
from flowservice.service.identity import Identity
from flowservice.settings import Settings

if TYPE_CHECKING:
    from flowservice.adapters.delta import DeltaLake


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
        return SqlDatabase(engine=engine)

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

    def prepare(self) -> None:
        """Make what the home lacks: folder, key, store, organisation, sandbox, first credential."""
        home = self.settings.home
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self.database.tenancy.orgs():
            return
        org = self.identity.add_org(f"{secrets.token_hex(12).upper()}@AdobeOrg", tenant_id="flowservice")
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
