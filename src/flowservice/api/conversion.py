"""Data Prep: mapping sets."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Body, Path
from fastapi import Query as QueryParam

from flowservice.api import answers, data_prep_wire
from flowservice.api import neighbour_answers as told
from flowservice.api.calls import Calling
from flowservice.domain.query import Query
from flowservice.errors import NotFound
from flowservice.service.mapping_sets import MappingSets
from flowservice.service.schemas import Schemas

BASE: Final = "/data/foundation/conversion"
MappingId = Annotated[str, Path(description="Id of a mapping: 32 hexadecimal digits, others in each version.")]
SetId = Annotated[str, Path(description="Id of a mapping set: 32 hexadecimal digits.")]


def router(mapping_sets: MappingSets, schemas: Schemas) -> APIRouter:
    """Create, list, read and replace mapping sets. What is created is always validated."""
    routes = APIRouter(prefix=BASE, tags=["Data Prep"])

    @routes.post("/mappingSets", summary="Create a mapping set", responses=answers.of(told.MappingSetCreated))
    def create(caller: Calling, body: Annotated[dict[str, Any], Body()]) -> dict[str, Any]:
        """In either dialect: `xdmSchema` with `destinationXdmPath`, or `outputSchema` with `destination`."""
        return data_prep_wire.created(mapping_sets.create(caller, body))

    @routes.get("/mappingSets", summary="List mapping sets", responses=answers.of(told.MappingSets))
    def listed(
        caller: Calling,
        limit: Annotated[int, QueryParam(ge=1, le=1000, description="Sets a page.")] = 10,
        start: Annotated[int, QueryParam(ge=0, le=1_000_000, description="How many to pass over.")] = 0,
    ) -> dict[str, Any]:
        found = mapping_sets.list(caller, Query(limit=start + limit)).items[start:]
        return data_prep_wire.page(found, limit=limit)

    @routes.get("/mappingSets/{set_id}", summary="Read a mapping set", responses=answers.of(told.MappingSet))
    def read(
        caller: Calling,
        set_id: SetId,
        version: Annotated[int | None, QueryParam(description="Without it the newest.")] = None,
        expand_schema: Annotated[
            str, QueryParam(alias="expandSchema", description="`true` adds the whole schema.")
        ] = "false",
    ) -> dict[str, Any]:
        found, at = mapping_sets.get(caller, set_id, version)
        expanded = schemas.full(caller, at.schema_id) if expand_schema.lower() == "true" else None
        return data_prep_wire.set_json(found, at, json_schema=expanded)

    @routes.put("/mappingSets/{set_id}", summary="Replace a mapping set", responses=answers.of(told.MappingSet))
    def replace(caller: Calling, set_id: SetId, body: Annotated[dict[str, Any], Body()]) -> dict[str, Any]:
        """Makes a new version; flows go on with the version that they name."""
        changed = mapping_sets.update(caller, set_id, body)
        return data_prep_wire.set_json(changed, changed.current)

    @routes.get(
        "/mappingSets/{set_id}/mappings", summary="List the mappings of a set", responses=answers.of(told.Mappings)
    )
    def mappings(caller: Calling, set_id: SetId) -> list[dict[str, Any]]:
        found, at = mapping_sets.get(caller, set_id)
        return data_prep_wire.mappings_json(found, at)

    @routes.get(
        "/mappingSets/{set_id}/mappings/{mapping_id}",
        summary="Read a mapping of a set",
        responses=answers.of(told.Mapping),
    )
    def mapping(caller: Calling, set_id: SetId, mapping_id: MappingId) -> dict[str, Any]:
        found, at = mapping_sets.get(caller, set_id)
        for known in data_prep_wire.mappings_json(found, at):
            if known["id"] == mapping_id:
                return known
        raise NotFound(f"the mapping set has no mapping {mapping_id[:80]!r}", advice="List the mappings of the set.")

    @routes.delete("/mappingSets/{set_id}", status_code=204, summary="Delete a mapping set")
    def delete(caller: Calling, set_id: SetId) -> None:
        """With all its versions; refused while a flow or run uses it."""
        mapping_sets.delete(caller, set_id)

    return routes
