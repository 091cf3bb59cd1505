"""Signing in by the one-time link, being signed out, and a session that ends over a page."""

from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.web.journeys import Site


def test_the_link_signs_in_once_and_its_code_leaves_the_address(open_page: Callable[..., Page], site: Site) -> None:
    link = site.sign_in_link()
    page = open_page(signed_in=False)
    page.goto(link)
    expect(page).to_have_url(site.at())
    expect(page).to_have_title("Sources · prod · Flow Service")
    code = link.split("#")[1]
    assert code not in page.content()
    assert code not in page.evaluate("JSON.stringify([localStorage, sessionStorage, document.cookie])")
    another = open_page(signed_in=False)
    another.goto(link)
    alert = another.get_by_role("alert")
    expect(alert).to_contain_text("This link did not sign you in")
    for part in ("Why", "What to do", "Code", "Request"):
        expect(alert.get_by_text(part, exact=True)).to_be_visible()
    expect(another.get_by_text("flowservice sign-in")).to_be_visible()


def test_who_is_not_signed_in_may_paste_the_link(open_page: Callable[..., Page], site: Site) -> None:
    page = open_page(signed_in=False)
    page.goto(site.at("sources/accounts"))
    expect(page).to_have_url(f"{site.url}/signin")
    page.keyboard.press("Tab")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_text("Paste the link that the server printed.")).to_be_visible()
    page.get_by_role("textbox", name="Sign-in link or code").fill(site.sign_in_link())
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Sources")


def test_signing_out_ends_the_session(open_page: Callable[..., Page], site: Site) -> None:
    page = open_page(signed_in=False)
    page.goto(site.sign_in_link())
    page.get_by_role("button", name="Your settings").click()
    page.get_by_role("menuitem", name="Sign out").click()
    expect(page.get_by_text("You are signed out.")).to_be_visible()
    page.goto(site.at())
    expect(page).to_have_url(f"{site.url}/signin")


def test_an_ended_session_asks_over_the_page_and_keeps_what_was_typed(
    open_page: Callable[..., Page], site: Site
) -> None:
    page = open_page(signed_in=False)
    page.goto(site.sign_in_link())
    expect(page).to_have_url(site.at())
    page.goto(site.at("sources/accounts/new"))
    page.get_by_role("textbox", name="Name").fill("half typed")
    page.get_by_role("textbox", name="Connection string").fill("UseDevelopmentStorage=true")
    page.context.clear_cookies()
    page.get_by_role("button", name="Check and save").click()
    dialog = page.get_by_role("alertdialog", name="Your session has ended")
    expect(dialog).to_be_visible()
    page.keyboard.press("Escape")
    dialog.get_by_role("textbox", name="Sign-in link or code").fill(site.sign_in_link())
    dialog.get_by_role("button", name="Sign in").click()
    expect(dialog).to_be_hidden()
    expect(page.get_by_role("textbox", name="Name")).to_have_value("half typed")
