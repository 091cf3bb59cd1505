"""Each rule of `docs/expressions.md`, by each evaluator."""

from typing import Any

import pytest

from flowservice.domain.expressions.signatures import SIGNATURES
from flowservice.errors import BadExpression
from tests.expressions.evaluators import Evaluator, same
from tests.expressions.rules import REFUSED, RULES

_CASES = [
    pytest.param(expression, row, expected, id=f"{about}-{expression}"[:90])
    for about, rules in RULES.items()
    for expression, row, expected in rules
]


@pytest.mark.parametrize(("expression", "row", "expected"), _CASES)
def test_a_rule_holds(evaluator: Evaluator, expression: str, row: dict[str, Any], expected: Any) -> None:
    if expected == REFUSED:
        with pytest.raises(BadExpression):
            evaluator.of_row(expression, row)
    else:
        value = evaluator.of_row(expression, row)
        assert same(value, expected), f"{expression} of {row} gives {value!r}, not {expected!r}"


def test_every_function_has_a_rule() -> None:
    said = " ".join(expression for rules in RULES.values() for expression, _, _ in rules)
    lacking = {signature.name for name, signature in SIGNATURES.items() if f"{name}(" in said}
    others = {"fpid_to_ecid", *(name for name in SIGNATURES if name.startswith("ua_"))}
    assert {signature.name for signature in SIGNATURES.values()} - lacking - others <= {
        "sha256",
        "sha512",
        "aa_get_product_categories",
        "aa_get_product_quantities",
    }
