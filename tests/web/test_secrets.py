"""What was typed as a secret is nowhere but in its field and in the call that needs it."""

from collections.abc import Callable

from playwright.sync_api import Page, Request, expect

from demo.azurite import KEY, Azurite
from tests.web.journeys import Site, fill_in, unique


def test_a_secret_is_in_no_address_storage_or_page(
    open_page: Callable[..., Page], site: Site, azurite: Azurite
) -> None:
    page = open_page()
    asked: list[Request] = []

    def ask(request: Request) -> None:
        asked.append(request)

    page.on("request", ask)
    name = unique("Secret")
    page.goto(site.at("sources/accounts/new"))
    fill_in(page, name=name, connection_string=azurite.connection_string)
    page.get_by_role("button", name="Show the call").click()
    shown = page.get_by_role("region", name="Make the account").inner_text()
    assert "$CONNECTION_STRING" in shown
    assert KEY not in page.content()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Check and save").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(name)
    assert KEY not in page.content()
    stored = page.evaluate("JSON.stringify([Object.entries(localStorage), Object.entries(sessionStorage)])")
    assert KEY not in stored
    assert all(KEY not in request.url for request in asked)
    sent = {request.url.removeprefix(site.url) for request in asked if KEY in (request.post_data or "")}
    assert sent == {"/v1/connections/check", "/data/foundation/flowservice/connections"}


def test_the_session_token_is_out_of_reach_of_scripts(page: Page, site: Site) -> None:
    page.goto(site.at())
    assert "flowservice_session" not in page.evaluate("document.cookie")
    (cookie,) = [one for one in page.context.cookies() if one["name"] == "flowservice_session"]
    assert cookie["httpOnly"]
    assert cookie["sameSite"] == "Strict"
    answer = page.request.get(site.at(), headers={"Accept": "text/html"})
    assert "default-src 'self'" in answer.headers["content-security-policy"]
