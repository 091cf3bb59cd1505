"""The unmodified `aepp` client: all methods of its class Policy, on datasets labelled by its class DataSets."""

import re
from typing import Any

import pytest

from flowservice.domain.label import CORE_LABELS
from flowservice.domain.marketing_action import CORE_ACTIONS
from tests.journeys.aepp_client import told_by
from tests.live import Client, Server
from tests.wire.test_schema_registry import within

SANDBOX = "aepp-policies"
PROGRAM = """
from aepp import catalog, datasets, policy, schema

api = policy.Policy()
told["methods"] = [name for name, member in vars(policy.Policy).items() if callable(member) and name[0] != "_"]
told["core_labels"] = [one["name"] for one in api.getCoreLabels(limit=4)]
told["C4"] = api.getCoreLabels(prop="name==C4")
told["C2"] = api.getCoreLabel("C2")
for number in range(5):
    name = f"AEPP_{number}"
    told["put_label"] = api.updateCustomLabel(name, {"name": name, "category": "Custom", "friendlyName": name})
told["custom_labels"] = [one["name"] for one in api.getCustomLabels(limit=2)]
told["no_labels"] = api.getCustomLabels(prop="name==NONE")
told["label"] = api.getCustomLabel("AEPP_4")
told["no_label"] = api.getCustomLabel("NONE")

told["core_actions"] = [one["name"] for one in api.getMarketingActionsCores(limit=3)]
told["core_action"] = api.getMarketingActionsCore("emailTargeting")
for number in range(5):
    told["put_action"] = api.createOrupdateCustomMarketingAction(f"action {number}", "Of aepp")
told["custom_actions"] = [one["name"] for one in api.getCustomMarketingActions(limit=2)]
told["last_actions"] = [one["name"] for one in api.getCustomMarketingActions(limit=2, orderby="-name")]
told["custom_action"] = api.getCustomMarketingAction("action 4")
told["deleted"] = api.deleteCustomMarketingAction("action 4")

told["none_enabled"] = api.getEnabledCorePolicies()
told["enabled"] = api.createEnabledCorePolicies(["corepolicy_0003"])
told["enabled_again"] = api.getEnabledCorePolicies()
told["core_policies"] = api.getPoliciesCore(limit=50)
told["mail_policies"] = api.getPoliciesCore(marketingAction="emailTargeting")
told["core_policy"] = api.getPoliciesCoreId("corepolicy_0003")
made = api.createPolicy({
    "name": "Not by letter", "status": "DRAFT",
    "marketingActionRefs": [told["custom_action"]["_links"]["self"]["href"].replace("action%204", "action%203")],
    "deny": {"operator": "AND", "operands": [{"label": "AEPP_1"}, {"label": "C5"}]},
})
told["policy"] = made
told["policy_read"] = api.getPoliciesCustom(made["id"])
told["policies"] = api.getPoliciesCustoms(duleLabels="C5,C9", property="status==DRAFT")
told["in_use"] = api.deleteCustomMarketingAction("action 3")

profile = schema.Schema().createProfileSchema(
    "Profile of aepp", fieldGroupIds=["https://ns.adobe.com/xdm/context/identitymap"])
(reference,) = catalog.Catalog().createDataSet(name="Customers of aepp", schemaId=profile["$id"])
dataset = reference.rpartition("/")[2]
told["dataset"] = dataset
told["labelled"] = datasets.DataSets().createLabels(dataset, {"labels": ["C5", "AEPP_1"], "optionalLabels": []})
told["on_dataset"] = api.evaluateMarketingActionDataset(
    mktActionName="emailTargeting", entityId=dataset, entityMeta=["/properties/_id"])
told["draft_on_dataset"] = api.evaluateMarketingActionDataset(
    typeMktAction="custom", mktActionName="action 3", entityId=dataset, draftEvaluation=True)
told["on_labels"] = api.evaluateMarketingActionUsageLabel(mktActionName="emailTargeting", duleLabels="C4,C2")
told["draft_on_labels"] = api.evaluateMarketingActionUsageLabel(
    "custom", "action 3", duleLabels="AEPP_1,C5", draftEvaluation=True)
told["clean"] = api.evaluateMarketingActionUsageLabel(mktActionName="analytics", duleLabels="C4")
told["bulk"] = api.bulkEval([
    {"evalRef": "/marketingActions/core/emailTargeting/constraints", "includeDraft": False, "labels": ["C5"]},
    {"evalRef": told["custom_action"]["_links"]["self"]["href"] + "/constraints", "labels": ["C5"]},
])
"""


@pytest.fixture(scope="module")
def told(server: Server) -> dict[str, Any]:
    """What the program told, of a sandbox of its own."""
    with within(server, SANDBOX):
        return told_by(server, PROGRAM, sandbox=SANDBOX)


def names(answer: dict[str, Any]) -> list[str]:
    return [one["name"] for one in answer["violatedPolicies"]]


def test_every_method_of_the_class_is_called(told: dict[str, Any]) -> None:
    assert len(told["methods"]) > 20
    assert set(told["methods"]) == set(re.findall(r"\bapi\.(\w+)", PROGRAM))


def test_labels_are_listed_over_pages_that_end(told: dict[str, Any]) -> None:
    assert told["core_labels"] == sorted(CORE_LABELS)
    assert [one["name"] for one in told["C4"]] == ["C4"]
    assert told["C2"]["category"] == "Contract"
    assert told["custom_labels"] == [f"AEPP_{number}" for number in range(5)]
    assert told["no_labels"] == []
    assert told["label"] == told["put_label"]
    assert told["label"]["sandboxName"] == SANDBOX
    assert (told["no_label"]["status"], told["no_label"]["title"]) == (404, "NotFound")


def test_actions_are_listed_over_pages_that_end(told: dict[str, Any]) -> None:
    assert told["core_actions"] == sorted(CORE_ACTIONS)
    assert told["core_action"]["friendlyName"] == "Email Targeting"
    assert told["custom_actions"] == [f"action {number}" for number in range(5)]
    assert told["last_actions"] == told["custom_actions"][::-1]
    assert told["custom_action"] == told["put_action"]
    assert told["custom_action"]["description"] == "Of aepp"
    assert told["deleted"] == 200
    assert (told["in_use"]["status"], told["in_use"]["code"]) == (400, "in-use")
    assert told["policy"]["id"] in told["in_use"]["detail"]


def test_policies_are_made_read_and_enabled(told: dict[str, Any]) -> None:
    assert told["none_enabled"]["policyIds"] == []
    assert told["enabled"]["policyIds"] == told["enabled_again"]["policyIds"] == ["corepolicy_0003"]
    assert len(told["core_policies"]["children"]) == 11
    assert [one["id"] for one in told["mail_policies"]["children"]] == ["corepolicy_0003"]
    assert told["core_policy"]["status"] == "ENABLED"
    assert told["policy_read"] == told["policy"]
    assert told["policies"]["children"] == [told["policy"]]


def test_evaluations_say_what_is_denied(told: dict[str, Any]) -> None:
    on_dataset = told["on_dataset"]
    assert names(on_dataset) == ["No targeting by e-mail"]
    assert on_dataset["duleLabels"] == ["AEPP_1", "C5"]
    (found,) = on_dataset["discoveredLabels"]
    assert (found["entityId"], found["dataSetLabels"]["dataSet"]["labels"]) == (told["dataset"], ["AEPP_1", "C5"])
    # It has a parameter for drafts, and does not send it.
    assert names(told["draft_on_dataset"]) == []
    assert names(told["on_labels"]) == ["No targeting by e-mail"]
    assert told["on_labels"]["duleLabels"] == ["C2", "C4"]
    assert names(told["draft_on_labels"]) == ["Not by letter"]
    assert names(told["clean"]) == []
    assert [one["status"] for one in told["bulk"]] == [200, 404]
    assert names(told["bulk"][0]["body"]) == ["No targeting by e-mail"]


def test_what_it_made_is_of_its_sandbox_alone(told: dict[str, Any], client: Client) -> None:
    assert client.get("/data/foundation/dulepolicy/labels/custom/AEPP_1").status_code == 404
    assert client.get(f"/data/foundation/dulepolicy/policies/custom/{told['policy']['id']}").status_code == 404
