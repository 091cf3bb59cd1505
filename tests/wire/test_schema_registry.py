"""The Schema Registry as its clients call it: forms, lists, changes, descriptors, samples, export and import."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

import pytest

from tests.live import Client, Server
from tests.wire.resources import CATALOG, REGISTRY, refusal

XDM = "https://ns.adobe.com/xdm/"
PROFILE, EVENT = XDM + "context/profile", XDM + "context/experienceevent"
TENANT = f"{REGISTRY}/tenant"
TEXT = {"type": "string"}


@contextmanager
def within(server: Server, name: str) -> Iterator[Client]:
    """Calls in a new sandbox."""
    with server.client() as administrator:
        body = {"name": name, "title": name, "type": "development"}
        administrator.made("/data/foundation/sandbox-management/sandboxes", body, status=202)
    with server.client(sandbox=name) as calls:
        for _ in range(200):
            if calls.get(f"{REGISTRY}/stats").status_code == 200:
                break
        yield calls


@pytest.fixture(scope="module")
def client(server: Server) -> Iterator[Client]:
    """In a sandbox of its own, so that lists hold what these tests made."""
    with within(server, "registry") as calls:
        yield calls


@pytest.fixture(scope="module")
def tenant(client: Client) -> str:
    return "_" + str(client.get(f"{REGISTRY}/stats").json()["tenantId"])


@pytest.fixture(scope="module")
def group(client: Client, tenant: str) -> dict[str, Any]:
    fields = {"crm": {**TEXT, "title": "CRM id"}, "size": {**TEXT, "enum": ["s", "l"]}}
    own = {tenant: {"type": "object", "properties": fields, "required": ["crm"]}}
    body = {"title": "Things", "description": "words", "type": "object", "meta:intendedToExtend": [PROFILE]}
    made: dict[str, Any] = client.made(f"{TENANT}/fieldgroups", {**body, "properties": own})
    return made


@pytest.fixture(scope="module")
def schema(client: Client, group: dict[str, Any]) -> dict[str, Any]:
    parts = [{"$ref": PROFILE}, {"$ref": group["$id"]}]
    made: dict[str, Any] = client.made(f"{TENANT}/schemas", {"title": "Thing", "type": "object", "allOf": parts})
    return made


def read(client: Client, path: str, accept: str = "application/vnd.adobe.xed+json; version=1") -> Any:
    answer = client.get(path, headers={"Accept": accept})
    assert answer.status_code == 200, answer.text
    return answer.json()


def encoded(ref: str) -> str:
    return quote(ref, safe="")


@pytest.mark.parametrize("segment", ["behaviors", "classes", "fieldgroups", "datatypes", "schemas", "mixins"])
def test_standard_resources_are_listed_and_read_by_both_names(client: Client, segment: str) -> None:
    page = read(client, f"{REGISTRY}/global/{segment}")
    assert page["_page"] == {"orderby": "updated", "next": None, "count": len(page["results"])}
    assert (segment == "schemas") is (page["results"] == [])
    for one in page["results"]:
        for ref in (one["meta:altId"], encoded(one["$id"])):
            # The tenant's container finds what is standard, too.
            for container in ("global", "tenant"):
                assert read(client, f"{REGISTRY}/{container}/{segment}/{ref}") == one


def test_a_resource_is_read_in_each_of_its_forms(
    client: Client, tenant: str, group: dict[str, Any], schema: dict[str, Any]
) -> None:
    path = f"{TENANT}/schemas/{schema['meta:altId']}"
    plain = read(client, path)
    assert plain["meta:sandboxType"] == "development"
    assert [part["$ref"] for part in plain["allOf"]] == [PROFILE, group["$id"]]
    assert set(read(client, path, "application/vnd.adobe.xed-id+json")) == {"$id", "meta:altId", "version", "title"}
    full = read(client, path, "application/vnd.adobe.xdm-full+json; version=1")
    own = full["properties"][tenant]
    assert (own["properties"]["crm"]["title"], own["meta:xdmType"], own["required"]) == ("CRM id", "object", ["crm"])
    assert "allOf" not in full
    bare = read(client, path, "application/vnd.adobe.xed-full-notext+json;version=1")
    assert "title" not in bare
    assert "title" not in bare["properties"][tenant]["properties"]["crm"]
    # Lenient, as clients are careless.
    for accept in ("*/*", "application/json", "application/vnd.adobe.xed+json", "application/vnd.adobe.xed-x+json"):
        assert read(client, path, accept) == plain


def test_lists_are_filtered_ordered_and_paged(client: Client) -> None:
    made = {}
    for number in range(5):
        body = {"title": f"Listed {'ab'[number % 2]}{number}", "type": "object", "properties": {"a": TEXT}}
        made[body["title"]] = client.made(f"{TENANT}/datatypes", body)["$id"]
    path = f"{TENANT}/datatypes?orderby=-title&limit=2&property=title~^listed%20[ab][0-3]$"
    titles, start = [], ""
    while True:
        page = read(client, path + start)
        titles += [one["title"] for one in page["results"]]
        if page["_page"]["next"] is None:
            break
        start = f"&start={page['_page']['next']}"
    assert titles == ["Listed b3", "Listed b1", "Listed a2", "Listed a0"]
    wanted = made["Listed a4"]
    (one,) = read(client, f"{TENANT}/datatypes?property=$id=={encoded(wanted)}", "application/vnd.adobe.xed-id+json")[
        "results"
    ]
    assert one["$id"] == wanted
    refused = client.get(f"{TENANT}/datatypes", params={"property": "title~(?=x)"})
    assert refusal(refused)["code"] == "query-invalid"


@pytest.mark.parametrize("segment", ["schemas", "fieldgroups", "classes", "datatypes", "mixins"])
def test_every_kind_is_made_replaced_patched_and_deleted(client: Client, tenant: str, segment: str) -> None:
    own = {tenant: {"type": "object", "properties": {"a": TEXT}}}
    members: dict[str, dict[str, Any]] = {
        "schemas": {"allOf": [{"$ref": EVENT}]},
        "classes": {"allOf": [{"$ref": XDM + "data/record"}], "properties": own},
        "datatypes": {"properties": {"a": TEXT}},
    }
    body = {"title": f"Kind {segment}", "type": "object", **members.get(segment, {"properties": own})}
    made = client.made(f"{TENANT}/{segment}/", body)
    path = f"{TENANT}/{segment}/{encoded(made['$id'])}"
    replaced = client.put(path, json={**made, "description": "new"})
    assert (replaced.status_code, replaced.json()["version"], replaced.json()["description"]) == (200, "1.1", "new")
    steps = [{"op": "replace", "path": "/title", "value": f"{body['title']}, renamed"}]
    patched = client.patch(f"{path}/", json=steps, headers={"Accept": "application/vnd.adobe.xed+json"})
    assert (patched.status_code, patched.json()["title"]) == (200, steps[0]["value"])
    assert read(client, path) == patched.json()
    trail = read(client, f"{REGISTRY}/rpc/auditlog/{encoded(made['$id'])}")
    assert [one["version"] for one in trail] == ["1.2", "1.1", "1.0"]
    assert trail[0]["auditTrails"][0]["path"] == "/title"
    assert client.delete(path).status_code == 204
    assert refusal(client.get(path))["type"].endswith("XDM-1012-404")


def test_what_is_in_use_stays(client: Client, group: dict[str, Any], schema: dict[str, Any]) -> None:
    answer = client.delete(f"{TENANT}/fieldgroups/{group['meta:altId']}")
    body = refusal(answer)
    assert (answer.status_code, body["code"]) == (400, "in-use")
    assert f"the schema 'Thing' ({schema['$id']})" in body["detail"]
    assert body["report"]["timestamp"]


def test_behaviours_are_not_changed(client: Client) -> None:
    for method in ("PUT", "PATCH", "DELETE"):
        answer = client.request(method, f"{TENANT}/behaviors/_xdm.data.record", json=[])
        assert answer.status_code in {404, 405}


def test_unions_are_listed_and_read(client: Client, tenant: str, schema: dict[str, Any]) -> None:
    path = f"{TENANT}/schemas/{schema['meta:altId']}/"
    tag = [{"op": "add", "path": "/meta:immutableTags", "value": ["union"]}]
    assert client.patch(path, json=tag).json()["meta:immutableTags"] == ["union"]
    tagged = f"{TENANT}/schemas?property=meta:immutableTags==union&property=meta:class=={encoded(PROFILE)}"
    assert [one["$id"] for one in read(client, tagged)["results"]] == [schema["$id"]]
    (union,) = read(client, f"{TENANT}/unions")["results"]
    full = read(client, f"{TENANT}/unions/{encoded(union['$id'])}", "application/vnd.adobe.xdm-full+json; version=1")
    assert {"_id", tenant} <= full["properties"].keys()
    assert read(client, f"{REGISTRY}/stats")["counts"]["unions"] == 1
    removal = client.put(path, json={**schema, "allOf": [{"$ref": PROFILE}]})
    assert refusal(removal)["code"] == "schema-change-breaking"


def test_descriptors_are_made_changed_listed_in_four_forms_and_deleted(
    client: Client, tenant: str, schema: dict[str, Any]
) -> None:
    path = f"{TENANT}/descriptors"
    identity = {
        "@type": "xdm:descriptorIdentity", "xdm:sourceSchema": schema["$id"], "xdm:sourceVersion": 1,
        "xdm:sourceProperty": f"/{tenant}/crm", "xdm:namespace": "CRM", "xdm:isPrimary": True,
    }  # fmt: skip
    display = {
        "@type": "xdm:alternateDisplayInfo", "xdm:sourceSchema": schema["$id"],
        "xdm:sourceProperty": f"/{tenant}/crm", "xdm:title": {"en_us": "Number"},
    }  # fmt: skip
    made = client.made(path, identity)
    shown = client.made(path, display)
    assert (made["xdm:property"], made["meta:containerId"]) == ("xdm:code", "tenant")
    assert read(client, f"{path}/{made['@id']}", "application/vnd.adobe.xdm+json") == made
    forms = {
        "xdm": {made["@type"]: [made], shown["@type"]: [shown]},
        "xdm-id": {made["@type"]: [made["@id"]], shown["@type"]: [shown["@id"]]},
        "xdm-link": {one["@type"]: [f"/tenant/descriptors/{one['@id']}"] for one in (made, shown)},
    }
    for form, wanted in forms.items():
        assert read(client, path, f"application/vnd.adobe.{form}+json") == wanted
    version_2 = "application/vnd.adobe.xdm-v2+json"
    page = read(client, path, version_2)
    assert (page["results"], page["_page"]["next"]) == ([made, shown], None)
    both = f"property=@type==xdm:alternateDisplayInfo,xdm:sourceSchema=={encoded(schema['$id'])}"
    assert read(client, f"{path}/?{both}", version_2)["results"] == [shown]
    first = read(client, f"{path}?limit=1", version_2)
    rest = read(client, f"{path}?limit=1&start={first['_page']['next']}", version_2)
    assert first["results"] + rest["results"] == [made, shown]
    assert rest["_page"]["next"] is None
    changed = client.put(f"{path}/{shown['@id']}", json={**shown, "xdm:title": {"en_us": "Customer"}})
    assert (changed.status_code, changed.json()["@id"]) == (200, shown["@id"])
    at_full = f"{TENANT}/schemas/{schema['meta:altId']}"
    full = read(client, at_full, "application/vnd.adobe.xed-full-desc+json; version=1")
    assert [one["@id"] for one in full["meta:descriptors"]] == [made["@id"], shown["@id"]]
    assert full["properties"][tenant]["properties"]["crm"]["title"] == "Customer"
    gone = {**display, "@type": "xdm:descriptorDeprecated", "xdm:sourceProperty": f"/{tenant}/size"}
    gone_id = client.made(path, gone)["@id"]
    for family in ("xed-full-deprecated", "xed-deprecatefield-full"):
        told = read(client, at_full, f"application/vnd.adobe.{family}+json; version=1")
        assert told["properties"][tenant]["properties"]["size"]["meta:status"] == "deprecated"
    for one in (made["@id"], shown["@id"], gone_id):
        assert client.delete(f"{path}/{one}", headers={"Accept": "application/vnd.adobe.xdm+json"}).status_code == 204
        assert client.get(f"{path}/{one}").status_code == 404
    wrong = refusal(client.post(path, json={**identity, "xdm:sourceProperty": "/nothing"}))
    assert (wrong["code"], wrong["status"]) == ("descriptor-invalid", 400)


def test_a_descriptor_that_somebody_else_changed_is_neither_replaced_nor_deleted(
    client: Client, tenant: str, schema: dict[str, Any]
) -> None:
    path = f"{TENANT}/descriptors"
    label = {"@type": "xdm:descriptorLabel", "xdm:sourceSchema": schema["$id"], "xdm:sourceVersion": 1}
    label["xdm:sourceProperty"] = f"/{tenant}/size"
    made = client.post(path, json={**label, "xdm:labels": ["C2"]})
    one = f"{path}/{made.json()['@id']}"
    read_before = client.get(one).headers["etag"]
    assert read_before == made.headers["etag"]
    theirs = client.put(one, json={**label, "xdm:labels": ["C3"]}, headers={"If-Match": read_before})
    assert theirs.headers["etag"] not in {"", read_before}
    for answer in (
        client.put(one, json={**label, "xdm:labels": ["C4"]}, headers={"If-Match": read_before}),
        client.delete(one, headers={"If-Match": read_before}),
    ):
        assert answer.status_code == 412
    assert client.get(one).json()["xdm:labels"] == ["core/C3"]
    assert client.delete(one, headers={"If-Match": theirs.headers["etag"]}).status_code == 204


def test_a_sample_is_made(client: Client, tenant: str, schema: dict[str, Any]) -> None:
    sample = read(client, f"{REGISTRY}/rpc/sampledata/{encoded(schema['$id'])}")
    assert sample[tenant] == {"crm": "CRM id", "size": "s"}


def test_an_export_is_imported_in_another_sandbox(
    server: Server, client: Client, tenant: str, schema: dict[str, Any]
) -> None:
    exported = read(client, f"{REGISTRY}/rpc/export/{encoded(schema['$id'])}")
    assert [one["title"] for one in exported] == ["Things", "Thing"]
    with within(server, "registry-copy") as there:
        # Clients post imports to either path.
        made = there.post(f"{REGISTRY}/rpc/export/", json=exported)
        assert made.status_code == 200, made.text
        *_, imported = made.json()
        path = f"{TENANT}/schemas/{imported['meta:altId']}"
        full = read(there, path, "application/vnd.adobe.xed-full+json; version=1")
        assert full["properties"][tenant]["required"] == ["crm"]
        again = there.post(f"{REGISTRY}/rpc/import", json=exported)
        body = refusal(again)
        assert (again.status_code, body["type"].rsplit("/")[-1]) == (400, "XDM-3005-400")
        (cause,) = body["report"]["sub-errors"]
        assert "exists already" in cause["detail"]
        assert cause["type"].endswith("XDM-1010-400")


def test_a_dataset_keeps_its_schema(client: Client, group: dict[str, Any]) -> None:
    parts = [{"$ref": PROFILE}, {"$ref": group["$id"]}]
    made = client.made(f"{TENANT}/schemas", {"title": "Kept", "type": "object", "allOf": parts})
    body = {"name": "kept", "schemaRef": {"id": made["$id"], "contentType": "x"}}
    (reference,) = client.made(f"{CATALOG}/dataSets", body)
    refused = refusal(client.delete(f"{TENANT}/schemas/{made['meta:altId']}"))
    assert "the dataset 'kept'" in refused["detail"]
    assert client.delete(f"{CATALOG}/{reference.removeprefix('@/')}").status_code == 200
    assert client.delete(f"{TENANT}/schemas/{made['meta:altId']}").status_code == 204


def test_a_change_may_be_checked_without_being_made(client: Client, tenant: str) -> None:
    own = {"type": "object", "properties": {"size": TEXT}}
    body = {"title": "Checked only", "type": "object", "properties": {tenant: own}}
    made = client.made(f"{TENANT}/fieldgroups", body)
    path = f"{TENANT}/fieldgroups/{made['meta:altId']}"
    steps = [{"op": "add", "path": f"/properties/{tenant}/properties/colour", "value": TEXT}]
    wrong = [{"op": "add", "path": f"/properties/{tenant}/properties/colour", "value": {"$ref": "#/nothing"}}]
    checked = client.patch(path, json=steps, params={"validationOnly": "true"})
    assert checked.status_code == 200, checked.text
    refusal(client.patch(path, json=wrong, params={"validationOnly": "true"}))
    refusal(client.put(path, json={**made, "title": ""}, params={"validationOnly": "true"}))
    assert read(client, path) == checked.json() == made


def test_a_change_may_name_the_version_that_it_is_of(client: Client, tenant: str) -> None:
    made = client.made(f"{TENANT}/fieldgroups", {"title": "Named version", "type": "object", "properties": {}})
    path = f"{TENANT}/fieldgroups/{made['meta:altId']}"
    seen = {"If-Match": made["meta:registryMetadata"]["eTag"]}
    steps = [{"op": "replace", "path": "/title", "value": "Of the version"}]
    assert client.patch(path, json=steps, headers=seen).status_code == 200
    for answer in (
        client.patch(path, json=steps, headers=seen),
        client.patch(path, json=steps, headers=seen, params={"validationOnly": "true"}),
        client.put(path, json={**made, "title": "Overwritten"}, headers=seen),
    ):
        assert refusal(answer)["status"] == 412
    assert read(client, path)["title"] == "Of the version"
