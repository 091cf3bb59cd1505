"""A schema made of the columns of a source's table, and the mapping set that feeds it, in one step."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Final

from flowservice.domain.identity import Caller, Permission
from flowservice.domain.inferred_fields import InferredField, field_node, inferred, is_field_type, legal_name
from flowservice.domain.mapping import MappingKind, MappingSet
from flowservice.domain.query import Query
from flowservice.domain.registry import ADHOC
from flowservice.domain.schema import SchemaKind, SchemaResource
from flowservice.domain.source_path import literal_column, quoted
from flowservice.domain.xdm_arrow import xdm_type_of
from flowservice.domain.xdm_standard import NAMESPACE
from flowservice.domain.xdm_tree import ObjectField
from flowservice.errors import BadField, Conflict, MissingField, NoColumns, UnknownColumn
from flowservice.ports.database import Database
from flowservice.sdk import Sample
from flowservice.service.connections import Connections
from flowservice.service.mapping_sets import MappingSets
from flowservice.service.schema_library import equal
from flowservice.service.schemas import Schemas

PROFILE: Final = NAMESPACE + "context/profile"
_DIGITS: Final = 48
_CONTENT_TYPE: Final = "application/vnd.adobe.xed-full+json;version=1"


class Form(StrEnum):
    """How the schema is made."""

    COMPOSED = "composed"
    """Of a class, and a field group of the columns."""
    ADHOC = "adhoc"
    """Of a class of its own, which has the columns."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaWanted:
    """What is to be made of the table at `path`."""

    path: str
    title: str
    description: str = ""
    form: Form = Form.COMPOSED
    class_id: str = PROFILE
    """Of a composed schema."""
    columns: tuple[str, ...] = ()
    """Those that become fields; none named: all."""
    class_fields: Mapping[str, str] = field(default_factory=dict)
    """Of a composed schema: fields of its class by their dotted paths, with the columns that feed them too."""
    new_fields: Mapping[str, str] = field(default_factory=dict)
    """Fields beside those of the columns, by name, with their XDM types."""
    with_mapping: bool = True


class _NotKept(Exception):
    """Undoes the transaction that it leaves: nothing of it is to be kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceSchema:
    """What was made."""

    schema: SchemaResource
    part: SchemaResource
    """What has the fields: the field group of a composed schema, the class of an ad hoc one."""
    mapping_set: MappingSet | None
    fields: tuple[InferredField, ...]
    below: str
    """The object that the fields are in."""
    passed_over: tuple[str, ...]
    """Columns that no field can take."""
    sampled_rows: int

    def path_of(self, made: InferredField) -> str:
        """The dotted path of a field."""
        return f"{self.below}.{made.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceSchemas:
    """Schemas from sources."""

    connections: Connections
    schemas: Schemas
    mapping_sets: MappingSets

    def make(self, caller: Caller, connection_id: str, wanted: SchemaWanted, *, keep: bool = True) -> SourceSchema:
        """All of it or nothing; without `keep` what would be made, whose ids will be others.

        Raises NotFound, NotPublished, NoSuchObject and what else the source says, UnknownColumn, NoColumns, Conflict
        for a title that a schema has, BadSchema for a class that is none, BadMapping for a field that it has not,
        MissingField where no row could have all that the class requires, BadField for a new field that cannot be one.
        """
        caller.may(Permission.MANAGE_SOURCES)
        # Before the transaction: it takes seconds, and nothing may wait for a source.
        sample = self.connections.sample(caller, connection_id, wanted.path)
        chosen = _chosen(sample, wanted)
        fields = inferred({column: xdm for column, xdm in chosen.items() if _can_be_field(column, xdm)})
        if not fields:
            raise NoColumns(
                f"no column of {wanted.path[:80]!r} can become a field",
                advice="A table without rows shows no columns; explore it to see which it has.",
            )
        _check_new(wanted.new_fields, fields)
        taken = {made.column for made in fields}
        passed_over = tuple(column for column in chosen if column not in taken)
        with suppress(_NotKept), self.schemas.database.transaction() as tx:
            # Nobody takes the title, or deletes the class, meanwhile.
            tx.tenancy.hold(caller.scope.org_id)
            made = self._made(tx, caller, wanted, fields)
            if not keep:
                raise _NotKept
        return replace(made, passed_over=passed_over, sampled_rows=sample.rows.num_rows)

    def _made(
        self, tx: Database, caller: Caller, wanted: SchemaWanted, fields: tuple[InferredField, ...]
    ) -> SourceSchema:
        _check_title(tx, caller, wanted.title)
        nodes = {made.name: made.node for made in fields}
        nodes |= {name: field_node(xdm, name) for name, xdm in wanted.new_fields.items()}
        if wanted.form is Form.ADHOC:
            part = self._added(tx, caller, SchemaKind.CLASSES, _adhoc_class(wanted, nodes))
            below = f"_{part.id.rpartition('/')[2]}"
            refs = [part.id]
        else:
            below = f"_{caller.tenant_id}"
            part = self._added(tx, caller, SchemaKind.FIELD_GROUPS, _group(wanted, below, nodes))
            refs = [wanted.class_id, part.id]
        body = {"title": wanted.title, "description": wanted.description, "type": "object"}
        schema = self._added(tx, caller, SchemaKind.SCHEMAS, {**body, "allOf": [{"$ref": ref} for ref in refs]})
        feeds = {f"{below}.{made.name}": made.column for made in fields} | dict(wanted.class_fields)
        return SourceSchema(
            schema=schema,
            part=part,
            mapping_set=self._mapped(tx, caller, wanted, schema, feeds) if wanted.with_mapping else None,
            fields=fields,
            below=below,
            passed_over=(),
            sampled_rows=0,
        )

    def _added(self, tx: Database, caller: Caller, kind: SchemaKind, body: Mapping[str, Any]) -> SchemaResource:
        made = self.schemas.composed(tx, caller, kind, body, digits=self.schemas.ids.hex(_DIGITS))
        replace(self.schemas, database=tx).add(tx, caller, made)
        return made

    def _mapped(
        self, tx: Database, caller: Caller, wanted: SchemaWanted, schema: SchemaResource, feeds: Mapping[str, str]
    ) -> MappingSet:
        attribute = MappingKind.ATTRIBUTE.value
        body = {
            "name": wanted.title,
            "outputSchema": {"schemaRef": {"id": schema.id, "contentType": _CONTENT_TYPE}},
            "mappings": [
                {"sourceType": attribute, "source": quoted(column), "destination": path, "name": column}
                for path, column in feeds.items()
            ],
        }
        within = replace(self.mapping_sets, database=tx, schemas=replace(self.schemas, database=tx))
        _check_fed(within.schemas.tree(caller, schema.id), feeds)
        return within.create(caller, body)


def _chosen(sample: Sample, wanted: SchemaWanted) -> dict[str, str]:
    """The columns that are to become fields, with their XDM types. Raises UnknownColumn."""
    known = {column.name: xdm_type_of(column.type) or "" for column in sample.rows.schema}
    named_ones = dict.fromkeys((*wanted.columns, *wanted.class_fields.values()))
    if unknown := [column for column in named_ones if column not in known]:
        raise UnknownColumn(
            f"the table {wanted.path[:80]} shows no column {', '.join(name[:80] for name in unknown[:5])}",
            advice="Explore the table and send columns as they are listed there.",
        )
    return {column: known[column] for column in wanted.columns} if wanted.columns else known


def _can_be_field(column: str, xdm: str) -> bool:
    return is_field_type(xdm) and literal_column(quoted(column)) == column


def _check_new(new_fields: Mapping[str, str], fields: Sequence[InferredField]) -> None:
    """Return if these can be fields beside those of the columns. Raises BadField."""
    taken = {made.name.casefold() for made in fields}
    for name, xdm in new_fields.items():
        if legal_name(name) != name:
            raise BadField(
                f"newFields: {name[:80]!r} is no name of a field",
                advice="Use letters and digits of ASCII, - and _, and none of the last two at its beginning.",
            )
        if not is_field_type(xdm):
            raise BadField(
                f"newFields: {xdm[:80]!r} is no type that a field of its own may have",
                advice="Use string, int, long, number, boolean, date or date-time.",
            )
        if name.casefold() in taken:
            raise BadField(
                f"newFields: there is a field {name[:80]!r} already", advice="Names differ by more than their case."
            )
        taken.add(name.casefold())


def _check_fed(tree: ObjectField, feeds: Collection[str]) -> None:
    """Return if a row can have every field that it must have. Raises MissingField."""
    if missing := list(_unfed(tree, [path.split(".") for path in feeds])):
        shown = ", ".join(f'"{path}": "<column>"' for path in missing[:5])
        raise MissingField(
            f"every row must have {', '.join(missing[:5])[:300]}, which no column feeds; nothing was made",
            advice=f"Say which columns do: classFields {{{shown[:400]}}}, or send mapping: false.",
        )


def _unfed(tree: ObjectField, feeds: Sequence[Sequence[str]], at: str = "") -> Iterator[str]:
    """The required fields that nothing feeds, also of objects that a row has only if something feeds them."""
    for name, node in tree.fields.items():
        inside = [path[1:] for path in feeds if path[0] == name]
        if not inside:
            if name in tree.required:
                yield f"{at}{name}"
        elif isinstance(node, ObjectField) and all(inside):
            yield from _unfed(node, inside, f"{at}{name}.")


def _check_title(tx: Database, caller: Caller, title: str) -> None:
    same = Query(conditions=equal(kind=SchemaKind.SCHEMAS.value, name=title), limit=1)
    for known in tx.schemas.list(caller.scope, same).items:
        raise Conflict(
            f"a schema titled {title[:200]!r} exists already; nothing was made",
            advice=f"Use it ({known.id}), or send another title.",
        )


def _group(wanted: SchemaWanted, below: str, nodes: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "title": f"{wanted.title}: columns of {wanted.path}",
        "description": wanted.description,
        "type": "object",
        "meta:intendedToExtend": [wanted.class_id],
        "properties": {below: {"type": "object", "properties": dict(nodes)}},
    }


def _adhoc_class(wanted: SchemaWanted, nodes: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "title": f"{wanted.title}: columns of {wanted.path}",
        "description": wanted.description,
        "type": "object",
        "allOf": [{"$ref": ADHOC}, {"properties": {"_adhoc": {"type": "object", "properties": dict(nodes)}}}],
    }
