"""Settings: each declared once, with its documentation. `docs/reference/settings.md` is made from here."""

import ipaddress
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, SecretStr
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)


def _listed(value: object) -> object:
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


CommaSeparated = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_listed)]


class Settings(BaseSettings):
    """Read from environment variables (`FLOWSERVICE_…`), then from `flowservice.toml` in the working directory."""

    model_config = SettingsConfigDict(
        env_prefix="FLOWSERVICE_", toml_file="flowservice.toml", frozen=True, extra="forbid"
    )

    home: Path = Field(
        default=Path(".flowservice"), description="Folder of everything the service keeps; made on first start."
    )
    host: str = Field(default="127.0.0.1", description="Address to listen on.")
    port: int = Field(default=8080, ge=0, le=65535, description="Port to listen on; 0 takes a free one.")
    public_url: str | None = Field(
        default=None, description="Address under which clients reach the service; by default host and port."
    )
    database_url: str | None = Field(
        default=None,
        description="Control store: `sqlite:///path` or `postgresql://…`. By default an SQLite file in the home.",
    )
    lake_url: str | None = Field(
        default=None,
        description="Where the lake's tables are: a folder, `az://container/path`, "
        "`abfss://container@account.dfs.core.windows.net/path` or `s3://bucket/path`. By default `lake` in the home.",
    )
    lake_account: str | None = Field(
        default=None, description="Storage account of a lake in Azure; else AZURE_STORAGE_ACCOUNT_NAME."
    )
    lake_key_id: str | None = Field(
        default=None, description="Id of the access key of a lake in S3; else AWS_ACCESS_KEY_ID and its like."
    )
    lake_key: SecretStr | None = Field(
        default=None,
        description="Key of the storage account, or secret of the access key; else what the store's own variables say: "
        "AZURE_STORAGE_ACCOUNT_KEY, AZURE_CLIENT_ID …, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN ….",
    )
    lake_endpoint: str | None = Field(
        default=None, description="URL of the object store where it is not Azure's or AWS's own; of Azurite's account."
    )
    lake_region: str | None = Field(default=None, description="Region of a lake in S3; else AWS_REGION.")
    lake_allow_http: bool = Field(
        default=False, description="Whether the lake's endpoint may be without TLS: keys do not go over it, rows do."
    )
    lake_emulator: bool = Field(default=False, description="Whether the lake is in Azurite, the emulator of Azure.")
    key_file: Path | None = Field(
        default=None,
        description="File of the keys that seal secrets and sign tokens (mode 0600). By default `key` in the home, "
        "made on first start.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="What is logged, to standard error."
    )
    token_lifetime_s: int = Field(
        default=86_399,
        ge=600,
        description="Seconds an access token is valid. The aepp client renews 500 s early, hence the lower bound.",
    )
    strict_sandbox_header: bool = Field(
        default=False,
        description="Refuse calls without `x-sandbox-name` (FLOW-2105) instead of taking the default one.",
    )
    max_sandboxes: int | None = Field(
        default=None, ge=1, description="Sandboxes that an organisation may have, the default one included."
    )
    workers: int = Field(default=4, ge=1, le=64, description="Runs executed at the same time.")
    runs_per_org: int | None = Field(
        default=None,
        ge=1,
        description="Flows of one organisation that may have a run at work at the same time; the others wait for room, "
        "in the order in which they became due. Of one flow, one run works at a time anyway.",
    )
    runs_per_sandbox: int | None = Field(default=None, ge=1, description="The same for one sandbox.")
    runs_per_connection: int | None = Field(
        default=None, ge=1, description="The same for one account: so that a source is not asked for too much at once."
    )
    run_timeout_minutes: int = Field(
        default=10_080,
        ge=1,
        description="Minutes after which a run that still reads fails (`run-timeout`) and publishes nothing. They are "
        "counted anew when a server goes on with a run.",
    )
    split_threads: int = Field(
        default=8,
        ge=1,
        le=32,
        description="Ranges of one table that a run reads at the same time, each over a connection of its own. A range "
        "is split while it is read, as long as there is much left of it; 1: never.",
    )
    undo_retention_days: int = Field(
        default=30,
        ge=1,
        le=3650,
        description="Days for which the lake keeps what an upsert replaced, so that its run can be undone, and files "
        "that a dead run left.",
    )
    compact_file_mb: int = Field(
        default=100,
        ge=1,
        le=4096,
        description="Size of a file of the lake, in millions of bytes, up to which smaller ones are put together.",
    )
    compact_min_files: int = Field(
        default=20, ge=2, description="Files smaller than that which a table has before they are put together."
    )
    lake_upkeep_minutes: int = Field(
        default=60,
        ge=0,
        description="Minutes between two looks for tables with many small files; once a day, files that nobody needs "
        "are deleted. 0: never; then `flowservice lake compact` and `lake vacuum` are for you to call.",
    )
    masked_labels: CommaSeparated = Field(
        default=("I1", "I2", "S1", "S2", "PSPD", "RHD", "C12"),
        description="Labels that hide the values of what they are put on from credentials without `view-masked-data`; "
        "custom labels by their bare names. Empty: nothing is hidden.",
    )
    legacy_field_labels: bool = Field(
        default=False,
        description="Whether labels of fields may be kept with a dataset (`optionalLabels`), as clients from before "
        "2024 do. Without it they can only be taken away there, and are put on fields of the schema.",
    )
    run_steps_retention_days: int = Field(
        default=30,
        ge=1,
        le=3650,
        description="Days for which the store keeps the durable steps of a run that has ended. They are there to go on "
        "with a run whose server was killed; the run itself, its plan and its counts stay.",
    )
    require_native: bool = Field(
        default=False,
        description="Refuse to set up and to start without the native decoder of Azure tables. Otherwise the portable "
        "one takes its place, at about a tenth of the speed.",
    )
    part_max_rows: int = Field(
        default=250_000, ge=1, description="Rows of one lake file; a killed run goes on after its last finished file."
    )
    min_interval_minutes: int = Field(
        default=15, ge=1, description="Smallest `interval` of a flow with frequency `minute` (CONNECTOR-1362)."
    )
    strict_start_time: bool = Field(
        default=False, description="Refuse a `startTime` in the past (CONNECTOR-1360) instead of reading it as now."
    )
    window_lag_s: int = Field(
        default=120,
        ge=0,
        le=86_400,
        description="Seconds that the end of a delta column's window stays behind the source's clock. Rows that were "
        "committed with a time older than that, after the window was read, are missed.",
    )
    max_body_bytes: int = Field(default=10_000_000, ge=1_000, description="Largest request body, in bytes.")

    egress_local: bool | None = Field(
        default=None,
        description="Whether sources may be at loopback and private addresses. By default only while the service "
        "itself listens on loopback and has no other public_url, as on a laptop.",
    )
    egress_allowed: CommaSeparated = Field(
        default=(),
        description="Networks and host names (`10.1.0.0/16,*.example.com`) that sources may be at although they are "
        "private. Link-local and metadata addresses are refused all the same.",
    )
    egress_denied: CommaSeparated = Field(
        default=(), description="Networks and host names that sources may not be at, whatever else is allowed."
    )
    egress_only_allowed: bool = Field(
        default=False, description="Refuse every destination that `egress_allowed` does not name."
    )
    managed_identity: bool = Field(
        default=False,
        description="Whether connections may sign in with the managed identity of the machine in Azure that the "
        "service runs on. Whoever may make connections then reads what that identity may read.",
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - pydantic passes it by this name
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - pydantic passes it by this name
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings, env_settings, TomlConfigSettingsSource(settings_cls))

    @property
    def run_steps_retention(self) -> timedelta:
        """How long the steps of a run are kept after its end."""
        return timedelta(days=self.run_steps_retention_days)

    @property
    def resolved_database_url(self) -> str:
        """The control store's URL."""
        return self.database_url or f"sqlite:///{self.home.absolute() / 'flowservice.db'}"

    @property
    def resolved_lake_url(self) -> str:
        """The lake's folder or URL."""
        return self.lake_url or str(self.home.absolute() / "lake")

    @property
    def key_path(self) -> Path:
        """The key file."""
        return self.key_file or self.home / "key"

    @property
    def reaches_local(self) -> bool:
        """Whether sources may be at loopback and private addresses."""
        if self.egress_local is not None:
            return self.egress_local
        # Behind another address, callers need not be on this machine.
        public = self.public_url and urlsplit(self.public_url).hostname
        return _is_loopback(self.host) and (not public or _is_loopback(public))

    @property
    def url(self) -> str:
        """Where clients reach a server of these settings."""
        return self.url_at(self.host, self.port)

    def url_at(self, host: str, port: int) -> str:
        """Where clients reach a server that listens there."""
        if host in {"0.0.0.0", "::"}:  # noqa: S104 - compared, not bound
            host = "127.0.0.1"
        return self.public_url or f"http://{f'[{host}]' if ':' in host else host}:{port}"

    @property
    def credentials_path(self) -> Path:
        """The first credential, for the laptop."""
        return self.home / "credentials.json"


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
