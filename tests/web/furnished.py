"""What the pages have to show: accounts, a table, and a dataflow whose run landed most of its rows."""

import itertools
from dataclasses import asdict, dataclass
from typing import Any, Final
from urllib.parse import quote

from demo.azurite import Azurite
from tests.live import Client
from tests.wire import resources
from tests.wire.resources import FLOW, PREP, Dataflow

ROWS: Final = 200
WITHOUT_LEVEL: Final = frozenset(range(20, ROWS, 66))
"""Rows whose required level is missing: three, which are kept as rejected."""
_FIELDS: Final[dict[str, Any]] = {
    "name": {"type": "string", "title": "Name"},
    "total": {"type": "number", "title": "Total"},
    "level": {"type": "string", "title": "Level"},
}
_numbers = itertools.count(1)


@dataclass(frozen=True, kw_only=True)
class Furnished:
    """Ids of one of everything, for the addresses of pages."""

    account: str
    table: str
    dataset: str
    schema: str
    flow: str
    run: str
    draft: str
    """A further dataflow from the table, filled in up to its last step."""

    def path(self, pattern: str) -> str:
        """`pattern` with ids where it says `{flow}` and the like, each as one segment of an address."""
        return pattern.format(**{name: quote(value, safe="") for name, value in asdict(self).items()})


def entity(number: int) -> dict[str, Any]:
    """A customer; some are without a level, and a few have what is hard to show."""
    row: dict[str, Any] = {
        "PartitionKey": f"region-{number % 4}",
        "RowKey": f"{number:05d}",
        "name": ("<b>Ada</b>", "Bj\u00f6rn", "\u202egnirts", "Zo\u00eb " * 30)[number % 4],
        "total": number * 1.25,
        "level": ("gold", "silver")[number % 2],
    }
    if number in WITHOUT_LEVEL:
        del row["level"]
    return row


def furnish(client: Client, azurite: Azurite, *, name: str = "Loyalty customers") -> Furnished:
    """Make them in the client's sandbox, and wait for the run."""
    table = resources.seeded(azurite, f"loyalty{next(_numbers)}", map(entity, range(ROWS)))
    made = resources.dataflow(
        client,
        azurite.connection_string,
        table,
        fields=_FIELDS,
        mapping={"RowKey": "_id", "name": ".name", "level": ".level"},
        required=("level",),
    )
    _calculated(client, made)
    options = {"partialIngestionPercent": 5, "errorDiagnosticsEnabled": True}
    body = made.body(name=name, description="Who buys, and for how much.", options=options)
    body["transformations"][0]["params"]["mappingVersion"] = 1
    flow_id = str(client.made(f"{FLOW}/flows", body)["id"])
    (run,) = resources.ended(client, flow_id)
    return Furnished(
        account=made.connection_id,
        table=table,
        dataset=made.dataset_id,
        schema=made.schema_id,
        flow=flow_id,
        run=str(run["id"]),
        draft=_draft(client, made),
    )


def _draft(client: Client, made: Dataflow) -> str:
    columns = ("PartitionKey", "RowKey", "name", "total")
    rules = [{"id": name, "kind": "field", "source": name, "destination": f"{made.tenant}.{name}"} for name in columns]
    filled = {
        "account": made.connection_id,
        "table": made.table,
        "columns": list(columns),
        "details": {
            "datasetName": f"Copy of {made.table}",
            "schemaTitle": f"Copy of {made.table}",
            "flowName": f"Copy of {made.table}",
        },
        "mapping": {"rules": rules, "suggested": True},
        "schedule": {"kind": "interval", "every": "6", "unit": "hour", "deltaColumn": "Timestamp"},
        "reached": "review",
    }
    draft = {"name": f"Copy of {made.table}", "kind": "dataflow", "step": "review", "body": filled}
    return str(client.made("/v1/drafts", draft)["id"])


def _calculated(client: Client, made: Dataflow) -> None:
    rules = [
        {"sourceType": "ATTRIBUTE", "source": "RowKey", "destination": "_id"},
        {"sourceType": "EXPRESSION", "source": "upper(trim(name))", "destination": f"{made.tenant}.name"},
        {"sourceType": "EXPRESSION", "source": "to_decimal(total)", "destination": f"{made.tenant}.total"},
        {"sourceType": "ATTRIBUTE", "source": "level", "destination": f"{made.tenant}.level"},
    ]
    answer = client.put(f"{PREP}/mappingSets/{made.mapping_id}", json={"xdmSchema": made.schema_id, "mappings": rules})
    assert answer.status_code == 200, answer.text
