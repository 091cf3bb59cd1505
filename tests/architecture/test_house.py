"""Rules of the house that no tool checks."""

import subprocess
from pathlib import Path

import pytest

from docs.generate import PAGES

ROOT = Path(__file__).resolve().parents[2]
NAMELESS = {"util", "utils", "helper", "helpers", "common", "manager", "base", "misc"}


def tracked() -> list[str]:
    """Every file that git tracks."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True)
    return listed.stdout.splitlines()


def test_no_module_is_named_after_nothing() -> None:
    named = [path for path in tracked() if path.endswith((".py", ".ts", ".tsx"))]
    assert not [path for path in named if NAMELESS & set(Path(path).with_suffix("").parts)]


def test_no_lock_file_names_an_address() -> None:
    for path in ("package-lock.json", "web/package-lock.json", "requirements/runtime.txt", "requirements/dev.txt"):
        text = (ROOT / path).read_text()
        assert '"resolved"' not in text
        assert "index-url" not in text
        assert "--find-links" not in text


def test_every_pinned_package_has_hashes() -> None:
    for path in ("requirements/runtime.txt", "requirements/dev.txt"):
        blocks = (ROOT / path).read_text().split("\n")
        pins = [number for number, line in enumerate(blocks) if "==" in line and not line.startswith(" ")]
        assert pins
        assert all("--hash=sha256:" in blocks[number + 1] for number in pins)


@pytest.mark.parametrize("name", sorted(PAGES))
def test_generated_pages_are_up_to_date(name: str) -> None:
    assert (ROOT / "docs" / name).read_text(encoding="utf-8") == PAGES[name](), "type: make docs"


def test_the_docs_name_only_pages_that_exist() -> None:
    pages = [ROOT / "README.md", ROOT / "ARCHITECTURE.md", *(ROOT / "docs").glob("*.md")]
    for page in pages:
        for part in page.read_text(encoding="utf-8").split("](")[1:]:
            target = part.split(")")[0].split("#")[0]
            if target and "://" not in target:
                assert (page.parent / target).exists(), f"{page.name} links to {target}"
