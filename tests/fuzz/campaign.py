"""Calls that Schemathesis makes up from the API's own document, and what of their answers is not as documented."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import schemathesis
from schemathesis import Case, HookContext
from schemathesis.config import SchemathesisConfig
from schemathesis.core.result import Ok
from schemathesis.engine import events, from_schema
from schemathesis.engine.recorder import ScenarioRecorder
from schemathesis.schemas import BaseSchema

SEED: Final = 20_260_301
_LINKED: Final = 150
"""Calls of a turn in chains that follow links."""
_EXAMPLES: Final = 4
"""Calls of each operation in a turn, besides."""
CHECKS: Final = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
)
"""What an answer must be. The others of Schemathesis guess what a service should accept; here other tests know it."""


@dataclass(kw_only=True)
class Outcome:
    """What was called, and what was wrong with the answers."""

    calls: Counter[str] = field(default_factory=Counter)
    """Calls by operation, such as `GET /health`."""
    statuses: Counter[int] = field(default_factory=Counter)
    followed: int = 0
    """Calls that a link led to, from the answer to a call before."""
    problems: dict[str, str] = field(default_factory=dict)
    """The first of each kind, by operation and what is wrong."""

    def add(self, recorder: ScenarioRecorder) -> None:
        """Count a scenario in."""
        for case_id, interaction in recorder.interactions.items():
            node = recorder.cases[case_id]
            self.calls[node.value.operation.label] += 1
            self.followed += node.transition is not None
            if interaction.response is None:
                self.problems.setdefault(f"{node.value.operation.label}: no answer", interaction.request.uri)
            else:
                self.statuses[interaction.response.status_code] += 1
        for case_id, checks in recorder.checks.items():
            for check in checks:
                if check.failure_info is not None:
                    failure = check.failure_info.failure
                    label = recorder.cases[case_id].value.operation.label
                    found = f"{failure.message}\n{check.failure_info.code_sample}"
                    self.problems.setdefault(f"{label}: {failure.title}", found[:3_000])

    @property
    def total(self) -> int:
        """Calls in all."""
        return self.calls.total()


@dataclass(frozen=True, kw_only=True)
class Campaign:
    """Calls against a running server, from one seed, one after the other."""

    document: Mapping[str, Any]
    url: str
    headers: Mapping[str, str]
    aim: Callable[[Case[Any]], None]
    """Sees each call before it is sent, and may change it."""

    def run(self, calls: int, *, thorough: bool = False) -> Outcome:
        """At least `calls` calls: each example of the document, with `thorough` each bound of each value, then in turns
        chains that follow links and a few calls of every operation, from another seed each time."""
        outcome = Outcome()

        def before_call(_context: HookContext, case: Case[Any], _kwargs: dict[str, Any]) -> None:
            self.aim(case)

        # Schemathesis has such hooks for all schemas of the process alone.
        schemathesis.hook(before_call)
        try:
            self._play(outcome, until=calls, seed=SEED, phases=("examples", *(("coverage",) if thorough else ())))
            turn = 0
            while outcome.total < calls:
                turn += 1
                self._play(outcome, until=min(calls, outcome.total + _LINKED), seed=SEED + turn, phases=("stateful",))
                self._play(outcome, until=calls, seed=SEED + turn, phases=("fuzzing",))
        finally:
            schemathesis.hooks.unregister(before_call)
        return outcome

    def _play(self, outcome: Outcome, *, until: int, seed: int, phases: Sequence[str]) -> None:
        if outcome.total >= until:
            return
        stream = from_schema(self._schema(*phases, seed=seed)).execute()
        for event in stream:
            _take(event, outcome)
            if outcome.total >= until:
                stream.stop()

    def operations(self) -> set[str]:
        """All that could be called."""
        return {found.ok().label for found in self._schema().get_all_operations() if isinstance(found, Ok)}

    def _schema(self, *phases: str, seed: int = SEED) -> BaseSchema:
        config = SchemathesisConfig.from_dict(
            {
                "seed": seed,
                "base-url": self.url,
                "headers": dict(self.headers),
                "workers": 1,
                "continue-on-failure": True,
                "request-timeout": 60,
                "checks": {"enabled": False, **{name: {"enabled": True} for name in CHECKS}},
                "generation": {"database": "none", "no-shrink": True, "with-security-parameters": False},
                "phases": {
                    "examples": {"enabled": "examples" in phases, "fill-missing": True},
                    # Methods that a path does not have are no operations of the document.
                    "coverage": {"enabled": "coverage" in phases, "unexpected-methods": []},
                    # What is drawn shall depend on the seed alone, not on answers: ids are other ones each time.
                    "fuzzing": {
                        "enabled": "fuzzing" in phases,
                        "generation": {"max-examples": _EXAMPLES},
                        "extra-data-sources": {"responses": False},
                        "error-feedback": {"enabled": False},
                    },
                    "stateful": {"enabled": "stateful" in phases, "generation": {"max-examples": 1_000_000}},
                },
            }
        )
        return schemathesis.openapi.from_dict(dict(self.document), config=config)


def _take(event: events.EngineEvent, outcome: Outcome) -> None:
    match event:
        case events.ScenarioFinished() | events.FuzzScenarioFinished():
            outcome.add(event.recorder)
        case events.NonFatalError():
            outcome.problems.setdefault(f"{event.label}: {event.info.title}", event.info.message)
        case events.FatalError():
            raise event.exception
        case _:
            pass
