"""Effective labels: where a label may be put, and which fields of which datasets have it then."""

from dataclasses import replace

import pytest

from flowservice.domain.dataset_labels import DatasetLabels, FieldLabels, column_labels, path_among
from flowservice.domain.descriptor import descriptor_document
from flowservice.domain.identity import Scope
from flowservice.domain.resource import Stamp
from flowservice.domain.schema import SchemaKind
from flowservice.errors import BadDescriptor, NotFound
from flowservice.ports.database import Database
from flowservice.service.effective_labels import EffectiveLabels
from flowservice.service.masking import hidden_in
from tests.service.conftest import NOON
from tests.service.shop import TEXT, XDM, Shop


def test_a_label_on_a_field_group_reaches_each_dataset_with_the_field(shop: Shop) -> None:
    shop.label(shop.group, "/_northwind/mail", "core/I1", "C2")
    assert shop.labelled() == shop.labelled(shop.other) == {"_northwind.mail": ["C2", "I1"]}


def test_a_label_on_a_schema_reaches_its_datasets_alone(shop: Shop) -> None:
    shop.label(shop.schema, "/_northwind/mail", "I1")
    assert (shop.labelled(), shop.labelled(shop.other)) == ({"_northwind.mail": ["I1"]}, {})


def test_a_label_on_a_data_type_reaches_every_place_where_it_stands(shop: Shop) -> None:
    shop.label(shop.address, "/street", "I2")
    shop.label(shop.base, "/city", "S2")
    places = ("earlier", "home", "work")
    expected = {
        f"_northwind.{place}.{name}": [label] for place in places for name, label in (("street", "I2"), ("city", "S2"))
    }
    assert shop.labelled() == expected


def test_fields_have_the_labels_of_the_objects_that_they_are_in(shop: Shop) -> None:
    shop.label(shop.group, "/_northwind/home", "C2")
    shop.label(shop.base, "/position", "S1")
    home = {name: labels for name, labels in shop.labelled().items() if name.startswith("_northwind.home")}
    assert home == {
        "_northwind.home": ["C2"],
        "_northwind.home.city": ["C2"],
        "_northwind.home.street": ["C2"],
        "_northwind.home.position": ["C2", "S1"],
        "_northwind.home.position.lat": ["C2", "S1"],
    }


def test_labels_of_the_dataset_stand_beside_those_of_its_fields(shop: Shop, database: Database) -> None:
    shop.label(shop.group, "/_northwind/mail", "I1")
    old = FieldLabels(
        schema_id=shop.schema, content_type="x", schema_path="/properties/_northwind/properties/mail", labels=("C9",)
    )
    stamp = Stamp.first(shop.caller, at=NOON)
    database.dataset_labels.add(DatasetLabels(id=shop.dataset, stamp=stamp, labels=("C4",), fields=(old,)))
    found = EffectiveLabels(database).of(shop.caller.scope, shop.dataset)
    assert found.dataset == {"C4"}
    assert found.fields == {("_northwind", "mail"): {"I1", "C9"}}
    assert found.of(("_northwind", "home")) == {"C4"}
    assert found.all == {"C4", "C9", "I1"}


def test_labels_go_with_their_descriptor(shop: Shop) -> None:
    made = shop.label(shop.group, "/_northwind/mail", "I1")
    shop.descriptors.delete(shop.caller, made)
    assert shop.labelled() == {}


def test_a_dataset_of_another_sandbox_is_not_found(shop: Shop, database: Database) -> None:
    elsewhere = Scope(org_id="other@AdobeOrg", sandbox_id="77aa", sandbox_name="prod")
    with pytest.raises(NotFound):
        EffectiveLabels(database).of(elsewhere, shop.dataset)


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("/_northwind/mail", "_northwind.mail"),
        ("_northwind/mail", "_northwind.mail"),
        ("/properties/_northwind/properties/mail", "_northwind.mail"),
        ("/properties/_northwind/properties/earlier/items/properties/city", "_northwind.earlier.city"),
        ("/_northwind/earlier[*]/city", "_northwind.earlier.city"),
        ("/_northwind/earlier/*/city", "_northwind.earlier.city"),
        ("/_northwind/properties", "_northwind.properties"),
        ("/properties/_northwind/properties/properties/properties/items", "_northwind.properties.items"),
        ("/_northwind/Mail", None),
        ("/nothing", None),
        ("", None),
    ],
)
def test_a_field_is_found_however_it_is_written(
    shop: Shop, database: Database, written: str, found: str | None
) -> None:
    known = EffectiveLabels(database).of(shop.caller.scope, shop.dataset).known
    path = path_among(known, written)
    assert (None if path is None else ".".join(path)) == found


def test_the_alias_of_a_published_client_is_written_and_the_other_name_read(shop: Shop) -> None:
    body = {"@type": "xdm:descriptorLabel", "xdm:sourceSchema": shop.schema, "xdm:sourceProperty": "/_northwind/mail"}
    made = shop.descriptors.create(shop.caller, {**body, "xdm:label": ["C2", "core/I1", "I1"]})
    shown = descriptor_document(made)
    assert shown["xdm:labels"] == ["core/C2", "core/I1"]
    assert "xdm:label" not in shown
    empty = shop.descriptors.replace(shop.caller, made.id, body)
    assert descriptor_document(empty)["xdm:labels"] == []
    assert shop.labelled() == {}


def test_a_schema_has_so_many_labels(shop: Shop) -> None:
    fields = {f"f{number}": TEXT for number in range(21)}
    wide = shop.made(
        SchemaKind.FIELD_GROUPS, "Wide", properties={"_northwind": {"type": "object", "properties": fields}}
    )
    some = ["C1", "C2", "C3", "C4", "C5", "C6", "C7", "C8", "C9", "C10", "C11", "C12", "I1", "I2", "S1"]
    for number in range(20):
        shop.label(wide, f"/_northwind/f{number}", *some)
    with pytest.raises(BadDescriptor, match="301 labels; 300 is the most"):
        shop.label(wide, "/_northwind/f20", "C1")


def test_the_labels_of_a_field_come_before_what_else_is_said_of_it(shop: Shop) -> None:
    said = {"xdm:sourceSchema": shop.group, "xdm:sourceProperty": "/_northwind/mail"}
    shown = {**said, "@type": "xdm:alternateDisplayInfo", "xdm:title": {"en_us": "Mail"}}
    other = {**shown, "xdm:sourceProperty": "/_northwind/home"}
    made = [shop.descriptors.create(shop.caller, body).id for body in (other, shown)]
    labels = shop.label(shop.group, "/_northwind/mail", "I1")
    assert [one.id for one in shop.descriptors.list(shop.caller)] == [made[0], labels, made[1]]


def test_labels_of_an_earlier_version_are_read_and_shown_by_their_name_now(shop: Shop, database: Database) -> None:
    made = shop.descriptors.get(shop.caller, shop.label(shop.schema, "/_northwind/mail", "C2"))
    body = {name: value for name, value in made.body.items() if name != "xdm:labels"}
    database.descriptors.replace(
        made, replace(made, body={**body, "xdm:label": ["core/I1", "C9"]}, stamp=made.stamp.touched())
    )
    assert shop.labelled() == {"_northwind.mail": ["C9", "I1"]}
    shown = descriptor_document(shop.descriptors.get(shop.caller, made.id))
    assert (shown["xdm:labels"], "xdm:label" in shown) == (["core/C9", "core/I1"], False)


def _parts(shop: Shop) -> tuple[str, str]:
    """A field group with its fields in a definition that it uses, and a schema of one that takes just that part."""
    person = {"type": "object", "properties": {"ssn": TEXT, "nick": TEXT}}
    whole = {
        "person": person,
        "o": {
            "properties": {
                "_northwind": {
                    "type": "object",
                    "properties": {"crm": TEXT, "one": {"$ref": "#/definitions/person"}, "two": person},
                }
            }
        },
        "loose": {"properties": {"_other": {"type": "object", "properties": {"x": {"$ref": "#/definitions/person"}}}}},
    }
    group = shop.made(SchemaKind.FIELD_GROUPS, "Parts", definitions=whole, allOf=[{"$ref": "#/definitions/o"}])

    def taking(title: str, *refs: str) -> str:
        parts = [{"$ref": XDM + "context/profile"}, *({"$ref": f"{group}#/{ref}"} for ref in refs)]
        return shop.landing(title, shop.made(SchemaKind.SCHEMAS, title, allOf=parts))

    return group, taking("Taking", "definitions/o")


def test_a_label_on_a_field_group_holds_where_a_part_of_it_is_used(shop: Shop) -> None:
    group, dataset = _parts(shop)
    shop.label(group, "/_northwind/crm", "I1")
    shop.label(group, "/_northwind/one/ssn", "I2")
    assert shop.labelled(dataset) == {"_northwind.crm": ["I1"], "_northwind.one.ssn": ["I2"]}


@pytest.mark.parametrize(
    ("written", "part", "found"),
    [
        ("/_northwind/one/ssn", "definitions/person", {"x.ssn"}),
        ("/_northwind/one", "definitions/person", {"x", "x.ssn", "x.nick"}),
        ("/_northwind", "definitions/person", {"x", "x.ssn", "x.nick"}),
        ("/_northwind/two/ssn", "definitions/person", set()),
        ("/_northwind/one/ssn", "definitions/o/properties/_northwind", {"x.one.ssn"}),
        ("/_northwind/two/nick", "definitions/o/properties/_northwind/properties/two", {"x.nick"}),
        ("/_northwind/one/ssn", "definitions/loose", {"x._other.x.ssn"}),
    ],
)
def test_a_part_has_the_labels_of_the_places_where_its_resource_uses_it(
    shop: Shop, written: str, part: str, found: set[str]
) -> None:
    group, _ = _parts(shop)
    shop.label(group, written, "I1")
    below = shop.labelled(_using(shop, f"{group}#/{part}"))
    assert below == {f"_northwind.{path}": ["I1"] for path in found}


def _using(shop: Shop, ref: str) -> str:
    own = {"_northwind": {"type": "object", "properties": {"x": {"$ref": ref}}}}
    group = shop.made(SchemaKind.FIELD_GROUPS, "Using", properties=own)
    schema = shop.made(SchemaKind.SCHEMAS, "Using", allOf=[{"$ref": XDM + "context/profile"}, {"$ref": group}])
    return shop.landing("Using", schema)


def test_a_label_on_all_of_a_part_is_on_each_field_of_the_schema_that_it_brings(shop: Shop) -> None:
    group, dataset = _parts(shop)
    shop.label(group, "/_northwind", "C2")
    assert set(shop.labelled(dataset)) >= {"_northwind", "_northwind.two.ssn"}
    assert not [path for path in shop.labelled(dataset) if not path.startswith("_northwind")]


def test_what_is_labelled_in_the_values_of_a_map_labels_the_map(shop: Shop, database: Database) -> None:
    shop.label(shop.address, "/street", "I1")
    values = {"type": "object", "additionalProperties": {"$ref": shop.address}}
    own = {
        "people": values,
        "lists": {"type": "array", "items": values},
        "deep": {"type": "object", "properties": {"maps": {"type": "object", "additionalProperties": values}}},
        "texts": {"type": "object", "additionalProperties": TEXT},
    }
    group = shop.made(SchemaKind.FIELD_GROUPS, "Maps", properties={"_northwind": {"type": "object", "properties": own}})
    schema = shop.made(SchemaKind.SCHEMAS, "Maps", allOf=[{"$ref": XDM + "context/profile"}, {"$ref": group}])
    dataset = shop.landing("Maps", schema)
    assert shop.labelled(dataset) == {f"_northwind.{path}": ["I1"] for path in ("people", "lists", "deep.maps")}
    found = EffectiveLabels(database).of(shop.caller.scope, dataset)
    assert hidden_in(found, frozenset({"I1"})) == set(found.fields)
    assert ("_northwind", "people", "street") not in found.known
    assert column_labels(found)["_northwind"].fields == {path[1:]: {"I1"} for path in found.fields}
