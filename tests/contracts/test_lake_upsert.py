"""Rows in place of others with the same key: what every lake must do."""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from random import Random
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from flowservice.adapters.delta import DeltaLake
from flowservice.domain.staging import Part
from flowservice.errors import LakeError, LakeUnavailable
from flowservice.ports.lake import Lake, Versions
from tests.contracts.keyed_rows import KEYS, SCHEMA, STAGED, TABLE, WIDER, keyed_row


@pytest.fixture
def lake(lake: DeltaLake) -> DeltaLake:
    lake.prepare(TABLE, SCHEMA)
    return lake


def row(key: str, number: int, said: str, *, at: int | None = None, batch: str = "b") -> dict[str, Any]:
    version = None if at is None else datetime.fromtimestamp(at, UTC)
    system = {"batchId": batch, "ingestedAt": None}
    return keyed_row(key, number, said) | {"_flowservice": system, "version": version}


def staged(lake: Lake, name: str, *rows: dict[str, Any]) -> Part:
    writer = lake.writer(TABLE, f"run={name}/0.parquet", STAGED)
    writer.write(pa.Table.from_pylist(list(rows), STAGED))
    return writer.close()


def versions(*parts: Part, keys: Sequence[str] = KEYS) -> Versions:
    return Versions(parts=parts, keys=keys, version="version", untold=frozenset({"_flowservice"}))


def upsert(lake: Lake, number: int, *parts: Part) -> bool:
    return lake.upsert(TABLE, versions(*parts), app_id="flow", number=number, note={"flowRun": f"r{number}"})


def held(lake: Lake) -> dict[tuple[str, int], str]:
    rows = [found["_tenant"] for found in lake.dataset(TABLE).to_table().to_pylist()]
    known = {(found["rowKey"], found["Part Key"]): found['say "hi"'] for found in rows}
    assert len(known) == len(rows), "a key is there twice"
    return known


def test_a_row_takes_the_place_of_the_one_with_its_key(lake: Lake) -> None:
    assert upsert(lake, 1, staged(lake, "1", row("a", 1, "old"), row("b", 1, "stays"), row("a", 2, "other")))
    assert upsert(lake, 2, staged(lake, "2", row("a", 1, "new"), row("c", 1, "more")))
    assert held(lake) == {("a", 1): "new", ("b", 1): "stays", ("a", 2): "other", ("c", 1): "more"}


def test_versions_are_told_with_the_runs_that_made_them(lake: Lake) -> None:
    upsert(lake, 1, staged(lake, "1", row("a", 1, "old")))
    upsert(lake, 2, staged(lake, "2", row("b", 1, "new")))
    found = lake.snapshots(TABLE, limit=10)
    assert [(each.version, each.operation, each.run_id) for each in found] == [
        (2, "MERGE", "r2"),
        (1, "MERGE", "r1"),
        (0, "CREATE TABLE", None),
    ]
    assert found[0].at >= found[2].at
    assert [each.version for each in lake.snapshots(TABLE, limit=1)] == [2]
    lake.remove(TABLE)
    assert lake.snapshots(TABLE, limit=10) == []


def test_every_column_of_it_is_replaced(lake: Lake) -> None:
    upsert(lake, 1, staged(lake, "1", row("a", 1, "old")))
    new = row("a", 1, "new", batch="later") | {"born": None, "tags": [], "names": None, "total": Decimal(-7)}
    upsert(lake, 2, staged(lake, "2", new))
    assert lake.dataset(TABLE).to_table().to_pylist() == [{name: new[name] for name in SCHEMA.names}]


def test_of_rows_with_one_key_the_last_version_is_taken(lake: Lake) -> None:
    first = staged(lake, "1", row("a", 1, "third", at=3), row("a", 1, "first", at=1), row("b", 1, "only"))
    second = staged(lake, "2", row("a", 1, "second", at=2), row("a", 1, "never"))
    assert lake.superseded(TABLE, versions(first, second)) == 3
    assert upsert(lake, 1, first, second)
    assert held(lake) == {("a", 1): "third", ("b", 1): "only"}


@pytest.mark.parametrize("at", [None, 5])
def test_where_versions_do_not_tell_the_order_of_rows_and_parts_plays_no_part(lake: Lake, at: int | None) -> None:
    rows = [row("a", 1, said, at=at, batch=f"b{said}") for said in ("x", "z", "y")]
    found = set()
    for number, order in enumerate([(0, 1, 2), (2, 1, 0), (1, 2, 0), (1, 0, 2)], 1):
        first = staged(lake, f"{number}a", *(rows[place] for place in order[:2]))
        upsert(lake, number, staged(lake, f"{number}b", rows[order[2]]), first)
        found.add(held(lake)["a", 1])
    assert found == {"z"}


def test_a_number_is_upserted_once(lake: Lake) -> None:
    assert upsert(lake, 1, staged(lake, "1", row("a", 1, "one")))
    assert not upsert(lake, 1, staged(lake, "2", row("a", 1, "two")))
    assert upsert(lake, 3, staged(lake, "3", row("a", 1, "three")))
    assert not upsert(lake, 2, staged(lake, "4", row("a", 1, "two")))
    assert (held(lake), lake.committed(TABLE, "flow")) == ({("a", 1): "three"}, 3)


def test_an_upsert_of_no_rows_is_remembered(lake: Lake) -> None:
    assert lake.superseded(TABLE, versions()) == 0
    assert upsert(lake, 1)
    assert not upsert(lake, 1)
    assert lake.committed(TABLE, "flow") == 1


def test_rows_that_were_appended_twice_are_all_replaced(lake: Lake) -> None:
    for number in (1, 2):
        writer = lake.writer(TABLE, f"run=x{number}/0.parquet", SCHEMA)
        writer.write(pa.Table.from_pylist([row("a", 1, "old")], SCHEMA))
        lake.commit(TABLE, [writer.close()], app_id="another", number=number, note={})
    upsert(lake, 1, staged(lake, "1", row("a", 1, "new")))
    assert [found["_tenant"]['say "hi"'] for found in lake.dataset(TABLE).to_table().to_pylist()] == ["new", "new"]


def test_columns_that_a_part_lacks_are_null(lake: Lake) -> None:
    part = staged(lake, "1", row("a", 1, "x"))
    lake.prepare(TABLE, WIDER)
    assert upsert(lake, 1, part)
    (found,) = lake.dataset(TABLE).to_table().to_pylist()
    assert (found["extra"], found["_tenant"]["more"], found["_tenant"]["rowKey"]) == (None, None, "a")


def test_a_part_that_is_not_what_was_recorded_changes_nothing(lake: DeltaLake) -> None:
    part = staged(lake, "1", row("a", 1, "x"))
    with lake.storage.filesystem.open_output_stream(f"s1/d1/{part.path}", buffer_size=64) as file:
        file.write(b"PAR1")
    with pytest.raises(LakeError, match="broken"):
        upsert(lake, 1, part)
    with pytest.raises(LakeError, match="broken"):
        lake.superseded(TABLE, versions(part))
    assert (held(lake), lake.committed(TABLE, "flow")) == ({}, None)


def test_a_disk_that_is_full_while_rows_are_compared_is_a_fault_that_may_pass(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> pa.RecordBatch:
        raise duckdb.IOException("could not write all bytes: No space left on device")

    part = staged(lake, "1", row("a", 1, "x"))
    with monkeypatch.context() as patched:
        patched.setattr("flowservice.adapters.delta.newest._as", full)
        with pytest.raises(LakeUnavailable, match="No space left"):
            upsert(lake, 1, part)
    assert (held(lake), lake.committed(TABLE, "flow")) == ({}, None)
    assert upsert(lake, 1, part)
    assert held(lake) == {("a", 1): "x"}


@pytest.mark.parametrize("seed", [*range(8), *(pytest.param(more, marks=pytest.mark.faults) for more in range(8, 20))])
def test_random_upserts_end_as_a_dictionary_does(lake: Lake, seed: int) -> None:
    draw = Random(seed)
    expected: dict[tuple[str, int], str] = {}
    for number in range(1, 6):
        rows = [
            row(draw.choice("abc"), draw.randrange(4), f"{draw.randrange(1000):04d}", at=draw.choice([None, 1, 2, 3]))
            for _ in range(draw.randrange(12))
        ]
        cut = draw.randrange(len(rows) + 1)
        parts = [staged(lake, f"{number}-{half}", *some) for half, some in enumerate((rows[:cut], rows[cut:])) if some]
        came: dict[tuple[str, int], tuple[float, str]] = {}
        for one in rows:
            key = one["_tenant"]["rowKey"], one["_tenant"]["Part Key"]
            at = one["version"].timestamp() if one["version"] else 0.0
            came[key] = max(came.get(key, (-1.0, "")), (at, one["_tenant"]['say "hi"']))
        assert lake.superseded(TABLE, versions(*parts)) == len(rows) - len(came)
        assert upsert(lake, number, *parts)
        expected |= {key: said for key, (_, said) in came.items()}
        assert held(lake) == expected
