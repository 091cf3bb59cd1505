"""The table of functions: names, arities, and what is said of a wrong one."""

import pytest

from flowservice.domain.expressions.parsing import parse
from flowservice.domain.expressions.signatures import SIGNATURES, check_arity, signature_of
from flowservice.errors import BadExpression


def test_every_function_tells_what_it_does_and_its_example_is_an_expression() -> None:
    for signature in SIGNATURES.values():
        assert signature.description.endswith(".")
        assert f"{signature.name}(" in signature.example
        parse(signature.example)


def test_an_alias_is_the_same_function() -> None:
    assert signature_of("lcase") is signature_of("lower")
    assert signature_of("guid").name == "uuid"


@pytest.mark.parametrize(
    ("name", "meant"),
    [("lowr", "lower"), ("Concat", "concat"), ("filterarray", "filterArray"), ("toInteger", "to_integer")],
)
def test_a_name_that_is_nearly_right_is_told(name: str, meant: str) -> None:
    with pytest.raises(BadExpression, match=f"character 8: there is no function '{name}'") as raised:
        signature_of(name, at=7)
    assert meant in raised.value.advice


def test_a_name_like_no_other_leads_to_the_list() -> None:
    with pytest.raises(BadExpression) as raised:
        signature_of("xyzzy")
    assert "docs/expressions.md" in raised.value.advice


def test_a_method_called_as_a_function_is_told_how_it_is_written() -> None:
    with pytest.raises(BadExpression, match="'equals' is a method") as raised:
        signature_of("equals", is_method=False)
    assert "receiver.equals(other)" in raised.value.advice
    with pytest.raises(BadExpression, match="'lower' is a function"):
        signature_of("lower", is_method=True)


@pytest.mark.parametrize(
    ("name", "least", "most"),
    [("lower", 1, 1), ("instr", 2, 4), ("concat", 1, None), ("now", 0, 0), ("equals", 2, 2), ("decode", 2, None)],
)
def test_arity_follows_from_the_parameters(name: str, least: int, most: int | None) -> None:
    signature = signature_of(name)
    assert (signature.least, signature.most) == (least, most)
    check_arity(signature, least)
    with pytest.raises(BadExpression):
        check_arity(signature, least - 1)
    if most is None:
        check_arity(signature, 99)
    else:
        with pytest.raises(BadExpression):
            check_arity(signature, most + 1)


@pytest.mark.parametrize(
    ("name", "count", "message"),
    [
        ("lower", 2, "lower takes 1 argument, not 2"),
        ("instr", 5, "instr takes 2 to 4 arguments, not 5"),
        ("concat", 0, "concat takes at least 1 argument, not 0"),
        ("equals", 1, "equals takes 1 argument, not 0"),
    ],
)
def test_a_wrong_number_of_arguments_is_told_in_words(name: str, count: int, message: str) -> None:
    with pytest.raises(BadExpression, match=message) as raised:
        check_arity(signature_of(name), count)
    assert signature_of(name).syntax in raised.value.advice
