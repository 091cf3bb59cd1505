"""The filter grammar of lists, their orders and tokens."""

import base64
import json
import zlib
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowservice.api.listing import Fields, Said, asked, counting, envelope, query
from flowservice.api.property_filter import condition, parsed, paths
from flowservice.domain.query import Condition, Operator, Order, Page
from flowservice.domain.search import projected
from flowservice.errors import (
    BadQuery,
    BadSortPrefix,
    BadToken,
    EmptyFilterValue,
    Error,
    FilterTooLarge,
    LimitWithCount,
    SeveralValues,
    UnfilterableField,
    UnknownFilterField,
    UnknownOperator,
    UnsortableField,
    UnsupportedOperator,
)

FIELDS = Fields(names=frozenset({"name", "flowSpec", "auth", "params"}), hidden=frozenset({("auth", "params")}))


@pytest.mark.parametrize(
    ("text", "path", "operator", "values"),
    [
        ("state==enabled", "state", "==", ["enabled"]),
        (" state == enabled ", "state", "==", ["enabled"]),
        ('name=="CRM to AEP"', "name", "==", ["CRM to AEP"]),
        ('name=="a,b"', "name", "==", ["a,b"]),
        ('name=="a,b","c"', "name", "==", ["a,b", "c"]),
        ('name=="a,b", c', "name", "==", ["a,b", "c"]),
        (r'name=="say \"hi\""', "name", "==", ['say "hi"']),
        ('name=="half', "name", "==", ['"half']),
        ('name==5" pipe', "name", "==", ['5" pipe']),
        ('name=="a && b"', "name", "==", ["a && b"]),
        ("id==a,b", "id", "==", ["a", "b"]),
        ("attributes.x=abc", "attributes.x", "==", ["abc"]),
        ('attributes.x="abc"', "attributes.x", "==", ["abc"]),
        ("note==a=b==c", "note", "==", ["a=b==c"]),
        ("note===b", "note", "==", ["=b"]),
        ("note==>b", "note", "==", [">b"]),
        ("note==!b~c", "note", "==", ["!b~c"]),
        ("createdAt>=1670000000000", "createdAt", ">=", ["1670000000000"]),
        ("createdAt<-5", "createdAt", "<", ["-5"]),
        ("id!=x", "id", "!=", ["x"]),
        ("id!=x,y", "id", "!=", ["x", "y"]),
        ("sourceConnectionIds[]==a", "sourceConnectionIds", "==", ["a"]),
        ("transformations[].params.mappingId==m", "transformations.params.mappingId", "==", ["m"]),
        ("options.x:y@z==m", "options.x:y@z", "==", ["m"]),
    ],
)
def test_a_filter_is_path_operator_and_values(text: str, path: str, operator: str, values: list[str]) -> None:
    assert condition(text) == Condition(path=tuple(path.split(".")), operator=Operator(operator), values=tuple(values))


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("==x", BadQuery),
        ("a..b==x", BadQuery),
        ("a[0]==x", BadQuery),
        ("a[b]==x", BadQuery),
        ("a\x00==x", BadQuery),
        ("state==", EmptyFilterValue),
        ("state=", EmptyFilterValue),
        ("createdAt>", EmptyFilterValue),
        ('state==""', EmptyFilterValue),
        ("state==a,", EmptyFilterValue),
        ("state==,a", EmptyFilterValue),
        ('state=="a",', EmptyFilterValue),
        ("name~x", UnsupportedOperator),
        ("name=~x", UnsupportedOperator),
        ("name!~x", UnsupportedOperator),
        ("a!>b", UnknownOperator),
        ("a=>b", UnknownOperator),
        ("a<>b", UnknownOperator),
        ("a!b", UnknownOperator),
        ("a&&b==c", UnknownOperator),
        ("a==b&&c==d", UnknownOperator),
        ("a==b||c==d", UnknownOperator),
        ("createdAt<1,2", SeveralValues),
        ("a==" + "x" * 4_001, FilterTooLarge),
        (".".join("abcdefghijklmnopq") + "==x", FilterTooLarge),
        ("a" * 201 + "==x", FilterTooLarge),
    ],
)
def test_what_is_no_filter_is_refused(text: str, error: type[Exception]) -> None:
    with pytest.raises(error) as caught:
        condition(text)
    assert type(caught.value) is error


def test_a_call_holds_so_many_conditions_and_values() -> None:
    assert len(parsed(["id==" + ",".join("a" * 100)])[0][0].values) == 100
    with pytest.raises(FilterTooLarge):
        parsed(["id==" + ",".join("a" * 101)])
    with pytest.raises(FilterTooLarge):
        parsed(["id==a"] * 21)


def test_paths_without_a_value_are_those_to_show() -> None:
    assert parsed(["id,name", "state==enabled", "name,params.tableName"]) == (
        (condition("state==enabled"),),
        (("id",), ("name",), ("params", "tableName")),
    )
    assert paths("a.b[].c") == (("a", "b", "c"),)
    with pytest.raises(BadQuery):
        parsed([""])


def test_only_the_paths_asked_for_are_shown() -> None:
    document = {"id": 1, "a": {"b": 2, "c": 3}, "list": [{"x": 1, "y": 2}, {"y": 3}], "n": None}
    assert projected(document, (("id",), ("a", "c"), ("list", "y"), ("n", "deep"), ("missing",))) == {
        "id": 1,
        "a": {"c": 3},
        "list": [{"y": 2}, {"y": 3}],
        "n": None,
    }
    assert projected(document, (("a", "b"), ("a",))) == {"a": {"b": 2, "c": 3}}


def call(*texts: str, orderby: str = "", limit: int | None = None, count: bool = False, token: str = "") -> object:
    """A meaning, with the most of a list."""
    return asked(Said(texts=texts, orderby=orderby, limit=limit), count=count, token=token, most=100)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("nothing==x", UnknownFilterField),
        ("auth.params.key==x", UnfilterableField),
        ("auth.params==x", UnfilterableField),
        ("nothing", UnknownFilterField),
    ],
)
def test_only_fields_of_the_resource_are_filtered_by(text: str, error: type[Error]) -> None:
    meant = asked(Said(texts=(text,)), count=False, token="", most=100)
    with pytest.raises(error):
        query(meant, FIELDS, 100)


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("name", [("name", False)]),
        ("+name", [("name", False)]),
        (" name", [("name", False)]),
        ("-name,flowSpec.id", [("name", True), ("flowSpec.id", False)]),
    ],
)
def test_an_order_has_several_keys(text: str, keys: list[tuple[str, bool]]) -> None:
    meant = asked(Said(orderby=text), count=False, token="", most=100)
    assert query(meant, FIELDS, 100).order == tuple(
        Order(path=tuple(path.split(".")), descending=down) for path, down in keys
    )


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("*name", BadSortPrefix),
        ("--name", BadSortPrefix),
        ("5", BadSortPrefix),
        ("name,", UnsortableField),
        ("-", UnsortableField),
        ("nothing", UnsortableField),
        ("auth.params.key", UnsortableField),
        ("name[0]", UnsortableField),
        (",".join(["name"] * 6), FilterTooLarge),
    ],
)
def test_what_is_no_order_is_refused(text: str, error: type[Error]) -> None:
    with pytest.raises(error):
        query(asked(Said(orderby=text), count=False, token="", most=100), FIELDS, 100)


def test_limit_and_count_exclude_each_other() -> None:
    with pytest.raises(LimitWithCount):
        call(limit=5, count=True)
    for limit in (0, 101, -1):
        with pytest.raises(BadQuery):
            call(limit=limit)
    assert counting("TRUE")
    assert not counting("False")
    assert not counting("")
    with pytest.raises(BadQuery):
        counting("maybe")


def token_of(*texts: str, orderby: str = "", limit: int | None = None, after: str = "W10") -> str:
    """The token of the link that such a call gets."""
    said = Said(texts=texts, orderby=orderby, limit=limit)
    page: Page[dict[str, str]] = Page(items=[], next=after)
    answer = envelope(page, dict, "flows", asked(said, count=False, token="", most=100))
    href: str = answer["_links"]["next"]["href"]
    name, _, token = href.partition("=")
    assert name == "/flows?continuationToken"
    assert token.replace("-", "").replace("_", "").isalnum()
    return token


def test_the_last_page_has_no_link() -> None:
    assert envelope(Page(items=[{"id": "a", "b": 1}]), dict, "flows", asked(Said(), count=False, token="", most=9)) == {
        "items": [{"id": "a", "b": 1}],
        "_links": {},
    }


def test_a_token_alone_goes_on_with_the_whole_call() -> None:
    token = token_of("name==a,b", "name,params", orderby="-name", limit=7)
    alone = asked(Said(), count=False, token=token, most=100)
    again = asked(
        Said(texts=("name==a,b", "name,params"), orderby="-name", limit=7), count=False, token=token, most=100
    )
    assert alone == again
    assert query(alone, FIELDS, 100).limit == 7
    assert query(alone, FIELDS, 100).after == "W10"
    assert alone.shown == (("name",), ("params",))


def test_a_token_takes_another_limit_and_refuses_another_query() -> None:
    token = token_of("name==a", orderby="name", limit=7)
    assert asked(Said(limit=3), count=False, token=token, most=100).said.limit == 3
    for other in (Said(texts=("name==b",)), Said(texts=("name==a", "name==b")), Said(orderby="-name")):
        with pytest.raises(BadToken):
            asked(other, count=False, token=token, most=100)
    with pytest.raises(BadToken):
        asked(Said(texts=("name==a",)), count=False, token=token_of(), most=100)


def packed(parts: object) -> str:
    """A token of whatever parts."""
    return base64.urlsafe_b64encode(zlib.compress(json.dumps(parts).encode())).decode().rstrip("=")


@pytest.mark.parametrize(
    "token",
    [
        "x",
        "é",
        "\0",
        "W10",
        "a" * 40_000,
        packed([]),
        packed({}),
        packed(None),
        packed([[], "", "", None, 5]),
        packed([[], "", "", True, "x", "y"]),
        packed([[], "", "", 0, "x"]),
        packed([[], "", "", "7", "x"]),
        packed([["name~x"], "", "", None, "x"]),
        packed([[1], "", "", None, "x"]),
        packed([[], "*name", "", None, "x"]),
        packed([["a==b"] * 1_000, "", "", None, "x"]),
        packed("a" * 5_000_000),
        packed(json.loads("[" * 900 + "]" * 900)),
    ],
)
def test_a_forged_token_is_refused(token: str) -> None:
    with pytest.raises(BadToken):
        call(token=token)


@given(st.text(max_size=60), st.text(max_size=20), st.text(max_size=80))
def test_whatever_is_sent_is_understood_or_refused(text: str, orderby: str, token: str) -> None:
    with suppress(BadQuery):
        query(asked(Said(texts=(text,), orderby=orderby), count=False, token=token, most=100), FIELDS, 100)


def test_a_page_without_a_size_of_its_own_is_followed_by_one_of_the_same_size() -> None:
    first = asked(Said(texts=("name==a",)), count=False, token="", most=100)
    link = envelope(Page(items=[], next="k"), dict, "flows", first)["_links"]["next"]["href"]
    token = link.partition("=")[2]
    assert asked(Said(), count=False, token=token, most=100).said.limit is None
    assert asked(Said(limit=7), count=False, token=token, most=100).said.limit == 7


def test_a_condition_of_a_million_commas_is_refused() -> None:
    with pytest.raises(FilterTooLarge):
        condition("name==" + "," * 1_000_000)
