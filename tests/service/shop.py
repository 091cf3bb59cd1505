"""Two schemas over one class and one field group, in which a data type stands three times, and a dataset of each."""

from dataclasses import dataclass
from typing import Any

from flowservice.domain.identity import Caller
from flowservice.domain.schema import SchemaKind
from flowservice.service.datasets import Datasets
from flowservice.service.descriptors import Descriptors
from flowservice.service.effective_labels import EffectiveLabels
from flowservice.service.schemas import Schemas

XDM = "https://ns.adobe.com/xdm/"
TEXT = {"type": "string"}


@dataclass
class Shop:
    """Ids of all that was made, and what is done to it."""

    schemas: Schemas
    descriptors: Descriptors
    datasets: Datasets
    caller: Caller
    address: str = ""
    base: str = ""
    group: str = ""
    schema: str = ""
    dataset: str = ""
    other: str = ""

    def made(self, kind: SchemaKind, title: str, **body: Any) -> str:
        return self.schemas.create(self.caller, kind, {"title": title, "type": "object", **body}).id

    def build(self) -> None:
        self.base = self.made(
            SchemaKind.DATA_TYPES,
            "Place",
            properties={"city": TEXT, "position": {"type": "object", "properties": {"lat": TEXT}}},
        )
        self.address = self.made(
            SchemaKind.DATA_TYPES, "Address", allOf=[{"$ref": self.base}], properties={"street": TEXT}
        )
        own = {
            "mail": TEXT,
            "home": {"$ref": self.address},
            "work": {"allOf": [{"$ref": self.address}], "title": "At work"},
            "earlier": {"type": "array", "items": {"$ref": self.address}},
            "properties": {"type": "object", "properties": {"items": TEXT}},
        }
        self.group = self.made(
            SchemaKind.FIELD_GROUPS, "Customers", properties={"_northwind": {"type": "object", "properties": own}}
        )
        parts = [{"$ref": XDM + "context/profile"}, {"$ref": self.group}]
        self.schema = self.made(SchemaKind.SCHEMAS, "Shop", allOf=parts)
        self.dataset = self.landing("Shop", self.schema)
        self.other = self.landing("Branch", self.made(SchemaKind.SCHEMAS, "Branch", allOf=parts))

    def landing(self, name: str, schema: str) -> str:
        ref = {"id": schema, "contentType": "application/vnd.adobe.xed+json;version=1"}
        return self.datasets.create(self.caller, {"name": name, "schemaRef": ref}).id

    def label(self, resource: str, path: str, *labels: str) -> str:
        body = {"@type": "xdm:descriptorLabel", "xdm:sourceSchema": resource, "xdm:sourceProperty": path}
        return self.descriptors.create(self.caller, {**body, "xdm:labels": list(labels)}).id

    def labelled(self, dataset: str | None = None) -> dict[str, list[str]]:
        found = EffectiveLabels(self.schemas.database).of(self.caller.scope, dataset or self.dataset)
        return {".".join(path): sorted(labels) for path, labels in sorted(found.fields.items())}
