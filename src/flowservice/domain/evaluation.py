"""An evaluation: whether a marketing action may be done with data, and if not, which policies deny it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from flowservice.domain.dataset_labels import FieldPath, LabelledDataset, path_among
from flowservice.domain.label import ordered
from flowservice.domain.marketing_action import ActionRef
from flowservice.domain.policy import AnyPolicy
from flowservice.errors import BadField


@dataclass(frozen=True, slots=True, kw_only=True)
class Entity:
    """A dataset whose data is to be used; `fields` are those of its fields that are, as a client wrote them."""

    dataset_id: str
    fields: tuple[str, ...] | None = None
    """None: all of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """May the action be done with data that carries these labels, or with the data of these datasets together?"""

    action: ActionRef
    include_draft: bool = False
    labels: tuple[str, ...] = ()
    """They need not exist. Not asked for where there are `entities`."""
    entities: tuple[Entity, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Discovered:
    """The labels that were found on a dataset, and on those of its fields that are used."""

    dataset_id: str
    labels: tuple[str, ...]
    """Of the dataset itself."""
    fields: tuple[tuple[FieldPath, tuple[str, ...]], ...]
    """Of each field that has any, without those of the dataset; by path."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What an evaluation found. Without a violated policy, the action may be done."""

    action: ActionRef
    labels: tuple[str, ...]
    """All that counted, each once, by the alphabet."""
    violated: tuple[AnyPolicy, ...]
    at: datetime
    discovered: tuple[Discovered, ...] | None = None
    """None where labels were given, and not datasets."""


def discovered(entity: Entity, found: LabelledDataset) -> Discovered:
    """The labels that count for the entity. Whoever uses an object uses all fields in it.

    Raises BadField for a field that the dataset does not have: to find no label on it would say that all is well.
    """
    used = found.fields if entity.fields is None else _within(found, _used(entity, entity.fields, found))
    return Discovered(
        dataset_id=entity.dataset_id,
        labels=ordered(found.dataset),
        fields=tuple((path, ordered(found.fields[path])) for path in sorted(used)),
    )


def all_labels(found: Iterable[Discovered]) -> tuple[str, ...]:
    """The labels of all of them together: what is done with several datasets is done with all of their data."""
    return ordered(
        label for one in found for labels in (one.labels, *(own for _, own in one.fields)) for label in labels
    )


def _used(entity: Entity, fields: Iterable[str], found: LabelledDataset) -> list[FieldPath]:
    used = []
    for written in fields:
        path = path_among(found.known, written)
        if path is None:
            raise BadField(
                f"entityMeta/fields: the dataset {entity.dataset_id[:80]} has no field {written[:150]!r}",
                advice="Write a field as /properties/person/properties/name, or leave entityMeta out for all fields.",
            )
        used.append(path)
    return used


def _within(found: LabelledDataset, used: Iterable[FieldPath]) -> set[FieldPath]:
    """The labelled fields that are `used`, or in an object that is."""
    those = set(used)
    return {path for path in found.fields if any(path[:end] in those for end in range(1, len(path) + 1))}
