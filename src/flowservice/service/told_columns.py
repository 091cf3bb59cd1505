"""Columns of a source as the body of a call tells them."""

from collections.abc import Mapping as JsonObject
from typing import Final

from flowservice.domain.suggestion import SourceField
from flowservice.domain.xdm_types import XdmType
from flowservice.errors import BadField

_MOST: Final = 10_000
_LONGEST: Final = 1_000


def told_columns(sent: object) -> list[SourceField]:
    """Names, or objects of `name` and XDM `type`. Raises BadField, also where a column is told twice."""
    if not isinstance(sent, list) or not sent:
        raise BadField("columns must be a list of at least one column")
    if len(sent) > _MOST:
        raise BadField(f"columns has more than {_MOST:,} members", advice="Send fewer at once.")
    fields = [_column(item, at) for at, item in enumerate(sent)]
    if len({field.name for field in fields}) < len(fields):
        raise BadField("columns names a column twice")
    return fields


def _column(item: object, at: int) -> SourceField:
    if isinstance(item, str):
        item = {"name": item}
    if not isinstance(item, JsonObject):
        raise BadField(f"columns/{at} must be a name, or an object with name and type")
    name, kind = item.get("name"), item.get("type")
    if not isinstance(name, str) or not name or len(name) > _LONGEST:
        raise BadField(f"columns/{at}/name must be text of 1 to {_LONGEST:,} characters")
    if kind is not None and kind not in [each.value for each in XdmType]:
        raise BadField(
            f"columns/{at}/type is unknown", advice=f"Leave it out, or use {', '.join(each.value for each in XdmType)}."
        )
    return SourceField(name, None if kind is None else XdmType(kind))
