"""Coverage-guided fuzzing of the native decoder, with libFuzzer and AddressSanitizer.

    python -m native.fuzz [SECONDS] [CORPUS]

Begins with the pages of `native/fuzz/seeds` and keeps what it finds in CORPUS (a folder, a temporary one by default).
Exit code 1 for a crash; the bytes that caused it are then in the folder. Needs Rust and a C++ compiler; the first build
takes three minutes.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from native.building import HERE, lock

_FLAGS: Final = (
    *("-Cpasses=sancov-module", "-Cllvm-args=-sanitizer-coverage-level=4"),
    *("-Cllvm-args=-sanitizer-coverage-inline-8bit-counters", "-Cllvm-args=-sanitizer-coverage-pc-table"),
    *("-Cllvm-args=-sanitizer-coverage-trace-compares", "--cfg", "fuzzing", "-Zsanitizer=address"),
    *("-Ccodegen-units=1", "-Clto=off", "-Cdebug-assertions=on"),
)
SEEDS: Final = HERE / "fuzz" / "seeds"


def main() -> int:
    """Build and run; the exit code."""
    seconds = sys.argv[1] if sys.argv[1:] else "3600"
    lock()
    version = subprocess.run(["rustc", "-vV"], capture_output=True, text=True, check=True).stdout
    host = next(line.removeprefix("host: ") for line in version.splitlines() if line.startswith("host: "))
    # The sanitizer's switch is one that only nightly compilers offer, or those that are told to behave as such.
    environment = {**os.environ, "RUSTC_BOOTSTRAP": "1", "RUSTFLAGS": " ".join(_FLAGS)}
    command = ["cargo", "build", "--locked", "--release", "--features", "fuzz", "--bin", "fuzz_pages", "--target", host]
    subprocess.run(command, cwd=HERE, env=environment, check=True)
    with tempfile.TemporaryDirectory() as temporary:
        corpus = Path(sys.argv[2] if sys.argv[2:] else temporary)
        corpus.mkdir(parents=True, exist_ok=True)
        options = [f"-max_total_time={seconds}", "-max_len=16384", "-rss_limit_mb=4096", "-timeout=10"]
        options += ["-print_final_stats=1", f"-artifact_prefix={corpus}/"]
        binary = HERE / "target" / host / "release" / "fuzz_pages"
        return subprocess.run([str(binary), *options, str(corpus), str(SEEDS)], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
