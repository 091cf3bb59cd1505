"""`make demo`: an Azure table lands in the lake, through the API, while you watch."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from demo.azurite import ROOT, Azurite, Missing
from demo.comparison import Verdict, compared, customer, landed
from demo.tables import ROWS, TABLES, TableAccount, seed, stored
from demo.tutorial import CUSTOMERS, Refused, Tutorial

HOME: Final = ROOT / ".demo"
DATASET: Final = "shop customers"
COMMAND: Final = Path(sys.executable).with_name("flowservice")

_console = Console(highlight=False)


def main() -> int:
    """Run it; 0 only if what landed equals the source."""
    shutil.rmtree(HOME, ignore_errors=True)
    once = bool(os.environ.get("ONCE")) or not sys.stdin.isatty() or not sys.stdout.isatty()
    try:
        with Azurite() as azurite:
            _seed(azurite)
            with _serving() as url:
                verdict = _tell(azurite, url)
                if not once:
                    _console.print("\nThe service stays up. Ctrl-C ends it.")
                    _wait()
    except (Missing, Refused, RuntimeError) as error:
        _console.print(f"[red]The demo stopped:[/] {error}", soft_wrap=True)
        return 1
    return 0 if verdict.is_equal else 1


def _seed(azurite: Azurite) -> None:
    _console.print(f"[bold]Azure Table Storage[/] (Azurite) on {azurite.endpoint}")
    columns = (
        TextColumn("  {task.description:<12}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=_console) as progress:
        for name, rows in TABLES.items():
            bar = progress.add_task(name, total=ROWS)
            seed(
                TableAccount(endpoint=azurite.endpoint),
                name,
                rows(ROWS),
                progress=partial(_advance, progress, bar),
            )


def _advance(progress: Progress, bar: TaskID, written: int) -> None:
    progress.update(bar, completed=written)


@contextmanager
def _serving() -> Iterator[str]:
    HOME.mkdir()
    with (HOME / "server.log").open("w") as log:
        server = subprocess.Popen(
            [COMMAND, "serve", "--home", HOME, "--port", os.environ.get("PORT", "0")],
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
        try:
            assert server.stdout is not None
            line = server.stdout.readline()
            if "ready at" not in line:
                raise RuntimeError(f"the service did not start; see {HOME.name}/server.log")
            url = line.rsplit(" ", 1)[-1].strip().rstrip("/")
            _console.print(f"[bold]Flow Service[/] on {url}")
            yield url
        finally:
            server.terminate()
            server.wait(timeout=30)


def _tell(azurite: Azurite, url: str) -> Verdict:
    from flowservice.app import read_credentials  # noqa: PLC0415 - only now are there any

    credentials = read_credentials(HOME / "credentials.json")
    tutorial = Tutorial(
        url=url,
        credentials=credentials,
        said=lambda call, text: _console.print(f"  [dim]{call:<38}[/] {text}", soft_wrap=True),
    )
    _console.print("[bold]The tutorial[/], call by call")
    with closing(tutorial):
        dataset_id, run, tenant, took_s = _landed(tutorial, azurite)
    metrics = run["metrics"]
    for error in metrics["statusSummary"]["errors"]:
        _console.print(f"  [red]{error['code']}[/] {error['message']} {error.get('advice', '')}")
    for warning in metrics["recordSummary"]["warningInfo"]:
        _console.print(f"  [yellow]{warning['count']} values became null[/]: {warning['message']}", soft_wrap=True)
    verdict = _verdict(azurite, dataset_id, tenant)
    _summary(verdict, took_s, url, dataset_id, credentials)
    return verdict


def _landed(tutorial: Tutorial, azurite: Azurite) -> tuple[str, Any, str, float]:
    """Dataset, ended run, the tenant's namespace, and the seconds from flow to end of run."""
    dataset_id, flow_id, tenant = tutorial.land(azurite.connection_string, "customers", CUSTOMERS, name=DATASET)
    started = time.monotonic()
    with Progress(TextColumn("  run of the flow: {task.description}"), TimeElapsedColumn(), console=_console) as live:
        task = live.add_task("due")
        run = tutorial.ended_run(flow_id, seen=lambda state: live.update(task, description=state))
    return dataset_id, run, tenant, time.monotonic() - started


def _verdict(azurite: Azurite, dataset_id: str, tenant: str) -> Verdict:
    expected = (customer(entity, tenant) for entity in stored(TableAccount(endpoint=azurite.endpoint), "customers"))
    query = [str(COMMAND), "sql", "--home", str(HOME), "--format", "ndjson", f'SELECT * FROM "{dataset_id}"']
    return compared(expected, landed(query), "_id")


def _summary(verdict: Verdict, took_s: float, url: str, dataset_id: str, credentials: Mapping[str, str]) -> None:
    home = HOME.relative_to(Path.cwd()) if HOME.is_relative_to(Path.cwd()) else HOME
    colour = "green" if verdict.is_equal else "red"
    _console.print(f"\n[bold {colour}]{verdict.equal:,} of {verdict.source:,} rows are equal[/] to the source", end="")
    _console.print(f" ({verdict.landed:,} landed, {took_s:.1f} s from flow to end of run)")
    if verdict.first_difference:
        _console.print(f"  the first difference: {verdict.first_difference}", soft_wrap=True)
    table = next(HOME.glob(f"lake/*/{dataset_id}"), None)
    if table is not None:
        _console.print(f"  The rows are a Delta table in {home / table.relative_to(HOME)}", soft_wrap=True)
    sql = f'SELECT person.name.lastName, count(*) AS n FROM \\"{DATASET}\\" GROUP BY 1 ORDER BY n DESC LIMIT 5'
    command = ".venv/bin/flowservice"
    _console.print("\nTry a query:", f'  {command} sql --home {home} "{sql}"', sep="\n", soft_wrap=True, markup=False)
    _console.print(
        "\nTry a call, while the service is up:",
        f"  curl -s '{url}/data/foundation/flowservice/runs'"
        f' -H "Authorization: Bearer $({command} token --home {home})"'
        f" -H 'x-api-key: {credentials['clientId']}' -H 'x-gw-ims-org-id: {credentials['orgId']}'"
        f" -H 'x-sandbox-name: prod'",
        sep="\n",
        soft_wrap=True,
        markup=False,
    )
    _console.print(
        "\nOpen the pages, by a link that signs in once:",
        f"  {command} sign-in --home {home} --url {url}",
        sep="\n",
        soft_wrap=True,
        markup=False,
    )
    _console.print(f"\nThe API and its documentation: {url}/v1/docs")


def _wait() -> None:
    try:
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        _console.print("\nStopped.")


if __name__ == "__main__":
    sys.exit(main())
