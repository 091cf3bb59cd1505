"""A lake in Azure Blob Storage and in S3: the suites of the lake in short, and what is said of stores alone."""

import base64
import re
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import write_deltalake
from pydantic import SecretStr

from flowservice.adapters.delta import DeltaFiles, DeltaLake
from flowservice.errors import LakeError, LakeUnavailable
from flowservice.ports.lake import StoredFile
from tests.contracts import keyed_rows
from tests.contracts.lake_files import paths, table_of
from tests.contracts.test_lake import NESTED, NESTED_ROW, SCHEMA, TABLE, commit, landed, numbers, staged
from tests.contracts.test_lake_undo import held, marked, restore, upsert, withdraw
from tests.object_stores import Shelf

SECRET = base64.b64encode(b"somebody else's key, 32 bytes...").decode()


@pytest.fixture(scope="module", params=["azure_blobs", "s3"])
def shelf(request: pytest.FixtureRequest) -> Shelf:
    found: Shelf = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def lake(shelf: Shelf) -> DeltaLake:
    return shelf.new_lake()


def test_rows_are_staged_committed_once_and_read(lake: DeltaLake) -> None:
    assert (lake.schema(TABLE), lake.dataset(TABLE), lake.committed(TABLE, "flow")) == (None, None, None)
    lake.prepare(TABLE, SCHEMA)
    part = staged(lake, "run=a/0.parquet", numbers(1, 2))
    assert landed(lake) == []
    assert commit(lake, [part], 1)
    assert not commit(lake, [part], 1)
    assert (landed(lake), lake.committed(TABLE, "flow")) == ([1, 2], 1)
    (file,) = lake.files(TABLE)
    assert (file.path, file.rows, file.size_bytes) == ("run=a/0.parquet", 2, part.size_bytes)
    assert lake.location(TABLE) == f"{lake.storage.url()}/s1/d1"


def test_every_kind_of_column_comes_back_and_new_ones_are_added(lake: DeltaLake) -> None:
    lake.prepare(TABLE, pa.schema([NESTED.field("_id")]))
    lake.prepare(TABLE, NESTED)
    assert commit(lake, [staged(lake, "run=a/0.parquet", pa.Table.from_pylist([NESTED_ROW], NESTED))], 1)
    assert lake.dataset(TABLE).to_table().to_pylist() == [NESTED_ROW]


def test_files_that_nothing_refers_to_are_swept(lake: DeltaLake) -> None:
    lake.prepare(TABLE, SCHEMA)
    published, kept = (staged(lake, f"run=a/{n}.parquet", numbers(n)) for n in (1, 2))
    staged(lake, "run=a/3.parquet", numbers(3))
    given_up = lake.writer(TABLE, "run=a/4.parquet", SCHEMA)
    given_up.write(numbers(4))
    given_up.abandon()
    assert commit(lake, [published], 1)
    assert lake.sweep(TABLE, "run=a/", [kept]) == 1
    assert commit(lake, [kept], 2)
    assert landed(lake) == [1, 2]


def test_upserts_and_their_undo_find_each_row_by_its_key(lake: DeltaLake) -> None:
    lake.prepare(keyed_rows.TABLE, keyed_rows.SCHEMA)
    upsert(lake, 1, keyed_rows.keyed_row("a", 1, "old"), keyed_rows.keyed_row("b", 1, "stays"))
    upsert(lake, 2, keyed_rows.keyed_row("a", 1, "new"), keyed_rows.keyed_row("c", 1, "more"))
    assert held(lake) == {("a", 1): ("new", "b2"), ("b", 1): ("stays", "b1"), ("c", 1): ("more", "b2")}
    assert restore(lake, 2, 3)
    assert held(lake) == {("a", 1): ("old", "b1"), ("b", 1): ("stays", "b1")}
    assert withdraw(lake, 1, 4)
    assert held(lake) == {}


def test_rows_of_a_batch_are_put_into_a_file_and_read_in_ranges(lake: DeltaLake) -> None:
    lake.prepare(keyed_rows.TABLE, keyed_rows.SCHEMA)
    upsert(lake, 1, keyed_rows.keyed_row("a", 1, "one"), keyed_rows.keyed_row("b", 1, "replaced"))
    upsert(lake, 2, keyed_rows.keyed_row("b", 1, "two"))
    stored, names = DeltaFiles(lake.storage), [file.path for file in lake.files(keyed_rows.TABLE)]
    assert [sum(stored.counts(keyed_rows.TABLE, names, marked(number))) for number in (1, 2, 3)] == [1, 1, 0]

    def make() -> StoredFile:
        return stored.make(
            keyed_rows.TABLE, "b1/x.parquet", names, marked(1), schema=keyed_rows.SCHEMA, change=lambda rows: rows
        )

    file = make()
    assert make() == file == stored.find(keyed_rows.TABLE, file.path)
    assert stored.find(keyed_rows.TABLE, "nothing") is None
    halves = ((0, 100), (100, file.size_bytes))
    whole = b"".join(b"".join(stored.read(keyed_rows.TABLE, file.path, start=at, end=end)) for at, end in halves)
    (row,) = pq.read_table(pa.BufferReader(whole)).to_pylist()
    assert (row["_tenant"]["rowKey"], row["_flowservice"]["batchId"]) == ("a", "b1")
    assert lake.first(keyed_rows.TABLE, rows=10).num_rows == 2  # type: ignore[union-attr]


def test_a_removed_table_is_gone_before_its_files_are_and_may_be_made_again(lake: DeltaLake) -> None:
    lake.prepare(TABLE, SCHEMA)
    assert commit(lake, [staged(lake, "run=a/0.parquet", numbers(1))], 1)
    before = paths(lake)
    lake.remove(TABLE)
    assert (lake.schema(TABLE), lake.files(TABLE), lake.committed(TABLE, "flow")) == (None, [], None)
    assert paths(lake) == {*before, ".removed/s1/d1"}
    lake.prepare(TABLE, SCHEMA)
    assert landed(lake) == []
    lake.tidy()
    assert {path.rpartition("/")[0] for path in paths(lake)} == {"s1/d1/_delta_log"}


def test_a_removal_that_is_cut_off_is_finished_by_the_next_tidying(lake: DeltaLake, shelf: Shelf) -> None:
    lake.prepare(TABLE, SCHEMA)
    assert commit(lake, [staged(lake, "run=a/0.parquet", numbers(1))], 1)
    lake.remove(TABLE)
    # The log goes first, or any other object: what is left of it is no table.
    lake.storage.filesystem.delete_file("s1/d1/_delta_log/00000000000000000000.json")
    restarted = shelf.lake_at(lake.storage.url())
    assert restarted.schema(TABLE) is None
    restarted.tidy()
    assert paths(lake) == set()


def test_a_sandbox_goes_with_all_its_tables(lake: DeltaLake) -> None:
    for sandbox in ("s1", "s2"):
        for dataset in ("d1", "d2"):
            lake.prepare(type(TABLE)(sandbox_id=sandbox, dataset_id=dataset), SCHEMA)
    lake.remove_sandbox("s1")
    lake.tidy()
    assert {path.rpartition("/_delta_log")[0] for path in paths(lake)} == {"s2/d1", "s2/d2"}


def test_a_writer_that_comes_second_overwrites_no_version_of_the_log(lake: DeltaLake) -> None:
    lake.prepare(TABLE, SCHEMA)
    first, second = table_of(lake, TABLE), table_of(lake, TABLE)
    write_deltalake(first, numbers(1), mode="append")
    # It still believes that the next version is the one that the first has written.
    write_deltalake(second, numbers(2), mode="append")
    assert (landed(lake), table_of(lake, TABLE).version()) == ([1, 2], 2)


def test_flows_that_commit_at_the_same_time_lose_nothing(lake: DeltaLake, shelf: Shelf) -> None:
    lake.prepare(TABLE, SCHEMA)

    def commits(flow: int) -> None:
        of_its_own = shelf.lake_at(lake.storage.url())
        for number in (1, 2, 3):
            part = staged(of_its_own, f"run={flow}-{number}/0.parquet", numbers(flow * 10 + number))
            assert of_its_own.commit(TABLE, [part], app_id=f"flow {flow}", number=number, note={})

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(commits, range(3)))
    assert landed(lake) == [flow * 10 + number for flow in range(3) for number in (1, 2, 3)]


def each_call(lake: DeltaLake) -> list[LakeError]:
    """The refusal of every kind of call."""

    def write() -> None:
        writer = lake.writer(TABLE, "run=a/0.parquet", SCHEMA)
        writer.write(numbers(1))
        writer.close()

    calls: tuple[Callable[[], Any], ...] = (
        lake.ping,
        lambda: lake.prepare(TABLE, SCHEMA),
        lambda: lake.schema(TABLE),
        lambda: lake.files(TABLE),
        lambda: lake.committed(TABLE, "flow"),
        lambda: lake.remove(TABLE),
        lambda: lake.sweep(TABLE, "run=a/", []),
        write,
    )
    return [refusal(call) for call in calls]


def refusal(call: Callable[[], Any]) -> LakeError:
    with pytest.raises(LakeError) as refused:
        call()
    assert refused.value.__cause__ is None
    return refused.value


def test_a_store_that_does_not_answer_is_a_fault_that_may_pass(shelf: Shelf) -> None:
    if shelf.scheme == "az":
        # The emulator's address is that of the process; another endpoint is an account of Azure.
        lake = shelf.lake_at(
            "az://lake/x", lake_emulator=False, lake_allow_http=True, lake_endpoint="http://127.0.0.1:1"
        )
    else:
        lake = shelf.lake_at("s3://lake/x", lake_endpoint="http://127.0.0.1:1")
    error = refusal(lake.ping)
    assert isinstance(error, LakeUnavailable)
    assert "it did not answer" in error.message
    assert "endpoint" in error.advice


def test_a_container_that_is_not_there_is_named(shelf: Shelf) -> None:
    for error in each_call(shelf.lake_at(f"{shelf.scheme}://nowhere/x")):
        assert isinstance(error, LakeUnavailable)
        assert f"{shelf.scheme}://nowhere/x could not be used: there is no such container or bucket" in error.message


def test_a_wrong_key_is_told_and_never_shown(azure_blobs: Shelf) -> None:
    lake = azure_blobs.lake_at("az://lake/x", lake_key=SecretStr(SECRET))
    for error in each_call(lake):
        assert isinstance(error, LakeUnavailable)
        assert "it refused the credentials" in error.message
        assert not re.search(r"http|sig=|Signature", error.message)
    assert SECRET not in repr(lake)


@contextmanager
def busy_store() -> Iterator[str]:
    class Busy(BaseHTTPRequestHandler):
        def answer(self) -> None:
            body = b"<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"
            self.send_response(503)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = answer  # noqa: N815 - the base class calls them so

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Busy)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def test_a_busy_store_is_a_fault_that_may_pass(s3: Shelf) -> None:
    with busy_store() as endpoint:
        error = refusal(s3.lake_at("s3://lake/x", lake_endpoint=endpoint).ping)
    assert isinstance(error, LakeUnavailable)
    assert "503" in error.message
