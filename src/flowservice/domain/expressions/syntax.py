"""The tree of an expression. Nodes know where they stand in its text, for errors: `at` is an offset in characters."""

from dataclasses import dataclass, field
from enum import Enum
from typing import TypeAlias


class Operator(Enum):
    """Operators of one or two operands, by their signs. Their words (`and`, `eq`, `div` …) mean the same."""

    OR = "||"
    AND = "&&"
    NOT = "!"
    EQUAL = "=="
    UNEQUAL = "!="
    LESS = "<"
    AT_MOST = "<="
    GREATER = ">"
    AT_LEAST = ">="
    ADD = "+"
    SUBTRACT = "-"
    MULTIPLY = "*"
    DIVIDE = "/"
    REMAINDER = "%"
    COMPLEMENT = "~"
    IS_EMPTY = "empty"
    SIZE = "size"


@dataclass(frozen=True, slots=True)
class Literal:
    """A constant: text, whole number (64 bits), decimal number, truth value or null."""

    value: str | int | float | bool | None
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Reference:
    """A name: a source column, or the parameter of the lambda around it. Escapes and `${}` are taken off."""

    name: str
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Member:
    """`of.name`."""

    of: "Node"
    name: str
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Item:
    """`of[index]`: an element of an array from 0, or the value of a key."""

    of: "Node"
    index: "Node"
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Each:
    """`of[*]`: every element of an array, one after the other."""

    of: "Node"
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class ArrayOf:
    """`[1, 2]`."""

    items: tuple["Node", ...]
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class ObjectOf:
    """`{"k": v}`: keys are constants."""

    entries: tuple[tuple[str, "Node"], ...]
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Call:
    """A function, by the name in the text. Of a method the receiver is the first argument."""

    name: str
    arguments: tuple["Node", ...]
    is_method: bool = False
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Unary:
    """An operator before its operand."""

    operator: Operator
    operand: "Node"
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Binary:
    """An operator between two operands; `at` is the operator's place."""

    operator: Operator
    left: "Node"
    right: "Node"
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Conditional:
    """`condition ? yes : no`; the other branch is not evaluated. Without `yes`, `condition ?: no`."""

    condition: "Node"
    yes: "Node | None"
    no: "Node"
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Lambda:
    """`parameter -> body`, an argument of the functions over arrays."""

    parameter: str
    body: "Node"
    at: int = field(default=0, compare=False)


Node: TypeAlias = (
    Literal | Reference | Member | Item | Each | ArrayOf | ObjectOf | Call | Unary | Binary | Conditional | Lambda
)


def below(node: Node) -> tuple[Node, ...]:
    """The nodes directly below, in the order of the text."""
    match node:
        case Literal() | Reference():
            return ()
        case Member(of=of) | Each(of=of):
            return (of,)
        case Item(of=of, index=index):
            return (of, index)
        case ArrayOf(items=items):
            return items
        case ObjectOf(entries=entries):
            return tuple(value for _, value in entries)
        case Call(arguments=arguments):
            return arguments
        case Unary(operand=operand):
            return (operand,)
        case Binary(left=left, right=right):
            return (left, right)
        case Conditional(condition=condition, yes=yes, no=no):
            return (condition, no) if yes is None else (condition, yes, no)
        case Lambda(body=body):
            return (body,)
