"""What evaluates expressions, for tests that hold of each: the oracle, and what is checked against it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from tests.expressions.columnar import columnar
from tests.expressions.kinds import Shape, plain, shape_of
from tests.expressions.oracle import Oracle
from tests.expressions.values import RowError

ERROR: Final = "<error>"
"""Stands for the value of a row that has an error."""
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Evaluator:
    """A way to evaluate.

    `run` takes an expression, rows (a column lacks a value where a row lacks its name) and the shape of the source, and
    gives one value a row, as `kinds.plain` has them: moments as texts, null fields of objects left out; or `ERROR`.
    It raises BadExpression for what is refused. `lacks`: functions that it has not.
    """

    name: str
    run: Callable[[str, Sequence[Row], Shape], list[Any]]
    lacks: frozenset[str] = frozenset()

    def of_row(self, expression: str, row: Row) -> Any:
        """The value of the only row of a source."""
        return self.run(expression, [row], shape_of([row]))[0]


def _oracle(expression: str, rows: Sequence[Row], shape: Shape) -> list[Any]:
    oracle = Oracle(expression, shape)
    results: list[Any] = []
    for row in rows:
        try:
            results.append(plain(oracle.evaluate(row)))
        except RowError:
            results.append(ERROR)
    return results


_USER_AGENTS: Final = frozenset(
    (
        "ua_os_name",
        "ua_os_version_major",
        "ua_os_version",
        "ua_os_name_version",
        "ua_agent_version",
        "ua_agent_version_major",
        "ua_agent_name",
        "ua_device_class",
    )
)
ORACLE: Final = Evaluator("oracle", _oracle, lacks=_USER_AGENTS)
COLUMNAR: Final = Evaluator("columnar", columnar)
EVALUATORS: Final = (ORACLE, COLUMNAR)
"""Those that every test is run with."""


def same(a: Any, b: Any) -> bool:
    """Whether two values are equal, types included: `1` is neither `1.0` nor true."""
    if type(a) is not type(b):
        return False
    if isinstance(a, list):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(value, b[key]) for key, value in a.items())
    # The sign of a zero is seen in its text.
    return repr(a) == repr(b) if isinstance(a, float) else bool(a == b)
