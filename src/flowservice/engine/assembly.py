"""Columns of single fields put together to the objects of a schema."""

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from flowservice.domain.xdm_tree import Node, ObjectField
from flowservice.engine.validation import Columns, present


def assembled(tree: ObjectField, schema: Any, columns: Columns, rows: int, at: str = "") -> list[pa.Array]:
    """The arrays of `schema`'s fields (a schema or a struct type), of so many rows.

    `columns` are those of the fields that are no objects, by their dotted paths; others are null, and so is an object
    without any value.
    """
    out: list[pa.Array] = []
    for field in schema:
        path = f"{at}.{field.name}" if at else field.name
        node = tree.fields[field.name]
        given = present(node, path, columns)
        if given is None:
            out.append(pa.nulls(rows, field.type))
        elif isinstance(node, ObjectField):
            out.append(_object(node, field.type, columns, rows, path, given))
        else:
            out.append(columns[path])
    return out


def values_of(node: Node, kind: pa.DataType, columns: Columns, rows: int) -> pa.Array:
    """The values of one field from the columns below it; of a field that is no object, its own is at the path ''."""
    given = present(node, "", columns)
    if given is None:
        return pa.nulls(rows, kind)
    return _object(node, kind, columns, rows, "", given) if isinstance(node, ObjectField) else columns[""]


def _object(
    node: ObjectField, kind: pa.DataType, columns: Columns, rows: int, path: str, given: pa.BooleanArray
) -> pa.Array:
    below = assembled(node, kind, columns, rows, path)
    return pa.StructArray.from_arrays(below, fields=list(kind), mask=pc.invert(given))
