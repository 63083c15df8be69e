from __future__ import annotations

from collections.abc import Callable

import pytest

from preflight.comply.cross_template_rules import subnet_route
from preflight.plan.resolved_stacks import ResolvedStacks

ROOT = """\
Parameters:
  P: {Type: String}
Resources:
  Net: {Type: "AWS::CloudFormation::Stack", Properties: {TemplateURL: https://b/demo/net.yaml}}
  App:
    Type: AWS::CloudFormation::Stack
    Properties:
      TemplateURL: https://b/demo/app.yaml
      Parameters: {Subnets: !Join [",", [!GetAtt Net.Outputs.Subnet]]}
"""
NET = """\
Resources:
  Vpc: {Type: "AWS::EC2::VPC", Properties: {CidrBlock: 10.0.0.0/16}}
  Gateway: {Type: "AWS::EC2::InternetGateway"}
  Attachment: {Type: "AWS::EC2::VPCGatewayAttachment", Properties: {VpcId: !Ref Vpc, InternetGatewayId: !Ref Gateway}}
  Subnet: {Type: "AWS::EC2::Subnet", Properties: {VpcId: !Ref Vpc, CidrBlock: 10.0.0.0/24}}
  Outside: {Type: "AWS::EC2::Subnet", Properties: {VpcId: !Ref Vpc, CidrBlock: 10.0.1.0/24}}
  Table: {Type: "AWS::EC2::RouteTable", Properties: {VpcId: !Ref Vpc}}
  OutsideTable: {Type: "AWS::EC2::RouteTable", Properties: {VpcId: !Ref Vpc}}
  Association: {Type: "AWS::EC2::SubnetRouteTableAssociation", Properties: {SubnetId: !Ref Subnet, RouteTableId: !Ref Table}}
  OutsideAssociation: {Type: "AWS::EC2::SubnetRouteTableAssociation", Properties: {SubnetId: !Ref Outside, RouteTableId: !Ref OutsideTable}}
  OutsideRoute: {Type: "AWS::EC2::Route", Properties: {RouteTableId: !Ref OutsideTable, DestinationCidrBlock: 0.0.0.0/0, GatewayId: !Ref Gateway}}
  Route: {Type: "AWS::EC2::Route", Properties: {RouteTableId: !Ref Table, DestinationCidrBlock: 0.0.0.0/0, GatewayId: !Ref Gateway}}
Outputs:
  Subnet: {Value: !Ref Subnet}
"""
APP = """\
Parameters:
  Subnets: {Type: "List<AWS::EC2::Subnet::Id>"}
  P: {Type: String}
Resources:
  T:
    Type: AWS::ECS::TaskDefinition
    Properties:
      ContainerDefinitions:
        - Image: !Sub "${AWS::AccountId}.dkr.ecr.${AWS::Region}.amazonaws.com/web:1"
          LogConfiguration: {LogDriver: awslogs}
  S:
    Type: AWS::ECS::Service
    Properties:
      LaunchType: FARGATE
      TaskDefinition: !Ref T
      NetworkConfiguration: {AwsvpcConfiguration: {AssignPublicIp: ENABLED, Subnets: !Ref Subnets}}
"""
TO_GATEWAY = "RouteTableId: !Ref Table, DestinationCidrBlock: 0.0.0.0/0, GatewayId: !Ref Gateway"
TO_NAT = "RouteTableId: !Ref Table, DestinationCidrBlock: 0.0.0.0/0, NatGatewayId: !Ref Nat"
NAT = '  Nat: {Type: "AWS::EC2::NatGateway", Properties: {SubnetId: !Ref Outside, AllocationId: x}}\nOutputs:\n'
PRIVATE = ("AssignPublicIp: ENABLED", "AssignPublicIp: DISABLED")
NO_ROUTE = (TO_GATEWAY, "RouteTableId: !Ref Table, DestinationCidrBlock: 10.9.0.0/16, VpcPeeringConnectionId: x")
IMAGE = '!Sub "${AWS::AccountId}.dkr.ecr.${AWS::Region}.amazonaws.com/web:1"'
Make = Callable[..., ResolvedStacks]


def endpoints(*services: str) -> tuple[str, str]:
    lines = [
        f"  E{n}: {{Type: 'AWS::EC2::VPCEndpoint', Properties: {{VpcId: !Ref Vpc, ServiceName: !Sub 'com.amazonaws.${{AWS::Region}}.{s}', "
        + ("RouteTableIds: [!Ref Table]}}" if s == "s3" else "VpcEndpointType: Interface, PrivateDnsEnabled: true}}")
        for n, s in enumerate(services)
    ]
    return "Outputs:\n", "\n".join(lines) + "\nOutputs:\n"


def stack_set(permissions: str) -> tuple[str, str]:
    return "Outputs:\n", f"  C: {{Type: 'AWS::CloudFormation::StackSet', Properties: {{PermissionModel: {permissions}, StackSetName: a}}}}\nOutputs:\n"


def changed(make_estate: Make, *changes: tuple[str, str], has_plan: bool = True) -> ResolvedStacks:
    texts = {"root": ROOT, "net": NET, "app": APP}
    for old, new in changes:
        assert any(old in text for text in texts.values()), old
        texts = {name: text.replace(old, new) for name, text in texts.items()}
    return make_estate(has_plan=has_plan, **texts)


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        pytest.param([], 0, id="public, and a route to the gateway"),
        pytest.param([NO_ROUTE], 1, id="public, and no route to the internet"),
        pytest.param([("  Association:", "  Foo:"), ("SubnetId: !Ref Subnet,", "SubnetId: !Ref Outside,")], 1, id="public, and no route table of its own"),
        pytest.param([("VpcId: !Ref Vpc, InternetGatewayId: !Ref Gateway", "VpcId: !Ref Vpc, VpnGatewayId: x")], 1, id="the gateway is not attached"),
        pytest.param([("Outputs:\n", NAT), (TO_GATEWAY, TO_NAT)], 0, id="public, through a NAT gateway"),
        pytest.param([PRIVATE], 1, id="private, and the route leads to the gateway"),
        pytest.param([("AssignPublicIp: ENABLED, ", "")], 1, id="private by default"),
        pytest.param([PRIVATE, ("Outputs:\n", NAT), (TO_GATEWAY, TO_NAT)], 0, id="private, through a NAT gateway"),
        pytest.param([PRIVATE, ("Outputs:\n", NAT), (TO_GATEWAY, TO_NAT), ("AllocationId: x", "ConnectivityType: private")], 1, id="through a private NAT gateway"),
        pytest.param([PRIVATE, endpoints("ecr.api", "ecr.dkr", "s3", "logs")], 0, id="private, with all endpoints"),
        pytest.param([PRIVATE, endpoints("ecr.api", "ecr.dkr", "s3")], 1, id="private, without the endpoint for logs"),
        pytest.param([PRIVATE, endpoints("ecr.api", "ecr.dkr", "s3"), ("LogDriver: awslogs", "LogDriver: splunk")], 0, id="no log to CloudWatch"),
        pytest.param([PRIVATE, endpoints("ecr.api", "ecr.dkr", "logs")], 1, id="private, without the endpoint for S3"),
        pytest.param([PRIVATE, endpoints("ecr.api", "ecr.dkr", "s3", "logs"), (IMAGE, "nginx:1")], 1, id="an image of Docker Hub behind endpoints"),
        pytest.param([PRIVATE, endpoints("ecr.api", "ecr.dkr", "s3", "logs"), (IMAGE, "!Ref P")], 0, id="an image that is not known behind endpoints"),
        pytest.param([PRIVATE, (IMAGE, "!Ref P")], 1, id="an image that is not known, and no way at all"),
        pytest.param([NO_ROUTE, ("ENABLED", "!Ref P")], 0, id="an address that is not known"),
        pytest.param([NO_ROUTE, ("LaunchType: FARGATE", "LaunchType: EC2")], 0, id="not on Fargate"),
        pytest.param([NO_ROUTE, ("LaunchType: FARGATE", "LaunchType: FARGATE\n      DesiredCount: 0")], 0, id="no tasks at all"),
        pytest.param([NO_ROUTE, ("!GetAtt Net.Outputs.Subnet", "subnet-1")], 0, id="a subnet from elsewhere"),
        pytest.param([NO_ROUTE, ("CidrBlock: 10.0.0.0/24", "Ipv6Native: true")], 0, id="an IPv6 subnet"),
        pytest.param([(TO_GATEWAY, TO_GATEWAY.replace("DestinationCidrBlock: 0.0.0.0/0", "DestinationCidrBlock: !ImportValue x"))], 0, id="a route that is not known"),
        pytest.param([(TO_GATEWAY, TO_GATEWAY.replace("!Ref Table", "!ImportValue x"))], 0, id="a route of an unknown table"),
        pytest.param([(TO_GATEWAY, "RouteTableId: !Ref Table, DestinationCidrBlock: 0.0.0.0/0, TransitGatewayId: x")], 0, id="through another network"),
        pytest.param([NO_ROUTE, ("Outputs:\n", "  C: {Type: 'Custom::Routes'}\nOutputs:\n")], 0, id="a custom resource may make the route"),
        pytest.param([NO_ROUTE, stack_set("SELF_MANAGED")], 0, id="a stack set may make the route"),
        pytest.param([NO_ROUTE, stack_set("SERVICE_MANAGED")], 1, id="a stack set makes nothing in the management account"),
        pytest.param([NO_ROUTE, stack_set("SERVICE_MANAGED, CallAs: SELF")], 1, id="a stack set makes nothing in the management account, which says so"),
        pytest.param([NO_ROUTE, stack_set("SERVICE_MANAGED, CallAs: DELEGATED_ADMIN")], 0, id="a stack set may make the route in the account of a delegated administrator"),
        pytest.param([NO_ROUTE, stack_set("SERVICE_MANAGED, CallAs: !Ref P")], 0, id="a stack set of an account that is not known may make the route"),
        pytest.param([NO_ROUTE, ("  App:\n", "  Hidden: {Type: 'AWS::CloudFormation::Stack', Properties: {TemplateURL: https://x/y.yaml}}\n  App:\n")], 0, id="a hidden nested stack may make the route"),
        pytest.param([NO_ROUTE, ("Resources:\n  Vpc", "Transform: Mine\nResources:\n  Vpc")], 0, id="a macro may make the route"),
        pytest.param([("{AssignPublicIp: ENABLED, Subnets: !Ref Subnets}", "[1]")], 0, id="a configuration that is none"),
        pytest.param([NO_ROUTE, ("Subnets: !Ref Subnets", "Subnets: {a: [3]}")], 0, id="subnets that are none"),
    ],
)  # fmt: skip
def test_tasks_have_a_way_to_their_image(make_estate: Make, changes: list[tuple[str, str]], found: int) -> None:
    assert len(list(subnet_route.check(changed(make_estate, *changes)))) == found


def test_the_message_names_the_resources_of_the_templates(make_estate: Make) -> None:
    message = next(subnet_route.check(changed(make_estate, NO_ROUTE))).message

    assert message == (
        "tasks in Subnet (net.yaml) cannot pull their image: the route table of subnet Subnet has no route to the internet."
    )


@pytest.mark.parametrize(
    ("more", "found"), [pytest.param([], 1, id="all in one tree"), pytest.param([("Outputs:\n", "Outputs:\n  X: {Value: 1, Export: {Name: x}}\n")], 0, id="other stacks may route what is exported")]
)  # fmt: skip
def test_without_a_plan_only_what_is_declared_here_is_judged(make_estate: Make, more: list[tuple[str, str]], found: int) -> None:
    every = changed(make_estate, NO_ROUTE, *more, has_plan=False)

    assert len(list(subnet_route.check(every))) == found
