"""Structure, label and enrich in one flow: calculated and required fields, labels, and three percent of bad rows.

What landed is compared with the interpreter of rows, which knows nothing of the columns that the service computes.
"""

from collections.abc import Callable
from datetime import date
from typing import Any, Final

import pytest

from demo.azurite import Azurite
from flowservice.domain.identity import Permission
from tests.expressions.kinds import plain, shape_of
from tests.expressions.oracle import Oracle
from tests.expressions.values import RowError
from tests.live import Client, Server
from tests.wire import resources
from tests.wire.resources import FLOW, PREP, REGISTRY, Dataflow, ended

ROWS: Final = 400
NO_LEVEL: Final = range(20, 400, 66)
"""Rows without the level that every row must have: six."""
NO_DATE: Final = range(45, 400, 66)
"""Rows whose birth date is none, and the mapping rejects those: six."""
NO_TOTAL: Final = range(7, 400, 100)
"""Rows whose total is no number: it is null there, and a warning counts them."""
COMPUTED: Final = {
    "fullName": 'concat(trim(first), " ", upper(last))',
    "birthDate": 'date(born, "dd.MM.yyyy")',
    "birthYear": 'date_part("yyyy", date(born, "dd.MM.yyyy"))',
    "total": "to_decimal(total) / 100.0",
    "size": 'iif(total > 50000, "large", iif(total > 5000, "medium", "small"))',
    "isMail": 'matches_regex(mail, "[^@]+@[^@]+")',
    "tags": 'split(words, " ")',
    "level": "upper(level)",
}
LISTED: Final = {
    "contacts[0].value": "lower(mail)",
    "contacts[1].value": 'get_url_host(concat("https://", site, "/x"))',
}
FIELDS: Final[dict[str, Any]] = {
    "fullName": {"type": "string"},
    "birthDate": {"type": "string", "format": "date"},
    "birthYear": {"type": "integer"},
    "total": {"type": "number"},
    "size": {"type": "string", "enum": ["small", "medium", "large"]},
    "isMail": {"type": "boolean"},
    "tags": {"type": "array", "items": {"type": "string"}},
    "level": {"type": "string", "pattern": "^[A-Z]+$"},
    "contacts": {
        "type": "array",
        "items": {"type": "object", "properties": {"kind": {"type": "string"}, "value": {"type": "string"}}},
    },
}
POLICY: Final = "/data/foundation/dulepolicy"
LABELS: Final = "/data/foundation/dataset/datasets"


def entity(number: int) -> dict[str, Any]:
    row: dict[str, Any] = {
        "PartitionKey": f"p{number % 4}",
        "RowKey": f"{number:05d}",
        "first": f" First{number % 17} ",
        "last": f"Last{number % 23}",
        "born": "long ago" if number in NO_DATE else f"{number % 28 + 1:02}.{number % 12 + 1:02}.{1950 + number % 50}",
        "total": "much" if number in NO_TOTAL else number * 331 % 100_000,
        "mail": f"User{number}@Example.com" if number % 5 else "none",
        "words": f"red w{number % 9}",
        "site": f"shop{number % 3}.example",
        "level": f"gold{'' if number % 2 else 'en'}",
    }
    if number in NO_LEVEL:
        del row["level"]
    return row


@pytest.fixture(scope="module")
def shop(client: Client, azurite: Azurite) -> Dataflow:
    """A table with bad rows, and what a flow over it needs, its mapping by expressions."""
    flow = resources.dataflow(
        client,
        azurite.connection_string,
        resources.seeded(azurite, "structuredshop", map(entity, range(ROWS))),
        fields=FIELDS,
        mapping={"RowKey": "_id"},
        required=("level",),
    )
    rules = [{"sourceType": "ATTRIBUTE", "source": "RowKey", "destination": "_id"}]
    rules += [
        {"sourceType": "EXPRESSION", "source": source, "destination": f"{flow.tenant}.{path}"}
        for path, source in (COMPUTED | LISTED).items()
    ]
    rules += [{"sourceType": "STATIC", "source": "mail", "destination": f"{flow.tenant}.contacts[0].kind"}]
    next(rule for rule in rules if rule["destination"].endswith(".birthDate"))["onError"] = "reject"
    body = {"xdmSchema": flow.schema_id, "mappings": rules}
    assert client.put(f"{PREP}/mappingSets/{flow.mapping_id}", json=body).status_code == 200
    # The mail address identifies a person directly, and the whole dataset must not go to third parties.
    label = {
        "@type": "xdm:descriptorLabel",
        "xdm:sourceSchema": flow.schema_id,
        "xdm:sourceVersion": 1,
        "xdm:sourceProperty": f"/{flow.tenant}/fullName",
        "xdm:labels": ["core/I1"],
    }
    client.made(f"{REGISTRY}/tenant/descriptors", label)
    client.made(f"{LABELS}/{flow.dataset_id}/labels", {"labels": ["C2"], "optionalLabels": []})
    return flow


@pytest.fixture(scope="module")
def run(client: Client, shop: Dataflow) -> Any:
    """Its run, which tolerates five percent."""
    raw = shop.body(options={"partialIngestionPercent": 5, "errorDiagnosticsEnabled": True})
    raw["transformations"][0]["params"]["mappingVersion"] = 1
    (ended_run,) = ended(client, client.made(f"{FLOW}/flows", raw)["id"])
    return ended_run


def interpreted(row: dict[str, Any]) -> dict[str, Any]:
    """What the interpreter makes of an entity, in the shape of the dataset; a value that is lost is None."""
    source = {name: str(value) for name, value in row.items()}
    names = dict.fromkeys(entity(0))
    shape = shape_of([dict.fromkeys(names, "")])
    whole = {name: source.get(name) for name in names}

    def value(expression: str) -> Any:
        try:
            return plain(Oracle(expression, shape).evaluate(whole))
        except RowError:
            return None

    out = {path: value(expression) for path, expression in COMPUTED.items()}
    contacts = [value(expression) for expression in LISTED.values()]
    out["contacts"] = [{"kind": "mail", "value": contacts[0]}, {"kind": None, "value": contacts[1]}]
    return out


@pytest.mark.azurite
def test_every_row_lands_as_the_interpreter_makes_it(server: Server, shop: Dataflow, run: Any) -> None:
    landed = server.rows(f'SELECT _id, "{shop.tenant}" AS own FROM "{shop.dataset_id}"')
    bad = {*NO_LEVEL, *NO_DATE}
    assert len(bad) == 12 == 0.03 * ROWS
    assert len(landed) == ROWS - len(bad)
    by_id = {row["_id"]: row["own"] for row in landed}
    for number in range(ROWS):
        row = entity(number)
        if number in bad:
            assert row["RowKey"] not in by_id
            continue
        expected, own = interpreted(row), by_id[row["RowKey"]]
        expected["birthDate"] = date.fromisoformat(expected["birthDate"][:10]).isoformat()
        assert {name: str(own[name]) if name == "birthDate" else own[name] for name in expected} == expected, row
    assert resources.status(run) == "partialSuccess"


@pytest.mark.azurite
def test_bad_rows_are_kept_with_their_reasons(client: Client, shop: Dataflow, run: Any) -> None:
    records = run["metrics"]["recordSummary"]
    assert (records["inputRecordCount"], records["outputRecordCount"], records["failedRecordCount"]) == (400, 388, 12)
    told = {(info["code"], info["field"]): info["count"] for info in records["failedInfo"]}
    assert told == {
        ("INGEST-1555-400", f"{shop.tenant}.level"): 6,
        ("MAPPER-3700-400", f"{shop.tenant}.birthDate"): 6,
    }
    rejects = client.get(f"/v1/runs/{run['id']}/rejects?limit=100").json()["rejects"]
    by_code: dict[str, set[str]] = {}
    for reject in rejects:
        by_code.setdefault(reject["code"], set()).add(reject["row"]["RowKey"])
    assert by_code == {
        "INGEST-1555-400": {f"{number:05d}" for number in NO_LEVEL},
        "MAPPER-3700-400": {f"{number:05d}" for number in NO_DATE},
    }


@pytest.mark.azurite
@pytest.mark.usefixtures("run")
def test_its_labels_decide_what_may_be_done_and_who_sees_values(
    client: Client, shop: Dataflow, without: Callable[[Permission], Client]
) -> None:
    assert client.put(f"{POLICY}/enabledCorePolicies", json={"policyIds": ["corepolicy_0001"]}).status_code == 200
    asked = [{"entityType": "dataSet", "entityId": shop.dataset_id}]
    answer = client.made(f"{POLICY}/marketingActions/core/exportToThirdParty/constraints", asked, status=200)
    assert [policy["id"] for policy in answer["violatedPolicies"]] == ["corepolicy_0001"]
    assert set(answer["duleLabels"]) == {"C2", "I1"}
    clean = client.made(f"{POLICY}/marketingActions/core/analytics/constraints", asked, status=200)
    assert clean["violatedPolicies"] == []
    preview = f"/data/foundation/export/datasets/{shop.dataset_id}/preview"
    names = {row[shop.tenant]["fullName"] for row in client.get(preview).json()["data"]}
    assert all(name.startswith("First") for name in names)
    rows = without(Permission.VIEW_MASKED_DATA).get(preview).json()["data"]
    assert rows
    assert {row[shop.tenant]["fullName"] for row in rows} == {"********"}
    assert all(row[shop.tenant]["level"] for row in rows)
