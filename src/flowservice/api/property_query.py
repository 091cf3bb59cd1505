"""The query language that the Catalog and the Sandbox API share: `property`, simple filters, `tags`, `orderBy`."""

import re
from collections.abc import Collection, Iterator
from typing import Final

from flowservice.domain.criteria import Criterion, Pattern, Relation, SortKey
from flowservice.errors import BadQuery

_OPERATOR: Final = re.compile(r"==|!=|<=|>=|<|>|~")
_PATH: Final = re.compile(r"[^\s=!<>~]+")
MAX_VALUES: Final = 200
_MAX_TEXT: Final = 2_000
_MAX_STEPS: Final = 20
_SEVERAL: Final = frozenset({Relation.EQ, Relation.NE})


def property_criteria(text: str) -> Iterator[Criterion]:
    """`p` exists, `!p` missing, `p==v`, `p!=v`, `<`, `<=`, `>`, `>=`, `p~regex`. Raises BadQuery."""
    _check_length("property", text)
    operator = _OPERATOR.search(text)
    if operator is None:
        for name in text.split(","):
            missing = name.strip().startswith("!")
            yield Criterion(
                path=path_of(name.strip().removeprefix("!")), relation=Relation.MISSING if missing else Relation.EXISTS
            )
        return
    path, relation, value = path_of(text[: operator.start()].strip()), Relation(operator[0]), text[operator.end() :]
    if not value:
        raise BadQuery(
            f"property names no value for {_shown(path)}",
            advice=f"property={_shown(path)} alone asks for those that have it.",
        )
    if relation is Relation.MATCHES:
        yield Criterion(path=path, relation=relation, values=(value,))
    elif relation in _SEVERAL:
        yield Criterion(path=path, relation=relation, values=_values(value))
    else:
        yield Criterion(path=path, relation=relation, values=(_unquoted(value),))


def simple_criterion(name: str, text: str) -> Criterion:
    """`name=x`, `name=x,y` (any of), `name=!x,y` (none of). Raises BadQuery."""
    _check_length(name[:50], text)
    relation = Relation.NE if text.startswith("!") else Relation.EQ
    return Criterion(path=path_of(name), relation=relation, values=_values(text.removeprefix("!")))


def tag_criteria(text: str) -> Iterator[Criterion]:
    """`name:value`, `name:*`, `name:pre*`; a comma means and. Raises BadQuery."""
    _check_length("tags", text)
    for part in text.split(","):
        name, colon, value = part.strip().partition(":")
        if not name or not colon or not value:
            raise BadQuery("tags needs name:value", advice="name:* asks for those that have the tag.")
        path = ("tags", name)
        if value == "*":
            yield Criterion(path=path, relation=Relation.EXISTS)
        else:
            yield Criterion(path=path, relation=Relation.EQ, values=(_pattern(value),))


def sort_keys(text: str) -> Iterator[SortKey]:
    """`asc:a,desc:b`; a name alone is ascending, `-name` descending. Raises BadQuery."""
    _check_length("orderBy", text)
    for part in text.split(","):
        direction, colon, name = part.strip().partition(":")
        if not colon:
            # A plus comes as a blank, which is gone by now.
            name = direction.lstrip("+")
            direction = "desc" if name.startswith("-") else "asc"
            name = name.removeprefix("-")
        if direction not in {"asc", "desc"}:
            raise BadQuery("orderBy takes asc: or desc: before a name", advice="For example orderBy=desc:created.")
        yield SortKey(path=path_of(name), descending=direction == "desc")


def path_of(text: str) -> tuple[str, ...]:
    """A dotted path. Raises BadQuery."""
    steps = tuple(text.split("."))
    if not _PATH.fullmatch(text) or not all(steps) or len(steps) > _MAX_STEPS:
        raise BadQuery("the path of a property is names with dots between them", advice="For example schemaRef.id.")
    return steps


def check_known(path: tuple[str, ...], fields: Collection[str]) -> None:
    """Return if the path begins with one of `fields`. Raises BadQuery."""
    if path[0] not in fields:
        raise BadQuery(f"there is no property {_shown(path)}", advice=f"There are {', '.join(sorted(fields))}.")


def _values(text: str) -> tuple[str | Pattern, ...]:
    values = tuple(_pattern(_unquoted(value.strip())) for value in text.split(","))
    if len(values) > MAX_VALUES:
        raise BadQuery(f"a filter names more than {MAX_VALUES} values", advice="Ask in several calls.")
    return values


def _pattern(text: str) -> str | Pattern:
    """`*` stands for any text, `**` for a star itself."""
    parts = [""]
    for piece in re.split(r"(\*\*|\*)", text):
        if piece == "*":
            parts.append("")
        else:
            parts[-1] += "*" if piece == "**" else piece
    return parts[0] if len(parts) == 1 else Pattern(tuple(parts))


def _unquoted(text: str) -> str:
    quoted = len(text) > 1 and text[0] == text[-1] == '"'
    return text[1:-1] if quoted else text


def _shown(path: tuple[str, ...]) -> str:
    return ".".join(path)[:100]


def _check_length(name: str, text: str) -> None:
    if len(text) > _MAX_TEXT:
        raise BadQuery(f"{name} is longer than {_MAX_TEXT} characters", advice="Ask in several calls.")
    if not text:
        raise BadQuery(f"{name} is empty", advice="Leave it out.")
