"""The composition root: the one module that names adapters. Everything is built here and passed on as arguments."""

import json
import os
import secrets
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from importlib.metadata import entry_points
from pathlib import Path
from socket import gethostname
from threading import Semaphore
from typing import TYPE_CHECKING, Any, Final

from flowservice.adapters.sealing.box import EnvelopeBox
from flowservice.adapters.sealing.key_file import FormerTokens, KeyFile, held
from flowservice.adapters.sql.database import SqlDatabase
from flowservice.adapters.sql.engine import open_engine
from flowservice.adapters.sql.migrate import migrate
from flowservice.adapters.tokens.jwt import JwtTokens, signing_key
from flowservice.api.search_forms import FORMS
from flowservice.domain.dataset import Dataset
from flowservice.domain.identity import Credential
from flowservice.domain.label import bare
from flowservice.domain.mapping import MappingSet
from flowservice.domain.run_limits import RunLimits
from flowservice.domain.schedule import ScheduleRules
from flowservice.domain.xdm_tree import ObjectField
from flowservice.errors import BadMappingVersion, Invalid, NotFound
from flowservice.ids import RandomIds
from flowservice.ports.runtime import Clock
from flowservice.sdk import ENTRY_POINTS, Connector, Destinations, Egress
from flowservice.service.added_columns import AddedColumns
from flowservice.service.admission import Admission
from flowservice.service.batch_files import BatchFiles
from flowservice.service.clearing import Clearing
from flowservice.service.connection_checks import ConnectionChecks
from flowservice.service.connections import Connections
from flowservice.service.credentials import Credentials, NewCredential
from flowservice.service.custom_specs import CustomSpecs
from flowservice.service.dataset_labels import LabelsOfDatasets
from flowservice.service.dataset_previews import DatasetPreviews
from flowservice.service.datasets import Datasets
from flowservice.service.delta_columns import DeltaColumns
from flowservice.service.descriptors import Descriptors
from flowservice.service.diagnostics import Diagnostics
from flowservice.service.drifts import Drifts
from flowservice.service.dry_runs import DryRuns
from flowservice.service.effective_labels import EffectiveLabels
from flowservice.service.evaluations import Evaluations
from flowservice.service.flow_checks import FlowChecks
from flowservice.service.flow_lines import FlowLines
from flowservice.service.flow_versions import FlowVersions
from flowservice.service.flows import Flows
from flowservice.service.form_drafts import FormDrafts
from flowservice.service.identity import Identity
from flowservice.service.labels import Labels
from flowservice.service.labels_in_force import LabelsInForce
from flowservice.service.lake_upkeep import LakeUpkeep
from flowservice.service.leadership import Leadership
from flowservice.service.mapping_sets import MappingSets
from flowservice.service.marketing_actions import MarketingActions
from flowservice.service.masking import Masking
from flowservice.service.monitoring import Monitoring
from flowservice.service.policies import Policies
from flowservice.service.reasons import Reasons
from flowservice.service.rejects import Rejects
from flowservice.service.rotation import Rotated, Rotation
from flowservice.service.runs import Runs
from flowservice.service.sandboxes import Sandboxes
from flowservice.service.schema_exchange import SchemaExchange
from flowservice.service.schemas import Schemas
from flowservice.service.sessions import Sessions
from flowservice.service.snapshots import Snapshots
from flowservice.service.source_connections import SourceConnections
from flowservice.service.source_schemas import SourceSchemas
from flowservice.service.sources import OpenSources
from flowservice.service.specs import Specs
from flowservice.service.suggestions import Suggestions
from flowservice.service.table_labels import TableLabels
from flowservice.service.target_connections import TargetConnections
from flowservice.settings import Settings

if TYPE_CHECKING:
    from fastapi import FastAPI

    from flowservice.adapters.dbos import DbosRuns
    from flowservice.adapters.delta import DeltaFiles, DeltaLake
    from flowservice.adapters.duckdb.quarantine import LakeQuarantine
    from flowservice.engine.execution import Execution
    from flowservice.engine.row_mapper import RowMapper


_TOKENS_AT: Final = "/ims/token/v3"
"""Where clients fetch theirs."""


def decoder_in_use(settings: Settings) -> str:
    """Which decoder of Azure tables is in use. Raises Invalid if the native one is required and not installed."""
    from flowservice.connectors.azure_table import decoder, native  # noqa: PLC0415 - commands start without it

    if settings.require_native and native.VERSION is None:
        raise Invalid(
            "the native decoder is required (FLOWSERVICE_REQUIRE_NATIVE) and not installed",
            advice="Install flowservice-native; in a checkout with Rust on the machine, type: make setup.",
        )
    return decoder.IN_USE


def utc_now() -> datetime:
    """Now, aware, in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class App:
    """The parts of one process, each built when it is first needed: `token` does not load the lake."""

    settings: Settings
    now: Clock = utc_now
    pages: Path = Path(__file__).parent / "web"
    """Where the user interface was built to."""

    @cached_property
    def keys(self) -> KeyFile:
        """The keys that seal secrets and sign tokens."""
        return KeyFile(self.settings.key_path)

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
        return EnvelopeBox(lambda: self.keys.current().sealing)

    @cached_property
    def identity(self) -> Identity:
        """Tokens and credentials."""
        return Identity(
            database=self.database,
            tokens=JwtTokens(self._signing_keys),
            now=self.now,
            ids=self.ids,
            token_lifetime_s=self.settings.token_lifetime_s,
        )

    @cached_property
    def credentials(self) -> Credentials:
        """Credentials. The file of the first one follows it."""
        return Credentials(database=self.database, now=self.now, ids=self.ids, tell=self._keep)

    @cached_property
    def sessions(self) -> Sessions:
        """Browsers that have signed in."""
        return Sessions(database=self.database, now=self.now)

    @cached_property
    def admission(self) -> Admission:
        """Who is at work in which sandbox."""
        return Admission()

    @cached_property
    def clearing(self) -> Clearing:
        """What empties sandboxes."""
        return Clearing(database=self.database, lake=self.lake, admission=self.admission, now=self.now)

    @cached_property
    def lake(self) -> "DeltaLake":
        """The lake. Raises Invalid for a URL or options of no lake."""
        from flowservice.adapters.delta import Access, DeltaLake, storage_at  # noqa: PLC0415 - `token` need not load it

        settings = self.settings
        access = Access(
            account=settings.lake_account,
            key_id=settings.lake_key_id,
            key=settings.lake_key,
            endpoint=settings.lake_endpoint,
            region=settings.lake_region,
            allow_http=settings.lake_allow_http,
            emulator=settings.lake_emulator,
        )
        undo = timedelta(days=settings.undo_retention_days)
        return DeltaLake(storage_at(settings.resolved_lake_url, access), undo)

    @cached_property
    def lake_files(self) -> "DeltaFiles":
        """Files in the lake. Raises as `lake`."""
        from flowservice.adapters.delta import DeltaFiles  # noqa: PLC0415 - `token` need not load it

        return DeltaFiles(self.lake.storage)

    @cached_property
    def lake_upkeep(self) -> LakeUpkeep:
        """What keeps the tables of the lake quick and small."""
        return LakeUpkeep(
            database=self.database,
            lake=self.lake,
            target_bytes=self.settings.compact_file_mb * 1_000_000,
            least_files=self.settings.compact_min_files,
        )

    @cached_property
    def table_labels(self) -> TableLabels:
        """What carries labels to the tables of the lake."""
        return TableLabels(database=self.database, lake=self.lake)

    @cached_property
    def masking(self) -> Masking:
        """Which values labels hide from whom."""
        labels = frozenset(bare(name) for name in self.settings.masked_labels)
        return Masking(database=self.database, labels=labels)

    @cached_property
    def quarantine(self) -> "LakeQuarantine":
        """Rejected rows."""
        from flowservice.adapters.duckdb.quarantine import LakeQuarantine  # noqa: PLC0415 - `token` need not load it

        return LakeQuarantine(self.lake)

    @cached_property
    def connectors(self) -> Sequence[Connector]:
        """Every installed connector."""
        return tuple(entry.load() for entry in entry_points(group=ENTRY_POINTS))

    @cached_property
    def specs(self) -> Specs:
        """Specs and the connectors behind them."""
        return Specs(self.connectors, self.database)

    @cached_property
    def egress(self) -> Egress:
        """Where sources may connect to. Raises BadField for a setting that is neither network nor host name."""
        return Egress(
            local=self.settings.reaches_local,
            allowed=Destinations.of(self.settings.egress_allowed),
            denied=Destinations.of(self.settings.egress_denied),
            only_allowed=self.settings.egress_only_allowed,
            host_identity=self.settings.managed_identity,
        )

    @cached_property
    def sources(self) -> OpenSources:
        """What opens connections."""
        return OpenSources(self.specs, self.secrets, self.egress)

    @cached_property
    def schemas(self) -> Schemas:
        """The schema registry."""
        return Schemas(database=self.database, now=self.now, ids=self.ids)

    @cached_property
    def descriptors(self) -> Descriptors:
        """The descriptors in the schema registry."""
        return Descriptors(database=self.database, now=self.now, ids=self.ids)

    @cached_property
    def queue(self) -> "DbosRuns":
        """The run queue, and the worker that serves it."""
        from flowservice.adapters.dbos import DbosRuns  # noqa: PLC0415 - `token` need not load it

        return DbosRuns(engine=self.database.engine)

    @cached_property
    def accounts(self) -> Connections:
        """Connections to foreign systems."""
        return Connections(self.database, self.specs, self.sources, self.now, self.ids, self.masking)

    @cached_property
    def delta_columns(self) -> DeltaColumns:
        """The checks of delta columns."""
        return DeltaColumns(self.database, self.specs, self.accounts)

    @cached_property
    def runs(self) -> Runs:
        """Runs."""
        return Runs(self.database, self.queue, self.now, self.ids, self.delta_columns, self.run_limits)

    @cached_property
    def run_limits(self) -> RunLimits:
        """How many flows may have a run at work."""
        return RunLimits(
            per_org=self.settings.runs_per_org,
            per_sandbox=self.settings.runs_per_sandbox,
            per_connection=self.settings.runs_per_connection,
        )

    @cached_property
    def leadership(self) -> Leadership:
        """Whether this process is the one that starts due flows. A home has one server (`serving`)."""
        return Leadership(database=self.database, holder=f"{gethostname()}:{self.settings.home.absolute()}")

    @cached_property
    def mapping_sets(self) -> MappingSets:
        """Mapping sets."""
        from flowservice.engine.mapping_trial import MappingTrials  # noqa: PLC0415 - `token` need not load it

        return MappingSets(
            database=self.database, schemas=self.schemas, trying=MappingTrials(), now=self.now, ids=self.ids
        )

    @cached_property
    def snapshots(self) -> Snapshots:
        """Versions of the tables of datasets."""
        return Snapshots(database=self.database, lake=self.lake)

    @cached_property
    def monitoring(self) -> Monitoring:
        """What flows did."""
        return Monitoring(database=self.database, reasons=self.reasons, now=self.now)

    @cached_property
    def reasons(self) -> Reasons:
        """Why flows need a look."""
        return Reasons(database=self.database, limits=self.run_limits)

    @cached_property
    def suggestions(self) -> Suggestions:
        """Suggestions of mappings."""
        return Suggestions(database=self.database, schemas=self.schemas, connections=self.accounts)

    @cached_property
    def flows(self) -> Flows:
        """Flows."""
        checks = FlowChecks(self.database, self.specs, self.accounts, self.mapping_sets)
        rules = ScheduleRules(
            min_interval_minutes=self.settings.min_interval_minutes, strict_start=self.settings.strict_start_time
        )
        return Flows(self.database, checks, self.now, self.ids, self.delta_columns, rules)

    @cached_property
    def dry_runs(self) -> DryRuns:
        """Dry runs of flows."""
        from flowservice.engine.rehearsal import Rehearsal  # noqa: PLC0415 - `token` need not load it

        rehearsal = Rehearsal(
            database=self.database,
            lake=self.lake,
            sources=self.sources,
            mapper_for=self._mapper,
            now=self.now,
            window_lag=self._window_lag,
        )
        return DryRuns(self.flows, rehearsal, self.masking)

    @cached_property
    def added_columns(self) -> AddedColumns:
        """What takes new columns of a source up."""
        return AddedColumns(database=self.database, now=self.now, ids=self.ids, itself=self.identity.itself)

    @cached_property
    def drifts(self) -> Drifts:
        """Schema drift of flows."""
        return Drifts(database=self.database, adding=self.added_columns, now=self.now)

    @cached_property
    def rejects(self) -> Rejects:
        """Rejected rows."""
        from flowservice.engine.replay_trial import ReplayTrials  # noqa: PLC0415 - `token` need not load it
        from flowservice.engine.replaying import Replaying  # noqa: PLC0415

        replaying = Replaying(
            database=self.database, lake=self.lake, quarantine=self.quarantine, mapper_for=self._mapper
        )
        return Rejects(
            database=self.database,
            quarantine=self.quarantine,
            runs=self.runs,
            trying=ReplayTrials(replaying=replaying),
            masking=self.masking,
        )

    @property
    def _window_lag(self) -> timedelta:
        return timedelta(seconds=self.settings.window_lag_s)

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
            quarantine=self.quarantine,
            sources=self.sources,
            mapper_for=self._mapper,
            now=self.now,
            adding=self.added_columns,
            labelling=self.table_labels,
            splits=ThreadSplits(self.settings.split_threads),
            limits=PartLimits.of(part_rows=self.settings.part_max_rows, readers=self.settings.split_threads),
            patience=Patience(sleep=stopping.wait, stopping=stopping.is_set),
            places=Semaphore(self.settings.workers),
            window_lag=self._window_lag,
            most_minutes=self.settings.run_timeout_minutes,
        )

    def web(
        self,
        *,
        on_start: Callable[[], None],
        on_stop: Callable[[], None],
        wake: Callable[[], None],
        clear: Callable[[], None],
    ) -> "FastAPI":
        """The web application. `wake` tells that a flow may be due, `clear` that a sandbox is to be emptied."""
        from prometheus_client import REGISTRY  # noqa: PLC0415 - `token` need not load it

        from flowservice.api import (  # noqa: PLC0415
            catalog,
            connection_checks,
            connectors,
            conversion,
            credentials,
            data_access,
            dataset_labels,
            descriptors,
            drafts,
            drift,
            dry_runs,
            export,
            flow_lines,
            flow_versions,
            ims,
            labels_in_force,
            mapping_tables,
            mapping_trials,
            monitoring,
            rejects,
            run_control,
            sandboxes,
            schedules,
            schema_exchange,
            schemaregistry,
            server,
            session,
            snapshots,
            source_schemas,
            suggestions,
        )
        from flowservice.api.dulepolicy import evaluation, labels, marketing_actions, policies  # noqa: PLC0415
        from flowservice.api.flowservice import connections, end_connections, flows, runs, specs  # noqa: PLC0415
        from flowservice.api.pages import Pages  # noqa: PLC0415

        database, now, ids, accounts = self.database, self.now, self.ids, self.accounts
        datasets = Datasets(database=database, lake=self.lake, schemas=self.schemas, now=now, ids=ids)
        return server.build(
            identity=self.identity,
            sessions=self.sessions,
            # Routes are looked through one by one: those first that are called most.
            routers=[
                runs.router(self.runs, self.settings.public_url),
                flows.router(self.flows, wake),
                connections.router(accounts),
                end_connections.router(
                    SourceConnections(database, self.specs, accounts, now, ids), "sourceConnections"
                ),
                end_connections.router(
                    TargetConnections(database, self.specs, self.schemas, now, ids), "targetConnections"
                ),
                specs.router(self.specs, CustomSpecs(database, self.specs, now, ids), datasets),
                ims.router(self.identity),
                connectors.router(),
                sandboxes.router(
                    Sandboxes(database=database, now=now, ids=ids, close=clear, limit=self.settings.max_sandboxes)
                ),
                dry_runs.router(self.dry_runs),
                flow_lines.router(FlowLines(database=database, reasons=self.reasons, now=now)),
                flow_versions.router(FlowVersions(database=database, flows=self.flows), self.flows, wake),
                drift.router(self.drifts),
                credentials.router(self.credentials, self.settings.public_url),
                session.router(self.sessions, self.settings.public_url),
                run_control.router(self.runs),
                rejects.router(self.rejects, self.runs),
                data_access.router(
                    BatchFiles(database=database, lake=self.lake, files=self.lake_files, masking=self.masking),
                    DatasetPreviews(database=database, lake=self.lake, masking=self.masking),
                    self.settings.public_url,
                ),
                export.router(
                    Diagnostics(database=database, quarantine=self.quarantine, masking=self.masking),
                    self.settings.public_url,
                ),
                schemaregistry.router(self.schemas, self.descriptors),
                descriptors.router(self.descriptors),
                schema_exchange.router(
                    self.schemas,
                    SchemaExchange(database=database, schemas=self.schemas, descriptors=self.descriptors, ids=ids),
                ),
                catalog.router(datasets),
                dataset_labels.router(
                    LabelsOfDatasets(database=database, now=now, legacy_field_labels=self.settings.legacy_field_labels)
                ),
                mapping_trials.router(self.mapping_sets),
                mapping_tables.router(self.mapping_sets),
                connection_checks.router(ConnectionChecks(database, self.specs, self.sources, now)),
                source_schemas.router(
                    SourceSchemas(connections=accounts, schemas=self.schemas, mapping_sets=self.mapping_sets)
                ),
                suggestions.router(self.suggestions),
                drafts.router(FormDrafts(database=database, now=now, ids=ids)),
                monitoring.router(self.monitoring),
                schedules.router(self.flows),
                snapshots.router(self.snapshots),
                labels_in_force.router(LabelsInForce(database=database, masking=self.masking)),
                conversion.router(self.mapping_sets, self.schemas),
                labels.router(Labels(database=database, now=now), self.settings.public_url),
                marketing_actions.router(MarketingActions(database=database, now=now), self.settings.public_url),
                policies.router(Policies(database=database, now=now, ids=ids), self.settings.public_url),
                evaluation.router(
                    Evaluations(database=database, labels=EffectiveLabels(database), now=now), self.settings.public_url
                ),
            ],
            probes=server.Probes(database=database.ping, lake=self.lake.ping),
            registry=REGISTRY,
            on_start=on_start,
            on_stop=on_stop,
            admission=self.admission,
            strict_sandbox=self.settings.strict_sandbox_header,
            max_body_bytes=self.settings.max_body_bytes,
            public_url=self.settings.public_url,
            pages=Pages(self.pages),
        )

    def tree(self, dataset: Dataset) -> ObjectField:
        """The typed schema of a dataset, for the service's own use."""
        scope = dataset.stamp.scope
        return self.schemas.tree(self.identity.itself(scope), dataset.schema_ref.id)

    def rotate_keys(self, *, keep_old: bool, end_tokens: bool) -> Rotated:
        """Another key for all secrets and for new tokens.

        Args:
            keep_old: keys that were there go on opening secrets and verifying tokens.
            end_tokens: tokens that are out stop working; else they live as long as they would have.
        Raises:
            Invalid: the key file is missing, broken, or cannot be replaced.
            Conflict: another rotation is at work.
        """

        def former(key: bytes) -> FormerTokens:
            until = self.now() + timedelta(seconds=self.settings.token_lifetime_s)
            return FormerTokens(key=signing_key(key), until=until)

        with held(self.settings.key_path, former=None if end_tokens else former, now=self.now()) as ring:
            did = Rotation(database=self.database, box=self.secrets, ring=ring).run(keep_old=keep_old)
        if end_tokens:
            self.sessions.end_all()
        return did

    def sign_in_link(self, url: str, *, client_id: str | None = None) -> str:
        """A link at `url` by which a browser signs in once, within an hour, as a credential.

        Without a `client_id` as the first credential; where that was revoked, as the oldest one that may administer
        its organisation. The code is behind the `#`, which no browser sends and no server logs. Raises NotFound.
        """
        code = self.sessions.new_code(client_id or self._first_client_id())
        return f"{url.rstrip('/')}/signin#{code}"

    def _first_client_id(self) -> str:
        tenancy = self.database.tenancy
        with suppress(NotFound):
            return tenancy.credential(read_credentials(self.settings.credentials_path)["clientId"]).client_id
        known = (credential for org in tenancy.orgs() for credential in tenancy.credentials(org.id))
        found = next((credential.client_id for credential in known if credential.is_administrator), None)
        if found is None:
            raise NotFound("there is no credential", advice="Make one: flowservice credentials add.")
        return found

    def _signing_keys(self) -> Sequence[bytes]:
        # Who only verifies need not fail where the key file cannot be read for a while.
        keys, now = self.keys.latest(), self.now()
        former = (one.key for one in keys.former if one.until > now)
        return (*map(signing_key, keys.sealing), *former)

    def _mapper(
        self, mapping_set: MappingSet, version: int, dataset: Dataset, keys: tuple[str, ...] = ()
    ) -> "RowMapper":
        from flowservice.engine.mapping import Mapper  # noqa: PLC0415 - `token` need not load it

        mapping = mapping_set.at(version)
        if mapping is None:
            raise BadMappingVersion(f"the mapping set {mapping_set.id} has no version {version}")
        return Mapper(mapping, self.tree(dataset), keys=keys)

    def _keep(self, credential: Credential, secret: str | None) -> None:
        """Let the file of the first credential say its new secret; revoked, it has no file."""
        path = self.settings.credentials_path
        with suppress(NotFound):
            known = read_credentials(path)
            if known.get("clientId") != credential.client_id:
                return
            if secret is None:
                path.unlink(missing_ok=True)
            else:
                write_credentials(path, {**known, "clientSecret": secret})

    def described(self, made: NewCredential) -> dict[str, str]:
        """A new credential, as `credentials show` prints one."""
        return _described(made, f"{self.known_url}{_TOKENS_AT}")

    @property
    def known_url(self) -> str:
        """Where the server of this home is reached: a server that runs, or ran, has written its address down."""
        with suppress(NotFound):
            return read_credentials(self.settings.credentials_path)["tokenUrl"].removesuffix(_TOKENS_AT)
        return self.settings.url

    def prepare(self) -> None:
        """Make what the home lacks: folder, key, store, organisation, sandbox, first credential."""
        self.settings.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.keys.current()
        if self.database.tenancy.orgs():
            return
        org = self.identity.add_org(f"{secrets.token_hex(12).upper()}@AdobeOrg", tenant_id="tenant")
        made = self.identity.add_credential(org.id)
        write_credentials(self.settings.credentials_path, self.described(made))


def _described(made: NewCredential, token_url: str) -> dict[str, str]:
    return {
        "clientId": made.credential.client_id,
        "clientSecret": made.secret,
        "orgId": made.credential.org_id,
        "scopes": made.credential.scopes,
        "tokenUrl": token_url,
    }


def read_credentials(path: Path) -> dict[str, str]:
    """The first credential. Raises NotFound before the first start."""
    try:
        found: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise NotFound(
            f"there are no credentials in {path.parent}",
            advice="Start the service once: flowservice serve. "
            "If the first credential was revoked, make another: flowservice credentials add.",
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
