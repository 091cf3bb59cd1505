"""What customers write into specs (the contract's self-serve section). Members that we do not know are kept."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

from flowservice.domain.resource import MAX_DESCRIPTION, MAX_NAME

BATCH_PROVIDER = "0ed90a81-07f4-4586-8190-b40eccef1c5a"
STREAMING_PROVIDER = "521eee4d-8cbe-4906-bb48-fb6bd4450033"

Provider = Literal["0ed90a81-07f4-4586-8190-b40eccef1c5a", "521eee4d-8cbe-4906-bb48-fb6bd4450033"]
Name = Annotated[str, Field(min_length=1, max_length=MAX_NAME)]
Schema = Annotated[dict[str, Any], Field(description="A JSON Schema, draft-07.")]
WholeNumber = int | Annotated[str, Field(pattern=r"^\d{1,9}$")]


class Part(BaseModel):
    """A part of a spec."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="allow", strict=True)


class AuthSpec(Part):
    """One way to sign in."""

    name: Name
    type: Name | None = None
    display_name: str | None = None
    spec: Schema


class UrlParams(Part):
    """What is called."""

    host: str | None = None
    path: str | None = Field(
        default=None, max_length=MAX_DESCRIPTION, description="`${name}` stands for a property of `sourceSpec.spec`."
    )
    method: Literal["GET", "POST"] | None = None
    query_params: dict[str, Any] | None = None


class ContentPath(Part):
    """Where the records are in an answer."""

    path: str | None = Field(default=None, description="JSONPath, such as `$.items`.")
    skip_attributes: list[str] | None = None
    keep_attributes: list[str] | None = None
    override_wrapper_attribute: str | None = None


class PaginationParams(Part):
    """How the next page is asked for."""

    type: Literal["OFFSET", "POINTER", "CONTINUATION_TOKEN", "PAGE", "NONE"]
    limit_name: str | None = None
    limit_value: WholeNumber | None = None
    pointer_path: str | None = None
    pointer_name: str | None = None
    continuation_token_path: str | None = None
    parameter_type: Literal["QUERYPARAM", "HEADERPARAM"] | None = None
    parameter_name: str | None = None
    delay_request_millis: WholeNumber | None = None
    page_param_name: str | None = None
    initial_page_index: WholeNumber | None = None
    maximum_request: WholeNumber | None = None

    @model_validator(mode="after")
    def _is_whole(self) -> "PaginationParams":
        sent = self.model_dump(by_alias=True, exclude_none=True)
        for alternatives in _PAGINATION[self.type]:
            if not any(name in sent for name in alternatives):
                raise ValueError(f"pagination of type {self.type} needs {' or '.join(alternatives)}")
        return self


_PAGINATION: dict[str, tuple[tuple[str, ...], ...]] = {
    "OFFSET": (("limitName",), ("limitValue",), ("offSetName", "offsetName")),
    "POINTER": (("pointerName", "pointerPath"),),
    "CONTINUATION_TOKEN": (("continuationTokenPath",), ("parameterType",), ("parameterName",)),
    "PAGE": (("pageParamName",),),
    "NONE": (),
}


class SourceAttributes(Part):
    """How a REST source is read."""

    ui_attributes: dict[str, Any] | None = None
    auth_required: bool | None = None
    url_params: UrlParams | None = None
    header_params: dict[str, Any] | None = None
    body_params: dict[str, Any] | None = None
    content_path: ContentPath | None = None
    explode_entity_path: ContentPath | None = None
    pagination_params: PaginationParams | None = None
    schedule_params: dict[str, Any] | None = None


class SourceSpec(Part):
    """What is read."""

    attributes: SourceAttributes | None = None
    spec: Schema | None = Field(default=None, description="What a source connection's `params` hold.")


class ExploreSpec(Part):
    """How the source can be explored."""

    name: Name | None = None
    type: Literal["FileSystem", "Tabular", "Resource", "StreamingConnection"] | None = None
    request_spec: Schema | None = None
    response_spec: dict[str, Any] | None = None


class EncryptionSpec(Part):
    """How files are encrypted."""

    name: Name
    type: str | None = None
    spec: dict[str, Any] | None = None


class Access(Part):
    """One permission."""

    name: Name
    permissions: list[str]


class PermissionsInfo(Part):
    """Who may see and manage resources of the spec."""

    view: list[Access] | None = None
    manage: list[Access] | None = None


class SpecBody(Part):
    """What both kinds of spec have."""

    name: Name
    version: str | None = None
    description: str | None = Field(default=None, max_length=MAX_DESCRIPTION)
    attributes: dict[str, Any] | None = None
    permissions_info: PermissionsInfo | None = None

    def document(self) -> dict[str, Any]:
        """As it was sent."""
        return self.model_dump(by_alias=True, exclude_unset=True)


class ConnectionSpecBody(SpecBody):
    """`POST /connectionSpecs`, `PUT /connectionSpecs/{id}`."""

    type: Literal["generic-rest", "generic-streaming"]
    provider_id: Provider
    auth_spec: list[AuthSpec] | None = None
    source_spec: SourceSpec | None = None
    target_spec: SourceSpec | None = None
    explore_spec: ExploreSpec | None = None
    encryption_specs: list[EncryptionSpec] | None = None

    @model_validator(mode="after")
    def _provider_fits(self) -> "ConnectionSpecBody":
        wanted = STREAMING_PROVIDER if self.type == "generic-streaming" else BATCH_PROVIDER
        if self.provider_id != wanted:
            raise ValueError(f"providerId of type {self.type} is {wanted}")
        return self


class NamedSchema(Part):
    """A named schema within a flow spec."""

    name: Name
    type: str | None = None
    spec: Schema | None = None


class FlowSpecBody(SpecBody):
    """`POST /flowSpecs`, `PUT /flowSpecs/{id}`."""

    type: str | None = None
    provider_id: Provider | None = Field(description="Null in some documented specs, which may be put back as read.")
    source_connection_spec_ids: list[Name] = []
    target_connection_spec_ids: list[Name] = []
    option_spec: NamedSchema | None = None
    transformation_specs: list[NamedSchema] | None = None
    schedule_spec: NamedSchema | None = None
    run_spec: NamedSchema | None = None

    @model_validator(mode="before")
    @classmethod
    def _one_name_for_transformations(cls, sent: Any) -> Any:
        # Published requests name this member in three ways.
        if not isinstance(sent, dict):
            return sent
        for other in ("transformationSpecDTOS", "transformationSpec"):
            if other in sent:
                renamed = {name: value for name, value in sent.items() if name != other}
                return {"transformationSpecs": sent[other], **renamed}
        return sent
