"""What answers look like, for the API's own document. Answers are checked against these, not made from them."""

from functools import cache
from typing import Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, create_model
from pydantic.alias_generators import to_camel

T = TypeVar("T")


def of(answer: Any, *, status: int = 200) -> dict[int | str, dict[str, Any]]:
    """What a route says of its success: `responses=answers.of(answers.Created, status=201)`."""
    return {status: {"model": answer}}


class Answer(BaseModel):
    """Members that are not named here may come along."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="allow")


class Created(Answer):
    """The answer to a create, change or action."""

    id: str
    etag: str = Field(description="Literal quotes are part of it.", examples=['"00000001-0000-0200-0000-6655a1e20000"'])


class FlowChanged(Created):
    """The answer to a change of a flow, with what published clients read of it."""

    name: str
    version: str
    state: str


class RunCreated(Created):
    """The answer to a new run, in both shapes that published clients read."""

    items: list[Created]


class SpecRef(Answer):
    """A reference to a spec."""

    id: str
    version: str


class Stamped(Answer):
    """The members of every resource."""

    id: str
    created_at: int = Field(description="Epoch milliseconds.")
    updated_at: int = Field(description="Epoch milliseconds.")
    created_by: str
    updated_by: str
    created_client: str
    updated_client: str
    sandbox_id: str
    sandbox_name: str
    ims_org_id: str
    version: str
    etag: str


class Governed(Stamped):
    """The members of what users make."""

    name: str | None = None
    description: str | None = None
    labels: list[str] | None = None
    policy: dict[str, Any] | None = None
    unified_metadata: dict[str, Any] | None = None


class Auth(Answer):
    """How a connection signs in; secrets are masked."""

    spec_name: str
    params: dict[str, Any]


class Connection(Governed):
    """A connection."""

    connection_spec: SpecRef
    state: Literal["draft", "enabled"]
    auth: Auth | None = None


class BaseConnection(Answer):
    """A connection as its source connection inherits it."""

    id: str
    connection_spec: SpecRef | None


class InheritedBase(Answer):
    """What a source or target connection inherits."""

    base_connection: BaseConnection


class EndConnection(Governed):
    """A source or target connection."""

    connection_spec: SpecRef
    state: Literal["draft", "enabled"]
    data: dict[str, Any]
    params: dict[str, Any]
    base_connection_id: str | None = None
    inherited_attributes: InheritedBase | None = None


class Endpoint(Answer):
    """An end of a flow as the flow inherits it."""

    id: str
    connection_spec: SpecRef
    base_connection: BaseConnection | None = None


class Inherited(Answer):
    """What a flow inherits."""

    properties: dict[str, bool]
    source_connections: list[Endpoint]
    target_connections: list[Endpoint]


class Transformation(Answer):
    """A step between source and target."""

    name: str
    params: dict[str, Any]


class LastOperation(Answer):
    """The last thing that was done with a flow."""

    started: int
    updated: int
    operation: str


class LastRunDetails(Answer):
    """A flow's newest ended run."""

    id: str
    state: str
    started_at_utc: int = Field(alias="startedAtUTC")
    completed_at_utc: int = Field(alias="completedAtUTC")


class Flow(Governed):
    """A flow."""

    flow_spec: SpecRef
    state: Literal["draft", "enabled", "disabled"]
    source_connection_ids: list[str]
    target_connection_ids: list[str]
    inherited_attributes: Inherited
    schedule_params: dict[str, Any]
    transformations: list[Transformation]
    options: dict[str, Any]
    runs: str
    last_operation: LastOperation
    last_run_details: LastRunDetails | None = None


class RecordSummary(Answer):
    """Rows of a run. A failed run says -1 where a count is not known."""

    input_record_count: int
    output_record_count: int
    failed_record_count: int
    skipped_record_count: int
    warning_record_count: int


class StatusSummary(Answer):
    """How a run is doing."""

    status: Literal["scheduled", "inProgress", "success", "partialSuccess", "failed"]
    errors: list[dict[str, Any]]


class Metrics(Answer):
    """What a run measured."""

    duration_summary: dict[str, Any]
    size_summary: dict[str, Any]
    record_summary: RecordSummary
    file_summary: dict[str, Any]
    status_summary: StatusSummary


class Run(Stamped):
    """A run."""

    flow_id: str
    flow_spec: SpecRef
    provider_ref_id: str
    params: dict[str, Any]
    metrics: Metrics
    activities: list[dict[str, Any]]


class Spec(Answer):
    """A connection spec or flow spec."""

    id: str
    name: str
    provider_id: str | None
    attributes: dict[str, Any]


class SpecCreated(Answer):
    """The answer to a new connection spec."""

    id: str
    items: list[Spec]


class One(Answer, Generic[T]):
    """A single resource: a list of one."""

    items: list[T] = Field(min_length=1, max_length=1)


class NextLink(Answer):
    """Where the next page is, relative to the base path of the service."""

    href: str = Field(examples=["/flows?continuationToken=WzE3MTcwMDAwMDAwMDBd"])


class Links(Answer):
    """Empty on the last page."""

    next: NextLink | None = None


class Listing(Answer, Generic[T]):
    """A page of a list."""

    items: list[T]
    links: Links = Field(alias="_links")


class Count(Answer):
    """The answer with `count=true`."""

    count: int = Field(ge=0)


@cache
def fields_of(model: type[BaseModel]) -> type[BaseModel]:
    """The members of `model`, any of which may be missing: what a list shows under a projection."""
    members: dict[str, Any] = {
        name: (info.annotation | None, Field(default=None, alias=info.alias, description=info.description))  # type: ignore[operator]
        for name, info in model.model_fields.items()
    }
    return create_model(f"{model.__name__}Fields", __base__=Answer, __doc__=model.__doc__, **members)


class Node(Answer):
    """What exploring the root or a folder lists."""

    type: Literal["table", "folder", "file"]
    name: str
    path: str
    can_preview: bool
    can_fetch_schema: bool


class Column(Answer):
    """A column of a table."""

    name: str
    type: str
    meta_xdm_type: str = Field(alias="meta:xdmType")
    xdm: dict[str, Any]


class TableSchema(Answer):
    """Columns of a table."""

    columns: list[Column]


class Table(Answer):
    """What exploring a table shows."""

    format: Literal["flat"]
    schema_: TableSchema = Field(alias="schema")
    key_columns: list[str] | None = None
    data: list[dict[str, Any]] | None = None


class Tested(Answer):
    """The source accepted the connection."""

    result: Literal[True]


class ConfigColumn(Answer):
    """A column."""

    column_name: str
    column_type: str


class Configs(Answer):
    """The columns of an object."""

    items: list[ConfigColumn]


class ExportableDataset(Answer):
    """A dataset."""

    id: str
    name: str


class PageInfo(Answer):
    """Whether there is more."""

    has_next: bool


class SpecConfigs(Answer):
    """What can be chosen."""

    items: list[ExportableDataset]
    page_info: PageInfo


# --- refusals --------------------------------------------------------------------------------------------------------


class GatewayProblem(Answer):
    """A refusal before any service is reached."""

    error_code: str = Field(alias="error_code", examples=["403010"])
    message: str


class Report(Answer):
    """What a refusal is about."""

    request_id: str | None = Field(default=None, alias="request-id")


class FlowProblem(Answer):
    """A refusal of the Flow Service."""

    type: str = Field(examples=["https://ns.adobe.com/aep/errors/FLOW-1439-404"])
    title: str
    status: int
    report: Report
    error_message: str = Field(description="What failed, and why.")
    error_details: str
    code: str = Field(description="Stable; the errors page lists all of them.", examples=["not-found"])
    advice: str | None = Field(default=None, description="What to do next.")


class PlainProblem(Answer):
    """A refusal of a neighbour of the Flow Service."""

    type: str
    title: str
    status: int
    code: str
    advice: str | None = None


class DatasetProblem(Answer):
    """A refusal of the Dataset Service."""

    timestamp: str
    status: str = Field(examples=["NOT_FOUND"])
    code: str = Field(examples=["PES-404"])
    error_code: str = Field(description="The stable code of the page of errors.")
    message: str
    path: str
    advice: str | None = Field(default=None, description="What to do next.")
