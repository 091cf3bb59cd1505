"""The page on policies: its calls are made as they stand there, and answered as it says."""

import json
import re
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from flowservice.domain.deny import expression_in
from flowservice.domain.policy import CORE_POLICIES
from tests.live import ROOT, Client, Server
from tests.wire import resources
from tests.wire.resources import CATALOG, DATASETS, REGISTRY
from tests.wire.test_schema_registry import within

PAGE = (ROOT / "docs/policies.md").read_text(encoding="utf-8")
SANDBOX = "policies-page"


@pytest.fixture(scope="module")
def client(server: Server) -> Iterator[Client]:
    with within(server, SANDBOX) as calls:
        yield calls


@pytest.fixture(scope="module")
def printed(client: Client) -> list[Any]:
    """What the calls of the page answer, each in its turn."""
    tenant = "_" + str(client.get(f"{REGISTRY}/stats").json()["tenantId"])
    group = client.made(f"{REGISTRY}/tenant/fieldgroups", resources.field_group(tenant, {"email": {"type": "string"}}))[
        "$id"
    ]
    schema = client.made(f"{REGISTRY}/tenant/schemas", resources.schema(resources.PROFILE, group))["$id"]
    (reference,) = client.made(f"{CATALOG}/dataSets", resources.dataset(schema))
    dataset = str(reference).rpartition("/")[2]
    client.made(f"{DATASETS}/{dataset}/labels", {"labels": ["I1"]})
    blocks = re.findall(r"^```\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    script = "".join(block for block in blocks if re.match("BASE=|call ", block))
    script = script.replace("}'", "}'; echo").replace("]'", "]'; echo").replace('LOYALTY,I1"', 'LOYALTY,I1"; echo')
    for shown, real in (
        ("http://127.0.0.1:8080", str(client.base_url).rstrip("/")),
        ("x-sandbox-name: prod", f"x-sandbox-name: {SANDBOX}"),
        ("65a1b2c3d4e5f60718293a4b", dataset),
        ("_shop", tenant),
    ):
        assert shown in script
        script = script.replace(shown, real)
    known = client.headers
    variables = {
        "TOKEN": known["Authorization"].removeprefix("Bearer "),
        "CLIENT_ID": known["x-api-key"],
        "ORG_ID": known["x-gw-ims-org-id"],
        "PATH": "/usr/bin:/bin",
    }
    ran = subprocess.run(["bash", "-ec", script], check=True, capture_output=True, text=True, env=variables)
    return [json.loads(line) for line in ran.stdout.splitlines() if line]


def test_the_calls_are_answered_as_the_page_says(printed: list[Any]) -> None:
    label, action, policy, of_labels, of_fields, bulk = printed
    assert (label["name"], action["name"], policy["status"]) == ("LOYALTY", "newsletter", "ENABLED")
    assert of_labels["violatedPolicies"] == [policy]
    assert of_fields["violatedPolicies"] == []
    assert of_fields["duleLabels"] == ["I1"]
    assert of_fields["discoveredLabels"][0]["dataSetLabels"]["dataSet"] == {"labels": ["I1"]}
    assert [one["status"] for one in bulk] == [200, 200]


def test_the_page_names_the_core_policies_there_are() -> None:
    rows = re.findall(r"^\| `(corepolicy_\d+)` \| `(\w+)` \| ([^|]+) \|$", PAGE, re.MULTILINE)
    told = {
        name: (action, expression_in({"operator": "OR", "operands": [{"label": one} for one in labels.split(" or ")]}))
        for name, action, labels in rows
    }
    assert told.keys() == {policy.id for policy in CORE_POLICIES}
    for policy in CORE_POLICIES:
        action, deny = told[policy.id]
        assert [one.name for one in policy.actions] == [action]
        assert deny == policy.deny or deny.operands == (policy.deny,)  # type: ignore[union-attr]
