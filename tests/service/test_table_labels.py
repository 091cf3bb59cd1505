"""Labels carried to tables: which tables a change concerns, and what becomes of a change that cannot be carried now."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pyarrow as pa
import pytest

from flowservice.adapters.delta import DeltaLake
from flowservice.domain.dataset import Dataset, TableRef
from flowservice.domain.dataset_labels import ColumnLabels
from flowservice.domain.identity import SandboxState
from flowservice.domain.schema import SchemaKind
from flowservice.errors import LakeUnavailable
from flowservice.ports.database import Database
from flowservice.service.dataset_labels import LabelsOfDatasets
from flowservice.service.table_labels import TableLabels
from tests.service.conftest import NOON
from tests.service.shop import TEXT, Shop

ROWS = pa.schema([("_northwind", pa.struct([("mail", pa.string()), ("home", pa.struct([("city", pa.string())]))]))])


@dataclass
class Busy:
    """A lake to which something happens just before a table is labelled."""

    lake: DeltaLake
    happens: list[Callable[[], object]] = field(default_factory=list)

    def label(self, table: TableRef, columns: Mapping[str, ColumnLabels]) -> int:
        for once in self.happens:
            self.happens.remove(once)
            once()
        return self.lake.label(table, columns)


@pytest.fixture
def lake(shop: Shop) -> DeltaLake:
    lake = shop.datasets.lake
    assert isinstance(lake, DeltaLake)
    lake.prepare(dataset(shop).table, ROWS)
    return lake


@pytest.fixture
def of_datasets(database: Database) -> LabelsOfDatasets:
    return LabelsOfDatasets(database=database, now=lambda: NOON)


def dataset(shop: Shop) -> Dataset:
    return shop.datasets.get(shop.caller, shop.dataset)


def due(database: Database) -> set[str]:
    return {one.id for one in database.labels_due.oldest(limit=100)}


def told(lake: DeltaLake, shop: Shop) -> Any:
    schema = lake.schema(dataset(shop).table)
    assert schema is not None
    found = schema.field("_northwind").metadata or {}
    return [json.loads(found.get(f"flowservice.{name}".encode(), b"null")) for name in ("labels", "fieldLabels")]


def settled(database: Database, lake: Any) -> None:
    TableLabels(database=database, lake=lake).go_round()


def test_a_change_concerns_each_dataset_that_has_the_field(shop: Shop, database: Database, lake: DeltaLake) -> None:
    said = shop.label(shop.base, "/city", "S2")
    assert due(database) == {shop.dataset, shop.other}
    settled(database, lake)
    assert due(database) == set()
    assert told(lake, shop) == [[], {"home.city": ["S2"]}]
    shop.label(shop.schema, "/_northwind/mail", "I1")
    assert due(database) == {shop.dataset}
    shop.descriptors.delete(shop.caller, said)
    assert due(database) == {shop.dataset, shop.other}
    settled(database, lake)
    assert told(lake, shop) == [[], {"mail": ["I1"]}]


def test_labels_of_the_dataset_hold_for_its_columns(
    shop: Shop, database: Database, lake: DeltaLake, of_datasets: LabelsOfDatasets
) -> None:
    of_datasets.create(shop.caller, shop.dataset, {"labels": ["C2"]})
    assert due(database) == {shop.dataset}
    shop.label(shop.group, "/_northwind/mail", "I1")
    settled(database, lake)
    assert told(lake, shop) == [["C2"], {"mail": ["C2", "I1"]}]
    of_datasets.delete(shop.caller, shop.dataset, matches=lambda _: None)
    settled(database, lake)
    assert told(lake, shop) == [[], {"mail": ["I1"]}]


def test_a_schema_that_changes_may_bring_labels_along(shop: Shop, database: Database, lake: DeltaLake) -> None:
    more = shop.made(
        SchemaKind.FIELD_GROUPS, "More", properties={"_northwind": {"type": "object", "properties": {"note": TEXT}}}
    )
    shop.label(more, "/_northwind/note", "C9")
    assert due(database) == set()
    add = {"op": "add", "path": "/allOf/-", "value": {"$ref": more}}
    shop.schemas.change(shop.caller, SchemaKind.SCHEMAS, shop.schema, [add])
    assert due(database) == {shop.dataset}


def test_what_cannot_be_carried_now_is_carried_later(shop: Shop, database: Database, lake: DeltaLake) -> None:
    def fails() -> None:
        raise LakeUnavailable("not now")

    shop.label(shop.schema, "/_northwind/mail", "I1")
    busy = Busy(lake, [fails])
    settled(database, busy)
    assert (due(database), told(lake, shop)) == ({shop.dataset}, [None, None])
    settled(database, busy)
    assert (due(database), told(lake, shop)) == (set(), [[], {"mail": ["I1"]}])


def test_a_change_that_comes_meanwhile_is_not_lost(shop: Shop, database: Database, lake: DeltaLake) -> None:
    shop.label(shop.schema, "/_northwind/mail", "I1")
    busy = Busy(lake, [lambda: shop.label(shop.schema, "/_northwind/home", "C2")])
    settled(database, busy)
    assert (due(database), told(lake, shop)) == ({shop.dataset}, [[], {"mail": ["I1"]}])
    settled(database, busy)
    assert told(lake, shop)[1] == {"home": ["C2"], "home.city": ["C2"], "mail": ["I1"]}


def test_marks_and_labels_go_with_their_dataset(
    shop: Shop, database: Database, lake: DeltaLake, of_datasets: LabelsOfDatasets
) -> None:
    of_datasets.create(shop.caller, shop.dataset, {"labels": ["C2"]})
    shop.datasets.delete(shop.caller, shop.dataset)
    assert due(database) == set()
    settled(database, lake)


def test_the_longest_waiting_come_first(shop: Shop, database: Database) -> None:
    times = iter([NOON.replace(hour=hour) for hour in (13, 14, 15)])
    of_datasets = LabelsOfDatasets(database=database, now=lambda: next(times, NOON.replace(hour=16)))
    of_datasets.create(shop.caller, shop.dataset, {"labels": []})
    of_datasets.create(shop.caller, shop.other, {"labels": []})
    assert [one.id for one in database.labels_due.oldest(limit=1)] == [shop.dataset]


def test_tables_of_a_sandbox_that_is_being_emptied_are_left_alone(
    shop: Shop, database: Database, lake: DeltaLake
) -> None:
    shop.label(shop.schema, "/_northwind/mail", "I1")
    (sandbox,) = database.tenancy.sandboxes(shop.caller.scope.org_id)
    database.tenancy.put_sandbox(replace(sandbox, state=SandboxState.RESETTING))
    settled(database, lake)
    assert (due(database), told(lake, shop)) == ({shop.dataset}, [None, None])
    database.tenancy.put_sandbox(sandbox)
    settled(database, lake)
    assert due(database) == set()
