from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from preflight.templates import intrinsic_functions, parameters
from preflight.templates.intrinsic_functions import FunctionResolver, ResolutionContext, ResolveError

DATA = {
    "Mappings": {"M": {"a": {"b": "found"}}},
    "Conditions": {
        "Yes": {"Fn::Equals": ["1", 1]},
        "No": {"Fn::Not": [{"Condition": "Yes"}]},
        "Loop": {"Condition": "Loop"},
    },
}
PSEUDO = parameters.pseudo_parameters(region="cn-north-1", account="123456789012", stack_name="s", stack_id="arn:s")


def made(**more: Any) -> FunctionResolver:
    return FunctionResolver(ResolutionContext(DATA, {"P": "80", "L": ["x", "y"]}, PSEUDO, **more))


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        pytest.param({"Ref": "P"}, "80", id="Ref to a parameter"),
        pytest.param({"Ref": "AWS::Partition"}, "aws-cn", id="the partition follows the region"),
        pytest.param({"Fn::Sub": "${P}-${AWS::URLSuffix}-${!P}"}, "80-amazonaws.com.cn-${P}", id="Sub"),
        pytest.param({"Fn::Sub": ["${A}${P}", {"A": {"Ref": "L"}}]}, "x,y80", id="Sub with a map"),
        pytest.param({"Fn::Join": ["-", [{"Ref": "P"}, "b", 1, True]]}, "80-b-1-true", id="Join"),
        pytest.param({"Fn::Join": [",", {"Ref": "L"}]}, "x,y", id="Join of a list parameter"),
        pytest.param({"Fn::Split": [",", "a,b"]}, ["a", "b"], id="Split"),
        pytest.param({"Fn::Select": ["1", {"Ref": "L"}]}, "y", id="Select"),
        pytest.param({"Fn::Select": [0, {"Fn::GetAZs": ""}]}, "cn-north-1a", id="GetAZs of this region"),
        pytest.param({"Fn::FindInMap": ["M", "a", "b"]}, "found", id="FindInMap"),
        pytest.param({"Fn::FindInMap": ["M", "z", "b", {"DefaultValue": "d"}]}, "d", id="FindInMap with a default"),
        pytest.param({"Fn::If": ["Yes", 1, {"Fn::Nope": 1}]}, 1, id="If evaluates only the chosen branch"),
        pytest.param({"Fn::If": ["No", 1, 2]}, 2, id="If with a condition on a condition"),
        *(
            pytest.param({name: [{"Condition": word} for word in words.split()]}, is_true, id=f"{name} of {words}")
            for name, words, is_true in [
                ("Fn::And", "Yes Yes", True),
                ("Fn::And", "Yes No", False),
                ("Fn::And", "No Yes", False),
                ("Fn::And", "No No", False),
                ("Fn::Or", "Yes Yes", True),
                ("Fn::Or", "Yes No", True),
                ("Fn::Or", "No Yes", True),
                ("Fn::Or", "No No", False),
            ]
        ),
        pytest.param({"Fn::And": [{"Condition": "Yes"}] * 10}, True, id="And of ten"),
        pytest.param({"Fn::Or": [{"Condition": "No"}] * 10}, False, id="Or of ten"),
        pytest.param({"Fn::Base64": "hi"}, "aGk=", id="Base64"),
        pytest.param({"Fn::Cidr": ["10.0.0.0/16", 2, 8]}, ["10.0.0.0/24", "10.0.1.0/24"], id="Cidr"),
        pytest.param({"Fn::Length": {"Ref": "L"}}, 2, id="Length"),
        pytest.param({"Fn::ToJsonString": {"a": {"Ref": "P"}}}, '{"a":"80"}', id="ToJsonString"),
        pytest.param(
            {"A": {"Ref": "AWS::NoValue"}, "B": [1, {"Ref": "AWS::NoValue"}]}, {"B": [1]}, id="NoValue removes"
        ),
        pytest.param({"Ref": "Vpc"}, {"Ref": "Vpc"}, id="a resource stays a reference"),
        pytest.param({"Fn::GetAtt": ["R", "Arn"]}, {"Fn::GetAtt": ["R", "Arn"]}, id="an attribute stays one"),
        pytest.param({"Fn::Sub": "${P}/${Vpc}"}, {"Fn::Sub": "80/${Vpc}"}, id="Sub keeps what it cannot know"),
        pytest.param(
            {"Fn::Join": ["", [{"Ref": "P"}, {"Ref": "Vpc"}]]},
            {"Fn::Join": ["", ["80", {"Ref": "Vpc"}]]},
            id="Join keeps it",
        ),
        pytest.param(
            {"Version": "2012-10-17", "Condition": {"Bool": {"a": "b"}}},
            {"Version": "2012-10-17", "Condition": {"Bool": {"a": "b"}}},
            id="a Condition of IAM is no function",
        ),
    ],
)
def test_value(given: Any, wanted: Any) -> None:
    assert made().value(given) == wanted


@pytest.mark.parametrize(
    ("given", "said"),
    [
        pytest.param(
            {"Fn::GetAtt": "R"},
            "every Fn::GetAtt object requires two non-empty parameters",
            id="GetAtt without attribute",
        ),
        pytest.param(
            {"Fn::Equals": ["a"]}, "every Fn::Equals object requires a list of 2 string parameters", id="Equals of one"
        ),
        pytest.param(
            {"Fn::If": ["Nope", 1, 2]},
            "unresolved condition dependency Nope in Fn::If",
            id="If of an unknown condition",
        ),
        pytest.param(
            {"Fn::Select": [9, ["a"]]},
            "Fn::Select cannot select nonexistent value at index 9",
            id="Select out of range",
        ),
        pytest.param({"Fn::Select": "a"}, "Fn::Select requires a list argument", id="Select of a text"),
        pytest.param({"Fn::Split": ["a"]}, "every Fn::Split object requires two parameters", id="Split of one"),
        pytest.param({"Fn::Join": ["a"]}, "every Fn::Join object requires two parameters", id="Join of one"),
        pytest.param({"Fn::FindInMap": ["M", "z", "b"]}, "Unable to get mapping for M::z::b", id="FindInMap misses"),
        pytest.param({"Fn::ImportValue": "e"}, "No export named e found", id="ImportValue of nothing"),
        pytest.param({"Fn::Cidr": ["10.0.0.0/16", 999, 8]}, "Fn::Cidr", id="Cidr of too many"),
        pytest.param({"Fn::If": ["Loop", 1, 2]}, "circular condition dependency", id="a condition on itself"),
        *(
            pytest.param(
                {name: [{"Condition": "Yes"}] * count},
                f"every {name} object requires a list of at least 2 and at most 10 boolean parameters",
                id=f"{name} of {count}",
            )
            for name in ("Fn::And", "Fn::Or")
            for count in (1, 11)
        ),
        pytest.param({"Fn::And": "text"}, "every Fn::And object requires a list", id="And of a text"),
        pytest.param({"Fn::Or": ["yes", "no"]}, "Conditions can only be boolean operations", id="Or of other texts"),
        pytest.param({"Fn::Base64": "\ud800"}, "every Fn::Base64 object must have", id="Base64 of half a character"),
        pytest.param({"Fn::Cidr": ["10.0.0.0/16", float("inf"), 8]}, "Fn::Cidr", id="Cidr of endlessly many"),
        pytest.param({"Fn::ToJsonString": {"Ref": "AWS::NoValue"}}, "Fn::ToJsonString", id="ToJsonString of nothing"),
        pytest.param({"Fn::Nope": 1}, "Encountered unsupported function: Fn::Nope", id="an unknown function"),
        pytest.param({"Ref": ["a"]}, "every Ref object must have a single String value", id="Ref of a list"),
    ],
)
def test_wrong_arguments_are_refused_in_the_words_of_aws(given: Any, said: str) -> None:
    with pytest.raises(ResolveError, match=said):
        made().value(given)


@pytest.mark.parametrize(
    ("declared", "given", "said"),
    [
        pytest.param({"Type": "String"}, {}, r"Parameters: \[P\] must have values", id="missing"),
        pytest.param(
            {"Type": "String"}, {"P": "", "Q": ""}, r"Parameters: \[Q\] do not exist in the template", id="not declared"
        ),
        pytest.param({"Type": "Number"}, {"P": "x"}, "Parameter 'P' must be a number.", id="no number"),
        pytest.param(
            {"Type": "String", "AllowedValues": ["a"]},
            {"P": "b"},
            "Parameter 'P' must be one of AllowedValues",
            id="not allowed",
        ),
        pytest.param({"Type": "String", "AllowedPattern": "[a-z]+"}, {"P": "ab1"}, "must match pattern", id="pattern"),
        pytest.param(
            {"Type": "String", "AllowedPattern": "a", "ConstraintDescription": "be an a"},
            {"P": "b"},
            "be an a",
            id="own words",
        ),
        pytest.param({"Type": "String", "MaxLength": 2}, {"P": "abc"}, "at most 2", id="too long"),
        pytest.param({"Type": "Number", "MinValue": 5}, {"P": "4"}, "not less than 5", id="too small"),
        pytest.param({"Type": "String", "Default": ["a"]}, {}, "Default", id="a list as default"),
    ],
)
def test_parameters_are_checked_against_their_declarations(
    declared: dict[str, Any], given: dict[str, str], said: str
) -> None:
    with pytest.raises(ResolveError, match=said):
        parameters.parameter_values({"Parameters": {"P": declared}}, given)


def test_parameters_are_texts_and_lists_of_texts() -> None:
    data = {
        "Parameters": {"N": {"Type": "Number", "Default": 80}, "L": {"Type": "CommaDelimitedList", "Default": "a, b"}}
    }

    assert parameters.parameter_values(data, {}) == {"N": "80", "L": ["a", "b"]}


@pytest.mark.parametrize(
    ("limit", "accepted", "refused"),
    [
        pytest.param({"MinLength": 2}, "ab", "a", id="the shortest"),
        pytest.param({"MaxLength": 2}, "ab", "abc", id="the longest"),
        pytest.param({"MinValue": 5}, "5", "4", id="the least"),
        pytest.param({"MaxValue": 5}, "5", "6", id="the greatest"),
    ],
)
def test_a_value_at_the_limit_is_accepted_and_the_next_one_is_refused(
    limit: dict[str, int], accepted: str, refused: str
) -> None:
    data = {"Parameters": {"P": {"Type": "Number" if "Value" in next(iter(limit)) else "String", **limit}}}

    assert parameters.parameter_values(data, {"P": accepted}) == {"P": accepted}
    with pytest.raises(ResolveError, match="Parameter 'P' must"):
        parameters.parameter_values(data, {"P": refused})


@pytest.mark.hostile(
    12,
    "min-cidr_min",
    input="`Fn::Cidr` asks for ten million blocks",
    happens="refused before one is made",
    limit="256 blocks",
)
@pytest.mark.parametrize("count", [pytest.param(0, id="none"), pytest.param(257, id="one more than AWS gives"), pytest.param(10**12, id="very many")])
def test_blocks_are_counted_before_they_are_made(count: int) -> None:
    with pytest.raises(ResolveError, match="a count from 1 to 256"):
        FunctionResolver(ResolutionContext({})).value({"Fn::Cidr": ["10.0.0.0/8", count, 2]})


def test_256_blocks_are_made() -> None:
    blocks = FunctionResolver(ResolutionContext({})).value({"Fn::Cidr": ["10.0.0.0/16", 256, 8]})

    assert len(blocks) == 256


@pytest.mark.hostile(
    12,
    "min-join",
    "min-joinnest",
    "min-json25",
    "min-jtmp",
    input="texts that grow with each nesting: Join, Sub, Split, Base64, ToJsonString",
    happens="refused before they are made",
    limit="1 MB a text, 32 MB a template",
)
@pytest.mark.parametrize(
    "wrap",
    [
        pytest.param(lambda inner: {"Fn::Join": ["", [{"Fn::Sub": ["${A}${A}", {"A": inner}]}]]}, id="Join"),
        pytest.param(lambda inner: {"Fn::Sub": ["${A}${A}${A}", {"A": inner}]}, id="Sub"),
        pytest.param(lambda inner: {"Fn::ToJsonString": {"a": inner}}, id="ToJsonString"),
        pytest.param(lambda inner: {"Fn::Base64": inner}, id="Base64"),
        pytest.param(lambda inner: {"Fn::Join": ["bbbb", {"Fn::Split": ["b", {"Fn::Join": ["b", [inner, "b"]]}]}]}, id="Split and Join"),
    ],
)
def test_a_text_that_doubles_with_each_nesting_ends_with_a_refusal(wrap: Callable[[Any], Any]) -> None:
    """Forty nestings of a letter would be a terabyte."""
    value: Any = '"'
    for _ in range(70):
        value = wrap(value)

    with pytest.raises(ResolveError, match="longer than a template may be"):
        FunctionResolver(ResolutionContext({})).value(value)


@pytest.mark.hostile
def test_a_variable_is_evaluated_once_however_often_a_text_names_it() -> None:
    value: Any = "x"
    for _ in range(40):
        value = {"Fn::Select": [0, {"Fn::Split": [",", {"Fn::Sub": ["${A},${A},${A}", {"A": value}]}]}]}

    assert FunctionResolver(ResolutionContext({})).value(value) == "x"


@pytest.mark.hostile(
    12,
    input="lists of parameters, mappings, blocks and splits, ten thousand times",
    happens="refused before they are made",
    limit="32 MB a template",
)
@pytest.mark.parametrize(
    ("value", "scope"),
    [
        pytest.param({"Fn::FindInMap": ["M", "a", "b"]}, {"data": {"Mappings": {"M": {"a": {"b": ["x"] * 4000}}}}}, id="a list of a mapping"),
        pytest.param({"Fn::Split": [",", {"Ref": "P"}]}, {"data": {}, "parameters": {"P": "," * 4000}}, id="the parts of a parameter"),
        pytest.param({"Fn::Cidr": ["10.0.0.0/8", 256, 8]}, {"data": {}}, id="blocks"),
        pytest.param({"Ref": "P"}, {"data": {}, "parameters": {"P": ["x"] * 2000}}, id="a list of a parameter"),
    ],
)
def test_what_is_written_ten_thousand_times_ends_with_a_refusal(value: Any, scope: dict[str, Any]) -> None:
    resolver = FunctionResolver(ResolutionContext(**scope))

    with pytest.raises(ResolveError, match="longer than a template may be"):
        resolver.value([value] * 10_000)


def test_a_number_beyond_every_float_is_none() -> None:
    assert not intrinsic_functions.is_number(10**400)
