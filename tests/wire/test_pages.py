"""The pages that this server shows: the user interface where it is built, and what is said where it is not."""

import base64
import hashlib
import re
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from typing import Final

import httpx
import pytest
import uvicorn

from flowservice.app import App
from flowservice.settings import Settings

HTML: Final = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
POLICY: Final = "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'; object-src 'none'"
SCRIPT: Final = "console.log('a');\n" * 200
BUILD: Final = {
    "index.html": "<!doctype html><title>Flow Service</title><script src=/assets/app-1a2b.js></script>",
    "theme.js": "document.title",
    "favicon.svg": "<svg xmlns='http://www.w3.org/2000/svg'/>",
    "assets/app-1a2b.js": SCRIPT,
    "assets/app-1a2b.css": "body { margin: 0 }",
}


def served(tmp_path: Path, pages: Path) -> Iterator[httpx.Client]:
    """Calls of a web application with the pages of a folder; neither worker nor tick run beside it."""

    def nothing() -> None: ...

    app = App(Settings(home=tmp_path / "home"), pages=pages)
    app.prepare()
    web = app.web(on_start=nothing, on_stop=nothing, wake=nothing, clear=nothing)
    server = uvicorn.Server(uvicorn.Config(web, port=0, log_config=None, server_header=False, date_header=False))
    serving = Thread(target=server.run)
    serving.start()
    try:
        while not server.started:
            assert serving.is_alive()
            time.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        with httpx.Client(base_url=f"http://127.0.0.1:{port}") as calls:
            yield calls
    finally:
        server.should_exit = True
        serving.join()
        app.database.engine.dispose()


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """With a small build, and a file beside it that is none of its own."""
    folder = tmp_path_factory.mktemp("built")
    for name, text in BUILD.items():
        path = folder / "web" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (folder / "secret.txt").write_text("secret")
    yield from served(folder, folder / "web")


@pytest.fixture(scope="module")
def unbuilt(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """Without a build."""
    folder = tmp_path_factory.mktemp("unbuilt")
    yield from served(folder, folder / "web")


@pytest.mark.parametrize(
    "path", ["/", "/signin", "/s/prod/sources", "/s/prod/dataflows/1", "/credentials", "/s/a%2Fb/x.y", "/datasets/"]
)
def test_every_view_is_answered_with_the_one_page(built: httpx.Client, path: str) -> None:
    answer = built.get(path, headers=HTML)
    assert (answer.status_code, answer.text) == (200, BUILD["index.html"])
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["content-security-policy"] == POLICY
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-cache"
    head = built.head(path, headers=HTML)
    assert (head.status_code, head.text) == (200, "")
    lengths = {name: value for name, value in head.headers.items() if name != "x-request-id"}
    assert lengths == {name: value for name, value in answer.headers.items() if name != "x-request-id"}


@pytest.mark.parametrize(
    "path", ["/nothing", "/data", "/data/nothing", "/ims", "/ims/nothing", "/health/x", "/ready/x"]
)
def test_what_the_api_does_not_have_is_no_page(built: httpx.Client, path: str) -> None:
    headers = {"accept": "application/json"} if path == "/nothing" else HTML
    answer = built.get(path, headers=headers)
    assert answer.headers["content-type"] == "application/json"
    assert answer.status_code in {403, 404}


def test_the_api_answers_as_without_pages(built: httpx.Client) -> None:
    assert built.get("/health", headers=HTML).json()["status"] == "ok"
    assert built.get("/v1/nothing", headers=HTML).json()["error_code"] == "403010"
    assert built.get("/v1/openapi.json", headers=HTML).json()["openapi"]
    assert built.get("/metrics", headers=HTML).headers["content-type"].startswith("text/plain")
    for path in ("/s/prod/sources", "/nothing"):
        assert built.post(path, headers=HTML, json={}).status_code == 404
        assert built.get(path).json()["status"] == 404


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/assets/app-1a2b.js", "text/javascript; charset=utf-8"),
        ("/assets/app-1a2b.css", "text/css; charset=utf-8"),
        ("/theme.js", "text/javascript; charset=utf-8"),
        ("/favicon.svg", "image/svg+xml"),
    ],
)
def test_files_are_what_they_are_and_those_named_by_their_hash_are_kept(
    built: httpx.Client, path: str, kind: str
) -> None:
    for accept in (HTML, {"accept": "*/*"}):
        answer = built.get(path, headers=accept)
        assert (answer.status_code, answer.text) == (200, BUILD[path[1:]])
        assert (answer.headers["content-type"], answer.headers["x-content-type-options"]) == (kind, "nosniff")
        kept = "public, max-age=31536000, immutable" if path.startswith("/assets/") else "no-cache"
        assert answer.headers["cache-control"] == kept


def test_a_file_is_sent_packed_to_who_takes_that_and_not_at_all_to_who_has_it(built: httpx.Client) -> None:
    packed = built.get("/assets/app-1a2b.js", headers={"accept-encoding": "gzip"})
    assert packed.headers["content-encoding"] == "gzip"
    assert int(packed.headers["content-length"]) < len(SCRIPT) / 10
    assert packed.text == SCRIPT
    plain = built.get("/assets/app-1a2b.js", headers={"accept-encoding": "identity"})
    assert ("content-encoding" in plain.headers, plain.text) == (False, SCRIPT)
    for path in ("/", "/assets/app-1a2b.js"):
        known = built.get(path).headers["etag"]
        again = built.get(path, headers={"if-none-match": known})
        assert (again.status_code, again.content) == (304, b"")
        assert built.get(path, headers={"if-none-match": '"other"'}).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/assets/",
        "/assets/gone.js",
        "/assets/../../secret.txt",
        "/assets/..%2f..%2fsecret.txt",
        "/assets/%2e%2e/%2e%2e/secret.txt",
        "/assets//etc/passwd",
        "/assets/%00",
        "/assets/app-1a2b.js%0a",
    ],
)
def test_no_path_leads_out_of_the_build_and_a_missing_asset_is_no_page(built: httpx.Client, path: str) -> None:
    answer = built.get(path, headers=HTML)
    assert "secret" not in answer.text
    assert answer.status_code == 404 or answer.text == BUILD["index.html"]
    assert answer.status_code == 404 or not path.startswith("/assets/g")


def test_without_a_build_the_page_says_what_to_type(unbuilt: httpx.Client) -> None:
    for path in ("/", "/signin", "/s/prod/sources"):
        answer = unbuilt.get(path, headers=HTML)
        assert answer.status_code == 200
        assert {"<pre>make setup</pre>", "<pre>flowservice sign-in</pre>"} <= set(answer.text.splitlines())
        assert _styles(answer)
    assert unbuilt.get("/assets/app.js", headers=HTML).status_code == 404
    assert unbuilt.get("/s/prod/sources").json()["status"] == 404


def test_the_page_of_the_api_runs_its_own_script_and_no_other(built: httpx.Client) -> None:
    answer = built.get("/v1/docs", headers=HTML)
    (script,) = re.findall(r"<script>(.*?)</script>", answer.text, re.DOTALL)
    policy = answer.headers["content-security-policy"]
    assert _hash(script) in policy
    assert "'unsafe-inline'" not in policy.partition("script-src")[2].partition(";")[0]
    assert "frame-ancestors 'none'" in policy
    for file in re.findall(r'(?:src|href)="(/v1/docs/static/[^"]+)"', answer.text):
        assert built.get(file).status_code == 200, file


def _styles(answer: httpx.Response) -> bool:
    """Whether the policy of a page lets its style sheet count."""
    styles = re.findall(r"<style>(.*?)</style>", answer.text, re.DOTALL)
    return bool(styles) and all(_hash(style) in answer.headers["content-security-policy"] for style in styles)


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
