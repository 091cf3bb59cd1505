"""How much a browser loads, and how soon a page is there."""

import subprocess
from collections.abc import Callable

from playwright.sync_api import Browser, Page

from demo.azurite import node_executable
from tests.live import ROOT
from tests.web.journeys import Site


def test_the_build_is_within_its_budgets(browser: Browser, figure: Callable[[str], None]) -> None:
    script = ROOT / "web/scripts/budgets.mjs"
    measured = subprocess.run([node_executable(), script], capture_output=True, text=True, check=False)
    assert measured.returncode == 0, measured.stdout
    for line in measured.stdout.splitlines():
        figure(line)


def test_what_exceeds_a_budget_fails_the_build(browser: Browser) -> None:
    script = ROOT / "web/scripts/budgets.mjs"
    measured = subprocess.run([node_executable(), script, "16"], capture_output=True, text=True, check=False)
    assert measured.returncode == 1
    assert "over budget" in measured.stderr


def test_a_page_is_usable_soon(page: Page, site: Site, figure: Callable[[str], None]) -> None:
    page.goto(site.at("sources/accounts"))
    page.goto(site.at())
    page.get_by_role("heading", name="Azure Table Storage").wait_for()
    painted = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
    usable = page.evaluate("performance.now()")
    figure(f"web: catalog painted after {painted:.0f} ms, usable after {usable:.0f} ms")
    # The brief's figures are of an idle machine; tests share theirs.
    assert usable < 10_000
