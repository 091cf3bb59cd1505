"""Checking a connection in steps, each with what was found, and what came of the last check of each connection."""

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from functools import partial

from flowservice.domain.connection import Connection
from flowservice.domain.connection_check import CheckedStep, ConnectionCheck, LastCheck, StepStatus
from flowservice.domain.identity import Caller, Permission
from flowservice.domain.resource import SpecRef
from flowservice.errors import Error, MissingField
from flowservice.ports.database import Database
from flowservice.ports.runtime import Clock
from flowservice.sdk import CheckStep, Connector, Finding, Source, Stepped
from flowservice.service.check_steps import CHECKED, PARSED, steps_of
from flowservice.service.connections import signs_in
from flowservice.service.content import AuthContent
from flowservice.service.sources import OpenSources
from flowservice.service.specs import Specs


@dataclass(frozen=True, slots=True)
class ConnectionChecks:
    """Checks that tell what works and what does not. That a check fails is its result, not an error."""

    database: Database
    specs: Specs
    sources: OpenSources
    now: Clock

    def attempt(self, caller: Caller, spec: SpecRef, auth: AuthContent | None) -> ConnectionCheck:
        """A check of what no connection has yet; nothing of it is kept. Raises UnknownSpec, NoConnector, Forbidden."""
        caller.may(Permission.MANAGE_SOURCES)
        caller.may(Permission.MANAGE_SECRETS)
        connector = self.specs.connector(caller.scope, spec.id)

        def opened() -> Source:
            if auth is None:
                raise MissingField("auth is missing", advice="Send auth.specName and auth.params as the spec says.")
            return self.sources.open_with(connector, auth.spec_name, auth.params)

        return _taken(connector, opened)

    def check(self, caller: Caller, connection_id: str) -> ConnectionCheck:
        """A check of a connection, a draft too; what came of it is kept. Raises NotFound, NoConnector."""
        caller.may(Permission.VIEW_SOURCES)
        connection = self.database.connections.get(caller.scope, connection_id)
        connector = self.specs.connector(caller.scope, connection.spec.id)
        done = _taken(connector, lambda: self._opened(connection))
        last = LastCheck(connection_id=connection_id, checked_at=self.now(), failed=done.failed, warnings=done.warnings)
        self.database.connection_checks.keep(caller.scope, last)
        return done

    def latest(self, caller: Caller) -> Sequence[LastCheck]:
        """The last check of each connection of the sandbox that was ever checked."""
        caller.may(Permission.VIEW_SOURCES)
        return self.database.connection_checks.all(caller.scope)

    def _opened(self, connection: Connection) -> Source:
        signs_in(connection)
        return self.sources.open(connection)


def _taken(connector: Connector, opening: Callable[[], Source]) -> ConnectionCheck:
    """Every step, in order; those after a failed one are skipped. The source is closed at the end."""
    done: list[CheckedStep] = []
    opened: list[Source] = []
    with ExitStack() as stack:

        def opens() -> Finding:
            opened.append(stack.enter_context(closing(opening())))
            return Finding(message="The settings are complete and well-formed.")

        for step in steps_of(connector):
            if any(earlier.status is StepStatus.FAILED for earlier in done):
                done.append(CheckedStep(name=step.name, title=step.title, status=StepStatus.SKIPPED))
            else:
                done.append(_timed(step, opens if step is PARSED else partial(_found, opened, step)))
    return ConnectionCheck(done)


def _found(opened: Sequence[Source], step: CheckStep) -> Finding:
    (source,) = opened
    if step is not CHECKED and isinstance(source, Stepped):
        return source.check_step(step.name)
    source.check()
    return Finding(message="The source accepts the connection.")


def _timed(step: CheckStep, take: Callable[[], Finding]) -> CheckedStep:
    started = time.monotonic()
    told = CheckedStep(name=step.name, title=step.title, status=StepStatus.PASSED)
    try:
        finding = take()
        status = StepStatus.SKIPPED if finding.skipped else StepStatus.PASSED
        told = replace(told, status=status, message=finding.message, warnings=finding.warnings)
    except Error as error:
        told = replace(told, status=StepStatus.FAILED, message=error.message, advice=error.advice, code=error.code)
    return replace(told, ms=round((time.monotonic() - started) * 1000))
