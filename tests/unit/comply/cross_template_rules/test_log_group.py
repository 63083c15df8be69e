from __future__ import annotations

from collections.abc import Callable

import pytest

from preflight.comply.cross_template_rules import log_group
from preflight.plan.resolved_stacks import ResolvedStacks

ROOT = """\
Parameters:
  P: {Type: String}
Resources:
  T:
    Type: AWS::ECS::TaskDefinition
    Properties:
      ContainerDefinitions: [{Name: a, LogConfiguration: {LogDriver: awslogs, Options: {awslogs-group: /ecs/web}}}]
"""
OTHER = 'Resources: {G: {Type: "AWS::Logs::LogGroup", Properties: {LogGroupName: /ecs/web}}}\n'


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        pytest.param("", "", 0, id="declared by another stack"),
        pytest.param("LogGroupName: /ecs/web", "LogGroupName: /ecs/other", 1, id="declared by nobody"),
        pytest.param("LogGroupName: /ecs/web", "LogGroupName: !Ref X", 0, id="a group of an unknown name"),
        pytest.param("{LogGroupName: /ecs/web}", "{}", 1, id="a group with a name of its own"),
        pytest.param("awslogs-group: /ecs/web", "awslogs-group: !Ref P", 0, id="a group that is not known"),
        pytest.param("awslogs-group: /ecs/web", "awslogs-group: /x, awslogs-create-group: 'true'", 0, id="created on the way"),
        pytest.param("awslogs-group: /ecs/web", "awslogs-group: /x, awslogs-create-group: !Ref P", 0, id="perhaps created on the way"),
        pytest.param("awslogs-group: /ecs/web", "awslogs-group: /x, awslogs-create-group: false", 1, id="not created on the way"),
        pytest.param("LogDriver: awslogs, Options: {awslogs-group: /ecs/web}", "LogDriver: awslogs, Options: {awslogs-group: /x}", 1, id="a group of no stack"),
        pytest.param("LogDriver: awslogs, Options: {awslogs-group: /ecs/web}", "LogDriver: splunk, Options: {awslogs-group: /x}", 0, id="another driver"),
        pytest.param("[{Name: a,", "[3, [x], {Name: a,", 0, id="containers that are none"),
    ],
)  # fmt: skip
def test_a_log_group_of_a_known_name_is_declared(
    make_estate: Callable[..., ResolvedStacks], old: str, new: str, found: int
) -> None:
    assert old in ROOT + OTHER

    every = make_estate(root=ROOT.replace(old, new), other=OTHER.replace(old, new))

    assert len(list(log_group.check(every))) == found


def test_without_a_plan_the_group_may_be_declared_elsewhere(make_estate: Callable[..., ResolvedStacks]) -> None:
    assert list(log_group.check(make_estate(has_plan=False, root=ROOT))) == []
