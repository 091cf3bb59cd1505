"""Text to the tree of an expression."""

import re
from functools import cache, lru_cache
from importlib.resources import files
from math import isfinite
from typing import Any, Final, cast

from lark import Lark, Token, Transformer, UnexpectedCharacters, UnexpectedEOF, UnexpectedInput, UnexpectedToken, v_args

from flowservice.domain.expressions.syntax import (
    ArrayOf,
    Binary,
    Call,
    Conditional,
    Each,
    Item,
    Lambda,
    Literal,
    Member,
    Node,
    ObjectOf,
    Operator,
    Reference,
    Unary,
    below,
)
from flowservice.errors import BadExpression

MAX_LENGTH: Final = 4_096
"""Characters, as Data Prep allows."""
MAX_DEPTH: Final = 250
"""Levels of nodes. What evaluates a tree walks it by recursion."""
_INT64: Final = 2**63
_STATEMENTS: Final = frozenset(
    ("var", "for", "while", "if", "else", "return", "new", "do", "break", "continue", "function")
)
_STATEMENT: Final = re.compile(rf"(?:^|[;{{(])\s*({'|'.join(sorted(_STATEMENTS))})\b")
_QUOTING: Final = "A column whose name begins with a digit or holds blanks or signs is written ${First Name}."
_RESERVED: Final = _STATEMENTS | {"_errors"}
_WORDS: Final = {"or": "||", "and": "&&", "eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}
_SIGNS: Final = {**_WORDS, "div": "/", "mod": "%", "not": "!"}
_NAME_ESCAPE: Final = re.compile(r"\\(.)", re.DOTALL)
_TEXT_ESCAPE: Final = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_CONTROLS: Final = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "\\": "\\", '"': '"', "'": "'"}
_EXPECTED: Final = {
    "RPAR": "')'",
    "RSQB": "']'",
    "RBRACE": "'}'",
    "COLON": "':'",
    "COMMA": "','",
    "NAME": "a name",
    "TEXT": "a text",
    "WHOLE": "a number",
    "$END": "the end",
}


@lru_cache(maxsize=4_096)
def parse(text: str) -> Node:
    """The tree of an expression.

    Raises BadExpression, which names the place (characters from 1), for what is no expression, is longer than
    `MAX_LENGTH` characters or nested deeper than `MAX_DEPTH`.
    """
    if len(text) > MAX_LENGTH:
        raise BadExpression(
            f"an expression of {len(text):,} characters is too long; {MAX_LENGTH:,} are allowed",
            advice="Split it over two mappings, or compute a part of it in the source.",
        )
    try:
        tree = cast("Node", _parser().parse(text))
    except UnexpectedInput as error:
        raise _explained(error, text) from error
    _check(tree)
    return tree


def bad(message: str, *, at: int, advice: str = "") -> BadExpression:
    """The error of a place of an expression."""
    return BadExpression(message, advice=advice or "See docs/expressions.md for the language.", at=at)


def placed(error: BadExpression, *, at: int) -> BadExpression:
    """The same error with a place, if it has none yet."""
    return error if error.at is not None else bad(error.message, at=at, advice=error.advice)


@cache
def _parser() -> Lark:
    grammar = files("flowservice.domain.expressions").joinpath("grammar.lark").read_text("utf-8")
    return Lark(grammar, parser="lalr", transformer=_Trees(), maybe_placeholders=False)


def _explained(error: UnexpectedInput, text: str) -> BadExpression:
    at = error.pos_in_stream if isinstance(error.pos_in_stream, int) else len(text)
    if isinstance(error, UnexpectedCharacters):
        return _odd_character(text, at)
    expected = _words_for(getattr(error, "expected", ()) or getattr(error, "accepts", ()))
    if isinstance(error, UnexpectedEOF) or (isinstance(error, UnexpectedToken) and error.token.type == "$END"):
        return bad(f"the expression ends too soon{expected}", at=len(text))
    if statement := _STATEMENT.search(text, 0, at + 1):
        return bad(
            f"{statement[1]!r} begins a statement; a mapping is one expression",
            at=statement.start(1),
            advice="Use iif(condition, yes, no), or condition ? yes : no.",
        )
    token = cast("UnexpectedToken", error).token
    advice = _QUOTING if token.type == "NAME" else ""
    return bad(f"{str(token)[:40]!r} cannot stand here{expected}", at=at, advice=advice)


def _odd_character(text: str, at: int) -> BadExpression:
    sign = text[at]
    if sign in "\"'":
        return bad("a text begins here and does not end", at=at, advice=f"Close it with {sign}.")
    if sign == "=":
        return bad("'=' does not compare", at=at, advice="Write == to compare.")
    if sign in "&|":
        return bad(f"{sign!r} is no operator", at=at, advice=f"Write {sign}{sign}.")
    return bad(f"{sign!r} cannot stand here", at=at, advice=_QUOTING)


def _words_for(expected: Any) -> str:
    """What would have been right, where few things would."""
    words = sorted({_EXPECTED[name] for name in expected if name in _EXPECTED} - {"the end"})
    return f"; expected was {' or '.join(words)}" if words and len(words) <= 3 else ""


def _check(tree: Node) -> None:
    level, depth = [tree], 0
    while level:
        depth += 1
        for node in level:
            if isinstance(node, Literal) and type(node.value) is int and not -_INT64 <= node.value < _INT64:
                raise bad("the number does not fit 64 bits", at=node.at, advice="Write it as a text, or with a point.")
            if isinstance(node, Literal) and isinstance(node.value, float) and not isfinite(node.value):
                raise bad("the number is beyond the range of decimals", at=node.at, advice="Write it as a text.")
        if depth > MAX_DEPTH:
            raise bad(
                f"the expression is nested deeper than {MAX_DEPTH} levels",
                at=level[0].at,
                advice="Split it over two mappings.",
            )
        level = [child for node in level for child in below(node)]


def _name(token: str) -> str:
    """What a name in the text, plain or in `${}`, stands for."""
    plain = token[2:-1] if token.startswith("${") else token
    return _NAME_ESCAPE.sub(r"\1", plain)


def _text(token: str, at: int) -> str:
    def unescaped(match: re.Match[str]) -> str:
        code = match[1]
        if len(code) > 1:
            return chr(int(code[1:], 16))
        # Other signs keep their backslash, as in JEXL: patterns are written '\d', not '\\d'.
        return _CONTROLS.get(code, match[0])

    text = _TEXT_ESCAPE.sub(unescaped, token[1:-1])
    try:
        # Java writes a sign beyond 16 bits as two halves.
        return text.encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError:
        raise bad(
            "a text holds half of a sign", at=at, advice=r"Write both halves, such as \ud83d\ude00, or the sign itself."
        ) from None


@v_args(inline=True)
class _Trees(Transformer[Token, Node]):
    """Nodes as the parser finds them. Methods are called by the grammar's names."""

    def start(self, node: Node) -> Node:
        return node

    def conditional(self, condition: Node, yes: Node, no: Node) -> Node:
        return Conditional(condition, yes, no, condition.at)

    def otherwise(self, condition: Node, no: Node) -> Node:
        return Conditional(condition, None, no, condition.at)

    def binary(self, left: Node, sign: Token, right: Node) -> Node:
        return Binary(Operator(_SIGNS.get(sign, str(sign))), left, right, _at(sign))

    def unary(self, sign: Token, operand: Node) -> Node:
        operator = Operator(_SIGNS.get(sign, str(sign)))
        if operator is Operator.SUBTRACT and isinstance(operand, Literal) and type(operand.value) in (int, float):
            # A number with a sign; the least of 64 bits has no positive counterpart.
            return Literal(-cast("float", operand.value), _at(sign))
        return Unary(operator, operand, _at(sign))

    def member(self, of: Node, name: Token) -> Node:
        return Member(of, _name(name), _at(name))

    def method(self, of: Node, name: Token, arguments: tuple[Node, ...]) -> Node:
        return Call(str(name), (of, *arguments), is_method=True, at=_at(name))

    def item(self, of: Node, index: Node) -> Node:
        return Item(of, index, index.at)

    def each(self, of: Node, sign: Token) -> Node:
        return Each(of, _at(sign))

    def call(self, name: Token, arguments: tuple[Node, ...]) -> Node:
        if str(name) in _STATEMENTS:
            raise _unexpected(name)
        return Call(str(name), arguments, at=_at(name))

    def reference(self, name: Token) -> Node:
        if str(name) in _RESERVED:
            raise _unexpected(name)
        return Reference(_name(name), _at(name))

    def text(self, token: Token) -> Node:
        return Literal(_text(token, _at(token)), _at(token))

    def whole(self, token: Token) -> Node:
        return Literal(int(token.rstrip("lL")), _at(token))

    def decimal(self, token: Token) -> Node:
        return Literal(float(token.rstrip("dDfF")), _at(token))

    def true(self, token: Token) -> Node:
        return Literal(True, _at(token))

    def false(self, token: Token) -> Node:
        return Literal(False, _at(token))

    def null(self, token: Token) -> Node:
        return Literal(None, _at(token))

    def array(self, items: tuple[Node, ...]) -> Node:
        return ArrayOf(items, items[0].at if items else 0)

    def object(self, *entries: tuple[str, Node]) -> Node:
        return ObjectOf(entries, entries[0][1].at if entries else 0)

    def entry(self, key: Token, value: Node) -> Any:
        return (_text(key, _at(key)) if key.type == "TEXT" else _name(key), value)

    def arguments(self, *nodes: Node) -> Any:
        return nodes

    def items(self, *nodes: Node) -> Any:
        return nodes

    def function(self, head: Token, body: Node) -> Node:
        return Lambda(_name(head.removesuffix("->").strip(" \t\r\n()")), body, _at(head))


def _unexpected(name: Token) -> UnexpectedToken:
    made: UnexpectedToken = UnexpectedToken(name, set())  # type: ignore[no-untyped-call]
    return made


def _at(token: Token) -> int:
    return token.start_pos or 0
