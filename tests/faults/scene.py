"""A server that is killed while runs land one table, and what must be true of each run afterwards."""

import shutil
import sqlite3
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import polars as pl
import pyarrow as pa
from deltalake import DeltaTable
from pydantic import TypeAdapter

from demo.comparison import compared, customer
from demo.tables import TableAccount, stored
from demo.tutorial import CUSTOMERS, Tutorial
from flowservice.domain.dataset import Batch
from flowservice.domain.run import Run
from flowservice.domain.staging import SplitProgress
from tests.live import Server

TABLE: Final = "faultcustomers"
ROWS: Final = 20_000
PART_ROWS: Final = 3_000
"""Below what the connector hands over at a time, so that each of its batches is a part, recorded for itself."""

_RUN: Final = TypeAdapter(Run)
_BATCH: Final = TypeAdapter(Batch)
_SPLIT: Final = TypeAdapter(SplitProgress)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What the control store knew of a flow at some moment."""

    runs: tuple[Run, ...]
    batches: tuple[Batch, ...]
    splits: tuple[SplitProgress, ...]

    @property
    def state(self) -> str:
        """The state of the newest run."""
        return self.runs[-1].state.value if self.runs else "due"

    @property
    def parts(self) -> int:
        """How many parts were recorded."""
        return sum(staged.data is not None for split in self.splits for staged in split.staged)

    @property
    def rows(self) -> int:
        """How many rows they hold: where the next process reads on."""
        return sum(staged.counts.read for split in self.splits for staged in split.staged)

    @property
    def ranges(self) -> int:
        """In how many the table was read, those included that one took from another."""
        return len(self.splits)

    @property
    def attempts(self) -> int:
        """How often a process began to read."""
        return sum(split.attempt for split in self.splits)


@dataclass(slots=True, kw_only=True)
class Scene:
    """One home, one source table; every run lands it in a dataset of its own."""

    server: Server
    connection_string: str
    endpoint: str
    tutorial: Tutorial = field(init=False)
    run_s: float = field(init=False)
    """From the creation to the end of a run that nobody disturbed."""
    start_s: float = field(init=False)
    _reference: pl.DataFrame = field(init=False)
    _ids: tuple[str, str, str, str] = field(init=False)
    """Source connection, schema, tenant's namespace, mapping set."""
    _flows: int = 0

    def prepare(self) -> None:
        """Start, make what all flows share, and land the table once without a kill."""
        self.start_s = self._started_within()
        self.tutorial = Tutorial(url=self.server.url, credentials=self.server.credentials())
        self.tutorial.sign_in()
        source_id = self.tutorial.source(self.tutorial.connect(self.connection_string), TABLE)
        schema_id, tenant = self.tutorial.schema(CUSTOMERS)
        self._ids = source_id, schema_id, tenant, self.tutorial.mapping(CUSTOMERS, schema_id, tenant)
        dataset_id, flow_id = self.begun()
        run = self.tutorial.ended_run(flow_id)
        self.run_s = (run["metrics"]["durationSummary"]["completedAtUTC"] - run["createdAt"]) / 1000
        assert self.seen(flow_id).ranges > 1, "no range was taken from another"
        self._reference = self._landed(dataset_id)
        self._check_reference(tenant)

    def begun(self) -> tuple[str, str]:
        """A new dataset and a flow that lands the table in it, due at once."""
        self._flows += 1
        source_id, schema_id, _, mapping_id = self._ids
        dataset_id = self.tutorial.dataset(f"customers {self._flows}", schema_id)
        target_id = self.tutorial.target(dataset_id, schema_id)
        return dataset_id, self.tutorial.flow(f"flow {self._flows}", source_id, target_id, mapping_id)

    def close(self) -> None:
        """Stop the server."""
        self.tutorial.http.close()
        if self.server.process is not None and self.server.process.poll() is None:
            assert self.server.stop() == 0

    def wait_for_ranges(self, flow_id: str, ranges: int) -> None:
        """Until the flow's table is read in so many ranges, or its run has read it all."""
        query = "SELECT count(*) FROM splits WHERE run_id IN (SELECT id FROM runs WHERE flow_id = ?)"
        done = "SELECT count(*) FROM runs WHERE flow_id = ? AND state NOT IN ('scheduled', 'inProgress')"
        file = f"file:{self.server.home / 'flowservice.db'}?mode=ro"
        with closing(sqlite3.connect(file, uri=True)) as store:
            deadline = time.monotonic() + 30
            while store.execute(query, (flow_id,)).fetchone()[0] < ranges and time.monotonic() < deadline:
                if store.execute(done, (flow_id,)).fetchone()[0]:
                    return
                time.sleep(0.002)

    def restarted(self) -> None:
        """Start the server again, on the same port."""
        self._started_within()

    def killed(self) -> None:
        """Kill the server at once."""
        assert self.server.kill() == -9

    def seen(self, flow_id: str) -> Seen:
        """What the control store of the killed server holds. Works on a copy: the next process meets what was left."""
        with self._copied_store() as store:
            runs = tuple(_documents(store, _RUN, "SELECT document FROM runs WHERE flow_id = ?", flow_id))
            ids = [run.id for run in runs]
            return Seen(
                runs=runs,
                batches=tuple(
                    batch for batch in _documents(store, _BATCH, "SELECT document FROM batches") if batch.run_id in ids
                ),
                splits=tuple(
                    _SPLIT.validate_python({**split, "attempt": attempt})
                    for run_id in ids
                    for split, attempt in _splits(store, run_id)
                ),
            )

    def check(self, dataset_id: str, flow_id: str) -> Any:
        """The flow had one run, it landed exactly the source's rows and left nothing else behind. Returns the run."""
        run = self.tutorial.ended_run(flow_id, within_s=60)
        status = run["metrics"]["statusSummary"]
        assert (status["status"], status["errors"]) == ("success", [])
        records = run["metrics"]["recordSummary"]
        assert (records["inputRecordCount"], records["outputRecordCount"]) == (ROWS, ROWS)
        landed = self._landed(dataset_id)
        assert landed.height == ROWS
        assert landed.equals(self._reference)
        self._wait_for_sweep(dataset_id)
        seen = self.seen(flow_id)
        assert [one.id for one in seen.runs] == [run["id"]]
        assert [batch.status.value for batch in seen.batches] == ["success"]
        return run

    def _started_within(self) -> float:
        started = time.monotonic()
        self.server.start()
        return time.monotonic() - started

    def _table(self, dataset_id: str) -> DeltaTable:
        (path,) = (self.server.home / "lake").glob(f"*/{dataset_id}")
        return DeltaTable(str(path))

    def _landed(self, dataset_id: str) -> pl.DataFrame:
        rows = pa.table(self._table(dataset_id).to_pyarrow_table()).drop_columns(["_flowservice"])
        frame = pl.from_arrow(rows)
        assert isinstance(frame, pl.DataFrame)
        return frame.sort("_id")

    def _check_reference(self, tenant: str) -> None:
        """The undisturbed run landed what is stored at the source, by the published rules."""
        expected = (customer(entity, tenant) for entity in stored(TableAccount(endpoint=self.endpoint), TABLE))
        query = f'SELECT * FROM "customers {self._flows}"'
        rows = map(TypeAdapter(dict[str, Any]).validate_json, self._sql(query))
        verdict = compared(expected, rows, "_id")
        assert verdict.is_equal, verdict
        assert verdict.source == ROWS

    def _sql(self, query: str) -> Sequence[str]:
        return self.server.run("sql", "--format", "ndjson", query).splitlines()

    def _wait_for_sweep(self, dataset_id: str) -> None:
        """A run is swept after it has ended."""
        deadline = time.monotonic() + 10
        while orphans := self._orphans(dataset_id):
            assert time.monotonic() < deadline, f"files that nothing refers to: {orphans}"
            time.sleep(0.05)

    def _orphans(self, dataset_id: str) -> set[str]:
        table = self._table(dataset_id)
        folder = Path(table.table_uri.removeprefix("file://"))
        files = {path.relative_to(folder).as_posix() for path in folder.glob("run=*/**/*") if path.is_file()}
        return files - set(pa.table(table.get_add_actions(flatten=True)).column("path").to_pylist())

    @contextmanager
    def _copied_store(self) -> Iterator[sqlite3.Connection]:
        with tempfile.TemporaryDirectory() as folder:
            for suffix in ("", "-wal"):
                original = self.server.home / f"flowservice.db{suffix}"
                if original.exists():
                    shutil.copy(original, folder)
            with closing(sqlite3.connect(Path(folder) / "flowservice.db")) as store:
                yield store


def _documents(store: sqlite3.Connection, adapter: TypeAdapter[Any], query: str, *values: str) -> Iterator[Any]:
    for (document,) in store.execute(query, values):
        yield adapter.validate_json(document)


def _splits(store: sqlite3.Connection, run_id: str) -> Iterator[tuple[dict[str, Any], int]]:
    decode = TypeAdapter(dict[str, Any]).validate_json
    for document, attempt in store.execute("SELECT document, attempt FROM splits WHERE run_id = ?", (run_id,)):
        yield decode(document), attempt
