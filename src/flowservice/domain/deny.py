"""What a policy denies: an expression over the labels that data carries.

expr := {"label": NAME} | {"operator": "AND" | "OR", "operands": [expr, ...]}
"""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, TypeAlias

from flowservice.domain.label import bare
from flowservice.errors import BadField

MAX_DEPTH: Final = 32
"""Levels, a label alone being one."""
MAX_NODES: Final = 500
MAX_LABEL: Final = 255
_ADVICE: Final = 'Send {"label": NAME}, or {"operator": "AND" or "OR", "operands": [...]} with expressions in it.'


class Operator(StrEnum):
    """How operands go together. There is no negation."""

    AND = "AND"
    OR = "OR"


@dataclass(frozen=True, slots=True)
class Labelled:
    """Is true where the data carries the label. One that nobody has made is never carried."""

    label: str


@dataclass(frozen=True, slots=True)
class Combined:
    """Is true where all operands are (AND), or one of them is (OR). There is at least one."""

    operator: Operator
    operands: "tuple[Expression, ...]"


Expression: TypeAlias = Labelled | Combined


def holds(expression: Expression, labels: AbstractSet[str]) -> bool:
    """Whether it is true for data that carries these labels, and no others."""
    if isinstance(expression, Labelled):
        return expression.label in labels
    met = (holds(operand, labels) for operand in expression.operands)
    return all(met) if expression.operator is Operator.AND else any(met)


def mentioned(expression: Expression) -> frozenset[str]:
    """The labels that it speaks of."""
    if isinstance(expression, Labelled):
        return frozenset({expression.label})
    return frozenset().union(*map(mentioned, expression.operands))


def expression_in(document: object) -> Expression:
    """The expression that a `deny` writes. Raises BadField, which names the place in it."""
    return _Reader().read(document, "deny", depth=1)


def expression_document(expression: Expression) -> dict[str, Any]:
    """The expression as it is written."""
    if isinstance(expression, Labelled):
        return {"label": expression.label}
    return {
        "operator": expression.operator.value,
        "operands": [expression_document(operand) for operand in expression.operands],
    }


@dataclass(slots=True)
class _Reader:
    nodes: int = 0

    def read(self, node: object, at: str, *, depth: int) -> Expression:
        self.nodes += 1
        if depth > MAX_DEPTH or self.nodes > MAX_NODES:
            raise BadField(
                f"deny: an expression has at most {MAX_DEPTH} levels and {MAX_NODES} labels and operators",
                advice="Say it in several policies.",
            )
        if not isinstance(node, Mapping):
            raise BadField(f"{at}: it is no object", advice=_ADVICE)
        if ("label" in node) is ("operator" in node or "operands" in node):
            raise BadField(f"{at}: it has either a label, or an operator with operands", advice=_ADVICE)
        return self._labelled(node, at) if "label" in node else self._combined(node, at, depth)

    def _labelled(self, node: Mapping[str, Any], at: str) -> Labelled:
        label = node["label"]
        if not isinstance(label, str) or not 1 <= len(label) <= MAX_LABEL:
            raise BadField(f"{at}/label: a label is a text of 1 to {MAX_LABEL} characters", advice=_ADVICE)
        return Labelled(bare(label))

    def _combined(self, node: Mapping[str, Any], at: str, depth: int) -> Combined:
        operator, operands = node.get("operator"), node.get("operands")
        if not isinstance(operator, str) or operator not in set(Operator):
            raise BadField(f"{at}/operator: it is AND or OR", advice=_ADVICE)
        if not isinstance(operands, list) or not operands:
            raise BadField(f"{at}/operands: at least one expression is needed", advice=_ADVICE)
        read = (self.read(one, f"{at}/operands/{place}", depth=depth + 1) for place, one in enumerate(operands))
        return Combined(Operator(operator), tuple(read))
