from __future__ import annotations

from collections.abc import Callable

import pytest

from preflight.comply.cross_template_rules import service_refusals
from preflight.plan.resolved_stacks import ResolvedStacks

GROUP = """\
Parameters:
  Seconds: {Type: Number, Default: 4}
  Given: {Type: Number}
Resources:
  G:
    Type: AWS::ElasticLoadBalancingV2::TargetGroup
    Properties: {HealthCheckIntervalSeconds: !Ref Seconds, VpcId: !Ref V, Port: 80, Protocol: HTTP}
"""


def test_a_refused_value_of_a_parameter_is_found_at_its_property(make_estate: Callable[..., ResolvedStacks]) -> None:
    (violation,) = service_refusals.check(make_estate(root=GROUP))

    assert violation.property == "HealthCheckIntervalSeconds"


def test_a_refusal_has_the_page_of_its_row(make_estate: Callable[..., ResolvedStacks]) -> None:
    (violation,) = service_refusals.check(make_estate(root=GROUP))

    assert str(violation.source).endswith("API_CreateTargetGroup.html")


def test_a_value_that_is_not_known_is_not_refused(make_estate: Callable[..., ResolvedStacks]) -> None:
    assert not list(service_refusals.check(make_estate(root=GROUP.replace("!Ref Seconds", "!Ref Given"))))


def test_a_value_that_the_service_takes_is_not_refused(make_estate: Callable[..., ResolvedStacks]) -> None:
    assert not list(service_refusals.check(make_estate(root=GROUP.replace("Default: 4", "Default: 5"))))


ENDPOINT = """\
Parameters: {Stage: {Type: String}}
Conditions:
  IsProd: !Equals [!Ref Stage, prod]
  IsTest: !Equals [!Ref Stage, test]
  IsSmall: !Not [!Condition IsProd]
Resources:
  E:
    Type: AWS::EC2::VPCEndpoint
    Properties:
      VpcId: !Ref V
      ServiceName: com.amazonaws.eu-west-1.s3
      VpcEndpointType: !If [IsProd, Gateway, Interface]
      SubnetIds: !If [IsSmall, [a], !Ref AWS::NoValue]
      RouteTableIds: !If [IsSmall, !Ref AWS::NoValue, [r]]
"""


def of_endpoint(make_estate: Callable[..., ResolvedStacks], old: str = "", new: str = "") -> list[str]:
    assert old in ENDPOINT
    return [found.message for found in service_refusals.check(make_estate(has_plan=False, root=ENDPOINT.replace(old, new)))]


def test_branches_that_agree_in_every_case_are_taken(make_estate: Callable[..., ResolvedStacks]) -> None:
    assert of_endpoint(make_estate) == []


def test_what_one_branch_has_wrong_is_refused_with_its_condition(make_estate: Callable[..., ResolvedStacks]) -> None:
    (message,) = of_endpoint(make_estate, "SubnetIds: !If [IsSmall, [a], !Ref AWS::NoValue]", "SubnetIds: [a]")

    assert message.startswith("EC2 refuses it (if condition IsProd is true): InvalidParameter: Subnet IDs are only supported")


def test_a_branch_without_what_is_needed_is_refused(make_estate: Callable[..., ResolvedStacks]) -> None:
    (message,) = of_endpoint(make_estate, "com.amazonaws.eu-west-1.s3", "!If [IsTest, com.amazonaws.eu-west-1.s3, !Ref AWS::NoValue]")

    assert "(if condition IsTest is false): MissingParameter" in message


def test_the_condition_of_the_resource_decides_its_branches(make_estate: Callable[..., ResolvedStacks]) -> None:
    resource = "  E:\n    Type: AWS::EC2::VPCEndpoint\n"
    text = ENDPOINT.replace("com.amazonaws.eu-west-1.s3", "!If [IsTest, com.amazonaws.eu-west-1.s3, !Ref AWS::NoValue]")
    estate = make_estate(has_plan=False, root=text.replace(resource, f"{resource}    Condition: IsTest\n"))

    assert list(service_refusals.check(estate)) == []


PROVIDER = """\
Resources:
  Group: {Type: AWS::AutoScaling::AutoScalingGroup, Properties: {NewInstancesProtectedFromScaleIn: true, MinSize: "0", MaxSize: "1"}}
  Provider:
    Type: AWS::ECS::CapacityProvider
    Properties: {AutoScalingGroupProvider: {AutoScalingGroupArn: !Ref Group, ManagedTerminationProtection: ENABLED}}
"""
TASK_SET = """\
Resources:
  Definition: {Type: AWS::ECS::TaskDefinition, Properties: {ContainerDefinitions: [{Name: web, Image: a}]}}
  Set:
    Type: AWS::ECS::TaskSet
    Properties: {Cluster: c, Service: s, TaskDefinition: !Ref Definition, LoadBalancers: [{ContainerName: web, TargetGroupArn: t}]}
"""
DETECTOR = """\
Resources:
  Logs: {Type: AWS::Logs::LogGroup, Properties: {LogGroupClass: STANDARD}}
  Detector: {Type: AWS::Logs::LogAnomalyDetector, Properties: {LogGroupArnList: [!GetAtt Logs.Arn]}}
"""
SUBSCRIPTION = """\
Resources:
  Logs: {Type: AWS::Logs::LogGroup, Properties: {LogGroupClass: STANDARD}}
  Filter: {Type: AWS::Logs::SubscriptionFilter, Properties: {LogGroupName: !Ref Logs, FilterPattern: "", DestinationArn: !Ref D}}
"""


@pytest.mark.parametrize(
    ("template", "right", "wrong", "at"),
    [
        pytest.param(PROVIDER, "ScaleIn: true", "ScaleIn: false", "AutoScalingGroupProvider.AutoScalingGroupArn", id="no protection"),
        pytest.param(TASK_SET, "{Name: web,", "{Name: app,", "TaskDefinition", id="no such container"),
        pytest.param(SUBSCRIPTION, "STANDARD", "INFREQUENT_ACCESS", "LogGroupName", id="a class without subscriptions"),
        pytest.param(DETECTOR, "STANDARD", "INFREQUENT_ACCESS", "LogGroupArnList", id="a class without the feature"),
    ],
)
def test_a_resource_fits_the_one_it_refers_to(
    make_estate: Callable[..., ResolvedStacks], template: str, right: str, wrong: str, at: str
) -> None:
    assert not list(service_refusals.check(make_estate(root=template)))

    (violation,) = service_refusals.check(make_estate(root=template.replace(right, wrong)))

    assert violation.property == at
