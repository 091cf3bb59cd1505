"""Suggested mappings on labelled pairs: what is proposed is mostly right, and most of what is right is proposed."""

import json
import time
from importlib.resources import files
from typing import Any, Final

import pytest

from flowservice.domain.field_names import words
from flowservice.domain.registry import full_document
from flowservice.domain.suggestion import LEAST, SourceField, suggestions
from flowservice.domain.xdm_standard import standard_resource
from flowservice.domain.xdm_tree import ObjectField, leaves, tree_of
from flowservice.domain.xdm_types import XdmType

XDM: Final = "https://ns.adobe.com/xdm/"
_TEXT: Final = {"type": "string"}
_OWN: Final = {
    "customerNumber": _TEXT,
    "customerName": _TEXT,
    "accountOpenDate": {"type": "string", "format": "date"},
    "lifetimeValue": {"type": "number"},
    "preferredLanguage": _TEXT,
    "newsletterOptIn": {"type": "boolean"},
    "lastOrderTimestamp": {"type": "string", "format": "date-time"},
    "orderCount": {"type": "integer"},
    "averageBasketAmount": {"type": "number"},
    "segment": _TEXT,
    "storeId": _TEXT,
    "isEmployee": {"type": "boolean"},
    "notes": _TEXT,
}
_PROFILE: Final = (
    "context/profile",
    "context/profile-person-details",
    "context/profile-personal-details",
    "context/profile-work-details",
    "mixins/profile/profile-loyalty-details",
)
_EVENT: Final = ("context/experienceevent", "context/experienceevent-commerce", "context/experienceevent-web")


def _tree(refs: tuple[str, ...], own: dict[str, Any] | None = None) -> ObjectField:
    body: dict[str, Any] = {"$id": "x", "type": "object", "allOf": [{"$ref": XDM + ref} for ref in refs]}
    if own is not None:
        body["properties"] = {"_shop": {"type": "object", "properties": own}}
    return tree_of(full_document(body, standard_resource))


TREES: Final = {"profile": _tree(_PROFILE), "event": _tree(_EVENT), "shop": _tree(_PROFILE, _OWN)}
_PAIRS: Final = json.loads(files("tests.suggestions").joinpath("pairs.json").read_text("utf-8"))["tables"]


def _proposed(target: str, *columns: str | SourceField, earlier: Any = None) -> dict[str, tuple[str, str]]:
    fields = [SourceField(column) if isinstance(column, str) else column for column in columns]
    found = suggestions(fields, TREES[target], earlier or {})
    return {each.source: (each.destination, each.reason) for each in found}


@pytest.mark.parametrize(("held_out", "precision", "recall"), [(False, 0.95, 0.94), (True, 0.96, 0.94)])
def test_labelled_pairs_are_found(held_out: bool, precision: float, recall: float) -> None:
    right = wrong = missed = 0
    for table in _PAIRS:
        if table["held_out"] is not held_out:
            continue
        found = _proposed(table["target"], *table["columns"])
        for column, label in table["columns"].items():
            good = label if isinstance(label, list) else [label]
            proposed = found.get(column, (None,))[0]
            right += proposed is not None and proposed in good
            wrong += proposed is not None and proposed not in good
            missed += proposed not in good and None not in good
    assert sum(len(table["columns"]) for table in _PAIRS) == 300
    assert right / (right + wrong) >= precision
    assert right / (right + missed) >= recall


def test_a_field_is_proposed_once_and_the_likelier_column_has_it() -> None:
    found = _proposed("profile", "first_name_2", "FirstName")
    assert found["FirstName"] == ("person.name.firstName", "same name")
    assert found.get("first_name_2", ("",))[0] != "person.name.firstName"


def test_what_the_sandbox_mapped_before_counts_more_than_names() -> None:
    assert "Feld7" not in _proposed("profile", "Feld7")
    earlier = {("Feld7", "person.birthDate"): 3, ("Feld7", "nowhere"): 9}
    told = ("person.birthDate", "mapped so in 3 mapping sets")
    assert _proposed("profile", "Feld7", earlier=earlier) == {"Feld7": told}


def test_a_type_that_does_not_fit_makes_a_field_less_likely() -> None:
    (fits,) = suggestions([SourceField("loyalty_points", XdmType.INT)], TREES["profile"], {})
    assert fits.destination == "loyalty.points"
    found = suggestions([SourceField("loyalty_points", XdmType.BOOLEAN)], TREES["profile"], {})
    assert all(each.confidence < fits.confidence for each in found)


@pytest.mark.parametrize("name", ["", " ", "___", "123", "x" * 100_000, "\u202e", "日本", "e", "e-", "a" * 30 + "id"])
def test_odd_names_are_taken(name: str) -> None:
    assert all(each.confidence >= LEAST for each in suggestions([SourceField(name)], TREES["profile"], {}))


def test_two_thousand_columns_take_a_second_or_so() -> None:
    fields = {f"field{n}OfTheCustomers{n % 7}Order": _TEXT for n in range(140)}
    tree = _tree(_PROFILE, _OWN | fields)
    assert len(list(leaves(tree))) >= 250
    columns = [SourceField(f"column_{n}_firstNameOfTheCustomer{n}") for n in range(2_000)]
    started = time.process_time()
    found = suggestions(columns, tree, {})
    # A slow machine's share of time; it took ten times as long when every column was held against every field.
    assert time.process_time() - started < 5
    assert 0 < len(found) < 300


@pytest.mark.parametrize("letters", ["firstname" * 22 + "qq", "ab" * 99 + "qq", "a" * 198 + "qq", "a" * 200])
def test_a_long_name_is_divided_at_once(letters: str) -> None:
    known = frozenset({"a" * n for n in range(3, 9)} | {"aba", "bab", "abab", "ababab", "first", "name", "firstname"})
    started = time.process_time()
    found = words(letters, known)
    assert time.process_time() - started < 1
    assert "".join(found) == letters
    assert (len(found) > 1) is not letters.endswith("q")


@pytest.mark.parametrize("name", ["time", "Timestamp", "date", "status", "type", "value", "id", "key", "name"])
def test_one_word_that_says_little_does_not_mean_what_is_deep_in_a_schema(name: str) -> None:
    tree = _tree((*_PROFILE, "mixins/profile-consents"), _OWN)
    deep = {path for path, _ in leaves(tree) if path.count(".") > 1 and not path.startswith("_shop.")}
    assert "consents.marketing.email.time" in deep
    found = suggestions([SourceField(name)], tree, {})
    assert not deep & {each.destination for each in found}


def test_one_word_means_what_is_in_the_field_of_that_name() -> None:
    of = {"type": "object", "properties": {"value": {"type": "object", "properties": {"status": _TEXT}}}}
    body = {"$id": "x", "type": "object", "properties": {"status": of, "other": of}}
    tree = tree_of(full_document(body, standard_resource))
    (found,) = suggestions([SourceField("status")], tree, {})
    assert found.destination == "status.value.status"


def test_what_a_source_makes_itself_is_proposed_for_its_very_name_alone() -> None:
    own = [SourceField(name, is_sources_own=True) for name in ("RowKey", "Timestamp", "id")]
    assert not suggestions(own, TREES["event"], {})
    assert [each.source for each in suggestions([SourceField("Timestamp")], TREES["event"], {})] == ["Timestamp"]
    made = suggestions(
        own, _tree(_EVENT, {"RowKey": _TEXT, "Timestamp": {"type": "string", "format": "date-time"}}), {}
    )
    assert [(each.source, each.destination) for each in made] == [
        ("RowKey", "_shop.RowKey"),
        ("Timestamp", "_shop.Timestamp"),
    ]
    before = {("RowKey", "_id"): 2, ("Timestamp", "nowhere"): 9}
    (mapped,) = suggestions(own, TREES["event"], before)
    assert (mapped.source, mapped.destination) == ("RowKey", "_id")
