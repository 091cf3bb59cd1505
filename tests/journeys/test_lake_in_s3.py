"""A real server whose lake is in S3: from an account to rows, asked for by SQL, previewed, kept, and looked at."""

import json
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from demo.azurite import Azurite
from demo.tables import TableAccount, customers, seed
from demo.tutorial import CUSTOMERS, Tutorial
from tests.live import Server
from tests.object_stores import Shelf

ROWS = 60


@pytest.mark.faults  # `tests/engine/test_object_stores.py` has the short form
def test_a_table_lands_in_a_bucket_and_is_read_from_there(azurite: Azurite, s3: Shelf, tmp_path: Path) -> None:
    seed(TableAccount(endpoint=azurite.endpoint), "bucketshop", customers(ROWS))
    server = Server(tmp_path / "home", env=s3.environment(s3.new_url())).start(within_s=120)
    with closing(Tutorial(url=server.url, credentials=server.credentials())) as tutorial:
        dataset_id, flow_id, _ = tutorial.land(azurite.connection_string, "bucketshop", CUSTOMERS, name="bucket shop")
        status = tutorial.ended_run(flow_id)["metrics"]["statusSummary"]
        assert (status["status"], status["errors"]) == ("success", [])
        files = tutorial.http.get("/data/foundation/catalog/dataSetFiles", params={"dataSet": dataset_id}).json()
        assert [file["records"] for file in files.values()] == [ROWS]
        (file_id,) = files
        (entry,) = tutorial.http.get(f"/data/foundation/export/files/{file_id}").json()["data"]
        tail = tutorial.http.get(entry["_links"]["self"]["href"], headers={"Range": "bytes=-4"})
        assert (tail.status_code, tail.content) == (206, b"PAR1")
        assert len(tutorial.http.get(f"/data/foundation/export/datasets/{dataset_id}/preview").json()["data"]) == ROWS
    assert httpx.get(f"{server.url}/ready").status_code == 200
    asked = server.run("sql", "--format", "ndjson", 'SELECT count(*) AS n FROM "bucket shop"')
    assert json.loads(asked) == {"n": ROWS}
    assert server.run("lake", "vacuum", "--dry-run", "--dataset", "bucket shop").strip() == "there is nothing to do"
    found = server.run("doctor")
    assert f"lake         {server.env['FLOWSERVICE_LAKE_URL']}" in found
    assert server.env["FLOWSERVICE_LAKE_KEY"] not in found + server.log.read_text()
    assert not (server.home / "lake").exists()
    assert server.stop() == 0
