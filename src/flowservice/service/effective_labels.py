"""The labels that hold for a dataset and its fields: those of the dataset, and those that its schema brings along."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from flowservice.domain.dataset import Dataset
from flowservice.domain.dataset_labels import DatasetLabels, FieldPath, LabelledDataset, inherited, path_among
from flowservice.domain.descriptor import Descriptor, DescriptorType
from flowservice.domain.field_places import Place, field_paths, places, places_of
from flowservice.domain.identity import Scope
from flowservice.domain.registry import document
from flowservice.domain.xdm_resolve import MADE_OF, Document, Lookup, Part, resolved
from flowservice.domain.xdm_standard import standard_resource
from flowservice.errors import NotFound
from flowservice.ports.database import Database, every
from flowservice.service.schema_library import equal, stored


@dataclass(frozen=True, slots=True)
class EffectiveLabels:
    """Found anew each time, by a read of the dataset, its labels, its schema's parts and the sandbox's label
    descriptors: whoever puts a label on a field group puts it on every dataset that has the field."""

    database: Database

    def of(self, scope: Scope, dataset_id: str) -> LabelledDataset:
        """The labels of a dataset. Raises NotFound."""
        return self.of_dataset(self.database.datasets.get(scope, dataset_id))

    def of_dataset(self, dataset: Dataset) -> LabelledDataset:
        """The labels of a dataset that was read."""
        scope = dataset.stamp.scope
        put = self._put_on(dataset)
        described = list(every(self.database.descriptors, scope, equal(name=DescriptorType.LABEL.value)))
        lookup = self._lookup(scope)
        parts = list(places(_tree(lookup, dataset.schema_ref.id)))
        own = _outside_maps(parts, _described(parts, described, frozenset(place.path for place in parts), lookup))
        known = frozenset(place.path for place in parts if place.path and not place.is_in_map)
        for one in put.fields:
            if (path := path_among(known, one.schema_path)) is not None:
                own[path] = own.get(path, frozenset()) | frozenset(one.labels)
        return LabelledDataset(dataset=frozenset(put.labels), fields=inherited(known, own), known=known)

    def _put_on(self, dataset: Dataset) -> DatasetLabels:
        try:
            return self.database.dataset_labels.get(dataset.stamp.scope, dataset.id)
        except NotFound:
            return DatasetLabels(id=dataset.id, stamp=dataset.stamp)

    def _lookup(self, scope: Scope) -> Lookup:
        def lookup(ref: str) -> Document | None:
            if (standard := standard_resource(ref)) is not None:
                return standard
            known = stored(self.database, scope, ref)
            return None if known is None else document(known, tenant_id="")

        return lookup


def _tree(lookup: Lookup, schema_id: str) -> Document:
    """A traced tree that is made of the schema itself, too; empty if there is none."""
    schema = lookup(schema_id)
    if schema is None:
        return {}
    tree = resolved(schema, lookup, traced=True)
    return {**tree, MADE_OF: [*tree.get(MADE_OF, ()), (schema["$id"], ())]}


def _described(
    parts: Sequence[Place], descriptors: Iterable[Descriptor], known: frozenset[FieldPath], lookup: Lookup
) -> dict[FieldPath, frozenset[str]]:
    """The labels that descriptors put on fields, at every place where the resource that they speak of is used, or a
    part of it."""
    by_resource: dict[str, list[Descriptor]] = {}
    for descriptor in descriptors:
        by_resource.setdefault(descriptor.schema_id, []).append(descriptor)

    @cache
    def whole(owner: str) -> Document:
        return _tree(lookup, owner)

    @cache
    def standing(part: Part) -> frozenset[FieldPath]:
        return places_of(part, whole(part[0]))

    def used(place: Place) -> Iterable[Part]:
        yield from place.made_of
        # Its resource does not use a part itself, but may use parts that are in that part.
        yield from (inner for inner in place.stands_here if any(_holds(at, owner, place, inner) for at, owner in loose))

    loose = [
        (place.path, part[0])
        for place in parts
        for part in place.made_of
        if part[1] and part[0] in by_resource and not standing(part)
    ]
    out: dict[FieldPath, frozenset[str]] = {}
    for place in parts:
        for part in used(place):
            for descriptor in by_resource.get(part[0], ()):
                for written in descriptor.paths:
                    if part[1]:
                        fields = field_paths(whole(part[0]))
                        found = _within(place.path, path_among(fields, written), standing(part), fields)
                    else:
                        path = path_among(known, written, at=place.path)
                        found = set() if path is None else {path}
                    for path in found & known:
                        out[path] = out.get(path, frozenset()) | frozenset(descriptor.labels)
    return out


def _holds(at: FieldPath, owner: str, place: Place, inner: Part) -> bool:
    return owner == inner[0] and place.path[: len(at)] == at


def _within(
    at: FieldPath, spoken: FieldPath | None, starts: Iterable[FieldPath], fields: frozenset[FieldPath]
) -> set[FieldPath]:
    """The fields that a label on the field `spoken` of a resource reaches, where a part of the resource is used `at` a
    place; `starts` are where the part stands in the resource, which has these `fields`."""
    out: set[FieldPath] = set()
    if spoken is None:
        return out
    for start in starts:
        if len(spoken) > len(start):
            out |= {(*at, *spoken[len(start) :])} if spoken[: len(start)] == start else set()
        elif start[: len(spoken)] == spoken:
            # The label is on all of the part, whose fields may be the schema's own ones.
            out |= {at, *((*at, path[-1]) for path in fields if path[:-1] == start)}
    return out


def _outside_maps(parts: Iterable[Place], own: Mapping[FieldPath, frozenset[str]]) -> dict[FieldPath, frozenset[str]]:
    """The labels with those of what is in a map's values on the map: nobody can tell its keys beforehand."""
    out: dict[FieldPath, frozenset[str]] = {}
    inside = {place.path for place in parts if place.is_in_map}
    for path, labels in own.items():
        shown = path
        while shown in inside:
            shown = shown[:-1]
        out[shown] = out.get(shown, frozenset()) | labels
    return out
