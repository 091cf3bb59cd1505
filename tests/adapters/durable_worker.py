"""A worker process for the tests: `python durable_worker.py HOME DATABASE_URL SECONDS_A_STEP`.

Its runs have three steps; each writes a line when it begins. Serves until its standard input closes.
"""

import sys
import time
from pathlib import Path

BORN = time.monotonic()

from flowservice.adapters.dbos import DbosRuns  # noqa: E402 - the imports are part of what is measured
from flowservice.adapters.sql.engine import open_engine  # noqa: E402
from flowservice.adapters.sql.migrate import migrate  # noqa: E402
from flowservice.ports.runtime import Steps  # noqa: E402


def main(home: Path, url: str, step_s: float) -> None:
    engine = open_engine(url)
    migrate(engine)
    runs = DbosRuns(engine=engine)

    def note(line: str) -> None:
        with (home / "log").open("a") as log:
            log.write(f"{time.time():.3f} {line}\n")

    def execute(run_id: str, steps: Steps) -> None:
        for name in ("one", "two", "three"):

            def step(name: str = name) -> dict[str, str]:
                note(f"begin {run_id} {name}")
                time.sleep(step_s)
                note(f"end {run_id} {name}")
                return {"name": name}

            assert steps.run(name, step) == {"name": name}
        note(f"done {run_id}")

    imported = time.monotonic()
    runs.prepare()
    runs.start(execute)
    note(f"ready imports={imported - BORN:.2f} start={time.monotonic() - imported:.2f}")
    sys.stderr.write("ready\n")
    sys.stderr.flush()
    sys.stdin.read()
    runs.stop()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], float(sys.argv[3]))
