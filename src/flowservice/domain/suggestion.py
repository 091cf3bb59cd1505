"""Which field of a schema a column is likely to mean."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from rapidfuzz.fuzz import ratio

from flowservice.domain.field_names import vocabulary, words
from flowservice.domain.xdm_tree import ArrayField, Leaf, MapField, Node, ObjectField, kind_of, leaves
from flowservice.domain.xdm_types import INTEGERS, XdmType

LEAST: Final = 0.55
"""Confidence below which nothing is suggested."""
_ALIKE: Final = 80.0
"""Of 100: words that differ by a letter or an ending are taken for the same."""
_MAIN: Final = frozenset({"number", "address", "value", "name", "url", "code"})
"""Last words of paths that say no more than the object they are in: `mobilePhone.number`."""
_PEOPLE: Final = frozenset({"person", "customer", "user", "contact", "member", "client", "employee"})
_FILLERS: Final = _PEOPLE | {"my", "row", "column", "field", "text", "code", "value", "event", "record", "entity"}
"""Words that hardly tell one field from another."""
_OF_PARENT, _OF_OTHERS, _OF_FILLER, _OF_STRANGER = 0.7, 0.35, 0.3, 0.8
_USED_BEFORE, _MORE_OFTEN, _MOST_OFTEN = 0.9, 0.02, 5
_WRONG_TYPE: Final = 0.6


@dataclass(frozen=True, slots=True)
class SourceField:
    """A column of a source. `type` is None where it is not known."""

    name: str
    type: XdmType | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """`confidence` is from 0 to 1; `reason` says in words where it comes from."""

    source: str
    destination: str
    confidence: float
    reason: str


Earlier = Mapping[tuple[str, str], int]
"""In how many mapping sets a column of that name feeds that path."""


def suggestions(source: Sequence[SourceField], tree: ObjectField, earlier: Earlier) -> tuple[Suggestion, ...]:
    """At most one field a column and one column a field, the likeliest pairs first taken; in the columns' order."""
    targets = _Targets(tree)
    found = [each for column in source for each in targets.pairs(column, earlier)]
    found.sort(key=lambda each: (-each.confidence, each.source, each.destination))
    taken: dict[str, Suggestion] = {}
    fed: set[str] = set()
    for each in found:
        if each.source not in taken and each.destination not in fed:
            taken[each.source] = each
            fed.add(each.destination)
    return tuple(taken[column.name] for column in source if column.name in taken)


@dataclass(frozen=True, slots=True)
class _Target:
    path: str
    node: Node
    words: Mapping[str, float]
    """Its words, each with how much it says."""
    last: frozenset[str]


class _Targets:
    """The fields of a schema, with what their words are worth: the rarer in the schema, the more."""

    def __init__(self, tree: ObjectField) -> None:
        fields = [(path, node) for path, node in leaves(tree) if _is_fed_by_columns(node)]
        self._known = vocabulary(step for path, _ in fields for step in path.split(".")) | _FILLERS
        spelled = {path: [words(step, self._known) for step in _steps(path)] for path, _ in fields}
        often = Counter(word for steps in spelled.values() for word in {word for step in steps for word in step})
        self._rarity = {word: math.log(1 + len(fields) / count) for word, count in often.items()}
        self._rarest = max(self._rarity.values(), default=1.0)
        self._all = [
            _Target(path, node, self._weighed(spelled[path]), frozenset(spelled[path][-1])) for path, node in fields
        ]

    def _weighed(self, steps: Sequence[Sequence[str]]) -> dict[str, float]:
        weights: dict[str, float] = {}
        for back, step in enumerate(reversed(steps)):
            share = 1.0 if back == 0 else _OF_PARENT if back == 1 else _OF_OTHERS
            if back == 0 and len(steps) > 1 and len(step) == 1 and step[0] in _MAIN:
                share = _OF_FILLER
            for word in step:
                worth = share * self._rarity[word] * (_OF_FILLER if word in _FILLERS and back else 1.0)
                weights[word] = max(weights.get(word, 0.0), worth)
        return weights

    def pairs(self, column: SourceField, earlier: Earlier) -> list[Suggestion]:
        """What this column may mean, likely enough."""
        said = words(column.name, self._known)
        weights = {word: self._worth(word) for word in said}
        found = []
        for target in self._all:
            confidence, reason = _likeness(weights, target), "similar name"
            if said and frozenset(said) == target.last and confidence > LEAST:
                reason = "same name"
            if column.type is not None and not _fits(column.type, target.node):
                confidence *= _WRONG_TYPE
                reason += ", but another type"
            if times := earlier.get((column.name, target.path), 0):
                confidence = max(confidence, _USED_BEFORE + _MORE_OFTEN * min(times, _MOST_OFTEN))
                reason = f"mapped so in {times} mapping set" + ("s" if times > 1 else "")
            if confidence >= LEAST:
                found.append(
                    Suggestion(
                        source=column.name, destination=target.path, confidence=round(confidence, 3), reason=reason
                    )
                )
        return found

    def _worth(self, word: str) -> float:
        worth = self._rarity.get(word, self._rarest * _OF_STRANGER)
        return worth * _OF_FILLER if word in _FILLERS else worth


def _steps(path: str) -> list[str]:
    """The steps of a path without the tenant's own, which all of its fields share."""
    first, *others = path.split(".")
    return others if first.startswith("_") and others else [first, *others]


def _likeness(said: Mapping[str, float], target: _Target) -> float:
    """How much of what the column says the field says, and the other way, both from 0 to 1."""
    if not said:
        return 0.0
    alike = {(one, other): _same(one, other) for one in said for other in target.words}
    ours = sum(worth * max(alike[one, other] for other in target.words) for one, worth in said.items())
    theirs = sum(worth * max(alike[one, other] for one in said) for other, worth in target.words.items())
    of_column, of_field = ours / sum(said.values()), theirs / sum(target.words.values())
    return of_column**0.6 * of_field**0.4 if of_column and of_field else 0.0


def _same(one: str, other: str) -> float:
    """1 for the same word, less for one that is spelled alike, else 0."""
    if one == other:
        return 1.0
    if one in _PEOPLE and other in _PEOPLE:
        return _ALIKE / 100
    if one.isdigit() or other.isdigit() or min(len(one), len(other)) < 4:
        return 0.0
    found = ratio(one, other)
    return found / 100 if found >= _ALIKE else 0.0


def _is_fed_by_columns(node: Node) -> bool:
    return isinstance(node, Leaf) or (isinstance(node, ArrayField) and isinstance(node.items, Leaf))


def _fits(source: XdmType, node: Node) -> bool:
    """Whether values of a type are likely to become values of the field's."""
    if isinstance(node, ArrayField | MapField | ObjectField):
        return source is kind_of(node)
    wanted = node.type
    numbers = {XdmType.NUMBER, *INTEGERS}
    times = {XdmType.DATE, XdmType.DATE_TIME}
    return (
        source is wanted
        or XdmType.STRING in (source, wanted)
        or (source in numbers and wanted in numbers)
        or (source in times and wanted in times)
    )
