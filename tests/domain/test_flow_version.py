"""Versions of a flow: which changes make one, and how they are numbered."""

from dataclasses import replace

from flowservice.domain.flow import FlowState
from flowservice.domain.flow_version import Origin, versioned
from tests.domain.test_monitoring import CALLER, NOON, flow


def test_a_new_flow_is_its_first_version() -> None:
    stored, (version,) = versioned(None, flow("a"), Origin.MADE)
    assert (stored.versions, version.number, version.origin, version.id) == (1, 1, Origin.MADE, "a-1")


def test_a_change_is_the_next_version_and_says_who_saved_it_when() -> None:
    old = replace(flow("a"), versions=4)
    moved = replace(old, options={"x": 1}, stamp=old.stamp.moved(CALLER, at=NOON))
    stored, (version,) = versioned(old, moved, Origin.REVERTED, reverts_to=2)
    assert (stored.versions, version.number, version.reverts_to) == (5, 5, 2)
    assert (version.options, version.stamp.created) == ({"x": 1}, moved.stamp.updated)


def test_of_a_flow_from_before_there_were_versions_what_it_was_is_kept_too() -> None:
    old = flow("a")
    stored, versions = versioned(old, replace(old, name="b"), Origin.CHANGED)
    assert stored.versions == 2
    assert [(one.number, one.origin, one.name) for one in versions] == [
        (1, Origin.BEFORE, "a"),
        (2, Origin.CHANGED, "b"),
    ]


def test_what_tells_a_flow_to_do_nothing_else_is_no_version() -> None:
    old = replace(flow("a"), versions=3)
    new = replace(old, state=FlowState.DISABLED, runs_started=9)
    assert versioned(old, new, Origin.CHANGED) == (new, ())
