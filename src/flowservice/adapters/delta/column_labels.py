"""Usage labels in a Delta table: metadata of its top-level columns.

delta-rs sets entries of top-level columns alone, one column a commit, and takes none away. So a column also tells the
labels of the fields within it, and one that has lost its labels says that there are none.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Final

import pyarrow as pa
import pyarrow.types as t
from deltalake import DeltaTable

from flowservice.domain.dataset_labels import ColumnLabels, FieldPath

LABELS: Final = "flowservice.labels"
"""A JSON list of the names of the labels that hold for the column."""
FIELDS: Final = "flowservice.fieldLabels"
"""A JSON object: of each field within the column that has further labels, by its dotted path in the column, the names
of all that hold for it. Lists have no part in a path."""
_NONE: Final = {LABELS: "[]", FIELDS: "{}"}


def lacking(known: DeltaTable, columns: Mapping[str, ColumnLabels]) -> Iterator[tuple[str, dict[str, str]]]:
    """The columns of the table that say something else, with all that they are to say."""
    for field in pa.schema(known.schema()):
        if field.name in columns:
            said = {name.decode(): text.decode() for name, text in (field.metadata or {}).items()}
            wanted = _metadata(columns[field.name], field.type)
            if any(said.get(name, _NONE[name]) != text for name, text in wanted.items()):
                yield field.name, wanted


def _metadata(labels: ColumnLabels, kind: pa.DataType) -> dict[str, str]:
    """The entries of a column. Fields that it lacks are not told."""
    fields = {".".join(path): sorted(names) for path, names in sorted(labels.fields.items()) if _has(kind, path)}
    return {LABELS: json.dumps(sorted(labels.own)), FIELDS: json.dumps(fields)}


def _has(kind: pa.DataType, path: FieldPath) -> bool:
    while t.is_list(kind):
        kind = kind.value_type
    if not path:
        return True
    at = kind.get_field_index(path[0]) if t.is_struct(kind) else -1
    return at >= 0 and _has(kind.field(at).type, path[1:])
