"""Forms and pages of the Schema Registry."""

from typing import Any

import pytest

from flowservice.api.registry_wire import Form, form_of, page, shown
from flowservice.errors import BadQuery

DOCUMENT = {
    "$id": "i",
    "meta:altId": "_i",
    "version": "1.0",
    "title": "T",
    "properties": {"title": {"type": "string", "title": "Title", "description": "D"}},
}


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        (None, Form()),
        ("*/*", Form()),
        ("application/json", Form()),
        ("application/vnd.adobe.xed+json; version=1", Form()),
        ("application/vnd.adobe.xdm+json;version=1.0", Form()),
        ("application/vnd.adobe.xed-id+json", Form(is_id=True)),
        ("application/vnd.adobe.xed-full+json;version=1", Form(is_full=True)),
        ("application/vnd.adobe.xdm-full+json; version=1", Form(is_full=True)),
        ("application/vnd.adobe.xed-full-notext+json; version=1", Form(is_full=True, has_texts=False)),
        ("application/vnd.adobe.xed-deprecatefield+json; version=1", Form(has_deprecations=True)),
        ("application/vnd.adobe.xed-full-desc+json; version=1", Form(is_full=True, is_described=True)),
        (
            "application/vnd.adobe.xdm-full-desc-flat-deprecated+json; version=1",
            Form(is_full=True, is_flat=True, is_described=True, has_deprecations=True),
        ),
        ("application/vnd.adobe.xdm-v2-link-id+json", Form(is_paged=True, is_link=True, is_id=True)),
    ],
)
def test_the_form_asked_for(accept: str | None, form: Form) -> None:
    assert form_of(accept) == form


def test_forms() -> None:
    assert shown(DOCUMENT, Form()) == DOCUMENT
    assert shown(DOCUMENT, Form(is_id=True)) == {"$id": "i", "meta:altId": "_i", "version": "1.0", "title": "T"}
    bare = shown(DOCUMENT, Form(has_texts=False))
    assert "title" not in bare
    assert bare["properties"] == {"title": {"type": "string"}}


def many() -> list[dict[str, Any]]:
    return [
        {
            "$id": f"i{n}",
            "title": f"T{n % 2}",
            "version": "1.0",
            "meta:extends": ["x"] if n % 2 else ["x", "y"],
            "number": 3 * n,
            "deep": {"inner": n},
            "flag": n % 2 == 0,
        }
        for n in range(5)
    ]


@pytest.mark.parametrize(
    ("properties", "ids"),
    [
        ([], "01234"),
        (["meta:extends==y"], "024"),
        (["meta:extends!=y"], "13"),
        (["title==T1", "meta:extends==x"], "13"),
        (["title~t1"], "13"),
        (["title~^T[1-9]$"], "13"),
        (["title~1.*,meta:extends==x"], "13"),
        (["meta:extends~^y$"], "024"),
        (["title==T1,meta:extends!=y"], "13"),
        (["number>9"], "4"),
        (["number<=9"], "0123"),
        (["deep/inner==2"], "2"),
        (["deep.inner"], "01234"),
        (["flag==true"], "024"),
        (["title>T0"], "13"),
        (["title"], "01234"),
        (["meta:class"], ""),
    ],
)
def test_conditions(properties: list[str], ids: str) -> None:
    found = page(many(), form=Form(), properties=properties)["results"]
    assert [one["$id"] for one in found] == [f"i{n}" for n in ids]


@pytest.mark.parametrize("pattern", ["(?=x)", "(", "[", r"(a)\1", "a{1000}{1000}{1000}", "x" * 1001])
def test_a_pattern_that_cannot_be_matched_in_linear_time_is_refused(pattern: str) -> None:
    with pytest.raises(BadQuery):
        page(many(), form=Form(), properties=[f"title~{pattern}"])


def test_a_pattern_that_makes_others_wait_for_ever_does_not() -> None:
    document = {**many()[0], "title": "a" * 5_000 + "!"}
    assert page([document], form=Form(), properties=["title~^(a+)+$"])["results"] == []


def test_numbers_are_ordered_as_numbers() -> None:
    found = page(many(), form=Form(), orderby="-number")["results"]
    assert [one["number"] for one in found] == [12, 9, 6, 3, 0]


def test_pages_follow_each_other_to_the_end() -> None:
    seen, start = [], None
    for _ in range(3):
        answer = page(many(), form=Form(), orderby="title,-$id", limit=2, start=start)
        seen += [one["$id"] for one in answer["results"]]
        start = answer["_page"]["next"]
    assert seen == ["i4", "i2", "i0", "i3", "i1"]
    assert start is None


def test_a_strange_start_is_refused() -> None:
    with pytest.raises(BadQuery):
        page(many(), form=Form(), start="-1")
