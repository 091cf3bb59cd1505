"""Adobe's names and ours meet here: what bodies look like, and how resources are shown."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel

from flowservice.domain.connection import Connection, EndConnection
from flowservice.domain.epoch import milliseconds
from flowservice.domain.flow import Endpoint, Flow
from flowservice.domain.identity import Credential, Permission, Sandbox
from flowservice.domain.resource import MAX_DESCRIPTION, MAX_NAME, Governance, Governed, Resource, SpecRef
from flowservice.service.content import AuthContent, ConnectionContent, EndContent, FlowContent


class Wire(BaseModel):
    """A request body: camelCase names; members that we do not know are let pass, as real clients send some."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="ignore", strict=True)


class SpecBody(Wire):
    """A reference to a spec; without a version the newest is meant."""

    id: str = Field(min_length=1, max_length=MAX_NAME)
    version: str = Field(default="1.0", max_length=MAX_NAME)

    def ref(self) -> SpecRef:
        """As the domain says it."""
        return SpecRef(id=self.id, version=self.version)


class AuthBody(Wire):
    """How to sign in."""

    spec_name: str = Field(description="Name of one of the spec's authSpec entries.")
    params: dict[str, Any] = Field(default_factory=dict, description="What that authSpec's JSON Schema asks for.")


Label = Annotated[str, Field(min_length=1, max_length=MAX_NAME)]


class Said(Wire):
    """An object of which we know some members, and keep all."""

    model_config = ConfigDict(extra="allow")

    def kept(self) -> dict[str, Any]:
        """As it was sent."""
        return self.model_dump(by_alias=True, exclude_unset=True)


class Policy(Said):
    """What governs the use of a resource."""

    enforcement_refs: list[Label] | None = None
    dule_labels: list[Label] | None = None


class UnifiedMetadata(Said):
    """Where people filed a resource."""

    tag_ids: list[Label] | None = None
    parent_folder_id: Label | None = None


class GovernedEdit(Wire):
    """What can be changed of everything that users make."""

    name: str = Field(min_length=1, max_length=MAX_NAME)
    description: str | None = Field(default=None, max_length=MAX_DESCRIPTION)
    labels: list[Label] | None = Field(default=None, description="Access labels, such as `core/C12`.")
    policy: Policy | None = None
    unified_metadata: UnifiedMetadata | None = None

    def governance(self) -> Governance:
        """As the domain says it."""
        return Governance(
            labels=tuple(self.labels or ()),
            policy=self.policy.kept() if self.policy else {},
            unified_metadata=self.unified_metadata.kept() if self.unified_metadata else {},
        )


class ConnectionEdit(GovernedEdit):
    """What can be changed of a connection."""

    auth: AuthBody | None = None

    def content(self) -> ConnectionContent:
        """As the service takes it."""
        return ConnectionContent(
            name=self.name,
            description=self.description or "",
            governance=self.governance(),
            auth=None if self.auth is None else AuthContent(spec_name=self.auth.spec_name, params=self.auth.params),
        )


class ConnectionBody(ConnectionEdit):
    """`POST /connections`."""

    connection_spec: SpecBody


class EndEdit(GovernedEdit):
    """What can be changed of a source or target connection."""

    base_connection_id: str | None = Field(default=None, max_length=MAX_NAME)
    data: dict[str, Any] | None = None
    params: dict[str, Any] | None = None

    def content(self) -> EndContent:
        """As the service takes it."""
        return EndContent(
            name=self.name,
            description=self.description or "",
            governance=self.governance(),
            base_connection_id=self.base_connection_id,
            data=self.data or {},
            params=self.params or {},
        )


class EndBody(EndEdit):
    """`POST /sourceConnections`, `POST /targetConnections`."""

    connection_spec: SpecBody


def _listed(value: object) -> object:
    # One published tutorial sends a bare id.
    return [value] if isinstance(value, str) else value


Ids = Annotated[list[Annotated[str, Field(max_length=MAX_NAME)]], BeforeValidator(_listed)]


class FlowEdit(GovernedEdit):
    """What can be changed of a flow."""

    name: str = Field(default="", max_length=MAX_NAME)
    source_connection_ids: Ids
    target_connection_ids: Ids
    transformations: list[dict[str, Any]] | None = None
    schedule_params: dict[str, Any] | None = None
    options: dict[str, Any] | None = None

    def content(self) -> FlowContent:
        """As the service takes it."""
        return FlowContent(
            name=self.name,
            description=self.description or "",
            governance=self.governance(),
            source_ids=tuple(self.source_connection_ids),
            target_ids=tuple(self.target_connection_ids),
            transformations=tuple(self.transformations or ()),
            schedule=self.schedule_params,
            options=self.options or {},
        )


class FlowBody(FlowEdit):
    """`POST /flows`."""

    flow_spec: SpecBody
    state: str | None = None


class RunBody(Wire):
    """`POST /runs`. The aepp client also sends `status`."""

    flow_id: str = ""
    params: dict[str, Any] | None = None


class RunUpdateBody(Wire):
    """`PUT /runs/{id}`."""

    flow_id: str | None = None
    flow_spec: dict[str, Any] | None = None
    provider_ref_id: str | None = None
    parent_flow_run_id: str | None = None
    child_flow_run_ids: list[str] | None = None
    params: dict[str, Any] | None = None
    predecessors: list[dict[str, Any]] | None = None
    metrics: dict[str, Any] | None = None
    activities: list[dict[str, Any]] | None = None
    record_types: list[str] | None = None


def epoch_ms(at: datetime | None) -> int | None:
    """A time as the wire has it: integer epoch milliseconds."""
    return None if at is None else milliseconds(at)


def created(resource: Resource) -> dict[str, Any]:
    """The answer to a create or change."""
    return {"id": resource.id, "etag": resource.etag}


def spec_ref(ref: SpecRef | None) -> dict[str, str] | None:
    """A spec reference."""
    return None if ref is None else {"id": ref.id, "version": ref.version}


def stamped(resource: Resource) -> dict[str, Any]:
    """The members that every resource has."""
    stamp = resource.stamp
    shown: dict[str, Any] = {
        "id": resource.id,
        "createdAt": epoch_ms(stamp.created.at),
        "updatedAt": epoch_ms(stamp.updated.at),
        "createdBy": stamp.created.by,
        "updatedBy": stamp.updated.by,
        "createdClient": stamp.created.client,
        "updatedClient": stamp.updated.client,
        "sandboxId": stamp.scope.sandbox_id,
        "sandboxName": stamp.scope.sandbox_name,
        "imsOrgId": stamp.scope.org_id,
    }
    if resource.name:
        shown["name"] = resource.name
    if resource.description:
        shown["description"] = resource.description
    return {**shown, "version": resource.etag, "etag": resource.etag}


def governed(resource: Governed) -> dict[str, Any]:
    """The members of everything that users make; labels and the like where there are any."""
    held = resource.governance
    given = {"labels": list(held.labels), "policy": held.policy, "unifiedMetadata": held.unified_metadata}
    return stamped(resource) | {name: value for name, value in given.items() if value}


def connection(item: Connection, auth: Mapping[str, Any] | None) -> dict[str, Any]:
    """A connection; `auth` has its secrets masked."""
    shown = governed(item) | {"connectionSpec": spec_ref(item.spec), "state": item.state.value}
    return shown | ({"auth": auth} if auth is not None else {})


def end_connection(item: EndConnection) -> dict[str, Any]:
    """A source or target connection."""
    shown = governed(item) | {
        "connectionSpec": spec_ref(item.spec),
        "state": item.state.value,
        "data": item.data,
        "params": item.params,
    }
    if item.base_connection_id:
        shown["baseConnectionId"] = item.base_connection_id
        base = {"id": item.base_connection_id, "connectionSpec": spec_ref(item.base_spec)}
        shown["inheritedAttributes"] = {"baseConnection": base}
    return shown


def _endpoint(end: Endpoint) -> dict[str, Any]:
    shown: dict[str, Any] = {"id": end.id, "connectionSpec": spec_ref(end.spec)}
    if end.base_connection_id:
        shown["baseConnection"] = {"id": end.base_connection_id, "connectionSpec": spec_ref(end.base_spec)}
    return shown


def flow(item: Flow) -> dict[str, Any]:
    """A flow."""
    shown = governed(item) | {
        "flowSpec": spec_ref(item.flow_spec),
        "state": item.state.value,
        "sourceConnectionIds": [item.source.id],
        "targetConnectionIds": [item.target.id],
        "inheritedAttributes": {
            "properties": {"isSourceFlow": True},
            "sourceConnections": [_endpoint(item.source)],
            "targetConnections": [_endpoint(item.target)],
        },
        "scheduleParams": item.schedule_sent,
        "transformations": [{"name": step.name, "params": step.params} for step in item.transformations],
        "options": item.options,
        "runs": f"/runs?property=flowId=={item.id}",
        "lastOperation": {
            "started": epoch_ms(item.operated_at or item.stamp.created.at),
            "updated": 0,
            "operation": item.last_operation.value,
        },
    }
    if item.last_run is not None:
        shown["lastRunDetails"] = {
            "id": item.last_run.id,
            "state": item.last_run.state,
            "startedAtUTC": epoch_ms(item.last_run.started_at),
            "completedAtUTC": epoch_ms(item.last_run.completed_at),
        }
    return shown


class OwnWire(Wire):
    """A body of a call where a member that we do not know is a mistake: it would change nothing."""

    model_config = ConfigDict(extra="forbid")


class SandboxBody(OwnWire):
    """`POST /sandboxes`."""

    name: str = Field(description="Lower-case letters, digits and hyphens; it stays.", examples=["dev-2"])
    title: str = Field(description="What people read.", examples=["Development 2"])
    type: str = Field(description="`development` or `production`.", examples=["development"])


class SandboxTitleBody(OwnWire):
    """`PATCH /sandboxes/{name}`: the title is all that can change."""

    title: str


class SandboxActionBody(OwnWire):
    """`PUT /sandboxes/{name}`."""

    action: str = Field(description="`reset`.", examples=["reset"])


class CredentialBody(OwnWire):
    """`POST` and `PATCH` of a credential. What is left out: in a new one all that the caller may, else as it is."""

    name: str | None = Field(default=None, max_length=MAX_NAME)
    permissions: list[str] | None = Field(default=None, max_length=50, examples=[["view-sources", "run"]])


class SignInBody(OwnWire):
    """`POST /v1/session`."""

    code: str = Field(max_length=200, examples=["5c0ffee1de2baf3104a8d97712be9f60c3d4e5f6"])


def credential(item: Credential) -> dict[str, Any]:
    """A credential, without its secret."""
    return {
        "clientId": item.client_id,
        "name": item.name,
        "orgId": item.org_id,
        "userId": item.user_id,
        "scopes": item.scopes,
        "permissions": [permission.value for permission in Permission if permission in item.permissions],
        "createdAt": epoch_ms(item.created_at),
        "secretChangedAt": epoch_ms(item.secret_changed_at or item.created_at),
    }


def sandbox(item: Sandbox) -> dict[str, Any]:
    """A sandbox, with dates as the Sandbox API prints them."""
    return {
        "id": item.id,
        "name": item.name,
        "title": item.title,
        "state": item.state.value,
        "type": item.type,
        "region": item.region,
        "isDefault": item.is_default,
        "eTag": item.revision,
        "createdDate": item.created_at.strftime("%Y-%m-%d %H:%M:%S"),
        "lastModifiedDate": item.updated_at.strftime("%Y-%m-%d %H:%M:%S"),
        "createdBy": item.created_by,
        "modifiedBy": item.updated_by,
    }
