"""The whole tutorial with the control store and the durable runs on PostgreSQL."""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from demo.azurite import Azurite
from demo.comparison import compared, customer, landed
from demo.tables import TableAccount, customers, seed, stored
from demo.tutorial import CUSTOMERS, Tutorial
from tests.live import Server, command
from tests.postgres import Postgres


def test_rows_land_with_everything_on_postgresql(
    azurite: Azurite, postgres: Postgres, new_table: Callable[[str], str], tmp_path: Path
) -> None:
    account = TableAccount(endpoint=azurite.endpoint)
    table = new_table("customers")
    seed(account, table, customers(1_500))
    server = Server(tmp_path / "home", env={"FLOWSERVICE_DATABASE_URL": postgres.new_database()}).start()
    try:
        with closing(Tutorial(url=server.url, credentials=server.credentials())) as tutorial:
            dataset_id, flow_id, tenant = tutorial.land(azurite.connection_string, table, CUSTOMERS, name="shop")
            run = tutorial.ended_run(flow_id)
        assert run["metrics"]["statusSummary"]["errors"] == []
        query = command("sql", "--home", str(server.home), "--format", "ndjson", f'SELECT * FROM "{dataset_id}"')
        expected = (customer(entity, tenant) for entity in stored(account, table))
        verdict = compared(expected, landed(query, env=server.env), "_id")
        assert verdict.is_equal, verdict
    finally:
        assert server.stop() == 0
    assert not (server.home / "flowservice.db").exists()
