"""The labels that hold for a dataset and its fields: those of the dataset, and those that its schema brings along."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from flowservice.domain.dataset import Dataset
from flowservice.domain.dataset_labels import DatasetLabels, FieldPath, LabelledDataset, inherited, path_among
from flowservice.domain.descriptor import Descriptor, DescriptorType
from flowservice.domain.identity import Scope
from flowservice.domain.registry import document
from flowservice.domain.xdm_resolve import MADE_OF, Document, resolved
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
        parts = dict(_fields(self._tree(scope, dataset.schema_ref.id)))
        known = frozenset(parts) - {()}
        own = _described(parts, described, known)
        for one in put.fields:
            if (path := path_among(known, one.schema_path)) is not None:
                own[path] = own.get(path, frozenset()) | frozenset(one.labels)
        return LabelledDataset(dataset=frozenset(put.labels), fields=inherited(known, own), known=known)

    def _put_on(self, dataset: Dataset) -> DatasetLabels:
        try:
            return self.database.dataset_labels.get(dataset.stamp.scope, dataset.id)
        except NotFound:
            return DatasetLabels(id=dataset.id, stamp=dataset.stamp)

    def _tree(self, scope: Scope, schema_id: str) -> Document:
        def lookup(ref: str) -> Document | None:
            if (standard := standard_resource(ref)) is not None:
                return standard
            known = stored(self.database, scope, ref)
            return None if known is None else document(known, tenant_id="")

        schema = lookup(schema_id)
        if schema is None:
            return {}
        tree = resolved(schema, lookup, traced=True)
        return {**tree, MADE_OF: [*tree.get(MADE_OF, ()), schema["$id"]]}


def _fields(tree: Document) -> Iterator[tuple[FieldPath, frozenset[str]]]:
    """Every field of a traced tree, the root too, with the resources that begin there. Lists are looked into."""
    waiting: list[tuple[FieldPath, Document]] = [((), tree)]
    while waiting:
        at, node = waiting.pop()
        made_of = set(node.get(MADE_OF, ()))
        while "items" in node and "properties" not in node:
            node = node["items"]
            made_of |= set(node.get(MADE_OF, ()))
        yield at, frozenset(made_of)
        waiting += [((*at, name), child) for name, child in node.get("properties", {}).items()]


def _described(
    parts: Mapping[FieldPath, frozenset[str]], descriptors: Iterable[Descriptor], known: frozenset[FieldPath]
) -> dict[FieldPath, frozenset[str]]:
    """The labels that descriptors put on fields, at every place where the resource that they speak of is used."""
    by_resource: dict[str, list[Descriptor]] = {}
    for descriptor in descriptors:
        by_resource.setdefault(descriptor.schema_id, []).append(descriptor)
    out: dict[FieldPath, frozenset[str]] = {}
    for at, made_of in parts.items():
        for descriptor in (one for ref in made_of for one in by_resource.get(ref, ())):
            for written in descriptor.paths:
                if (path := path_among(known, written, at=at)) is not None:
                    out[path] = out.get(path, frozenset()) | frozenset(descriptor.labels)
    return out
