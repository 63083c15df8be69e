from __future__ import annotations

from collections.abc import Callable

import pytest

from preflight.comply.cross_template_rules import stack_parameters
from preflight.plan.resolved_stacks import ResolvedStacks
from preflight.templates import parameters

ROOT = """\
Parameters:
  P: {Type: String}
Resources:
  S:
    Type: AWS::CloudFormation::Stack
    Properties:
      TemplateURL: https://b.s3.amazonaws.com/demo/child.yaml
      Parameters: {Port: 80, Name: web}
"""
CHILD = """\
Parameters:
  Port: {Type: Number, AllowedValues: [80, 443]}
  Name: {Type: String, AllowedPattern: "[a-z]+"}
  Free: {Type: String, Default: x}
Resources: {A: {Type: T}}
"""


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        pytest.param("", "", [], id="all that is needed"),
        pytest.param("Port: 80, ", "", ["Parameters"], id="one is missing"),
        pytest.param("      Parameters: {Port: 80, Name: web}\n", "", ["Parameters", "Parameters"], id="all are missing"),
        pytest.param("Name: web", "Name: web, Nam: x", ["Parameters.Nam"], id="one that is not declared"),
        pytest.param("Port: 80", "Port: 81", ["Parameters.Port"], id="a value outside AllowedValues"),
        pytest.param("Name: web", "Name: WEB", ["Parameters.Name"], id="a value outside AllowedPattern"),
        pytest.param("Port: 80", "Port: text", ["Parameters.Port"], id="a number that is none"),
        pytest.param("Port: 80", "Port: !Ref P", [], id="a value that is not known"),
        pytest.param("{Port: 80, Name: web}", "!If [C, {}, {}]", [], id="parameters that are not known"),
        pytest.param("{Port: 80, Name: web}", "[1]", [], id="parameters that are no map"),
        pytest.param("Port: {Type: Number, AllowedValues: [80, 443]}", "Port: [1]", [], id="a declaration that is none"),
        pytest.param("AllowedValues: [80, 443]", "AllowedValues: text, MinValue: [x]", [], id="constraints that are none"),
        pytest.param("child.yaml", "other.yaml", [], id="a template that is not here"),
    ],
)  # fmt: skip
def test_a_nested_stack_gets_what_its_template_declares(
    make_estate: Callable[..., ResolvedStacks], old: str, new: str, found: list[str]
) -> None:
    assert old in ROOT + CHILD

    every = make_estate(root=ROOT.replace(old, new), child=CHILD.replace(old, new))

    assert [offence.property for offence in stack_parameters.check(every)] == found


def test_a_pattern_that_takes_too_long_refuses_nothing(
    make_estate: Callable[..., ResolvedStacks], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parameters, "PATTERN_TIMEOUT", 0.05)
    child = CHILD.replace("[a-z]+", "(a|aa)+b?")

    every = make_estate(root=ROOT.replace("Name: web", f"Name: {'a' * 60}!"), child=child)

    assert list(stack_parameters.check(every)) == []
