"""In which order Tab goes through each page: `focus_order.txt` holds it, for people to read.

What changed on purpose is written anew by FLOWSERVICE_WRITE_FOCUS_ORDER=1, and looked at before it is kept;
what stands around every page, the first section, is written by hand.
"""

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest
from playwright.sync_api import Page, expect

from demo.azurite import Azurite
from tests.live import Server
from tests.web.furnished import Furnished, furnish
from tests.web.journeys import Site
from tests.web.test_accessibility import PLAIN
from tests.web.views import View
from tests.wire.resources import SANDBOXES

KEPT: Final = Path(__file__).parent / "focus_order.txt"
OWN: Final = "ordered"
AROUND: Final = "around a page"
"""The section with what every page has, which the others only mention."""
MOST: Final = 60
"""Stops that are looked at: what follows on longer pages is more of the same."""
_WRITES: Final = os.environ.get("FLOWSERVICE_WRITE_FOCUS_ORDER", "") == "1"
# Ids, numbers and times differ from run to run.
_VARIES: Final = re.compile(
    r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|\b[0-9a-f]{8,}\b|just now|in \d.*|\d[^,]* ago|\d+"
)


@pytest.fixture(scope="module")
def ordered(server: Server, azurite: Azurite) -> Iterator[Furnished]:
    """One of everything in a sandbox of its own, so that lists show nothing else."""
    with server.client() as administrator:
        body = {"name": OWN, "title": "Ordered", "type": "development"}
        administrator.made(f"{SANDBOXES}/sandboxes", body, status=202)
    with server.client(sandbox=OWN) as calls:
        yield furnish(calls, azurite, name="Loyalty customers")


def stops(page: Page) -> list[str]:
    """Role and name of what Tab goes to, one after the other, of rows the role alone."""
    found: list[str] = []
    for _ in range(MOST):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement === document.body"):
            break
        if page.evaluate("document.activeElement.closest('[role=row], [role=radio]') !== null"):
            found.append("row")
            continue
        told = page.locator(":focus").aria_snapshot().split("\n")[0].removeprefix("- ").rstrip(":")
        found.append(_VARIES.sub("…", told))
    return found


def told_once(found: list[str], around: list[str]) -> list[str]:
    """Without what stands around every page."""
    return ["around the page", *found[len(around) :]] if found[: len(around)] == around else found


def kept() -> dict[str, list[str]]:
    """What the file holds, by the name of the view."""
    sections: dict[str, list[str]] = {}
    lines: list[str] = []
    for line in KEPT.read_text(encoding="utf-8").splitlines() if KEPT.exists() else ():
        if line.startswith("# "):
            lines = sections[line.removeprefix("# ")] = []
        elif line:
            lines.append(line)
    return sections


def keep(name: str, found: list[str]) -> None:
    """Write a section of the file."""
    sections = {**kept(), name: found}
    listed = (one for one in (AROUND, *(view.name for view in PLAIN)) if one in sections)
    text = "\n\n".join("\n".join((f"# {one}", *sections[one])) for one in listed)
    KEPT.write_text(f"{text}\n", encoding="utf-8")


@pytest.mark.azurite
@pytest.mark.pages
@pytest.mark.parametrize("view", PLAIN, ids=lambda view: view.name)
def test_tab_goes_through_a_page_as_it_did(
    view: View, open_page: Callable[..., Page], site: Site, ordered: Furnished
) -> None:
    page = open_page(signed_in=view.signed_in)
    page.goto(site.at(ordered.path(view.path), sandbox=OWN) if view.signed_in else f"{site.url}/signin")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    page.wait_for_load_state("networkidle")
    expect(page.locator("[aria-busy=true]")).to_have_count(0)
    found = told_once(stops(page), kept().get(AROUND, []))
    if _WRITES:
        keep(view.name, found)
    assert found == kept()[view.name]


@pytest.mark.pages
def test_the_file_tells_of_no_page_that_is_gone() -> None:
    assert list(kept()) == [AROUND, *(view.name for view in PLAIN)]
