"""Which values labels hide from whom: all that carry one of certain labels, from credentials that may not view them.

What a source holds is hidden as far as a flow lands it in a field that is. Whoever may manage sources decides where
columns land and what is labelled: masking is for those who look.
"""

from collections.abc import Callable, Iterable, Sequence
from collections.abc import Mapping as JsonObject
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from typing import Any, Final

from flowservice.domain.dataset_labels import FieldPath, LabelledDataset
from flowservice.domain.dry_run import DryRun
from flowservice.domain.flow import Flow
from flowservice.domain.identity import Caller, Permission, Scope
from flowservice.domain.mapping import Mapping, MappingVersion
from flowservice.domain.quarantine import Quarantined
from flowservice.errors import BadExpression, Forbidden, NotFound
from flowservice.ports.database import Database, every
from flowservice.sdk import RowFilter, columns_of
from flowservice.service.effective_labels import EffectiveLabels
from flowservice.service.masked_rows import MARK, marked, marked_columns
from flowservice.service.previews import Preview

_NOTHING: Final[frozenset[FieldPath]] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Masking:
    """Asks the store anew each time: a label that was put on counts at once. Of a caller with `view-masked-data` it
    asks nothing, and hides nothing."""

    database: Database
    labels: frozenset[str]
    """Bare names of the labels that hide values."""

    def hidden(self, caller: Caller, dataset_id: str) -> frozenset[FieldPath]:
        """The fields of a dataset whose values the caller must not see: the outermost ones. Raises NotFound."""
        if not self._concerns(caller):
            return _NOTHING
        return hidden_in(EffectiveLabels(self.database).of(caller.scope, dataset_id), self.labels)

    def hidden_columns(self, caller: Caller, table: str, *, reads: Callable[[str], bool]) -> frozenset[str]:
        """The columns of a table at a source that a flow of the sandbox lands in a hidden field.

        `reads` tells whether a base connection of that id reads the same account.
        """
        if not self._concerns(caller):
            return frozenset()
        found: set[str] = set()
        for flow in every(self.database.flows, caller.scope):
            # Azure tells names of tables apart by their letters alone, not by case.
            named = str(flow.source.params.get("tableName", ""))
            base = flow.source.base_connection_id
            if base is None or named.casefold() != table.casefold():
                continue
            fields = self._hidden(caller, flow.dataset_id)
            if fields and reads(base):
                found |= _columns(self._versions(caller.scope, flow.mapping_id), fields) or frozenset()
        return frozenset(found)

    def preview_filter(self, hidden: AbstractSet[str], wanted: RowFilter | None) -> None:
        """Return if a preview may be filtered so: else a filter would tell what the rows do not. Raises Forbidden."""
        if wanted is not None and (asked := sorted(hidden & set(columns_of(wanted)))):
            raise Forbidden(
                f"the credential lacks the permission {Permission.VIEW_MASKED_DATA.value}, and the filter asks for "
                f"{', '.join(asked)[:200]}, which labels hide",
                advice="Filter by other columns, or ask an administrator to grant it.",
            )

    def preview(self, shown: Preview, hidden: AbstractSet[str]) -> Preview:
        """A preview with a mark in place of the values of these columns."""
        return replace(shown, rows=tuple(marked_columns(part, hidden) for part in shown.rows)) if hidden else shown

    def dry_run(self, caller: Caller, flow: Flow, done: DryRun) -> DryRun:
        """A dry run with marks in place of what the caller must not see."""
        fields = self.hidden(caller, flow.dataset_id)
        if not fields:
            return done
        versions = self._versions(caller.scope, flow.mapping_id)
        columns = _columns(versions, fields)
        told = fields | _made_of(versions, columns)
        return replace(
            done,
            rows=tuple(
                replace(row, before=_texts(row.before, columns), after=marked(row.after, fields)) for row in done.rows
            ),
            rejects=tuple(
                replace(one, row=_texts(one.row, columns), value=_value(one.field, one.value, columns, told))
                for one in done.rejects
            ),
        )

    def rejects(self, caller: Caller, dataset_id: str, rows: Sequence[Quarantined]) -> Sequence[Quarantined]:
        """Rejected rows with marks in place of what the caller must not see. Raises NotFound.

        Which columns those are, the mapping set tells that the run planned with; where it is gone, nothing is shown.
        """
        fields = self.hidden(caller, dataset_id)
        if not fields:
            return rows
        columns: dict[str, frozenset[str] | None] = {}
        told: dict[str, frozenset[FieldPath]] = {}
        for run_id in {row.run_id for row in rows}:
            plan = self.database.progress.plan(run_id) or {}
            versions = self._versions(caller.scope, plan.get("mappingId"))
            columns[run_id] = _columns(versions, fields)
            told[run_id] = fields | _made_of(versions, columns[run_id])
        return [
            replace(
                row,
                row=_texts(row.row, columns[row.run_id]),
                key=None if row.key is None else _texts(row.key, columns[row.run_id]),
                value=_value(row.field, row.value, columns[row.run_id], told[row.run_id]),
            )
            for row in rows
        ]

    def _concerns(self, caller: Caller) -> bool:
        return bool(self.labels) and Permission.VIEW_MASKED_DATA not in caller.permissions

    def _hidden(self, caller: Caller, dataset_id: str) -> frozenset[FieldPath]:
        try:
            return self.hidden(caller, dataset_id)
        except NotFound:
            # A draft may name no dataset yet.
            return _NOTHING

    def _versions(self, scope: Scope, mapping_id: str | None) -> Sequence[MappingVersion] | None:
        """All that a mapping set ever was; None: it is gone, or none was named."""
        if mapping_id is None:
            return None
        try:
            return self.database.mapping_sets.get(scope, mapping_id).versions
        except NotFound:
            return None


def hidden_in(labelled: LabelledDataset, labels: AbstractSet[str]) -> frozenset[FieldPath]:
    """The outermost fields that carry one of the labels."""
    if labelled.dataset & labels:
        return frozenset(path for path in labelled.known if len(path) == 1)
    found = {path for path, own in labelled.fields.items() if own & labels}
    return frozenset(path for path in found if path[:-1] not in found)


def feeding(version: MappingVersion, fields: AbstractSet[FieldPath]) -> frozenset[str]:
    """The source columns whose values go into these fields, into objects that hold them, or into parts of them."""
    return frozenset(
        name for mapping in version.mappings if _meets(mapping.destination, fields) for name in _reads(mapping)
    )


def _columns(versions: Sequence[MappingVersion] | None, fields: AbstractSet[FieldPath]) -> frozenset[str] | None:
    """The source columns that some version of a mapping set reads into these fields; None: nobody knows."""
    if not fields:
        return frozenset()
    return None if versions is None else frozenset(name for one in versions for name in feeding(one, fields))


def _made_of(versions: Sequence[MappingVersion] | None, columns: AbstractSet[str] | None) -> frozenset[FieldPath]:
    """The fields that some version makes of these columns, among others: what is told of them may quote a column."""
    return frozenset(
        _path(mapping.destination)
        for version in versions or ()
        for mapping in version.mappings
        if columns and not columns.isdisjoint(_reads(mapping))
    )


def _reads(mapping: Mapping) -> tuple[str, ...]:
    try:
        return mapping.reads
    except BadExpression:
        # No run reads by it.
        return ()


def _meets(destination: str, fields: Iterable[FieldPath]) -> bool:
    path = _path(destination)
    return any(path[: len(field)] == field or field[: len(path)] == path for field in fields)


def _path(destination: str) -> FieldPath:
    # Items of lists count as the list: `orders[0].mail`, `orders[*].mail`.
    return tuple(step.partition("[")[0] for step in destination.split("."))


def _texts(row: JsonObject[str, Any], columns: AbstractSet[str] | None) -> dict[str, Any]:
    return {
        name: MARK if value is not None and (columns is None or name in columns) else value
        for name, value in row.items()
    }


def _value(
    field: str, value: str | None, columns: AbstractSet[str] | None, fields: AbstractSet[FieldPath]
) -> str | None:
    """The value that a row was rejected for; `field` is that of the dataset, or of the source. `fields` are those that
    are hidden, and those that are made of hidden columns: the value is that of a column."""
    is_shown = columns is not None and field not in columns and not _meets(field, fields)
    return value if value is None or is_shown else MARK
