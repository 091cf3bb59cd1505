"""Every page for everybody: axe finds nothing, no page scrolls both ways, and colours may be the system's own."""

from collections.abc import Callable
from typing import Any, Final

import pytest
from playwright.sync_api import Page

from tests.live import ROOT
from tests.web.furnished import Furnished
from tests.web.journeys import Site, sideways
from tests.web.views import VIEWS, View

AXE: Final = ROOT / "web/node_modules/axe-core/axe.min.js"
_RULES: Final = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
PLAIN: Final = [view for view in VIEWS if view.is_plain]


def violations(page: Page) -> list[str]:
    """What axe finds: rule, and the first elements that break it."""
    # As a tool of the browser, which the page's own policy does not concern.
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found: list[dict[str, Any]] = page.evaluate(
        "(tags) => axe.run(document, {runOnly: {type: 'tag', values: tags}}).then((result) => result.violations)",
        _RULES,
    )
    return [f"{one['id']}: {[node['html'][:200] for node in one['nodes'][:3]]}" for one in found]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("view", PLAIN, ids=lambda view: view.name)
def test_axe_finds_nothing(
    view: View, scheme: str, open_page: Callable[..., Page], site: Site, furnished: Furnished
) -> None:
    page = open_page(scheme=scheme, signed_in=view.signed_in)
    view.open(page, site, furnished)
    assert violations(page) == []


@pytest.mark.matrix
@pytest.mark.parametrize("width", [1280, 400])
@pytest.mark.parametrize("scheme", ["light", "dark", "contrast", "forced"])
@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.name)
def test_axe_finds_nothing_in_any_state(
    view: View, scheme: str, width: int, open_page: Callable[..., Page], site: Site, furnished: Furnished
) -> None:
    page = open_page(
        scheme="light" if scheme == "forced" else scheme,
        forced=scheme == "forced",
        width=width,
        signed_in=view.signed_in,
    )
    view.open(page, site, furnished)
    assert violations(page) == []
    assert sideways(page) == 0


@pytest.mark.parametrize("view", PLAIN, ids=lambda view: view.name)
def test_a_narrow_window_needs_no_scrolling_both_ways(
    view: View, open_page: Callable[..., Page], site: Site, furnished: Furnished
) -> None:
    # 320 pixels are also what 1280 are at 400 %.
    page = open_page(width=320, signed_in=view.signed_in)
    view.open(page, site, furnished)
    assert sideways(page) == 0


def test_what_is_pressed_is_large_enough(page: Page, site: Site, furnished: Furnished) -> None:
    for view in (view for view in PLAIN if view.signed_in):
        view.open(page, site, furnished)
        small = page.evaluate(
            """() => [...document.querySelectorAll('button, a.button, [role=button]')]
                .map((element) => [element.outerHTML.slice(0, 120), element.getBoundingClientRect()])
                .filter(([html, box]) => box.width > 0 && !html.includes('tabindex="-1"'))
                .filter(([, box]) => box.width < 24 || box.height < 24).map(([html]) => html)"""
        )
        assert small == [], view.name
