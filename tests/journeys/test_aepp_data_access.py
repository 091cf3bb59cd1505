"""The unmodified `aepp` client: its class DataAccess, method by method."""

from typing import Any

import pytest

from demo.azurite import Azurite
from tests.journeys.aepp_client import told_by
from tests.live import Client, Server
from tests.wire import resources

pytestmark = pytest.mark.azurite

PROGRAM = """
import hashlib, io
import pandas as pd
from aepp import dataaccess

api = dataaccess.DataAccess()
batch = given["batch"]
told["files"] = files = api.getBatchFiles(batch)
told["paged"] = api.getBatchFiles(batch, limit=1), api.getBatchFiles(batch, limit=1, start=1)
file = files[0]["dataSetFileId"]
told["entries"] = api.getFiles(file)
entry = told["entries"]["data"][0]
told["from"] = api.getFiles(file, start=entry["name"], limit=1)["data"]
content = api.getFiles(file, path=entry["name"])
told["length"] = len(content.getvalue())
frame = pd.read_parquet(content)
told["rows"] = len(frame)
told["ids"] = sorted(frame["_id"])
content.seek(0)
told["frame"] = api.transformDataToDataFrame(content).shape
told["head"] = api.getHeadFile(file, path=entry["name"])
told["no_head"] = api.getHeadFile(file, path="nothing.parquet")
by_link = api.getResource(entry["_links"]["self"]["href"], format="raw")
told["by_link"] = by_link.content == content.getvalue(), by_link.headers["content-type"]
told["resource"] = api.getResource(api.endpoint + f"/files/{file}")
ranged = api.connector.getData(
    entry["_links"]["self"]["href"], headers={**api.header, "Range": "bytes=-4"}, format="raw"
)
told["ranged"] = ranged.status_code, ranged.content.decode(), ranged.headers["content-range"]
told["preview"] = api.getPreview(given["dataset"])
told["no_preview"] = api.getPreview(given["empty"])
told["meta"] = api.getBatchMeta(batch)
told["errors"] = api.getBatchMeta(batch, path="row_errors")
told["input"] = api.getBatchMeta(batch, path="input_files/fileMetaData1.json")
told["failed"] = api.getBatchFailed(batch)
told["unknown"] = api.getBatchFiles("01JQ0B7M4X5N6P7Q8R9S0T1V2W"), api.getFiles("nothing")
try:
    api.getParquetFilesToDataFrame(file, [entry["name"]])
except Exception as error:
    told["to_frame"] = type(error).__name__
"""


@pytest.fixture(scope="module")
def landed(client: Client, azurite: Azurite) -> dict[str, Any]:
    """A dataset with rows, the batch that brought them, and a dataset without any."""
    table = resources.seeded(azurite, "aeppfiles", resources.people(40))
    own = resources.names_flow(client, azurite.connection_string, table)
    (run,) = resources.ended(client, own.started())
    (empty,) = client.made(f"{resources.CATALOG}/dataSets", resources.dataset(own.schema_id))
    return {"dataset": own.dataset_id, "batch": run["providerRefId"], "empty": empty.rpartition("/")[2]}


@pytest.fixture(scope="module")
def told(server: Server, landed: dict[str, Any]) -> dict[str, Any]:
    """What the client told."""
    return told_by(server, PROGRAM, **landed)


def test_files_of_a_batch_are_listed(told: dict[str, Any]) -> None:
    (file,) = told["files"]
    assert (file["records"], file["isValid"]) == ("40", True)
    assert told["paged"] == [[file], []]
    assert told["from"] == told["entries"]["data"] == told["resource"]["data"]


def test_a_file_is_read_as_a_frame_of_its_rows(told: dict[str, Any]) -> None:
    (entry,) = told["entries"]["data"]
    assert told["length"] == int(entry["length"]) == int(told["files"][0]["size"])
    assert (told["rows"], told["frame"][0]) == (40, 40)
    assert told["ids"] == [f"{number:05d}" for number in range(40)]
    assert told["by_link"] == [True, "application/octet-stream"]
    assert told["ranged"] == [206, "PAR1", f"bytes {told['length'] - 4}-{told['length'] - 1}/{told['length']}"]


def test_a_head_is_answered(told: dict[str, Any]) -> None:
    # The client shows nothing of a head that succeeds.
    assert told["head"] == {}
    assert told["no_head"] != {}


def test_rows_are_previewed_and_a_dataset_without_any_says_so(told: dict[str, Any]) -> None:
    assert len(told["preview"]) == 40
    assert {row["_id"] for row in told["preview"]} == set(told["ids"])
    assert (told["no_preview"]["status"], told["no_preview"]["code"]) == (404, "nothing-landed")


def test_diagnostics_of_a_batch_without_rejects_are_empty(told: dict[str, Any]) -> None:
    assert [file["name"] for file in told["meta"]["data"]] == ["row_errors", "input_files", "row_errors_sample.json"]
    assert (told["errors"]["data"], told["failed"]) == ([], [])
    assert told["input"] == {"path": "aeppfiles"}


def test_what_is_not_there_is_told(told: dict[str, Any]) -> None:
    assert [answer["code"] for answer in told["unknown"]] == ["not-found", "not-found"]


def test_the_client_s_own_way_to_a_frame_takes_the_lines_of_the_file_for_files(told: dict[str, Any]) -> None:
    """So `getParquetFilesToDataFrame` works against no server: `getFiles` and `transformDataToDataFrame` do."""
    assert told["to_frame"]
