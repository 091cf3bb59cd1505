"""Files of batches: who waits for whom while files are made."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event

import pyarrow as pa
import pytest

from flowservice.adapters.delta import DeltaFiles, DeltaLake, Folder
from flowservice.domain.dataset import Batch, BatchStatus, Dataset, SchemaRef, TableRef
from flowservice.domain.identity import Caller
from flowservice.domain.resource import Stamp
from flowservice.errors import LakeUnavailable, NotFound
from flowservice.ports.database import Database
from flowservice.ports.lake import Marked, StoredFile
from flowservice.service.batch_files import BatchFiles, file_id
from flowservice.service.masking import Masking
from tests.service.conftest import NOON

SYSTEM = pa.struct([("batchId", pa.string()), ("ingestedAt", pa.timestamp("us", "UTC"))])
SCHEMA = pa.schema([("n", pa.int64()), ("_flowservice", SYSTEM)])


@dataclass(frozen=True, slots=True)
class Slow(DeltaFiles):
    """Begins to make a file, and goes on when it may."""

    begun: Event = field(default_factory=Event)
    may: Event = field(default_factory=Event)

    def make(
        self,
        table: TableRef,
        path: str,
        paths: Sequence[str],
        rows: Marked,
        *,
        schema: pa.Schema,
        change: Callable[[pa.Table], pa.Table],
    ) -> StoredFile:
        self.begun.set()
        assert self.may.wait(30)
        return DeltaFiles.make(self, table, path, paths, rows, schema=schema, change=change)


@pytest.fixture
def lake(tmp_path: Path) -> DeltaLake:
    return DeltaLake(Folder(tmp_path / "lake"))


@pytest.fixture
def dataset(database: Database, caller: Caller, lake: DeltaLake) -> Dataset:
    """A dataset whose one file has a row of each of two batches."""
    schema = SchemaRef(id="x", content_type="x")
    dataset = Dataset(id="d1", stamp=Stamp.first(caller, at=NOON), name="rows", view_id="v1", schema_ref=schema)
    database.datasets.add(dataset)
    for number, batch in enumerate(("B1", "B2")):
        database.batches.add(
            Batch(
                id=batch,
                stamp=Stamp.first(caller, at=NOON),
                dataset_id="d1",
                flow_id="f",
                run_id=f"r{number}",
                status=BatchStatus.SUCCESS,
            )
        )
    lake.prepare(dataset.table, SCHEMA)
    writer = lake.writer(dataset.table, "shared.parquet", SCHEMA)
    rows = [{"n": at, "_flowservice": {"batchId": f"B{at}", "ingestedAt": NOON}} for at in (1, 2)]
    writer.write(pa.Table.from_pylist(rows, SCHEMA))
    assert lake.commit(dataset.table, [writer.close()], app_id="f", number=1, note={})
    return dataset


def of(database: Database, lake: DeltaLake, files: DeltaFiles, *, patience_s: float = 30.0) -> BatchFiles:
    masking = Masking(database=database, labels=frozenset())
    return BatchFiles(database=database, lake=lake, files=files, masking=masking, patience_s=patience_s)


def test_files_are_made_one_at_a_time_and_nobody_waits_for_ever(
    database: Database, caller: Caller, lake: DeltaLake, dataset: Dataset
) -> None:
    slow = Slow(lake.storage)
    service = of(database, lake, slow, patience_s=0.05)
    with ThreadPoolExecutor(1) as other:
        first = other.submit(service.of_batch, caller, "B1")
        assert slow.begun.wait(30)
        with pytest.raises(LakeUnavailable, match="other files are being made"):
            service.of_batch(caller, "B2")
        slow.may.set()
        _, (made,) = first.result()
    assert (made.rows, made.id) == (1, file_id("B1", made.name))
    assert [file.rows for file in service.of_batch(caller, "B2")[1]] == [1]


def test_a_table_that_is_gone_has_no_files(
    database: Database, caller: Caller, lake: DeltaLake, dataset: Dataset
) -> None:
    service = of(database, lake, DeltaFiles(lake.storage))
    _, (made,) = service.of_batch(caller, "B1")
    content = service.content(caller, made.id, made.name)
    assert len(b"".join(content.read(0, content.size_bytes))) == made.size_bytes
    lake.remove(dataset.table)
    assert service.of_batch(caller, "B1") == (dataset, [])
    with pytest.raises(NotFound):
        service.content(caller, made.id, made.name)


@pytest.mark.parametrize("status", [one for one in BatchStatus if one is not BatchStatus.SUCCESS])
def test_a_batch_that_has_not_landed_has_no_files(
    database: Database, caller: Caller, lake: DeltaLake, dataset: Dataset, status: BatchStatus
) -> None:
    stamp = Stamp.first(caller, at=NOON)
    batch = Batch(id="B3", stamp=stamp, dataset_id="d1", flow_id="f", run_id="r3", status=status)
    database.batches.add(batch)
    service = of(database, lake, DeltaFiles(lake.storage))
    assert service.of_batch(caller, "B3") == (dataset, ())
    with pytest.raises(NotFound):
        service.one(caller, file_id("B3", "0-1-0.parquet"))
