"""Threads that take parts of a real emulator's table from each other, each stored in a real database."""

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from random import Random

import pytest

from demo.azurite import Azurite
from demo.tables import TableAccount, seed
from flowservice.connectors.azure_table.connection_string import parse
from flowservice.connectors.azure_table.source import TableSource
from flowservice.engine.plan import Plan
from flowservice.engine.split_runner import SplitTask, ThreadSplits
from flowservice.engine.stealing import Attempts
from flowservice.sdk import Batch, Selection, Split
from flowservice.sdk.testing import keys_of
from tests.connectors.azure_table.simulated_service import FAMILIES
from tests.connectors.azure_table.table_server import LAPTOP
from tests.engine.world import World

KEY = ("PartitionKey", "RowKey")


@pytest.mark.azurite
@pytest.mark.parametrize("family", FAMILIES)
def test_every_row_comes_once(
    azurite: Azurite, new_table: Callable[[str], str], tmp_path: Path, figure: Callable[[str], None], family: str
) -> None:
    table, keys = new_table("stolen"), sorted(set(FAMILIES[family](2_000, Random(5))))
    seed(TableAccount(endpoint=azurite.endpoint), table, ({"PartitionKey": p, "RowKey": r} for p, r in keys))
    source = TableSource(parse(azurite.connection_string), page_rows=50, batch_rows=50, least_pages=2, egress=LAPTOP)
    plan = Plan(
        path=table,
        columns=(),
        absent=(),
        mapping_id="m",
        mapping_version=1,
        splits=source.plan(Selection(path=table)).splits,
    )
    store = World(tmp_path).database.progress
    store.keep_plan("r", plan.to_json())
    attempts, found = Attempts(source=source, store=store, plan=plan), list[Batch]()

    def read(split: Split, leave_off: Callable[[], bool]) -> None:
        with attempts.at(split, store.begin("r", split.number)) as attempt:
            batches = source.read(attempt.split, after=None)
            attempt.has_begun = True
            for batch in batches:
                found.append(batch)
                time.sleep(0.02)  # as the emulator is near and the pages are small

    def more() -> SplitTask | None:
        split = attempts.stolen()
        return None if split is None else partial(read, split)

    ThreadSplits(8).run([partial(read, split) for split in plan.splits], more)
    source.close()
    assert keys_of(found, KEY) == sorted(keys, key=repr)
    ranges = len(store.splits("r"))
    assert ranges >= 4
    figure(f"Azurite, {family}: {len(keys)} rows in {ranges} ranges, each once")
