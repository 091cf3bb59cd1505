"""Search rows are stored: what changes them has to be noticed, so that they are made anew."""

import hashlib
import json
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from flowservice.adapters.sql.lines import lines
from flowservice.api.flowservice import connections, end_connections, flows, runs
from flowservice.api.search_forms import FORMS
from flowservice.domain.connection import Connection, Signin, SourceConnection, TargetConnection
from flowservice.domain.flow import Endpoint, Flow, LastRun, Transformation
from flowservice.domain.identity import Scope
from flowservice.domain.resource import Mark, Resource, SpecRef, Stamp
from flowservice.domain.run import Counts, Run, RunError, RunState, Tally
from flowservice.domain.schedule import Frequency, Schedule
from flowservice.domain.search import leaves

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
STAMP = Stamp(
    scope=Scope(org_id="A@AdobeOrg", sandbox_id="sandbox", sandbox_name="prod"),
    created=Mark(at=NOON, by="maker", client="first"),
    updated=Mark(at=NOON + timedelta(minutes=1), by="changer", client="second"),
)
SPEC, TALLY = SpecRef(id="spec"), Tally(code="C", field="f", message="m", count=3)

WHOLE: dict[str, Resource] = {
    "connections": Connection(
        id="c", stamp=STAMP, name="n", description="d", spec=SPEC, auth=Signin(spec_name="key", params={"host": "h"})
    ),
    "source_connections": SourceConnection(
        id="s",
        stamp=STAMP,
        name="n",
        spec=SPEC,
        base_connection_id="c",
        base_spec=SPEC,
        data={"format": "tabular"},
        params={"tableName": "t", "columns": [{"name": "a"}, {"name": "b"}]},
    ),
    "target_connections": TargetConnection(id="t", stamp=STAMP, name="n", spec=SPEC, params={"dataSetId": "d"}),
    "flows": Flow(
        id="f",
        stamp=STAMP,
        name="n",
        flow_spec=SPEC,
        source=Endpoint(id="s", spec=SPEC, base_connection_id="c", base_spec=SPEC),
        target=Endpoint(id="t", spec=SPEC),
        schedule=Schedule(frequency=Frequency.ONCE, start_at=NOON),
        schedule_sent={"startTime": "1717000000", "frequency": "once"},
        transformations=(Transformation(name="Mapping", params={"mappingId": "m", "mappingVersion": 0}),),
        options={"partialIngestionPercent": 5},
        last_run=LastRun(id="r", state="partialSuccess", started_at=NOON, completed_at=NOON),
    ),
    "runs": Run(
        id="r",
        stamp=STAMP,
        flow_id="f",
        flow_spec=SPEC,
        source_connection_id="s",
        target_connection_id="t",
        dataset_id="d",
        number=1,
        batch_id="b",
        state=RunState.PARTIAL_SUCCESS,
        params={"startTime": 1},
        started_at=NOON,
        read_completed_at=NOON,
        completed_at=NOON,
        counts=Counts(read=9, written=6, rejected=3, input_bytes=1, output_bytes=2, output_files=1),
        warnings=(TALLY,),
        rejections=(TALLY,),
        errors=(RunError(code="c", message="m", advice="a"),),
    ),
}

STORED = {
    "connections": (2, "162f4b137057"),
    "source_connections": (2, "5f2e4295e248"),
    "target_connections": (2, "f69dfba0d20d"),
    "flows": (2, "d85b1d10b3e7"),
    "runs": (3, "229c97f7ef93"),
}
"""Number and fingerprint of the search row that `WHOLE` gets. Where a fingerprint changes after a release, the form's
number has to go up, or rows that are stored already are not found by what is new."""


def form(kind: str) -> Any:
    """The form of a kind of resource."""
    return getattr(FORMS, kind)


@pytest.mark.parametrize("kind", sorted(WHOLE))
def test_a_form_that_makes_other_rows_has_another_number(kind: str) -> None:
    shown = form(kind).shown(WHOLE[kind])
    row = [*lines(form(kind), shown), sorted(form(kind).columns), sorted(form(kind).words)]
    fingerprint = hashlib.sha256(json.dumps(row).encode()).hexdigest()[:12]
    assert (form(kind).number, fingerprint) == STORED[kind]


@pytest.mark.parametrize(
    ("kind", "router"),
    [
        ("connections", connections),
        ("source_connections", end_connections),
        ("target_connections", end_connections),
        ("flows", flows),
        ("runs", runs),
    ],
)
def test_every_member_that_is_shown_can_be_filtered_by(kind: str, router: Any) -> None:
    assert set(form(kind).shown(WHOLE[kind])) <= router.FIELDS.names


@pytest.mark.parametrize("kind", sorted(WHOLE))
def test_a_column_holds_one_value(kind: str) -> None:
    shown = list(leaves(form(kind).shown(WHOLE[kind])))
    for path, column in form(kind).columns.items():
        values = [value for at, value in shown if at == path]
        assert len(values) == 1, path
        assert isinstance(values[0], int) is column.is_number, path
    assert {name for name in form(kind).codes if form(kind).codes.count(name) > 1} == set()


@pytest.mark.parametrize("kind", sorted(WHOLE))
def test_what_is_not_stored_is_what_another_shows(kind: str) -> None:
    shown = form(kind).shown(WHOLE[kind])
    assert {path: shown[path] for path in form(kind).placed} == {
        path: place(STAMP.scope) for path, place in form(kind).placed.items()
    }
    assert {path: shown[path] for path in form(kind).aliases} == {
        path: shown[other] for path, other in form(kind).aliases.items()
    }


@pytest.mark.parametrize("state", list(RunState))
def test_both_paths_of_a_run_to_its_state_show_the_same(state: RunState) -> None:
    run = WHOLE["runs"]
    assert isinstance(run, Run)
    shown = FORMS.runs.shown(replace(run, state=state))
    assert shown["state"] == shown["metrics"]["statusSummary"]["status"] == state.value


def test_every_kind_has_a_sample() -> None:
    assert {one.name for one in fields(FORMS)} == set(WHOLE)
