"""Which column feeds which field: proposals, expressions with live results, what is rejected, and ten thousand rows."""

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.live import Client
from tests.web.furnished import WITHOUT_LEVEL, Furnished
from tests.web.journeys import AZURE_TABLES, Site, focused, tab_to
from tests.wire.resources import REGISTRY

SAMPLED = 50
"""Rows that are tried as one maps: every fourth of the table, as its partitions begin."""


@pytest.fixture
def draft(client: Client, furnished: Furnished) -> Any:
    """Makes a draft that has come to the mapping, into the schema of `furnished` or one made of the columns."""

    def made(*, mapping: dict[str, Any] | None = None, **details: Any) -> str:
        body = {
            "source": AZURE_TABLES,
            "account": furnished.account,
            "table": furnished.table,
            "details": {"datasetName": "Mapped", "schemaTitle": "Mapped", "flowName": "Mapped", **details},
            "mapping": mapping or {"rules": [], "suggested": False},
            "reached": "mapping",
        }
        sent = {"name": "Mapped", "kind": "dataflow", "step": "mapping", "body": body}
        return str(client.made("/v1/drafts", sent)["id"])

    return made


@pytest.fixture
def own(client: Client) -> str:
    """The tenant's own object."""
    return "_" + str(client.get(f"{REGISTRY}/stats").json()["tenantId"])


def opened(page: Page, site: Site, draft_id: str) -> Page:
    """The page at its mapping."""
    page.goto(site.at(f"flows/new?draft={draft_id}&step=mapping"))
    page.get_by_role("grid", name="Mappings").or_(page.get_by_role("heading", name="Nothing is mapped")).wait_for()
    return page


def count(page: Page, name: str) -> Locator:
    """A counter, which filters by what it counts."""
    return page.get_by_role("group", name="Mappings").get_by_role("button", name=name, exact=True)


def line(page: Page, path: str) -> Locator:
    """The row of the field at `path`."""
    return page.get_by_role("row").filter(has=page.get_by_role("rowheader", name=path))


def test_proposals_are_none_until_they_are_accepted(page: Page, site: Site, draft: Any, furnished: Furnished) -> None:
    opened(page, site, draft(schema="existing", schemaId=furnished.schema))
    expect(count(page, "4 Suggested")).to_be_visible()
    expect(count(page, "0 Mapped")).to_be_visible()
    page.get_by_role("button", name="Next", exact=True).click()
    expect(page.get_by_text("Step 4 of 6")).to_be_visible()
    line(page, "level").get_by_role("button", name="Accept").click()
    expect(count(page, "1 Mapped")).to_be_visible()
    # The required field has no value in some rows: the sample shows which of them would be rejected, and why.
    rejected = len([number for number in WITHOUT_LEVEL if number % 4 == 0 and number < SAMPLED * 4])
    page.get_by_role("button", name="Accept 3 suggestions").click()
    page.get_by_role("tab", name=f"Rejected ({rejected})").click()
    expect(page.get_by_role("tabpanel")).to_contain_text("level")
    page.get_by_role("tab", name=f"Lands ({SAMPLED - rejected})").click()
    expect(page.get_by_role("tabpanel")).to_contain_text("<b>Ada</b>")
    page.get_by_role("button", name="Next", exact=True).click()
    expect(page.get_by_text("Step 5 of 6")).to_be_visible()


def test_a_required_field_asks_for_its_column(
    page: Page, site: Site, draft: Any, own: str, furnished: Furnished
) -> None:
    rules = [{"id": "1", "kind": "field", "source": "name", "destination": "", "onError": "null"}]
    opened(
        page,
        site,
        draft(schema="existing", schemaId=furnished.schema, mapping={"rules": rules, "suggested": True}),
    )
    page.get_by_role("button", name="Target of name").click()
    page.get_by_role("searchbox", name="Find a field").fill(f"{own}.name")
    page.get_by_role("option", name=f"{own}.name").wait_for()
    page.keyboard.press("Enter")
    # A row that has a name must have a level.
    expect(count(page, "1 Required, open")).to_be_visible()
    line(page, "level").get_by_role("button", name="Source of").click()
    page.get_by_role("option", name="level").click()
    expect(count(page, "0 Required, open")).to_be_visible()
    expect(count(page, "2 Mapped")).to_be_visible()


def test_an_expression_is_completed_and_shows_what_it_gives(page: Page, site: Site, draft: Any) -> None:
    opened(page, site, draft())
    page.get_by_role("button", name="Map columns to fields of the same name").click()
    expect(count(page, "6 Mapped")).to_be_visible()
    page.get_by_role("button", name="Add mapping").click()
    page.get_by_role("menuitem", name="Calculated field").click()
    dialog = page.get_by_role("dialog", name="Add mapping")
    editor = dialog.get_by_role("textbox", name="Expression")
    expect(editor).to_be_focused()
    page.keyboard.type("conc")
    expect(page.get_by_role("listbox").get_by_role("option", name="concat string")).to_be_visible()
    page.keyboard.press("Enter")
    page.keyboard.type('level, "-", RowKey')
    expect(dialog.get_by_text("concat(values...)").first).to_be_visible()
    expect(dialog.get_by_role("gridcell", name="gold-00000")).to_be_visible()
    # A new field: the schema is yet to be made.
    dialog.get_by_role("button", name="Target field: Choose a field").click()
    page.get_by_role("option", name="Add a field to the schema").click()
    dialog.get_by_role("textbox", name="Name of the field").fill("total")
    dialog.get_by_role("button", name="Save mapping").click()
    expect(dialog.get_by_text("The schema has a field of that name").first).to_be_visible()
    dialog.get_by_role("textbox", name="Name of the field").fill("label")
    dialog.get_by_role("button", name="Save mapping").click()
    expect(dialog).to_be_hidden()
    expect(line(page, "label")).to_contain_text("gold-00000")


@pytest.mark.pages
def test_what_is_wrong_with_an_expression_is_told_where_it_is(page: Page, site: Site, draft: Any) -> None:
    opened(page, site, draft())
    page.get_by_role("button", name="Map columns to fields of the same name").click()
    expect(count(page, "6 Mapped")).to_be_visible()
    line(page, "name").get_by_role("button", name="Actions for").click()
    page.get_by_role("menuitem", name="Edit").click()
    dialog = page.get_by_role("dialog", name="Edit mapping")
    dialog.get_by_text("An expression", exact=True).click()
    dialog.get_by_role("textbox", name="Expression").click()
    page.keyboard.type("uper(name)")
    expect(dialog.get_by_role("status").filter(has_text="no function 'uper'")).to_contain_text("upper")
    dialog.get_by_role("button", name="Save mapping").click()
    expect(count(page, "1 With errors")).to_be_visible()
    page.get_by_role("button", name="Next", exact=True).click()
    expect(page.get_by_text("Step 4 of 6")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(count(page, "0 With errors")).to_be_visible()


@pytest.mark.pages
def test_the_reference_inserts_where_the_cursor_is(page: Page, site: Site, draft: Any) -> None:
    opened(page, site, draft())
    page.get_by_role("button", name="Map columns to fields of the same name").click()
    expect(count(page, "6 Mapped")).to_be_visible()
    page.get_by_role("button", name="Add mapping").click()
    page.get_by_role("menuitem", name="Calculated field").click()
    dialog = page.get_by_role("dialog", name="Add mapping")
    dialog.get_by_role("searchbox", name="Search functions").fill("upper")
    dialog.get_by_role("button", name="Insert upper(").click()
    dialog.get_by_role("tab", name="Columns").click()
    dialog.get_by_role("button", name="Insert name").click()
    expect(dialog.get_by_role("textbox", name="Expression")).to_have_text("upper(name)")
    expect(dialog.get_by_role("gridcell", name="<B>ADA</B>").first).to_be_visible()


@pytest.mark.pages
def test_a_constant_is_checked_against_its_field(page: Page, site: Site, draft: Any) -> None:
    opened(page, site, draft())
    page.get_by_role("button", name="Map columns to fields of the same name").click()
    expect(count(page, "6 Mapped")).to_be_visible()
    line(page, "total").get_by_role("button", name="Actions for").click()
    page.get_by_role("menuitem", name="Edit").click()
    dialog = page.get_by_role("dialog", name="Edit mapping")
    dialog.get_by_text("A constant", exact=True).click()
    constant = dialog.get_by_role("textbox", name="Constant")
    constant.fill("much")
    expect(dialog.get_by_role("status").filter(has_text="no value of the type number")).to_be_visible()
    constant.fill("12.5")
    expect(dialog.get_by_role("gridcell", name="12.5").first).to_be_visible()
    dialog.get_by_text("Reject the row").click()
    dialog.get_by_role("button", name="Save mapping").click()
    expect(line(page, "total")).to_contain_text("constant")


def test_everything_is_done_by_keys(page: Page, site: Site, draft: Any, own: str, furnished: Furnished) -> None:
    opened(page, site, draft(schema="existing", schemaId=furnished.schema))
    expect(count(page, "4 Suggested")).to_be_visible()
    page.get_by_role("searchbox", name="Search source and target").focus()
    tab_to(page, "1")
    page.keyboard.press("a")
    expect(count(page, "1 Mapped")).to_be_visible()
    page.keyboard.press("End")
    assert focused(page).startswith("Actions for")
    page.keyboard.press("Control+End")
    page.keyboard.press("a")
    expect(count(page, "2 Mapped")).to_be_visible()
    page.keyboard.press("e")
    dialog = page.get_by_role("dialog", name="Edit mapping")
    expect(dialog).to_be_visible()
    tab_to(page, "Cancel")
    page.keyboard.press("Enter")
    expect(dialog).to_be_hidden()
    page.keyboard.press("Delete")
    expect(count(page, "1 Mapped")).to_be_visible()
    assert focused(page) != ""
    page.keyboard.press("Control+z")
    expect(count(page, "2 Mapped")).to_be_visible()
    page.keyboard.press("Control+Home")
    page.keyboard.press("Home")
    page.keyboard.press("Alt+ArrowDown")
    expect(line(page, "_id")).to_have_attribute("aria-rowindex", "3")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(page.get_by_role("searchbox", name="Find a column")).to_be_focused()
    page.keyboard.type("total")
    expect(page.get_by_role("option")).to_have_count(1)
    page.keyboard.press("Enter")
    expect(line(page, "_id")).to_contain_text("total")
    # F8 goes from problem to problem: two fields are fed, and neither is the one that they require.
    page.keyboard.press("Control+Home")
    page.keyboard.press("Home")
    page.keyboard.press("Delete")
    page.keyboard.press("F8")
    expect(line(page, f"{own}.level")).to_be_visible()


def test_mappings_of_another_dataflow_are_copied_if_they_fit(
    page: Page, site: Site, draft: Any, own: str, furnished: Furnished
) -> None:
    opened(page, site, draft(schema="existing", schemaId=furnished.schema, mapping={"rules": [], "suggested": True}))
    page.get_by_role("button", name="More tools").click()
    page.get_by_role("menuitem", name="Copy from a dataflow").click()
    dialog = page.get_by_role("dialog", name="Copy mappings from a dataflow")
    dialog.get_by_role("button", name="Dataflow").click()
    page.get_by_role("option", name="Loyalty customers").first.click()
    expect(dialog.get_by_text("4 of 4 mappings fit this source and schema.")).to_be_visible()
    dialog.get_by_role("button", name="Take over 4 mappings").click()
    expect(count(page, "4 Mapped")).to_be_visible()
    expect(line(page, f"{own}.name")).to_contain_text("upper(trim(name))")
    expect(line(page, f"{own}.name")).to_contain_text("<B>ADA</B>")


def test_mappings_are_exported_as_a_table_and_imported_where_they_fit(
    page: Page, site: Site, draft: Any, own: str, furnished: Furnished, tmp_path: Path
) -> None:
    rules = [
        {"id": "a", "kind": "field", "source": "RowKey", "destination": "_id", "onError": "reject"},
        {"id": "b", "kind": "calculated", "source": "concat(name, name)", "destination": f"{own}.name"},
    ]
    opened(page, site, draft(schema="existing", schemaId=furnished.schema, mapping={"rules": rules, "suggested": True}))
    page.get_by_role("button", name="More tools").click()
    with page.expect_download() as waiting:
        page.get_by_role("menuitem", name="Export as CSV").click()
    table = Path(waiting.value.path()).read_text(encoding="utf-8")
    assert waiting.value.suggested_filename == "mappings.csv"
    assert [line.split(",")[0] for line in table.splitlines()] == ["source", "RowKey", '"concat(name']
    changed = tmp_path / "changed.csv"
    added = [f"level,{own}.level,ATTRIBUTE,,,reject,,,", f"nowhere,{own}.total,ATTRIBUTE,,,,,,"]
    changed.write_text(table.replace("concat(name, name)", "upper(trim(name))") + "\n".join(added))
    page.get_by_role("button", name="More tools").click()
    page.get_by_role("menuitem", name="Import a CSV table…").click()
    dialog = page.get_by_role("dialog", name="Import mappings")
    with page.expect_file_chooser() as choosing:
        dialog.get_by_role("button", name="Choose a file…").click()
    broken = tmp_path / "broken.csv"
    broken.write_text("source,target\nRowKey,_id\n")
    choosing.value.set_files(broken)
    expect(dialog.get_by_role("alert")).to_contain_text("destination missing")
    expect(dialog.get_by_role("button", name="Take over")).to_be_disabled()
    with page.expect_file_chooser() as choosing:
        dialog.get_by_role("button", name="Choose a file…").click()
    choosing.value.set_files(changed)
    expect(dialog.get_by_role("status")).to_contain_text("3 of 4 mappings fit this source and schema.")
    expect(dialog.get_by_role("listitem")).to_have_text(f"nowhere → {own}.total: no such column")
    dialog.get_by_role("button", name="Take over 3 mappings").click()
    expect(count(page, "3 Mapped")).to_be_visible()
    expect(line(page, f"{own}.name")).to_contain_text("upper(trim(name))")
    page.get_by_role("button", name="Undo").click()
    expect(line(page, f"{own}.name")).to_contain_text("concat(name, name)")


def test_ten_thousand_mappings_are_a_few_rows_of_the_page(page: Page, site: Site, draft: Any) -> None:
    rules = [
        {"id": f"r{number}", "kind": "constant", "source": "x", "destination": f"field_{number}", "onError": "null"}
        for number in range(1_500)
    ]
    opened(page, site, draft(mapping={"rules": rules, "suggested": True}))
    grid = page.get_by_role("grid", name="Mappings")
    expect(grid).to_have_attribute("aria-rowcount", "1501")
    assert grid.get_by_role("row").count() < 60
    grid.get_by_role("gridcell").first.click()
    page.keyboard.press("Control+End")
    expect(line(page, "field_1499")).to_be_visible()
    assert grid.get_by_role("row").count() < 60
    page.get_by_role("searchbox", name="Search source and target").fill("field_777")
    expect(grid.get_by_role("rowheader")).to_have_count(1)


@pytest.mark.pages
def test_the_search_follows_its_address_and_keeps_what_is_being_typed(
    page: Page, site: Site, draft: Any, furnished: Furnished
) -> None:
    opened(page, site, draft(schema="existing", schemaId=furnished.schema))
    search = page.get_by_role("searchbox", name="Search source and target")
    names = page.get_by_role("grid", name="Mappings").get_by_role("rowheader")
    # Letters come both before and after the address has taken what was there.
    search.press_sequentially("level", delay=150)
    expect(page).to_have_url(re.compile("q=level$"))
    expect(search).to_have_value("level")
    expect(names).to_have_count(1)
    page.evaluate("history.pushState(null, '', location.href.replace('q=level', 'q=name'))")
    expect(search).to_have_value("name")
    expect(names).not_to_contain_text(["level"])
    page.go_back()
    expect(search).to_have_value("level")
    expect(names).to_have_count(1)
    page.wait_for_timeout(500)
    expect(page).to_have_url(re.compile("q=level$"))
    page.go_forward()
    expect(search).to_have_value("name")


@pytest.mark.pages
def test_rows_of_the_grid_are_as_tall_as_their_text_needs(page: Page, site: Site, draft: Any) -> None:
    rules = [
        {"id": f"r{number}", "kind": "constant", "source": "x", "destination": f"field_{number}", "onError": "null"}
        for number in range(100)
    ]
    opened(page, site, draft(mapping={"rules": rules, "suggested": True}))
    page.evaluate("document.documentElement.style.fontSize = '200%'")
    rows = page.get_by_role("grid", name="Mappings").get_by_role("row")
    assert rows.evaluate_all("(rows) => rows.filter((row) => row.scrollHeight > row.clientHeight).length") == 0
    rows.nth(1).get_by_role("gridcell").first.click()
    page.keyboard.press("Control+End")
    last = line(page, "field_99")
    expect(last.get_by_role("gridcell").first).to_be_in_viewport(ratio=0.9)
    box, above = last.bounding_box(), line(page, "field_98").bounding_box()
    assert box is not None
    assert above is not None
    assert above["y"] + above["height"] <= box["y"] + 1
