"""Evaluations of marketing actions, on labels and on datasets."""

import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.live import Client, Server
from tests.wire import resources
from tests.wire.resources import CATALOG, DATASETS, POLICY, REGISTRY, policy, refusal
from tests.wire.test_schema_registry import within

MAIL = f"{POLICY}/marketingActions/core/emailTargeting/constraints"
LETTERS = f"{POLICY}/marketingActions/custom/letters/constraints"
BULK = f"{POLICY}/bulk-eval"
NOBODYS = "65a1b2c3d4e5f60718293a4b"


def both(*labels: str) -> dict[str, Any]:
    return {"operator": "AND", "operands": [{"label": label} for label in labels]}


POLICIES = {
    "drafted": policy("C9", status="DRAFT"),
    "letters": policy("LOYALTY", actions=["custom/letters"]),
    "off": policy("I1", status="DISABLED"),
    "pair": policy("", deny=both("LOYALTY", "I1"), actions=["core/emailTargeting", "custom/letters"]),
}


@pytest.fixture(scope="module")
def client(server: Server) -> Iterator[Client]:
    """In a sandbox of its own, with policies by their titles and one core policy: C4 or C5 forbid e-mail."""
    with within(server, "evaluation") as calls:
        assert calls.put(f"{POLICY}/labels/custom/LOYALTY", json={"name": "LOYALTY", "category": "Custom"}).is_success
        assert calls.put(f"{POLICY}/marketingActions/custom/letters", json={"name": "letters"}).is_success
        for name, body in POLICIES.items():
            calls.made(f"{POLICY}/policies/custom", {**body, "name": name})
        assert calls.put(f"{POLICY}/enabledCorePolicies", json=["corepolicy_0003"]).is_success
        yield calls


@pytest.fixture(scope="module")
def tenant(client: Client) -> str:
    return "_" + str(client.get(f"{REGISTRY}/stats").json()["tenantId"])


@pytest.fixture(scope="module")
def people(client: Client, tenant: str) -> str:
    """Id of a dataset with C2 on it, I1 on the field `email`, and LOYALTY on the object `points`."""
    points = {"type": "object", "properties": {"total": {"type": "integer"}}}
    fields = {"email": {"type": "string"}, "age": {"type": "integer"}, "points": points}
    group = client.made(f"{REGISTRY}/tenant/fieldgroups", resources.field_group(tenant, fields))["$id"]
    for name, label in (("email", "core/I1"), ("points", "custom/LOYALTY")):
        descriptor = {"@type": "xdm:descriptorLabel", "xdm:sourceSchema": group, "xdm:sourceVersion": 1}
        client.made(
            f"{REGISTRY}/tenant/descriptors",
            {**descriptor, "xdm:sourceProperty": f"/{tenant}/{name}", "xdm:labels": [label]},
        )
    schema = client.made(f"{REGISTRY}/tenant/schemas", resources.schema(resources.PROFILE, group))["$id"]
    return labelled(client, schema, "C2")


@pytest.fixture(scope="module")
def visits(client: Client) -> str:
    """Id of a dataset of which all is labelled C5."""
    schema = client.made(f"{REGISTRY}/tenant/schemas", resources.schema(resources.PROFILE))["$id"]
    return labelled(client, schema, "C5")


def labelled(client: Client, schema_id: str, *labels: str) -> str:
    (reference,) = client.made(f"{CATALOG}/dataSets", resources.dataset(schema_id))
    dataset_id = str(reference).rpartition("/")[2]
    client.made(f"{DATASETS}/{dataset_id}/labels", {"labels": list(labels)})
    return dataset_id


def entity(dataset_id: str, *fields: str) -> dict[str, Any]:
    meta = {"entityMeta": {"fields": list(fields)}} if fields else {}
    return {"entityType": "dataSet", "entityId": dataset_id, **meta}


def violated(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [one["name"] for one in answer.json()["violatedPolicies"]]


CORE = "No targeting by e-mail"


@pytest.mark.parametrize(
    ("labels", "draft", "expected"),
    [
        ("C2", "", []),
        ("C4", "", [CORE]),
        ("C5,C4", "false", [CORE]),
        ("core/C5", "", [CORE]),
        ("c5", "", []),
        ("C9", "", []),
        ("C9", "true", ["drafted"]),
        ("C9", "True", ["drafted"]),
        ("C9", "TRUE", ["drafted"]),
        ("C9", "False", []),
        ("LOYALTY", "", []),
        ("I1", "true", []),
        ("I1, custom/LOYALTY", "", ["pair"]),
        ("I1,LOYALTY,C9,C5", "true", [CORE, "drafted", "pair"]),
        ("NOBODY", "true", []),
    ],
)
def test_labels_are_evaluated(client: Client, labels: str, draft: str, expected: list[str]) -> None:
    query = {"duleLabels": labels, **({"includeDraft": draft} if draft else {})}
    assert violated(client.get(MAIL, params=query)) == expected


def test_an_answer_says_who_asked_what_and_shows_whole_policies(client: Client) -> None:
    before = time.time() * 1_000
    answer = client.get(LETTERS, params={"duleLabels": "LOYALTY,C2,LOYALTY"})
    assert violated(answer) == ["letters"]
    body = answer.json()
    assert before - 1_000 <= body["timestamp"] <= time.time() * 1_000 + 1_000
    assert body["clientId"] == client.headers["x-api-key"]
    assert body["imsOrg"] == client.headers["x-gw-ims-org-id"]
    assert (body["sandboxName"], body["duleLabels"]) == ("evaluation", ["C2", "LOYALTY"])
    assert client.get(body["marketingActionRef"]).json()["name"] == "letters"
    assert "discoveredLabels" not in body
    (shown,) = body["violatedPolicies"]
    assert client.get(f"{POLICY}/policies/custom/{shown['id']}").json() == shown


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({}, "query-missing"),
        ({"duleLabels": ""}, "query-missing"),
        ({"duleLabels": " , "}, "query-missing"),
        ({"duleLabels": "C2", "includeDraft": "yes"}, "query-invalid"),
    ],
)
def test_a_malformed_question_is_refused(client: Client, query: dict[str, str], code: str) -> None:
    body = refusal(client.get(MAIL, params=query))
    assert (body["title"], body["code"]) == ("BadRequest", code)


@pytest.mark.parametrize("kind", ["core", "custom"])
def test_an_unknown_action_is_not_found(client: Client, people: str, kind: str) -> None:
    path = f"{POLICY}/marketingActions/{kind}/nobodys/constraints"
    assert refusal(client.get(path, params={"duleLabels": "C2"}))["title"] == "NotFound"
    answer = client.post(path, json=[entity(people)])
    assert answer.status_code == 404
    # Core and custom actions are not mistaken for each other.
    name = "letters" if kind == "core" else "emailTargeting"
    assert client.get(path.replace("nobodys", name), params={"duleLabels": "C2"}).status_code == 404


def test_a_path_without_its_slash_leads_to_labels_too(client: Client) -> None:
    query = {"duleLabels": "C9", "includeDraft": "True"}
    for kind, name in (("core", "emailTargeting"), ("custom", "letters")):
        plain = client.get(f"{POLICY}/marketingActions/{kind}/{name}/constraints", params=query).json()
        slip = client.get(f"{POLICY}marketingActions/{kind}/{name}/constraints", params=query).json()
        assert slip | {"timestamp": 0} == plain | {"timestamp": 0}
    answer = client.get(f"{POLICY}marketingActions/core/nobodys/constraints", params=query)
    assert refusal(answer)["title"] == "NotFound"


def test_labels_of_a_dataset_and_its_fields_are_discovered(client: Client, tenant: str, people: str) -> None:
    answer = client.post(MAIL, json=[entity(people)])
    assert violated(answer) == ["pair"]
    body = answer.json()
    assert body["duleLabels"] == ["C2", "I1", "LOYALTY"]
    at = f"/properties/{tenant}/properties"
    assert body["discoveredLabels"] == [
        {
            "entityType": "dataSet",
            "entityId": people,
            "dataSetLabels": {
                "connection": {"labels": []},
                "dataSet": {"labels": ["C2"]},
                "fields": [
                    {"path": f"{at}/email", "labels": ["I1"]},
                    {"path": f"{at}/points", "labels": ["LOYALTY"]},
                    {"path": f"{at}/points/properties/total", "labels": ["LOYALTY"]},
                ],
            },
        }
    ]


@pytest.mark.parametrize(
    ("fields", "labels", "expected"),
    [
        (["age"], ["C2"], []),
        (["email"], ["C2", "I1"], []),
        (["points"], ["C2", "LOYALTY"], []),
        (["points/properties/total"], ["C2", "LOYALTY"], []),
        (["email", "points/total"], ["C2", "I1", "LOYALTY"], ["pair"]),
        (["email", "points"], ["C2", "I1", "LOYALTY"], ["pair"]),
    ],
)
def test_only_fields_that_are_used_count(
    client: Client, tenant: str, people: str, fields: list[str], labels: list[str], expected: list[str]
) -> None:
    for start in (f"/properties/{tenant}/properties/", f"/{tenant}/", f"{tenant}/"):
        answer = client.post(MAIL, json=[entity(people, *(start + name for name in fields))])
        assert violated(answer) == expected
        assert answer.json()["duleLabels"] == labels


def test_labels_of_several_datasets_count_together(client: Client, tenant: str, people: str, visits: str) -> None:
    email = entity(people, f"/{tenant}/email")
    assert violated(client.post(MAIL, json=[email])) == []
    assert violated(client.post(MAIL, json=[entity(visits)])) == [CORE]
    answer = client.post(MAIL, json=[email, entity(visits)])
    assert violated(answer) == [CORE]
    assert answer.json()["duleLabels"] == ["C2", "C5", "I1"]
    assert [one["entityId"] for one in answer.json()["discoveredLabels"]] == [people, visits]
    # Of one dataset the label I1, of the other one LOYALTY.
    loyal = entity(people, f"/{tenant}/points")
    assert violated(client.post(LETTERS, json=[email, loyal])) == ["letters", "pair"]


def test_an_evaluation_of_datasets_may_include_drafts(client: Client, visits: str) -> None:
    draft = client.made(f"{POLICY}/policies/custom", policy("C5", name="draft of C5", status="DRAFT"))
    assert violated(client.post(MAIL, json=[entity(visits)])) == [CORE]
    assert violated(client.post(f"{MAIL}?includeDraft=True", json=[entity(visits)])) == [CORE, "draft of C5"]
    path = f"{POLICY}/policies/custom/{draft['id']}"
    client.patch(path, json=[{"op": "replace", "path": "/status", "value": "ENABLED"}])
    assert violated(client.post(MAIL, json=[entity(visits)])) == [CORE, "draft of C5"]
    client.patch(path, json=[{"op": "replace", "path": "/status", "value": "DISABLED"}])
    assert violated(client.post(f"{MAIL}?includeDraft=true", json=[entity(visits)])) == [CORE]
    assert client.delete(path).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        [],
        {},
        entity(NOBODYS),
        ["x"],
        [{"entityType": "dataSet"}],
        [{"entityId": NOBODYS}],
        [{"entityType": "connection", "entityId": NOBODYS}],
        [{"entityType": "dataSet", "entityId": ""}],
        [{"entityType": "dataSet", "entityId": NOBODYS, "entityMeta": {"fields": []}}],
        [{"entityType": "dataSet", "entityId": NOBODYS, "entityMeta": {"fields": "x"}}],
        [entity(NOBODYS)] * 201,
    ],
)
def test_malformed_entities_are_refused(client: Client, body: Any) -> None:
    assert refusal(client.post(MAIL, json=body))["title"] == "BadRequest"


def test_an_unknown_dataset_or_field_is_refused_by_name(client: Client, people: str) -> None:
    """To find no label would say that all is well."""
    unknown = refusal(client.post(MAIL, json=[entity(people), entity(NOBODYS)]))
    assert NOBODYS in unknown["detail"]
    mistyped = refusal(client.post(MAIL, json=[entity(people, "/_nobody/email")]))
    assert "/_nobody/email" in mistyped["detail"]


def test_several_evaluations_are_answered_in_their_order(client: Client, people: str, visits: str) -> None:
    jobs = [
        {"evalRef": f"https://example.test:443{MAIL}", "labels": ["core/C5", "C2"]},
        {"evalRef": "../marketingActions/core/nobodys/constraints", "labels": ["C5"]},
        {"evalRef": "/marketingActions/custom/letters/constraints", "entityList": [entity(people), entity(visits)]},
        {"evalRef": MAIL, "includeDraft": True, "labels": ["C9"]},
        {"evalRef": MAIL, "includeDraft": False, "entityList": [entity(NOBODYS)]},
    ]
    answer = client.post(BULK, json=jobs)
    assert answer.status_code == 200
    done = answer.json()
    assert [one["status"] for one in done] == [200, 404, 200, 200, 400]
    names = [[found["name"] for found in one["body"]["violatedPolicies"]] if "body" in one else None for one in done]
    assert names == [[CORE], None, ["letters", "pair"], ["drafted"], None]
    assert done[0]["body"]["duleLabels"] == ["C2", "C5"]
    assert [("discoveredLabels" in one["body"]) if "body" in one else None for one in done] == [
        False, None, True, False, None
    ]  # fmt: skip
    for one in (done[1], done[4]):
        assert one.keys() == {"status", "error"}
        assert one["error"]["status"] == one["status"]
        assert one["error"]["type"] == "/placeholder/type/uri"
    assert (done[1]["error"]["title"], done[4]["error"]["title"]) == ("NotFound", "BadRequest")
    assert NOBODYS in done[4]["error"]["detail"]


SOUND = {"evalRef": MAIL, "labels": ["C5"]}


@pytest.mark.parametrize(
    "job",
    [
        {"evalRef": MAIL},
        {"labels": ["C5"]},
        {"evalRef": MAIL, "labels": ["C5"], "entityList": [entity(NOBODYS)]},
        {"evalRef": MAIL, "labels": []},
        {"evalRef": MAIL, "entityList": []},
        {"evalRef": MAIL, "labels": [7]},
        {"evalRef": MAIL, "labels": ["C5"], "includeDraft": "maybe"},
        {"evalRef": "emailTargeting", "labels": ["C5"]},
        {"evalRef": 7, "labels": ["C5"]},
        "x",
    ],
)
def test_a_malformed_job_refuses_all_of_them(client: Client, job: Any) -> None:
    assert refusal(client.post(BULK, json=[SOUND, job]))["title"] == "BadRequest"


def test_an_empty_or_endless_list_of_jobs_is_refused(client: Client) -> None:
    large = {"evalRef": MAIL, "entityList": [entity(NOBODYS)] * 200}
    assert client.post(BULK, json=[large] * 5).status_code == 200
    for jobs in ([], [SOUND] * 101, SOUND, [large] * 5 + [{**large, "entityList": [entity(NOBODYS)]}]):
        assert refusal(client.post(BULK, json=jobs))["title"] == "BadRequest"


def test_of_another_sandbox_neither_policies_nor_datasets_count(client: Client, server: Server, people: str) -> None:
    with within(server, "evaluation-other") as calls:
        query = {"duleLabels": "C4,C5,C9,LOYALTY,I1", "includeDraft": "true"}
        assert violated(calls.get(MAIL, params=query)) == []
        assert calls.get(LETTERS, params=query).status_code == 404
        (theirs, nobodys) = calls.post(
            BULK, json=[{"evalRef": MAIL, "entityList": [entity(one)]} for one in (people, NOBODYS)]
        ).json()
        assert theirs["status"] == nobodys["status"] == 400
        assert theirs["error"]["detail"].replace(people, NOBODYS) == nobodys["error"]["detail"]
