from __future__ import annotations

from collections.abc import Callable

import pytest

from preflight.comply.cross_template_rules import load_balancer_target
from preflight.plan.resolved_stacks import ResolvedStacks

ROOT = """\
Parameters:
  P: {Type: String}
Resources:
  Tasks: {Type: "AWS::CloudFormation::Stack", Properties: {TemplateURL: https://b/demo/tasks.yaml}}
  S:
    Type: AWS::ECS::Service
    Properties:
      TaskDefinition: !GetAtt Tasks.Outputs.T
      LoadBalancers: [{ContainerName: web, ContainerPort: 80}]
"""
TASKS = """\
Resources:
  T:
    Type: AWS::ECS::TaskDefinition
    Properties:
      ContainerDefinitions: [{Name: log}, {Name: web, PortMappings: [{ContainerPort: "80"}]}]
Outputs:
  T: {Value: !Ref T}
"""


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        pytest.param("", "", [], id="the port is mapped"),
        pytest.param("ContainerName: web", "ContainerName: wep", ["LoadBalancers.0.ContainerName"], id="no such container"),
        pytest.param("ContainerPort: 80", "ContainerPort: 8080", ["LoadBalancers.0.ContainerPort"], id="no such port"),
        pytest.param("ContainerName: web", "ContainerName: log", ["LoadBalancers.0.ContainerPort"], id="a container without ports"),
        pytest.param("ContainerPort: 80", "ContainerPort: !Ref P", [], id="a port that is not known"),
        pytest.param("ContainerName: web", "ContainerName: !Ref P", [], id="a name that is not known"),
        pytest.param("{Name: log}", "{Name: !Ref T}", [], id="a container whose name is not known"),
        pytest.param('"80"', "!Ref T", [], id="a mapping that is not known"),
        pytest.param("!GetAtt Tasks.Outputs.T", "!GetAtt Tasks.Outputs.X", [], id="an output that is not there"),
        pytest.param("!GetAtt Tasks.Outputs.T", "arn:aws:ecs:x", [], id="a definition from elsewhere"),
        pytest.param("[{ContainerName: web, ContainerPort: 80}]", "[3, {a: b}, text]", [], id="targets that are none"),
    ],
)  # fmt: skip
def test_a_target_of_another_stacks_definition_is_there(
    make_estate: Callable[..., ResolvedStacks], old: str, new: str, found: list[str]
) -> None:
    assert old in ROOT + TASKS

    every = make_estate(root=ROOT.replace(old, new), tasks=TASKS.replace(old, new))

    assert [offence.property for offence in load_balancer_target.check(every)] == found


def test_within_one_template_it_is_left_to_the_rule_of_cfn_guard(make_estate: Callable[..., ResolvedStacks]) -> None:
    text = """\
Resources:
  T: {Type: "AWS::ECS::TaskDefinition", Properties: {ContainerDefinitions: [{Name: a}]}}
  S: {Type: "AWS::ECS::Service", Properties: {TaskDefinition: !Ref T, LoadBalancers: [{ContainerName: b, ContainerPort: 1}]}}
"""

    assert list(load_balancer_target.check(make_estate(root=text))) == []
