"""Pages of a real server in a real Chromium.

Whatever a test does: none calls another host, breaks its policy, or asks the API for what its document does not tell.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, expect, sync_playwright

from demo.azurite import Azurite
from tests.live import ROOT, Client, Server
from tests.web import chromium
from tests.web.contract import Contract
from tests.web.furnished import Furnished, furnish
from tests.web.journeys import AZURE_TABLES, Site

# A busy machine may take its time; what is slow shows in the figures.
_PATIENCE_MS = 30_000
expect.set_options(timeout=_PATIENCE_MS)

# Only an answer that a test provokes; the rest of the console is ours.
_PROVOKED = (
    "Failed to load resource: the server responded with a status of 4",
    "net::ERR_INTERNET_DISCONNECTED",
    "net::ERR_FAILED",
    "net::ERR_CONNECTION_",
    "net::ERR_EMPTY_RESPONSE",
)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium, for the whole session of tests."""
    program = chromium.find()
    built = (ROOT / "src/flowservice/web/index.html").exists()
    if program is None or not built:
        why = "the pages are not built" if program else "there is no Chromium"
        (pytest.fail if chromium.is_required() else pytest.skip)(
            f"{why}: type `make setup`, which says what is missing"
        )
    with sync_playwright() as playwright:
        # Chromium refuses its sandbox to root, who runs tests in containers.
        running = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield running
        running.close()


@pytest.fixture(scope="session")
def site(server: Server, browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Site:
    """The pages of the shared server, with a browser's state that is signed in to them."""
    state: Path = tmp_path_factory.mktemp("browser") / "state.json"
    found = Site(server=server, state=state)
    found.sign_in(browser)
    return found


@pytest.fixture(scope="session")
def contract(server: Server) -> Contract:
    """What the server says that it can be asked."""
    return Contract(httpx.get(f"{server.url}/v1/openapi.json", timeout=60).json())


@contextmanager
def tabs(browser: Browser, site: Site, contract: Contract) -> Iterator[Callable[..., Page]]:
    """Opens tabs, each as in a browser of its own: signed in unless told otherwise, of any width, in any theme."""
    contexts: list[BrowserContext] = []
    wrong: list[str] = []

    def asked(request: Request) -> None:
        if not request.url.startswith((f"{site.url}/", "data:", "blob:")):
            wrong.append(f"another origin was called: {request.url[:100]}")
        elif request.url.startswith((f"{site.url}/data/", f"{site.url}/v1/", f"{site.url}/ims/")):
            wrong.extend(contract.faults(request.method, request.url, request.post_data))

    def said(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and not any(known in message.text for known in _PROVOKED):
            wrong.append(f"the console says: {message.text[:500]}")

    def opened(
        *,
        signed_in: bool = True,
        width: int = 1280,
        height: int = 850,
        scheme: str = "light",
        forced: bool = False,
        motion: bool = False,
    ) -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if scheme == "dark" else "light",
            forced_colors="active" if forced else "none",
            reduced_motion="no-preference" if motion else "reduce",
            timezone_id="Europe/Berlin",
            storage_state=site.state if signed_in else None,
        )
        if scheme == "contrast":
            context.add_init_script("try { localStorage.setItem('theme', 'contrast') } catch {}")
        # A page that its policy stops from doing something is a defect, even if nobody sees it.
        context.add_init_script(
            "addEventListener('securitypolicyviolation', (event) => console.error('CSP: ' + event.violatedDirective))"
        )
        context.set_default_timeout(_PATIENCE_MS)
        context.on("request", asked)
        contexts.append(context)
        page = context.new_page()
        page.on("console", said)
        page.on("pageerror", lambda error: wrong.append(f"an exception: {error}"))
        return page

    yield opened
    for context in contexts:
        context.close()
    assert wrong == []


@pytest.fixture
def open_page(browser: Browser, site: Site, contract: Contract) -> Iterator[Callable[..., Page]]:
    """Opens tabs of the test's own."""
    with tabs(browser, site, contract) as opened:
        yield opened


@pytest.fixture(scope="module")
def kept_page(browser: Browser, site: Site, contract: Contract) -> Iterator[Page]:
    """One signed-in tab for the tests of a module, which know that others used it: its browser keeps our files."""
    with tabs(browser, site, contract) as opened:
        yield opened()


@pytest.fixture(scope="session")
def furnished(client: Client, azurite: Azurite) -> Furnished:
    """One of everything, in the sandbox that pages open with."""
    return furnish(client, azurite)


@pytest.fixture
def page(open_page: Callable[..., Page]) -> Page:
    """A tab that is signed in."""
    return open_page()


@pytest.fixture
def page_with(open_page: Callable[..., Page], site: Site, client: Client) -> Callable[..., Page]:
    """Opens a tab that is signed in as a credential with these permissions alone."""

    def opened(*permissions: str, width: int = 1280) -> Page:
        made = client.made("/v1/credentials", {"name": "May do little", "permissions": list(permissions)})
        page = open_page(signed_in=False, width=width)
        page.goto(site.sign_in_link(client_id=made["clientId"]))
        page.get_by_role("heading", name="Sources", level=1).wait_for()
        return page

    return opened


@pytest.fixture
def new_account(client: Client, azurite: Azurite) -> Callable[[str], str]:
    """Makes an account over the API and returns its id."""

    def made(name: str) -> str:
        answer = client.made(
            f"{client.flow}/connections",
            {
                "name": name,
                "connectionSpec": {"id": AZURE_TABLES, "version": "1.0"},
                "auth": {
                    "specName": "Connection String Based Authentication",
                    "params": {"connectionString": azurite.connection_string},
                },
            },
        )
        found: str = answer["id"]
        return found

    return made
