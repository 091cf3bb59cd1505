"""What expressions and policies decide."""

from typing import Any

import pytest

from flowservice.domain.deny import MAX_DEPTH, MAX_NODES, expression_document, expression_in, holds, mentioned
from flowservice.domain.label import CORE, CORE_LABELS
from flowservice.domain.marketing_action import CORE_ACTIONS, ActionRef, reference_in
from flowservice.domain.policy import CORE_POLICIES, CorePolicy, PolicyStatus, core_policies, violated
from flowservice.errors import BadField


def one(label: str) -> dict[str, Any]:
    return {"label": label}


def both(*operands: dict[str, Any]) -> dict[str, Any]:
    return {"operator": "AND", "operands": list(operands)}


def either(*operands: dict[str, Any]) -> dict[str, Any]:
    return {"operator": "OR", "operands": list(operands)}


A, B, C = one("A"), one("B"), one("C")


@pytest.mark.parametrize(
    ("deny", "met", "not_met"),
    [
        (A, ["A", "AB"], ["", "B", "a"]),
        (both(A), ["A"], ["", "B"]),
        (either(A), ["A"], ["", "B"]),
        (both(A, B), ["AB", "ABC"], ["", "A", "B", "C"]),
        (either(A, B), ["A", "B", "AB", "BC"], ["", "C"]),
        (both(A, either(B, C)), ["AB", "AC", "ABC"], ["", "A", "B", "BC"]),
        (either(A, both(B, C)), ["A", "BC", "ABC", "AB"], ["", "B", "C"]),
        (both(either(A, B), either(B, C)), ["B", "AC", "AB"], ["", "A", "C"]),
        (either(both(A, B), both(B, C)), ["AB", "BC", "ABC"], ["A", "B", "AC"]),
        (both(either(both(A, B), C), A), ["AB", "AC"], ["C", "A", "BC"]),
        (both(A, A), ["A"], ["B"]),
    ],
)
def test_an_expression_is_true_for_some_sets_of_labels_alone(
    deny: dict[str, Any], met: list[str], not_met: list[str]
) -> None:
    expression = expression_in(deny)
    assert [labels for labels in met if not holds(expression, frozenset(labels))] == []
    assert [labels for labels in not_met if holds(expression, frozenset(labels))] == []
    assert expression_document(expression) == deny


def test_labels_are_kept_by_their_bare_names_and_told() -> None:
    expression = expression_in(both(one("core/C2"), either(one("custom/LOYALTY"), one("I1"))))
    assert expression_document(expression) == both(one("C2"), either(one("LOYALTY"), one("I1")))
    assert mentioned(expression) == {"C2", "LOYALTY", "I1"}


def nested(levels: int) -> dict[str, Any]:
    return A if levels == 1 else both(nested(levels - 1))


@pytest.mark.parametrize(
    ("deny", "at"),
    [
        ({}, "deny: it has either"),
        ("A", "deny: it is no object"),
        ([], "deny: it is no object"),
        (None, "deny: it is no object"),
        (one(""), "deny/label"),
        (one(7), "deny/label"),  # type: ignore[arg-type]
        (one("x" * 256), "deny/label"),
        ({"label": "A", "operator": "AND", "operands": [B]}, "deny: it has either"),
        ({"label": "A", "operands": [B]}, "deny: it has either"),
        ({"operator": "AND"}, "deny/operands"),
        ({"operands": [A]}, "deny/operator"),
        ({"operator": "NOT", "operands": [A]}, "deny/operator"),
        ({"operator": "and", "operands": [A]}, "deny/operator"),
        ({"operator": ["AND"], "operands": [A]}, "deny/operator"),
        (both(), "deny/operands"),
        ({"operator": "AND", "operands": A}, "deny/operands"),
        ({"operator": "AND", "operands": ["A"]}, "deny/operands/0: it is no object"),
        (both(A, either(B, {})), "deny/operands/1/operands/1: it has either"),
        (nested(MAX_DEPTH + 1), f"deny: .* {MAX_DEPTH} levels"),
        (both(*[A] * MAX_NODES), f"deny: .* {MAX_NODES} labels"),
        (both(*[both(*[A] * 24)] * 20), f"deny: .* {MAX_NODES} labels"),
    ],
)
def test_what_is_no_expression_says_where(deny: object, at: str) -> None:
    with pytest.raises(BadField, match=f"^{at}"):
        expression_in(deny)


def test_an_expression_may_be_as_deep_and_as_large_as_the_limits_say() -> None:
    assert holds(expression_in(nested(MAX_DEPTH)), {"A"})
    assert holds(expression_in(either(*[A] * (MAX_NODES - 1))), {"A"})


MAIL, EXPORT = ActionRef("core", "emailTargeting"), ActionRef("custom", "emailTargeting")


def policy(name: str, status: str, deny: dict[str, Any], *actions: ActionRef) -> CorePolicy:
    return CorePolicy(
        id=name,
        name=name,
        description="",
        actions=actions or (MAIL,),
        deny=expression_in(deny),
        status=PolicyStatus(status),
    )


ON = policy("on", "ENABLED", A)
DRAFT = policy("draft", "DRAFT", A)
OFF = policy("off", "DISABLED", A)
BOTH = policy("both", "ENABLED", both(A, B))
OTHER = policy("other", "ENABLED", A, EXPORT)
EACH = policy("each", "ENABLED", B, EXPORT, MAIL)


@pytest.mark.parametrize(
    ("action", "labels", "include_draft", "expected"),
    [
        (MAIL, "", False, []),
        (MAIL, "", True, []),
        (MAIL, "C", False, []),
        (MAIL, "A", False, ["on"]),
        (MAIL, "A", True, ["on", "draft"]),
        (MAIL, "B", False, ["each"]),
        (MAIL, "AB", False, ["on", "both", "each"]),
        (MAIL, "AB", True, ["on", "draft", "both", "each"]),
        # Of the same name, but another kind.
        (EXPORT, "A", True, ["other"]),
        (EXPORT, "AB", False, ["other", "each"]),
        (ActionRef("core", "analytics"), "AB", True, []),
    ],
)
def test_a_policy_is_violated_if_it_counts_names_the_action_and_its_expression_is_true(
    action: ActionRef, labels: str, include_draft: bool, expected: list[str]
) -> None:
    found = violated([ON, DRAFT, OFF, BOTH, OTHER, EACH], action, frozenset(labels), include_draft=include_draft)
    assert [one.id for one in found] == expected


def test_core_policies_speak_of_core_things_and_are_off_until_they_are_enabled() -> None:
    assert len({one.id for one in CORE_POLICIES}) == 11
    for one_policy in CORE_POLICIES:
        (action,) = one_policy.actions
        assert action.kind == CORE
        assert action.name in CORE_ACTIONS
        assert mentioned(one_policy.deny) <= CORE_LABELS.keys()
        assert one_policy.status is PolicyStatus.DISABLED
    assert {label for one_policy in CORE_POLICIES for label in mentioned(one_policy.deny)} == {
        f"C{number}" for number in range(2, 13)
    }
    on = [one_policy.id for one_policy in core_policies(["corepolicy_0003"]) if one_policy.status == "ENABLED"]
    assert on == ["corepolicy_0003"]


DENIED = {
    "corepolicy_0001": ("exportToThirdParty", {"C2"}),
    "corepolicy_0002": ("combineWithPII", {"C3"}),
    "corepolicy_0003": ("emailTargeting", {"C4", "C5"}),
    "corepolicy_0004": ("crossSiteTargeting", {"C4", "C5"}),
    "corepolicy_0005": ("onsiteAdvertising", {"C4", "C6"}),
    "corepolicy_0006": ("onsitePersonalization", {"C4", "C7"}),
    "corepolicy_0007": ("analytics", {"C8"}),
    "corepolicy_0008": ("dataScience", {"C9"}),
    "corepolicy_0009": ("singleIdentityPersonalization", {"C10"}),
    "corepolicy_0010": ("segmentMatch", {"C11"}),
    "corepolicy_0011": ("exportToThirdParty", {"C12"}),
}


@pytest.mark.parametrize("policy_id", DENIED)
def test_an_enabled_core_policy_denies_its_action_for_its_labels_and_nothing_else(policy_id: str) -> None:
    action, labels = DENIED[policy_id]
    found = {
        (name, label)
        for name in CORE_ACTIONS
        for label in CORE_LABELS
        if violated(core_policies([policy_id]), ActionRef(CORE, name), {label}, include_draft=True)
    }
    assert found == {(action, label) for label in labels}


def test_core_policies_that_are_off_do_not_count_as_drafts() -> None:
    every_label = frozenset(CORE_LABELS)
    for name in CORE_ACTIONS:
        assert violated(core_policies([]), ActionRef(CORE, name), every_label, include_draft=True) == []


@pytest.mark.parametrize(
    ("text", "kind", "name"),
    [
        ("https://example.test/data/foundation/dulepolicy/marketingActions/core/analytics", "core", "analytics"),
        ("https://example.test:443/marketingActions/custom/x y", "custom", "x y"),
        ("../marketingActions/custom/x%20y", "custom", "x y"),
        ("/dulepolicy/marketingActions/core/analytics", "core", "analytics"),
        ("marketingActions/core/analytics", "core", "analytics"),
        ("/dulepolicy/marketingActions/core/analytics/constraints", "core", "analytics"),
        ("../marketingActions/custom/constraints", "custom", "constraints"),
    ],
)  # fmt: skip
def test_a_reference_is_told_by_its_end(text: str, kind: str, name: str) -> None:
    assert reference_in(text, at="x") == ActionRef(kind, name)


@pytest.mark.parametrize(
    "text",
    ["", "analytics", "core/analytics", "marketingActions/analytics", "marketingActions/core/", "marketingActions//x",
     "x/marketingActions/other/x", "x/marketingActions/core/x/y", "x/marketingActions/core/x/",
     "xmarketingActions/core/x"],
)  # fmt: skip
def test_what_is_no_reference_is_refused(text: str) -> None:
    with pytest.raises(BadField, match=r"^refs/0: "):
        reference_in(text, at="refs/0")
