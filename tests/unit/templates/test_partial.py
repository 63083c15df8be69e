from __future__ import annotations

from typing import Any

import pytest

from preflight.templates import functions as resolve
from preflight.templates import partial as tolerant


def resolver(**conditions: Any) -> tolerant.Resolver:
    return tolerant.Resolver(resolve.Scope({"Conditions": conditions}))


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
    asked = tolerant.Resolver(resolve.Scope({"Conditions": {"C": {"Ref": "P"}}}, pseudo={"AWS::NoValue": resolve.NO_VALUE}))

    assert asked.value({"Fn::If": ["C", "a", {"Ref": "AWS::NoValue"}]}) == {"Fn::If": ["C", "a", {"Ref": "AWS::NoValue"}]}
