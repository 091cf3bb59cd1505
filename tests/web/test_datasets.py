"""Datasets: found, looked into, labelled, read by other engines with what the page tells, deleted or not."""

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import write_deltalake
from playwright.sync_api import Page, expect

from demo.azurite import Azurite
from tests.live import Client, Server
from tests.web.furnished import ROWS, WITHOUT_LEVEL, Furnished, furnish
from tests.web.journeys import Site, focused, sideways, tab_to, unique
from tests.wire import resources
from tests.wire.resources import CATALOG, DATASETS, PROFILE, REGISTRY

LANDED = ROWS - len(WITHOUT_LEVEL)


@pytest.fixture
def new_dataset(client: Client) -> Callable[[str], str]:
    """Makes an empty dataset over the API and returns its id."""

    def made(name: str) -> str:
        schema = client.made(f"{REGISTRY}/tenant/schemas", resources.schema(PROFILE))
        (reference,) = client.made(f"{CATALOG}/dataSets", resources.dataset(schema["$id"], name))
        return str(reference).removeprefix("@/dataSets/")

    return made


@pytest.fixture(scope="module")
def labelled(client: Client, azurite: Azurite) -> Furnished:
    """A dataset of its own, with a label that hides the name."""
    made = furnish(client, azurite, name="Labelled customers")
    tenant = "_" + str(client.get(f"{REGISTRY}/stats").json()["tenantId"])
    body = {"@type": "xdm:descriptorLabel", "xdm:sourceSchema": made.schema, "xdm:sourceVersion": 1}
    client.made(
        f"{REGISTRY}/tenant/descriptors", body | {"xdm:sourceProperty": f"/{tenant}/name", "xdm:labels": ["core/I1"]}
    )
    return made


@pytest.mark.pages
def test_a_dataset_is_found_by_search_and_opened(page: Page, site: Site, client: Client, furnished: Furnished) -> None:
    name = client.get(f"{CATALOG}/dataSets/{furnished.dataset}").json()[furnished.dataset]["name"]
    page.goto(site.at("datasets"))
    page.get_by_role("searchbox", name="Search datasets").fill(name.upper())
    row = page.get_by_role("row").filter(has=page.get_by_role("rowheader", name=name, exact=True))
    expect(row).to_contain_text(f"{LANDED}")
    expect(page.get_by_role("rowheader")).to_have_text([name])
    page.reload()
    expect(page.get_by_role("rowheader")).to_have_text([name])
    row.get_by_role("link", name=name).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(name)
    expect(page).to_have_title(f"Datasets · {name} · prod · Flow Service")


@pytest.mark.pages
def test_a_search_ends_with_its_address(page: Page, site: Site, furnished: Furnished) -> None:
    page.goto(site.at("datasets?q=nothing of the kind"))
    expect(page.get_by_role("heading", name="No dataset fits")).to_be_visible()
    page.get_by_role("link", name="Datasets", exact=True).click()
    expect(page.get_by_role("rowheader", name=furnished.table)).to_be_visible()
    expect(page.get_by_role("searchbox", name="Search datasets")).to_have_value("")


@pytest.mark.pages
def test_nothing_is_deleted_before_it_is_known_what_writes_there(
    page: Page, site: Site, new_dataset: Callable[[str], str]
) -> None:
    name = unique("Who writes")
    dataset = new_dataset(name)
    page.add_init_script(
        "const asked = fetch; window.fetch = (path, ...rest) => String(path).includes('/v1/monitoring')"
        " ? new Promise(() => {}) : asked(path, ...rest)"
    )
    page.goto(site.at(f"datasets/{dataset}"))
    page.get_by_role("button", name="Actions for").click()
    page.get_by_role("menuitem", name="Delete…").click()
    dialog = page.get_by_role("alertdialog")
    expect(dialog.get_by_role("button", name="Delete dataset")).to_be_disabled()
    expect(dialog.get_by_role("textbox")).to_have_count(0)


@pytest.mark.pages
def test_what_is_searched_is_text_and_nothing_else(page: Page, site: Site, new_dataset: Callable[[str], str]) -> None:
    name = unique("a+b, (c) [d")
    new_dataset(name)
    page.goto(site.at("datasets"))
    page.get_by_role("searchbox", name="Search datasets").fill(name[:8])
    expect(page.get_by_role("rowheader")).to_have_text([name])
    page.get_by_role("searchbox", name="Search datasets").fill("nobody.*has this")
    expect(page.get_by_role("heading", name="No dataset fits")).to_be_visible()
    page.get_by_role("button", name="Clear the search").last.click()
    expect(page.get_by_role("rowheader")).not_to_have_count(0)


@pytest.mark.pages
def test_datasets_come_in_pages_and_the_address_says_which(
    page: Page, site: Site, client: Client, new_dataset: Callable[[str], str]
) -> None:
    mark = unique("paged")
    schema = client.made(f"{REGISTRY}/tenant/schemas", resources.schema(PROFILE))["$id"]
    for number in range(52):
        client.made(f"{CATALOG}/dataSets", resources.dataset(schema, f"{mark} {number:02d}"))
    page.goto(site.at(f"datasets?q={mark}&sort=asc:name"))
    expect(page.get_by_text("1\u201350 of more")).to_be_visible()
    page.get_by_role("button", name="Next page").click()
    expect(page.get_by_role("rowheader")).to_have_text([f"{mark} 50", f"{mark} 51"])
    page.reload()
    expect(page.get_by_text("51\u201352")).to_be_visible()
    expect(page.get_by_role("button", name="Next page")).to_be_disabled()
    page.go_back()
    expect(page.get_by_role("rowheader").first).to_have_text(f"{mark} 00")


def test_rows_are_shown_as_they_landed_and_markup_is_text(page: Page, site: Site, furnished: Furnished) -> None:
    page.on("dialog", lambda dialog: pytest.fail(f"a script ran: {dialog.message}"))
    page.goto(site.at(f"datasets/{furnished.dataset}"))
    expect(page.get_by_text(f"Any 100 of {LANDED} rows")).to_be_visible()
    rows = page.get_by_role("region", name="Rows of").get_by_role("row")
    expect(rows).to_have_count(101)
    expect(rows.filter(has_text="<B>ADA</B>")).not_to_have_count(0)
    assert page.locator("main table b").count() == 0


@pytest.mark.pages
def test_a_dataset_without_rows_says_when_there_will_be_some(
    page: Page, site: Site, new_dataset: Callable[[str], str]
) -> None:
    made = new_dataset(unique("Nothing landed"))
    page.goto(site.at(f"datasets/{made}"))
    expect(page.get_by_role("heading", name="No rows yet")).to_be_visible()
    page.get_by_role("tab", name="Snapshots").click()
    expect(page.get_by_role("heading", name="No version yet")).to_be_visible()
    page.get_by_role("tab", name="How to read it").click()
    expect(page.get_by_text("Until then this finds nothing")).to_be_visible()


def test_what_labels_hide_is_said_to_be_hidden(page_with: Callable[..., Page], site: Site, labelled: Furnished) -> None:
    page = page_with("view-sources", "view-data")
    page.goto(site.at(f"datasets/{labelled.dataset}"))
    expect(page.get_by_text("Seeing them needs the permission view-masked-data")).to_contain_text(".name")
    expect(page.get_by_role("region", name="Rows of").get_by_text("Hidden", exact=True)).to_have_count(100)
    expect(page.get_by_text("<B>ADA</B>")).to_have_count(0)
    page.get_by_role("tab", name="Columns").click()
    row = page.get_by_role("row").filter(has_text=re.compile(r"_\w+\.name"))
    expect(row).to_contain_text("hidden from you")
    expect(row).to_contain_text("I1")


@pytest.mark.pages
def test_rows_need_a_permission_that_the_page_names(
    page_with: Callable[..., Page], site: Site, furnished: Furnished
) -> None:
    page = page_with("view-sources")
    page.goto(site.at(f"datasets/{furnished.dataset}"))
    expect(page.get_by_role("heading", name="You may not see rows")).to_be_visible()
    expect(page.get_by_text("view-data")).to_be_visible()
    expect(page.get_by_role("button", name="Edit labels")).to_have_count(0)


@pytest.mark.pages
def test_parts_of_a_dataset_are_reached_by_keys(page: Page, site: Site, furnished: Furnished) -> None:
    page.goto(site.at(f"datasets/{furnished.dataset}"))
    page.get_by_role("region", name="Rows of").wait_for()
    tab_to(page, "Rows")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(page).to_have_url(site.at(f"datasets/{furnished.dataset}?tab=columns"))
    expect(page.get_by_role("tab", name="Columns")).to_have_attribute("aria-selected", "true")
    page.get_by_role("region", name="Columns of").wait_for()
    tab_to(page, "Search columns")
    page.keyboard.type("level")
    expect(page.get_by_role("region", name="Columns of").get_by_role("rowheader")).to_have_text([re.compile("level")])
    expect(page.get_by_text("required", exact=True)).to_be_visible()
    page.go_back()
    expect(page.get_by_role("region", name="Rows of")).to_be_visible()


def test_snapshots_lead_to_the_runs_that_made_them(page: Page, site: Site, furnished: Furnished) -> None:
    page.goto(site.at(f"datasets/{furnished.dataset}?tab=snapshots"))
    row = page.get_by_role("region", name="Snapshots of").get_by_role("row").filter(has_text="Rows written").last
    expect(row).to_contain_text(f"{LANDED}")
    expect(row.get_by_role("link")).to_have_attribute("href", f"/s/prod/runs/{furnished.run}")
    expect(page.get_by_role("row").filter(has_text="Table made")).to_have_count(1)


@pytest.mark.parametrize("engine", ["Polars", "DuckDB in Python"])
def test_what_the_page_tells_an_engine_reads_the_rows(
    engine: str, page: Page, site: Site, furnished: Furnished
) -> None:
    page.goto(site.at(f"datasets/{furnished.dataset}?tab=reading"))
    code = page.get_by_role("region", name=f"Code for {engine}", exact=True).inner_text()
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "00000" in told
    assert furnished.dataset in code


@pytest.mark.pages
def test_a_program_for_duckdb_ends_though_it_reads_a_part_of_many_files(
    page: Page, site: Site, furnished: Furnished, tmp_path: Path
) -> None:
    for _ in range(60):
        write_deltalake(tmp_path / "table", pa.table({"a": list(range(3_000))}), mode="append")
    page.goto(site.at(f"datasets/{furnished.dataset}?tab=reading"))
    code = page.get_by_role("region", name="Code for DuckDB in Python", exact=True).inner_text()
    of_many, count = re.subn(r'"[^"]*/lake/[^"]*"', repr(str(tmp_path / "table")), code)
    assert count == 1
    for _ in range(8):
        subprocess.run([sys.executable, "-c", of_many], capture_output=True, timeout=60, check=True)


@pytest.mark.pages
def test_the_server_s_own_query_is_told_whole(page: Page, site: Site, server: Server, furnished: Furnished) -> None:
    page.goto(site.at(f"datasets/{furnished.dataset}?tab=reading"))
    code = page.get_by_role("region", name="Code for On this server").inner_text()
    query = re.fullmatch(r"flowservice sql --sandbox 'prod' '(.*)'", code.strip())
    assert query is not None
    assert len(server.rows(query[1])) == 10


def test_labels_of_a_dataset_are_put_on_by_keys(
    page: Page, site: Site, client: Client, new_dataset: Callable[[str], str]
) -> None:
    made = new_dataset(unique("To be labelled"))
    page.goto(site.at(f"datasets/{made}"))
    page.get_by_role("heading", name="No rows yet").wait_for()
    tab_to(page, "Edit labels")
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Labels of the dataset")
    dialog.get_by_role("searchbox", name="Search labels").fill("C12")
    dialog.get_by_role("checkbox").first.focus()
    page.keyboard.press("Space")
    expect(dialog.get_by_text("1 label chosen")).to_be_visible()
    tab_to(page, "Save")
    page.keyboard.press("Enter")
    expect(page.get_by_text("The labels are saved.")).to_be_visible()
    assert held(client, made) == ["C12"]


def test_labels_that_somebody_else_changed_are_not_overwritten(
    page: Page, site: Site, client: Client, new_dataset: Callable[[str], str]
) -> None:
    made = new_dataset(unique("Contended"))
    path = f"{DATASETS}/{made}/labels"
    first = client.put(path, json={"labels": ["C2"]}, headers={"If-Match": "*"})
    page.goto(site.at(f"datasets/{made}"))
    page.get_by_role("button", name="Edit labels").click()
    dialog = page.get_by_role("dialog", name="Labels of the dataset")
    expect(dialog.get_by_role("checkbox").first).to_be_checked()
    dialog.get_by_role("searchbox", name="Search labels").fill("C12")
    dialog.get_by_role("checkbox").first.check(force=True)
    assert client.put(path, json={"labels": ["C3"]}, headers={"If-Match": first.headers["etag"]}).is_success
    dialog.get_by_role("button", name="Save").click()
    conflict = dialog.get_by_role("alert")
    expect(conflict).to_contain_text("C3")
    expect(conflict).to_contain_text("C12")
    dialog.get_by_role("button", name="Save mine").click()
    expect(page.get_by_text("The labels are saved.")).to_be_visible()
    assert held(client, made) == ["C12", "C2"]


def held(client: Client, dataset_id: str) -> list[str]:
    (told,) = client.get("/v1/datasets/labels", params={"dataSet": dataset_id}).json()["dataSets"]
    found: list[str] = told["labels"]
    return found


@pytest.mark.pages
def test_name_and_description_change(page: Page, site: Site, client: Client, new_dataset: Callable[[str], str]) -> None:
    name = unique("Old name")
    made = new_dataset(name)
    page.goto(site.at(f"datasets/{made}"))
    page.get_by_role("button", name="Edit", exact=True).click()
    dialog = page.get_by_role("dialog", name="Edit dataset")
    dialog.get_by_role("textbox", name="Name").fill("")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog.get_by_text("Give the dataset a name.")).to_be_visible()
    dialog.get_by_role("textbox", name="Name").fill(f"{name} no more")
    dialog.get_by_role("textbox", name="Description").fill("What it holds.")
    dialog.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(f"{name} no more")
    expect(page.get_by_text("What it holds.")).to_be_visible()
    told: Any = client.get(f"{CATALOG}/dataSets/{made}").json()[made]
    assert (told["name"], told["description"]) == (f"{name} no more", "What it holds.")


def test_deleting_a_dataset_takes_its_name_and_is_refused_while_a_dataflow_writes(
    page: Page, site: Site, client: Client, furnished: Furnished, new_dataset: Callable[[str], str]
) -> None:
    page.goto(site.at(f"datasets/{furnished.dataset}"))
    page.get_by_role("button", name="Actions for").click()
    page.get_by_role("menuitem", name="Delete…").click()
    dialog = page.get_by_role("alertdialog")
    expect(dialog).to_contain_text("1 dataflow writes into it. Delete it first.")
    expect(dialog).to_contain_text("Loyalty customers")
    expect(dialog.get_by_role("button", name="Delete dataset")).to_be_disabled()
    name = unique("Gone")
    made = new_dataset(name)
    page.goto(site.at(f"datasets/{made}"))
    page.get_by_role("button", name="Actions for").click()
    page.get_by_role("menuitem", name="Delete…").click()
    expect(dialog).to_contain_text("Its 0 rows in the lake")
    expect(dialog.get_by_role("button", name="Delete dataset")).to_be_disabled()
    dialog.get_by_role("textbox", name=f"Type {name} to confirm").fill(name)
    dialog.get_by_role("button", name="Delete dataset").click()
    expect(page).to_have_url(site.at("datasets"))
    assert client.get(f"{CATALOG}/dataSets/{made}").status_code == 404
    page.goto(site.at(f"datasets/{made}"))
    expect(page.get_by_role("heading", name="This dataset is not here")).to_be_visible()


@pytest.mark.pages
def test_names_are_text_whatever_is_in_them(
    open_page: Callable[..., Page], site: Site, new_dataset: Callable[[str], str]
) -> None:
    made = new_dataset("<img src=x onerror=alert(1)>\u202e" + "W" * 200)
    page = open_page(width=400)
    page.on("dialog", lambda dialog: pytest.fail(f"a script ran: {dialog.message}"))
    for path in ("datasets", f"datasets/{made}", f"datasets/{made}?tab=reading"):
        page.goto(site.at(path))
        expect(page.locator(".hidden-character").first).to_be_visible()
        assert sideways(page) == 0
        assert page.locator("main img").count() == 0


@pytest.mark.pages
def test_the_heading_takes_the_focus_when_a_dataset_is_opened(page: Page, site: Site, furnished: Furnished) -> None:
    page.goto(site.at("datasets"))
    page.get_by_role("rowheader").first.wait_for()
    page.get_by_role("row").nth(1).focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_be_focused()
    assert focused(page)
