from __future__ import annotations

from typing import Any

import pytest

from preflight.templates import intrinsic_functions
from preflight.templates.intrinsic_functions import ResolutionContext
from preflight.templates.partial import PartialResolver


def resolver(**conditions: Any) -> PartialResolver:
    return PartialResolver(ResolutionContext({"Conditions": conditions}))


@pytest.mark.parametrize(
    "condition",
    [
        pytest.param({"Fn::Equals": [{"Ref": "P"}, "a"]}, id="needs a parameter"),
        pytest.param({"Fn::Equals": ["a"]}, id="the wrong arguments"),
        pytest.param({"Fn::Not": [{"Condition": "C"}]}, id="depends on itself"),
        pytest.param({"Fn::Not": [{"Condition": "Nope"}]}, id="needs one that is not there"),
        pytest.param({"Fn::And": "text"}, id="no list"),
        pytest.param([], id="no function"),
        pytest.param(None, id="nothing"),
    ],
)
def test_what_nobody_can_decide_is_undecided_each_time(condition: Any) -> None:
    asked = resolver(C=condition)

    assert [asked.is_undecided("C"), asked.is_undecided("C")] == [True, True]


def test_a_branch_of_nothing_is_written_as_such() -> None:
    asked = PartialResolver(ResolutionContext({"Conditions": {"C": {"Ref": "P"}}}, pseudo={"AWS::NoValue": intrinsic_functions.NO_VALUE}))

    assert asked.value({"Fn::If": ["C", "a", {"Ref": "AWS::NoValue"}]}) == {"Fn::If": ["C", "a", {"Ref": "AWS::NoValue"}]}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        pytest.param("${A.Arn}", {"Fn::GetAtt": ["A", "Arn"]}, id="one reference"),
        pytest.param("${A}", {"Ref": "A"}, id="one name"),
        pytest.param(["${X}", {"X": {"Ref": "A"}}], {"Ref": "A"}, id="one name of its own map"),
        pytest.param("x-${A}", {"Fn::Sub": "x-${A}"}, id="a reference with more"),
        pytest.param("${A}${B}", {"Fn::Sub": "${A}${B}"}, id="two references"),
    ],
)
def test_a_text_that_is_one_reference_becomes_it(text: Any, value: Any) -> None:
    assert resolver().value({"Fn::Sub": text}) == value
