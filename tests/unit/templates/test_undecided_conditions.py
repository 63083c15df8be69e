from __future__ import annotations

from typing import Any

from preflight.templates import undecided_conditions
from preflight.templates.intrinsic_functions import NO_VALUE

PROD = {"Fn::Equals": [{"Ref": "Stage"}, "prod"]}
TEST = {"Fn::Equals": ["test", {"Ref": "Stage"}]}
CONDITIONS: dict[str, Any] = {"Prod": PROD, "Test": TEST, "Small": {"Fn::Not": [{"Condition": "Prod"}]}}


def test_a_condition_and_its_opposite_never_hold_together() -> None:
    assert undecided_conditions.cases(CONDITIONS, {"Prod", "Small"}) == [
        {"Prod": True, "Small": False},
        {"Prod": False, "Small": True},
    ]


def test_a_value_is_never_equal_to_two_texts() -> None:
    assert {"Prod": True, "Test": True} not in undecided_conditions.cases(CONDITIONS, {"Prod", "Test"})


def test_conditions_of_conditions_are_evaluated() -> None:
    both = {**CONDITIONS, "Any": {"Fn::Or": [PROD, TEST]}, "All": {"Fn::And": [PROD, TEST]}}

    assert {case["All"] for case in undecided_conditions.cases(both, {"All"})} == {False}
    assert {case["Any"] for case in undecided_conditions.cases(both, {"Any"})} == {True, False}


def test_too_many_comparisons_are_not_taken_apart() -> None:
    many = {f"C{n}": {"Fn::Equals": [{"Ref": f"P{n}"}, "a"]} for n in range(5)}

    assert undecided_conditions.cases(many, set(many)) == []


def test_a_condition_that_is_not_declared_has_no_cases() -> None:
    assert undecided_conditions.cases({}, {"Nowhere"}) == []


def test_conditions_in_a_circle_have_no_cases() -> None:
    circle = {"A": {"Fn::Not": [{"Condition": "B"}]}, "B": {"Fn::Not": [{"Condition": "A"}]}}

    assert undecided_conditions.cases(circle, {"A"}) == []


def test_a_value_in_a_case_has_its_branches_and_no_novalue() -> None:
    value = {"a": {"Fn::If": ["Prod", "x", {"Ref": "AWS::NoValue"}]}, "b": [{"Fn::If": ["Prod", {"Ref": "AWS::NoValue"}, 1]}, 2]}

    assert undecided_conditions.in_case(value, {"Prod": True}) == {"a": "x", "b": [2]}
    assert undecided_conditions.in_case(value, {"Prod": False}) == {"b": [1, 2]}
    assert undecided_conditions.in_case({"Fn::If": ["Prod", {"Ref": "AWS::NoValue"}, 1]}, {"Prod": True}) is NO_VALUE


def test_the_names_of_conditions_are_found_in_branches_too() -> None:
    assert undecided_conditions.names_in([{"Fn::If": ["A", {"Fn::If": ["B", 1, 2]}, 3]}]) == {"A", "B"}
