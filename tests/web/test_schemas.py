"""Schemas: walked by keys, made, and changed only as far as what rests on them allows."""

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from playwright.sync_api import Page, Route, expect

from tests.live import Client
from tests.web.furnished import Furnished
from tests.web.journeys import Site, focused, sideways, tab_to, unique
from tests.wire import resources
from tests.wire.resources import CATALOG, PROFILE, REGISTRY

TENANT = f"{REGISTRY}/tenant"
ACCEPT = "application/vnd.adobe.xed-full-desc+json; version=1"


@pytest.fixture(scope="module")
def own(client: Client) -> str:
    """The name of the object that holds the tenant's own fields."""
    return "_" + str(client.get(f"{REGISTRY}/stats").json()["tenantId"])


@pytest.fixture
def new_schema(client: Client, own: str) -> Callable[..., Any]:
    """Makes a schema with a field group of its own over the API; returns the schema as the registry tells it."""

    def made(title: str = "", **fields: Any) -> Any:
        group = client.made(f"{TENANT}/fieldgroups", resources.field_group(own, fields or {"size": {"type": "string"}}))
        body = resources.schema(PROFILE, group["$id"])
        return client.made(f"{TENANT}/schemas", {**body, "title": title or unique("Made for a test")})

    return made


def fields_of(client: Client, schema: Any, own: str) -> Any:
    """The tenant's own fields, as the registry resolves them."""
    path = f"{TENANT}/schemas/{schema['meta:altId']}"
    return client.get(path, headers={"Accept": ACCEPT}).json()["properties"][own]


def at(site: Site, schema: Any, query: str = "") -> str:
    """The address of its page."""
    return site.at(f"schemas/{schema['meta:altId']}{query}")


@pytest.mark.pages
def test_a_schema_is_found_and_opened(page: Page, site: Site, new_schema: Callable[..., Any]) -> None:
    title = unique("Kingfisher schema")
    made = new_schema(title)
    page.goto(site.at("schemas"))
    page.get_by_role("searchbox", name="Search schemas").fill(title.lower())
    expect(page.get_by_role("rowheader")).to_have_text([title])
    page.reload()
    page.get_by_role("link", name=title).click()
    expect(page).to_have_url(at(site, made))
    expect(page.get_by_role("heading", level=1)).to_have_text(title)
    expect(page.get_by_role("region", name="Made of")).to_contain_text("XDM Individual Profile")


@pytest.mark.pages
def test_a_schema_is_found_by_its_id_too(page: Page, site: Site, furnished: Furnished, client: Client) -> None:
    title = client.get(f"{TENANT}/schemas/{quote(furnished.schema, safe='')}").json()["title"]
    page.goto(site.at(f"schemas/{quote(furnished.schema, safe='')}"))
    expect(page.get_by_role("heading", level=1)).to_have_text(title)
    expect(page.get_by_role("region", name="Used by").get_by_role("link")).to_have_attribute(
        "href", f"/s/prod/datasets/{furnished.dataset}"
    )


@pytest.mark.pages
def test_the_tree_is_walked_by_arrows_and_letters(
    page: Page, site: Site, own: str, new_schema: Callable[..., Any]
) -> None:
    made = new_schema(
        alpha={"type": "string", "title": "First letter"},
        place={"type": "object", "properties": {"city": {"type": "string"}}},
    )
    page.goto(at(site, made))
    tree = page.get_by_role("treegrid", name="Fields of the schema")
    tree.get_by_role("row").first.focus()
    page.keyboard.type("_")
    row = tree.get_by_role("row", name=own, exact=True)
    while not row.evaluate("(element) => element === document.activeElement"):
        page.keyboard.press("ArrowDown")
    expect(row).to_have_attribute("aria-expanded", "true")
    page.keyboard.press("ArrowLeft")
    expect(row).to_have_attribute("aria-expanded", "false")
    expect(tree.get_by_role("row", name="alpha", exact=True)).to_have_count(0)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    expect(tree.get_by_role("row", name="alpha", exact=True)).to_be_focused()
    page.keyboard.press("Enter")
    panel = page.get_by_role("region", name="First letter")
    expect(panel).to_contain_text(f"{own}.alpha")
    expect(page).to_have_url(at(site, made, f"?field={own}.alpha"))
    page.reload()
    expect(panel).to_be_visible()


@pytest.mark.pages
def test_fields_are_searched(page: Page, site: Site, new_schema: Callable[..., Any]) -> None:
    made = new_schema(place={"type": "object", "properties": {"city": {"type": "string"}}}, other={"type": "string"})
    page.goto(at(site, made))
    page.get_by_role("searchbox", name="Search fields").fill("city")
    rows = page.get_by_role("treegrid", name="Fields of the schema").get_by_role("row")
    expect(rows).to_have_count(3)
    expect(rows.last).to_contain_text("city")
    page.get_by_role("searchbox", name="Search fields").fill("nothing is called so")
    expect(page.get_by_text("No field is called that.")).to_be_visible()


def test_a_schema_is_made_by_keys(page: Page, site: Site, client: Client) -> None:
    title = unique("Made by keys")
    page.goto(site.at("schemas"))
    page.get_by_role("button", name="New schema").first.wait_for()
    tab_to(page, "New schema")
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="New schema")
    expect(dialog.get_by_role("textbox", name="Title")).to_be_focused()
    page.keyboard.press("Enter")
    expect(dialog.get_by_text("Give the schema a title.")).to_be_visible()
    page.keyboard.type(title)
    dialog.get_by_role("searchbox", name="Search field groups").focus()
    page.keyboard.type("Demographic")
    group = dialog.get_by_role("checkbox", name="Demographic Details")
    group.focus()
    page.keyboard.press("Space")
    expect(dialog.get_by_text("1 chosen")).to_be_visible()
    tab_to(page, "Make schema")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text(title)
    expect(page.get_by_role("treegrid").get_by_role("row", name="person", exact=True)).to_be_visible()
    (made,) = client.get(f"{TENANT}/schemas", params={"property": f"title=={title}"}).json()["results"]
    assert [part["$ref"] for part in made["allOf"]] == [PROFILE, f"{PROFILE}-person-details"]


@pytest.mark.pages
def test_a_title_that_is_taken_is_refused_in_the_server_s_words(
    page: Page, site: Site, new_schema: Callable[..., Any]
) -> None:
    title = unique("Taken title")
    new_schema(title)
    page.goto(site.at("schemas?new=schema"))
    dialog = page.get_by_role("dialog", name="New schema")
    dialog.get_by_role("textbox", name="Title").fill(title)
    dialog.get_by_role("button", name="Make schema").click()
    panel = dialog.get_by_role("alert")
    expect(panel).to_contain_text("exists already")
    expect(panel).to_contain_text("Choose another title")
    expect(panel).to_contain_text("Code")


def test_a_field_is_added_and_the_dataset_told_of_it(
    page: Page, site: Site, client: Client, own: str, new_schema: Callable[..., Any]
) -> None:
    made = new_schema(place={"type": "object", "properties": {"city": {"type": "string"}}})
    client.made(f"{CATALOG}/dataSets", resources.dataset(made["$id"], unique("Uses it")))
    page.goto(at(site, made))
    page.get_by_role("button", name="Add field", exact=True).click()
    dialog = page.get_by_role("dialog", name="Add field")
    dialog.get_by_role("button", name="Add field").click()
    expect(dialog.get_by_text("Give the field a name.")).to_be_visible()
    dialog.get_by_role("textbox", name="Name").fill("_wrong")
    expect(dialog.get_by_text("begins with a letter or digit.").last).to_be_visible()
    dialog.get_by_role("textbox", name="Name").fill("city")
    dialog.get_by_role("button", name="Inside of").click()
    page.get_by_role("option", name=f"{own}.place").click()
    expect(dialog.get_by_text("There is a field of this name already.")).to_be_visible()
    dialog.get_by_role("textbox", name="Name").fill("opened")
    dialog.get_by_role("button", name="Type").click()
    page.get_by_role("option", name="Date", exact=True).click()
    dialog.get_by_role("textbox", name="Title").fill("Open since")
    dialog.get_by_text("A list of these").click()
    expect(dialog.get_by_text("1 dataset gets the new columns")).to_be_visible()
    dialog.get_by_role("button", name="Add field").click()
    expect(page.get_by_role("treegrid").get_by_role("row", name="opened", exact=True)).to_contain_text("date[]")
    added = fields_of(client, made, own)["properties"]["place"]["properties"]["opened"]
    assert (added["type"], added["items"]["format"], added["title"]) == ("array", "date", "Open since")


@pytest.mark.pages
def test_a_field_goes_into_the_group_that_is_there_however_late_it_is_told(
    page: Page, site: Site, client: Client, own: str, new_schema: Callable[..., Any]
) -> None:
    made = new_schema(place={"type": "object", "properties": {"city": {"type": "string"}}})
    held: list[Route] = []
    page.route("**/tenant/fieldgroups?*", lambda route: held.append(route))  # noqa: PLW0108 - a method cannot be marked as handled
    page.goto(at(site, made))
    page.get_by_role("button", name="Add field", exact=True).click()
    dialog = page.get_by_role("dialog", name="Add field")
    dialog.get_by_role("textbox", name="Name").fill("street")
    expect(dialog.get_by_role("button", name="Add field")).to_be_disabled()
    for call in held:
        call.continue_()
    dialog.get_by_role("button", name="Add field").click()
    expect(page.get_by_role("treegrid").get_by_role("row", name="street", exact=True)).to_be_visible()
    assert list(fields_of(client, made, own)["properties"]) == ["place", "street"]
    assert len(client.get(f"{TENANT}/schemas/{made['meta:altId']}").json()["allOf"]) == len(made["allOf"])


@pytest.mark.pages
def test_a_schema_of_standard_parts_gets_a_field_group_of_its_own(
    page: Page, site: Site, client: Client, own: str
) -> None:
    title = unique("Standard alone")
    made = client.made(f"{TENANT}/schemas", {**resources.schema(PROFILE), "title": title})
    page.goto(at(site, made))
    page.get_by_role("button", name="Add field", exact=True).click()
    dialog = page.get_by_role("dialog", name="Add field")
    dialog.get_by_role("textbox", name="Name").fill("points")
    dialog.get_by_role("checkbox", name="Required").check(force=True)
    dialog.get_by_role("button", name="Add field").click()
    expect(page.get_by_role("region", name="Made of")).to_contain_text(f"Fields of {title}")
    told = fields_of(client, made, own)
    assert (list(told["properties"]), told["required"]) == (["points"], ["points"])


def test_field_groups_are_added_once_they_fit(page: Page, site: Site, new_schema: Callable[..., Any]) -> None:
    made = new_schema()
    page.goto(at(site, made))
    page.get_by_role("button", name="Add field groups").click()
    dialog = page.get_by_role("dialog", name="Add field groups")
    expect(dialog.get_by_role("button", name="Add field group")).to_be_disabled()
    dialog.get_by_text("Loyalty Details").click()
    expect(dialog.get_by_text("It fits.")).to_be_visible()
    dialog.get_by_role("button", name="Add field group").click()
    expect(page.get_by_role("region", name="Made of")).to_contain_text("Loyalty Details")
    expect(page.get_by_role("treegrid").get_by_role("row", name="loyalty", exact=True)).to_be_visible()


def test_what_would_break_rows_that_landed_is_refused_before_it_is_saved(
    page: Page, site: Site, client: Client, furnished: Furnished
) -> None:
    path = f"{TENANT}/schemas/{quote(furnished.schema, safe='')}"
    before = client.get(path).json()
    page.goto(at(site, before))
    page.get_by_role("button", name="Remove Own fields").click()
    dialog = page.get_by_role("alertdialog")
    panel = dialog.get_by_role("alert")
    expect(panel).to_contain_text("This change is not possible")
    expect(panel).to_contain_text("holds data")
    expect(panel).to_contain_text("What to do")
    expect(panel).to_contain_text("schema-change-breaking")
    expect(panel).to_contain_text("make a new schema")
    expect(panel.get_by_role("button", name="Try again")).to_have_count(0)
    expect(dialog.get_by_role("button", name="Remove field group")).to_be_disabled()
    assert client.get(path).json() == before


@pytest.mark.pages
def test_a_change_that_could_not_be_checked_is_checked_again(
    page: Page, site: Site, own: str, new_schema: Callable[..., Any]
) -> None:
    made = new_schema()
    page.goto(at(site, made, f"?field={own}.size"))
    page.get_by_role("button", name="Edit field").click()
    dialog = page.get_by_role("dialog", name="Edit size")
    page.route("**/tenant/fieldgroups/*", lambda route: route.fulfill(status=429, json={"detail": "too many calls"}))
    dialog.get_by_role("textbox", name="Title").fill("How large")
    panel = dialog.get_by_role("alert")
    expect(panel).to_contain_text("The change could not be checked")
    expect(dialog.get_by_role("button", name="Save")).to_be_disabled()
    page.unroute("**/tenant/fieldgroups/*")
    panel.get_by_role("button", name="Try again").click()
    expect(dialog.get_by_text("It fits.")).to_be_visible()
    expect(panel).to_have_count(0)


@pytest.mark.pages
def test_a_field_of_one_s_own_is_edited_as_far_as_rows_allow(
    page: Page, site: Site, client: Client, own: str, furnished: Furnished, new_schema: Callable[..., Any]
) -> None:
    shown = client.get(f"{TENANT}/schemas/{quote(furnished.schema, safe='')}").json()
    page.goto(at(site, shown, f"?field={own}.total"))
    page.get_by_role("button", name="Edit field").click()
    dialog = page.get_by_role("dialog", name="Edit total")
    dialog.get_by_role("checkbox", name="Required").check(force=True)
    expect(dialog.get_by_role("alert")).to_contain_text("total")
    expect(dialog.get_by_role("button", name="Save")).to_be_disabled()
    made = new_schema(size={"type": "string"})
    page.goto(at(site, made, f"?field={own}.size"))
    page.get_by_role("button", name="Edit field").click()
    dialog = page.get_by_role("dialog", name="Edit size")
    dialog.get_by_role("textbox", name="Title").fill("How large")
    dialog.get_by_role("checkbox", name="Required").check(force=True)
    dialog.get_by_role("button", name="Save").click()
    expect(page.get_by_role("region", name="How large")).to_contain_text("a row without it is rejected")
    told = fields_of(client, made, own)
    assert (told["properties"]["size"]["title"], told["required"]) == ("How large", ["size"])


def test_a_schema_that_somebody_else_changed_is_not_overwritten(
    page: Page, site: Site, client: Client, new_schema: Callable[..., Any]
) -> None:
    title = unique("Contended schema")
    made = new_schema(title)
    path = f"{TENANT}/schemas/{made['meta:altId']}"
    page.goto(at(site, made))
    page.get_by_role("button", name=f"Actions for {title}").click()
    page.get_by_role("menuitem", name="Edit").click()
    dialog = page.get_by_role("dialog", name="Edit schema")
    dialog.get_by_role("textbox", name="Title").wait_for()
    theirs = [{"op": "add", "path": "/description", "value": "Theirs"}]
    assert client.patch(path, json=theirs).status_code == 200
    dialog.get_by_role("textbox", name="Title").fill(f"{title} mine")
    conflict = dialog.get_by_role("alert")
    expect(conflict).to_contain_text("Someone else changed this meanwhile")
    expect(conflict).to_contain_text("Theirs")
    assert client.get(path).json()["title"] == title
    dialog.get_by_role("textbox", name="Description").fill("Theirs, and mine")
    dialog.get_by_role("button", name="Save mine on top").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(f"{title} mine")
    told = client.get(path).json()
    assert (told["title"], told["description"]) == (f"{title} mine", "Theirs, and mine")


@pytest.mark.pages
def test_labels_of_a_field_are_put_on_and_taken_off(
    page: Page, site: Site, client: Client, own: str, new_schema: Callable[..., Any]
) -> None:
    made = new_schema(mail={"type": "string", "title": "Mail"})
    page.goto(at(site, made, f"?field={own}.mail"))

    def labels() -> list[Any]:
        told = fields_of(client, made, own)["properties"]["mail"].get("meta:descriptors", [])
        return [one["xdm:labels"] for one in told]

    for change, held in (("I1", [["core/I1"]]), ("S1", [["core/I1", "core/S1"]])):
        page.get_by_role("button", name="Edit labels").click()
        dialog = page.get_by_role("dialog", name=f"Labels of {own}.mail")
        dialog.get_by_role("searchbox", name="Search labels").fill(change)
        dialog.get_by_role("checkbox").first.check(force=True)
        dialog.get_by_role("button", name="Save").click()
        expect(page.get_by_role("region", name="Mail")).to_contain_text(change)
        assert labels() == held
    page.get_by_role("button", name="Edit labels").click()
    for change in ("I1", "S1"):
        dialog.get_by_role("searchbox", name="Search labels").fill(change)
        dialog.get_by_role("checkbox").first.uncheck(force=True)
    dialog.get_by_role("button", name="Save").click()
    expect(page.get_by_role("region", name="Mail")).to_contain_text("None")
    assert labels() == []


@pytest.mark.pages
def test_labels_of_a_field_that_somebody_else_changed_are_not_overwritten(
    page: Page, site: Site, client: Client, own: str, new_schema: Callable[..., Any]
) -> None:
    made = new_schema(mail={"type": "string", "title": "Mail"})
    body = {"@type": "xdm:descriptorLabel", "xdm:sourceSchema": made["$id"], "xdm:sourceVersion": 1}
    body |= {"xdm:sourceProperty": f"/{own}/mail", "xdm:labels": ["C2"]}
    label = f"{REGISTRY}/tenant/descriptors/" + client.made(f"{REGISTRY}/tenant/descriptors", body)["@id"]
    page.goto(at(site, made, f"?field={own}.mail"))
    page.get_by_role("button", name="Edit labels").click()
    dialog = page.get_by_role("dialog", name=f"Labels of {own}.mail")
    expect(dialog.get_by_role("checkbox").first).to_be_checked()
    dialog.get_by_role("searchbox", name="Search labels").fill("C12")
    dialog.get_by_role("checkbox").first.check(force=True)
    assert client.put(label, json={**body, "xdm:labels": ["C3"]}).is_success
    dialog.get_by_role("button", name="Save").click()
    conflict = dialog.get_by_role("alert")
    expect(conflict).to_contain_text("C3")
    expect(conflict).to_contain_text("C12")
    dialog.get_by_role("button", name="Save mine").click()
    expect(page.get_by_text("The labels are saved.")).to_be_visible()
    assert client.get(label).json()["xdm:labels"] == ["core/C12", "core/C2"]


@pytest.mark.pages
def test_deleting_is_refused_while_a_dataset_uses_it(
    page: Page, site: Site, client: Client, furnished: Furnished, new_schema: Callable[..., Any]
) -> None:
    shown = client.get(f"{TENANT}/schemas/{quote(furnished.schema, safe='')}").json()
    page.goto(at(site, shown))
    page.get_by_role("button", name=f"Actions for {shown['title']}").click()
    page.get_by_role("menuitem", name="Delete…").click()
    dialog = page.get_by_role("alertdialog")
    expect(dialog).to_contain_text("1 dataset uses it. Delete it first.")
    expect(dialog.get_by_role("button", name="Delete schema")).to_be_disabled()
    title = unique("Gone schema")
    made = new_schema(title)
    page.goto(at(site, made))
    page.get_by_role("button", name=f"Actions for {title}").click()
    page.get_by_role("menuitem", name="Delete…").click()
    dialog.get_by_role("button", name="Delete schema").click()
    expect(page).to_have_url(site.at("schemas"))
    page.goto(at(site, made))
    expect(page.get_by_role("heading", name="This schema is not here")).to_be_visible()


@pytest.mark.pages
def test_who_may_only_look_is_offered_no_change(
    page_with: Callable[..., Page], site: Site, own: str, new_schema: Callable[..., Any]
) -> None:
    made = new_schema(mail={"type": "string", "title": "Mail"})
    page = page_with("view-sources")
    page.goto(at(site, made, f"?field={own}.mail"))
    expect(page.get_by_role("region", name="Mail")).to_be_visible()
    for name in ("Add field", "Add field groups", "Edit labels", "Edit field", "Actions for"):
        expect(page.get_by_role("button", name=name)).to_have_count(0)
    page.goto(site.at("schemas"))
    page.get_by_role("rowheader").first.wait_for()
    expect(page.get_by_role("button", name="New schema")).to_have_count(0)


@pytest.mark.pages
def test_titles_are_text_whatever_is_in_them(
    open_page: Callable[..., Page], site: Site, new_schema: Callable[..., Any]
) -> None:
    made = new_schema(f"<img src=x onerror=alert(1)>\u202e{unique('W')}" + "W" * 150, size={"type": "string"})
    page = open_page(width=400)
    page.on("dialog", lambda dialog: pytest.fail(f"a script ran: {dialog.message}"))
    for address in (site.at("schemas"), at(site, made)):
        page.goto(address)
        expect(page.locator(".hidden-character").first).to_be_visible()
        assert sideways(page) == 0
        assert page.locator("main img").count() == 0


@pytest.mark.pages
def test_the_dialog_gives_the_focus_back(page: Page, site: Site, new_schema: Callable[..., Any]) -> None:
    page.goto(at(site, new_schema()))
    page.get_by_role("button", name="Add field groups").click()
    page.get_by_role("dialog", name="Add field groups").wait_for()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert focused(page) == "Add field groups"
