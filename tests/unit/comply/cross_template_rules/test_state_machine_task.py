from __future__ import annotations

import textwrap
from collections.abc import Callable

import pytest

from preflight.comply.cross_template_rules import state_machine_task
from preflight.plan.resolved_stacks import ResolvedStacks

COMMON = """\
Resources:
  Cluster: {Type: "AWS::ECS::Cluster"}
  Task:
    Type: AWS::ECS::TaskDefinition
    Properties: {NetworkMode: awsvpc, RequiresCompatibilities: [FARGATE], ExecutionRoleArn: !GetAtt Execution.Arn}
  Role:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument: {Statement: [{Effect: Allow, Principal: {Service: states.amazonaws.com}, Action: sts:AssumeRole}]}
      Policies: [{PolicyName: run, PolicyDocument: {Statement: [{Effect: Allow, Action: ["ecs:RunTask", "iam:PassRole", "events:Put*", "events:DescribeRule"], Resource: "*"}]}}]
  Machine:
    Type: AWS::StepFunctions::StateMachine
    Properties:
      RoleArn: !GetAtt Role.Arn
"""
STATE = """\
          Job:
            Type: Task
            Resource: arn:aws:states:::ecs:runTask.sync
            Parameters:
              Cluster: !GetAtt Cluster.Arn
              TaskDefinition: !Ref Task
              LaunchType: FARGATE
              NetworkConfiguration: {AwsvpcConfiguration: {Subnets: [subnet-1]}}
            End: true
"""
OBJECT = f"{COMMON}      Definition:\n        StartAt: Job\n        States:\n{STATE}"
SUB = (
    COMMON
    + """\
      DefinitionString: !Sub |
        {"StartAt": "Job", "States": {"Job": {"Type": "Task", "Resource": "arn:aws:states:::ecs:runTask.sync",
          "Parameters": {"Cluster": "${Cluster.Arn}", "TaskDefinition": "${Task}",
            "LaunchType": "FARGATE", "NetworkConfiguration": {"AwsvpcConfiguration": {"Subnets": ["${Subnet}"]}}}}}}
"""
)
JOIN = (
    COMMON
    + """\
      DefinitionString: !Join
      - ""
      - - '{"States": {"Job": {"Resource": "arn:aws:states:::ecs:runTask", "Parameters": {"LaunchType": "FARGATE", "TaskDefinition": "'
        - !Ref Task
        - '", "NetworkConfiguration": {}}}}}'
"""
)
SUBSTITUTED = (
    COMMON
    + """\
      DefinitionString: '{"States": {"Job": {"Resource": "arn:aws:states:::ecs:runTask", "Parameters": {"LaunchType": "FARGATE", "TaskDefinition": "${Task}", "NetworkConfiguration": {}}}}}'
      DefinitionSubstitutions: {Task: !Ref Task}
"""
)
IN_A_MAP = OBJECT.replace(
    STATE, "          All:\n            ItemProcessor:\n              States:\n" + textwrap.indent(STATE, " " * 6)
)


@pytest.mark.parametrize(
    ("template", "old", "new", "says"),
    [
        pytest.param(OBJECT, "              NetworkConfiguration: {AwsvpcConfiguration: {Subnets: [subnet-1]}}\n", "", "Network Configuration must be provided", id="no network"),
        pytest.param(OBJECT, "              LaunchType: FARGATE\n", "", "does not support launch_type EC2", id="no launch type"),
        pytest.param(OBJECT, "Service: states.amazonaws.com", "Service: events.amazonaws.com", "does not trust states.amazonaws.com", id="a role that trusts another"),
        pytest.param(OBJECT, '"iam:PassRole", ', "", "does not allow iam:PassRole", id="roles that may not be passed"),
        pytest.param(OBJECT, '"ecs:RunTask", ', "", "does not allow ecs:RunTask", id="a task that may not be run"),
        pytest.param(OBJECT, '"events:Put*", ', '"events:PutRule", ', "does not allow events:PutTargets", id="no rule for a run that is waited for"),
        pytest.param(SUB, '"LaunchType": "FARGATE", ', "", "does not support launch_type EC2", id="a text with references"),
        pytest.param(JOIN, ', "NetworkConfiguration": {}', "", "Network Configuration must be provided", id="a joined text"),
        pytest.param(SUBSTITUTED, ', "NetworkConfiguration": {}', "", "Network Configuration must be provided", id="a text with substitutions"),
        pytest.param(IN_A_MAP, "LaunchType: FARGATE", "LaunchType: EC2", "does not support launch_type EC2", id="a state in a map"),
    ],
)  # fmt: skip
def test_a_state_whose_task_never_starts_is_found(
    make_estate: Callable[..., ResolvedStacks], template: str, old: str, new: str, says: str
) -> None:
    assert old in template

    (violation,) = state_machine_task.check(make_estate(root=template.replace(old, new)))

    assert says in violation.message


@pytest.mark.parametrize(
    "template",
    [
        pytest.param(OBJECT, id="an object"),
        pytest.param(SUB, id="a text with references"),
        pytest.param(JOIN, id="a joined text"),
        pytest.param(SUBSTITUTED, id="a text with substitutions"),
        pytest.param(IN_A_MAP, id="a state in a map"),
        pytest.param(OBJECT.replace("LaunchType: FARGATE", '"LaunchType.$": $.type'), id="a launch type of the input"),
        pytest.param(OBJECT.replace("runTask.sync", "runTask").replace('"events:Put*", "events:DescribeRule"', '"logs:*"'), id="a run that is not waited for"),
        pytest.param(OBJECT.replace("TaskDefinition: !Ref Task", "TaskDefinition: family").replace("LaunchType: FARGATE", "LaunchType: EC2"), id="a definition of elsewhere"),
        pytest.param(OBJECT.replace("ecs:runTask.sync", "lambda:invoke").replace("LaunchType: FARGATE", "LaunchType: EC2"), id="another service"),
        pytest.param(OBJECT.replace("LaunchType: FARGATE", "LaunchType: EC2") + "            Credentials: {RoleArn: !GetAtt Role.Arn}\n", id="a state with a role of its own"),
        pytest.param(COMMON + "      DefinitionString: {'Fn::Sub': [a]}\n", id="a function with too few arguments"),
        pytest.param(COMMON + "      DefinitionString: {'Fn::Join': [[a]]}\n", id="a join without a separator"),
        pytest.param(SUB.replace('"States"', "States").replace('"LaunchType": "FARGATE",', ""), id="a text that is no JSON"),
    ],
)  # fmt: skip
def test_a_state_whose_task_starts_or_is_not_known_is_taken(
    make_estate: Callable[..., ResolvedStacks], template: str
) -> None:
    assert list(state_machine_task.check(make_estate(root=template))) == []


def test_a_state_of_an_object_is_found_at_its_line(make_estate: Callable[..., ResolvedStacks]) -> None:
    (violation,) = state_machine_task.check(make_estate(root=OBJECT.replace("LaunchType: FARGATE", "LaunchType: EC2")))

    assert violation.path[-5:] == ("Definition", "States", "Job", "Parameters", "LaunchType")
