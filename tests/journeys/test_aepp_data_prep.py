"""The unmodified `aepp` client: its class DataPrep, from a first mapping set to one that another sandbox takes over."""

from typing import Any

import pytest

from tests.journeys.aepp_client import told_by
from tests.live import Server

PROGRAM = """
from aepp import catalog, dataprep, schema
from aepp.fieldgroupmanager import FieldGroupManager
from aepp.schemamanager import SchemaManager

registry = schema.Schema()
tenant = "_" + registry.getTenantId()
fields = FieldGroupManager(schemaAPI=registry, title="Visitors of the shop", fg_class=["profile"])
fields.addField(tenant, "object", title="Own")
fields.addField(tenant + ".crm", "string", title="CRM id")
fields.addField(tenant + ".visits", "long", title="Visits")
fields.createFieldGroup()
made = SchemaManager(schemaAPI=registry, title="Visitor", schemaClass="https://ns.adobe.com/xdm/context/profile")
made.addFieldGroup("https://ns.adobe.com/xdm/context/profile-person-details")
made.addFieldGroup(fields.id)
made.createSchema()
(reference,) = catalog.Catalog().createDataSet(name="Visitors", schemaId=made.id)
told["tenant"], told["schema"] = tenant, made.id

prep = dataprep.DataPrep()
rules = [
    {"sourceType": "ATTRIBUTE", "source": "id", "destination": "_id"},
    {"sourceType": "EXPRESSION", "source": "upper(crm)", "destination": tenant + ".crm"},
]
created = prep.createMappingSet(schemaId=made.id, mappingList=rules)
told["created"] = created
set_id = created["id"]
told["read"] = prep.getMappingSet(set_id)
told["rules"] = prep.getMappingSet(set_id, mappingRulesOnly=True)
told["updated"] = prep.updateMappingSet(set_id, rules + [
    {"sourceType": "EXPRESSION", "source": "to_integer(visits)", "destination": tenant + ".visits"}])
told["mappings"] = prep.getMappingSetMappings(set_id)
last = {"sourceType": "ATTRIBUTE", "source": "last", "destination": "person.name.lastName"}
added = prep.createMappingSetMapping(set_id, last)
told["added"] = added
told["changed"] = prep.updateMappingSetMapping(set_id, added["id"], {
    "sourceType": "EXPRESSION", "source": "trim(last)", "destination": "person.name.lastName"})
told["one"] = prep.getMappingSetMapping(set_id, added["id"])
told["removed"] = prep.deleteMappingSetMapping(set_id, added["id"])
whole = prep.getMappingSet(set_id)
told["cleaned"] = prep.cleanMappingRules(whole)
told["copied"] = prep.copyMappingRules(whole, tenantId="other")
told["again"] = prep.createMappingSet(mappingSet={**whole, "name": "Visitors, again"}, validate=True)
told["found"] = [one["id"] for one in prep.getMappingSets(name="Visitors, again")]
told["of_schema"] = [one["id"] for one in prep.getMappingSets(prop=f"xdmSchema=={made.id}", limit=100)]
told["previewed"] = prep.previewDataOutput(
    data={"id": 1234, "crm": "ab", "visits": "seven"}, mappingSet=whole)
told["functions"] = len(prep.getMappingSetFunctions())
told["operators"] = len(prep.getMappingSetOperators())
told["valid"] = prep.validateExpression("concat(a, b)")
told["invalid"] = prep.validateExpression("concat(a, b")
told["refused"] = prep.createMappingSet(schemaId=made.id, mappingList=[
    {"sourceType": "EXPRESSION", "source": "uper(crm)", "destination": tenant + ".crm"}])
told["suggested"] = prep.getMappingSuggestions(dataSetId=reference.rpartition("/")[2])
told["deleted"] = prep.deleteMappingSet(told["again"]["id"])
told["gone"] = prep.getMappingSet(told["again"]["id"])
"""


@pytest.fixture(scope="module")
def told(server: Server) -> dict[str, Any]:
    """What the program saw."""
    return told_by(server, PROGRAM)


def test_a_set_is_made_read_changed_and_deleted(told: dict[str, Any]) -> None:
    assert told["created"]["version"] == 0
    assert [rule["source"] for rule in told["read"]["mappings"]] == ["id", "upper(crm)"]
    assert told["read"]["outputSchema"]["schemaRef"]["id"] == told["schema"]
    assert [rule["destination"] for rule in told["rules"]] == ["_id", f"{told['tenant']}.crm"]
    assert told["updated"]["version"] == 1
    assert told["deleted"] == 204
    assert told["gone"]["status"] == 404


def test_single_mappings_are_added_changed_read_and_removed(told: dict[str, Any]) -> None:
    assert [rule["source"] for rule in told["mappings"]] == ["id", "upper(crm)", "to_integer(visits)"]
    assert told["added"]["destination"] == "person.name.lastName"
    assert told["changed"]["id"] == told["one"]["id"] == told["added"]["id"]
    assert told["one"]["source"] == "trim(last)"
    assert told["removed"] == 204
    assert len(told["cleaned"]) == 3


def test_rules_are_cleaned_and_copied_to_another_tenant(told: dict[str, Any]) -> None:
    assert told["cleaned"][1] == {
        "sourceType": "EXPRESSION",
        "source": "upper(crm)",
        "destination": f"{told['tenant']}.crm",
    }
    assert told["copied"][1]["destination"] == "_other.crm"


def test_sets_are_found_by_name_and_schema(told: dict[str, Any]) -> None:
    assert told["found"] == [told["again"]["id"]]
    assert set(told["of_schema"]) == {told["created"]["id"], told["again"]["id"]}


def test_rows_and_expressions_are_tried(told: dict[str, Any]) -> None:
    (row,) = told["previewed"]
    assert row["data"] == {"_id": "1234", told["tenant"]: {"crm": "AB"}}
    assert [error["destination"] for error in row["errors"]] == [f"{told['tenant']}.visits"]
    assert told["functions"] > 90
    assert told["operators"] >= 15
    assert told["valid"]["validationStatus"] == "succeeded"
    assert told["invalid"]["validationStatus"] == "failed"
    assert "there is no function 'uper'" in told["refused"]["detail"]


def test_suggestions_need_a_flow_or_columns(told: dict[str, Any]) -> None:
    assert "no flow writes into the dataset" in told["suggested"]["detail"]
