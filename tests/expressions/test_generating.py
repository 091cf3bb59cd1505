"""Random expressions: the same for a seed, of every function and operator, and strict enough to find faults."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC
from itertools import islice
from typing import Any, Final, TypeAlias

import pytest

from flowservice.domain.expressions.parsing import parse
from flowservice.domain.expressions.signatures import SIGNATURES, signature_of
from flowservice.domain.expressions.syntax import Binary, Call, Each, Node, Operator, Unary, below
from tests.expressions import dates, functions, oracle, texts, values
from tests.expressions.comparing import disagreements
from tests.expressions.evaluators import ERROR, EVALUATORS, ORACLE, Evaluator
from tests.expressions.generating import ROOTS, SHAPE, case
from tests.expressions.kinds import Shape
from tests.expressions.values import Map

_SAMPLE: Final = range(2 * len(ROOTS))
LONG: Final = 4_000
"""Expressions of `make fuzz`."""


def test_a_seed_always_gives_the_same_expression_and_rows() -> None:
    assert [case(seed, 3) for seed in range(20)] == [case(seed, 3) for seed in range(20)]
    assert len({case(seed, 1).expression for seed in _SAMPLE}) > 0.9 * len(_SAMPLE)


def _nodes(node: Node) -> Iterator[Node]:
    yield node
    for child in below(node):
        yield from _nodes(child)


def test_every_function_and_operator_is_used() -> None:
    nodes = [node for seed in _SAMPLE for node in _nodes(parse(case(seed, 0).expression))]
    called = {signature_of(node.name).name for node in nodes if isinstance(node, Call)}
    without = {"fpid_to_ecid", *ORACLE.lacks}
    assert {signature.name for signature in SIGNATURES.values()} - called == without
    assert {node.operator for node in nodes if isinstance(node, Unary | Binary)} == set(Operator)
    assert {type(node) for node in nodes} == set(Node.__args__)
    assert sum(isinstance(node, Each) for node in nodes) > 5


def test_expressions_are_not_refused_and_most_rows_have_no_error() -> None:
    outcomes: Counter[str] = Counter()
    for seed in _SAMPLE:
        one = case(seed, 5)
        for value in ORACLE.run(one.expression, one.rows, SHAPE):
            outcomes["null" if value is None else "error" if value == ERROR else "value"] += 1
    total = outcomes.total()
    assert outcomes["value"] > 0.5 * total
    assert 0.03 * total < outcomes["error"] < 0.3 * total


Install: TypeAlias = Callable[[pytest.MonkeyPatch], None]
_SET: Final = functions.FUNCTIONS["set_date_part"].run


def _function(name: str, run: Callable[..., Any]) -> Install:
    """A fault in one function."""
    faulty = {**functions.FUNCTIONS, name: replace(functions.FUNCTIONS[name], run=run)}
    return lambda patch: patch.setattr(oracle, "FUNCTIONS", faulty)


def _part(name: str, run: Callable[..., Any]) -> Install:
    """A fault in what several functions or operators share."""
    return lambda patch: patch.setattr(oracle, name, run)


@pytest.mark.parametrize(
    ("within", "fault"),
    [
        ("left(", _function("left", lambda text, n: text.encode()[: max(n, 0)].decode(errors="ignore"))),
        ("substr(", _function("substr", lambda text, start, end: text[max(start, 0) : max(end, 0)])),
        (" trim(", _function("trim", lambda text: text.strip(" \t\n"))),
        ("split(", _function("split", lambda text, by: text.split(by[0]) if by else [text])),
        ("concat(", _function("concat", lambda *given: None if None in given else "".join(given))),
        ("instr(", _function("instr", lambda text, *more: texts.instr(text, *more[:2]))),
        ("set_date_part(", _function("set_date_part", lambda *given: _SET(*given).replace(microsecond=0))),
        ("date_part(", _function("date_part", lambda part, at: dates.date_part(part, at.astimezone(UTC)))),
        ("add_to_map(", _function("add_to_map", lambda *maps: Map({k: v for one in maps for k, v in one.items()}))),
        ("is_empty(", _function("is_empty", lambda value: not value)),
        ("matches_regex(", _function("matches_regex", lambda text, of: bool(texts.regex(of).search(text)))),
        ("get_url_path(", _function("get_url_path", lambda url, *_: texts.path(url))),
        ("min(", _part("best", lambda given, kind, sign: min(given, key=str))),
        (" + ", _part("number_in", lambda text: None if text.startswith(".") else values.number_in(text))),
        (" && ", _part("truth", bool)),
        (" == ", _part("equal", lambda a, b: a is not None and values.equal(a, b))),
        (" / ", _part("_calculated", lambda sign, a, b: a // b if sign is Operator.DIVIDE and b else a * b)),
        (" * ", _part("checked", lambda result: result)),
        (" < ", _part("compared", lambda a, b: values.compared(str(values.text(a)), str(values.text(b))))),
    ],
)
def test_a_fault_is_found_among_what_is_run_in_long(within: str, fault: Install, expressions: Sequence[str]) -> None:
    def run(expression: str, rows: Sequence[Mapping[str, Any]], shape: Shape) -> list[Any]:
        with pytest.MonkeyPatch.context() as patch:
            fault(patch)
            return ORACLE.run(expression, rows, shape)

    seeds = [seed for seed, expression in enumerate(expressions) if within in f" {expression}"]
    assert next(disagreements(ORACLE, Evaluator("faulty", run), seeds, rows=50), None) is not None


@pytest.fixture(scope="module")
def expressions() -> Sequence[str]:
    """Those of the first seeds."""
    return [case(seed, 0).expression for seed in range(LONG)]


@pytest.mark.parametrize("evaluator", EVALUATORS[1:], ids=lambda evaluator: evaluator.name)
def test_evaluators_agree_with_the_oracle(evaluator: Evaluator) -> None:
    found = list(islice(disagreements(ORACLE, evaluator, range(len(ROOTS)), rows=20), 5))
    assert not found, "\n".join(map(str, found))


@pytest.mark.fuzz
@pytest.mark.parametrize("evaluator", EVALUATORS[1:], ids=lambda evaluator: evaluator.name)
def test_evaluators_agree_with_the_oracle_in_long(evaluator: Evaluator) -> None:
    found = list(islice(disagreements(ORACLE, evaluator, range(LONG), rows=50), 5))
    assert not found, "\n".join(map(str, found))
