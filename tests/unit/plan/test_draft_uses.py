from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from preflight.plan.draft import uses
from preflight.plan.draft.uses import MOST_TEXT, Use
from preflight.plan.resolved_stacks import ResolvedStacks

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


def test_a_name_that_stands_twice_in_substitutions_within_each_other_is_walked_once(make_estate: MakeEstate) -> None:
    began = time.monotonic()

    found = uses_of(make_estate, template(nested_substitutions("${a}${a}", 40), "Name"))

    assert found == {"Name": [Use("AWS::SNS::Topic", ("TopicName",), before="")]}
    assert time.monotonic() - began < 5


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
