"""Every page at 1280 and 400 pixels, light and dark: `python -m tests.web.screenshots [FOLDER]`."""

import itertools
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, Literal

from playwright.sync_api import Browser, sync_playwright

from demo.azurite import Azurite
from tests.live import Client, Server
from tests.web import chromium
from tests.web.furnished import Furnished, furnish
from tests.web.journeys import AZURE_TABLES, Site
from tests.web.views import VIEWS

_WIDTHS: Final = (1280, 400)
_HEIGHT: Final = 800
_SCHEMES: Final[tuple[Literal["light", "dark"], ...]] = ("light", "dark")
_ACCOUNTS: Final = ("Northwind orders", "Loyalty programme", "Returns (staging)")


def _account(client: Client, name: str, connection_string: str) -> None:
    auth = {
        "specName": "Connection String Based Authentication",
        "params": {"connectionString": connection_string},
    }
    spec = {"id": AZURE_TABLES, "version": "1.0"}
    body = {"name": name, "description": "Read every hour.", "connectionSpec": spec, "auth": auth}
    client.made(f"{client.flow}/connections", body)


def take(browser: Browser, site: Site, furnished: Furnished, folder: Path) -> None:
    """All of them, as PNG: each view is opened once, and then shown in every width and theme."""
    for view in VIEWS:
        # Of its own: some states end the session, or the network.
        context = browser.new_context(
            viewport={"width": _WIDTHS[0], "height": _HEIGHT},
            reduced_motion="reduce",
            storage_state=site.state if view.signed_in else None,
        )
        page = context.new_page()
        view.open(page, site, furnished)
        for width, scheme in itertools.product(_WIDTHS, _SCHEMES):
            page.set_viewport_size({"width": width, "height": _HEIGHT})
            page.emulate_media(color_scheme=scheme)
            # Past the pause before something is shown that only waits.
            page.wait_for_timeout(200)
            page.screenshot(path=folder / f"{view.name}-{width}-{scheme}.png")
        context.close()


def main(folder: Path) -> None:
    """A server, an account and a browser of their own; the pictures into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as home, Azurite() as azurite, sync_playwright() as playwright:
        server = Server(Path(home) / "home").start()
        try:
            with server.client() as client:
                furnished = furnish(client, azurite)
                for name in _ACCOUNTS:
                    _account(client, name, azurite.connection_string)
            browser = playwright.chromium.launch(executable_path=chromium.find(), args=["--no-sandbox"])
            site = Site(server=server, state=Path(home) / "state.json")
            site.sign_in(browser)
            take(browser, site, furnished, folder)
            browser.close()
        finally:
            server.stop()


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "web/screenshots"))
