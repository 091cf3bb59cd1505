"""Usage labels on a dataset: what is kept of them, and what follows for the dataset's fields."""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from flowservice.domain.resource import Resource

FieldPath: TypeAlias = tuple[str, ...]
"""The names on the way to a field, from the root of its schema. Neither `properties` nor a list's items count."""

_NO_NAMES: Final = frozenset({"properties", "items", "*", ""})
"""Steps of a written path that may stand between the names: keywords of JSON Schema, and marks of a list's items."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldLabels:
    """Labels that an older client put on a field of a dataset, as it named the field."""

    schema_id: str
    content_type: str
    schema_path: str
    """A JSON pointer, with `properties` between the names."""
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetLabels(Resource):
    """The labels of a dataset, by bare names. It has the dataset's id, and goes with it."""

    labels: tuple[str, ...] = ()
    fields: tuple[FieldLabels, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelsDue(Resource):
    """The table of a dataset may not say the labels yet that hold for it. It has the dataset's id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledDataset:
    """The labels that hold for a dataset, wherever they were put."""

    dataset: frozenset[str] = frozenset()
    """On the dataset itself; each field has them too."""
    fields: Mapping[FieldPath, frozenset[str]] = field(default_factory=dict)
    """Of each field that has labels: its own, and those of the objects that it is in. Without those of the dataset."""
    known: frozenset[FieldPath] = frozenset()
    """Every field of the schema, objects too."""

    @property
    def all(self) -> frozenset[str]:
        """Every label that is somewhere in the dataset."""
        return self.dataset.union(*self.fields.values())

    def of(self, path: FieldPath) -> frozenset[str]:
        """All labels that hold for a field."""
        return self.dataset | self.fields.get(path, frozenset())


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnLabels:
    """The labels that hold for a column of a table, and those of the fields in it that have further ones."""

    own: frozenset[str] = frozenset()
    fields: Mapping[FieldPath, frozenset[str]] = field(default_factory=dict)
    """By path within the column, all labels that hold for the field."""


def column_labels(labelled: LabelledDataset) -> dict[str, ColumnLabels]:
    """Of each top-level field of the schema, what its column in a table says; of one without labels, that."""
    out: dict[str, dict[FieldPath, frozenset[str]]] = {path[0]: {} for path in labelled.known if len(path) == 1}
    for path in labelled.fields:
        labels = labelled.of(path)
        if len(path) > 1 and labels != labelled.of(path[:1]):
            out[path[0]][path[1:]] = labels
    return {name: ColumnLabels(own=labelled.of((name,)), fields=fields) for name, fields in out.items()}


def path_among(known: AbstractSet[FieldPath], written: str, *, at: FieldPath = ()) -> FieldPath | None:
    """The one of the `known` fields, below `at`, that a client wrote; None if there is none.

    As a JSON pointer or without its keywords: `/properties/person/properties/name`, `/person/name`, `orders[*]/sku`.
    """
    steps = [step.removesuffix("[*]") for step in written.split("/")]
    names = at
    for step, following in zip(steps, [*steps[1:], ""], strict=True):
        # A field may bear the name of a keyword.
        is_keyword = step == "properties" and (*names, following) in known
        if (*names, step) in known and not is_keyword:
            names = (*names, step)
        elif step not in _NO_NAMES:
            return None
    return names if names != at else None


def inherited(paths: Iterable[FieldPath], own: Mapping[FieldPath, frozenset[str]]) -> dict[FieldPath, frozenset[str]]:
    """The labels of those of `paths` that have any: `own` ones, and those of the objects that a field is in."""
    out: dict[FieldPath, frozenset[str]] = {}
    for path in sorted(paths, key=len):
        labels = own.get(path, frozenset()) | out.get(path[:-1], frozenset())
        if labels:
            out[path] = labels
    return out
