"""What the catalog's searches find, on every database, and that documents looked at in memory agree."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from flowservice.adapters.sql.database import SqlDatabase
from flowservice.api import catalog_wire
from flowservice.api.catalog_names import BATCHES, DATASETS
from flowservice.api.property_query import property_criteria, simple_criterion, sort_keys, tag_criteria
from flowservice.domain.criteria import Criterion, Search, passing
from flowservice.domain.dataset import Batch, BatchStatus, Dataset, SchemaRef
from flowservice.domain.identity import Caller
from flowservice.domain.resource import Stamp
from flowservice.errors import BadQuery
from tests.contracts.test_database import NOON, sandbox_of


@pytest.fixture
def caller(database: SqlDatabase) -> Caller:
    return sandbox_of(database, "A@AdobeOrg")


NAMES = ["Orders", "orders", "Order*s", "Or%ers_x", "Zürich", "a?b[c]"]


@pytest.fixture
def datasets(database: SqlDatabase, caller: Caller) -> list[Dataset]:
    made = []
    for number, name in enumerate(NAMES):
        made.append(
            Dataset(
                id=f"{number:024x}",
                stamp=Stamp.first(caller, at=NOON + timedelta(seconds=number)),
                name=name,
                description="" if number else "the first",
                schema_ref=SchemaRef(id=f"https://ns.adobe.com/t/schemas/{number % 2}", content_type="json"),
                tags={"team": ["shop", f"n{number}"]} if number % 2 else {},
                enable_error_diagnostics=number == 3,
                last_batch_id="B" if number == 4 else None,
            )
        )
        database.datasets.add(made[-1])
    return made


@pytest.fixture
def batches(database: SqlDatabase, caller: Caller) -> list[Batch]:
    made = []
    for number in range(6):
        at = NOON + timedelta(milliseconds=number)
        made.append(
            Batch(
                id=f"B{number}",
                stamp=Stamp.first(caller, at=at),
                dataset_id=f"d{number % 2}",
                flow_id=f"f{number}",
                run_id=f"r{number}",
                status=BatchStatus.FAILED if number % 3 == 0 else BatchStatus.SUCCESS,
                started_at=at + timedelta(microseconds=400) if number else None,
                metrics={"inputRecordCount": number * 10} if number else {},
                tags={"acp_partialIngestionPercent": (str(number),)},
            )
        )
        database.batches.add(made[-1])
    return made


def stored(criteria: list[Criterion]) -> tuple[Criterion, ...]:
    told = [DATASETS.criterion(criterion) for criterion in criteria]
    assert None not in told
    return tuple(criterion for criterion in told if criterion is not None)


FILTERS: list[tuple[str, set[int]]] = [
    ("name==Orders", {0}),
    ("name==Orders,orders", {0, 1}),
    ("name!=Orders,orders", {2, 3, 4, 5}),
    ("name==Or*", {0, 2, 3}),
    ("name==*er*", {0, 1, 2, 3}),
    ("name==Order**s", {2}),
    ("name==*%*", {3}),
    ("name==*_x", {3}),
    ("name==*[c]", {5}),
    ("name==a?*", {5}),
    ("name!=*r*", {5}),
    ('name=="Zürich"', {4}),
    ("name>Or", {0, 1, 2, 3, 4, 5} - set()),
    ("name<Z", {0, 2, 3}),
    ("description", set(range(6))),
    ("!lastBatchId", {0, 1, 2, 3, 5}),
    ("lastBatchId", {4}),
    ("lastBatchId!=B", {0, 1, 2, 3, 5}),
    ("schemaRef.id==https://ns.adobe.com/t/schemas/1", {1, 3, 5}),
    ("enableErrorDiagnostics==true", {3}),
    ("enableErrorDiagnostics!=true", {0, 1, 2, 4, 5}),
    ("created>1777636803000", {4, 5}),
    ("created<=1777636801000", {0, 1}),
    ("created==1777636802000", {2}),
    ("tags.team==shop", {1, 3, 5}),
    ("tags.team==n3,n5", {3, 5}),
    ("tags.team!=n3", {0, 1, 2, 4, 5}),
    ("tags.team==n*", {1, 3, 5}),
    ("!tags.team", {0, 2, 4}),
    ("createdUser==u", set(range(6))),
    ("createdUser==nobody", set()),
]


@pytest.mark.parametrize(("text", "places"), FILTERS)
def test_the_database_and_a_look_at_the_documents_find_the_same(
    database: SqlDatabase, caller: Caller, datasets: list[Dataset], text: str, places: set[int]
) -> None:
    if text == "name>Or":
        places = {number for number, name in enumerate(NAMES) if name > "Or"}
    criteria = list(property_criteria(text))
    found = database.dataset_search.find(caller.scope, Search(criteria=stored(criteria)))
    assert {datasets.index(one) for one in found} == places
    documents = [catalog_wire.dataset_json(one) for one in datasets]
    assert set(passing(documents, criteria)) == places


@pytest.mark.parametrize(
    ("text", "places"),
    [("team:shop", {1, 3, 5}), ("team:*", {1, 3, 5}), ("team:n*,team:shop", {1, 3, 5}), ("team:n1,team:shop", {1})],
)
def test_tags_are_found_by_name_and_value(
    database: SqlDatabase, caller: Caller, datasets: list[Dataset], text: str, places: set[int]
) -> None:
    found = database.dataset_search.find(caller.scope, Search(criteria=stored(list(tag_criteria(text)))))
    assert {datasets.index(one) for one in found} == places


def batch_ids(database: SqlDatabase, caller: Caller, **search: Any) -> list[str]:
    return [batch.id for batch in database.batch_search.find(caller.scope, Search(**search))]


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("status==failed", ["B3", "B0"]),
        ("metrics.inputRecordCount>=40", ["B5", "B4"]),
        ("!metrics.inputRecordCount", ["B0"]),
        ("started>1777636800003", ["B5", "B4"]),
        ("!started", ["B0"]),
        ("relatedObjects.id==d1", ["B5", "B3", "B1"]),
        ("tags.flowId==f2", ["B2"]),
        ("tags.acp_partialIngestionPercent==4", ["B4"]),
        ("id==B1,B2", ["B2", "B1"]),
    ],
)
def test_batches_are_found_newest_first(
    database: SqlDatabase, caller: Caller, batches: list[Batch], text: str, ids: list[str]
) -> None:
    criteria = tuple(BATCHES.criterion(criterion) for criterion in property_criteria(text))
    assert batch_ids(database, caller, criteria=criteria) == ids
    documents = [catalog_wire.batch_json(one) for one in batches]
    assert [batches[place].id for place in reversed(passing(documents, list(property_criteria(text))))] == ids


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("created", ["B0", "B1", "B2", "B3", "B4", "B5"]),
        ("desc:metrics.inputRecordCount", ["B5", "B4", "B3", "B2", "B1", "B0"]),
        ("asc:metrics.inputRecordCount", ["B1", "B2", "B3", "B4", "B5", "B0"]),
        ("asc:status,desc:id", ["B3", "B0", "B5", "B4", "B2", "B1"]),
        ("-id", ["B5", "B4", "B3", "B2", "B1", "B0"]),
    ],
)
def test_what_lacks_a_sort_key_comes_last(
    database: SqlDatabase, caller: Caller, batches: list[Batch], text: str, ids: list[str]
) -> None:
    order = tuple(BATCHES.sort_key(key) for key in sort_keys(text))
    assert batch_ids(database, caller, order=order) == ids
    assert batch_ids(database, caller, order=order, start=2, limit=3) == ids[2:5]


def test_a_search_stays_in_its_sandbox(database: SqlDatabase, caller: Caller, batches: list[Batch]) -> None:
    other = sandbox_of(database, "B@AdobeOrg")
    assert batch_ids(database, other) == []
    elsewhere = replace(caller, scope=replace(caller.scope, org_id="B@AdobeOrg"))
    assert batch_ids(database, elsewhere) == []


@pytest.mark.parametrize("text", ["created==soon", "created>soon", "metrics.x<a", "created==*"])
def test_what_is_no_number_is_refused(database: SqlDatabase, caller: Caller, text: str) -> None:
    with pytest.raises(BadQuery):
        database.dataset_search.find(
            caller.scope, Search(criteria=tuple(BATCHES.criterion(one) or one for one in property_criteria(text)))
        )


@pytest.mark.parametrize("number", ["1e300", "-1e300", "99999999999999999999", "0.5", "nan", "inf"])
def test_an_odd_number_finds_nothing_or_is_refused(
    database: SqlDatabase, caller: Caller, batches: list[Batch], number: str
) -> None:
    criterion = BATCHES.criterion(simple_criterion("created", number))
    assert criterion is not None
    try:
        assert batch_ids(database, caller, criteria=(criterion,)) == []
    except BadQuery:
        assert number in {"nan", "inf"}
