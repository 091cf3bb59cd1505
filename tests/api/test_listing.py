"""The filter grammar of lists."""

import pytest

from flowservice.api.listing import ListCall, condition, envelope, query
from flowservice.domain.query import Condition, Operator, Page
from flowservice.errors import BadQuery, EmptyFilterValue, UnknownFilterField, UnknownOperator, UnsupportedOperator


@pytest.mark.parametrize(
    ("text", "path", "operator", "values"),
    [
        ("state==enabled", "state", "==", ["enabled"]),
        ('name=="CRM to AEP"', "name", "==", ["CRM to AEP"]),
        ('name=="a,b"', "name", "==", ["a,b"]),
        ("id==a,b", "id", "==", ["a", "b"]),
        ("attributes.x=abc", "attributes.x", "==", ["abc"]),
        ("note==a=b==c", "note", "==", ["a=b==c"]),
        ("createdAt>=1670000000000", "createdAt", ">=", ["1670000000000"]),
        ("id!=x", "id", "!=", ["x"]),
        ("sourceConnectionIds[]==a", "sourceConnectionIds[]", "==", ["a"]),
        ("transformations[].params.mappingId==m", "transformations[].params.mappingId", "==", ["m"]),
    ],
)
def test_a_filter_is_path_operator_and_values(text: str, path: str, operator: str, values: list[str]) -> None:
    assert condition(text) == Condition(path=tuple(path.split(".")), operator=Operator(operator), values=tuple(values))


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", BadQuery),
        ("==x", BadQuery),
        ("state==", EmptyFilterValue),
        ("state==a,", EmptyFilterValue),
        ("name~x", UnsupportedOperator),
        ("a!>b", UnknownOperator),
        ("a=>b", UnknownOperator),
        ("id", BadQuery),
    ],
)
def test_what_is_no_filter_is_refused(text: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        condition(text)


def test_paths_of_the_wire_become_those_of_the_domain() -> None:
    call = ListCall(
        conditions=(condition("flowSpec.id==x"), condition("flowId==y")), order=(), limit=5, token=None, count=False
    )
    asked = query(call, {"flowSpec": "flow_spec", "flowId": "flow_id"})
    assert [item.path for item in asked.conditions] == [("flow_spec", "id"), ("flow_id",)]
    with pytest.raises(UnknownFilterField, match="flowId"):
        query(call, {"flowSpec": "flow_spec"})


def test_the_link_of_a_page_is_relative_and_holds_the_token_alone() -> None:
    page = Page(items=["a"], next="Zx81kQ")
    assert envelope(page, lambda item: {"id": item}, "flows") == {
        "items": [{"id": "a"}],
        "_links": {"next": {"href": "/flows?continuationToken=Zx81kQ"}},
    }
    assert envelope(Page(items=[]), lambda item: {"id": item}, "flows") == {"items": [], "_links": {}}
