from __future__ import annotations

from collections.abc import Callable

import pytest

from preflight.comply.cross_template_rules import execution_role
from preflight.plan.resolved_stacks import ResolvedStacks

ROOT = """\
Parameters:
  P: {Type: String}
Resources:
  Roles: {Type: "AWS::CloudFormation::Stack", Properties: {TemplateURL: https://b/demo/roles.yaml}}
  Tasks:
    Type: AWS::CloudFormation::Stack
    Properties: {TemplateURL: https://b/demo/tasks.yaml, Parameters: {Role: !GetAtt Roles.Outputs.Arn}}
"""
ROLES = """\
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Statement: [{Effect: Allow, Principal: {Service: ecs-tasks.amazonaws.com}, Action: sts:AssumeRole}]
      Policies:
        - PolicyName: p
          PolicyDocument:
            Statement:
              - {Effect: Allow, Action: ["ecr:*", "logs:CreateLogStream", "logs:PutLogEvents"], Resource: "*"}
Outputs:
  Arn: {Value: !GetAtt Role.Arn}
"""
TASKS = """\
Parameters:
  Role: {Type: String}
Resources:
  T:
    Type: AWS::ECS::TaskDefinition
    Properties:
      ExecutionRoleArn: !Ref Role
      ContainerDefinitions:
        - Name: a
          Image: !Sub "${AWS::AccountId}.dkr.ecr.${AWS::Region}.amazonaws.com/web:1"
          LogConfiguration: {LogDriver: awslogs}
"""
Make = Callable[..., ResolvedStacks]


def changed(make_estate: Make, old: str, new: str) -> ResolvedStacks:
    assert old in ROOT + ROLES + TASKS

    return make_estate(root=ROOT.replace(old, new), roles=ROLES.replace(old, new), tasks=TASKS.replace(old, new))


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        pytest.param("", "", [], id="trusts ECS"),
        pytest.param("Service: ecs-tasks", "Service: ecs", ["Role"], id="trusts another service"),
        pytest.param("Effect: Allow, Principal", "Effect: Deny, Principal", ["Role"], id="trusts nobody"),
        pytest.param("sts:AssumeRole", "sts:TagSession", ["Role"], id="another action"),
        pytest.param("Service: ecs-tasks.amazonaws.com", "Service: !Ref P", [], id="a service that is not known"),
        pytest.param("Statement: [{", "Statement: [3, {", [], id="statements that are none"),
        pytest.param("ExecutionRoleArn: !Ref Role", "TaskRoleArn: !Ref Role", [], id="the task role"),
        pytest.param("!GetAtt Roles.Outputs.Arn", "arn:aws:iam::1:role/x", [], id="a role from elsewhere"),
    ],
)  # fmt: skip
def test_a_role_of_another_stack_trusts_ecs(make_estate: Make, old: str, new: str, found: list[str]) -> None:
    assert [o.resource for o in execution_role.check_trust(changed(make_estate, old, new))] == found


def test_the_task_role_has_to_trust_ecs_as_well(make_estate: Make) -> None:
    roles = ROLES.replace("Service: ecs-tasks", "Service: ec2")
    tasks = TASKS.replace("ExecutionRoleArn: !Ref Role", "TaskRoleArn: !Ref Role")

    found = [o.resource for o in execution_role.check_trust(make_estate(root=ROOT, roles=roles, tasks=tasks))]

    assert found == ["Role"]


@pytest.mark.parametrize(
    ("old", "new", "lacking"),
    [
        pytest.param("", "", "", id="grants all"),
        pytest.param('"ecr:*", ', "", "ecr:GetAuthorizationToken", id="may not pull"),
        pytest.param('"logs:PutLogEvents"', '"logs:Put"', "logs:PutLogEvents", id="may not write a log"),
        pytest.param("LogConfiguration: {LogDriver: awslogs}", "Essential: true", "", id="writes no log"),
        pytest.param('["ecr:*", "logs:CreateLogStream", "logs:PutLogEvents"]', '"*"', "", id="grants everything"),
        pytest.param('["ecr:*", "logs:CreateLogStream", "logs:PutLogEvents"]', "!Ref P", "", id="actions that are not known"),
        pytest.param("      Policies:", "      ManagedPolicyArns: [x]\n      Policies:", "", id="a managed policy besides"),
        pytest.param("Outputs:\n  Arn", "  Q: {Type: 'AWS::IAM::Policy'}\nOutputs:\n  Arn", "", id="a policy that may be attached"),
        pytest.param("        - PolicyName: p", "        - 3\n        - PolicyName: p", "", id="policies that are none"),
    ],
)  # fmt: skip
def test_an_execution_role_of_another_stack_grants_what_the_task_needs(
    make_estate: Make, old: str, new: str, lacking: str
) -> None:
    messages = [o.message for o in execution_role.check_policy(changed(make_estate, old, new))]

    assert [lacking in message for message in messages] == [True] * len(messages)
    assert bool(messages) == bool(lacking)
