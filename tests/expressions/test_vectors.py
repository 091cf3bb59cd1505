"""The published examples of Data Prep's functions, and those of our own descriptions."""

import json
import re
from importlib.resources import files
from typing import Any, Final

import pytest

from flowservice.domain.expressions.parsing import parse
from flowservice.domain.expressions.signatures import SIGNATURES, Signature
from flowservice.errors import BadExpression
from tests.expressions.evaluators import ERROR, EVALUATORS, Evaluator, same

_VECTORS: Final[list[dict[str, Any]]] = json.loads(
    files("tests.expressions").joinpath("vectors.json").read_text("utf-8")
)
"""`status`: exact, as published; decided, where the published one is ambiguous or contradicts itself, with `result` and
`why`; random, of which only the shape is checked; not public."""
_UUID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
_MOMENT: Final = re.compile(r"2[0-9]{3}-[01][0-9]-[0-3][0-9]T[0-9:.]{8,15}(?:Z|\+0[12]:00)")


def _with(status: str) -> pytest.MarkDecorator:
    """Vectors of a status, with each evaluator that has their function."""
    found = [vector for vector in _VECTORS if vector["status"] == status]
    assert found
    pairs = [(e, vector) for e in EVALUATORS for vector in found if vector["function"] not in e.lacks]
    ids = [f"{evaluator.name}-{vector['expression'][:60]}" for evaluator, vector in pairs]
    return pytest.mark.parametrize(("evaluator", "vector"), pairs, ids=ids)


def _value(evaluator: Evaluator, vector: dict[str, Any]) -> Any:
    return evaluator.of_row(vector["expression"], vector["row"])


@_with("exact")
def test_a_published_example_gives_the_published_result(evaluator: Evaluator, vector: dict[str, Any]) -> None:
    assert same(_value(evaluator, vector), vector["published"])


@_with("decided")
def test_an_example_that_contradicts_itself_gives_what_was_decided(
    evaluator: Evaluator, vector: dict[str, Any]
) -> None:
    expected = ERROR if vector["result"] == "error" else vector["result"]
    assert vector["why"]
    assert same(_value(evaluator, vector), expected)


@_with("random")
def test_a_random_example_gives_something_of_the_shape(evaluator: Evaluator, vector: dict[str, Any]) -> None:
    value = _value(evaluator, vector)
    if isinstance(vector["published"], int):
        assert type(value) is int
        assert value > 1_700_000_000_000
    else:
        assert (_MOMENT if _MOMENT.fullmatch(vector["published"]) else _UUID).fullmatch(value)


@_with("not public")
def test_a_function_whose_rule_is_not_public_is_refused(evaluator: Evaluator, vector: dict[str, Any]) -> None:
    with pytest.raises(BadExpression):
        _value(evaluator, vector)


def test_every_function_has_a_published_example() -> None:
    assert {vector["function"] for vector in _VECTORS} | {"get"} == {s.name for s in SIGNATURES.values()}
    for vector in _VECTORS:
        parse(vector["expression"])


_DESCRIBED: Final = [
    (evaluator, signature)
    for evaluator in EVALUATORS
    for name, signature in SIGNATURES.items()
    if name == signature.name and name not in {"now", "timestamp", "uuid", "fpid_to_ecid", *evaluator.lacks}
]


@pytest.mark.parametrize(("evaluator", "signature"), _DESCRIBED, ids=[f"{e.name}-{s.name}" for e, s in _DESCRIBED])
def test_an_example_of_a_description_gives_its_result(evaluator: Evaluator, signature: Signature) -> None:
    assert same(evaluator.of_row(signature.example, {"address": {"city": "Rome"}}), signature.result)
