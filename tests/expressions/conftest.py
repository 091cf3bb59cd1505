"""Tests of expressions are run with each evaluator."""

import pytest

from tests.expressions.evaluators import EVALUATORS, Evaluator


@pytest.fixture(params=EVALUATORS, ids=lambda evaluator: evaluator.name)
def evaluator(request: pytest.FixtureRequest) -> Evaluator:
    """One way to evaluate."""
    assert isinstance(request.param, Evaluator)
    return request.param
