"""The named points of a run's course: the one table that ties the harness to the code of the service.

Each is before or after a call of something that the service's modules name. Where that moves, this table follows; a
point that a case does not reach although `needs` says that it must is a failure of the harness, not a pass.
"""

from dataclasses import dataclass
from typing import Final, Literal

from tests.faults.modes import Act, Mode

_LAKE: Final = "flowservice.adapters.delta.lake"
_PARTS: Final = "flowservice.adapters.delta.part_file"
_FOLDER: Final = "flowservice.adapters.delta.folder"
_PROGRESS: Final = "flowservice.adapters.sql.progress:SqlProgress"
_LEDGER: Final = "flowservice.engine.ledger:Ledger"
_STEPS: Final = "flowservice.adapters.dbos.runs:DbosSteps.run"
_PUBLICATION: Final = "flowservice.engine.publication:Publication"
_ENGINE: Final = "flowservice.engine.execution:Execution"
_MERGING: Final = "deltalake.table:TableMerger.execute"
_WITHDRAWING: Final = f"{_LAKE}:DeltaLake.withdraw"
_COMMITTING: Final = f"{_LAKE}:DeltaTable.create_write_transaction"


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """Before or after a call of `target`, which is `module:attribute.attribute`."""

    name: str
    target: str
    when: Literal["before", "after"]
    first: int = 1
    """The first call that is meant."""
    many: int = 1
    """So many calls from there on are certain in every case that reaches the point; a seed draws one."""
    needs: frozenset[str] = frozenset()
    """What a mode must have, for the point is reached then, and only then."""
    is_within: bool = False
    """In a transaction of the store, which others have to wait for."""
    act: Act = "run"

    def is_reached_in(self, mode: Mode) -> bool:
        """Whether a case of that mode comes by."""
        return self.needs <= mode.features and self.act == mode.repair


def _around(name: str, target: str, *needs: str, **more: object) -> tuple[Point, Point]:
    """The points before and after a call."""
    needed = frozenset(needs)
    return (
        Point(name=f"before {name}", target=target, when="before", needs=needed, **more),  # type: ignore[arg-type]
        Point(name=f"after {name}", target=target, when="after", needs=needed, **more),  # type: ignore[arg-type]
    )


RUNNING: Final = (
    # due
    *_around("the tick looks", "flowservice.service.due_runs:DueRuns.start"),
    *_around("the run is written", "flowservice.service.launch:Launch.all_queued"),
    *_around("the run is queued", "flowservice.adapters.dbos.runs:DbosRuns.enqueue", is_within=True),
    # start, plan
    *_around("the run starts", f"{_LEDGER}.start"),
    *_around("the table is made", f"{_LAKE}:DeltaLake.prepare"),
    *_around("the source is opened", "flowservice.service.sources:OpenSources.open"),
    *_around("the source plans", "flowservice.connectors.azure_table.source:TableSource.plan"),
    *_around("the plan is stored", f"{_PROGRESS}.keep_plan"),
    *_around("the window is told", f"{_LEDGER}.has_planned"),
    # fetch, decode, map
    *_around(
        "a page is fetched", "flowservice.connectors.azure_table.table_service:TableService.open", first=3, many=4
    ),
    *_around("a page is decoded", "flowservice.connectors.azure_table.table_service:Page.body", first=3, many=4),
    *_around("a batch is made", "flowservice.connectors.azure_table.scan:_Group.of", many=4),
    *_around("rows are selected", "flowservice.engine.split:selected", many=4),
    *_around("rows are mapped", "flowservice.engine.mapping:Mapper.apply", many=4),
    # stage
    *_around("a split begins", f"{_PROGRESS}.begin"),
    *_around("a part is begun", f"{_PARTS}:PartFile.__post_init__", many=3),
    *_around("a part is written", f"{_PARTS}:PartFile.write", many=3),
    *_around("a part is closed", f"{_PARTS}:PartFile.close", many=3),
    *_around("a part is fsynced", f"{_FOLDER}:_flush", many=9),
    *_around("a part is recorded", f"{_PROGRESS}.record", many=3),
    *_around("the run has read", f"{_LEDGER}.has_read"),
    # commit
    *_around("older versions are counted", f"{_LAKE}:DeltaLake.superseded", "publishes upsert"),
    *_around("the newest rows are taken", f"{_LAKE}:DeltaLake._newest", "publishes upsert", first=2),
    *_around("the merge", _MERGING, "publishes upsert"),
    *_around("the upsert", f"{_LAKE}:DeltaLake.upsert", "publishes upsert"),
    *_around("the data commit", _COMMITTING, "publishes append"),
    *_around("the data is published", f"{_LAKE}:DeltaLake.commit", "publishes append"),
    *_around("quarantine is made", f"{_LAKE}:DeltaLake.prepare", "publishes rejects", first=3),
    *_around("the quarantine commit", _COMMITTING, "publishes rejects", "publishes append", first=2),
    *_around("the quarantine commit of an upsert", _COMMITTING, "publishes rejects", "publishes upsert"),
    *_around("the rejects of a failure are kept", "flowservice.engine.publication:Publication.keep_rejects", "fails"),
    # close
    *_around("a step of the run", _STEPS, many=5),
    *_around("the run is closed", f"{_LEDGER}.close"),
    *_around("what is left is swept", f"{_LAKE}:DeltaLake.sweep", many=2),
    *_around("the run is executed", f"{_ENGINE}.execute"),
)
STEALING: Final = (
    # Where reading takes its time.
    *_around("a range is cut", "flowservice.connectors.azure_table.source:TableSource.steal", many=3),
    *_around("a steal is stored", f"{_PROGRESS}.divide"),
)
WRITING: Final = (
    # What the operating system is asked for: there it may refuse.
    *_around("a file is opened", "pyarrow.parquet:ParquetWriter.__init__", many=2),
    *_around("a row group is written", "pyarrow.parquet:ParquetWriter.write_table", many=2),
    *_around("a file is finished", "pyarrow.parquet:ParquetWriter.close", many=2),
    *_around("a file gets its name", f"{_FOLDER}:Path.rename", many=2),
)
UNDOING: Final = (
    *_around("the undo is planned", "flowservice.engine.undoing:Undoing.planned", act="undo"),
    *_around("the plan of the undo is stored", f"{_PROGRESS}.keep_plan", act="undo"),
    *_around("the plan of the undo is told", f"{_LEDGER}.has_planned_undo", act="undo"),
    *_around("the rows are taken back", "flowservice.engine.undoing:Undoing.take_back", act="undo"),
    *_around("the rows are deleted", f"{_LAKE}:DeltaTable.delete", "undo of append", act="undo"),
    *_around("the rows are restored", f"{_LAKE}:DeltaLake.restore", "undo of upsert", act="undo"),
    *_around("the merge of the undo", _MERGING, "undo of upsert", act="undo"),
    *_around("the rejects are deleted", _WITHDRAWING, "undo of rejects", "undo of append", act="undo", first=2),
    *_around("the rejects of an upsert are deleted", _WITHDRAWING, "undo of rejects", "undo of upsert", act="undo"),
    *_around("the change is counted", f"{_LAKE}:DeltaLake.change", act="undo"),
    *_around("a step of the undo", _STEPS, act="undo", many=4),
    *_around("the undo is closed", f"{_LEDGER}.close", act="undo"),
)
_REPLAYING: Final = "flowservice.engine.replaying"
REPLAYING: Final = (
    *_around("the replay is planned", f"{_REPLAYING}:Replaying.planned", act="replay"),
    *_around("the plan of the replay is stored", f"{_PROGRESS}.keep_plan", act="replay"),
    *_around("quarantine is opened", f"{_REPLAYING}:Replaying.rows", act="replay"),
    *_around("lines are read", f"{_REPLAYING}:QuarantinedRows.read", act="replay"),
    *_around("lines are taken", f"{_REPLAYING}:_rows", act="replay"),
    *_around("rows are mapped again", "flowservice.engine.mapping:Mapper.apply", act="replay"),
    *_around("a part of the replay is written", f"{_PARTS}:PartFile.write", act="replay"),
    *_around("a part of the replay is closed", f"{_PARTS}:PartFile.close", act="replay"),
    *_around("a part of the replay is recorded", f"{_PROGRESS}.record", act="replay"),
    *_around("the replay has read", f"{_LEDGER}.has_read", act="replay"),
    *_around("earlier rows are told", f"{_REPLAYING}:Replaying.earlier", act="replay"),
    *_around("the replay is committed", _COMMITTING, "replay of append", act="replay"),
    *_around("the merge of the replay", _MERGING, "replay of upsert", act="replay"),
    *_around("the lines are committed", _COMMITTING, "replay of append", act="replay", first=2),
    *_around("the lines of an upsert are committed", _COMMITTING, "replay of upsert", act="replay"),
    *_around("the replay is published", f"{_PUBLICATION}.publish", act="replay"),
    *_around("what was passed over is counted", f"{_PUBLICATION}.passed_over", act="replay"),
    *_around("a step of the replay", _STEPS, act="replay", many=5),
    *_around("the replay is closed", f"{_LEDGER}.close", act="replay"),
    *_around("what the replay left is swept", f"{_LAKE}:DeltaLake.sweep", act="replay", many=2),
)
UPKEEP: Final = (
    *_around("files are put together", "deltalake.table:TableOptimizer.compact"),
    *_around("files are vacuumed", f"{_LAKE}:DeltaLake.vacuum"),
)
