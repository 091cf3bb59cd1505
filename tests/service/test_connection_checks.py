"""Checks of connections to sources that have no steps of their own, or fail in ways that no account does."""

from dataclasses import dataclass, field

import pytest
from pydantic import BaseModel, Field

from flowservice.adapters.sealing.box import EnvelopeBox
from flowservice.adapters.sql.database import SqlDatabase
from flowservice.domain.connection_check import ConnectionCheck, StepStatus
from flowservice.domain.identity import Caller
from flowservice.domain.resource import SpecRef
from flowservice.errors import Unreachable
from flowservice.sdk import Auth, Connector, Egress
from flowservice.service.connection_checks import ConnectionChecks
from flowservice.service.content import AuthContent
from flowservice.service.sources import OpenSources
from flowservice.service.specs import Specs
from tests.sdk.test_source_contract import Countdown
from tests.service.conftest import NOON


class Config(BaseModel):
    start: int = Field(gt=0)


@dataclass
class Opened:
    """Countdowns, and how each ended."""

    error: Exception | None = None
    closed: int = 0
    sources: list[Countdown] = field(default_factory=list)

    def open(self, _auth: str, config: BaseModel, _egress: Egress) -> Countdown:
        assert isinstance(config, Config)
        opened = self

        class Watched(Countdown):
            def check(self) -> None:
                if opened.error is not None:
                    raise opened.error

            def close(self) -> None:
                opened.closed += 1

        self.sources.append(Watched(config.start))
        return self.sources[-1]


def checked(database: SqlDatabase, caller: Caller, opened: Opened, start: int) -> ConnectionCheck:
    auths = (Auth(name="start", config=Config),)
    connector = Connector(id="countdown", name="countdown", auths=auths, params=Config, open=opened.open)
    specs = Specs((connector,), database)
    sources = OpenSources(specs, EnvelopeBox(lambda: [b"k" * 32]), Egress())
    checks = ConnectionChecks(database, specs, sources, lambda: NOON)
    return checks.attempt(caller, SpecRef(id="countdown"), AuthContent(spec_name="start", params={"start": start}))


def statuses(check: ConnectionCheck) -> list[tuple[str, StepStatus]]:
    return [(step.name, step.status) for step in check.steps]


def test_a_source_without_steps_of_its_own_has_two(database: SqlDatabase, caller: Caller) -> None:
    opened = Opened()
    check = checked(database, caller, opened, 3)
    assert statuses(check) == [("parse-input", StepStatus.PASSED), ("check", StepStatus.PASSED)]
    assert (check.failed, opened.closed) == (None, 1)


def test_what_it_cannot_read_is_not_opened(database: SqlDatabase, caller: Caller) -> None:
    opened = Opened()
    check = checked(database, caller, opened, 0)
    assert statuses(check) == [("parse-input", StepStatus.FAILED), ("check", StepStatus.SKIPPED)]
    assert opened.sources == []


def test_a_source_is_closed_after_a_check_that_failed(database: SqlDatabase, caller: Caller) -> None:
    opened = Opened(error=Unreachable("gone", advice="Look for it."))
    failed = checked(database, caller, opened, 3).failed
    assert failed is not None
    told = (failed.name, failed.message, failed.advice, failed.code)
    assert told == ("check", "gone", "Look for it.", Unreachable.code)
    assert opened.closed == 1


def test_a_defect_of_a_source_is_no_result_of_a_check(database: SqlDatabase, caller: Caller) -> None:
    opened = Opened(error=ZeroDivisionError())
    with pytest.raises(ZeroDivisionError):
        checked(database, caller, opened, 3)
    assert opened.closed == 1
