"""The pages of the user interface, as they were built into the package: a file for each asset, one page for every view.

Everything is read once, at start. Only paths that the build has are answered with a file, so none leads out of it.
"""

import base64
import gzip
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import Final

from fastapi import FastAPI
from fastapi.responses import HTMLResponse, Response
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import PlainTextResponse

from flowservice import VERSION

ASSETS: Final = "/assets/"
_INDEX: Final = "index.html"
_NO_PAGE: Final = re.compile(r"/(data|ims|v1|health|ready|metrics|assets)(/.*)?", re.DOTALL)
"""Paths of the API, of its operations and of assets: what is not found there is told as such."""
_POLICY: Final = "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'; object-src 'none'"
_PAGE: Final[Mapping[str, str]] = {
    "Content-Security-Policy": _POLICY,
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_NEVER_STALE: Final = "no-cache"
# Their names hold a hash of what is in them.
_FOREVER: Final = "public, max-age=31536000, immutable"
# Said here: a machine's own table may call JavaScript plain text, and then no browser runs it.
_TYPES: Final[Mapping[str, str]] = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/x-icon",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
}
_COMPRESSED_ALREADY: Final = frozenset({".ico", ".png", ".woff2"})


@dataclass(frozen=True)
class _File:
    """A file of the build."""

    path: str
    content: bytes

    @property
    def suffix(self) -> str:
        return Path(self.path).suffix

    @cached_property
    def etag(self) -> str:
        return f'"{hashlib.sha256(self.content).hexdigest()[:32]}"'

    @cached_property
    def zipped(self) -> bytes:
        return gzip.compress(self.content, mtime=0)

    def answer(self, headers: Headers) -> Response:
        """The file, packed if the client takes that; 304 if it has it."""
        told = {
            **_PAGE,
            "Cache-Control": _FOREVER if self.path.startswith(ASSETS) else _NEVER_STALE,
            "ETag": self.etag,
            "Vary": "Accept-Encoding",
        }
        if self.etag in headers.get("if-none-match", ""):
            return Response(status_code=304, headers=told)
        content = self.content
        if self.suffix not in _COMPRESSED_ALREADY and "gzip" in headers.get("accept-encoding", ""):
            told["Content-Encoding"], content = "gzip", self.zipped
        return Response(content, media_type=_TYPES.get(self.suffix, "application/octet-stream"), headers=told)


class Pages:
    """What a build folder holds, or a page that says how to build it."""

    def __init__(self, folder: Path) -> None:
        found = [path for path in sorted(folder.rglob("*")) if path.is_file()] if folder.is_dir() else []
        named = {"/" + path.relative_to(folder).as_posix(): path for path in found}
        self._files = {name: _File(name, path.read_bytes()) for name, path in named.items()}
        self._index = self._files.get(f"/{_INDEX}")

    def answer(self, request: Request) -> Response | None:
        """What a read of a path that is no other's is answered with; None if there is nothing to show."""
        path, headers = request.scope["path"], request.headers
        if request.method not in {"GET", "HEAD"}:
            return None
        if path in self._files:
            return self._files[path].answer(headers)
        if path == "/" or ("text/html" in headers.get("accept", "") and not _NO_PAGE.fullmatch(path)):
            return self._index.answer(headers) if self._index else _welcome()
        return None


def add_pages(app: FastAPI, pages: Pages) -> None:
    """Let `app` answer `/` and the assets. Every other view is answered where no route is found (`server`)."""

    async def page(request: Request) -> Response:
        return pages.answer(request) or PlainTextResponse("There is no such file.", status_code=404)

    app.add_route("/", page, include_in_schema=False)
    app.add_route("/assets/{path:path}", page, include_in_schema=False)


def documented(page: HTMLResponse) -> HTMLResponse:
    """The page of the API's document, with a policy that lets its own script run and no other."""
    text = bytes(page.body).decode()
    scripts = " ".join(_hashed(script) for script in re.findall(r"<script>(.*?)</script>", text, re.DOTALL))
    # It writes styles into the page as it goes, and has its pictures in its style sheet.
    policy = f"{_POLICY}; script-src 'self' {scripts}; style-src 'self' 'unsafe-inline'; img-src 'self' data:"
    page.headers.update({**_PAGE, "Content-Security-Policy": policy, "Cache-Control": _NEVER_STALE})
    return page


def _welcome() -> HTMLResponse:
    """What there is to see without a build."""
    text = files(__package__).joinpath("welcome.html").read_text(encoding="utf-8").replace("{{version}}", VERSION)
    styles = " ".join(_hashed(style) for style in re.findall(r"<style>(.*?)</style>", text, re.DOTALL))
    policy = f"{_POLICY}; style-src 'self' {styles}"
    return HTMLResponse(text, headers={**_PAGE, "Content-Security-Policy": policy, "Cache-Control": _NEVER_STALE})


def _hashed(text: str) -> str:
    """An inline script or style as a content security policy names it."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
