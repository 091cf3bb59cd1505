"""Data Prep: mapping sets."""

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Final

from fastapi import APIRouter, Body, Header, Path, Response
from fastapi import Query as QueryParam

from flowservice.api import answers, data_prep_wire
from flowservice.api import neighbour_answers as told
from flowservice.api.calls import Calling
from flowservice.api.property_query import check_known, property_criteria, sort_keys
from flowservice.domain.criteria import Criterion, Relation, SortKey, in_order, passing
from flowservice.domain.identity import Caller
from flowservice.domain.mapping import MappingSet, MappingVersion
from flowservice.domain.query import Query
from flowservice.errors import NotFound
from flowservice.service.mapping_csv import write_csv
from flowservice.service.mapping_sets import MappingSets
from flowservice.service.schemas import Schemas

BASE: Final = "/data/foundation/conversion"
_TABLE: Final = "source,destination,sourceType\r\nRowKey,_id,ATTRIBUTE\r\n"
_FIELDS: Final = frozenset(told.MappingSet.model_json_schema(by_alias=True)["properties"])
MappingId = Annotated[str, Path(description="Id of a mapping: 32 hexadecimal digits, others in each version.")]
SetId = Annotated[str, Path(description="Id of a mapping set: 32 hexadecimal digits.")]
Expanded = Annotated[str, QueryParam(alias="expandSchema", description="`true` adds the whole schema.")]
_CSV: Final = "text/csv"
_LISTED: Final[dict[int | str, dict[str, Any]]] = {
    200: {"model": told.Mappings, "content": {_CSV: {"schema": {"type": "string"}, "example": _TABLE}}}
}


def router(mapping_sets: MappingSets, schemas: Schemas) -> APIRouter:
    """Create, list, read and replace mapping sets. What is created is always validated."""
    routes = APIRouter(prefix=BASE, tags=["Data Prep"])

    def shown(caller: Caller, found: MappingSet, at: MappingVersion, expand_schema: str) -> dict[str, Any]:
        expanded = schemas.full(caller, at.schema_id) if expand_schema.lower() == "true" else None
        return data_prep_wire.set_json(found, at, json_schema=expanded)

    @routes.post("/mappingSets", summary="Create a mapping set", responses=answers.of(told.MappingSetCreated))
    def create(caller: Calling, body: Annotated[dict[str, Any], Body()]) -> dict[str, Any]:
        """In either dialect: `xdmSchema` with `destinationXdmPath`, or `outputSchema` with `destination`."""
        return data_prep_wire.created(mapping_sets.create(caller, body))

    @routes.get("/mappingSets", summary="List mapping sets", responses=answers.of(told.MappingSets))
    def listed(
        caller: Calling,
        limit: Annotated[int, QueryParam(ge=1, le=1000, description="Sets a page.")] = 10,
        start: Annotated[int, QueryParam(ge=0, le=1_000_000, description="How many to pass over.")] = 0,
        name: Annotated[str | None, QueryParam(description="Sets of that name alone.")] = None,
        wanted: Annotated[
            list[str] | None, QueryParam(alias="property", description="Conditions such as `xdmSchema==…`.")
        ] = None,
        order: Annotated[
            str | None, QueryParam(alias="orderBy", description="`-createdDate`, `+updatedDate`, `name`.")
        ] = None,
        expand_schema: Expanded = "false",
    ) -> dict[str, Any]:
        if name is None and not wanted and order is None:
            found = mapping_sets.list(caller, Query(limit=start + limit)).items[start:]
        else:
            found = _found(mapping_sets.all(caller), name, wanted or (), order)[start : start + limit]
        return data_prep_wire.page([shown(caller, each, each.current, expand_schema) for each in found], limit=limit)

    @routes.get("/mappingSets/{set_id}", summary="Read a mapping set", responses=answers.of(told.MappingSet))
    def read(
        caller: Calling,
        set_id: SetId,
        version: Annotated[int | None, QueryParam(description="Without it the newest.")] = None,
        expand_schema: Expanded = "false",
    ) -> dict[str, Any]:
        return shown(caller, *mapping_sets.get(caller, set_id, version), expand_schema)

    @routes.put("/mappingSets/{set_id}", summary="Replace a mapping set", responses=answers.of(told.MappingSet))
    def replace(caller: Calling, set_id: SetId, body: Annotated[dict[str, Any], Body()]) -> dict[str, Any]:
        """Makes a new version; flows go on with the version that they name."""
        changed = mapping_sets.update(caller, set_id, body)
        return data_prep_wire.set_json(changed, changed.current)

    @routes.get(
        "/mappingSets/{set_id}/mappings", summary="List the mappings of a set", response_model=None, responses=_LISTED
    )
    def mappings(
        caller: Calling,
        set_id: SetId,
        version: Annotated[int | None, QueryParam(description="Without it the newest.")] = None,
        accept: Annotated[str, Header(description="`text/csv` for a table.")] = "application/json",
    ) -> list[dict[str, Any]] | Response:
        """As JSON, or as a CSV table, which creates and replaces take as `mappings`."""
        found, at = mapping_sets.get(caller, set_id, version)
        if _CSV in {part.partition(";")[0].strip().lower() for part in accept.split(",")}:
            return Response(write_csv(at.mappings), media_type=_CSV)
        return data_prep_wire.mappings_json(found, at)

    @routes.post("/mappingSets/{set_id}/mappings", summary="Add a mapping to a set", responses=answers.of(told.Mapping))
    def add(caller: Calling, set_id: SetId, body: Annotated[dict[str, Any], Body()]) -> dict[str, Any]:
        """Makes a new version of the set, as every change of a mapping does."""
        changed, mapping = mapping_sets.add_mapping(caller, set_id, body)
        return data_prep_wire.mapping_json(changed, changed.current, mapping)

    @routes.put(
        "/mappingSets/{set_id}/mappings/{mapping_id}",
        summary="Replace a mapping of a set",
        responses=answers.of(told.Mapping),
    )
    def replace_one(
        caller: Calling, set_id: SetId, mapping_id: MappingId, body: Annotated[dict[str, Any], Body()]
    ) -> dict[str, Any]:
        """In a new version of the set, under the id that it has."""
        changed, mapping = mapping_sets.replace_mapping(caller, set_id, mapping_id, body)
        return data_prep_wire.mapping_json(changed, changed.current, mapping)

    @routes.delete(
        "/mappingSets/{set_id}/mappings/{mapping_id}", status_code=204, summary="Take a mapping out of a set"
    )
    def delete_one(caller: Calling, set_id: SetId, mapping_id: MappingId) -> None:
        """In a new version of the set; the last one stays."""
        mapping_sets.delete_mapping(caller, set_id, mapping_id)

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


def _renamed(key: SortKey) -> SortKey:
    """Lists are sorted by `updatedDate`, which sets call `modifiedDate`."""
    return dataclasses.replace(key, path=("modifiedDate",)) if key.path == ("updatedDate",) else key


def _found(known: Iterable[MappingSet], name: str | None, wanted: Sequence[str], order: str | None) -> list[MappingSet]:
    """The sets that fit, sorted. Raises BadQuery."""
    criteria = [criterion for text in wanted for criterion in property_criteria(text)]
    if name is not None:
        criteria.append(Criterion(path=("name",), relation=Relation.EQ, values=(name,)))
    keys = [_renamed(key) for key in sort_keys(order)] if order is not None else []
    for path in [*(criterion.path for criterion in criteria), *(key.path for key in keys)]:
        check_known(path, _FIELDS)
    sets = list(known)
    documents = [data_prep_wire.set_json(each, each.current) for each in sets]
    kept = passing(documents, criteria)
    return [sets[kept[place]] for place in in_order([documents[place] for place in kept], keys)]
