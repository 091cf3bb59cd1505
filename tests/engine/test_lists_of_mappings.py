"""Lists put together from several mappings, rows that a mapping rejects, and rules of the items of lists."""

from collections.abc import Mapping as JsonObject
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pytest

from flowservice.domain.mapping import Mapping, MappingKind, MappingVersion
from flowservice.domain.xdm_tree import ObjectField, tree_of
from flowservice.engine.mapping import Mapper
from flowservice.engine.row_mapper import Mapped
from flowservice.errors import BadMapping

TEXT, WHOLE = {"type": "string"}, {"type": "integer", "meta:xdmType": "long"}
PLACE = {"type": "object", "properties": {"city": TEXT, "zip": WHOLE}}
ORDER = {"type": "object", "properties": {"id": TEXT, "total": WHOLE, "place": PLACE, "kind": TEXT}}
TREE: ObjectField = tree_of(
    {
        "type": "object",
        "properties": {
            "orders": {"type": "array", "items": ORDER},
            "tags": {"type": "array", "items": TEXT},
            "sizes": {"type": "array", "items": WHOLE},
            "name": TEXT,
        },
    }
)
Feeds = JsonObject[str, str]


def mapper(
    feeds: Feeds, constants: Feeds | None = None, rejects: Sequence[str] = (), tree: ObjectField = TREE
) -> Mapper:
    kinds = dict.fromkeys(feeds, MappingKind.EXPRESSION) | dict.fromkeys(constants or {}, MappingKind.STATIC)
    mappings = tuple(
        Mapping(id="", kind=kinds[to], source_type="", source=source, destination=to, rejects=to in rejects)
        for to, source in {**feeds, **(constants or {})}.items()
    )
    return Mapper(MappingVersion(version=0, schema_id="", schema_content_type="", mappings=mappings), tree)


def applied(mapping: Mapper, **columns: Any) -> Mapped:
    arrays = {name: values if isinstance(values, pa.Array) else pa.array(values) for name, values in columns.items()}
    return mapping.apply(pa.RecordBatch.from_pydict(arrays))


def column(name: str, mapping: Mapper, **columns: Any) -> Any:
    return applied(mapping, **columns).rows[name].to_pylist()


def order(**fields: Any) -> dict[str, Any]:
    return {"id": None, "total": None, "place": None, "kind": None} | fields


def test_items_are_paired_by_their_places() -> None:
    mapping = mapper({"orders[*].id": "xs[*].n", "orders[*].total": "ys"}, {"orders[*].kind": "web"})
    xs = pa.array([[{"n": "a"}, {"n": "b"}], [], None, [{"n": "c"}], None])
    ys = pa.array([["1"], ["2", "3"], ["4"], None, None])
    assert column("orders", mapping, xs=xs, ys=ys) == [
        [order(id="a", total=1, kind="web"), order(id="b", kind="web")],
        [order(total=2, kind="web"), order(total=3, kind="web")],
        [order(total=4, kind="web")],
        [order(id="c", kind="web")],
        None,
    ]


def test_a_list_without_items_stays_one() -> None:
    assert column("orders", mapper({"orders[*].id": "xs"}), xs=pa.array([[], None], pa.list_(pa.string()))) == [
        [],
        None,
    ]


def test_objects_go_into_the_items_and_a_mapping_below_them_counts_more() -> None:
    mapping = mapper({"orders[*].place": "xs", "orders[*].place.zip": "zips"})
    xs = pa.array([[{"city": "Rome", "zip": "1"}, None]])
    assert column("orders", mapping, xs=xs, zips=pa.array([["7", "8"]])) == [
        [order(place={"city": "Rome", "zip": 7}), order(place={"city": None, "zip": 8})]
    ]


def test_items_are_fed_by_their_numbers_and_no_list_ends_in_an_empty_one() -> None:
    mapping = mapper({"orders[0].id": "a", "orders[2].place.city": "upper(b)", "tags[0]": "a", "tags[1]": "b"})
    done = applied(mapping, a=["x", None, None], b=["rome", "oslo", None]).rows.to_pylist()
    assert [row["orders"] for row in done] == [
        [order(id="x"), None, order(place={"city": "ROME", "zip": None})],
        [None, None, order(place={"city": "OSLO", "zip": None})],
        None,
    ]
    assert [row["tags"] for row in done] == [["x", "rome"], [None, "oslo"], None]


def test_each_item_of_a_list_and_the_list_are_one_destination() -> None:
    assert column("tags", mapper({"tags[*]": 'split(a, ",")'}), a=["x,y"]) == [["x", "y"]]


def test_a_value_lost_in_an_item_is_a_warning_of_its_row() -> None:
    done = applied(mapper({"sizes": 'split(a, ",")', "orders[*].total": 'split(a, ",")'}), a=["1,x,y", "2", None])
    assert done.rows["sizes"].to_pylist() == [[1, None, None], [2], None]
    assert [(tally.field, tally.count) for tally in done.warnings] == [("sizes", 1), ("orders[*].total", 1)]


@pytest.mark.parametrize("to", ["name", "orders[0].total", "orders[*].total", "sizes"])
def test_a_mapping_may_reject_rows_that_it_cannot_map(to: str) -> None:
    source = "to_integer(a)" if to in {"name", "orders[0].total"} else 'split(a, ",")'
    done = applied(mapper({to: source, "tags[0]": "b"}, rejects=[to]), a=["1", "x", None], b=["p", "q", "r"])
    assert done.rows["tags"].to_pylist() == [["p"], ["r"]]
    assert done.warnings == ()
    assert [(tally.code, tally.field, tally.count) for tally in done.rejections] == [("MAPPER-3700-400", to, 1)]
    (reject,) = done.rejects.to_pylist()
    assert (reject["code"], reject["field"], reject["value"]) == ("MAPPER-3700-400", to, "x")
    assert done.kept is not None
    assert done.kept.to_pylist() == [True, False, True]


def test_a_plain_column_may_be_rejected_too_and_null_is_no_loss() -> None:
    tree = tree_of({"type": "object", "properties": {"n": WHOLE}})
    done = applied(mapper({"n": "a"}, rejects=["n"], tree=tree), a=["1", "x", None])
    assert done.rows["n"].to_pylist() == [1, None]
    assert "x" not in done.rejections[0].message


def test_a_rule_that_an_item_breaks_rejects_its_row() -> None:
    sizes = {"type": "array", "items": {"type": "string", "enum": ["S", "M"]}}
    item = {"type": "object", "required": ["id"], "properties": {"id": TEXT, "n": {"type": "integer", "maximum": 5}}}
    tree = tree_of({"type": "object", "properties": {"sizes": sizes, "items": {"type": "array", "items": item}}})
    mapping = mapper({"sizes": 'split(a, ",")', "items": "xs"}, tree=tree)
    xs = pa.array(
        [[{"id": "1", "n": "5"}], [], [{"id": "2", "n": "6"}, {"id": "3", "n": "1"}], [{"id": None, "n": "2"}]]
    )
    done = applied(mapping, a=["S,M", "S,L,XL", "S", None], xs=xs)
    assert done.rows["sizes"].to_pylist() == [["S", "M"]]
    assert {(tally.code, tally.field, tally.count) for tally in done.rejections} == {
        ("INGEST-1404-400", "sizes[*]", 1),
        ("INGEST-1404-400", "items[*].n", 1),
        ("INGEST-1555-400", "items[*].id", 1),
    }


@pytest.mark.parametrize(
    ("feeds", "message"),
    [
        ({"orders[0].items[1]": "a"}, "is no destination"),
        ({"orders[]": "a"}, "is no destination"),
        ({"orders[-1].id": "a"}, "is no destination"),
        ({"orders[100].id": "a"}, "beyond the 100 items"),
        ({"name[0]": "a"}, "is no list"),
        ({"tags[0].x": "a"}, "have no fields"),
        ({"orders[0].ide": "a"}, "did you mean 'id'"),
        ({"tags[0]": "a", "tags": "b"}, "not in two of these ways"),
        ({"orders[*].id": "a", "orders[0].total": "b"}, "not in two of these ways"),
        ({"tags": "a", "tags[*]": "b"}, "two mappings feed"),
        ({"tags[1]": "a", "tags[01]": "b"}, "two mappings feed"),
        ({"orders[*].id": 'concat(a, "x")'}, "gives an array"),
        ({"orders[0].id": 'split(a, ",")'}, "gives an array, the field takes a single value"),
    ],
)
def test_what_no_list_can_take_is_refused(feeds: Feeds, message: str) -> None:
    with pytest.raises(BadMapping) as refused:
        mapper(feeds)
    assert message in refused.value.message
