"""Hidden values: what becomes of them in columns of Arrow, by an oracle that goes through the rows one by one."""

import random
from typing import Any

import pyarrow as pa
import pytest

from flowservice.domain.dataset_labels import LabelledDataset
from flowservice.domain.mapping import Mapping, MappingKind, MappingVersion
from flowservice.service.masked_rows import MARK, marked, marked_columns, masked
from flowservice.service.masking import feeding, hidden_in

ADDRESS = pa.struct([("city", pa.string()), ("position", pa.struct([("lat", pa.float64()), ("lon", pa.float64())]))])
SCHEMA = pa.schema(
    [
        pa.field("_id", pa.string(), nullable=False, metadata={"known": "yes"}),
        pa.field("mail", pa.string(), nullable=False),
        ("home", ADDRESS),
        ("earlier", pa.list_(ADDRESS)),
        ("moves", pa.large_list(pa.list_(ADDRESS))),
        ("tags", pa.map_(pa.string(), pa.struct([("city", pa.string())]))),
        ("photo", pa.binary()),
        ("nothing", pa.struct([])),
    ]
)
PATHS = [
    ("_id",),
    ("mail",),
    ("home",),
    ("home", "city"),
    ("home", "position", "lat"),
    ("earlier", "city"),
    ("earlier", "position"),
    ("moves", "position", "lon"),
    ("tags", "city"),
    ("photo",),
    ("nothing", "at all"),
    ("no column",),
    ("mail", "no field"),
]


def value(kind: pa.DataType, rolled: random.Random, *, nullable: bool = True) -> Any:
    if nullable and rolled.random() < 0.25:
        return None
    if pa.types.is_struct(kind):
        return {field.name: value(field.type, rolled) for field in kind}
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return [value(kind.value_type, rolled) for _ in range(rolled.randrange(4))]
    if pa.types.is_map(kind):
        return [(f"k{at}", value(kind.item_type, rolled)) for at in range(rolled.randrange(3))]
    if pa.types.is_floating(kind):
        return rolled.random()
    text = f"v{rolled.randrange(1000)}"
    return text.encode() if pa.types.is_binary(kind) else text


def table(rolled: random.Random) -> pa.Table:
    def rows(count: int) -> pa.Table:
        made = [
            {field.name: value(field.type, rolled, nullable=field.nullable) for field in SCHEMA} for _ in range(count)
        ]
        return pa.Table.from_pylist(made, schema=SCHEMA)

    # Slices and chunks: their buffers begin elsewhere.
    parts = [rows(rolled.randrange(12)) for _ in range(3)]
    return pa.concat_tables([part.slice(rolled.randrange(3), rolled.randrange(12)) for part in parts])


def without(value: Any, kind: pa.DataType, hidden: list[tuple[str, ...]]) -> Any:
    """What `masked` leaves of one value, told a second time."""
    if not hidden or value is None:
        return value
    if () in hidden:
        return None
    if pa.types.is_struct(kind):
        return {
            field.name: without(value[field.name], field.type, [path[1:] for path in hidden if path[0] == field.name])
            for field in kind
        }
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return [without(item, kind.value_type, hidden) for item in value]
    return None


@pytest.mark.parametrize("seed", range(40))
def test_hidden_fields_are_null_and_all_others_as_they_were(seed: int) -> None:
    rolled = random.Random(seed)
    rows, hidden = table(rolled), rolled.sample(PATHS, rolled.randrange(1, 5))
    row_type = pa.struct(list(SCHEMA))
    expected = [without(row, row_type, hidden) for row in rows.to_pylist()]
    done = masked(rows, frozenset(hidden))
    done.validate(full=True)
    assert done.to_pylist() == expected
    assert [field.name for field in done.schema] == SCHEMA.names
    for was, field in zip(SCHEMA, done.schema, strict=True):
        assert field.metadata == was.metadata
        is_touched = any(path[0] == was.name for path in hidden)
        assert field.equals(was, check_metadata=True) or is_touched
        assert _bare(field.type) == _bare(was.type)
    for batch in rows.to_batches():
        one = masked(batch, frozenset(hidden))
        one.validate(full=True)
        assert one.to_pylist() == [without(row, row_type, hidden) for row in batch.to_pylist()]


def _bare(kind: pa.DataType) -> str:
    return str(kind).replace(" not null", "")


def test_what_is_not_hidden_is_not_copied() -> None:
    rows = table(random.Random(0)).combine_chunks()
    done = masked(rows, frozenset({("home", "city")}))
    for name in ("_id", "earlier", "photo"):
        was, now = rows.column(name).chunk(0), done.column(name).chunk(0)
        assert [b and b.address for b in was.buffers()] == [b and b.address for b in now.buffers()]
    inner = [column.column("home").chunk(0).field("position").field("lat") for column in (rows, done)]
    assert inner[0].buffers()[1].address == inner[1].buffers()[1].address


def test_rows_without_columns_and_columns_without_rows() -> None:
    assert masked(pa.table({}), frozenset({("a",)})).num_columns == 0
    empty = SCHEMA.empty_table()
    assert masked(empty, frozenset(PATHS)).num_rows == 0


def test_values_of_json_get_a_mark() -> None:
    row = {"a": 1, "b": {"c": "x", "d": None, "e": [{"f": 1, "g": 2}]}, "h": None}
    hidden = frozenset({("a",), ("b", "d"), ("b", "e", "f"), ("h",)})
    assert marked(row, hidden) == {"a": MARK, "b": {"c": "x", "d": None, "e": [{"f": MARK, "g": 2}]}, "h": None}
    assert marked({"a": "text"}, frozenset({("a", "within")})) == {"a": MARK}
    shown = marked_columns(pa.table({"n": [1, None], "m": [2, 3]}), {"n", "other"})
    assert shown.to_pylist() == [{"n": MARK, "m": 2}, {"n": None, "m": 3}]


def test_the_outermost_fields_are_hidden() -> None:
    known = frozenset({("a",), ("a", "b"), ("a", "b", "c"), ("d",)})
    fields = {("a", "b"): frozenset({"I1", "C9"}), ("a", "b", "c"): frozenset({"I1", "C9", "S1"})}
    labelled = LabelledDataset(fields=fields, known=known)
    assert hidden_in(labelled, {"I1", "S1"}) == {("a", "b")}
    assert hidden_in(labelled, {"S1"}) == {("a", "b", "c")}
    assert hidden_in(labelled, {"C2"}) == frozenset()
    whole = LabelledDataset(dataset=frozenset({"C12"}), fields=fields, known=known)
    assert hidden_in(whole, {"C12"}) == {("a",), ("d",)}


@pytest.mark.parametrize(
    ("source", "destination", "is_hidden"),
    [
        ("a", "person.mail", True),
        ("a", "person", True),
        ("a", "person.mail.host", True),
        ("a", "person.phone", False),
        ("a", "orders[*].mail", True),
        ("a", "orders[0].mail", True),
        ("a", "orders", True),
        ("a", "orders[1].sku", False),
        ("concat(a, lower(b))", "person.mail", True),
    ],
)
def test_a_column_is_hidden_where_it_goes_into_a_hidden_field(source: str, destination: str, is_hidden: bool) -> None:
    kind = MappingKind.ATTRIBUTE if source == "a" else MappingKind.EXPRESSION
    mapping = Mapping(id="1", kind=kind, source_type=kind.value, source=source, destination=destination)
    version = MappingVersion(version=0, schema_id="s", schema_content_type="x", mappings=(mapping,))
    hidden = feeding(version, frozenset({("person", "mail"), ("orders", "mail")}))
    assert hidden == (frozenset(mapping.reads) if is_hidden else frozenset())
    assert not is_hidden or "a" in hidden
