"""A run, from its first row to its last word."""

from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from flowservice.domain.dataset import BatchStatus
from flowservice.domain.run import RunState
from flowservice.errors import BadCredentials, SourceUnavailable, Throttled
from flowservice.ports.runtime import Interrupted
from tests.engine.world import SCOPE, AtOnce, Doubling, Numbers, World


def test_every_row_lands_once_in_parts_of_bounded_size(tmp_path: Path) -> None:
    world = World(tmp_path)
    run = world.executed()
    assert world.landed() == list(range(1000))
    assert (run.state, run.errors) == (RunState.SUCCESS, ())
    assert (run.counts.read, run.counts.written, run.counts.rejected, run.counts.input_bytes) == (1000, 1000, 0, 1000)
    # 3 splits of 334 rows, parts closed at the batch that reaches 100 rows: 120, 120, 94
    assert run.counts.output_files == 9
    assert run.counts.output_bytes > 0
    assert None not in (run.started_at, run.read_completed_at, run.completed_at)
    assert world.files() == set()
    assert world.source.opened == world.source.closed


def test_each_row_says_which_batch_brought_it(tmp_path: Path) -> None:
    world = World(tmp_path, Numbers(rows=3))
    world.executed()
    dataset = world.database.datasets.get(SCOPE, "dataset")
    rows = world.lake.dataset(dataset.table).to_table().to_pylist()
    assert {row["_flowservice"]["batchId"] for row in rows} == {"batch1"}
    assert all(row["_flowservice"]["ingestedAt"].utcoffset().total_seconds() == 0 for row in rows)
    assert sorted(row["nested"]["double"] for row in rows) == [0, 2, 4]


def test_batch_dataset_and_flow_tell_how_it_went(tmp_path: Path) -> None:
    world = World(tmp_path)
    before = world.database.flows.get(SCOPE, "flow")
    run = world.executed()
    batch = world.database.batches.get(SCOPE, "batch1")
    assert (batch.status, batch.errors, batch.tags["flowId"]) == (BatchStatus.SUCCESS, (), ("flow",))
    assert batch.metrics["inputRecordCount"] == batch.metrics["outputRecordCount"] == 1000
    assert batch.metrics["failedRecordCount"] == 0
    dataset = world.database.datasets.get(SCOPE, "dataset")
    assert (dataset.last_batch_id, dataset.last_batch_status, dataset.last_failed_batch) == ("batch1", "success", None)
    flow = world.database.flows.get(SCOPE, "flow")
    assert (flow.last_run.id, flow.last_run.state, flow.last_run.completed_at) == ("run1", "success", run.completed_at)
    assert flow.etag == before.etag


def test_an_empty_table_is_a_success_that_a_replay_recognises(tmp_path: Path) -> None:
    world = World(tmp_path, Numbers(rows=0, splits=1))
    run = world.executed()
    assert (run.state, run.counts.read, world.landed()) == (RunState.SUCCESS, 0, [])
    assert world.lake.committed(world.database.datasets.get(SCOPE, "dataset").table, "flow") == 1


def test_the_same_rows_land_whatever_the_pages_and_splits(tmp_path: Path) -> None:
    for case, (splits, batch_rows) in enumerate([(1, 1), (7, 10), (32, 1000)]):
        home = tmp_path / str(case)
        home.mkdir()
        world = World(home, Numbers(rows=100, splits=splits, batch_rows=batch_rows))
        assert world.executed().state is RunState.SUCCESS
        assert world.landed() == list(range(100))


def test_runs_of_a_flow_append(tmp_path: Path) -> None:
    world = World(tmp_path, Numbers(rows=10))
    world.executed(1)
    world.executed(2)
    assert world.landed() == sorted([*range(10), *range(10)])


def test_rejects_within_the_threshold_go_to_quarantine_with_their_reason(tmp_path: Path) -> None:
    world = World(tmp_path, Numbers(rows=200), Doubling(reject_every=20), tolerated_percent=5)
    run = world.executed()
    assert run.state is RunState.PARTIAL_SUCCESS
    assert (run.counts.read, run.counts.written, run.counts.rejected) == (200, 190, 10)
    assert [(tally.code, tally.field, tally.count) for tally in run.rejections] == [("INGEST-1555-400", "n", 10)]
    assert len(world.landed()) == 190
    rejected = world.quarantined()
    assert sorted(int(row["value"]) for row in rejected) == list(range(0, 200, 20))
    assert {(row["runId"], row["batchId"], row["flowId"], row["mappingVersion"]) for row in rejected} == {
        ("run1", "batch1", "flow", 1)
    }
    batch = world.database.batches.get(SCOPE, "batch1")
    assert batch.status is BatchStatus.SUCCESS
    assert batch.tags["acp_partialIngestionPercent"] == ("5",)
    assert batch.tags["acp_enableErrorDiagnostics"] == ("true",)
    assert batch.errors == (
        {
            "code": "INGEST-1212-400",
            "description": "10 rows failed, 190 rows were ingested. See the diagnostic files.",
        },
        {"code": "INGEST-1555-400", "description": "n: not wanted", "recordCount": 10},
    )


def test_above_the_threshold_nothing_is_published_and_the_rejects_are_kept(tmp_path: Path) -> None:
    world = World(tmp_path, Numbers(rows=199), Doubling(reject_every=20), tolerated_percent=5)
    run = world.executed()
    assert (run.state, run.errors[0].code) == (RunState.FAILED, "rejected-above-threshold")
    assert "10 of 199" in run.errors[0].message
    assert (run.counts.written, run.counts.rejected) == (0, 10)
    assert world.landed() == []
    assert len(world.quarantined()) == 10
    assert world.files() == set()
    batch = world.database.batches.get(SCOPE, "batch1")
    assert (batch.status, batch.metrics["failedRecordCount"]) == (BatchStatus.FAILED, 199)
    assert [error["code"] for error in batch.errors] == [
        "rejected-above-threshold",
        "INGEST-1212-400",
        "INGEST-1555-400",
    ]


def test_without_partial_ingestion_one_rejected_row_is_too_many(tmp_path: Path) -> None:
    world = World(tmp_path, Numbers(rows=100), Doubling(reject_every=100))
    assert world.executed().state is RunState.FAILED
    assert [error["code"] for error in world.database.batches.get(SCOPE, "batch1").errors] == [
        "rejected-above-threshold",
        "INGEST-1211-400",
    ]


def test_a_lost_row_fails_the_run_rather_than_be_hidden(tmp_path: Path) -> None:
    world = World(tmp_path, Numbers(rows=100), Doubling(lose_one=True))
    run = world.executed()
    assert (run.state, run.errors[0].code, world.landed()) == (RunState.FAILED, "counts-unbalanced", [])


def test_a_source_that_recovers_costs_nothing_but_time(tmp_path: Path) -> None:
    failures = iter([SourceUnavailable("busy"), None, Throttled("slow down", retry_after_s=7), None, None])

    def hook(_: str) -> None:
        error = next(failures, None)
        if error:
            raise error

    world = World(tmp_path, Numbers(hook=hook))
    assert world.executed().state is RunState.SUCCESS
    assert world.landed() == list(range(1000))
    assert sum(world.slept) >= 7
    assert world.files() == set()


def test_patience_ends_and_begins_anew_with_each_recorded_part(tmp_path: Path) -> None:
    calls = 0

    def every_fifth_fails(_: str) -> None:
        nonlocal calls
        calls += 1
        if calls % 5 == 0:
            raise SourceUnavailable("busy")

    # More failures than tries in all, but always a part in between.
    world = World(tmp_path, Numbers(splits=1, hook=every_fifth_fails))
    assert world.executed().state is RunState.SUCCESS
    assert len(world.slept) > 4
    assert world.landed() == list(range(1000))


@pytest.mark.parametrize(
    ("error", "pauses"), [(BadCredentials("no", advice="Renew the key."), 0), (SourceUnavailable("down"), 3)]
)
def test_a_source_that_stays_away_fails_the_run_with_its_code(tmp_path: Path, error: Exception, pauses: int) -> None:
    def hook(place: str) -> None:
        raise error

    world = World(tmp_path, Numbers(hook=hook))
    run = world.executed()
    assert (run.state, run.errors[0].code) == (RunState.FAILED, getattr(error, "code", None))
    assert len(world.slept) == pauses
    dataset = world.database.datasets.get(SCOPE, "dataset")
    assert (dataset.last_batch_status, dataset.last_failed_batch) == ("failed", "batch1")


def test_a_defect_fails_the_run_without_telling_its_text(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    def hook(place: str) -> None:
        if place == "batch":
            raise ValueError("secret value")

    world = World(tmp_path, Numbers(hook=hook))
    run = world.executed()
    assert (run.state, run.errors[0].code) == (RunState.FAILED, "internal")
    assert "secret" not in run.errors[0].message
    assert "ValueError" in caplog.text
    assert world.files() == set()


def test_a_run_waits_for_the_earlier_ones_of_its_flow(tmp_path: Path) -> None:
    world = World(tmp_path, Numbers(rows=10))
    world.add_run(1)
    world.add_run(2)
    first = world.execution

    def meanwhile(_: float) -> None:
        first.execute("run1", AtOnce())

    second = replace(world.execution, patience=replace(world.execution.patience, sleep=meanwhile))
    second.execute("run2", AtOnce())
    assert (world.run(1).state, world.run(2).state) == (RunState.SUCCESS, RunState.SUCCESS)
    assert world.run(1).completed_at <= world.run(2).started_at  # type: ignore[operator]
    assert len(world.landed()) == 20


def test_a_mapped_column_that_the_source_does_not_show_is_noted_in_the_plan(tmp_path: Path) -> None:
    world = World(tmp_path, Numbers(rows=10), Doubling(source_columns=("n", "gone")))
    assert world.executed().state is RunState.SUCCESS
    plan = world.database.progress.plan("run1")
    assert (plan["columns"], plan["absent"], len(plan["splits"])) == (["n", "gone"], ["gone"], 3)


def test_a_run_whose_flow_is_gone_fails_and_says_so(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.database.flows.delete(world.database.flows.get(SCOPE, "flow"))
    run = world.executed()
    assert (run.state, run.errors[0].code) == (RunState.FAILED, "not-found")
    assert world.database.batches.get(SCOPE, "batch1").status is BatchStatus.FAILED


def test_a_table_of_another_type_fails_the_run_before_anything_is_read(tmp_path: Path) -> None:
    world = World(tmp_path)
    dataset = world.database.datasets.get(SCOPE, "dataset")
    world.lake.prepare(dataset.table, pa.schema([("n", pa.string())]))
    run = world.executed()
    assert (run.state, run.errors[0].code, world.source.opened) == (RunState.FAILED, "lake", 0)


def test_a_waiting_run_takes_no_place_from_another_flow(tmp_path: Path) -> None:
    world = World(tmp_path, Numbers(rows=10), stopping=lambda: bool(world.slept))
    world.add_run(1)
    world.add_run(2)
    execution = world.execution
    with pytest.raises(Interrupted):
        execution.execute("run2", AtOnce())
    assert all(execution.places.acquire(blocking=False) for _ in range(4))
