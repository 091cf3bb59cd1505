"""Credentials: made with what they may do, their secret shown once; rotated, changed, revoked; tokens for curl."""

import os
import re
import subprocess
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.live import Client
from tests.web.journeys import Site, tab_to, unique


@pytest.fixture
def new_credential(client: Client) -> Callable[..., Any]:
    """Makes a credential over the API."""

    def made(name: str, *permissions: str) -> Any:
        return client.made("/v1/credentials", {"name": name, "permissions": list(permissions or ("view-sources",))})

    return made


def token(made: Any) -> httpx.Response:
    """What the token call answers to this credential and secret."""
    return httpx.post(
        made["tokenUrl"],
        data={
            "grant_type": "client_credentials",
            "client_id": made["clientId"],
            "client_secret": made["clientSecret"],
            "scope": made["scopes"],
        },
    )


def secret_on(page: Page) -> str:
    """The secret, as the dialog that shows it once has it."""
    dialog = page.get_by_role("dialog", name="Keep the secret now")
    return dialog.locator("dl > div").filter(has_text="Client secret").locator("code").inner_text()


def test_a_credential_is_made_by_keys_and_its_secret_shown_once(page: Page, site: Site, client: Client) -> None:
    name = unique("Loader")
    page.goto(site.at("credentials"))
    page.get_by_role("rowheader").first.wait_for()
    tab_to(page, "New credential")
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="New credential")
    page.keyboard.press("Enter")
    expect(dialog.get_by_text("Give the credential a name.")).to_be_visible()
    page.keyboard.type(name)
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowRight")
    expect(dialog.get_by_role("radio", name="Operate")).to_be_checked()
    expect(dialog.get_by_role("checkbox", name=re.compile("^Run"))).to_be_checked()
    dialog.get_by_role("checkbox", name=re.compile("^View data")).focus()
    page.keyboard.press("Space")
    expect(dialog.get_by_role("radio", name="Own choice")).to_be_checked()
    tab_to(page, "Make credential")
    page.keyboard.press("Enter")
    once = page.get_by_role("dialog", name="Keep the secret now")
    expect(once).to_be_visible()
    (made,) = [one for one in client.get("/v1/credentials").json()["credentials"] if one["name"] == name]
    assert made["permissions"] == ["view-sources", "run"]
    shown = {
        part.locator("dt").inner_text(): part.locator("code").inner_text() for part in once.locator("dl > div").all()
    }
    assert shown["Client id"] == made["clientId"]
    signed_in = {"clientId": shown["Client id"], "clientSecret": shown["Client secret"]}
    assert token({**signed_in, "scopes": shown["Scopes"], "tokenUrl": shown["Token URL"]}).status_code == 200
    # A slip does not lose it.
    page.keyboard.press("Escape")
    expect(once).to_be_visible()
    once.get_by_role("button", name="I have kept it").click()
    expect(once).to_have_count(0)
    secret = shown["Client secret"]
    assert secret not in page.content()
    assert secret not in page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}, location.href])")
    expect(page.get_by_role("row").filter(has_text=name)).to_be_visible()


@pytest.mark.pages
def test_what_each_may_do_stands_side_by_side(page: Page, site: Site, new_credential: Callable[..., Any]) -> None:
    name = unique("Watcher")
    new_credential(name, "view-sources", "view-data")
    page.goto(site.at("credentials"))
    row = page.get_by_role("row").filter(has_text=name)
    expect(row).to_be_visible()
    headers = page.get_by_role("columnheader").all_text_contents()
    cells = row.locator("th, td").all_text_contents()
    told = dict(zip(headers, cells, strict=True))
    assert {column for column, value in told.items() if value == "yes"} == {"View", "Data"}
    assert {column for column, value in told.items() if value == "no"} == {
        "Manage", "Run", "Masked", "Secrets", "Administer",
    }  # fmt: skip


def test_a_new_secret_takes_the_place_of_the_old_one(
    page: Page, site: Site, new_credential: Callable[..., Any]
) -> None:
    name = unique("Rotated")
    made = new_credential(name)
    page.goto(site.at("credentials"))
    page.get_by_role("button", name=f"Actions for {name}").click()
    page.get_by_role("menuitem", name="New secret…").click()
    dialog = page.get_by_role("alertdialog", name=f"Give {name} a new secret?")
    expect(dialog).to_contain_text("The old secret gets no more tokens")
    dialog.get_by_role("button", name="Give a new secret").click()
    page.get_by_role("dialog", name="Keep the secret now").wait_for()
    secret = secret_on(page)
    assert secret != made["clientSecret"]
    assert token({**made, "clientSecret": secret}).status_code == 200
    assert token(made).status_code >= 400


@pytest.mark.pages
def test_name_and_permissions_change(
    page: Page, site: Site, client: Client, new_credential: Callable[..., Any]
) -> None:
    name = unique("Changed")
    made = new_credential(name, "view-sources", "run")
    page.goto(site.at("credentials"))
    page.get_by_role("button", name=f"Actions for {name}").click()
    page.get_by_role("menuitem", name="Edit").click()
    dialog = page.get_by_role("dialog", name="Edit credential")
    dialog.get_by_role("checkbox", name=re.compile("^Run")).uncheck(force=True)
    dialog.get_by_role("checkbox", name="View sources").uncheck(force=True)
    expect(dialog.get_by_text("Choose at least one permission.")).to_be_visible()
    dialog.get_by_role("checkbox", name=re.compile("^View data")).check(force=True)
    dialog.get_by_role("textbox", name="Name").fill(f"{name} twice")
    dialog.get_by_role("button", name="Save").click()
    expect(page.get_by_role("row").filter(has_text=f"{name} twice")).to_be_visible()
    told = client.get(f"/v1/credentials/{made['clientId']}").json()
    assert (told["name"], told["permissions"]) == (f"{name} twice", ["view-data"])


def test_a_revoked_credential_is_gone_with_its_tokens(
    page: Page, site: Site, client: Client, new_credential: Callable[..., Any]
) -> None:
    name = unique("Revoked")
    made = new_credential(name)
    page.goto(site.at("credentials"))
    page.get_by_role("button", name=f"Actions for {name}").click()
    page.get_by_role("menuitem", name="Revoke…").click()
    dialog = page.get_by_role("alertdialog", name=f"Revoke {name}?")
    expect(dialog).to_contain_text("cannot be undone")
    dialog.get_by_role("button", name="Revoke credential").click()
    expect(page.get_by_text("The credential is revoked.")).to_be_visible()
    expect(page.get_by_role("row").filter(has_text=name)).to_have_count(0)
    assert client.get(f"/v1/credentials/{made['clientId']}").status_code == 404
    assert token(made).status_code >= 400


@pytest.mark.pages
def test_nobody_grants_what_they_do_not_have(page_with: Callable[..., Page], site: Site) -> None:
    page = page_with("administer", "view-sources")
    page.goto(site.at("credentials?new=credential"))
    dialog = page.get_by_role("dialog", name="New credential")
    expect(dialog.get_by_role("checkbox", name="Administer")).to_be_enabled()
    expect(dialog.get_by_role("checkbox", name=re.compile("^Run"))).to_be_disabled()
    expect(dialog.get_by_text("You do not have it yourself.").first).to_be_visible()


@pytest.mark.pages
def test_who_may_not_administer_sees_their_own_and_what_is_needed(page_with: Callable[..., Page], site: Site) -> None:
    page = page_with("view-sources")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(site.at("credentials"))
    expect(page.get_by_text("Credentials need the permission administer")).to_be_visible()
    expect(page.get_by_role("region", name="Yours")).to_contain_text("View sources")
    expect(page.get_by_role("button", name="New credential")).to_have_count(0)
    assert not [url for url in asked if "/v1/credentials" in url]


def test_what_is_printed_gets_a_token_and_makes_a_call(
    page: Page, site: Site, new_credential: Callable[..., Any]
) -> None:
    name = unique("From a shell")
    made = new_credential(name)
    page.goto(site.at("credentials"))
    page.get_by_role("button", name=f"Actions for {name}").click()
    page.get_by_role("menuitem", name="Get a token…").click()
    expect(page).to_have_url(site.at(f"credentials?token={made['clientId']}"))
    dialog = page.get_by_role("dialog", name="A token for curl")
    get, call = (dialog.get_by_role("region", name=part).inner_text() for part in ("Get a token", "Then call"))
    assert made["clientSecret"] not in get
    # jq may not be there.
    get = get.replace("| jq -r .access_token", '| sed \'s/.*"access_token":"\\([^"]*\\)".*/\\1/\'')
    shell = subprocess.run(
        ["sh", "-c", f"{get}\n{call.replace('curl', 'curl --silent', 1)}"],
        capture_output=True,
        check=True,
        text=True,
        env={**os.environ, "CLIENT_SECRET": made["clientSecret"]},
    )
    assert '"name":"prod"' in shell.stdout.replace(" ", "")
