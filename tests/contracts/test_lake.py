"""What every lake must do. One suite, every adapter."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import fs

from flowservice.adapters.delta import DeltaLake, Folder
from flowservice.domain.dataset import TableKind, TableRef
from flowservice.domain.staging import Part
from flowservice.errors import LakeError, LakeUnavailable
from flowservice.ports.lake import Lake
from tests.contracts.lake_files import paths

TABLE = TableRef(sandbox_id="s1", dataset_id="d1")
SCHEMA = pa.schema([("n", pa.int64()), ("text", pa.string())])
NESTED = pa.schema(
    [
        ("_id", pa.string()),
        ("person", pa.struct([("name", pa.struct([("fullName", pa.string())])), ("birthDate", pa.date32())])),
        ("identityMap", pa.map_(pa.string(), pa.list_(pa.struct([("id", pa.string()), ("primary", pa.bool_())])))),
        ("tags", pa.list_(pa.string())),
        ("at", pa.timestamp("us", "UTC")),
        ("total", pa.decimal128(20, 4)),
        ("photo", pa.binary()),
    ]
)
NESTED_ROW = {
    "_id": "1",
    "person": {"name": {"fullName": "Ada"}, "birthDate": date(1815, 12, 10)},
    "identityMap": [("email", [{"id": "a@b.c", "primary": True}])],
    "tags": ["x", None],
    "at": datetime(2026, 1, 2, 3, 4, 5, 678901, UTC),
    "total": None,
    "photo": b"\x00\xff",
}


def numbers(*values: int) -> pa.Table:
    return pa.table({"n": values, "text": [f"t{value}" for value in values]}, schema=SCHEMA)


def staged(lake: Lake, name: str, rows: pa.Table, table: TableRef = TABLE) -> Part:
    writer = lake.writer(table, name, rows.schema)
    writer.write(rows)
    return writer.close()


def landed(lake: Lake, table: TableRef = TABLE) -> list[int]:
    return sorted(lake.dataset(table).to_table(columns=["n"]).column("n").to_pylist())


def commit(lake: Lake, parts: list[Part], number: int, app_id: str = "flow") -> bool:
    return lake.commit(TABLE, parts, app_id=app_id, number=number, note={"flowRun": f"r{number}"})


def test_a_table_that_was_never_prepared_does_not_exist(lake: Lake) -> None:
    staged(lake, "run=a/0.parquet", numbers(1))
    assert (lake.schema(TABLE), lake.dataset(TABLE), lake.committed(TABLE, "flow")) == (None, None, None)


def test_rows_show_once_they_are_committed(lake: Lake) -> None:
    lake.prepare(TABLE, SCHEMA)
    part = staged(lake, "run=a/0.parquet", numbers(1, 2))
    assert landed(lake) == []
    assert commit(lake, [part], 1)
    assert landed(lake) == [1, 2]
    assert (part.rows, part.size_bytes > 0) == (2, True)


def test_a_number_is_committed_once(lake: Lake) -> None:
    lake.prepare(TABLE, SCHEMA)
    assert commit(lake, [staged(lake, "run=a/0.parquet", numbers(1))], 1)
    assert not commit(lake, [staged(lake, "run=a/1.parquet", numbers(2))], 1)
    assert commit(lake, [staged(lake, "run=b/0.parquet", numbers(3))], 5)
    assert not commit(lake, [staged(lake, "run=b/1.parquet", numbers(4))], 4)
    assert landed(lake) == [1, 3]
    assert lake.committed(TABLE, "flow") == 5


def test_flows_have_numbers_of_their_own(lake: Lake) -> None:
    lake.prepare(TABLE, SCHEMA)
    assert commit(lake, [staged(lake, "run=a/0.parquet", numbers(1))], 1, "one flow")
    assert commit(lake, [staged(lake, "run=b/0.parquet", numbers(2))], 1, "another flow")
    assert landed(lake) == [1, 2]


def test_a_commit_of_no_parts_is_remembered(lake: Lake) -> None:
    lake.prepare(TABLE, SCHEMA)
    assert commit(lake, [], 1)
    assert lake.committed(TABLE, "flow") == 1
    assert not commit(lake, [], 1)


def test_nested_columns_maps_lists_times_and_bytes_come_back(lake: Lake) -> None:
    lake.prepare(TABLE, NESTED)
    part = staged(lake, "run=a/0.parquet", pa.Table.from_pylist([NESTED_ROW], NESTED))
    assert commit(lake, [part], 1)
    assert lake.dataset(TABLE).to_table().to_pylist() == [NESTED_ROW]


def test_preparing_adds_columns_nested_ones_too_and_old_rows_have_none(lake: Lake) -> None:
    narrow = pa.schema([("n", pa.int64()), ("s", pa.struct([("a", pa.string())]))])
    wide = pa.schema([("n", pa.int64()), ("s", pa.struct([("a", pa.string()), ("b", pa.int32())])), ("x", pa.string())])
    lake.prepare(TABLE, narrow)
    assert commit(lake, [staged(lake, "run=a/0.parquet", pa.Table.from_pylist([{"n": 1, "s": {"a": "y"}}], narrow))], 1)
    lake.prepare(TABLE, wide)
    row = {"n": 2, "s": {"a": "z", "b": 3}, "x": "new"}
    assert commit(lake, [staged(lake, "run=b/0.parquet", pa.Table.from_pylist([row], wide))], 2)
    rows = sorted(lake.dataset(TABLE).to_table().to_pylist(), key=lambda found: int(found["n"]))
    assert rows == [{"n": 1, "s": {"a": "y", "b": None}, "x": None}, row]


def test_preparing_with_fewer_columns_changes_nothing(lake: Lake) -> None:
    lake.prepare(TABLE, SCHEMA)
    lake.prepare(TABLE, pa.schema([("n", pa.int64())]))
    assert lake.schema(TABLE) == SCHEMA


@pytest.mark.parametrize(
    ("column", "kind"),
    [("n", pa.string()), ("text", pa.int64()), ("n", pa.int32())],
)
def test_a_column_never_changes_its_type(lake: Lake, column: str, kind: pa.DataType) -> None:
    lake.prepare(TABLE, SCHEMA)
    with pytest.raises(LakeError, match=column):
        lake.prepare(TABLE, pa.schema([("new", pa.string()), (column, kind)]))
    assert lake.schema(TABLE) == SCHEMA


def test_a_nested_type_clash_names_the_whole_path(lake: Lake) -> None:
    lake.prepare(TABLE, NESTED)
    with pytest.raises(LakeError, match=r"person\.birthDate"):
        lake.prepare(TABLE, pa.schema([("person", pa.struct([("birthDate", pa.string())]))]))


def test_a_part_of_another_type_is_refused_and_nothing_is_published(lake: Lake) -> None:
    lake.prepare(TABLE, SCHEMA)
    good = staged(lake, "run=a/0.parquet", numbers(1))
    bad = staged(lake, "run=a/1.parquet", pa.table({"n": ["1"]}))
    with pytest.raises(LakeError, match="column n"):
        commit(lake, [good, bad], 1)
    assert (landed(lake), lake.committed(TABLE, "flow")) == ([], None)


def test_a_part_with_an_unknown_column_is_refused(lake: Lake) -> None:
    lake.prepare(TABLE, SCHEMA)
    with pytest.raises(LakeError, match="more"):
        commit(lake, [staged(lake, "run=a/0.parquet", pa.table({"n": [1], "more": ["x"]}))], 1)


def test_a_part_that_is_gone_is_refused(lake: Lake) -> None:
    lake.prepare(TABLE, SCHEMA)
    with pytest.raises(LakeError, match="missing"):
        commit(lake, [Part(path="run=a/0.parquet", rows=1, size_bytes=1)], 1)


def test_committing_to_no_table_is_refused(lake: Lake) -> None:
    with pytest.raises(LakeError, match="does not exist"):
        commit(lake, [], 1)


def test_an_unfinished_part_is_not_there(lake: Lake) -> None:
    lake.prepare(TABLE, SCHEMA)
    writer = lake.writer(TABLE, "run=a/0.parquet", SCHEMA)
    writer.write(numbers(1))
    writer.abandon()
    assert lake.sweep(TABLE, "run=a/", []) == 0


def test_sweeping_removes_what_nothing_refers_to(lake: Lake) -> None:
    lake.prepare(TABLE, SCHEMA)
    published = staged(lake, "run=a/0.parquet", numbers(1))
    kept = staged(lake, "run=a/1.parquet", numbers(2))
    staged(lake, "run=a/2.parquet", numbers(3))
    lake.writer(TABLE, "run=a/3.parquet", SCHEMA).write(numbers(4))
    other = staged(lake, "run=b/0.parquet", numbers(5))
    assert commit(lake, [published], 1)
    assert lake.sweep(TABLE, "run=a/", [kept]) == 2
    assert commit(lake, [kept, other], 2)
    assert landed(lake) == [1, 2, 5]


def test_quarantine_is_a_table_of_its_own(lake: Lake) -> None:
    quarantine = TableRef(sandbox_id="s1", dataset_id="d1", kind=TableKind.QUARANTINE)
    lake.prepare(TABLE, SCHEMA)
    lake.prepare(quarantine, SCHEMA)
    part = staged(lake, "run=a/0.parquet", numbers(7), quarantine)
    assert lake.commit(quarantine, [part], app_id="flow", number=1, note={})
    assert (landed(lake), landed(lake, quarantine)) == ([], [7])
    assert lake.location(quarantine) != lake.location(TABLE)


def test_times_of_any_unit_land_as_utc_microseconds(lake: Lake) -> None:
    milliseconds = pa.schema([("at", pa.timestamp("ms", "Europe/Berlin"))])
    at = datetime(2026, 1, 1, tzinfo=UTC)
    lake.prepare(TABLE, milliseconds)
    part = staged(lake, "run=a/0.parquet", pa.Table.from_pylist([{"at": at}], milliseconds))
    assert commit(lake, [part], 1)
    assert lake.dataset(TABLE).to_table().to_pylist() == [{"at": at}]


def test_a_type_that_no_table_has_is_refused_by_name(lake: Lake) -> None:
    with pytest.raises(LakeError, match="column small"):
        lake.prepare(TABLE, pa.schema([("small", pa.uint8())]))


def test_readers_may_skip_files_by_their_bounds(lake: Lake) -> None:
    lake.prepare(TABLE, SCHEMA)
    parts = [staged(lake, f"run=a/{n}.parquet", numbers(10 * n, 10 * n + 9)) for n in range(3)]
    assert commit(lake, parts, 1)
    fragments = list(lake.dataset(TABLE).get_fragments(filter=pa.compute.field("n") == 15))
    assert [Path(fragment.path).name for fragment in fragments] == ["1.parquet"]


def test_a_lake_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    lake = DeltaLake(Folder(tmp_path / "file"))
    with pytest.raises(LakeUnavailable):
        lake.ping()
    with pytest.raises(LakeUnavailable):
        lake.prepare(TABLE, SCHEMA)
    with pytest.raises(LakeUnavailable):
        lake.writer(TABLE, "run=a/0.parquet", SCHEMA)


def test_parts_are_plain_parquet_and_a_copied_table_reads_the_same(lake: DeltaLake, tmp_path: Path) -> None:
    lake.prepare(TABLE, SCHEMA)
    assert commit(lake, [staged(lake, "run=a/0.parquet", numbers(1, 2))], 1)
    copy = tmp_path / "copy" / "s1" / "d1"
    for file in lake.storage.filesystem.get_file_info(fs.FileSelector("s1", recursive=True)):
        if file.type is fs.FileType.File:
            target = tmp_path / "copy" / file.path
            # A store of objects has no folders to be copied.
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(lake.storage.filesystem.open_input_stream(file.path).read())
    assert landed(DeltaLake(Folder(tmp_path / "copy"))) == [1, 2]
    assert pq.read_table(copy / "run=a" / "0.parquet", partitioning=None).num_rows == 2


def test_flows_that_commit_at_the_same_time_lose_nothing(lake: Lake) -> None:
    lake.prepare(TABLE, SCHEMA)

    def commits(flow: int) -> None:
        for number in range(1, 6):
            value = flow * 100 + number
            part = staged(lake, f"run={value}/0.parquet", numbers(value))
            assert lake.commit(TABLE, [part], app_id=f"flow {flow}", number=number, note={})

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(commits, range(4)))
    assert landed(lake) == [flow * 100 + number for flow in range(4) for number in range(1, 6)]


def test_tables_may_be_prepared_and_widened_by_several_at_once(lake: Lake) -> None:
    def prepare(number: int) -> None:
        lake.prepare(TABLE, pa.schema([("n", pa.int64()), (f"c{number}", pa.string())]))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(prepare, range(8)))
    schema = lake.schema(TABLE)
    assert schema is not None
    assert set(schema.names) == {"n", *(f"c{number}" for number in range(8))}


def lacking(lake: Lake, schema: pa.Schema) -> dict[str, str]:
    return {field.name: str(field.type) for field in lake.lacking(TABLE, schema)}


def test_a_table_that_does_not_exist_lacks_every_column_and_stays_away(lake: DeltaLake) -> None:
    assert lacking(lake, NESTED) == {
        "_id": "string",
        "person.name.fullName": "string",
        "person.birthDate": "date32[day]",
        "identityMap": "map<string, list<element: struct<id: string, primary: bool>>>",
        "tags": "list<element: string>",
        "at": "timestamp[us, tz=UTC]",
        "total": "decimal128(20, 4)",
        "photo": "binary",
    }
    assert (lake.schema(TABLE), paths(lake)) == (None, set())


def test_what_a_table_lacks_is_what_preparing_adds(lake: DeltaLake) -> None:
    inner = pa.struct([("a", pa.string())])
    wider = pa.struct([("a", pa.string()), ("b", pa.struct([("c", pa.int32()), ("d", pa.date32())]))])
    narrow = pa.schema([("n", pa.int64()), ("s", inner), ("l", pa.list_(inner)), ("m", pa.map_(pa.string(), inner))])
    wide = pa.schema(
        [
            ("x", pa.string()),
            ("s", wider),
            ("l", pa.list_(wider)),
            ("m", pa.map_(pa.string(), wider)),
            ("n", pa.int64()),
        ]
    )
    lake.prepare(TABLE, narrow)
    before = paths(lake)
    added = {
        f"{at}.b.{name}": kind
        for at in ("s", "l[]", "m.value")
        for name, kind in (("c", "int32"), ("d", "date32[day]"))
    }
    assert lacking(lake, wide) == {"x": "string", **added}
    assert lacking(lake, narrow) == {}
    assert (lake.schema(TABLE), paths(lake)) == (narrow, before)
    lake.prepare(TABLE, wide)
    assert lacking(lake, wide) == {}


def test_a_clash_is_told_as_preparing_tells_it(lake: DeltaLake) -> None:
    lake.prepare(TABLE, NESTED)
    clash = pa.schema([("new", pa.string()), ("person", pa.struct([("birthDate", pa.string())]))])
    with pytest.raises(LakeError) as told:
        lake.lacking(TABLE, clash)
    with pytest.raises(LakeError) as refused:
        lake.prepare(TABLE, clash)
    assert told.value.message == refused.value.message
    with pytest.raises(LakeError, match="column small"):
        lake.lacking(TABLE, pa.schema([("small", pa.uint8())]))


def test_the_keys_that_a_table_has_are_counted(lake: DeltaLake) -> None:
    assert lake.holding(TABLE, pa.table({"n": [1]}), most_rows=100) == 0
    lake.prepare(TABLE, SCHEMA)
    assert lake.holding(TABLE, pa.table({"n": [1]}), most_rows=100) == 0
    parts = [staged(lake, f"run=a/{n}.parquet", numbers(*range(10 * n, 10 * n + 10))) for n in range(3)]
    assert commit(lake, parts, 1)
    before = paths(lake)
    assert lake.holding(TABLE, pa.table({"n": [0, 9, 15, 29, 30, None]}), most_rows=30) == 4
    assert lake.holding(TABLE, pa.table({"n": [1, 2], "text": ["t1", "t3"]}), most_rows=30) == 1
    assert lake.holding(TABLE, pa.table({"n": pa.array([], pa.int64())}), most_rows=30) == 0
    assert lake.holding(TABLE, pa.table({"other": ["x"]}), most_rows=30) == 0
    assert lake.holding(TABLE, pa.table({"n": [1]}), most_rows=29) is None
    assert paths(lake) == before


def test_keys_may_lie_in_objects_and_have_any_type_of_a_key(lake: DeltaLake) -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    kinds = {
        "text": pa.string(),
        "day": pa.date32(),
        "at": pa.timestamp("us", "UTC"),
        "yes": pa.bool_(),
        "n": pa.int32(),
    }
    schema = pa.schema([("key", pa.struct([("of", pa.struct(list(kinds.items())))]))])
    values = {"text": "a", "day": at.date(), "at": at, "yes": True, "n": 1}
    lake.prepare(TABLE, schema)
    rows = [{"key": {"of": values}}, {"key": {"of": None}}, {"key": None}]
    assert commit(lake, [staged(lake, "run=a/0.parquet", pa.Table.from_pylist(rows, schema))], 1)
    for name, value in values.items():
        keys = pa.table({f"key.of.{name}": pa.array([value], kinds[name])})
        assert lake.holding(TABLE, keys, most_rows=10) == 1, name
    everything = pa.table({f"key.of.{name}": pa.array([value], kinds[name]) for name, value in values.items()})
    assert lake.holding(TABLE, everything, most_rows=10) == 1
