"""The catalog tells of every source what this server can do with it."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.live import Client
from tests.web.journeys import AZURE_TABLES, Site


def test_every_source_of_the_api_is_there_and_only_readable_ones_can_be_set_up(
    page: Page, site: Site, client: Client
) -> None:
    specs = client.get(f"{client.flow}/connectionSpecs").json()["items"]
    sources = [spec["attributes"] for spec in specs if spec["attributes"]["isSource"]]
    page.goto(site.at())
    expect(page.get_by_role("status").filter(has_text=f"{len(sources)} sources")).to_be_visible()
    assert page.get_by_role("article").count() == len(sources)
    for attributes in sources:
        card = page.get_by_role("article").filter(
            has=page.get_by_role("heading", name=attributes["displayName"], exact=True)
        )
        assert card.locator("a.primary").count() == int(attributes["isSupported"])


def test_search_knows_aliases_and_the_address_restores_the_view(page: Page, site: Site) -> None:
    page.goto(site.at())
    page.get_by_role("searchbox", name="Search sources").fill("cosmos")
    expect(page.get_by_role("article")).to_have_count(1)
    page.get_by_role("searchbox", name="Search sources").fill("s3")
    expect(page.get_by_role("heading", name="Amazon S3")).to_be_visible()
    page.reload()
    expect(page.get_by_role("article")).to_have_count(1)
    expect(page.get_by_role("searchbox", name="Search sources")).to_have_value("s3")


@pytest.mark.pages
def test_categories_add_up_and_can_be_combined(page: Page, site: Site) -> None:
    page.goto(site.at())
    page.get_by_role("checkbox", name="Payments").check(force=True)
    expect(page.get_by_role("article")).to_have_count(3)
    page.get_by_role("checkbox", name="CRM").check(force=True)
    expect(page.get_by_role("article")).to_have_count(8)
    assert "category=payments%2Ccrm" in page.url
    page.get_by_role("searchbox", name="Search sources").fill("zzz")
    expect(page.get_by_role("heading", name="No source fits")).to_be_visible()
    page.get_by_role("button", name="Clear search and filters").click()
    expect(page.get_by_role("heading", name="Azure Table Storage")).to_be_visible()


@pytest.mark.pages
def test_details_are_read_from_the_spec_and_esc_leads_back(page: Page, site: Site, client: Client) -> None:
    spec = client.one(f"{client.flow}/connectionSpecs/{AZURE_TABLES}")
    page.goto(site.at())
    opener = page.get_by_role("button", name="Details of Azure Table Storage")
    opener.focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Azure Table Storage")
    expect(dialog).to_be_visible()
    assert f"details={AZURE_TABLES}" in page.url
    for auth in spec["authSpec"]:
        for name in auth["spec"]["properties"]:
            expect(dialog.get_by_text(name, exact=True).first).to_be_attached()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(opener).to_be_focused()
    page.get_by_role("button", name="Details of Amazon S3").click()
    expect(page.get_by_role("dialog")).to_contain_text("no connector")


@pytest.mark.pages
def test_the_list_is_the_same_data_sorted_by_keys(page: Page, site: Site, client: Client) -> None:
    specs = client.get(f"{client.flow}/connectionSpecs").json()["items"]
    sources = [spec for spec in specs if spec["attributes"]["isSource"]]
    page.goto(site.at("sources?view=list"))
    rows = page.get_by_role("row")
    expect(rows).to_have_count(len(sources) + 1)
    page.get_by_role("columnheader", name="Name").click()
    expect(page.get_by_role("rowheader").first).to_have_text("Amazon Kinesis")
    page.get_by_role("rowheader").first.click()
    expect(page.get_by_role("dialog", name="Amazon Kinesis")).to_be_visible()
    page.keyboard.press("Escape")
    page.get_by_role("columnheader", name="Name").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("rowheader").first).to_have_text("Zoho CRM")


@pytest.mark.pages
def test_a_failing_list_is_told_in_four_parts_and_tried_again(open_page: Callable[..., Page], site: Site) -> None:
    page = open_page()
    page.route(
        "**/connectionSpecs",
        lambda route: route.fulfill(
            status=429,
            json={"report": {"detailed-message": "the store is away"}, "code": "made-up", "advice": "Wait."},
            headers={"x-request-id": "abc123"},
        ),
    )
    page.goto(site.at())
    alert = page.get_by_role("alert")
    for text in ("The sources could not be listed", "The store is away", "Wait.", "made-up", "abc123"):
        expect(alert).to_contain_text(text)
    page.unroute("**/connectionSpecs")
    alert.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("heading", name="Azure Table Storage")).to_be_visible()


@pytest.mark.pages
@pytest.mark.parametrize(
    ("status", "code", "may_pass"),
    [
        (400, "query-invalid", False),
        (403, "forbidden", False),
        (404, "not-found", False),
        (409, "answer-lost", True),
        (400, "source-credentials", True),
    ],
)
def test_only_what_may_go_well_later_can_be_tried_again(
    status: int, code: str, may_pass: bool, page: Page, site: Site
) -> None:
    page.route(
        "**/connectionSpecs",
        lambda route: route.fulfill(status=status, json={"detail": "no", "code": code}),
    )
    page.goto(site.at())
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text(code)
    expect(alert.get_by_text("What to do")).to_be_visible()
    expect(alert.get_by_role("button", name="Try again")).to_have_count(int(may_pass))
    expect(alert.get_by_text("Try again")).to_have_count(2 if may_pass else 0)
