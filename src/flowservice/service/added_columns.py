"""New columns of a source, taken up into the schema of a dataset and into the mapping of a flow."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from flowservice.domain.drift import Change
from flowservice.domain.flow import Flow, Operation, Transformation
from flowservice.domain.flow_version import Origin
from flowservice.domain.identity import Caller, Scope
from flowservice.domain.inferred_fields import field_node, is_field_type, legal_name, numbered
from flowservice.domain.mapping import Mapping as FieldMapping
from flowservice.domain.mapping import MappingKind, MappingVersion
from flowservice.domain.source_path import literal_column, quoted
from flowservice.domain.xdm_tree import Leaf, ObjectField
from flowservice.errors import BadMapping, BadSchema, ColumnsNotAddable
from flowservice.ports.database import Database
from flowservice.ports.runtime import Clock, Ids
from flowservice.service.contention import repeated
from flowservice.service.kept_versions import replaced
from flowservice.service.schemas import Schemas

_DIGITS: Final = 32
_LONGEST_NAME: Final = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class AddedColumns:
    """Fills `ports.runtime.AddingColumns`."""

    database: Database
    now: Clock
    ids: Ids
    itself: Callable[[Scope], Caller]
    """The service as a caller."""

    def add(self, flow: Flow, columns: Sequence[Change]) -> None:
        """Take them up, as the port says. Raises ColumnsNotAddable, NotFound, Stale."""
        scope = flow.stamp.scope

        def add() -> None:
            with self.database.transaction() as tx:
                self.add_within(tx, self.itself(scope), tx.flows.get(scope, flow.id), columns)

        repeated(add)

    def add_within(self, tx: Database, caller: Caller, flow: Flow, columns: Sequence[Change]) -> Flow:
        """The flow with these columns taken up on behalf of `caller`, written as part of the transaction `tx`.

        Raises ColumnsNotAddable, NotFound, Stale.
        """
        mapping_set = tx.mapping_sets.get(caller.scope, str(flow.mapping_id))
        current = mapping_set.current
        if current.version != flow.mapping_version:
            raise ColumnsNotAddable(
                f"the flow holds on to version {flow.mapping_version} of its mapping set, and there is a newer one",
                advice=f"Let the flow name version {current.version}, or map the columns yourself.",
            )
        columns = [column for column in columns if column.column not in current.source_columns]
        schemas = Schemas(database=tx, now=self.now, ids=self.ids)
        tree, own = schemas.tree(caller, current.schema_id), f"_{caller.tenant_id}"
        try:
            places = dict(_places(columns, tree, own, current))
            if nodes := {name: node for name, node in places.values() if node is not None}:
                schemas.add_fields(caller, current.schema_id, nodes)
            version = replace(
                current,
                version=current.version + 1,
                mappings=(
                    *current.mappings,
                    *(self._mapping(column, f"{own}.{name}") for column, (name, _) in places.items()),
                ),
            )
            version.check(schemas.tree(caller, current.schema_id))
        except (BadSchema, BadMapping) as error:
            raise ColumnsNotAddable(error.message, advice="Map the columns yourself, or ignore them.") from None
        if not places:
            return flow
        at = self.now()
        stamp = mapping_set.stamp.moved(caller, at=at)
        tx.mapping_sets.replace(
            mapping_set, replace(mapping_set, versions=(*mapping_set.versions, version), stamp=stamp)
        )
        moved = replace(
            flow,
            transformations=tuple(_at(step, version.version) for step in flow.transformations),
            stamp=flow.stamp.moved(caller, at=at),
        ).noted(Operation.UPDATE, at=at)
        return replaced(tx, flow, moved, Origin.COLUMNS)

    def _mapping(self, column: str, destination: str) -> FieldMapping:
        return FieldMapping(
            id=self.ids.hex(_DIGITS),
            kind=MappingKind.ATTRIBUTE,
            source_type=MappingKind.ATTRIBUTE.value,
            source=quoted(column),
            destination=destination,
        )


def _at(step: Transformation, version: int) -> Transformation:
    return step if step.name != "Mapping" else replace(step, params={**step.params, "mappingVersion": version})


def _places(
    columns: Sequence[Change], tree: ObjectField, own: str, current: MappingVersion
) -> Iterator[tuple[str, tuple[str, Mapping[str, Any] | None]]]:
    """By column the field below the tenant's object `own` that takes it, and its definition; None: it is there."""
    ours = tree.fields.get(own)
    known = dict(ours.fields) if isinstance(ours, ObjectField) else {}
    fed = {mapping.destination for mapping in current.mappings}
    taken = {name.casefold() for name in known}
    for column in columns:
        shown = column.column[:_LONGEST_NAME]
        if not is_field_type(column.xdm):
            raise ColumnsNotAddable(
                f"no field can take the column {shown!r}: its type is {'/'.join(column.now)}",
                advice="Ignore the column.",
            )
        name = legal_name(column.column)
        if not name or literal_column(quoted(column.column)) != column.column:
            raise ColumnsNotAddable(
                f"no field can be named after the column {shown!r}", advice="Map it yourself, or ignore it."
            )
        if isinstance(known.get(name), Leaf) and f"{own}.{name}" not in fed:
            # Whoever made the schema had foreseen it.
            fed.add(f"{own}.{name}")
            yield column.column, (name, None)
            continue
        name = numbered(name, taken)
        taken.add(name.casefold())
        yield column.column, (name, field_node(column.xdm, column.column))
