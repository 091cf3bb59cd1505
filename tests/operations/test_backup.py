"""A backup is one whole, whatever runs do meanwhile, and comes back as a home that goes on."""

import json
import stat
import threading
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from flowservice.adapters.delta import DeltaLake, Folder
from flowservice.adapters.sealing.key_file import KeyFile
from flowservice.app import App
from flowservice.backing_up import backup
from flowservice.domain.dataset import Dataset
from flowservice.domain.run import RunState
from flowservice.errors import Invalid, NotFound
from flowservice.manifest import NAME
from flowservice.restoring import restore
from flowservice.serving import sole
from flowservice.settings import Settings
from tests.engine.world import SCOPE, AtOnce, Doubling, Numbers, World
from tests.live import Server
from tests.object_stores import Shelf
from tests.operations.typed import typed
from tests.postgres import Postgres

ROWS = 60
KEYS = 20


class Halting:
    """Lets a run come to its `at`-th point, and there wait until it is let go on. Points are calls of its parts."""

    def __init__(self, at: int | None = None) -> None:
        self.at = at
        self.points = 0
        self.thread: threading.Thread | None = None
        self._halted, self._go = threading.Event(), threading.Event()

    def point(self, *_: object) -> None:
        """One point."""
        if self.thread is not None and threading.current_thread() is not self.thread:
            return
        self.points += 1
        if self.points == self.at:
            self._halted.set()
            assert self._go.wait(30)

    def begin(self, run: Callable[[], None]) -> None:
        """Start it; returns when it waits, or is over."""

        def work() -> None:
            try:
                run()
            finally:
                self._halted.set()

        self.thread = threading.Thread(target=work)
        self.thread.start()
        assert self._halted.wait(30)

    def finish(self) -> None:
        """Let it go on to its end."""
        self._go.set()
        assert self.thread is not None
        self.thread.join(30)
        assert not self.thread.is_alive()


class Watched:
    """Passes calls on to `inner`, with a point before and after each."""

    def __init__(self, inner: Any, halting: Halting) -> None:
        self._inner, self._halting = inner, halting

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        if name not in {"commit", "upsert", "prepare", "sweep"}:
            return found

        def call(*args: Any, **kwargs: Any) -> Any:
            self._halting.point()
            result = found(*args, **kwargs)
            self._halting.point()
            return result

        return call


def furnished(home: Path, halting: Halting, *, keys: bool) -> World:
    """A world in a home, whose runs read 60 numbers, one after the other; by keys, 20 rows are left of them."""
    home.mkdir(exist_ok=True)
    KeyFile(home / "key")
    world = World(
        home,
        Numbers(rows=ROWS, splits=2, batch_rows=10, hook=halting.point),
        Doubling(reject_every=30, modulo=KEYS if keys else 0),
        tolerated_percent=5,
        part_rows=10,
        lake=Watched(DeltaLake(Folder(home / "lake")), halting),
        threads=1,
        keys=("n",) if keys else (),
        url=f"sqlite:///{home / 'flowservice.db'}",
    )
    event.listen(world.database.engine, "commit", halting.point)
    return world


def landed_by_batch(world: World) -> Counter[str]:
    """How many rows of each batch are in the dataset."""
    dataset: Dataset = world.database.datasets.get(SCOPE, "dataset")
    table = world.lake.dataset(dataset.table)
    rows = table.to_table().to_pylist() if table else []
    return Counter(row["_flowservice"]["batchId"] for row in rows)


def check_whole(home: Path, *, keys: bool) -> int:
    """In a restored home, every run goes on to its end and its rows are there once. How many runs there were."""
    world = furnished(home, Halting(), keys=keys)
    known = [number for number in range(1, 6) if is_known(world, number)]
    for number in known:
        world.execution.execute(f"run{number}", AtOnce())
        assert world.run(number).state is RunState.PARTIAL_SUCCESS, world.run(number).errors
    rows = ROWS - ROWS // 30
    expected = {f"batch{number}": rows for number in known}
    if keys:
        expected = {f"batch{known[-1]}": KEYS} if known else {}
    assert landed_by_batch(world) == expected
    assert Counter(row["runId"] for row in world.quarantined()) == {f"run{number}": 2 for number in known}
    # And the flow runs on.
    world.executed(6)
    assert world.run(6).state is RunState.PARTIAL_SUCCESS, world.run(6).errors
    assert landed_by_batch(world)["batch6"] == (KEYS if keys else rows)
    # In an upsert, what it replaced stays for its undo.
    assert not [name for name in world.files() if keys is False or not name.startswith("part-")]
    world.database.engine.dispose()
    return len(known)


def is_known(world: World, number: int) -> bool:
    try:
        world.run(number)
    except NotFound:
        return False
    return True


def points_of_a_run(folder: Path, *, keys: bool) -> int:
    halting = Halting()
    world = furnished(folder, halting, keys=keys)
    world.executed(1)
    world.add_run(2)
    halting.points = 0
    world.execution.execute("run2", AtOnce())
    world.database.engine.dispose()
    return halting.points


@pytest.mark.parametrize("keys", [False, True], ids=["append", "upsert"])
@pytest.mark.parametrize("moment", ["ahead", "looked", "store"])
@pytest.mark.parametrize("stride", [pytest.param(7, marks=pytest.mark.faults), 90])
def test_a_backup_is_whole_wherever_a_run_stands_and_whatever_comes_after_it(
    tmp_path: Path, moment: str, keys: bool, stride: int
) -> None:
    points = points_of_a_run(tmp_path / "whole", keys=keys)
    assert points > 20
    for at in range(1 + ["ahead", "looked", "store"].index(moment) * stride // 3, points + 1, stride):
        home, again = tmp_path / f"home{at}", tmp_path / f"again{at}"
        halting = Halting(at)
        world = furnished(home, Halting(), keys=keys)
        world.executed(1)
        world.add_run(2)
        world.database.engine.dispose()
        world = furnished(home, halting, keys=keys)
        halting.points = 0
        halting.thread = None
        halting.begin(partial(world.execution.execute, "run2", AtOnce()))

        def go_on(step: str, world: World = world, halting: Halting = halting) -> None:
            """All at once, between two steps of the backup: the run ends, another comes and goes, one begins."""
            if step == moment and halting.thread is not None and not is_known(world, 3):
                halting.finish()
                world.executed(3)
                world.add_run(4)

        backup(Settings(home=home), tmp_path / f"backup{at}", done=go_on)
        world.database.engine.dispose()
        restore(tmp_path / f"backup{at}", again)
        known = check_whole(again, keys=keys)
        # Where parts of a run went with its end, the store is copied once more, and knows the others.
        assert known in ({2, 4} if moment == "store" else {4}), at


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with a run that landed."""
    world = furnished(tmp_path / "home", Halting(), keys=False)
    world.executed(1)
    world.database.engine.dispose()
    return world.home


@pytest.mark.parametrize("name", ["kept", "kept.tar"])
def test_a_home_comes_back_as_it_was(home: Path, name: str) -> None:
    kept, again = home.with_name(name), home.with_name("again")
    did = backup(Settings(home=home), kept)
    told = restore(kept, again)
    assert (did["tables"], told["tables"], told["sizeBytes"]) == (2, 2, did["sizeBytes"])
    assert (again / "key").read_bytes() == (home / "key").read_bytes()
    assert check_whole(again, keys=False) == 1
    # Whoever reads these files has the keys.
    backed_up = [kept] if kept.is_file() else list(kept.rglob("*"))
    files = [path for path in (*backed_up, again / "key", again / "flowservice.db") if path.is_file()]
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    assert sorted(path.name for path in home.parent.iterdir()) == sorted(["again", "home", name])


def test_files_made_of_rows_are_left_out(home: Path) -> None:
    (table,) = (home / "lake").glob("*/dataset")
    made = table / "_made" / "batch1"
    made.mkdir(parents=True)
    (made / "rows.parquet").write_bytes(b"PAR1")
    backup(Settings(home=home), home.with_name("kept"))
    assert not list(home.with_name("kept").rglob("_made"))
    assert (made / "rows.parquet").exists()


def test_what_an_upsert_replaced_comes_back_too_for_its_undo(tmp_path: Path) -> None:
    world = furnished(tmp_path / "home", Halting(), keys=True)
    for number in (1, 2):
        world.executed(number)
    world.database.engine.dispose()
    backup(Settings(home=world.home), tmp_path / "kept")
    restore(tmp_path / "kept", tmp_path / "again")
    world = furnished(tmp_path / "again", Halting(), keys=True)
    assert landed_by_batch(world) == {"batch2": KEYS}
    assert world.undone(2, by=3).errors == ()
    assert landed_by_batch(world) == {"batch1": KEYS}
    world.database.engine.dispose()


def test_what_is_there_is_not_overwritten(home: Path) -> None:
    kept = home.with_name("kept")
    backup(Settings(home=home), kept)
    before = (kept / NAME).read_bytes()
    with pytest.raises(Invalid, match="is there already"):
        backup(Settings(home=home), kept)
    with pytest.raises(Invalid, match="is not empty"):
        restore(kept, home)
    assert (kept / NAME).read_bytes() == before
    again = home.with_name("again")
    again.mkdir()
    restore(kept, again)
    assert (again / "flowservice.db").is_file()


def cut(kept: Path) -> None:
    path = next(kept.rglob("*.parquet"))
    path.write_bytes(path.read_bytes()[:-1])


def changed(kept: Path) -> None:
    path = kept / "flowservice.db"
    path.write_bytes(path.read_bytes()[:-1] + b"x")


def told(**others: Any) -> Callable[[Path], None]:
    def change(kept: Path) -> None:
        known = json.loads((kept / NAME).read_text())
        (kept / NAME).write_text(json.dumps({**known, **others}))

    return change


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (cut, "was changed or cut"),
        (changed, "was changed or cut"),
        (lambda kept: (kept / "key").unlink(), "other files than its manifest says: key"),
        (lambda kept: (kept / "more").write_text("x"), "other files than its manifest says: more"),
        (lambda kept: (kept / NAME).unlink(), "no manifest"),
        (lambda kept: (kept / NAME).write_text("[]"), "manifest of the backup is damaged"),
        (told(format=2), "of format '2'"),
        (told(schema="9999"), "of a later version of the program"),
        (told(files=[{"path": "../key", "size_bytes": 1, "sha256": ""}]), "manifest of the backup is damaged"),
    ],
)
def test_a_damaged_backup_is_refused_and_nothing_is_made(home: Path, damage: Callable[[Path], None], says: str) -> None:
    kept = home.with_name("kept")
    backup(Settings(home=home), kept)
    damage(kept)
    with pytest.raises(Invalid, match=says):
        restore(kept, home.with_name("again"))
    assert sorted(path.name for path in home.parent.iterdir()) == ["home", "kept"]


class Killed(BaseException):
    """Stands for the end of the process."""


def test_a_backup_that_was_cut_off_is_none_and_is_in_nobodys_way(home: Path) -> None:
    kept = home.with_name("kept.tar")

    def killed(step: str) -> None:
        if step == "store":
            # A killed process clears nothing away.
            home.with_name("left").mkdir()
            home.with_name("kept.tar.unfinished").rename(home.with_name("left") / "kept")
            raise Killed

    with pytest.raises(Killed):
        backup(Settings(home=home), kept, done=killed)
    assert not kept.exists()
    left = home.with_name("left") / "kept"
    assert (left / "flowservice.db").is_file()
    with pytest.raises(Invalid, match="not finished"):
        restore(left, home.with_name("again"))
    left.rename(home.with_name("kept.tar.unfinished"))
    backup(Settings(home=home), kept)
    restore(kept, home.with_name("again"))
    assert sorted(path.name for path in home.parent.iterdir()) == ["again", "home", "kept.tar", "left"]


def test_a_place_that_cannot_be_written_is_told_and_left_alone(home: Path) -> None:
    (home.with_name("file")).touch()
    with pytest.raises(Invalid, match="could not be written: Not a directory"):
        backup(Settings(home=home), home.with_name("file") / "kept")
    with pytest.raises(NotFound, match="no store"):
        backup(Settings(home=home.with_name("file")), home.with_name("kept"))
    with pytest.raises(NotFound, match="no backup"):
        restore(home.with_name("nothing"), home.with_name("again"))
    assert sorted(path.name for path in home.parent.iterdir()) == ["file", "home"]


def test_the_keys_of_a_backup_are_those_of_its_store(home: Path) -> None:
    app = App(Settings(home=home))
    looks: list[str] = []

    def rotate(step: str) -> None:
        looks.append(step)
        if looks == ["ahead", "looked"]:
            app.rotate_keys(keep_old=False, end_tokens=True)

    backup(app.settings, home.with_name("kept"), done=rotate)
    assert looks == ["ahead", "looked", "store", "looked", "store"]
    assert (home.with_name("kept") / "key").read_bytes() == (home / "key").read_bytes()
    app.database.engine.dispose()


@pytest.mark.postgres
def test_a_lake_whose_store_is_postgresql_is_kept_while_nothing_runs(tmp_path: Path, postgres: Postgres) -> None:
    home, url = tmp_path / "home", postgres.new_database()
    home.mkdir()
    KeyFile(home / "key")
    world = World(home, Numbers(rows=ROWS), url=url)
    world.executed(1)
    settings = Settings(home=home, database_url=url)
    with sole(settings), pytest.raises(Invalid, match="another server works on"):
        backup(settings, tmp_path / "kept")
    did = backup(settings, tmp_path / "kept")
    assert did["store"].startswith("postgresql")
    restore(tmp_path / "kept", tmp_path / "again")
    world.lake = DeltaLake(Folder(tmp_path / "again" / "lake"))
    assert world.landed() == list(range(ROWS))
    world.database.engine.dispose()


def test_what_belongs_to_a_lake_in_an_object_store_is_in_the_manifest(tmp_path: Path, s3: Shelf) -> None:
    home, place = tmp_path / "home", s3.new_url()
    home.mkdir()
    KeyFile(home / "key")
    world = World(home, Numbers(rows=ROWS), lake=s3.lake_at(place), url=f"sqlite:///{home / 'flowservice.db'}")
    world.executed(1)
    world.database.engine.dispose()
    did = backup(Settings(home=home, lake_url=place, **s3.settings), tmp_path / "kept")
    assert (did["lake"], did["files"]) == (place, 2)
    assert json.loads((tmp_path / "kept" / NAME).read_text())["tables"] == {"sandbox/dataset": 1}
    told = restore(tmp_path / "kept", tmp_path / "again")
    assert told["lake"] == place
    assert not (tmp_path / "again" / "lake").exists()


def test_the_commands_back_up_a_home_that_serves(server: Server, tmp_path: Path) -> None:
    kept, again = tmp_path / "kept.tar", tmp_path / "again"
    made = typed("backup", "--to", str(kept), home=server.home)
    assert made.returncode == 0, made.stderr
    fields = dict(line.split(maxsplit=1) for line in made.stdout.splitlines())
    assert fields["backup"] == str(kept)
    assert {"store", "lake", "tables", "files", "sizeBytes"} <= fields.keys()
    back = typed("restore", "--from", str(kept), "--json", home=again)
    assert back.returncode == 0, back.stderr
    assert json.loads(back.stdout)["sizeBytes"] == int(fields["sizeBytes"])
    assert (again / "credentials.json").read_bytes() == (server.home / "credentials.json").read_bytes()
    app, source = App(Settings(home=again)), App(Settings(home=server.home))
    assert app.database.tenancy.orgs() == source.database.tenancy.orgs()
    for one in (app, source):
        one.database.engine.dispose()
