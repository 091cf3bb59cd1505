"""What the neighbours of the Flow Service answer, for the API's own document, as `answers` has it for the service."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, RootModel

from flowservice.api.answers import Answer, fields_of

Document = dict[str, Any]


class Link(Answer):
    """An address, relative to the server."""

    href: str
    templated: bool


class SandboxSummary(Answer):
    """The answer to a create, reset or delete."""

    id: str
    name: str
    title: str
    state: Literal["creating", "active", "failed", "resetting", "deleting", "deleted"]
    type: Literal["development", "production"]
    region: str


class Sandbox(SandboxSummary):
    """A sandbox."""

    is_default: bool
    e_tag: int
    created_date: str = Field(description="UTC.", examples=["2026-03-02 09:30:00"])
    last_modified_date: str
    created_by: str
    modified_by: str


class SandboxCount(Answer):
    """Size of the page, and how many are on it."""

    limit: int
    count: int


class SandboxLinks(Answer):
    """How to go on."""

    page: Link
    next: Link | None = None
    prev: Link | None = None


class SandboxPage(Answer):
    """A page of sandboxes."""

    sandboxes: list[Sandbox]
    page: SandboxCount = Field(alias="_page")
    links: SandboxLinks = Field(alias="_links")


class SandboxType(Answer):
    """A type of sandbox."""

    id: Literal["development", "production"]
    title: str


class SandboxTypes(Answer):
    """All there are."""

    sandbox_types: list[SandboxType]


class Credential(Answer):
    """A credential, without its secret."""

    client_id: str
    name: str
    org_id: str
    user_id: str
    scopes: str
    permissions: list[str]
    created_at: int = Field(description="Epoch milliseconds.")
    secret_changed_at: int = Field(description="Epoch milliseconds.")


class Credentials(Answer):
    """All of the organisation's."""

    credentials: list[Credential]


class CredentialSecret(Credential):
    """A credential with its secret: the only time that it is told."""

    client_secret: str
    token_url: str


class Session(Answer):
    """Who a browser has signed in as, and until when."""

    client_id: str
    name: str
    org_id: str
    permissions: list[str] = Field(description="As they are now; a change counts at once.")
    csrf_token: str = Field(description="To be sent as `x-csrf-token` with every call that stands on the cookie.")
    expires_at: int = Field(description="Epoch milliseconds.")


class Token(Answer):
    """An access token."""

    model_config = ConfigDict(alias_generator=None)

    access_token: str
    token_type: Literal["bearer"]
    expires_in: int = Field(description="Seconds.")


class TokenProblem(Answer):
    """No token, and why."""

    model_config = ConfigDict(alias_generator=None)

    error: str = Field(examples=["invalid_client"])
    error_description: str


class Health(Answer):
    """The process answers."""

    status: Literal["ok"]
    version: str


class Readiness(Answer):
    """Whether calls can be answered, and what keeps them from it."""

    status: Literal["ready", "not ready"]
    failed: list[str]


# --- schema registry -------------------------------------------------------------------------------------------------


class RegistryResource(Answer):
    """A schema, class, field group, data type or behaviour: JSON Schema, and what the registry says of it."""

    id: str = Field(alias="$id")
    alt_id: str = Field(alias="meta:altId")
    version: str
    title: str | None = None


class RegistryCount(Answer):
    """Where the next page starts, and how many are on this one."""

    orderby: str
    next: str | None
    count: int


class RegistryNext(Answer):
    """Where the next page is."""

    href: str


class RegistryLinks(Answer):
    """How to go on."""

    next: RegistryNext | None


class RegistryPage(Answer):
    """A page of a list."""

    results: list[RegistryResource]
    page: RegistryCount = Field(alias="_page")
    links: RegistryLinks = Field(alias="_links")


class RegistryStats(Answer):
    """Tenant id, counts, and the newest resources."""

    ims_org: str
    tenant_id: str
    counts: dict[str, int]
    recently_created_resources: list[Document]
    recently_updated_resources: list[Document]


class RegistryDescriptor(Answer):
    """What is said of a field of a schema."""

    id: str = Field(alias="@id")
    type: str = Field(alias="@type")
    source_schema: str = Field(alias="xdm:sourceSchema")


class RegistryDescriptors(RootModel[dict[str, Any]]):
    """Descriptors by type; or a page of them, where `xdm-v2` is asked for."""


class RegistrySample(RootModel[dict[str, Any]]):
    """An object of the schema."""


class RegistryResources(RootModel[list[Document]]):
    """Resources, those first that others build on, and then descriptors."""


class RegistryStep(Answer):
    """A step of a change."""

    id: str
    action: str
    path: str


class RegistryChange(Answer):
    """One change."""

    id: str
    version: str
    updated_user: str
    updated_time: str = Field(description="UTC.", examples=["03-02-2026 10:11:12"])
    audit_trails: list[RegistryStep]


class RegistryAudit(RootModel[list[RegistryChange]]):
    """Changes, the newest first."""


# --- catalog ---------------------------------------------------------------------------------------------------------


class Recorded(Answer):
    """The members of everything in the catalog."""

    ims_org: str
    sandbox_id: str
    version: str
    created: int = Field(description="Epoch milliseconds.")
    updated: int = Field(description="Epoch milliseconds.")
    created_client: str
    created_user: str
    updated_user: str


class SchemaRef(Answer):
    """A schema, and in which form it is meant."""

    id: str
    content_type: str


class Dataset(Recorded):
    """A dataset."""

    name: str
    description: str
    view_id: str
    schema_ref: SchemaRef
    tags: dict[str, Any]
    file_description: Document
    enable_error_diagnostics: bool
    unified_tags: list[str]
    system_labels: list[str]
    classification: Document
    files: str
    state: str


class RelatedObject(Answer):
    """What a batch belongs to."""

    type: str
    id: str


class Batch(Recorded):
    """A batch: what one run added to a dataset."""

    id: str
    external_id: str
    status: str
    started: int | None = None
    completed: int | None = None
    related_objects: list[RelatedObject]
    tags: dict[str, Any]
    metrics: Document
    errors: list[Document]


class View(Recorded):
    """A view of a dataset."""

    name: str
    data_set_id: str
    is_default: bool
    files: str


class File(Answer):
    """A file of a dataset."""

    id: str
    name: str
    data_set_id: str
    data_set_view_id: str
    batch_id: str | None = None
    ims_org: str
    sandbox_id: str
    records: int
    size: int = Field(description="Bytes.")
    created: int = Field(description="Epoch milliseconds.")
    updated: int = Field(description="Epoch milliseconds.")


_DatasetFields: type[BaseModel] = fields_of(Dataset)
_BatchFields: type[BaseModel] = fields_of(Batch)


class Datasets(RootModel[dict[str, _DatasetFields]]):  # type: ignore[valid-type]
    """Datasets by id; with `properties` these alone."""


class Batches(RootModel[dict[str, _BatchFields]]):  # type: ignore[valid-type]
    """Batches by id; with `properties` these alone."""


class Views(RootModel[dict[str, View]]):
    """Views by id."""


class Files(RootModel[dict[str, File]]):
    """Files by id."""


class References(RootModel[list[str]]):
    """References to what was written, such as `@/dataSets/6655a1e2…`."""


# --- data prep -------------------------------------------------------------------------------------------------------


class Edited(Answer):
    """Who made it, and when."""

    created_date: int = Field(description="Epoch milliseconds.")
    modified_date: int = Field(description="Epoch milliseconds.")
    created_by: str
    modified_by: str


class MappingSetCreated(Edited):
    """The answer to a create."""

    id: str
    version: int


class Mapping(MappingSetCreated):
    """Which source feeds which field; both dialects side by side."""

    source_type: str
    source: str
    destination: str
    source_attribute: str
    destination_xdm_path: str
    name: str
    description: str
    identity: bool
    identity_group: str | None
    namespace_code: str | None
    on_error: Literal["warn", "reject"] = Field(
        description="What becomes of a row whose value cannot be mapped: null and a warning, or it is rejected."
    )


class Mappings(RootModel[list[Mapping]]):
    """The mappings of a set."""


class MappingSet(MappingSetCreated):
    """A mapping set at one of its versions."""

    name: str
    description: str
    input_schema: Document
    output_schema: Document
    mappings: list[Mapping]
    status: str
    schema_ref: SchemaRef
    xdm_schema: str
    xdm_version: str
    tags: Document


class MappingSetCount(Answer):
    """Size of the page, and how many are on it."""

    limit: int
    count: int


class MappingSets(Answer):
    """A page of mapping sets."""

    data: list[MappingSet]
    page: MappingSetCount = Field(alias="_page")
    links: Document = Field(alias="_links")


class SelfLink(Answer):
    """Where a file is."""

    href: str


class DiagnosticLinks(Answer):
    """Where a file is, under `self`."""

    itself: SelfLink = Field(alias="self")


class DiagnosticFile(Answer):
    """A file of diagnostics, or a folder of them."""

    name: str
    length: str = Field(description="Bytes; 0 for a folder.")
    links: DiagnosticLinks = Field(alias="_links")


class DiagnosticPageLinks(Answer):
    """How to go on."""

    page: Link
    next: Link | None = None


class DiagnosticFiles(Answer):
    """A page of files."""

    data: list[DiagnosticFile]
    page: SandboxCount = Field(alias="_page")
    links: DiagnosticPageLinks = Field(alias="_links")
