"""Two evaluators over the same random expressions and rows."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from flowservice.errors import BadExpression
from tests.expressions.evaluators import Evaluator, same
from tests.expressions.generating import SHAPE, Row, case


@dataclass(frozen=True, slots=True)
class Disagreement:
    """One row in which two evaluators differ; where one of them refuses the expression, no row."""

    seed: int
    expression: str
    row: Row | None
    left: Any
    right: Any

    def __str__(self) -> str:
        """As a line of a report, cut where rows are long."""
        return f"seed {self.seed}: {self.expression}\n  {str(self.row)[:1000]}\n  {self.left!r}\n  {self.right!r}"


def disagreements(left: Evaluator, right: Evaluator, seeds: Iterable[int], rows: int) -> Iterator[Disagreement]:
    """The first disagreement of each seed's expression that two evaluators have."""
    for seed in seeds:
        one = case(seed, rows)
        results = [_results(evaluator, one.expression, one.rows) for evaluator in (left, right)]
        if isinstance(results[0], str) or isinstance(results[1], str):
            if results[0] != results[1]:
                yield Disagreement(seed, one.expression, None, *results)
            continue
        for row, a, b in zip(one.rows, *results, strict=True):
            if not same(a, b):
                yield Disagreement(seed, one.expression, row, a, b)
                break


def _results(evaluator: Evaluator, expression: str, rows: tuple[Row, ...]) -> list[Any] | str:
    try:
        return evaluator.run(expression, rows, SHAPE)
    except BadExpression:
        return "refused"
