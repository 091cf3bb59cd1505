"""`flowservice runs rejects` and `runs replay`: rejected rows, for the operator who owns the home."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TextIO

from flowservice.api.rejects import page_json, trial_json
from flowservice.app import App
from flowservice.domain.identity import Caller
from flowservice.domain.quarantine import RejectState, Wanted
from flowservice.errors import BadField, NotFound
from flowservice.operating import scope_of
from flowservice.settings import Settings


def rejects(
    settings: Settings,
    run_id: str,
    *,
    wanted: Mapping[str, Sequence[str]],
    limit: int,
    after: str | None,
    sandbox: str,
    as_json: bool,
    to: TextIO,
) -> None:
    """Print the rows that a run rejected, those of each code and field counted first. Raises NotFound, BadField."""
    app, caller = _opened(settings, sandbox)
    named = Wanted(
        codes=tuple(wanted["codes"]), fields=tuple(wanted["fields"]), states=_states(wanted["states"])
    )  # fmt: skip
    page = page_json(app.rejects.of_run(caller, run_id, named, after=after, limit=limit))
    _print(page, _page_lines(page), as_json=as_json, to=to)


def replay(
    settings: Settings,
    run_id: str,
    *,
    chosen: Mapping[str, Sequence[str]],
    dry_run: bool,
    sandbox: str,
    as_json: bool,
    to: TextIO,
) -> None:
    """Queue a replay, which a server that serves the home makes, or only tell what it would do.

    Raises NotFound, NotReplayable, and what `Rejects.tried` raises.
    """
    app, caller = _opened(settings, sandbox)
    named = Wanted(codes=tuple(chosen["codes"]), fields=tuple(chosen["fields"]), rows=tuple(chosen["rows"]))
    if dry_run:
        trial = trial_json(app.rejects.tried(caller, run_id, named))
        _print(trial, _trial_lines(trial), as_json=as_json, to=to)
        return
    app.queue.prepare()
    made = app.runs.replay(caller, run_id, named)
    told = {"id": made.id, "replays": run_id}
    _print(told, [f"run {made.id} replays the rejected rows of run {run_id}"], as_json=as_json, to=to)


def _opened(settings: Settings, sandbox: str) -> tuple[App, Caller]:
    if not settings.home.is_dir():
        raise NotFound(f"{settings.home} does not exist", advice="Start the service once: flowservice serve.")
    app = App(settings)
    return app, app.identity.itself(scope_of(app, sandbox))


def _states(names: Sequence[str]) -> tuple[RejectState, ...]:
    known = [state.value for state in RejectState]
    if unknown := [name for name in names if name not in known]:
        raise BadField(f"the state {unknown[0][:100]} is unknown", advice=f"It is one of {', '.join(known)}.")
    return tuple(map(RejectState, names))


def _page_lines(page: Mapping[str, Any]) -> Iterator[str]:
    for tally in page["counts"]:
        states = ", ".join(f"{count} {state}" for state, count in tally["states"].items())
        yield f"{tally['count']:>8}  {tally['code']}  {tally['field']}: {tally['message']}  ({states})"
    for row in page["rejects"]:
        yield f"{row['id']}  {row['state']}  {row['code']}  {row['message']}"
        yield f"  {json.dumps(row['row'], ensure_ascii=False)}"
    if not page["counts"]:
        yield "No row was rejected."
    if page["next"] is not None:
        yield f"There are more rows: --after {page['next']}"


def _trial_lines(trial: Mapping[str, Any]) -> Iterator[str]:
    version = trial["mappingVersion"]
    yield f"{trial['wouldPass']} of {trial['count']} rows would pass by version {version} of the mapping set"
    for tally in trial["codes"]:
        yield f"{tally['wouldPass']:>8} of {tally['count']:>8}  {tally['code']}  {tally['field']}"
    if trial["hasMore"]:
        yield "There are more rows; time was up."


def _print(told: Mapping[str, Any], lines: Iterator[str] | Sequence[str], *, as_json: bool, to: TextIO) -> None:
    shown = [json.dumps(told, indent=2, ensure_ascii=False)] if as_json else lines
    to.writelines(f"{line}\n" for line in shown)
