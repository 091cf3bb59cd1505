"""`flowservice flows drift`: how a source's columns changed, for the operator who owns the home."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TextIO

from flowservice.api.drift import shown
from flowservice.app import App
from flowservice.errors import BadField, NotFound
from flowservice.operating import scope_of
from flowservice.settings import Settings


def drift(
    settings: Settings,
    flow_id: str,
    *,
    accept: str | None,
    ignore: str | None,
    sandbox: str,
    as_json: bool,
    to: TextIO,
) -> None:
    """Print the drift of a flow, after deciding about the held changes of the id `accept` or `ignore`, if one is named.

    Raises NotFound, BadField if both are, and what `Drifts.accept` raises.
    """
    if not settings.home.is_dir():
        raise NotFound(f"{settings.home} does not exist", advice="Start the service once: flowservice serve.")
    if accept is not None and ignore is not None:
        raise BadField("--accept and --ignore do not go together", advice="Decide for one of them.")
    app = App(settings)
    caller = app.identity.itself(scope_of(app, sandbox))
    if accept is not None:
        found = app.drifts.accept(caller, flow_id, accept)
    elif ignore is not None:
        found = app.drifts.ignore(caller, flow_id, ignore)
    else:
        found = app.drifts.get(caller, flow_id)
    told = shown(found)
    lines = [json.dumps(told, indent=2, ensure_ascii=False)] if as_json else _lines(told)
    to.writelines(f"{line}\n" for line in lines)


def _lines(told: Mapping[str, Any]) -> Iterator[str]:
    held, met = told["held"], told["lastMet"]
    if held is None:
        yield "No changes are held."
    else:
        yield f"held {held['id']}: {held['runs']} runs since {held['since']} read nothing for"
        yield from _changes(held["changes"])
        if held["reason"]:
            yield f"These could not be added: {held['reason']}."
        yield f"Accept or ignore them: flowservice flows drift {told['flowId']} --accept {held['id']}"
    if met is not None:
        yield f"Run {met['runId']} met, at {met['at']}, and went on:"
        yield from _changes(met["changes"])
    yield f"{len(told['columns'])} columns are known."


def _changes(changes: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    for change in changes:
        was, now = ("/".join(change[name]) or "-" for name in ("was", "now"))
        yield f"  {change['kind']:<14}  {change['column']}  {was} -> {now}"
