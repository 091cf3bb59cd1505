"""How the rows of a run join those that a dataset has: beside them, or in place of those with the same key."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from flowservice.domain.xdm_tree import Leaf, ObjectField, found
from flowservice.domain.xdm_types import INTEGERS, XdmType
from flowservice.errors import BadField, BadMapping

APPEND: Final = "append"
UPSERT: Final = "upsert"
_MOST_KEYS: Final = 16
# A number has values that are equal and written differently, and NaN, which equals nothing.
_KEY_TYPES: Final = INTEGERS | {XdmType.STRING, XdmType.BOOLEAN, XdmType.DATE, XdmType.DATE_TIME}


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteMode:
    """Append, or upsert by `keys`: the dotted paths of the fields that together tell which row is meant."""

    keys: tuple[str, ...] = ()

    @property
    def is_upsert(self) -> bool:
        """Whether rows replace those with the same key."""
        return bool(self.keys)

    @classmethod
    def of(cls, params: Mapping[str, Any]) -> "WriteMode":
        """What `writeMode` and `keyFields` of a target connection say; append where they say nothing.

        Raises BadField.
        """
        mode, keys = params.get("writeMode", APPEND), params.get("keyFields")
        if mode not in (APPEND, UPSERT):
            raise BadField(f"params.writeMode must be {APPEND} or {UPSERT}", advice=f"Leave it out for {APPEND}.")
        if mode == APPEND:
            if keys:
                raise BadField(
                    "params.keyFields has a meaning for upserts alone", advice=f'Send "writeMode": "{UPSERT}", too.'
                )
            return cls()
        if not isinstance(keys, list) or not all(isinstance(key, str) and key for key in keys):
            raise BadField(
                "params.keyFields must be a list of paths of fields",
                advice='For example ["_tenant.customerId"]: the fields that tell which row is meant.',
            )
        if not 0 < len(keys) <= _MOST_KEYS or len(set(keys)) < len(keys):
            raise BadField(f"params.keyFields has 1 to {_MOST_KEYS} paths, each once")
        return cls(keys=tuple(keys))

    def check(self, tree: ObjectField) -> None:
        """Return if the schema `tree` has these fields and each can be part of a key. Raises BadField."""
        for key in self.keys:
            try:
                node = found(tree, key)
            except BadMapping as error:
                raise BadField(f"params.keyFields: {error.message}", advice=error.advice) from None
            if not isinstance(node, Leaf) or node.type not in _KEY_TYPES:
                raise BadField(
                    f"params.keyFields: {key[:200]!r} cannot be part of a key",
                    advice="Name single fields of a text, an integer, a date, a date-time or a boolean.",
                )


BESIDE: Final = WriteMode()
"""Append."""
