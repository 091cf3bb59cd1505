"""Which field of a schema a column is likely to mean."""

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
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
_OF_COLUMN: Final = 0.6
"""How much more it counts that the field says what the column says than the other way."""
_WRONG_TYPE: Final = 0.6
_GENERIC: Final = frozenset({"timestamp", "date", "id", "type", "name", "value", "status", "key", "code"})
"""Words that alone say nothing of what is deep in a schema: a column `time` is not when somebody consented to mail."""
_DEEP, _OF_GENERIC = 2, 0.6
"""Levels below which that is so, without the tenant's own, and what such a likeness is worth."""


@dataclass(frozen=True, slots=True)
class SourceField:
    """A column of a source. `type` is None where it is not known."""

    name: str
    type: XdmType | None = None
    is_sources_own: bool = False
    """Whether the source itself makes it: its key, or the time of a change. What it is called says nothing of rows."""


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
    before: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for (name, path), times in earlier.items():
        before[name][path] = times
    found = [each for column in source for each in targets.pairs(column, before.get(column.name, {}))]
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
    """The words of its own name."""
    top: frozenset[str]
    """The words of the field that it is in, at the schema's root or the tenant's."""
    levels: int
    total: float
    """What all of its words say."""

    @property
    def name(self) -> str:
        """Its own, without those of the objects that it is in."""
        return self.path.rpartition(".")[2]


class _Targets:
    """The fields of a schema, with what their words are worth: the rarer in the schema, the more."""

    def __init__(self, tree: ObjectField) -> None:
        fields = [(path, node) for path, node in leaves(tree) if _is_fed_by_columns(node)]
        self._known = vocabulary(step for path, _ in fields for step in path.split(".")) | _FILLERS
        spelled = {path: [words(step, self._known) for step in _steps(path)] for path, _ in fields}
        often = Counter(word for steps in spelled.values() for word in {word for step in steps for word in step})
        self._rarity = {word: math.log(1 + len(fields) / count) for word, count in often.items()}
        self._rarest = max(self._rarity.values(), default=1.0)
        self._all = [self._target(path, node, spelled[path]) for path, node in fields]
        self._at = {target.path: number for number, target in enumerate(self._all)}
        self._named: defaultdict[str, list[int]] = defaultdict(list)
        self._with: defaultdict[str, list[int]] = defaultdict(list)
        for number, target in enumerate(self._all):
            self._named[target.name].append(number)
            for word in target.words:
                self._with[word].append(number)
        self._alike: dict[str, dict[str, float]] = {}
        """Of words of columns, the words of fields that are alike."""
        self._reach: dict[str, Mapping[int, float]] = {}

    def _target(self, path: str, node: Node, steps: Sequence[Sequence[str]]) -> _Target:
        weights = self._weighed(steps)
        return _Target(
            path=path,
            node=node,
            words=weights,
            last=frozenset(steps[-1]),
            top=frozenset(steps[0]),
            levels=len(steps),
            total=sum(weights.values()),
        )

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

    def pairs(self, column: SourceField, before: Mapping[str, int]) -> list[Suggestion]:
        """What this column may mean, likely enough. `before`: how many mapping sets feed which path from it."""
        said = words(column.name, self._known)
        weights = {word: self._worth(word) for word in said}
        likely = self._named.get(column.name, ()) if column.is_sources_own else self._having(weights)
        found = []
        for number in sorted({*likely, *(self._at[path] for path in before if path in self._at)}):
            target = self._all[number]
            confidence, reason = self._likeness(weights, target), "similar name"
            if said and frozenset(said) == target.last and confidence > LEAST:
                reason = "same name"
            if column.is_sources_own and column.name != target.name:
                confidence = 0.0
            if column.type is not None and not _fits(column.type, target.node):
                confidence *= _WRONG_TYPE
                reason += ", but another type"
            if times := before.get(target.path, 0):
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

    def _having(self, said: Mapping[str, float]) -> list[int]:
        """The fields that say so much of what the column says that they may be likely enough."""
        shares: defaultdict[int, float] = defaultdict(float)
        for one, worth in said.items():
            for number, likeness in self._reached(one).items():
                shares[number] += worth * likeness
        # However much of the field the column says. A little less, for sums of floats depend on their order.
        least = 0.999 * LEAST ** (1 / _OF_COLUMN) * sum(said.values())
        return [number for number, share in shares.items() if share >= least]

    def _reached(self, one: str) -> Mapping[int, float]:
        """The fields with a word that is like this one, and how much the likest is."""
        if one not in self._reach:
            reach: dict[int, float] = {}
            for other, likeness in self._like(one).items():
                for number in self._with[other]:
                    reach[number] = max(reach.get(number, 0.0), likeness)
            self._reach[one] = reach
        return self._reach[one]

    def _like(self, one: str) -> Mapping[str, float]:
        if one not in self._alike:
            same = ((other, _same(one, other)) for other in self._with)
            self._alike[one] = {other: likeness for other, likeness in same if likeness}
        return self._alike[one]

    def _likeness(self, said: Mapping[str, float], target: _Target) -> float:
        """How much of what the column says the field says, and the other way, both from 0 to 1."""
        ours, best = 0.0, dict.fromkeys(target.words, 0.0)
        for one, worth in said.items():
            alike = self._like(one)
            likest = 0.0
            for other in best:
                if (same := alike.get(other)) is not None:
                    likest, best[other] = max(likest, same), max(best[other], same)
            ours += worth * likest
        theirs = sum(worth * best[other] for other, worth in target.words.items())
        if not ours or not theirs:
            return 0.0
        likeness: float = (ours / sum(said.values())) ** _OF_COLUMN * (theirs / target.total) ** (1 - _OF_COLUMN)
        return likeness * _OF_GENERIC if _says_too_little(said, target) else likeness


def _says_too_little(said: Mapping[str, float], target: _Target) -> bool:
    return len(said) == 1 and target.levels > _DEEP and said.keys() <= _GENERIC and said.keys() != target.top


def _steps(path: str) -> list[str]:
    """The steps of a path without the tenant's own, which all of its fields share."""
    first, *others = path.split(".")
    return others if first.startswith("_") and others else [first, *others]


@lru_cache(262_144)
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
