"""The operators of expressions, for people: `syntax.Operator` has those that the tree knows."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Described:
    """An operator: its sign, a name, how many operands it takes, what it does, and an example."""

    symbol: str
    name: str
    operands: int
    description: str
    example: str


OPERATORS: Final = (
    Described("+", "add", 2, "The sum of numbers; of texts, both joined.", "price + 1"),
    Described("-", "subtract", 2, "The difference of numbers.", "price - 1"),
    Described("*", "multiply", 2, "The product of numbers.", "price * 2"),
    Described("/", "divide", 2, "The quotient; of whole numbers without its fraction.", "total / 100"),
    Described("%", "mod", 2, "What a division of whole numbers leaves over.", "total % 100"),
    Described("-", "negate", 1, "The number with the other sign.", "-balance"),
    Described("~", "complement", 1, "The complement of a whole number.", "~flags"),
    Described("!", "not", 1, "True if the condition is not; also written `not`.", "!active"),
    Described("&&", "and", 2, "True if both conditions are; also written `and`.", "active && total > 0"),
    Described("||", "or", 2, "True if one of the conditions is; also written `or`.", "active || total > 0"),
    Described("==", "equals", 2, "Whether both are the same; also written `eq`.", 'state == "ca"'),
    Described("!=", "notEquals", 2, "Whether they differ; also written `ne`.", 'state != "ca"'),
    Described("<", "lessThan", 2, "Whether the first is less; also written `lt`.", "total < 100"),
    Described("<=", "lessThanOrEqual", 2, "Whether the first is not greater; also written `le`.", "total <= 100"),
    Described(">", "greaterThan", 2, "Whether the first is greater; also written `gt`.", "total > 100"),
    Described(">=", "greaterThanOrEqual", 2, "Whether the first is not less; also written `ge`.", "total >= 100"),
    Described("?:", "elvis", 2, "The first where it is something, else the second.", 'nickname ?: "none"'),
    Described("? :", "conditional", 3, "The second if the condition holds, else the third.", "vip ? 1 : 0"),
    Described("empty", "empty", 1, "Whether it is null, or has nothing in it.", "empty nickname"),
    Described("size", "size", 1, "How many characters, items or keys it has.", "size nickname"),
)
