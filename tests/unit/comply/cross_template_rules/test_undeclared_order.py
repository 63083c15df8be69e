from __future__ import annotations

from collections.abc import Callable

import pytest

from preflight.comply.cross_template_rules import undeclared_order
from preflight.plan.resolved_stacks import ResolvedStacks

NETWORK = """\
Resources:
  Vpc: {Type: "AWS::EC2::VPC"}
  Gateway: {Type: "AWS::EC2::InternetGateway"}
  Attachment: {Type: "AWS::EC2::VPCGatewayAttachment", Properties: {VpcId: !Ref Vpc, InternetGatewayId: !Ref Gateway}}
  Listener: {Type: "AWS::ElasticLoadBalancingV2::Listener", Properties: {DefaultActions: [{TargetGroupArn: !Ref Group}]}}
  Group: {Type: "AWS::ElasticLoadBalancingV2::TargetGroup"}
  Service: {Type: "AWS::ECS::Service", Properties: {LaunchType: FARGATE, LoadBalancers: [{TargetGroupArn: !Ref Group}]}}
  Route: {Type: "AWS::EC2::Route", DependsOn: X, Properties: {GatewayId: !Ref Gateway}}
  X: {Type: "AWS::SNS::Topic", DependsOn: Attachment}
"""


def names(stacks: ResolvedStacks) -> dict[str, list[str]]:
    return {
        name: [violation.fix for violation in check(stacks)]
        for name, check in undeclared_order.CHECKS.items()
        if list(check(stacks))
    }


def test_a_declared_order_and_one_that_always_fails_are_no_races(make_estate: Callable[..., ResolvedStacks]) -> None:
    assert names(make_estate(root=NETWORK)) == {}


def test_a_race_names_both_resources(make_estate: Callable[..., ResolvedStacks]) -> None:
    found = names(make_estate(root=NETWORK.replace("DependsOn: X, ", "")))

    assert found == {"EC2_ROUTE_IGW_DEPENDS_ON_ATTACHMENT": ["Set DependsOn: Attachment in Route."]}


@pytest.mark.parametrize(
    ("kind", "properties", "name"),
    [
        ("AWS::EC2::NatGateway", "{SubnetId: subnet-1}", "EC2_NAT_GATEWAY_DEPENDS_ON_ATTACHMENT"),
        ("AWS::ElasticLoadBalancingV2::LoadBalancer", "{Subnets: [subnet-1, subnet-2]}", "ELBV2_DEPENDS_ON_ATTACHMENT"),
        ("AWS::EC2::EIP", "{Domain: vpc}", "EC2_EIP_DEPENDS_ON_ATTACHMENT"),
    ],
)
def test_each_race_has_its_rule(
    make_estate: Callable[..., ResolvedStacks], kind: str, properties: str, name: str
) -> None:
    stacks = make_estate(root=NETWORK + f'  Y: {{Type: "{kind}", Properties: {properties}}}\n')

    assert list(names(stacks)) == [name]


def test_a_service_has_two_rules(make_estate: Callable[..., ResolvedStacks]) -> None:
    service = (
        '  C: {Type: "AWS::ECS::Cluster"}\n'
        '  P: {Type: "AWS::ECS::ClusterCapacityProviderAssociations", Properties: {Cluster: !Ref C}}\n'
        '  F: {Type: "AWS::EFS::FileSystem"}\n'
        '  M: {Type: "AWS::EFS::MountTarget", Properties: {FileSystemId: !Ref F}}\n'
        '  T: {Type: "AWS::ECS::TaskDefinition", Properties: {Volumes: [{EFSVolumeConfiguration: {FilesystemId: !Ref F}}]}}\n'
        '  S: {Type: "AWS::ECS::Service", Properties: {Cluster: !Ref C, TaskDefinition: !Ref T}}\n'
    )

    assert names(make_estate(root=NETWORK + service)) == {
        "ECS_SERVICE_DEPENDS_ON_CAPACITY_PROVIDERS": ["Set DependsOn: P in S."],
        "ECS_SERVICE_DEPENDS_ON_MOUNT_TARGETS": ["Set DependsOn: M in S."],
    }


def test_a_strategy_without_its_order_may_fail_at_creation_and_at_deletion(make_estate: Callable[..., ResolvedStacks]) -> None:
    root = (
        "Resources:\n"
        '  C: {Type: "AWS::ECS::Cluster"}\n'
        '  P: {Type: "AWS::ECS::ClusterCapacityProviderAssociations", Properties: {Cluster: !Ref C}}\n'
        '  S: {Type: "AWS::ECS::Service", Properties: {Cluster: !Ref C, CapacityProviderStrategy: [{CapacityProvider: FARGATE_SPOT}]}}\n'
    )

    (violation,) = undeclared_order.CHECKS["ECS_SERVICE_DEPENDS_ON_CAPACITY_PROVIDERS"](make_estate(root=root))

    assert "may be created before P gives" in violation.message
    assert "when the stack is deleted, the deletion of P may fail" in violation.message
