"""Pages for people: the API's own documentation."""

import re

import httpx
import jsonschema
import pytest

from tests.live import Client


def test_the_openapi_document_describes_every_call(anonymous: httpx.Client) -> None:
    document = anonymous.get("/v1/openapi.json").json()
    assert document["openapi"].startswith("3.")
    assert document["info"]["title"] == "Flow Service"
    operations = [
        (path, method, operation)
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if method in {"get", "post", "put", "patch", "delete"}
    ]
    assert len(operations) > 30
    ids = [operation["operationId"] for _, _, operation in operations]
    assert len(ids) == len(set(ids))
    for path, method, operation in operations:
        assert operation["summary"], (path, method)
        assert operation["tags"], (path, method)
        named = set(re.findall(r"{(\w+)}", path))
        given = {known["name"] for known in operation.get("parameters", []) if known["in"] == "path"}
        assert named == given, (path, method)
    for name, schema in document["components"]["schemas"].items():
        jsonschema.Draft202012Validator.check_schema(schema)
        assert name


def test_every_reference_in_the_openapi_document_leads_somewhere(anonymous: httpx.Client) -> None:
    answer = anonymous.get("/v1/openapi.json")
    document = answer.json()
    # Examples are schemas now and then, with references of their own.
    refs = set(re.findall(r'"\$ref":\s*"#/(components/[^"]+)"', answer.text))
    assert len(refs) > 50
    for ref in refs:
        node = document
        for step in ref.split("/"):
            node = node[step]


@pytest.mark.parametrize("path", ["/", "/v1/docs"])
def test_a_page_loads_nothing_from_elsewhere(anonymous: httpx.Client, path: str) -> None:
    answer = anonymous.get(path)
    assert answer.headers["content-type"].startswith("text/html")
    loaded = re.findall(r"""<(?:script|link|img|iframe)[^>]*?(?:src|href)=["']([^"']+)""", answer.text)
    assert not [url for url in loaded if "//" in url]
    for url in loaded:
        asset = anonymous.get(url)
        assert asset.status_code == 200, url
        assert not url.endswith(".css") or not re.findall(r"@import|url\(\s*['\"]?(?:https?:)?//", asset.text), url
    assert not re.findall(r"@import|url\(\s*['\"]?https?:", answer.text)


def test_the_first_page_links_the_documentation(anonymous: httpx.Client) -> None:
    text = anonymous.get("/").text
    for url in ("/v1/docs", "/v1/openapi.json", "/ready", "/metrics"):
        assert f'href="{url}"' in text
        assert anonymous.get(url).status_code == 200


def test_health_needs_no_token_and_says_the_version(anonymous: httpx.Client, client: Client) -> None:
    assert anonymous.get("/health").json()["status"] == "ok"
    assert anonymous.get("/ready").json() == {"status": "ready", "failed": []}
    assert "python_info" in anonymous.get("/metrics").text
