"""Where pages are, and what people do on them."""

import itertools
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser, Locator, Page

from tests.live import Server

AZURE_TABLES: Final = "ecde33f2-c56f-46cc-bdea-ad151c16cd69"
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Site:
    """The pages of a server."""

    server: Server
    state: Path
    """A browser's cookies and storage, signed in."""

    @property
    def url(self) -> str:
        """Without a slash at its end."""
        return self.server.url

    def at(self, path: str = "sources", *, sandbox: str = "prod") -> str:
        """The address of a page of a sandbox."""
        return f"{self.url}/s/{sandbox}/{path}"

    def sign_in_link(self, *, client_id: str = "") -> str:
        """A link that signs in once, as the first credential or the one that is named."""
        named = ("--client-id", client_id) if client_id else ()
        return self.server.run("sign-in", "--url", self.url, *named).split()[-1]

    def sign_in(self, browser: Browser) -> None:
        """Sign in once, and keep what the browser has then."""
        context = browser.new_context()
        page = context.new_page()
        page.goto(self.sign_in_link())
        page.get_by_role("heading", name="Sources", level=1).wait_for()
        context.storage_state(path=self.state)
        context.close()


def unique(name: str) -> str:
    """A name that no other test uses."""
    return f"{name} {next(_numbers)}"


def fill_in(page: Page, *, name: str, connection_string: str) -> None:
    """Type a new account that signs in by a connection string."""
    page.get_by_role("textbox", name="Name").fill(name)
    page.get_by_role("textbox", name="Connection string").fill(connection_string)


def tab_to(page: Page, name: str, *, most: int = 60, back: bool = False) -> None:
    """Press Tab until the focus is on what has this accessible name."""
    for _ in range(most):
        page.keyboard.press("Shift+Tab" if back else "Tab")
        if focused(page) == name:
            return
    raise AssertionError(f"Tab does not reach {name!r}")


def reach(page: Page, wanted: Locator, key: str = "Tab", *, most: int = 120) -> None:
    """Press a key until the focus is on what is wanted."""
    wanted.wait_for(state="attached")
    for _ in range(most):
        if has_focus(wanted):
            return
        page.keyboard.press(key)
    assert has_focus(wanted), f"{key} does not reach {wanted}; the focus is on {focused(page)!r}"


def has_focus(element: Locator) -> bool:
    """Whether it is what keys go to."""
    return bool(element.evaluate("(element) => element === element.getRootNode().activeElement"))


def take(page: Page, entry: Locator) -> None:
    """Take an entry of the menu or list that has just opened, by arrows."""
    entry.wait_for()
    page.keyboard.press("Home")
    reach(page, entry, "ArrowDown")
    page.keyboard.press("Enter")


def pick(page: Page, field: Locator, entry: str) -> None:
    """Go to a field that offers a list, and take an entry of it."""
    reach(page, field)
    page.keyboard.press("Enter")
    take(page, page.get_by_role("option", name=entry, exact=True))


def press(page: Page, button: Locator) -> None:
    """Go to a button or link, and press it."""
    reach(page, button)
    page.keyboard.press("Enter")


def choose_all(page: Page) -> None:
    """Press the box above a table's lines."""
    page.get_by_role("columnheader").filter(has=page.get_by_role("checkbox", name="Select All")).click()


def focused(page: Page) -> str:
    """The accessible name of what has the focus, as far as attributes, labels and text tell it."""
    found: str = page.evaluate(
        """() => {
            const element = document.activeElement;
            const labels = (element.getAttribute('aria-labelledby') ?? '').split(' ')
                .map((id) => document.getElementById(id)?.textContent ?? '').join(' ').trim();
            return element.getAttribute('aria-label') || labels || element.labels?.[0]?.textContent
                || element.textContent.trim();
        }"""
    )
    return found


def sideways(page: Page) -> int:
    """By how many pixels the page is wider than its window: what needs scrolling both ways."""
    excess: int = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return excess
