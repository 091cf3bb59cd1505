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


def small(page: Page) -> list[str]:
    """What is pressed and smaller than 24 pixels."""
    found: list[str] = page.evaluate(
        """() => [...document.querySelectorAll('button, a.button, [role=button]')]
            .map((element) => [element.outerHTML.slice(0, 120), element.getBoundingClientRect()])
            .filter(([html, box]) => box.width > 0 && !html.includes('tabindex="-1"'))
            .filter(([, box]) => box.width < 24 || box.height < 24).map(([html]) => html)"""
    )
    return found


def show(page: Page, scheme: str) -> None:
    """Put the page, as it is, into another theme."""
    page.emulate_media(
        color_scheme="dark" if scheme == "dark" else "light",
        forced_colors="active" if scheme == "forced" else "none",
    )
    page.evaluate(
        "(theme) => theme ? document.documentElement.dataset.theme = theme"
        " : delete document.documentElement.dataset.theme",
        "contrast" if scheme == "contrast" else "",
    )
    # Colours on their way are none of the theme's; they set out with the next frame, and what inherits them later.
    page.evaluate(
        """async () => {
            const passed = () => new Promise((next) => requestAnimationFrame(next));
            const moving = () => document.getAnimations().filter((each) => each instanceof CSSTransition);
            for (let still = 0; still < 3; still = moving().length ? 0 : still + 1) {
                await Promise.allSettled(moving().map((each) => each.finished));
                await passed();
            }
        }"""
    )


def narrow(page: Page) -> None:
    """Make the window as narrow as a page has to fit in: 320 pixels, which are also what 1280 are at 400 %."""
    page.set_viewport_size({"width": 320, "height": 850})
    # It follows in its next frames.
    page.evaluate(
        """async () => {
            const root = document.documentElement;
            for (let turn = 0; turn < 60 && root.scrollWidth > root.clientWidth; turn++)
                await new Promise((passed) => setTimeout(passed, 50));
        }"""
    )


def spilling(page: Page) -> list[str]:
    """With text of twice the size: what needs more room across than it has, and so covers what stands beside it."""
    found: list[str] = page.evaluate(
        """async () => {
            const root = document.documentElement;
            root.style.fontSize = '200%';
            await new Promise((passed) => requestAnimationFrame(() => requestAnimationFrame(passed)));
            const spilling = [...document.querySelectorAll('main :is(section, aside, form, fieldset, li)')]
                .filter((element) => getComputedStyle(element).overflowX === 'visible')
                .filter((element) => element.clientWidth > 0 && element.scrollWidth > element.clientWidth + 1)
                .map((element) => element.outerHTML.slice(0, 120));
            if (root.scrollWidth > root.clientWidth) spilling.push('the page');
            root.style.fontSize = '';
            return spilling;
        }"""
    )
    return found


@pytest.mark.parametrize("view", PLAIN, ids=lambda view: view.name)
def test_a_page_is_for_everybody(
    view: View, kept_page: Page, open_page: Callable[..., Page], site: Site, furnished: Furnished
) -> None:
    page = kept_page if view.signed_in else open_page(signed_in=False)
    page.set_viewport_size({"width": 1280, "height": 850})
    view.open(page, site, furnished)
    assert violations(page) == []
    assert small(page) == []
    assert spilling(page) == []
    narrow(page)
    assert sideways(page) == 0


@pytest.mark.matrix
@pytest.mark.parametrize("width", [1280, 400])
@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.name)
def test_a_page_is_for_everybody_in_any_state(
    view: View, width: int, open_page: Callable[..., Page], site: Site, furnished: Furnished
) -> None:
    page = open_page(width=width, signed_in=view.signed_in)
    view.open(page, site, furnished)
    for scheme in ("light", "dark", "contrast", "forced"):
        show(page, scheme)
        assert violations(page) == [], scheme
        assert sideways(page) == 0, scheme
