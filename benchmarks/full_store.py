"""A control store with 10,000 flows and 1,000,000 runs, written past the API.

Each row is what the store itself would write. Rendering a million of them takes minutes, so a few runs are rendered by
the store, with marks for all that differs between runs, and the rows are filled in from those.
"""

import json
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any, Final, TypeVar

import psycopg
import sqlalchemy as sa
from psycopg import sql

from flowservice.adapters.sql import tables
from flowservice.adapters.sql.resources import SqlStore
from flowservice.app import App
from flowservice.domain.flow import Endpoint, Flow, LastRun, Transformation
from flowservice.domain.identity import Caller
from flowservice.domain.resource import SpecRef, Stamp
from flowservice.domain.run import Counts, Run, RunError, RunState, Tally
from flowservice.domain.schedule import Frequency, Schedule
from flowservice.settings import Settings

T = TypeVar("T")

FLOWS: Final = 10_000
RUNS: Final = 1_000_000
FIRST: Final = datetime(2024, 1, 1, tzinfo=UTC)
_APART: Final = timedelta(minutes=1)
_AT_ONCE: Final = 20_000
_CACHE_KB: Final = 1_500_000

# Numbers that nothing else in a rendered run has.
_READ, _WRITTEN, _REJECTED, _INPUT, _OUTPUT = 7_700_001, 7_700_002, 7_700_003, 7_700_004, 7_700_005
_MARKED: Final = datetime(2011, 11, 11, 11, 11, 11, tzinfo=UTC)
_AFTER_S: Final = {"created": 0, "started": 2, "has_read": 30, "ended": 36}
"""Seconds after its creation that a run comes to each point."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What is in the store."""

    flows: Sequence[Flow]
    run_ids: Sequence[str]


def fill(settings: Settings, *, runs: int = RUNS) -> Scene:
    """Prepare a home and write the flows and so many runs."""
    app = App(settings)
    app.prepare()
    org = app.database.tenancy.orgs()[0]
    caller = app.identity.itself(app.database.tenancy.sandbox(org.id, "prod").scope)
    flows = [_flow(caller, number) for number in range(FLOWS)]
    run_ids = [_uuid("run", number) for number in range(runs)]
    engine = app.database.engine
    indexes = [index for table in (tables.runs, tables.runs_search) for index in table.indexes]
    for index in indexes:
        index.drop(engine)
    _write(engine, tables.flows, (app.database.flows.new_row(flow) for flow in flows))
    assert app.database.flows.search is not None
    _write(engine, tables.flows_search, (app.database.flows.search.new_row(flow) for flow in flows))
    _write(engine, tables.runs, _rows(app.database.runs, caller, flows, run_ids, search=False))
    _write(engine, tables.runs_search, _rows(app.database.runs, caller, flows, run_ids, search=True))
    with engine.begin() as connection:
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql(f"PRAGMA cache_size = {-_CACHE_KB}")
        for index in indexes:
            index.create(connection)
    if engine.dialect.name == "postgresql":
        # As the server does by itself within a minute of such a load.
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(sa.text("VACUUM ANALYZE"))
    engine.dispose()
    return Scene(flows=flows, run_ids=run_ids)


def size_mb(settings: Settings) -> float:
    """What the store takes on disk."""
    engine = App(settings).database.engine
    if engine.dialect.name == "sqlite":
        return Path(str(engine.url.database)).stat().st_size / 1e6
    with engine.connect() as connection:
        return float(connection.execute(sa.text("SELECT pg_database_size(current_database())")).scalar_one()) / 1e6


def created_ms(number: int) -> int:
    """When the `number`th run was created."""
    return round((FIRST + number * _APART).timestamp() * 1000)


def state_of(number: int) -> RunState:
    """3 % of the runs failed and 7 % are partial; twenty run."""
    if number % 50_000 == 7:
        return RunState.IN_PROGRESS
    share = number * 7_919 % 100
    return RunState.FAILED if share < 3 else RunState.PARTIAL_SUCCESS if share < 10 else RunState.SUCCESS


def counts_of(number: int) -> tuple[int, int]:
    """Rows read and rejected."""
    state = state_of(number)
    if state in {RunState.IN_PROGRESS, RunState.FAILED}:
        return 0, 0
    return number * 31 % 100_003 + 100, number % 97 + 1 if state is RunState.PARTIAL_SUCCESS else 0


def _uuid(kind: str, number: int) -> str:
    bits = random.Random(f"{kind} {number}").getrandbits(128)
    text = f"{bits:032x}"
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-8{text[17:20]}-{text[20:]}"


def _flow(caller: Caller, number: int) -> Flow:
    at = FIRST - timedelta(seconds=FLOWS - number)
    spec = SpecRef(id=_uuid("connection spec", number % 20))
    return Flow(
        id=_uuid("flow", number),
        stamp=Stamp.first(caller, at=at),
        name=f"flow {number:05d}",
        description=f"brings table {number} to the lake, each day, for department {number % 50}",
        flow_spec=SpecRef(id=_uuid("flow spec", number % 5)),
        source=Endpoint(
            id=_uuid("source", number), spec=spec, base_connection_id=_uuid("base", number % 100), base_spec=spec
        ),
        target=Endpoint(id=_uuid("target", number % 1_000), spec=SpecRef(id=_uuid("lake", 0))),
        schedule=Schedule(frequency=Frequency.ONCE, start_at=at),
        schedule_sent={"startTime": str(int(at.timestamp())), "frequency": "once"},
        transformations=(
            Transformation(
                name="Mapping", params={"mappingId": _uuid("mapping", number % 5_000)[:32], "mappingVersion": 0}
            ),
        ),
        options={"errorDiagnosticsEnabled": number % 2 == 0, "partialIngestionPercent": number % 10},
        runs_started=RUNS // FLOWS,
        last_run=LastRun(id=_uuid("run", number), state="success", started_at=at, completed_at=at),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Template:
    """A rendered row with marks; each becomes a value of its own."""

    row: Mapping[str, Any]
    texts: Mapping[str, str]

    def filled(self, values: Mapping[str, Any]) -> dict[str, Any]:
        row = dict(self.row)
        for name, text in self.texts.items():
            row[name] = text % values
        return row


def _rows(
    store: SqlStore[Run], caller: Caller, flows: Sequence[Flow], run_ids: Sequence[str], *, search: bool
) -> Iterator[dict[str, Any]]:
    templates = {state: _template(store, caller, state, search=search) for state in RunState}
    for number, run_id in enumerate(run_ids):
        state = state_of(number)
        read, rejected = counts_of(number)
        at = FIRST + number * _APART
        flow = flows[number * 7 % FLOWS]
        values: dict[str, Any] = {
            "id": run_id,
            "flow": flow.id,
            "spec": flow.flow_spec.id,
            "source": flow.source.id,
            "target": flow.target.id,
            "batch": f"01{number:024d}",
            "read": read,
            "written": read - rejected,
            "rejected": rejected,
            "input": read * 310,
            "output": (read - rejected) * 57,
            **{f"{name}_at": _iso(at + timedelta(seconds=after)) for name, after in _AFTER_S.items()},
            **{f"{name}_ms": created_ms(number) + after * 1000 for name, after in _AFTER_S.items()},
        }
        row = templates[state].filled(values)
        own: dict[str, Any] = {"id": run_id, "flow_id": flow.id, "created_at_ms": values["created_ms"]}
        if search:
            started = {"started_at_ms": values["started_ms"]}
            counted = {"records_read": read, "records_written": read - rejected, "records_rejected": rejected}
            own |= started | counted
        else:
            own["updated_at_ms"] = values["created_ms" if state is RunState.IN_PROGRESS else "ended_ms"]
        yield row | own


def _template(store: SqlStore[Run], caller: Caller, state: RunState, *, search: bool) -> _Template:
    def at(name: str) -> datetime:
        return _MARKED + timedelta(seconds=_AFTER_S[name])

    stamp = Stamp.first(caller, at=at("created"))
    ended = state not in {RunState.SCHEDULED, RunState.IN_PROGRESS}
    partly = state is RunState.PARTIAL_SUCCESS
    run = Run(
        id="@id@",
        stamp=replace(stamp, updated=replace(stamp.updated, at=at("ended" if ended else "created")), revision=4),
        flow_id="@flow@",
        flow_spec=SpecRef(id="@spec@"),
        source_connection_id="@source@",
        target_connection_id="@target@",
        dataset_id="66" * 12,
        number=1,
        batch_id="@batch@",
        state=state,
        started_at=at("started"),
        read_completed_at=at("has_read") if ended else None,
        completed_at=at("ended") if ended else None,
        counts=Counts(
            read=_READ, written=_WRITTEN, rejected=_REJECTED, input_bytes=_INPUT, output_bytes=_OUTPUT, output_files=1
        ),
        rejections=(Tally(code="MAPPER-3700-400", field="birthDate", message="is no date", count=_REJECTED),)
        if partly
        else (),
        errors=(RunError(code="source-unreachable", message="the host did not answer", advice="Try again."),)
        if state is RunState.FAILED
        else (),
    )
    assert store.search is not None
    row = store.search.new_row(run) if search else store.new_row(run)
    if search:
        texts = {"numbers": row["numbers"], "texts": row["texts"]}
    else:
        texts = {"document": json.dumps(row["document"], separators=(",", ":"))}
    marks = {f"@{name}@": name for name in ("id", "flow", "spec", "source", "target", "batch")}
    marks |= {str(_READ): "read", str(_WRITTEN): "written", str(_REJECTED): "rejected"}
    marks |= {str(_INPUT): "input", str(_OUTPUT): "output"}
    marks |= {_iso(at(name)): f"{name}_at" for name in _AFTER_S}
    marks |= {str(round(at(name).timestamp() * 1000)): f"{name}_ms" for name in _AFTER_S}
    for name, text in texts.items():
        escaped = text.replace("%", "%%")
        for mark, value in marks.items():
            escaped = escaped.replace(mark, f"%({value})s")
        texts[name] = escaped
    return _Template(row=row, texts=texts)


def _iso(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


def _write(engine: sa.Engine, table: sa.Table, rows: Iterator[dict[str, Any]]) -> None:
    names = [column.name for column in table.columns]
    cells = ([_plain(row[name]) for name in names] for row in rows)
    if engine.dialect.name == "sqlite":
        statement = f"INSERT INTO {table.name} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"
        with engine.begin() as connection:
            # Ids are in no order: with a small cache each row would wait for pages of the index.
            connection.exec_driver_sql(f"PRAGMA cache_size = {-_CACHE_KB}")
            for some in _pieces(cells):
                connection.exec_driver_sql(statement, [tuple(row) for row in some])
        return
    address = engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    copy = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(table.name), sql.SQL(", ").join(map(sql.Identifier, names))
    )
    with psycopg.connect(address) as driver, driver.cursor() as cursor, cursor.copy(copy) as writing:
        for row in cells:
            writing.write_row(row)


def _plain(value: Any) -> Any:
    return json.dumps(value, separators=(",", ":")) if isinstance(value, dict) else value


def _pieces(rows: Iterator[T]) -> Iterator[list[T]]:
    while some := list(islice(rows, _AT_ONCE)):
        yield some
