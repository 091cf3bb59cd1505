"""Setting up the native decoder: only the pinned crates, and what is said where there is no Rust."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

NATIVE = Path(__file__).resolve().parents[2] / "native"


def built(**environment: str) -> subprocess.CompletedProcess[str]:
    """`python native/building.py` on a machine without Rust."""
    return subprocess.run(
        [sys.executable, str(NATIVE / "building.py")],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PATH": "/nonexistent", **environment},
    )


def test_without_rust_setup_goes_on_and_says_so() -> None:
    done = built(FLOWSERVICE_REQUIRE_NATIVE="0")
    assert done.returncode == 0
    assert "the native decoder was not built; going on with" in done.stderr
    assert "no Rust toolchain" in done.stderr


def test_where_it_is_required_its_absence_is_an_error() -> None:
    done = built(FLOWSERVICE_REQUIRE_NATIVE="1")
    assert done.returncode == 1
    assert "is required" in done.stderr


def test_every_crate_is_pinned_with_version_and_checksum() -> None:
    pins = dict(line.rsplit(" ", 1) for line in (NATIVE / "crates.txt").read_text().splitlines())
    assert all(re.fullmatch("[0-9a-f]{64}", checksum) for checksum in pins.values())
    dependencies = tomllib.loads((NATIVE / "Cargo.toml").read_text())["dependencies"]
    for name, wanted in dependencies.items():
        assert wanted["version"].startswith("=")
        assert f"{name} {wanted['version'][1:]}" in pins


def test_the_generated_lock_file_is_not_committed() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "native"], cwd=NATIVE.parent, capture_output=True, text=True, check=True
    )
    assert "native/Cargo.toml" in listed.stdout
    assert "Cargo.lock" not in listed.stdout


def test_a_service_that_requires_it_does_not_start_without(tmp_path: Path) -> None:
    (tmp_path / "flowservice_native.py").write_text("raise ImportError('not here')")
    path = os.pathsep.join([str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])])
    done = subprocess.run(
        [sys.executable, "-c", "from flowservice.cli import main; main()", "serve", "--home", str(tmp_path / "home")],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**os.environ, "PYTHONPATH": path, "FLOWSERVICE_REQUIRE_NATIVE": "1"},
    )
    assert done.returncode != 0
    assert "the native decoder is required" in done.stderr
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize(("path", "expected"), [("native", "native"), ("portable", "portable")])
def test_the_doctor_says_which_decoder_is_in_use(tmp_path: Path, path: str, expected: str) -> None:
    if path == "portable":
        (tmp_path / "flowservice_native.py").write_text("raise ImportError('not here')")
    elif subprocess.run(
        [sys.executable, "-c", "import flowservice_native"], check=False, capture_output=True
    ).returncode:
        pytest.skip("the native decoder is not installed")
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "from flowservice.cli import main; main()",
            "doctor",
            "--home",
            str(tmp_path),
            "--port=0",
        ],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(tmp_path), "FLOWSERVICE_REQUIRE_NATIVE": "0"},
    )
    assert re.search(rf"decoder\W+{expected}", done.stdout + done.stderr)
