from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from preflight.plan.draft import uses
from preflight.plan.draft.uses import MOST_TEXT, Use
from preflight.plan.resolved_stacks import ResolvedStacks
from tests.unit import growth

MakeEstate = Callable[..., ResolvedStacks]
LEVELS, NAMES = 5, tuple(f"P{number}" for number in range(8))


def template(value: Any, *names: str) -> str:
    topic = {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": value}}
    return json.dumps({"Parameters": {name: {"Type": "String"} for name in names}, "Resources": {"Topic": topic}})


def uses_of(make_estate: MakeEstate, text: str, **nested: str) -> dict[str, list[Use]]:
    estate = make_estate(has_plan=False, root=text, **nested)
    return uses.of_parameters(next(document for document in estate.documents if document.path.stem == "root" and document.parent is None))


def nested_substitutions(text: str, depth: int) -> Any:
    return {"Fn::Sub": [text, {"a": nested_substitutions(text, depth - 1)}]} if depth else {"Ref": "Name"}


def test_a_name_that_stands_twice_in_substitutions_within_each_other_is_one_use(make_estate: MakeEstate) -> None:
    found = uses_of(make_estate, template(nested_substitutions("${a}${a}", 10), "Name"))

    assert found == {"Name": [Use("AWS::SNS::Topic", ("TopicName",), before="")]}


def test_the_time_grows_with_the_levels_of_substitutions_and_not_with_their_names(make_estate: MakeEstate) -> None:
    def work(levels: int) -> Callable[[], object]:
        (document,) = make_estate(has_plan=False, root=template(nested_substitutions("${a}${a}", levels), "Name")).documents
        return lambda: uses.of_parameters(document)

    assert growth.ratio(work(5), work(15)) < 20  # 3, or 1024 if each level doubles it


def test_what_a_name_is_used_for_is_decided_where_it_stands_first(make_estate: MakeEstate) -> None:
    found = uses_of(make_estate, template({"Fn::Sub": "service/${Name}/${Name}"}, "Name"))

    assert [use.before for use in found["Name"]] == ["service/"]


@pytest.mark.parametrize(
    "value",
    [
        pytest.param({"Fn::Sub": f"{'x' * 9_000}${{Name}}"}, id="Fn::Sub"),
        pytest.param({"Fn::Join": ["", ["x" * 9_000, {"Ref": "Name"}]]}, id="Fn::Join"),
    ],
)
def test_of_a_long_text_in_front_only_the_beginning_is_kept(make_estate: MakeEstate, value: Any) -> None:
    found = uses_of(make_estate, template(value, "Name"))

    assert [use.before for use in found["Name"]] == ["x" * MOST_TEXT]


def passing(child: str) -> str:
    """A template that gives the sum of its parameters to each parameter of a nested one."""
    value = {"Fn::Join": ["", [{"Ref": name} for name in NAMES]]}
    nested = {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": f"./{child}.yaml", "Parameters": dict.fromkeys(NAMES, value)}}
    return json.dumps({"Parameters": {name: {"Type": "String"} for name in NAMES}, "Resources": {"Nested": nested}})


def test_a_use_that_many_parameters_of_nested_stacks_lead_to_is_one(make_estate: MakeEstate) -> None:
    nested = {f"level{level}": passing(f"level{level + 1}") for level in range(1, LEVELS)}
    last = template({"Ref": NAMES[0]}, *NAMES)

    found = uses_of(make_estate, passing("level1"), **nested, **{f"level{LEVELS}": last})

    assert found == {name: [Use("AWS::SNS::Topic", ("TopicName",))] for name in NAMES}


NAME = {"Ref": "Name"}


@pytest.mark.parametrize(
    "condition",
    [
        pytest.param({"Fn::Equals": [NAME, "none"]}, id="the text second"),
        pytest.param({"Fn::Equals": ["none", NAME]}, id="the text first"),
        pytest.param({"Fn::Not": [{"Fn::Or": [{"Fn::And": [{"Condition": "A"}, {"Fn::Equals": [NAME, "none"]}]}]}]}, id="within other functions"),
        pytest.param({"Fn::Equals": [{"Fn::Sub": "${Name}"}, "none"]}, id="as the whole text of Fn::Sub"),
        pytest.param({"Fn::Equals": [{"Fn::Join": ["", NAME]}, "none"]}, id="a list as one text"),
    ],
)
def test_a_comparison_in_a_condition_is_a_use(make_estate: MakeEstate, condition: Any) -> None:
    text = {"Parameters": {"Name": {"Type": "String"}}, "Conditions": {"Is": condition}, "Resources": {}}

    found = uses_of(make_estate, json.dumps(text))

    assert [use.compared for use in found["Name"]] == ["none"]


@pytest.mark.parametrize(
    "condition",
    [
        pytest.param({"Fn::Equals": [{"Fn::Sub": "a-${Name}"}, "none"]}, id="a part of a text"),
        pytest.param({"Fn::Equals": [NAME, {"Ref": "AWS::Region"}]}, id="no text"),
        pytest.param({"Fn::Equals": [NAME]}, id="one side"),
        pytest.param({"Fn::Equals": "none"}, id="no list"),
    ],
)
def test_what_is_not_compared_with_a_text_is_no_use(make_estate: MakeEstate, condition: Any) -> None:
    text = {"Parameters": {"Name": {"Type": "String"}}, "Conditions": {"Is": condition}, "Resources": {}}

    assert uses_of(make_estate, json.dumps(text)) == {"Name": []}
