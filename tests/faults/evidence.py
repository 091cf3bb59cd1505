"""What a home holds once all is done: store, lake and files, read without the service."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa
import sqlalchemy as sa
from deltalake import DeltaTable

from tests.faults.front import SECRET
from tests.faults.oracle import Ended, Kept, Landed, Oracle

_COUNTS = ("read", "rejected", "superseded", "written")


@dataclass(frozen=True)
class Evidence:
    """Of one home."""

    home: Path
    log: Path
    database_url: str

    def faults(self, oracle: Oracle, *, unswept: bool = False) -> Iterator[str]:
        """Everything that is not as it has to be, in words; nothing if all is well.

        `unswept`: files of failed runs may lie there still, for nobody could remove them.
        """
        yield from _differing("dataset", oracle.rows, self.rows)
        certain = [kept for kept in self.kept if kept[0] not in oracle.cut_off]
        yield from _differing("quarantine", oracle.kept, certain)
        if more := Counter(self.kept) - Counter(certain) - Counter(oracle.perhaps_kept):
            yield f"quarantine has {more.total()} rows too many of runs that failed, such as {next(iter(more))}"
        if len(self.runs) != len(oracle.ended):
            yield f"there are {len(self.runs)} runs, not {len(oracle.ended)}"
        for run, ended in zip(self.runs, oracle.ended, strict=False):
            yield from (f"run {ended.number}: {fault}" for fault in self._of_run(run, ended))
        yield from (f"a run was left {state}" for state in self._left_behind())
        yield from (f"a file that nothing refers to: {path}" for path in self._orphans(unswept=unswept))
        yield from (f"a secret is in {path}" for path in self._telling())

    @cached_property
    def runs(self) -> list[dict[str, Any]]:
        """Their documents, in order."""
        return sorted(self._documents("runs"), key=lambda run: run["number"])

    @cached_property
    def rows(self) -> list[Landed]:
        """Those of the dataset."""
        found = []
        for row in self._rows(""):
            (values,) = (
                value
                for name, value in row.items()
                if name.startswith("_") and isinstance(value, dict) and name != "_flowservice"
            )
            batch = row["_flowservice"]["batchId"]
            found.append((self._numbers.get(batch, -1), row["_id"], values["row"], values["name"], values["age"]))
        return found

    @cached_property
    def kept(self) -> list[Kept]:
        """Those in quarantine."""
        return [
            (self._numbers.get(row["batchId"], -1), json.loads(row["row"])["RowKey"], row["code"])
            for row in self._rows("-quarantine")
        ]

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {run["batch_id"]: run["number"] for run in self.runs}

    @cached_property
    def _batches(self) -> dict[str, dict[str, Any]]:
        return {batch["run_id"]: batch for batch in self._documents("batches")}

    def _of_run(self, run: dict[str, Any], ended: Ended) -> Iterator[str]:
        counts = run["counts"]
        if run["state"] != ended.state:
            told = [f"{error['code']}: {error['message']}" for error in run["errors"]]
            yield f"it is {run['state']}, not {ended.state} {told}"
        if ended.undoes is None and run["state"] != "failed":
            yield from (
                f"{counts[name]} {name}, not {getattr(ended, name)}"
                for name in _COUNTS
                if counts[name] != getattr(ended, name)
            )
            if counts["read"] != sum(counts[name] for name in ("filtered", "rejected", "superseded", "written")):
                yield f"its counts do not add up: {counts}"
        yield from self._of_errors(run["errors"], ended)
        for relation in ("undoes", "replays"):
            other = None if run[relation] is None else self._numbers_by_id[run[relation]]
            if other != getattr(ended, relation):
                yield f"it {relation} {other}, not {getattr(ended, relation)}"
        if ended.window is not None and run["window"] is not None:
            bounds = tuple(
                run["window"][side] and datetime.fromisoformat(run["window"][side]) for side in ("start", "end")
            )
            if bounds != ended.window:
                yield f"its window is {bounds}, not {ended.window}"
        yield from self._of_batch(run)

    @cached_property
    def _numbers_by_id(self) -> dict[str, int]:
        return {run["id"]: run["number"] for run in self.runs}

    def _of_errors(self, errors: Sequence[dict[str, str]], ended: Ended) -> Iterator[str]:
        codes = [error["code"] for error in errors]
        if codes[:1] != ([ended.error] if ended.error else []):
            yield f"its errors are {codes}, not {ended.error}"
        for error in errors:
            if not (error["code"] and error["message"] and error["advice"]) or error["code"] == "internal":
                yield f"an error does not say what, why and what to do: {error}"

    def _of_batch(self, run: dict[str, Any]) -> Iterator[str]:
        batch = self._batches.get(run["id"])
        if batch is None:
            yield "it has no batch"
            return
        wanted = "failed" if run["state"] == "failed" else "inactive" if run["undone_by"] else "success"
        if batch["status"] != wanted:
            yield f"its batch is {batch['status']}, not {wanted}"

    def _left_behind(self) -> Iterator[str]:
        schema = "dbos." if self.database_url.startswith("postgresql") else ""
        for (status,) in self._queried(f"SELECT status FROM {schema}workflow_status"):
            if status != "SUCCESS":
                yield str(status)

    def _orphans(self, *, unswept: bool) -> Iterator[str]:
        """Of the service's own. What a merge wrote that was overtaken before its commit, vacuuming removes."""
        left = tuple(f"run={run['id']}/" for run in self.runs if unswept and run["state"] == "failed")
        for table in (*self._tables(""), *self._tables("-quarantine")):
            known = _known(table)
            for file in table.glob("run=*/**/*"):
                name = file.relative_to(table).as_posix()
                if file.is_file() and name not in known and not name.startswith(left):
                    yield f"{table.name}/{name}"

    def _telling(self) -> Iterator[Path]:
        for path in (*self.home.rglob("*"), self.log):
            if path.is_file() and SECRET.encode() in path.read_bytes():
                yield path

    def _tables(self, suffix: str) -> list[Path]:
        logs = (self.home / "lake").glob("*/*/_delta_log")
        return [log.parent for log in logs if log.parent.name.endswith("-quarantine") == bool(suffix)]

    def _rows(self, suffix: str) -> Iterator[dict[str, Any]]:
        for table in self._tables(suffix):
            yield from pa.table(DeltaTable(str(table)).to_pyarrow_table()).to_pylist()

    def _documents(self, table: str) -> list[dict[str, Any]]:
        found = self._queried(f"SELECT document FROM {table}")
        return [json.loads(row[0]) if isinstance(row[0], str) else row[0] for row in found]

    def _queried(self, query: str) -> Sequence[Any]:
        url = sa.make_url(self.database_url)
        if url.get_backend_name() == "postgresql":
            url = url.set(drivername="postgresql+psycopg")
        engine = sa.create_engine(url, poolclass=sa.NullPool)
        with engine.connect() as connection:
            return connection.execute(sa.text(query)).all()


def _known(table: Path) -> set[str]:
    """Files that the table has, and those that earlier versions of it had."""
    open_table = DeltaTable(str(table))
    known = set(pa.table(open_table.get_add_actions(flatten=True)).column("path").to_pylist())
    for entry in (table / "_delta_log").glob("*.json"):
        for line in entry.read_text().splitlines():
            action = json.loads(line)
            known |= {action[kind]["path"] for kind in ("add", "remove") if kind in action}
    return known


def _differing(what: str, wanted: Sequence[Any], found: Sequence[Any]) -> Iterator[str]:
    lost, more = Counter(wanted) - Counter(found), Counter(found) - Counter(wanted)
    if lost:
        yield f"{what} lacks {lost.total()} of {len(wanted)} rows, such as {next(iter(lost))}"
    if more:
        yield f"{what} has {more.total()} rows too many, such as {next(iter(more))}"
