"""Mappings from and to CSV tables, without a mapping set. Our own: the documented calls know sets alone."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Body

from flowservice.api import answers
from flowservice.api import mapping_table_answers as told
from flowservice.api.calls import Calling
from flowservice.api.data_prep_wire import rule_json
from flowservice.errors import MissingField
from flowservice.service.mapping_sets import MappingSets

BASE: Final = "/v1/mapping-tables"


def router(mapping_sets: MappingSets) -> APIRouter:
    """Read and write."""
    routes = APIRouter(prefix=BASE, tags=["Data Prep"])

    @routes.post("/read", summary="Read mappings from a table", responses=answers.of(told.Rules))
    def read_table(caller: Calling, body: Annotated[dict[str, Any], Body()]) -> dict[str, Any]:
        """`table` is CSV text, a mapping a line; its first line names the columns, of which `source` and `destination`
        must be there. Nothing is kept."""
        table = body.get("table")
        if not isinstance(table, str):
            raise MissingField("table is missing", advice="Send the CSV table as a text.")
        return {
            "mappings": [
                rule_json(mapping) | {"sourceType": mapping.kind.value}
                for mapping in mapping_sets.untabled(caller, table)
            ]
        }

    @routes.post("/write", summary="Write mappings as a table", responses=answers.of(told.Table))
    def write_table(caller: Calling, body: Annotated[dict[str, Any], Body()]) -> dict[str, Any]:
        """`mappings` as those of a mapping set. Reading the table gives the same mappings again. Nothing is kept."""
        return {"table": mapping_sets.tabled(caller, body.get("mappings"))}

    return routes
