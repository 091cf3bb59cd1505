"""Builds the native decoder and installs it beside the service.

    python native/building.py [STAMP]    what `make setup` does; touches the file STAMP if it was built
    python native/building.py --pin      write crates.txt anew, after a change of Cargo.toml

The service runs without it, only slower. So a machine without a Rust toolchain, or without its crates, is no error,
unless FLOWSERVICE_REQUIRE_NATIVE=1 says so. `crates.txt` pins every crate to a version and checksum; Cargo's own lock
file, which it is compared with, is made anew on each machine.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from importlib.util import find_spec
from pathlib import Path
from typing import Final, TypeAlias

HERE: Final = Path(__file__).resolve().parent
PINS: Final = HERE / "crates.txt"
LOCK: Final = HERE / "Cargo.lock"
# Each repair brings one crate to its version; a graph of this many wrong ones is another graph.
_MOST_REPAIRS: Final = 200
_PIP: Final = (sys.executable, "-m", "pip", "--disable-pip-version-check")
Crate: TypeAlias = tuple[str, str, str]
"""Name, version, checksum."""


class NotBuilt(Exception):
    """Why there is no native decoder."""


def main() -> int:
    """Build and install; the exit code."""
    try:
        if "--pin" in sys.argv[1:]:
            _cargo("generate-lockfile")
            PINS.write_text("".join(f"{' '.join(crate)}\n" for crate in locked()), encoding="utf-8")
        else:
            build()
            for stamp in sys.argv[1:]:
                Path(stamp).touch()
    except NotBuilt as reason:
        if os.environ.get("FLOWSERVICE_REQUIRE_NATIVE", "").lower() in {"1", "true"}:
            print(f"setup: the native decoder is required and could not be built: {reason}", file=sys.stderr)
            return 1
        has_one = find_spec("flowservice_native") is not None
        other = "the native decoder as it was built before" if has_one else "the portable decoder"
        print(f"setup: the native decoder was not built; going on with {other}: {reason}", file=sys.stderr)
    return 0


def build() -> None:
    """Raises NotBuilt."""
    if shutil.which("cargo") is None:
        raise NotBuilt("there is no Rust toolchain (`cargo`) on this machine")
    print("setup: the native decoder (about a minute)")
    lock()
    with tempfile.TemporaryDirectory() as folder:
        _run([sys.executable, "-m", "maturin", "build", "--release", "--locked", "--quiet", "--out", folder])
        wheels = [str(path) for path in Path(folder).glob("*.whl")]
        _run([*_PIP, "install", "--quiet", "--no-deps", "--no-index", "--force-reinstall", *wheels])


def lock() -> None:
    """Make a lock file of exactly the pinned crates. Raises NotBuilt."""
    wanted = pinned()
    if LOCK.exists() and locked() == wanted:
        return
    LOCK.unlink(missing_ok=True)
    _generate()
    versions: dict[str, list[str]] = {}
    for name, version, _ in wanted:
        versions.setdefault(name, []).append(version)
    for _ in range(_MOST_REPAIRS):
        # Crates of crates may have been released since: each is brought back to its pin.
        newer = [(name, version) for name, version, _ in locked() if version not in versions.get(name, [version])]
        if not newer:
            break
        name, version = newer[0]
        pin = next((pin for pin in versions[name] if _line(pin) == _line(version)), versions[name][0])
        _cargo("update", "--package", f"{name}@{version}", "--precise", pin)
    if locked() != wanted:
        wrong = sorted(set(locked()) ^ set(wanted))
        raise NotBuilt(f"crates differ from native/crates.txt: {', '.join(sorted({name for name, _, _ in wrong}))}")


def _generate() -> None:
    try:
        _cargo("generate-lockfile")
    except NotBuilt:
        _cargo("generate-lockfile", "--offline")  # the crates may be here already


def pinned() -> list[Crate]:
    """What `crates.txt` says."""
    lines = PINS.read_text(encoding="utf-8").splitlines()
    return sorted((name, version, checksum) for name, version, checksum in (line.split() for line in lines))


def locked() -> list[Crate]:
    """What Cargo chose."""
    packages = tomllib.loads(LOCK.read_text(encoding="utf-8"))["package"]
    return sorted((one["name"], one["version"], one["checksum"]) for one in packages if "checksum" in one)


def _line(version: str) -> str:
    """Within which versions are interchangeable: 1.x, or 0.1.x."""
    major, minor, _ = version.split(".", 2)
    return major if major != "0" else f"0.{minor}"


def _cargo(*arguments: str) -> None:
    _run(["cargo", *arguments, "--quiet"])


def _run(command: list[str]) -> None:
    done = subprocess.run(command, cwd=HERE, capture_output=True, text=True, check=False)
    if done.returncode:
        lines = [line for line in (done.stderr or done.stdout).splitlines() if line.strip()]
        shown = next((line for line in lines if line.lstrip().startswith("error")), lines[-1] if lines else "")
        raise NotBuilt(f"`{Path(command[0]).name} {command[1]}` failed: {shown.strip()[:300]}")


if __name__ == "__main__":
    sys.exit(main())
