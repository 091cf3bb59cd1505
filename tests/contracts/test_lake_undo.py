"""Rows of a run out of a table again, and what they replaced back in their place: what every lake must do."""

from collections.abc import Sequence
from datetime import UTC, datetime
from random import Random
from typing import Any

import pyarrow as pa
import pytest
from deltalake import DeltaTable

from flowservice.adapters.delta import DeltaLake
from flowservice.domain.dataset import TableRef
from flowservice.domain.staging import Part
from flowservice.errors import ChangedSince, EarlierRowsGone
from flowservice.ports.lake import Lake, Marked, Upserted, Versions
from tests.contracts.keyed_rows import KEYS, SCHEMA, STAGED, TABLE, WIDER, keyed_row
from tests.contracts.lake_files import table_of


@pytest.fixture
def lake(lake: DeltaLake) -> DeltaLake:
    lake.prepare(TABLE, SCHEMA)
    return lake


def staged(lake: Lake, name: str, rows: Sequence[dict[str, Any]], schema: pa.Schema) -> Part:
    """A part of rows of the run `name`, whose batch is `b<name>`."""
    writer = lake.writer(TABLE, f"run={name}/0.parquet", schema)
    system = {"batchId": f"b{name}", "ingestedAt": datetime(2026, 3, 1, tzinfo=UTC)}
    writer.write(pa.Table.from_pylist([{**known, "_flowservice": system, "version": None} for known in rows], schema))
    return writer.close()


def append(lake: Lake, number: int, *rows: dict[str, Any], flow: str = "flow") -> None:
    parts = [staged(lake, str(number), rows, SCHEMA)]
    assert lake.commit(TABLE, parts, app_id=flow, number=number, note=note(number))


def upsert(lake: Lake, number: int, *rows: dict[str, Any], flow: str = "flow") -> None:
    parts = [staged(lake, str(number), rows, STAGED)]
    versions = Versions(parts=parts, keys=KEYS, version="version", untold=frozenset({"_flowservice"}))
    assert lake.upsert(TABLE, versions, app_id=flow, number=number, note=note(number))


def note(number: int) -> dict[str, str]:
    return {"flowRun": f"r{number}"}


def marked(number: int) -> Marked:
    return Marked(column="_flowservice.batchId", value=f"b{number}")


def withdraw(lake: Lake, undone: int, number: int) -> bool:
    return lake.withdraw(TABLE, marked(undone), app_id="flow", number=number, note=note(number))


def restore(lake: Lake, undone: int, number: int, *withdrawn: int) -> bool:
    gone = frozenset(f"b{run}" for run in withdrawn)
    upserted = Upserted(rows=marked(undone), keys=KEYS, note=note(undone), withdrawn=gone)
    return lake.restore(TABLE, upserted, app_id="flow", number=number, note=note(number))


def rows(lake: Lake) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = lake.dataset(TABLE).to_table().to_pylist()
    return sorted(found, key=repr)


def held(lake: Lake) -> dict[tuple[str, int], tuple[str, str]]:
    """What a row says and its batch, by key."""
    found = {
        (known["_tenant"]["rowKey"], known["_tenant"]["Part Key"]): (
            known["_tenant"]['say "hi"'],
            known["_flowservice"]["batchId"],
        )
        for known in rows(lake)
    }
    assert len(found) == len(rows(lake)), "a key is there twice"
    return found


def counted(lake: Lake, number: int) -> tuple[int, int, int]:
    change = lake.change(TABLE, note(number))
    assert change is not None
    return change.inserted, change.updated, change.deleted


def files(lake: DeltaLake) -> DeltaTable:
    return table_of(lake, TABLE)


# --- appended rows ---------------------------------------------------------------------------------------------------


def test_rows_of_one_batch_go_and_all_others_stay(lake: DeltaLake) -> None:
    append(lake, 1, keyed_row("a", 1, "one"), keyed_row("a", 1, "again"))
    append(lake, 2, keyed_row("a", 1, "two"), keyed_row("b", 1, "two"))
    append(lake, 3, keyed_row("a", 1, "three"))
    assert withdraw(lake, 2, 4)
    assert [known["_tenant"]['say "hi"'] for known in rows(lake)] == ["again", "one", "three"]
    assert (counted(lake, 4), lake.committed(TABLE, "flow")) == ((0, 0, 2), 4)


def test_they_go_wherever_a_compaction_moved_them(lake: DeltaLake) -> None:
    for number in (1, 2, 3):
        append(lake, number, keyed_row("a", number, f"{number}"))
    files(lake).optimize.compact()
    assert len(lake.files(TABLE)) == 1
    assert withdraw(lake, 2, 4)
    assert set(held(lake)) == {("a", 1), ("a", 3)}


def test_a_number_withdraws_once(lake: DeltaLake) -> None:
    append(lake, 1, keyed_row("a", 1, "one"))
    append(lake, 2, keyed_row("b", 1, "two"))
    assert withdraw(lake, 2, 3)
    assert not withdraw(lake, 1, 3)
    assert set(held(lake)) == {("a", 1)}


def test_to_withdraw_nothing_is_remembered(lake: DeltaLake) -> None:
    append(lake, 1, keyed_row("a", 1, "one"))
    before = files(lake).version()
    assert withdraw(lake, 7, 8)
    assert not withdraw(lake, 1, 8)
    assert (counted(lake, 8), lake.committed(TABLE, "flow")) == ((0, 0, 0), 8)
    assert files(lake).version() == before + 1
    assert set(held(lake)) == {("a", 1)}


# --- upserted rows ---------------------------------------------------------------------------------------------------


def test_what_was_replaced_comes_back_whole_and_what_was_new_goes(lake: DeltaLake) -> None:
    upsert(lake, 1, keyed_row("a", 1, "old"), keyed_row("b", 1, "stays"))
    before = rows(lake)
    upsert(lake, 2, keyed_row("a", 1, "new") | {"born": None, "names": None}, keyed_row("c", 1, "more"))
    assert restore(lake, 2, 3)
    assert rows(lake) == before
    assert (counted(lake, 3), lake.committed(TABLE, "flow")) == ((1, 0, 2), 3)


def test_an_upsert_that_replaced_nothing_leaves_nothing(lake: DeltaLake) -> None:
    upsert(lake, 1, keyed_row("a", 1, "one"), keyed_row("b", 1, "two"))
    assert restore(lake, 1, 2)
    assert (rows(lake), counted(lake, 2)) == ([], (0, 0, 2))


def test_a_number_restores_once(lake: DeltaLake) -> None:
    upsert(lake, 1, keyed_row("a", 1, "one"))
    upsert(lake, 2, keyed_row("a", 1, "two"))
    assert restore(lake, 2, 3)
    assert not restore(lake, 1, 3)
    assert held(lake) == {("a", 1): ("one", "b1")}


def test_later_rows_under_other_keys_stay_and_the_newest_goes_first(lake: DeltaLake) -> None:
    upsert(lake, 1, keyed_row("a", 1, "one"))
    upsert(lake, 2, keyed_row("a", 1, "two"), keyed_row("b", 1, "two"))
    upsert(lake, 3, keyed_row("c", 1, "three"))
    upsert(lake, 4, keyed_row("b", 1, "four"))
    with pytest.raises(ChangedSince, match="of the 2 rows that the run wrote, 1 "):
        restore(lake, 2, 5)
    assert (lake.committed(TABLE, "flow"), held(lake)["a", 1]) == (4, ("two", "b2"))
    assert restore(lake, 4, 5)
    assert restore(lake, 2, 6)
    assert held(lake) == {("a", 1): ("one", "b1"), ("c", 1): ("three", "b3")}


def test_a_row_that_was_deleted_by_hand_counts_as_changed(lake: DeltaLake) -> None:
    upsert(lake, 1, keyed_row("a", 1, "one"), keyed_row("b", 1, "one"))
    files(lake).delete('born IS NOT NULL AND "_tenant"."rowKey" = \'a\'')
    with pytest.raises(ChangedSince):
        restore(lake, 1, 2)


def test_a_compaction_changes_no_row(lake: DeltaLake) -> None:
    upsert(lake, 1, keyed_row("a", 1, "one"), keyed_row("b", 1, "one"))
    upsert(lake, 2, keyed_row("a", 1, "two"))
    append(lake, 3, keyed_row("c", 1, "three"), flow="another")
    files(lake).optimize.compact()
    assert restore(lake, 2, 4)
    assert held(lake) == {("a", 1): ("one", "b1"), ("b", 1): ("one", "b1"), ("c", 1): ("three", "b3")}


def test_rows_that_were_appended_twice_all_come_back(lake: DeltaLake) -> None:
    append(lake, 1, keyed_row("a", 1, "once"), flow="another")
    append(lake, 2, keyed_row("a", 1, "twice"), flow="another")
    before = rows(lake)
    upsert(lake, 3, keyed_row("a", 1, "new"))
    assert restore(lake, 3, 4)
    assert rows(lake) == before


def test_rows_of_an_append_that_was_undone_since_do_not_come_back(lake: DeltaLake) -> None:
    append(lake, 1, keyed_row("a", 1, "one"), keyed_row("b", 1, "one"))
    append(lake, 2, keyed_row("c", 1, "two"))
    upsert(lake, 3, keyed_row("a", 1, "three"), keyed_row("c", 1, "three"))
    assert withdraw(lake, 1, 4)
    assert restore(lake, 3, 5, 1)
    assert held(lake) == {("c", 1): ("two", "b2")}


def test_columns_that_came_since_are_null_in_what_comes_back(lake: DeltaLake) -> None:
    upsert(lake, 1, keyed_row("a", 1, "one"))
    upsert(lake, 2, keyed_row("a", 1, "two"))
    lake.prepare(TABLE, WIDER)
    assert restore(lake, 2, 3)
    (found,) = rows(lake)
    assert (found["extra"], found["_tenant"]["more"], found["_tenant"]['say "hi"']) == (None, None, "one")


def test_without_the_files_of_the_earlier_version_nothing_changes(lake: DeltaLake) -> None:
    upsert(lake, 1, keyed_row("a", 1, "one"))
    upsert(lake, 2, keyed_row("a", 1, "two"))
    files(lake).vacuum(retention_hours=0, dry_run=False, enforce_retention_duration=False)
    with pytest.raises(EarlierRowsGone):
        restore(lake, 2, 3)
    assert (held(lake), lake.committed(TABLE, "flow")) == ({("a", 1): ("two", "b2")}, 2)


def test_files_that_no_row_is_needed_of_may_be_gone(lake: DeltaLake) -> None:
    append(lake, 1, keyed_row("x", 1, "one"), flow="another")
    append(lake, 2, keyed_row("x", 2, "two"), flow="another")
    files(lake).optimize.compact()
    upsert(lake, 3, keyed_row("a", 1, "three"))
    files(lake).vacuum(retention_hours=0, dry_run=False, enforce_retention_duration=False)
    assert restore(lake, 3, 4)
    assert set(held(lake)) == {("x", 1), ("x", 2)}


def test_an_upsert_that_the_log_does_not_know_any_more_cannot_be_undone(lake: DeltaLake) -> None:
    upsert(lake, 1, keyed_row("a", 1, "one"))
    upsert(lake, 2, keyed_row("a", 1, "two"))
    known = files(lake)
    known.create_checkpoint()
    for version in range(known.version() + 1):
        lake.storage.filesystem.delete_file(f"s1/d1/_delta_log/{version:020d}.json")
    assert lake.change(TABLE, note(2)) is None
    with pytest.raises(EarlierRowsGone):
        restore(lake, 2, 3)
    assert held(lake) == {("a", 1): ("two", "b2")}


def test_no_table_knows_no_change(lake: DeltaLake) -> None:
    assert lake.change(TableRef(sandbox_id="s1", dataset_id="nothing"), note(1)) is None
    assert lake.change(TABLE, note(1)) is None


@pytest.mark.parametrize("seed", [*range(5), *(pytest.param(more, marks=pytest.mark.faults) for more in range(5, 12))])
def test_random_upserts_undone_from_the_newest_leave_each_earlier_state(lake: DeltaLake, seed: int) -> None:
    draw = Random(seed)
    states = [rows(lake)]
    for number in range(1, 5):
        keys = {(draw.choice("abc"), draw.randrange(4)) for _ in range(draw.randrange(1, 9))}
        upsert(lake, number, *(keyed_row(*key, f"{number}") for key in sorted(keys)))
        states.append(rows(lake))
        if draw.random() < 0.3:
            files(lake).optimize.compact()
    for undone in range(4, 0, -1):
        assert restore(lake, undone, 10 - undone)
        assert rows(lake) == states[undone - 1]
