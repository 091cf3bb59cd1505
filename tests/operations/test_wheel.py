"""The wheel in an environment of its own, on a machine without Node."""

import json
import os
import subprocess
import sys
import time
import venv
import zipfile
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = (sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w", folder, ROOT)
    subprocess.run(build, check=True, cwd=folder)
    (built,) = folder.glob("*.whl")
    return built


def test_the_wheel_holds_all_that_the_package_reads(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if not name.split("/")[0].endswith(".dist-info")}
    listed = subprocess.run(
        ["git", "ls-files", "src/flowservice"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    built = {name for name in packed if name.startswith("flowservice/web/")}
    assert packed - built == {path.removeprefix("src/") for path in listed.splitlines()}
    assert built == {
        str(path.relative_to(ROOT / "src")) for path in (ROOT / "src/flowservice/web").rglob("*") if path.is_file()
    }
    data = {name.rsplit("/", 1)[-1] for name in packed if not name.endswith(".py")}
    assert {"welcome.html", "documented_specs.json", "examples.json", "py.typed"} <= data


@pytest.mark.slow
def test_it_serves_from_an_empty_environment_without_node(
    wheel: Path, tmp_path: Path, figure: Callable[[str], None]
) -> None:
    started = time.monotonic()
    # Nothing of this environment, of the repository or of the machine's programs may help.
    bare = {"PATH": str(tmp_path / "venv/bin"), "HOME": str(tmp_path)}
    venv.create(tmp_path / "venv")
    into = ("--python", tmp_path / "venv", "install", "--quiet", "--disable-pip-version-check", "--no-compile")
    install = (sys.executable, "-m", "pip", *into)
    requirements = ROOT / "requirements/runtime.txt"
    subprocess.run([*install, "--require-hashes", "-r", requirements], check=True, cwd=tmp_path, env=_index(os.environ))
    subprocess.run([*install, "--no-deps", wheel], check=True, cwd=tmp_path, env=_index(os.environ))
    installed = time.monotonic()
    command = str(tmp_path / "venv/bin/flowservice")
    with (
        (tmp_path / "log").open("w") as log,
        subprocess.Popen(
            [command, "serve", "--port", "0"], stdout=subprocess.PIPE, stderr=log, text=True, cwd=tmp_path, env=bare
        ) as server,
    ):
        assert server.stdout is not None
        line = server.stdout.readline()
        assert "ready at" in line, (tmp_path / "log").read_text()
        url = line.rsplit(" ", 1)[-1].strip().rstrip("/")
        assert "Flow Service" in httpx.get(f"{url}/").text
        shown = subprocess.run(
            [command, "credentials", "show", "--json"], check=True, capture_output=True, cwd=tmp_path, env=bare
        )
        found = json.loads(shown.stdout)
        form = {"grant_type": "client_credentials", "client_id": found["clientId"], "scope": found["scopes"]}
        answer = httpx.post(f"{url}/ims/token/v3", data=form | {"client_secret": found["clientSecret"]})
        headers = {
            "Authorization": f"Bearer {answer.json()['access_token']}",
            "x-api-key": found["clientId"],
            "x-gw-ims-org-id": found["orgId"],
            "x-sandbox-name": "prod",
        }
        specs = httpx.get(f"{url}/data/foundation/flowservice/connectionSpecs", headers=headers)
        assert specs.status_code == 200
        # The connectors came as entry points of the installed wheel.
        told = {spec["name"]: spec["attributes"]["isSupported"] for spec in specs.json()["items"]}
        assert told["azure-table-storage"] is told["sample-data"] is True
        server.terminate()
        assert server.wait(timeout=30) == 0
    figure(
        f"wheel: installed in {installed - started:.0f} s, served and stopped in {time.monotonic() - installed:.1f} s"
    )


def _index(environment: "os._Environ[str]") -> dict[str, str]:
    """The environment of pip: which index to ask, and nothing of this interpreter."""
    return {name: value for name, value in environment.items() if not name.startswith("PYTHON")}
