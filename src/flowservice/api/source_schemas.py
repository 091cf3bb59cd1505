"""Schemas made of the columns of a source: our own addition."""

from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Path, Response
from pydantic import Field

from flowservice.api import answers
from flowservice.api import source_schema_answers as told
from flowservice.api.calls import Calling
from flowservice.api.wire import OwnWire
from flowservice.errors import BadField
from flowservice.service.source_schemas import PROFILE, Form, SchemaWanted, SourceSchema, SourceSchemas

_LONGEST: Final = 500
_MOST_COLUMNS: Final = 1_000
_SCHEMAS: Final = "/data/foundation/schemaregistry/tenant/schemas"
_IDS: Final = ("schemaId", "schemaAltId", "classId", "fieldGroupId", "mappingSetId", "mappingSetVersion")
_PLANNED: Final = {
    **dict.fromkeys(_IDS),
    "fields": [{"source": "größe", "path": "_northwind.gr__e", "type": "number", "reason": "illegal-characters"}],
    "passedOver": [],
    "sampledRowCount": 40,
}
ConnectionId = Annotated[str, Path(description="Id of a connection: a UUID.")]
Name = Annotated[str, Field(min_length=1, max_length=_LONGEST)]


class SourceSchemaBody(OwnWire):
    """What is to be made of which table."""

    object: Name = Field(description="Name of the table, as explore shows it.", examples=["people"])
    title: Name = Field(description="Title of the schema; no other one may have it.", examples=["People"])
    description: str = Field(default="", max_length=4_000)
    form: Literal["composed", "adhoc"] = Field(
        default="composed", description="`composed`: of a class and a field group; `adhoc`: of a class of its own."
    )
    class_id: Name = Field(default=PROFILE, description="Of a composed schema: `$id` of its class.")
    columns: Annotated[list[Name], Field(max_length=_MOST_COLUMNS)] = Field(
        default=[], description="Columns that become fields; none: all that a sample shows."
    )
    class_fields: Annotated[dict[Name, Name], Field(max_length=_MOST_COLUMNS)] = Field(
        default={},
        description="Of a composed schema: fields of its class, each with the column that feeds it too.",
        examples=[{"_id": "RowKey"}],
    )
    new_fields: Annotated[dict[Name, Name], Field(max_length=_MOST_COLUMNS)] = Field(
        default={},
        description="Further fields beside those of the columns, by name, each with its XDM type; mappings feed them.",
        examples=[{"fullName": "string"}],
    )
    mapping: bool = Field(default=True, description="Whether a mapping set is made with it.")
    dry_run: bool = Field(default=False, description="Only tell what would be made; nothing is kept.")

    def wanted(self) -> SchemaWanted:
        """What the body says. Raises BadField for what an ad hoc schema has not."""
        form = Form(self.form)
        if form is Form.ADHOC and (self.class_fields or self.class_id != PROFILE):
            raise BadField(
                "an ad hoc schema has a class of its own", advice="Leave classId and classFields out, or form=composed."
            )
        if self.class_fields and not self.mapping:
            raise BadField("classFields says what is mapped, and no mapping set is wanted", advice="Send one of them.")
        return SchemaWanted(
            path=self.object,
            title=self.title,
            description=self.description,
            form=form,
            class_id=self.class_id,
            columns=tuple(dict.fromkeys(self.columns)),
            class_fields=self.class_fields,
            new_fields=self.new_fields,
            with_mapping=self.mapping,
        )


def router(source_schemas: SourceSchemas) -> APIRouter:
    """One call."""
    routes = APIRouter(prefix="/v1/connections", tags=["Schemas from sources"])

    @routes.post(
        "/{connection_id}/schema",
        status_code=201,
        summary="Make a schema of the columns of a table",
        responses={
            **answers.of(told.SourceSchema, status=201),
            200: {"model": told.SourceSchema, "content": {"application/json": {"example": _PLANNED}}},
        },
    )
    def make(
        caller: Calling, connection_id: ConnectionId, body: SourceSchemaBody, response: Response
    ) -> dict[str, Any]:
        """The columns are inferred from a sample, as explore shows them. Field group or class, schema and mapping set
        are made together, or none of them. `fields` tells how each field is called, and why otherwise than its column.
        With `dryRun` that is all that it does (200), and the ids are null.
        """
        made = source_schemas.make(caller, connection_id, body.wanted(), keep=not body.dry_run)
        if body.dry_run:
            response.status_code = 200
            return shown(made) | dict.fromkeys(_IDS)
        response.headers["Location"] = f"{_SCHEMAS}/{made.schema.alt_id}"
        return shown(made)

    return routes


def shown(made: SourceSchema) -> dict[str, Any]:
    """What was made, as JSON."""
    return {
        "schemaId": made.schema.id,
        "schemaAltId": made.schema.alt_id,
        "classId": made.schema.class_id,
        "fieldGroupId": None if made.part.id == made.schema.class_id else made.part.id,
        "mappingSetId": None if made.mapping_set is None else made.mapping_set.id,
        "mappingSetVersion": None if made.mapping_set is None else made.mapping_set.current.version,
        "fields": [
            {
                "source": field.column,
                "path": made.path_of(field),
                "type": field.xdm,
                "reason": None if field.renamed is None else field.renamed.value,
            }
            for field in made.fields
        ],
        "passedOver": list(made.passed_over),
        "sampledRowCount": made.sampled_rows,
    }
