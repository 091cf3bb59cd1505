"""What a campaign came to: a line for each fault, with the cases by their mode, how many passed, and the slowest."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

_HEAD = f"{'fault':<34}{'cases':>7}{'modes':>7}{'passed':>8}{'failed':>8}{'skipped':>9}{'slowest':>10}"


def lines(reports: Iterable[tuple[str, Any]]) -> Iterator[str]:
    """The table, of outcomes and reports of tests; nothing if none of them was a case of a fault."""
    found: dict[str, list[tuple[str, Any, str]]] = defaultdict(list)
    for outcome, report in reports:
        known = dict(getattr(report, "user_properties", ()))
        if "fault" in known and (report.when == "call" or outcome in {"error", "skipped"}):
            found[str(known["fault"])].append((outcome, report, str(known["mode"])))
    if not found:
        return
    yield _HEAD
    for fault, cases in sorted(found.items()):
        yield _line(fault, cases)
    everything = [case for cases in found.values() for case in cases]
    yield _line("all", everything)
    yield ""
    yield f"{'mode':<34}{'cases':>7}{'':>7}{'passed':>8}{'failed':>8}{'skipped':>9}{'slowest':>10}"
    for mode in sorted({mode for *_, mode in everything}):
        yield _line(mode, [case for case in everything if case[2] == mode], modes="")


def _line(name: str, cases: list[tuple[str, Any, str]], *, modes: str | None = None) -> str:
    outcomes = [outcome for outcome, *_ in cases]
    passed, skipped = outcomes.count("passed"), outcomes.count("skipped")
    slowest = max(report.duration for _, report, _ in cases)
    many = str(len({mode for *_, mode in cases})) if modes is None else modes
    failed = len(cases) - passed - skipped
    return f"{name:<34}{len(cases):>7}{many:>7}{passed:>8}{failed:>8}{skipped:>9}{slowest:>8.1f} s"
