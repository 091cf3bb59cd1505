"""Names of columns and fields as words: split, folded, abbreviations written out, synonyms made one."""

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from types import MappingProxyType
from typing import Final

_PARTS: Final = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|[0-9]+")
_LONGEST: Final = 200
"""Characters of a name that count."""

_MEANT: Final = MappingProxyType(
    {
        # Abbreviations.
        "acct": "account", "addr": "address", "amt": "amount", "avg": "average", "cat": "category", "cd": "code",
        "cnt": "count", "ctry": "country", "curr": "currency", "cust": "customer", "desc": "description",
        "disc": "discount", "dob": "birth date", "dt": "date", "emp": "employee", "ext": "extension",
        "fname": "first name", "fn": "first name", "lname": "last name", "ln": "last name", "mname": "middle name",
        "img": "image", "inv": "invoice", "lang": "language", "lat": "latitude", "lon": "longitude",
        "lng": "longitude", "ltv": "lifetime value", "max": "maximum", "min": "minimum", "mob": "mobile",
        "msg": "message", "nm": "name", "no": "number", "nr": "number", "num": "number", "ord": "order",
        "org": "organization", "po": "purchase order", "pref": "preferred", "prev": "previous", "prod": "product",
        "promo": "promotion", "pts": "points", "pwd": "password", "qty": "count", "ref": "reference",
        "seg": "segment", "sku": "product", "src": "source", "st": "street", "tel": "phone", "ts": "timestamp",
        "tx": "transaction", "txt": "text", "usr": "user", "val": "value", "yr": "year",
        # Words for the same.
        "birthday": "birth date", "birthdate": "birth date", "birth": "birth", "born": "birth date",
        "business": "work", "office": "work", "company": "work", "private": "home", "personal": "home",
        "cancelled": "cancel", "canceled": "cancel", "cell": "mobile", "cellphone": "mobile phone",
        "created": "create date", "creation": "create", "enrolled": "join date", "modified": "modify date",
        "updated": "update date", "family": "last", "forename": "first name", "given": "first",
        "joined": "join date", "opened": "open date", "surname": "last name", "registered": "join date",
        "landline": "home phone", "line": "street", "mail": "email", "emails": "email", "time": "timestamp",
        "postcode": "postal code", "zip": "postal code", "zipcode": "postal code", "plz": "postal code",
        "town": "city", "remark": "note", "comment": "note", "salutation": "courtesy title", "sex": "gender",
        "referer": "referrer", "flag": "is", "telephone": "phone", "quantity": "count",
        "username": "user name", "webpage": "web page", "upgraded": "upgrade date",
        "mailing": "", "the": "", "of": "", "and": "", "on": "date", "at": "date",
    }
)  # fmt: skip
_PHRASES: Final = MappingProxyType({("e", "mail"): "email", ("po", "box"): "post office box"})
_ENDS: Final = frozenset({"id", "no", "nr"})
"""Short words that a name may end in without a sign before them: `contactid`."""


def _folded(text: str) -> str:
    """Letters without their marks: `Größe` is `Grosse`."""
    plain = text[:_LONGEST].replace("ß", "ss").replace("ẞ", "SS")
    return "".join(mark for mark in unicodedata.normalize("NFKD", plain) if not unicodedata.combining(mark))


def _single(word: str) -> str:
    """Without the s of a plural."""
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")) else word


@lru_cache(65_536)
def words(name: str, known: frozenset[str] = frozenset()) -> tuple[str, ...]:
    """The words of a name, in its order: `custFirstNm` is customer, first, name.

    `known` are words of which names are made that nothing divides: with first and name `firstname` is two.
    """
    parts = [part.lower() for part in _PARTS.findall(_folded(name))]
    out: list[str] = []
    while parts:
        if phrase := _PHRASES.get(tuple(parts[:2])):
            del parts[:2]
            out += phrase.split()
            continue
        for piece in _divided(parts.pop(0), known):
            out += [_single(word) for word in _MEANT.get(piece, _MEANT.get(_single(piece), piece)).split()]
    return tuple(out)


def _divided(part: str, known: frozenset[str]) -> tuple[str, ...]:
    """A word as it is if it is known, else the known words that it is made of, if it is made of such alone."""
    if part in known or part in _MEANT or _single(part) in known or len(part) < 5:
        return (part,)
    return _pieces(part, known) or (part,)


def _pieces(part: str, known: frozenset[str]) -> tuple[str, ...] | None:
    """The known words that a text is made of, the longer first where there is a choice; None if it is of other ones."""
    longest = _longest(known)
    # From each place on, found from the end: no place is looked at twice, however many ways lead there.
    after: dict[int, tuple[str, ...]] = {len(part): ()}
    for start in range(len(part) - 1, -1, -1):
        if part[start:] in _ENDS:
            after[start] = (part[start:],)
            continue
        for end in range(min(len(part), start + longest), start + 2, -1):
            if end in after and _is_word(part[start:end], known):
                after[start] = (part[start:end], *after[end])
                break
    return after.get(0)


def _is_word(text: str, known: frozenset[str]) -> bool:
    return text in known or _single(text) in known or (len(text) > 3 and text in _MEANT)


@lru_cache(64)
def _longest(known: frozenset[str]) -> int:
    """Characters of the longest word that a piece may be, in its plural."""
    return max(map(len, (*known, *_MEANT))) + 1


def vocabulary(names: Iterable[str]) -> frozenset[str]:
    """The words that these names are made of."""
    return frozenset(word for name in names for word in words(name))
