"""Which labels of datasets count in an evaluation."""

import pytest

from flowservice.domain.dataset_labels import LabelledDataset
from flowservice.domain.evaluation import Entity, all_labels, discovered
from flowservice.errors import BadField

EMAIL, HOME, CITY, AGE = ("_nw", "email"), ("home",), ("home", "city"), ("age",)
CUSTOMERS = LabelledDataset(
    dataset=frozenset({"C2", "C1"}),
    fields={EMAIL: frozenset({"I1"}), HOME: frozenset({"S2"}), CITY: frozenset({"S2", "S1"})},
    known=frozenset({("_nw",), EMAIL, HOME, CITY, AGE}),
)
PLAIN = LabelledDataset(known=frozenset({AGE}))


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (None, {EMAIL: ("I1",), HOME: ("S2",), CITY: ("S1", "S2")}),
        (("/properties/_nw/properties/email",), {EMAIL: ("I1",)}),
        (("/_nw/email",), {EMAIL: ("I1",)}),
        (("_nw/email",), {EMAIL: ("I1",)}),
        (("/properties/home/properties/city",), {CITY: ("S1", "S2")}),
        # Whoever uses an object uses what is in it.
        (("/properties/home",), {HOME: ("S2",), CITY: ("S1", "S2")}),
        (("/properties/_nw",), {EMAIL: ("I1",)}),
        (("age",), {}),
        (("age", "/_nw/email", "/_nw/email"), {EMAIL: ("I1",)}),
    ],
)
def test_fields_count_if_they_are_used_and_labels_of_the_dataset_always(
    fields: tuple[str, ...] | None, expected: dict[tuple[str, ...], tuple[str, ...]]
) -> None:
    found = discovered(Entity(dataset_id="d1", fields=fields), CUSTOMERS)
    assert (found.dataset_id, found.labels) == ("d1", ("C1", "C2"))
    assert dict(found.fields) == expected
    assert [path for path, _ in found.fields] == sorted(expected)


@pytest.mark.parametrize("field", ["", "/", "Age", "/properties/home/properties/street", "properties", "/_nw/email/x"])
def test_a_field_that_the_dataset_lacks_is_refused_by_name(field: str) -> None:
    with pytest.raises(BadField, match="d1 has no field"):
        discovered(Entity(dataset_id="d1", fields=("age", field)), CUSTOMERS)


@pytest.mark.parametrize(
    ("entities", "expected"),
    [
        ([], ()),
        ([(PLAIN, None)], ()),
        ([(CUSTOMERS, None)], ("C1", "C2", "I1", "S1", "S2")),
        ([(CUSTOMERS, ("age",))], ("C1", "C2")),
        ([(PLAIN, None), (CUSTOMERS, ("/_nw/email",))], ("C1", "C2", "I1")),
        ([(LabelledDataset(dataset=frozenset({"C9"})), None), (CUSTOMERS, ("age",))], ("C1", "C2", "C9")),
    ],
)
def test_labels_of_all_entities_count_together(
    entities: list[tuple[LabelledDataset, tuple[str, ...] | None]], expected: tuple[str, ...]
) -> None:
    found = [discovered(Entity(dataset_id="d", fields=fields), labelled) for labelled, fields in entities]
    assert all_labels(found) == expected
