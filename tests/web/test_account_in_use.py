"""An account that a dataflow reads through."""

from collections.abc import Callable

from playwright.sync_api import Page, expect

from demo.azurite import Azurite
from tests.live import Client
from tests.web.journeys import Site
from tests.wire import resources


def test_it_is_counted_and_cannot_be_deleted(
    page: Page, site: Site, client: Client, azurite: Azurite, new_table: Callable[[str], str]
) -> None:
    table = resources.seeded(azurite, new_table("inuse"), resources.people(3))
    made = resources.names_flow(client, azurite.connection_string, table)
    made.started(name="Reads people", scheduleParams=resources.never())
    page.goto(site.at(f"sources/accounts/{made.connection_id}"))
    uses = page.get_by_role("region", name="Dataflows that read through it")
    expect(uses.get_by_role("link", name="Reads people")).to_be_visible()
    page.get_by_role("button", name="Actions for account").click()
    page.get_by_role("menuitem", name="Delete…").click()
    dialog = page.get_by_role("alertdialog")
    expect(dialog).to_contain_text("1 dataflow reads through this account")
    expect(dialog.get_by_role("link", name="Reads people")).to_be_visible()
    expect(dialog.get_by_role("button", name="Delete account")).to_be_disabled()
    page.keyboard.press("Escape")
    # Other tests have accounts of that name, with dataflows of their own.
    page.goto(site.at(f"sources/accounts?q={made.connection_id}"))
    cells = page.get_by_role("row").nth(1).get_by_role("gridcell")
    expect(cells.nth(3)).to_have_text("1")
    page.goto(site.at())
    card = page.get_by_role("article").filter(has=page.get_by_role("heading", name="Azure Table Storage"))
    expect(card).to_contain_text("dataflow")
