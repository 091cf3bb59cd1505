"""What people and programs may do with mapping sets. A set is written in either of two dialects."""

from collections.abc import Callable, Container, Iterator, Sequence
from collections.abc import Mapping as JsonObject
from dataclasses import dataclass, replace
from typing import Any, Final

import pyarrow as pa

from flowservice.domain.expressions.checking import check
from flowservice.domain.expressions.parsing import parse
from flowservice.domain.identity import Caller, Permission, Scope
from flowservice.domain.mapping import Mapping, MappingKind, MappingSet, MappingVersion
from flowservice.domain.mapping_trial import MOST_ROWS, TriedRow
from flowservice.domain.query import Condition, Operator, Page, Query
from flowservice.domain.resource import Stamp
from flowservice.domain.run import RunState
from flowservice.domain.source_path import column_of
from flowservice.domain.xdm_arrow import leaf_type
from flowservice.domain.xdm_patterns import check_patterns
from flowservice.domain.xdm_tree import Leaf, ObjectField, tree_of
from flowservice.domain.xdm_types import XdmType
from flowservice.errors import (
    BadExpression,
    BadField,
    BadMapping,
    BadMappingVersion,
    Error,
    InUse,
    MissingField,
    NotFound,
)
from flowservice.ports.database import Database, every
from flowservice.ports.runtime import Clock, Ids, TryingMappings
from flowservice.service.contention import repeated
from flowservice.service.mapping_csv import MOST_MAPPINGS, read_csv, write_csv
from flowservice.service.schemas import Schemas
from flowservice.service.told_columns import told_columns

_DIGITS: Final = 32
_CONTENT_TYPE: Final = "application/vnd.adobe.xed+json;version=1"
_NESTED: Final = frozenset({XdmType.OBJECT, XdmType.ARRAY, XdmType.MAP})
SOURCE_TYPES: Final[JsonObject[str, MappingKind]] = {
    "ATTRIBUTE": MappingKind.ATTRIBUTE,
    "text/x.schema-path": MappingKind.ATTRIBUTE,
    "EXPRESSION": MappingKind.EXPRESSION,
    "text/x.aep-xl": MappingKind.EXPRESSION,
    "STATIC": MappingKind.STATIC,
}
ON_ERROR: Final[JsonObject[str, bool]] = {"warn": False, "reject": True}
"""What becomes of a row whose value cannot be mapped: null and a warning, or rejected."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MappingSets:
    """Mapping sets, each checked against its schema before it is kept."""

    database: Database
    schemas: Schemas
    trying: TryingMappings
    now: Clock
    ids: Ids

    def create(self, caller: Caller, body: JsonObject[str, Any]) -> MappingSet:
        """A new set at version 0. Raises MissingField, BadField, BadMapping."""
        caller.may(Permission.MANAGE_SOURCES)
        mapping_set = MappingSet(
            id=self.ids.hex(_DIGITS),
            stamp=Stamp.first(caller, at=self.now()),
            name=_text(body, "name"),
            description=_text(body, "description"),
            versions=(self._version(caller, body, number=0),),
            input_schema=_object(body, "inputSchema"),
            tags=_object(body, "tags"),
        )
        self.database.mapping_sets.add(mapping_set)
        return mapping_set

    def update(self, caller: Caller, set_id: str, body: JsonObject[str, Any]) -> MappingSet:
        """The set with `body` as its next version; flows keep the version they pin. Raises as `create`, NotFound."""
        caller.may(Permission.MANAGE_SOURCES)

        def update() -> MappingSet:
            known = self.database.mapping_sets.get(caller.scope, set_id)
            changed = replace(
                known,
                name=_text(body, "name") or known.name,
                stamp=known.stamp.moved(caller, at=self.now()),
                versions=(*known.versions, self._version(caller, body, number=known.current.version + 1)),
            )
            self.database.mapping_sets.replace(known, changed)
            return changed

        return repeated(update)

    def add_mapping(self, caller: Caller, set_id: str, body: JsonObject[str, Any]) -> tuple[MappingSet, Mapping]:
        """The set with one more mapping, as its next version, and that mapping. Raises as `update`."""
        mapping = _mapping(body, at=0, mapping_id=self.ids.hex(_DIGITS))
        return self._changed(caller, set_id, lambda known: (*known, mapping)), mapping

    def replace_mapping(
        self, caller: Caller, set_id: str, mapping_id: str, body: JsonObject[str, Any]
    ) -> tuple[MappingSet, Mapping]:
        """The set with another mapping in the place and under the id of one, as a new version. Raises as `update`."""
        mapping = _mapping(body, at=0, mapping_id=mapping_id)

        def change(known: tuple[Mapping, ...]) -> tuple[Mapping, ...]:
            _check_there(known, mapping_id)
            return tuple(mapping if each.id == mapping_id else each for each in known)

        return self._changed(caller, set_id, change), mapping

    def delete_mapping(self, caller: Caller, set_id: str, mapping_id: str) -> None:
        """The next version is without that mapping. Raises as `update`, also for the last one."""

        def change(known: tuple[Mapping, ...]) -> tuple[Mapping, ...]:
            _check_there(known, mapping_id)
            return tuple(each for each in known if each.id != mapping_id)

        self._changed(caller, set_id, change)

    def _changed(
        self, caller: Caller, set_id: str, change: Callable[[tuple[Mapping, ...]], tuple[Mapping, ...]]
    ) -> MappingSet:
        caller.may(Permission.MANAGE_SOURCES)

        def changed() -> MappingSet:
            known = self.database.mapping_sets.get(caller.scope, set_id)
            newest = known.current
            version = replace(newest, version=newest.version + 1, mappings=change(newest.mappings))
            self._check(version, self.schemas.tree(caller, version.schema_id))
            moved = replace(known, stamp=known.stamp.moved(caller, at=self.now()), versions=(*known.versions, version))
            self.database.mapping_sets.replace(known, moved)
            return moved

        return repeated(changed)

    def get(self, caller: Caller, set_id: str, version: int | None = None) -> tuple[MappingSet, MappingVersion]:
        """A set and one of its versions (None: the newest). Raises NotFound, BadMappingVersion."""
        caller.may(Permission.VIEW_SOURCES)
        known = self.database.mapping_sets.get(caller.scope, set_id)
        found = known.current if version is None else known.at(version)
        if found is None:
            raise BadMappingVersion(
                f"the mapping set {set_id} has no version {version}",
                advice=f"Its newest version is {known.current.version}.",
            )
        return known, found

    def list(self, caller: Caller, query: Query) -> Page[MappingSet]:
        """A page of sets. Raises BadQuery."""
        caller.may(Permission.VIEW_SOURCES)
        return self.database.mapping_sets.list(caller.scope, query)

    def all(self, caller: Caller) -> Iterator[MappingSet]:
        """Every set of the sandbox, a page at a time."""
        caller.may(Permission.VIEW_SOURCES)
        return every(self.database.mapping_sets, caller.scope)

    def _version(self, caller: Caller, body: JsonObject[str, Any], *, number: int) -> MappingVersion:
        version, tree = self._sent(caller, body, number=number)
        self._check(version, tree)
        return version

    def _check(self, version: MappingVersion, tree: ObjectField) -> None:
        version.check(tree)
        for fault in self.trying.faults(version, tree):
            if fault is not None:
                raise fault

    def check_kinds(self, caller: Caller, version: MappingVersion, source: JsonObject[str, pa.DataType]) -> None:
        """Return if the expressions can take columns of these types. Raises BadExpression, BadMapping."""
        tree = self.schemas.tree(caller, version.schema_id)
        for fault in self.trying.faults(version, tree, pa.schema(list(source.items()))):
            if fault is not None:
                raise fault

    def check_expression(self, caller: Caller, text: str, set_id: str | None) -> None:
        """Return if a text is an expression that a mapping may have. Raises BadExpression, NotFound for the set."""
        caller.may(Permission.VIEW_SOURCES)
        if set_id is not None:
            self.database.mapping_sets.get(caller.scope, set_id)
        expression = parse(text)
        check(expression)
        self.trying.check(expression)

    def tabled(self, caller: Caller, mappings: object) -> str:
        """Mappings, as a set has them, as a CSV table. Raises as `create` for what are no mappings."""
        caller.may(Permission.VIEW_SOURCES)
        return write_csv(self._untargeted(mappings).mappings)

    def untabled(self, caller: Caller, table: str) -> tuple[Mapping, ...]:
        """The mappings of a CSV table. Raises BadField with the line."""
        caller.may(Permission.VIEW_SOURCES)
        return self._untargeted(table).mappings

    def _untargeted(self, mappings: object) -> MappingVersion:
        return self._told({"mappings": mappings}, number=0, schema_id="", content_type=_CONTENT_TYPE)

    def validate(self, caller: Caller, body: JsonObject[str, Any]) -> tuple[Error | None, ...]:
        """What is wrong with each mapping of a set that is not kept. Raises as `create` for what is no set at all.

        `columns`, if sent, tells the source's columns with their types: a mapping of another one is wrong, and so is an
        expression that cannot take their kinds. `outputSchema.schema` may be a schema that nobody registered.
        """
        caller.may(Permission.VIEW_SOURCES)
        version, tree = self._tried(caller, body)
        sent = body.get("columns")
        if sent is None:
            return self.trying.faults(version, tree)
        columns = told_columns(sent)
        known = [
            (column.name, leaf_type(Leaf(type=column.type)))
            for column in columns
            if column.type is not None and column.type not in _NESTED
        ]
        unknown = _unknown(version, {column.name for column in columns})
        faults = self.trying.faults(version, tree, pa.schema(known))
        return tuple(fault or lacks for fault, lacks in zip(faults, unknown, strict=True))

    def preview(
        self, caller: Caller, body: JsonObject[str, Any], rows: Sequence[JsonObject[str, Any]]
    ) -> tuple[MappingVersion, tuple[TriedRow, ...]]:
        """What a set that is not kept makes of these rows. Raises as `create`, and BadField for too many rows.

        `outputSchema.schema` may be a schema that nobody registered.
        """
        caller.may(Permission.VIEW_SOURCES)
        if len(rows) > MOST_ROWS:
            raise BadField(f"data has {len(rows):,} rows; {MOST_ROWS} are tried at once", advice="Send fewer rows.")
        version, tree = self._tried(caller, body)
        version.check(tree)
        return version, self.trying.rows(version, tree, rows)

    def delete(self, caller: Caller, set_id: str) -> None:
        """Delete a set with all its versions. Raises NotFound, InUse while a flow names it."""
        caller.may(Permission.MANAGE_SOURCES)

        def delete() -> None:
            with self.database.transaction() as tx:
                # Until it is done, nobody makes a flow that names it.
                tx.tenancy.hold(caller.scope.org_id)
                known = tx.mapping_sets.get(caller.scope, set_id)
                _check_unused(tx, caller.scope, set_id)
                tx.mapping_sets.delete(known)

        repeated(delete)

    def _tried(self, caller: Caller, body: JsonObject[str, Any]) -> tuple[MappingVersion, ObjectField]:
        """The version that a body tells, unchecked and not to be kept, and the tree of its schema."""
        document = _object(body, "outputSchema").get("schema")
        if document is None:
            return self._sent(caller, body, number=0)
        if not isinstance(document, JsonObject):
            raise BadField("outputSchema/schema must be a schema, as a JSON object")
        tree = tree_of(document)
        check_patterns(tree)
        return self._told(body, number=0, schema_id="", content_type=_CONTENT_TYPE), tree

    def _sent(self, caller: Caller, body: JsonObject[str, Any], *, number: int) -> tuple[MappingVersion, ObjectField]:
        """The version that a body tells, unchecked, and the tree of its schema."""
        schema_id, content_type = target_schema(body)
        version = self._told(body, number=number, schema_id=schema_id, content_type=content_type)
        try:
            tree = self.schemas.tree(caller, schema_id)
        except NotFound as error:
            raise BadMapping(
                f"the mapping set names no schema: {schema_id[:200]!r}",
                advice="Use the $id of the dataset's schema.",
            ) from error
        return version, tree

    def _told(self, body: JsonObject[str, Any], *, number: int, schema_id: str, content_type: str) -> MappingVersion:
        sent = body.get("mappings")
        if sent is None:
            raise MissingField("mappings is missing", advice="Send a list with at least one mapping.")
        if isinstance(sent, str):
            sent = read_csv(sent)
        if isinstance(sent, list) and len(sent) > MOST_MAPPINGS:
            raise BadField(f"mappings has more than {MOST_MAPPINGS:,} members", advice="Send fewer.")
        if not isinstance(sent, list):
            raise BadField("mappings must be a list, or a text with a CSV table")
        return MappingVersion(
            version=number,
            schema_id=schema_id,
            schema_content_type=content_type,
            mappings=tuple(
                _mapping(item, at=index, mapping_id=self.ids.hex(_DIGITS)) for index, item in enumerate(sent)
            ),
        )


def _check_there(known: tuple[Mapping, ...], mapping_id: str) -> None:
    if all(mapping.id != mapping_id for mapping in known):
        raise NotFound(f"the mapping set has no mapping {mapping_id[:80]!r}", advice="List the mappings of the set.")


def _check_unused(database: Database, scope: Scope, set_id: str) -> None:
    for flow in every(database.flows, scope):
        if flow.mapping_id == set_id:
            raise InUse("a flow maps with this set", advice=f"Delete the flow first: GET /flows/{flow.id} shows it.")
    going = (Condition(path=("state",), operator=Operator.EQ, values=(RunState.SCHEDULED, RunState.IN_PROGRESS)),)
    for run in every(database.runs, scope, going):
        plan = database.progress.plan(run.id)
        if plan is not None and plan.get("mappingId") == set_id:
            raise InUse("a run maps with this set", advice="Wait until it has ended.")


def _unknown(version: MappingVersion, columns: Container[str]) -> Iterator[BadMapping | None]:
    """Of each mapping what is wrong if the source has these columns alone."""
    for mapping in version.mappings:
        try:
            lacking = [name for name in mapping.reads if name not in columns]
        except BadExpression:
            lacking = []  # Told already.
        yield (
            None
            if not lacking
            else BadMapping(
                f"the source has no column {', '.join(name[:80] for name in lacking[:5])}",
                advice="Map columns that the source has; quote a name that is no plain word: ${First Name}.",
            )
        )


def target_schema(body: JsonObject[str, Any]) -> tuple[str, str]:
    """`$id` and content type of the target schema, said in either dialect. Raises MissingField, BadField."""
    output = _object(body, "outputSchema")
    ref = _object(output, "schemaRef") or _object(body, "schemaRef")
    schema_id = ref.get("id") or body.get("xdmSchema")
    if schema_id is None:
        raise MissingField(
            "the target schema is missing", advice="Send outputSchema.schemaRef.id, or xdmSchema in the older form."
        )
    if not isinstance(schema_id, str):
        raise BadField("the target schema must be the $id of a schema, as text")
    return schema_id, _text(ref, "contentType") or _CONTENT_TYPE


def _mapping(item: object, *, at: int, mapping_id: str) -> Mapping:
    where = f"mappings/{at}"
    if not isinstance(item, JsonObject):
        raise BadField(f"{where} must be a JSON object")
    word = _text(item, "sourceType", where) or ""
    if word and word not in SOURCE_TYPES:
        raise BadField(f"{where}/sourceType is unknown", advice=f"Use one of {', '.join(SOURCE_TYPES)}.")
    source = _either(item, ("source", "sourceExpression", "sourceAttribute"), where)
    kind = SOURCE_TYPES.get(word, MappingKind.EXPRESSION)
    if kind is MappingKind.EXPRESSION and column_of(source) is not None:
        # The older form has no type, and an expression may be no more than a name.
        kind = MappingKind.ATTRIBUTE
    return Mapping(
        id=mapping_id,
        kind=kind,
        source_type=word or kind.value,
        source=source,
        destination=_either(item, ("destination", "destinationXdmPath"), where),
        name=_text(item, "name", where),
        description=_text(item, "description", where),
        identity=item.get("identity") is True,
        identity_group=_text(item, "identityGroup", where) or None,
        namespace_code=_text(item, "namespaceCode", where) or None,
        rejects=_rejects(item, where),
    )


def _rejects(item: JsonObject[str, Any], where: str) -> bool:
    word = _text(item, "onError", where)
    if word not in ON_ERROR and word:
        raise BadField(f"{where}/onError is unknown", advice=f"Use one of {', '.join(ON_ERROR)}.")
    return ON_ERROR.get(word, False)


def _either(item: JsonObject[str, Any], names: tuple[str, ...], where: str) -> str:
    """The one text that is said under any of `names`. Raises MissingField, BadField; BadMapping where they differ."""
    said = {text for name in names if (text := _text(item, name, where))}
    if not said:
        raise MissingField(f"{where} has no {names[0]}", advice=f"Send {names[0]}, or {names[-1]} in the older form.")
    if len(said) > 1:
        raise BadMapping(f"{where} says {' and '.join(names)} differently", advice="Send one of them.")
    return said.pop()


def _text(body: JsonObject[str, Any], name: str, where: str = "") -> str:
    value = body.get(name)
    if value is not None and not isinstance(value, str):
        raise BadField(f"{where}/{name} must be text" if where else f"{name} must be text")
    return value or ""


def _object(body: JsonObject[str, Any], name: str) -> JsonObject[str, Any]:
    value = body.get(name)
    if value is not None and not isinstance(value, JsonObject):
        raise BadField(f"{name} must be a JSON object")
    return value or {}
