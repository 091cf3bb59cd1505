"""`flowservice flows dry-run`: a flow tried on its first rows, as the operator who owns the home."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, TextIO

from flowservice.api.dry_runs import shown
from flowservice.app import App
from flowservice.errors import NotFound
from flowservice.operating import scope_of
from flowservice.settings import Settings


def run(settings: Settings, flow_id: str, *, rows: int, sandbox: str, as_json: bool, to: TextIO) -> None:
    """Print a dry run. Raises NotFound, and what `DryRuns.take` raises."""
    if not settings.home.is_dir():
        raise NotFound(f"{settings.home} does not exist", advice="Start the service once: flowservice serve.")
    app = App(settings)
    caller = app.identity.itself(scope_of(app, sandbox))
    done = shown(app.dry_runs.take(caller, flow_id, rows=rows))
    lines = [json.dumps(done, indent=2, ensure_ascii=False)] if as_json else _lines(done)
    to.writelines(f"{line}\n" for line in lines)


def _lines(done: Mapping[str, Any]) -> Iterator[str]:
    """For people: how many, what would change, what went wrong, and rows before and after."""
    yield f"table {done['tableName']}, {done['writeMode']}{_window(done['window'])}"
    for name, count in done["counts"].items():
        yield f"{name:<12}{count:>8}"
    if done["hasMore"]:
        yield f"There may be more rows; the end was set by {done['cutBy']}."
    if not done["isTolerable"]:
        most = done["maxRejectedRecords"]
        number = "" if most is None else f", or than {most} rows,"
        yield f"More rows are rejected than the {done['toleratedPercent']:g} %{number} that let a run publish any."
    changes = done["schemaChanges"]
    if changes["clash"] is not None:
        yield f"A run would fail: {changes['clash']['message']}. {changes['clash']['advice']}"
    if changes["makesTable"]:
        yield f"The table would be made, with {len(changes['columns'])} columns."
    else:
        yield from (f"new column   {column['path']}  {column['type']}" for column in changes["columns"])
    drift = done["schemaDrift"]
    for change in drift["changes"]:
        was, now = ("/".join(change[name]) or "-" for name in ("was", "now"))
        yield f"{change['kind']:<12} {change['column']}  {was} -> {now}"
    if drift["isHeld"]:
        yield "A run would read nothing until these changes are accepted or ignored."
    yield from (f"not seen     {name}" for name in done["absentColumns"])
    for word in ("rejections", "warnings", "skipped"):
        for tally in done[word]:
            yield f"{word:<12}{tally['count']:>8}  {tally['code']}  {tally['field']}: {tally['message']}"
    for row in done["rows"]:
        yield f"- {json.dumps(row['before'], ensure_ascii=False)}"
        yield f"+ {json.dumps(row['after'], ensure_ascii=False)}"


def _window(window: Mapping[str, Any] | None) -> str:
    if window is None:
        return ""
    start, end = (window[end] or "…" for end in ("start", "end"))
    return f", {window['deltaColumn']['name']} from {start} to {end}"
