"""What an account describes of a service behind a load balancer, and of one that only the first may call."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from unittest import mock

import pytest
from botocore.exceptions import ClientError

from preflight.architecture import DeployedConnection, DeployedRegion, DeployedTask, IngressRule
from preflight.deploy import lifecycle, region_description
from preflight.deploy import session as sessions
from preflight.deploy.session import Session
from preflight.model import Deployment
from preflight.rehearsal import server
from preflight.system import waiting

REGION = "ap-northeast-1"
TEMPLATE = """
Resources:
  Vpc: {Type: "AWS::EC2::VPC", Properties: {CidrBlock: 10.0.0.0/16, Tags: [{Key: Name, Value: shop}]}}
  Gateway: {Type: "AWS::EC2::InternetGateway"}
  Attachment: {Type: "AWS::EC2::VPCGatewayAttachment", Properties: {VpcId: !Ref Vpc, InternetGatewayId: !Ref Gateway}}
  PublicA: {Type: "AWS::EC2::Subnet", Properties: {VpcId: !Ref Vpc, CidrBlock: 10.0.1.0/24, AvailabilityZone: ap-northeast-1a}}
  PublicC: {Type: "AWS::EC2::Subnet", Properties: {VpcId: !Ref Vpc, CidrBlock: 10.0.2.0/24, AvailabilityZone: ap-northeast-1c}}
  Private: {Type: "AWS::EC2::Subnet", Properties: {VpcId: !Ref Vpc, CidrBlock: 10.0.3.0/24, AvailabilityZone: ap-northeast-1a, Tags: [{Key: Name, Value: inner}]}}
  Table: {Type: "AWS::EC2::RouteTable", Properties: {VpcId: !Ref Vpc}}
  Route: {Type: "AWS::EC2::Route", DependsOn: Attachment, Properties: {RouteTableId: !Ref Table, DestinationCidrBlock: 0.0.0.0/0, GatewayId: !Ref Gateway}}
  RouteA: {Type: "AWS::EC2::SubnetRouteTableAssociation", Properties: {SubnetId: !Ref PublicA, RouteTableId: !Ref Table}}
  RouteC: {Type: "AWS::EC2::SubnetRouteTableAssociation", Properties: {SubnetId: !Ref PublicC, RouteTableId: !Ref Table}}
  Outer:
    Type: AWS::EC2::SecurityGroup
    Properties: {VpcId: !Ref Vpc, GroupName: outer, GroupDescription: d, SecurityGroupIngress: [{IpProtocol: tcp, FromPort: 80, ToPort: 80, CidrIp: 0.0.0.0/0}]}
  Web:
    Type: AWS::EC2::SecurityGroup
    Properties: {VpcId: !Ref Vpc, GroupName: web, GroupDescription: d, SecurityGroupIngress: [{IpProtocol: tcp, FromPort: 8080, ToPort: 8080, SourceSecurityGroupId: !Ref Outer}]}
  Api:
    Type: AWS::EC2::SecurityGroup
    Properties: {VpcId: !Ref Vpc, GroupName: api, GroupDescription: d, SecurityGroupIngress: [{IpProtocol: tcp, FromPort: 9000, ToPort: 9001, SourceSecurityGroupId: !Ref Web}]}
  Balancer:
    Type: AWS::ElasticLoadBalancingV2::LoadBalancer
    DependsOn: Route
    Properties: {Name: front, Scheme: internet-facing, Subnets: [!Ref PublicA, !Ref PublicC], SecurityGroups: [!Ref Outer]}
  Targets: {Type: "AWS::ElasticLoadBalancingV2::TargetGroup", Properties: {VpcId: !Ref Vpc, Port: 8080, Protocol: HTTP, TargetType: ip}}
  Listener:
    Type: AWS::ElasticLoadBalancingV2::Listener
    Properties: {LoadBalancerArn: !Ref Balancer, Port: 80, Protocol: HTTP, DefaultActions: [{Type: forward, TargetGroupArn: !Ref Targets}]}
  Cluster: {Type: "AWS::ECS::Cluster", Properties: {ClusterName: shop}}
  Role:
    Type: AWS::IAM::Role
    Properties:
      RoleName: runs-web
      AssumeRolePolicyDocument: {Version: "2012-10-17", Statement: [{Effect: Allow, Action: "sts:AssumeRole", Principal: {Service: ecs-tasks.amazonaws.com}}]}
  WebTask:
    Type: AWS::ECS::TaskDefinition
    Properties:
      {Cpu: "256", Memory: "512", NetworkMode: awsvpc, RequiresCompatibilities: [FARGATE], TaskRoleArn: !Ref Role, ContainerDefinitions: [{Name: web, Image: "nginx:1.28.0", PortMappings: [{ContainerPort: 8080}]}]}
  ApiTask:
    Type: AWS::ECS::TaskDefinition
    Properties:
      {Cpu: "256", Memory: "512", NetworkMode: awsvpc, RequiresCompatibilities: [FARGATE], ContainerDefinitions: [{Name: api, Image: "httpd:2.4", PortMappings: [{ContainerPort: 9000}]}]}
  WebService:
    Type: AWS::ECS::Service
    DependsOn: [Listener, Route, RouteA]
    Properties:
      ServiceName: web
      Cluster: !Ref Cluster
      TaskDefinition: !Ref WebTask
      LaunchType: FARGATE
      DesiredCount: 2
      LoadBalancers: [{ContainerName: web, ContainerPort: 8080, TargetGroupArn: !Ref Targets}]
      NetworkConfiguration: {AwsvpcConfiguration: {Subnets: [!Ref PublicA, !Ref PublicC], SecurityGroups: [!Ref Web], AssignPublicIp: ENABLED}}
  ApiService:
    Type: AWS::ECS::Service
    DependsOn: [Route, RouteA]
    Properties:
      ServiceName: api
      Cluster: !Ref Cluster
      TaskDefinition: !Ref ApiTask
      LaunchType: FARGATE
      DesiredCount: 1
      NetworkConfiguration: {AwsvpcConfiguration: {Subnets: [!Ref PublicA], SecurityGroups: [!Ref Api], AssignPublicIp: ENABLED}}
"""


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    """An account of this module, in which the template is deployed once: its tests only read."""
    with server.running(folder=tmp_path_factory.mktemp("account")) as account:
        yield sessions.rehearsal_session(REGION, account.address, "any")


@pytest.fixture(scope="module")
def services(session: Session) -> dict[str, str]:
    """The services of the template, with their cluster by ARN."""
    stacks = session.client("cloudformation")
    stacks.create_stack(StackName="s", TemplateBody=TEMPLATE, Capabilities=["CAPABILITY_NAMED_IAM"])
    ended = {"CREATE_COMPLETE", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED"}
    status = waiting.until(
        lambda: next((s["StackStatus"] for s in stacks.describe_stacks(StackName="s")["Stacks"] if s["StackStatus"] in ended), None),
        what="the stack", timeout=60,
    )  # fmt: skip
    assert status == "CREATE_COMPLETE"
    arns = session.client("ecs").list_services(cluster="shop")["serviceArns"]
    return dict.fromkeys(arns, "shop")


@pytest.fixture(scope="module")
def region(session: Session, services: dict[str, str]) -> DeployedRegion:
    described = region_description.describe(session, services)
    assert described is not None
    return described


def test_who_reaches_whom_is_what_routes_and_security_groups_allow(region: DeployedRegion) -> None:
    assert set(region.connections) == {
        DeployedConnection("internet", "front", 80),
        DeployedConnection("front", "web", 8080),
        DeployedConnection("web", "api", 9000),
    }


def test_a_subnet_is_public_by_its_route(region: DeployedRegion) -> None:
    (vpc,) = region.vpcs

    assert vpc.name == "shop"
    assert {(subnet.cidr, subnet.name, subnet.is_public) for subnet in vpc.subnets} == {
        ("10.0.1.0/24", "", True),
        ("10.0.2.0/24", "", True),
        ("10.0.3.0/24", "inner", False),
    }


def test_a_load_balancer_has_listeners_and_an_address_in_each_subnet(region: DeployedRegion) -> None:
    (balancer,) = region.load_balancers
    zones = {subnet.id: subnet.zone for vpc in region.vpcs for subnet in vpc.subnets}

    assert [(listener.protocol, listener.port, listener.services) for listener in balancer.listeners] == [("HTTP", 80, ("web",))]
    assert {zones[subnet] for subnet in balancer.addresses} == {"ap-northeast-1a", "ap-northeast-1c"}
    assert all(balancer.addresses.values())


def test_a_service_has_its_image_ports_and_role(region: DeployedRegion) -> None:
    web = next(service for service in region.services if service.name == "web")

    assert [(c.image, c.ports) for c in web.containers] == [("nginx:1.28.0", (8080,))]
    assert web.task_role == "runs-web"
    assert web.running == 2
    assert "has reached a steady state" in web.messages[-1].text


def test_a_task_has_its_addresses_state_and_times(region: DeployedRegion) -> None:
    task = next(task for task in region.tasks if task.service == "api")

    assert task.state == "RUNNING"
    assert task.private.startswith("10.0.1.")
    assert task.public
    assert task.times["createdAt"].endswith("Z")
    assert task.target_health is None


def test_a_target_has_its_health(region: DeployedRegion) -> None:
    assert all(task.target_health for task in region.tasks if task.service == "web")


def test_only_security_groups_that_are_used_are_described(region: DeployedRegion) -> None:
    groups = {group.name: group.ingress for group in region.security_groups}
    outer = next(group.id for group in region.security_groups if group.name == "outer")

    assert set(groups) == {"outer", "web", "api"}
    assert groups["web"] == (IngressRule("tcp", "8080", (outer,)),)


def test_what_security_groups_block_is_said(session: Session, services: dict[str, str]) -> None:
    ec2 = session.client("ec2")
    (group,) = ec2.describe_security_groups(Filters=[{"Name": "group-name", "Values": ["web"]}])["SecurityGroups"]
    rule = {"GroupId": group["GroupId"], "IpPermissions": group["IpPermissions"]}
    ec2.revoke_security_group_ingress(**rule)
    region = region_description.describe(session, services)
    ec2.authorize_security_group_ingress(**rule)

    assert region is not None
    blockers = {c.target: c.blocker for c in region.connections if c.source == "front"}
    assert "admits no tcp to port 8080" in str(blockers["web"])


def test_nothing_is_asked_without_a_service(session: Session) -> None:
    assert region_description.describe(dataclasses.replace(session, endpoint="http://127.0.0.1:1"), {}) is None


@pytest.mark.parametrize(
    ("error", "said"),
    [
        pytest.param(ClientError({"Error": {"Code": "AccessDenied", "Message": "not yours"}}, "DescribeVpcs"), "DescribeVpcs: AccessDenied", id="AWS refuses"),
        pytest.param(KeyError("VpcId"), "VpcId", id="something is missing"),
    ],
)
def test_a_description_that_fails_is_a_note(monkeypatch: pytest.MonkeyPatch, error: Exception, said: str) -> None:
    monkeypatch.setattr(region_description, "describe", mock.Mock(side_effect=error))
    deployment, notes = mock.Mock(), list[str]()
    deployment.events.return_value = []

    described = lifecycle.with_architecture(Deployment(stacks=("s",)), deployment, notes.append)

    assert described == Deployment(stacks=("s",))
    assert said in notes[0]


def test_a_task_that_has_no_interface_has_no_address() -> None:
    description = region_description.RegionDescription(mock.Mock(region=REGION), {})
    description.__dict__["_interfaces"] = []
    task = {"taskArn": "arn:aws:ecs:r:1:task/c/abc", "attachments": [], "lastStatus": "PROVISIONING"}

    assert description._task(task, "web") == DeployedTask("abc", "web", "", "", None, "PROVISIONING")


def test_a_service_of_an_external_controller_names_no_containers(session: Session) -> None:
    ecs = session.client("ecs")
    cluster = ecs.create_cluster(clusterName="external")["cluster"]["clusterArn"]
    external = {"desiredCount": 0, "deploymentController": {"type": "EXTERNAL"}}
    service = ecs.create_service(cluster=cluster, serviceName="external", **external)["service"]["serviceArn"]

    described = region_description.describe(session, {service: "external"})

    assert described is not None
    assert described.services[0].containers == ()
