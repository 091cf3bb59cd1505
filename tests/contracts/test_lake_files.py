"""Files of tables as bytes, and files made of rows: what every lake must do."""

import os
import time
from dataclasses import replace
from datetime import timedelta

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from flowservice.adapters.delta import DeltaFiles, DeltaLake
from flowservice.domain.dataset import TableRef
from flowservice.errors import LakeError, LakeUnavailable
from flowservice.ports.lake import MADE, StoredFile, Vacuumed
from tests.contracts.keyed_rows import SCHEMA, TABLE, WIDER, keyed_row
from tests.contracts.lake_files import paths
from tests.contracts.test_lake_undo import append, files, marked, staged, upsert

NOWHERE = TableRef(sandbox_id="s1", dataset_id="nothing")


@pytest.fixture
def lake(lake: DeltaLake) -> DeltaLake:
    lake.prepare(TABLE, SCHEMA)
    return lake


@pytest.fixture
def stored(lake: DeltaLake) -> DeltaFiles:
    return DeltaFiles(lake.storage)


def same(rows: pa.Table) -> pa.Table:
    return rows


def bytes_of(stored: DeltaFiles, file: StoredFile) -> bytes:
    return b"".join(stored.read(TABLE, file.path, start=0, end=file.size_bytes))


def made(lake: DeltaLake, stored: DeltaFiles, number: int, name: str = "x.parquet") -> list[dict[str, object]]:
    """The rows of a batch as a file of them has them, wherever they are by now."""
    schema = lake.schema(TABLE)
    assert schema is not None
    names = [file.path for file in lake.files(TABLE)]
    file = stored.make(TABLE, name, names, marked(number), schema=schema, change=same)
    read = pq.read_table(pa.BufferReader(bytes_of(stored, file)))
    assert read.schema.equals(schema)
    found: list[dict[str, object]] = read.to_pylist()
    return found


def said(rows: list[dict[str, object]]) -> list[object]:
    return sorted(row["_tenant"]['say "hi"'] for row in rows)  # type: ignore[index]


# --- bytes -----------------------------------------------------------------------------------------------------------


def test_a_file_is_found_and_read_in_whole_and_in_ranges(lake: DeltaLake, stored: DeltaFiles) -> None:
    append(lake, 1, keyed_row("a", 1, "one"))
    (known,) = lake.files(TABLE)
    file = stored.find(TABLE, known.path)
    assert file is not None
    assert (file.path, file.size_bytes) == (known.path, known.size_bytes)
    assert abs(file.modified_at - known.modified_at) < timedelta(seconds=2)
    whole = bytes_of(stored, file)
    assert (len(whole), whole[:4], whole[-4:]) == (file.size_bytes, b"PAR1", b"PAR1")
    for start, end in ((0, 4), (3, 10), (file.size_bytes - 4, file.size_bytes), (5, 5)):
        assert b"".join(stored.read(TABLE, known.path, start=start, end=end)) == whole[start:end]


@pytest.mark.parametrize(
    "path", ["nothing", "run=1", "../d1/run=1/0.parquet", "./run=1/0.parquet", "/run=1/0.parquet", "", ".", "run=1/"]
)
def test_what_is_no_file_of_the_table_is_not_found(lake: DeltaLake, stored: DeltaFiles, path: str) -> None:
    append(lake, 1, keyed_row("a", 1, "one"))
    assert stored.find(TABLE, path) is None
    assert stored.find(NOWHERE, "run=1/0.parquet") is None


def test_a_removed_table_has_no_files(lake: DeltaLake, stored: DeltaFiles) -> None:
    append(lake, 1, keyed_row("a", 1, "one"))
    lake.remove(TABLE)
    assert stored.find(TABLE, "run=1/0.parquet") is None


def test_a_file_that_is_gone_is_a_fault_that_may_pass(stored: DeltaFiles) -> None:
    with pytest.raises(LakeUnavailable):
        list(stored.read(TABLE, "run=9/0.parquet", start=0, end=1))
    with pytest.raises(LakeUnavailable):
        stored.counts(TABLE, ["run=9/0.parquet"], marked(1))


# --- rows of a batch -------------------------------------------------------------------------------------------------


def test_the_rows_of_a_batch_are_counted_and_put_into_a_file_wherever_they_are(
    lake: DeltaLake, stored: DeltaFiles
) -> None:
    append(lake, 1, keyed_row("a", 1, "one"), keyed_row("a", 2, "two"))
    upsert(lake, 2, keyed_row("b", 1, "three"), keyed_row("a", 2, "replaced"))
    append(lake, 3, keyed_row("c", 1, "four"))
    assert stored.counts(TABLE, [file.path for file in lake.files(TABLE)], marked(9)) == [0, 0]
    for compacted in (False, True):
        if compacted:
            files(lake).optimize.compact()
        names = [file.path for file in lake.files(TABLE)]
        assert [sum(stored.counts(TABLE, names, marked(number))) for number in (1, 2, 3)] == [1, 2, 1]
        assert said(made(lake, stored, 1, f"1{compacted}.parquet")) == ["one"]
        assert said(made(lake, stored, 2, f"2{compacted}.parquet")) == ["replaced", "three"]
        assert said(made(lake, stored, 3, f"3{compacted}.parquet")) == ["four"]
    assert len(names) == 1


def test_a_made_file_has_all_columns_of_the_table_and_values_are_as_in_it(lake: DeltaLake, stored: DeltaFiles) -> None:
    append(lake, 1, keyed_row("a", 1, "one"))
    upsert(lake, 2, keyed_row("b", 1, "two"))
    lake.prepare(TABLE, WIDER)
    append(lake, 3, keyed_row("c", 1, "three"))
    landed = {row["_tenant"]["rowKey"]: row for row in lake.dataset(TABLE).to_table().to_pylist()}
    for number, key in ((1, "a"), (2, "b"), (3, "c")):
        assert made(lake, stored, number, f"{number}.parquet") == [landed[key]]
    assert landed["a"]["_tenant"]["more"] is None


def test_a_file_is_made_once_and_anew_with_the_same_bytes(lake: DeltaLake, stored: DeltaFiles) -> None:
    upsert(lake, 1, *(keyed_row("a", number, f"{number % 7}") for number in range(30_000)))
    files(lake).optimize.compact()
    names, schema = [file.path for file in lake.files(TABLE)], lake.schema(TABLE)
    assert schema is not None

    def make() -> StoredFile:
        return stored.make(TABLE, "b1/x.parquet", names, marked(1), schema=schema, change=same)

    first, whole = make(), bytes_of(stored, make())
    assert make() == first == stored.find(TABLE, f"{MADE}b1/x.parquet")
    lake.storage.filesystem.delete_file(f"s1/d1/{first.path}")
    assert bytes_of(stored, make()) == whole
    assert pq.read_metadata(pa.BufferReader(whole)).num_rows == 30_000


def test_rows_are_changed_on_their_way_and_columns_may_be_left_out(lake: DeltaLake, stored: DeltaFiles) -> None:
    append(lake, 1, keyed_row("a", 1, "one"), keyed_row("a", 2, "two"))
    schema = pa.schema([SCHEMA.field("tags"), SCHEMA.field("total"), SCHEMA.field("_flowservice")])
    (known,) = lake.files(TABLE)

    def doubled(rows: pa.Table) -> pa.Table:
        more = pc.add(rows.column("total"), rows.column("total")).cast(SCHEMA.field("total").type)
        return rows.set_column(1, "total", more).drop_columns(["_flowservice"])

    file = stored.make(TABLE, "x.parquet", [known.path], marked(1), schema=schema, change=doubled)
    read = pq.read_table(pa.BufferReader(bytes_of(stored, file)))
    assert (read.schema.names, [f"{row['total']}" for row in read.to_pylist()]) == (["tags", "total"], ["2.5000"] * 2)


def test_a_broken_file_is_told_and_nothing_is_made_of_it(lake: DeltaLake, stored: DeltaFiles) -> None:
    append(lake, 1, keyed_row("a", 1, "one"))
    with lake.storage.filesystem.open_output_stream("s1/d1/broken.parquet") as file:
        file.write(b"PAR1 this is no footer PAR1")
    before = paths(lake)
    for names in (["broken.parquet"], ["run=1/0.parquet", "broken.parquet"]):
        with pytest.raises(LakeError, match="broken"):
            stored.counts(TABLE, names, marked(1))
        with pytest.raises(LakeError, match="broken"):
            stored.make(TABLE, "x.parquet", names, marked(1), schema=SCHEMA, change=same)
    assert paths(lake) == before


def test_what_cannot_be_made_leaves_nothing(lake: DeltaLake, stored: DeltaFiles) -> None:
    append(lake, 1, keyed_row("a", 1, "one"))
    before = paths(lake)

    def fails(rows: pa.Table) -> pa.Table:
        if rows.num_rows:
            raise RuntimeError
        return rows

    (known,) = lake.files(TABLE)
    with pytest.raises(RuntimeError):
        stored.make(TABLE, "x.parquet", [known.path], marked(1), schema=SCHEMA, change=fails)
    with pytest.raises(LakeUnavailable):
        stored.make(TABLE, "x.parquet", ["run=9/0.parquet"], marked(1), schema=SCHEMA, change=same)
    assert paths(lake) == before


def test_what_was_made_is_no_part_of_the_table_and_goes_after_a_day(in_folder: DeltaLake) -> None:
    lake, stored = in_folder, DeltaFiles(in_folder.storage)
    lake.prepare(TABLE, SCHEMA)
    append(lake, 1, keyed_row("a", 1, "one"))
    staged(lake, "at work", [keyed_row("s", 1, "staged")], SCHEMA)
    assert said(made(lake, stored, 1, "b1/old.parquet")) == said(made(lake, stored, 1, "b1/new.parquet")) == ["one"]
    assert len(lake.files(TABLE)) == 1
    nothing = Vacuumed(files=0, size_bytes=0)
    forgetful = replace(lake, undo=timedelta(0))
    assert forgetful.vacuum(TABLE, lambda: {"at work"}, dry_run=False) == nothing
    moment = time.time() - 86_400 - 60
    os.utime(f"{lake.storage.url()}/s1/d1/{MADE}b1/old.parquet", (moment, moment))
    assert lake.vacuum(TABLE, set, dry_run=True).files == lake.vacuum(TABLE, set, dry_run=False).files == 1
    assert {path for path in paths(lake) if MADE in path} == {f"s1/d1/{MADE}b1/new.parquet"}


# --- a look at the table ---------------------------------------------------------------------------------------------


def test_the_first_rows_are_read_and_no_more(lake: DeltaLake) -> None:
    assert lake.first(NOWHERE, rows=2) is None
    found = lake.first(TABLE, rows=2)
    assert found is not None
    assert (found.num_rows, found.schema.equals(SCHEMA)) == (0, True)
    upsert(lake, 1, *(keyed_row("a", number, "one") for number in range(5)))
    append(lake, 2, keyed_row("b", 1, "two"))
    lake.prepare(TABLE, WIDER)
    for rows, there in ((2, 2), (10, 6)):
        found = lake.first(TABLE, rows=rows)
        assert found is not None
        assert (found.num_rows, found.schema.names) == (there, [*SCHEMA.names, "extra"])
