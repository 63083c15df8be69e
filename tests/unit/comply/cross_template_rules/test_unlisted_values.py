"""A value that AWS may take though its page does not list it is a warning, one that is a known one misspelt is refused."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from preflight.comply.cross_template_rules import service_refusals, unlisted_values
from preflight.plan.resolved_stacks import ResolvedStacks

Estate = Callable[..., ResolvedStacks]
BALANCING = "Type: AWS::ElasticLoadBalancingV2::"
LISTENER = f"{BALANCING}Listener, Properties: {{LoadBalancerArn: !Ref B, Protocol: HTTP, Port: 80, DefaultActions: [{{Type: forward, TargetGroupArn: a}}], ListenerAttributes: [{{Key: %s, Value: x}}]}}"
SECURE = f"{BALANCING}Listener, Properties: {{LoadBalancerArn: !Ref B, Protocol: HTTPS, Port: 443, Certificates: [{{CertificateArn: !Ref C}}], DefaultActions: [{{Type: forward, TargetGroupArn: a}}], SslPolicy: %s}}"
BALANCER = f"{BALANCING}LoadBalancer, Properties: {{Subnets: [a, b], LoadBalancerAttributes: [{{Key: %s, Value: x}}]}}"
GROUP = f"{BALANCING}TargetGroup, Properties: {{TargetType: lambda, TargetGroupAttributes: [{{Key: %s, Value: x}}]}}"
LOG = "Type: AWS::EC2::FlowLog, Properties: {ResourceId: !Ref V, ResourceType: VPC, TrafficType: ALL, LogDestinationType: s3, LogDestination: 'arn:aws:s3:::b', LogFormat: '%s'}"
RULE = "Type: AWS::ECR::PullThroughCacheRule, Properties: {EcrRepositoryPrefix: a, UpstreamRegistryUrl: %s}"
REPOSITORY = 'Type: AWS::ECR::Repository, Properties: {LifecyclePolicy: {LifecyclePolicyText: \'{"rules": [{"rulePriority": 1, %s "action": {"type": "expire"}}]}\'}}'
SELECTION = '"selection": {"tagStatus": "any", "countType": "%s", "countUnit": "days", "countNumber": 9},'
PROVIDER = "Type: AWS::IAM::OIDCProvider, Properties: {Url: '%s'}"
TARGET = "Type: AWS::ApplicationAutoScaling::ScalableTarget, Properties: {MinCapacity: 1, MaxCapacity: 2, ResourceId: service/a/b, ServiceNamespace: ecs, ScalableDimension: 'ecs:service:DesiredCount', ScheduledActions: [{ScheduledActionName: a, Schedule: %s, ScalableTargetAction: {MinCapacity: 1}}]}"
PLAIN = SELECTION % "sinceImagePushed"

NEW = [
    pytest.param(LISTENER % "routing.http.response.x_new_policy.header_value", id="attribute of a listener"),
    pytest.param(SECURE % "ELBSecurityPolicy-TLS14-1-4-2027-03", id="TLS policy"),
    pytest.param(BALANCER % "routing.http3.enabled", id="attribute of a load balancer"),
    pytest.param(GROUP % "target_group_health.regional_failover.count", id="attribute of a target group"),
    pytest.param(LOG % "${version} ${peering-connection-id}", id="field of a flow log"),
    pytest.param(RULE % "mcr.microsoft.com", id="upstream registry"),
    pytest.param(REPOSITORY % f'{PLAIN} "schedule": "daily",', id="member of a lifecycle rule"),
    pytest.param(REPOSITORY % (SELECTION % "sinceImageScanned"), id="count type of a lifecycle rule"),
    pytest.param(PROVIDER % "https://idp.example:8443/a", id="port of an identity provider"),
    pytest.param(TARGET % "rate(1 days)", id="unit of a rate in the plural"),
    pytest.param(TARGET % "rate(5 minute)", id="unit of a rate in the singular"),
]
MISTAKES = [
    pytest.param(LISTENER % "routing.http.nope", id="attribute of a listener that is of neither requests nor responses"),
    pytest.param(SECURE % "ELBSecurityPolicy-New", id="TLS policy without a month"),
    pytest.param(SECURE % "ELBSecurityPolicy-TLS13-1-2-2022-06", id="TLS policy of a month that had none"),
    pytest.param(BALANCER % "idle_timeout.timeout_second", id="attribute of a load balancer"),
    pytest.param(BALANCER % "idle_timeout", id="attribute that is cut short"),
    pytest.param(GROUP % "slow-start.duration-seconds", id="attribute of a target group"),
    pytest.param(LOG % "${version} ${src-addr}", id="field of a flow log"),
    pytest.param(RULE % "registry.hub.docker.com", id="other host of an upstream registry"),
    pytest.param(REPOSITORY % f'{PLAIN} "Description": "x",', id="member of a lifecycle rule"),
    pytest.param(REPOSITORY % (SELECTION % "sinceImagePused"), id="count type of a lifecycle rule"),
]
KNOWN = [
    pytest.param(LISTENER % "routing.http.response.server.enabled", id="attribute of a listener"),
    pytest.param(SECURE % "ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09", id="TLS policy"),
    pytest.param(LOG % "${version} ${ecs-task-arn}", id="field of a flow log"),
    pytest.param(PROVIDER % "https://idp.example/a:8443", id="path of an identity provider"),
    pytest.param(TARGET % "rate(1 day)", id="unit of a rate"),
]


def estate(make_estate: Estate, resource: str) -> ResolvedStacks:
    return make_estate(root=f"Resources:\n  R: {{{resource}}}\n")


@pytest.mark.parametrize("resource", NEW)
def test_a_value_that_aws_may_take_is_no_error(make_estate: Estate, resource: str) -> None:
    assert not list(service_refusals.check(estate(make_estate, resource)))


@pytest.mark.parametrize("resource", NEW)
def test_a_value_that_aws_may_take_is_a_warning(make_estate: Estate, resource: str) -> None:
    (violation,) = unlisted_values.check(estate(make_estate, resource))

    assert "unless AWS takes it, the stack fails with" in violation.message


@pytest.mark.parametrize("resource", MISTAKES)
def test_a_value_that_is_surely_none_is_refused(make_estate: Estate, resource: str) -> None:
    assert len(list(service_refusals.check(estate(make_estate, resource)))) >= 1


@pytest.mark.parametrize("resource", MISTAKES)
def test_what_is_refused_is_no_warning_as_well(make_estate: Estate, resource: str) -> None:
    assert not list(unlisted_values.check(estate(make_estate, resource)))


@pytest.mark.parametrize("resource", KNOWN)
def test_a_value_of_the_list_is_no_warning(make_estate: Estate, resource: str) -> None:
    assert not list(unlisted_values.check(estate(make_estate, resource)))
