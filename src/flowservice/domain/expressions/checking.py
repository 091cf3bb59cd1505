"""What can be said of an expression without a source: functions exist and take what they are given."""

from collections.abc import Iterator

from flowservice.domain.expressions.parsing import bad, parse
from flowservice.domain.expressions.signatures import check_arity, signature_of
from flowservice.domain.expressions.syntax import Call, Item, Lambda, Literal, Member, Node, Reference, below
from flowservice.errors import BadExpression

_PATHS = ("contains_key", "is_set")


def check(tree: Node) -> None:
    """Return if all functions exist, take so many arguments, and lambdas where they need them. Raises BadExpression."""
    left = [tree]
    while left:
        node = left.pop()
        if isinstance(node, Call):
            _check_call(node)
        elif any(isinstance(child, Lambda) for child in below(node)):
            raise bad("a lambda can only be an argument of filterArray or transformArray", at=node.at)
        left.extend(below(node))


def _check_call(call: Call) -> None:
    signature = signature_of(call.name, at=call.at, is_method=call.is_method)
    check_arity(signature, len(call.arguments), at=call.at)
    if signature.name == "fpid_to_ecid":
        raise bad("the rule of fpid_to_ecid is not public", at=call.at, advice="Map the first-party id as it is.")
    for index, argument in enumerate(call.arguments):
        takes = signature.parameter(index).kind == "lambda"
        if takes and not isinstance(argument, Lambda):
            raise bad(f"{call.name} needs a lambda here", at=argument.at, advice="Write x -> and an expression over x.")
        if isinstance(argument, Lambda) and not takes:
            raise bad(f"{call.name} takes no lambda here", at=argument.at, advice=f"Write {signature.syntax}.")
    if signature.name == "contains_key":
        path = call.arguments[0]
        if not isinstance(path, Literal) or not isinstance(path.value, str):
            raise bad(f"{call.name} takes a path as a constant text", at=path.at)
        path_of(path.value)


def roots(tree: Node) -> tuple[str, ...]:
    """The columns that an expression reads, each once: the first names of its paths."""
    return tuple(dict.fromkeys(_roots(tree, frozenset())))


def _roots(node: Node, hidden: frozenset[str]) -> Iterator[str]:
    match node:
        case Reference(name=name):
            if name not in hidden:
                yield name
        case Lambda(parameter=parameter, body=body):
            yield from _roots(body, hidden | {parameter})
        case Call(name=name, arguments=arguments) if name in _PATHS:
            if arguments and isinstance(arguments[0], Literal) and isinstance(arguments[0].value, str):
                yield from _roots(path_of(arguments[0].value), hidden)
        case Call(name="object_to_map", arguments=(first, Reference())):
            # Of an array, the second argument is the name of a field.
            yield from _roots(first, hidden)
        case _:
            for child in below(node):
                yield from _roots(child, hidden)


def path_of(text: str) -> Node:
    """The path that a text tells; the name of a column where it is no expression. Raises BadExpression for others."""
    try:
        node = tree = parse(text)
    except BadExpression:
        return Reference(text)
    while isinstance(node, Member | Item):
        node = node.of
    if not isinstance(node, Reference):
        raise BadExpression(f"{text[:40]!r} is no path", advice="Name a column, and fields below it with dots.")
    return tree
