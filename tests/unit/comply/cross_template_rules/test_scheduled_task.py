from __future__ import annotations

from collections.abc import Callable

import pytest

from preflight.comply.cross_template_rules import scheduled_task
from preflight.plan.resolved_stacks import ResolvedStacks

RULE = """\
Resources:
  Cluster: {Type: "AWS::ECS::Cluster"}
  Task:
    Type: AWS::ECS::TaskDefinition
    Properties: {NetworkMode: awsvpc, RequiresCompatibilities: [FARGATE], ExecutionRoleArn: !GetAtt Execution.Arn}
  Role:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument: {Statement: [{Effect: Allow, Principal: {Service: events.amazonaws.com}, Action: sts:AssumeRole}]}
      Policies: [{PolicyName: run, PolicyDocument: {Statement: [{Effect: Allow, Action: ["ecs:RunTask", "iam:PassRole"], Resource: "*"}]}}]
  Nightly:
    Type: AWS::Events::Rule
    Properties:
      Targets:
      - Id: task
        Arn: !GetAtt Cluster.Arn
        RoleArn: !GetAtt Role.Arn
        EcsParameters:
          TaskDefinitionArn: !Ref Task
          LaunchType: FARGATE
          NetworkConfiguration: {AwsVpcConfiguration: {Subnets: [!Ref Subnet]}}
"""
SCHEDULE = RULE.replace("AWS::Events::Rule", "AWS::Scheduler::Schedule").replace("Targets:\n      - Id: task\n", "Target:\n").replace(
    "events.amazonaws.com", "scheduler.amazonaws.com"
)
NETWORK = "          NetworkConfiguration: {AwsVpcConfiguration: {Subnets: [!Ref Subnet]}}\n"
LAUNCH_TYPE = "          LaunchType: FARGATE\n"
ATTACHED = """\
  Policy:
    Type: AWS::IAM::Policy
    Properties:
      Roles: [!Ref Role]
      PolicyDocument: {Statement: [{Effect: Allow, Action: "iam:PassRole", Resource: "*"}]}
"""


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        pytest.param(NETWORK, "", "Network Configuration must be provided", id="no network"),
        pytest.param(LAUNCH_TYPE, "", "does not support launch_type EC2", id="no launch type"),
        pytest.param("LaunchType: FARGATE", "LaunchType: EC2", "does not support launch_type EC2", id="another launch type"),
        pytest.param("        RoleArn: !GetAtt Role.Arn\n", "", "has no role", id="no role"),
        pytest.param("Service: events.amazonaws.com", "Service: ecs.amazonaws.com", "does not trust", id="a role that trusts another"),
        pytest.param('"ecs:RunTask", "iam:PassRole"', '"ecs:RunTask"', "does not allow iam:PassRole", id="roles that may not be passed"),
        pytest.param('"ecs:RunTask", "iam:PassRole"', '"iam:PassRole"', "does not allow ecs:RunTask", id="a task that may not be run"),
    ],
)  # fmt: skip
def test_a_target_whose_task_never_starts_is_found(
    make_estate: Callable[..., ResolvedStacks], old: str, new: str, says: str
) -> None:
    assert old in RULE

    (violation,) = scheduled_task.check(make_estate(root=RULE.replace(old, new)))

    assert says in violation.message


@pytest.mark.parametrize(
    "template",
    [
        pytest.param(RULE, id="a rule"),
        pytest.param(SCHEDULE, id="a schedule"),
        pytest.param(RULE.replace("LaunchType: FARGATE", "CapacityProviderStrategy: [{CapacityProvider: FARGATE}]"), id="a strategy"),
        pytest.param(RULE.replace(LAUNCH_TYPE, "").replace('"AWS::ECS::Cluster"', '"AWS::ECS::Cluster", Properties: {DefaultCapacityProviderStrategy: [{CapacityProvider: FARGATE}]}'), id="the cluster's strategy"),
        pytest.param(RULE.replace('"ecs:RunTask", "iam:PassRole"', '"ecs:RunTask"') + ATTACHED, id="a policy beside the role"),
        pytest.param(RULE.replace("!GetAtt Role.Arn", "!Sub 'arn:aws:iam::1:role/x'"), id="a role of elsewhere"),
        pytest.param(RULE.replace("      Policies:", "      ManagedPolicyArns: [!Ref Any]\n      Policies:").replace('"ecs:RunTask", ', ""), id="a managed policy that is not known"),
        pytest.param(RULE.replace("NetworkMode: awsvpc, RequiresCompatibilities: [FARGATE]", "NetworkMode: bridge").replace(NETWORK, "").replace(LAUNCH_TYPE, ""), id="a task for instances"),
    ],
)  # fmt: skip
def test_a_target_whose_task_starts_or_is_not_known_is_taken(
    make_estate: Callable[..., ResolvedStacks], template: str
) -> None:
    assert list(scheduled_task.check(make_estate(root=template))) == []
