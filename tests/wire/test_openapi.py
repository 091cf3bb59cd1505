"""The API's own document is whole: valid, every operation told with its refusals, its permissions and an example."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import httpx
import jsonschema
import pytest
from fastapi.routing import APIRoute
from schemathesis.specs.openapi.definitions import OPENAPI_31
from starlette.routing import BaseRoute

from flowservice.app import App
from flowservice.domain.identity import Permission

METHODS: Final = frozenset({"get", "put", "post", "patch", "delete"})
LEFT_OUT: Final = frozenset(
    {
        # Pages for people, and the document itself.
        "/",
        "/assets/{path:path}",
        "/v1/docs",
        "/v1/docs/static",
        "/v1/openapi.json",
        # Other spellings of paths that are told.
        "/data/foundation/catalog/",
        "/data/foundation/sandbox-management/",
        "/data/foundation/schemaregistry/tenant/mixins",
        "/data/foundation/schemaregistry/{container}/mixins",
        "/data/foundation/schemaregistry/{container}/mixins/{ref}",
        "/data/foundation/schemaregistry/tenant/mixins/{ref}",
        "/data/foundation/schemaregistry/rpc/export",
        "/data/foundation/dulepolicymarketingActions/core/{name}/constraints",
        "/data/foundation/dulepolicymarketingActions/custom/{name}/constraints",
    }
)

EMPTY: Final = frozenset(
    {
        ("DELETE /data/foundation/dulepolicy/marketingActions/custom/{name}", "200"),
        ("DELETE /data/foundation/dulepolicy/policies/custom/{policy_id}", "200"),
        ("DELETE /data/foundation/dataset/datasets/{dataset_id}/labels", "200"),
    }
)
"""Answers that are documented as empty, but not by their status."""


@pytest.fixture(scope="module")
def document(anonymous: httpx.Client) -> dict[str, Any]:
    found: dict[str, Any] = anonymous.get("/v1/openapi.json").json()
    return found


@pytest.fixture(scope="module")
def calls(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Operations by method and path."""
    return {
        f"{method.upper()} {path}": call
        for path, item in document["paths"].items()
        for method, call in item.items()
        if method in METHODS
    }


def test_it_is_valid_openapi_3_1(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1.")
    jsonschema.Draft202012Validator(OPENAPI_31).validate(document)


def test_every_operation_has_a_name_of_its_own_that_code_generators_can_use(calls: dict[str, dict[str, Any]]) -> None:
    ids = [call["operationId"] for call in calls.values()]
    assert len(ids) == len(set(ids))
    assert not [name for name in ids if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name)]


def test_every_operation_and_parameter_is_described(calls: dict[str, dict[str, Any]]) -> None:
    for name, call in calls.items():
        assert call["summary"], name
        for parameter in call.get("parameters", []):
            assert parameter["description"], (name, parameter["name"])


def test_every_operation_tells_its_success_unless_it_is_never_done(calls: dict[str, dict[str, Any]]) -> None:
    for name, call in calls.items():
        succeeds = any(status.startswith("2") for status in call["responses"])
        assert succeeds is not call.get("x-never-done", False), name
    assert sum("x-never-done" in call for call in calls.values()) == 8


def test_every_answer_has_a_schema_and_an_example(calls: dict[str, dict[str, Any]]) -> None:
    for name, call in calls.items():
        for status, answer in call["responses"].items():
            assert answer["description"] != "Successful Response"
            assert bool(answer.get("content")) is ((name, status) not in EMPTY and status != "204"), (name, status)
            for content in answer.get("content", {}).values():
                assert content["schema"], (name, status)
                assert "example" in content or content["examples"], (name, status)


def test_every_body_has_an_example(calls: dict[str, dict[str, Any]]) -> None:
    for name, call in calls.items():
        for content in call.get("requestBody", {}).get("content", {}).values():
            assert "example" in content, name


def test_every_place_of_a_path_has_an_example(calls: dict[str, dict[str, Any]]) -> None:
    for name, call in calls.items():
        for parameter in call.get("parameters", []):
            assert parameter["in"] != "path" or "example" in parameter, (name, parameter["name"])


def test_every_example_fits_its_schema(document: dict[str, Any], calls: dict[str, dict[str, Any]]) -> None:
    checked = 0
    for name, call in calls.items():
        for where, schema, example in _examples(call):
            # With the components beside it, for what it refers to.
            whole = {**schema, "components": document["components"]}
            problems = list(jsonschema.Draft202012Validator(whole).iter_errors(example))
            assert not problems, (name, where, problems[0].message[:500])
            checked += 1
    assert checked > 500


def _examples(call: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any], Any]]:
    for parameter in call.get("parameters", []):
        if "example" in parameter:
            example = parameter["example"]
            # In a URL everything is text.
            numeric = '"integer"' in json.dumps(parameter["schema"])
            repeated = '"array"' in json.dumps(parameter["schema"])
            yield (
                parameter["name"],
                parameter["schema"],
                int(example) if numeric else [example] if repeated else example,
            )
    for content in call.get("requestBody", {}).get("content", {}).values():
        yield "body", content["schema"], content["example"]
    for status, answer in call["responses"].items():
        for content in answer.get("content", {}).values():
            for example in [content["example"]] if "example" in content else _values(content):
                yield status, content["schema"], example


def _values(content: Mapping[str, Any]) -> Iterator[Any]:
    for named in content["examples"].values():
        yield named["value"]


def test_what_is_guarded_says_how_to_sign_in_which_permissions_it_takes_and_how_it_refuses(
    calls: dict[str, dict[str, Any]],
) -> None:
    for name, call in calls.items():
        path = name.split(" ")[1]
        # Signing in is what makes the cookie that the session's own calls take.
        guarded = path.startswith(("/data/", "/v1/")) and path != "/v1/session"
        assert guarded is ("security" in call) is ("x-permissions" in call), name
        if not guarded:
            continue
        assert {"400", "401", "403", "404", "503"} <= set(call["responses"]), name
        assert set(call["x-permissions"]) <= set(Permission), name
        ways = {frozenset(way) - {"sandbox"} for way in call["security"]}
        assert ways == {frozenset({"token", "api-key", "organisation"}), frozenset({"session", "csrf"})}, name
        takes_etag = any(parameter["name"] == "If-Match" for parameter in call.get("parameters", []))
        assert takes_etag is ("412" in call["responses"]), name


def test_a_create_links_to_the_calls_on_what_it_made(calls: dict[str, dict[str, Any]]) -> None:
    links = calls["POST /data/foundation/flowservice/flows"]["responses"]["201"]["links"]
    assert set(links) == {"flows-read", "flows-patch", "flows-act", "flows-delete"}
    assert links["flows-patch"]["parameters"] == {"flow_id": "$response.body#/id", "If-Match": "$response.body#/etag"}
    known = {call["operationId"] for call in calls.values()}
    for call in calls.values():
        for answer in call["responses"].values():
            assert set(answer.get("links", {})) <= known


def test_every_route_is_in_the_document_or_known_to_be_left_out(
    app: App, document: dict[str, Any], calls: dict[str, dict[str, Any]]
) -> None:
    def nothing() -> None: ...

    served = app.web(on_start=nothing, on_stop=nothing, wake=nothing, clear=nothing)
    paths = {path for route in served.routes for path in _paths(route)}
    assert paths - set(document["paths"]) == LEFT_OUT
    assert set(document["paths"]) <= paths


def _paths(route: BaseRoute) -> Iterator[str]:
    inner = getattr(getattr(route, "original_router", None), "routes", None)
    if inner is not None and not isinstance(route, APIRoute):
        for one in inner:
            yield from _paths(one)
    else:
        yield str(getattr(route, "path", ""))


def test_no_secret_of_a_recording_is_shown(anonymous: httpx.Client) -> None:
    text = anonymous.get("/v1/openapi.json").text
    assert "127.0.0.1:" not in text.replace("127.0.0.1:8080", "")
    assert "devstoreaccount1" not in text
    assert not re.search(r"eyJ[A-Za-z0-9_-]{20}", text)
