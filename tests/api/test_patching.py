"""JSON Patch as clients write it."""

from typing import Any

import pytest

from flowservice.api.calls import expect
from flowservice.errors import EmptyBody, PatchFailed, PatchUnsupported, SpecIsFixed
from flowservice.service.patch import patched

EDITABLE = frozenset({"name", "auth"})
DOCUMENT: dict[str, Any] = {"name": "old", "auth": {"params": {"a": 1}}}


@pytest.mark.parametrize("word", ["replace", "Replace", "ADD", "add"])
def test_letter_case_does_not_matter(word: str) -> None:
    assert patched(DOCUMENT, [{"op": word, "path": "/name", "value": "new"}], editable=EDITABLE)["name"] == "new"


def test_one_operation_may_stand_alone_and_remove_may_carry_a_value() -> None:
    assert (
        "a"
        not in patched(DOCUMENT, {"op": "remove", "path": "/auth/params/a", "value": None}, editable=EDITABLE)["auth"][
            "params"
        ]
    )


@pytest.mark.parametrize(
    ("operations", "error"),
    [
        ([], EmptyBody),
        ([{}], PatchFailed),
        (["x"], PatchFailed),
        ("x", PatchFailed),
        (None, PatchFailed),
        ([{"op": 1, "path": "/name"}], PatchFailed),
        ([{"op": "replace", "path": "/name"}], PatchFailed),
        ([{"op": "move", "from": "/name", "path": "/auth"}], PatchUnsupported),
        ([{"op": "test", "path": "/name", "value": "old"}], PatchUnsupported),
        ([{"op": "replace", "path": "/id", "value": "x"}], PatchFailed),
        ([{"op": "replace", "path": "name", "value": "x"}], PatchFailed),
        ([{"op": "replace", "path": "", "value": {}}], PatchFailed),
        ([{"op": "replace", "path": "/auth/missing", "value": 1}], PatchFailed),
        ([{"op": "remove", "path": "/auth/params/~2", "value": 1}], PatchFailed),
        ([{"op": "add", "path": "/connectionSpec", "value": {}}], SpecIsFixed),
    ],
)
def test_what_does_not_apply_is_refused_and_changes_nothing(operations: object, error: type[Exception]) -> None:
    before = repr(DOCUMENT)
    with pytest.raises(error):
        patched(DOCUMENT, operations, editable=EDITABLE)
    assert repr(DOCUMENT) == before


def test_all_operations_apply_or_none() -> None:
    steps = [{"op": "replace", "path": "/name", "value": "new"}, {"op": "remove", "path": "/auth/nothing"}]
    with pytest.raises(PatchFailed):
        patched(DOCUMENT, steps, editable=EDITABLE)
    assert DOCUMENT["name"] == "old"


@pytest.mark.parametrize(
    ("if_match", "matches"),
    [(['"a-1"'], True), (["a-1"], True), (["*"], True), (['"b"', ' "a-1"'], True), (['"b"'], False), ([""], False)],
)
def test_if_match_with_and_without_quotes(if_match: list[str], matches: bool) -> None:
    assert expect('"a-1"', if_match) is matches
