"""New columns of a source are taken up into the dataset: by the run that meets them, or once somebody accepts them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from flowservice.domain.dataset import Dataset, SchemaRef
from flowservice.domain.drift import HeldDrift
from flowservice.domain.flow import Flow, Transformation
from flowservice.domain.identity import Scope
from flowservice.domain.mapping import MappingSet
from flowservice.domain.run import Run, RunState
from flowservice.domain.schema import SchemaKind
from flowservice.engine.execution import Execution
from flowservice.engine.mapping import Mapper
from flowservice.engine.mapping_trial import MappingTrials
from flowservice.errors import ColumnsNotAddable, SourceUnavailable
from flowservice.sdk import Batch, Cursor, Sample, Split
from flowservice.service.added_columns import AddedColumns
from flowservice.service.drifts import Drifts
from flowservice.service.mapping_sets import MappingSets
from flowservice.service.schemas import Container, Schemas
from tests.engine.test_drift import CALLER
from tests.engine.test_resumption import Killed
from tests.engine.world import NOON, SCOPE, AtOnce, Numbers, World
from tests.service.conftest import CountingIds

PROFILE = "https://ns.adobe.com/xdm/context/profile"
IDS: Any = CountingIds()


@dataclass
class Wide(Numbers):
    """Numbers, each with further columns that say the same."""

    more: Mapping[str, pa.DataType] = field(default_factory=dict)
    kind: pa.DataType = field(default_factory=pa.int64)
    """Type of `n`."""

    def sample(self, path: str, *, rows: int) -> Sample:
        return Sample(rows=pa.Table.from_batches([self._wide(pa.array([1, 2], pa.int64()))]))

    def read(self, split: Split, *, after: Cursor | None) -> Iterator[Batch]:
        for batch in super().read(split, after=after):
            wide = self._wide(batch.rows.column("n"))
            yield replace(batch, rows=wide.select([name for name in split.columns or () if name in wide.schema.names]))

    def _wide(self, n: pa.Array) -> pa.RecordBatch:
        # There is no cast from a number to bytes.
        more = {
            name: (n.cast(pa.string()) if pa.types.is_binary(kind) else n).cast(kind)
            for name, kind in self.more.items()
        }
        return pa.RecordBatch.from_pydict({"n": n.cast(self.kind), **more})


@dataclass
class Scene:
    """A flow over a schema of our own that may grow."""

    world: World
    source: Wide
    schemas: Schemas
    schema_id: str

    @classmethod
    def at(cls, home: Path, fields: Mapping[str, Any] | None = None, **policy: str) -> "Scene":
        source = Wide(rows=60, splits=2)
        world = World(home, source=source)
        database = world.database
        schemas = Schemas(database=database, now=lambda: NOON, ids=IDS)
        own = {"n": {"type": "integer"}, **(fields or {})}
        group = schemas.create(
            CALLER,
            SchemaKind.FIELD_GROUPS,
            {"title": "G", "properties": {"_tenant": {"type": "object", "properties": own}}},
        )
        schema = schemas.create(
            CALLER, SchemaKind.SCHEMAS, {"title": "S", "allOf": [{"$ref": PROFILE}, {"$ref": group.id}]}
        )
        sets = MappingSets(database=database, schemas=schemas, trying=MappingTrials(), now=lambda: NOON, ids=IDS)
        rules = [{"sourceAttribute": "n", "destinationXdmPath": "_tenant.n"}]
        mapping = sets.create(CALLER, {"xdmSchema": schema.id, "mappings": rules})
        dataset: Dataset = database.datasets.get(SCOPE, "dataset")
        ref = SchemaRef(id=schema.id, content_type="json")
        database.datasets.replace(dataset, replace(dataset, schema_ref=ref, stamp=dataset.stamp.touched()))
        flow: Flow = database.flows.get(SCOPE, "flow")
        step = Transformation(name="Mapping", params={"mappingId": mapping.id, "mappingVersion": 0})
        changed = replace(flow, transformations=(step,), options={"schemaDrift": policy}, stamp=flow.stamp.touched())
        database.flows.replace(flow, changed)
        return cls(world, source, schemas, schema.id)

    @property
    def adding(self) -> AddedColumns:
        def itself(scope: Scope) -> Any:
            return replace(CALLER, scope=scope)

        return AddedColumns(database=self.world.database, now=lambda: NOON, ids=IDS, itself=itself)

    @property
    def drifts(self) -> Drifts:
        return Drifts(database=self.world.database, adding=self.adding, now=lambda: NOON)

    @property
    def execution(self) -> Execution:
        def mapper_for(mapping_set: MappingSet, version: int, dataset: Dataset, keys: tuple[str, ...] = ()) -> Mapper:
            mapping = mapping_set.at(version)
            assert mapping is not None
            return Mapper(mapping, self.schemas.tree(CALLER, dataset.schema_ref.id), keys=keys)

        return replace(self.world.execution, mapper_for=mapper_for, adding=self.adding)

    def run(self, number: int) -> Run:
        self.world.add_run(number)
        self.execution.execute(f"run{number}", AtOnce())
        return self.world.run(number)

    @property
    def held(self) -> HeldDrift:
        found: HeldDrift | None = self.world.database.source_shapes.get(SCOPE, "flow").held
        assert found is not None
        return found

    @property
    def flow(self) -> Flow:
        found: Flow = self.world.database.flows.get(SCOPE, "flow")
        return found

    def landed(self, batch: int) -> list[dict[str, Any]]:
        """The tenant's fields of the rows that the run of that number landed, in order."""
        dataset: Dataset = self.world.database.datasets.get(SCOPE, "dataset")
        rows = self.world.lake.dataset(dataset.table).to_table().to_pylist()
        own = [row["_tenant"] for row in rows if row["_flowservice"]["batchId"] == f"batch{batch}"]
        return sorted(own, key=lambda row: int(row["n"]))


TYPES: dict[str, tuple[pa.DataType, Any]] = {
    "text": (pa.string(), "7"),
    "long": (pa.int64(), 7),
    "int": (pa.int32(), 7),
    "double": (pa.float64(), 7.0),
    "isTrue": (pa.bool_(), True),
    "time": (pa.timestamp("us", "UTC"), None),
}


def test_the_run_that_meets_new_columns_lands_their_values_whatever_their_type(tmp_path: Path) -> None:
    scene = Scene.at(tmp_path, newColumns="add")
    scene.run(1)
    scene.source.more = {name: kind for name, (kind, _) in TYPES.items()}
    run = scene.run(2)
    assert (run.state, run.errors, run.counts.warnings) == (RunState.SUCCESS, (), 0)
    assert [change.column for change in run.drift] == list(TYPES)
    row = scene.landed(2)[7]
    assert set(row) == {"n", *TYPES}
    assert {name: row[name] for name, (_, value) in TYPES.items() if value is not None} == {
        name: value for name, (_, value) in TYPES.items() if value is not None
    }
    assert row["time"].timestamp() == 7e-6
    assert [row["text"] for row in scene.landed(1)] == [None] * 60
    assert scene.flow.mapping_version == 1
    assert scene.run(3).drift == ()
    assert scene.flow.mapping_version == 1
    assert len(scene.landed(3)) == 60


def test_the_table_is_widened_in_a_commit_of_its_own(tmp_path: Path) -> None:
    scene = Scene.at(tmp_path, newColumns="add")
    scene.run(1)
    dataset: Dataset = scene.world.database.datasets.get(SCOPE, "dataset")
    log = Path(scene.world.lake.location(dataset.table)) / "_delta_log"
    before = len(list(log.glob("*.json")))
    scene.source.more = {"text": pa.string()}
    scene.run(2)
    added = [path.read_text() for path in sorted(log.glob("*.json"))[before:]]
    assert [("metaData" in text, "batch2" in text or '"add"' in text) for text in added] == [
        (True, False),
        (False, True),
    ]


def test_a_column_gets_a_field_with_a_legal_name_of_its_own(tmp_path: Path) -> None:
    scene = Scene.at(tmp_path, newColumns="add")
    scene.run(1)
    names = {"First Name": "First_Name", "_x": "x", "X": "X_2", "N": "N_2", "größe{}": "gr__e__", "a.b": "a_b"}
    scene.source.more = dict.fromkeys(names, pa.string())
    run = scene.run(2)
    assert (run.state, run.errors) == (RunState.SUCCESS, ())
    assert scene.landed(2)[7] == {"n": 7, **dict.fromkeys(names.values(), "7")}


def test_a_field_that_the_schema_has_already_takes_the_column_of_its_name(tmp_path: Path) -> None:
    scene = Scene.at(tmp_path, {"visits": {"type": "integer"}}, newColumns="add")
    scene.run(1)
    scene.source.more = {"visits": pa.string()}
    assert scene.run(2).state is RunState.SUCCESS
    assert scene.landed(2)[7] == {"n": 7, "visits": 7}


def test_columns_that_are_accepted_land_with_the_next_run(tmp_path: Path) -> None:
    scene = Scene.at(tmp_path, newColumns="hold")
    scene.run(1)
    scene.source.more = {"text": pa.string()}
    assert scene.run(2).state is RunState.FAILED
    shown = scene.drifts.accept(CALLER, "flow", scene.held.id)
    assert (shown.flow.mapping_version, shown.flow.stamp.updated.by) == (1, "u")
    run = scene.run(3)
    assert (run.state, run.drift) == (RunState.SUCCESS, ())
    assert scene.landed(3)[7] == {"n": 7, "text": "7"}


def test_columns_that_are_ignored_do_not_land(tmp_path: Path) -> None:
    scene = Scene.at(tmp_path, newColumns="hold")
    scene.run(1)
    scene.source.more = {"text": pa.string()}
    scene.run(2)
    scene.drifts.ignore(CALLER, "flow", scene.held.id)
    assert scene.run(3).state is RunState.SUCCESS
    assert (scene.landed(3)[7], scene.flow.mapping_version) == ({"n": 7}, 0)


@pytest.mark.parametrize("fault", [Killed, SourceUnavailable])
def test_a_run_that_is_cut_off_once_the_columns_were_added_lands_them_all_the_same(
    tmp_path: Path, fault: type[BaseException]
) -> None:
    scene = Scene.at(tmp_path, newColumns="add")
    scene.run(1)
    scene.source.more = {"text": pa.string()}
    failures = [fault("down")]

    def fail(place: str) -> None:
        if place == "plan" and failures:
            raise failures.pop()

    scene.source.hook = fail
    if fault is Killed:
        with pytest.raises(Killed):
            scene.run(2)
        assert scene.flow.mapping_version == 1
        scene.execution.execute("run2", AtOnce())
    else:
        scene.run(2)
    assert (scene.world.run(2).state, failures, scene.flow.mapping_version) == (RunState.SUCCESS, [], 1)
    assert [row["text"] for row in scene.landed(2)] == [str(n) for n in range(60)]


def test_while_other_changes_are_held_no_column_is_added(tmp_path: Path) -> None:
    scene = Scene.at(tmp_path, newColumns="add", typeChanges="hold")
    scene.run(1)
    scene.source.kind, scene.source.more = pa.string(), {"text": pa.string()}
    assert scene.run(2).state is RunState.FAILED
    assert ([one.change.column for one in scene.held.changes], scene.flow.mapping_version) == (["n"], 0)
    scene.drifts.accept(CALLER, "flow", scene.held.id)
    assert scene.run(3).state is RunState.SUCCESS
    assert scene.landed(3)[7] == {"n": 7, "text": "7"}


def older_version(scene: Scene) -> None:
    known: MappingSet = scene.world.database.mapping_sets.get(SCOPE, scene.flow.mapping_id or "")
    newer = replace(known.current, version=1)
    scene.world.database.mapping_sets.replace(
        known, replace(known, versions=(*known.versions, newer), stamp=known.stamp.touched())
    )


def shared_group(scene: Scene) -> None:
    (group,) = scene.schemas.list(CALLER, Container.TENANT, SchemaKind.FIELD_GROUPS)
    refs = [{"$ref": PROFILE}, {"$ref": group["$id"]}]
    scene.schemas.create(CALLER, SchemaKind.SCHEMAS, {"title": "Other", "allOf": refs})


def nothing_more(scene: Scene) -> None: ...


@pytest.mark.parametrize(
    ("before", "kind", "reason"),
    [
        (older_version, pa.string(), "holds on to version 0 of its mapping set"),
        (shared_group, pa.string(), "no field group that is its own"),
        (nothing_more, pa.binary(), "no field can take the column 'more'"),
    ],
)
def test_what_the_service_may_not_or_cannot_add_is_held_and_nothing_changes(
    tmp_path: Path, before: Any, kind: pa.DataType, reason: str
) -> None:
    scene = Scene.at(tmp_path, newColumns="add")
    scene.run(1)
    before(scene)
    scene.source.more = {"fine": pa.string(), "more": kind}
    schema = scene.schemas.full(CALLER, scene.schema_id)
    mapping_set = scene.world.database.mapping_sets.get(SCOPE, scene.flow.mapping_id or "")
    run = scene.run(2)
    assert (run.state, [error.code for error in run.errors]) == (RunState.FAILED, ["schema-drift-held"])
    assert reason in scene.held.reason
    assert reason in run.errors[0].message
    shown = scene.held
    with pytest.raises(ColumnsNotAddable, match=reason):
        scene.drifts.accept(CALLER, "flow", shown.id)
    assert scene.held == shown
    assert scene.schemas.full(CALLER, scene.schema_id) == schema
    assert scene.world.database.mapping_sets.get(SCOPE, scene.flow.mapping_id or "") == mapping_set
    assert scene.flow.mapping_version == 0
    scene.drifts.ignore(CALLER, "flow", shown.id)
    assert scene.run(3).state is RunState.SUCCESS
