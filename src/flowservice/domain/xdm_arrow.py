"""The Arrow schema in which rows of an XDM schema land. Every field is nullable: XDM leaves out what is not given."""

from typing import Any, Final

import pyarrow as pa

from flowservice.domain.xdm_tree import ArrayField, Leaf, MapField, Node, ObjectField
from flowservice.domain.xdm_types import XdmType

_LEAVES: Final[dict[XdmType, Any]] = {
    XdmType.STRING: pa.string(),
    XdmType.NUMBER: pa.float64(),
    XdmType.LONG: pa.int64(),
    XdmType.INT: pa.int32(),
    XdmType.SHORT: pa.int16(),
    XdmType.BYTE: pa.int8(),
    XdmType.BOOLEAN: pa.bool_(),
    XdmType.DATE: pa.date32(),
    XdmType.DATE_TIME: pa.timestamp("us", tz="UTC"),
}


def arrow_schema(tree: ObjectField) -> pa.Schema:
    """The columns of `tree`. An object without any field that can hold a value is left out."""
    return pa.schema(_fields(tree))


def arrow_type(node: Node) -> pa.DataType | None:
    """The type of one field; None for an object that can hold nothing, which no table format can store."""
    match node:
        case Leaf():
            return leaf_type(node)
        case ArrayField():
            items = arrow_type(node.items)
            return None if items is None else pa.list_(pa.field("element", items))
        case MapField():
            values = arrow_type(node.values)
            return None if values is None else pa.map_(pa.string(), values)
        case ObjectField():
            fields = _fields(node)
            return pa.struct(fields) if fields else None


def leaf_type(leaf: Leaf) -> pa.DataType:
    """The type of a single value."""
    return pa.int64() if leaf.is_wide else _LEAVES[leaf.type]


def xdm_type_of(kind: pa.DataType) -> XdmType | None:
    """The XDM type that a column of a source is; None for what no single value of a field can take."""
    return next((xdm for is_kind, xdm in _OF_COLUMNS if is_kind(kind)), None)


_OF_COLUMNS: Final = (
    (pa.types.is_boolean, XdmType.BOOLEAN),
    (pa.types.is_int64, XdmType.LONG),
    (pa.types.is_integer, XdmType.INT),
    (pa.types.is_floating, XdmType.NUMBER),
    (pa.types.is_timestamp, XdmType.DATE_TIME),
    (pa.types.is_date, XdmType.DATE),
    (pa.types.is_string, XdmType.STRING),
    (pa.types.is_large_string, XdmType.STRING),
)


def _fields(tree: ObjectField) -> list[pa.Field]:
    typed = ((name, arrow_type(child)) for name, child in tree.fields.items())
    return [pa.field(name, kind) for name, kind in typed if kind is not None]
