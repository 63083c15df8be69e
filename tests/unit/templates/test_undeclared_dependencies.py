from __future__ import annotations

from typing import Any

import pytest

from preflight.templates import dependency_graph, undeclared_dependencies
from preflight.templates.undeclared_dependencies import UndeclaredDependency


def resource(kind: str, **properties: Any) -> dict[str, Any]:
    return {"Type": f"AWS::{kind}", "Properties": properties}


def ref(name: str) -> dict[str, str]:
    return {"Ref": name}


def strategy(provider: str) -> dict[str, Any]:
    return {"CapacityProviderStrategy": [{"CapacityProvider": provider}]}


NONE = ref("AWS::NoValue")
RESOURCES = {
    "Vpc": resource("EC2::VPC"),
    "OtherVpc": resource("EC2::VPC"),
    "Gateway": resource("EC2::InternetGateway"),
    "Attachment": resource("EC2::VPCGatewayAttachment", InternetGatewayId=ref("Gateway"), VpcId=ref("Vpc")),
    "Subnet": resource("EC2::Subnet", VpcId=ref("Vpc")),
    "OtherSubnet": resource("EC2::Subnet", VpcId=ref("OtherVpc")),
    "Cluster": resource("ECS::Cluster"),
    "OtherCluster": resource("ECS::Cluster"),
    "Providers": resource("ECS::ClusterCapacityProviderAssociations", Cluster=ref("Cluster")),
    "Files": resource("EFS::FileSystem"),
    "MountTarget": resource("EFS::MountTarget", FileSystemId=ref("Files")),
    "Task": resource("ECS::TaskDefinition", Volumes=[{"EFSVolumeConfiguration": {"FilesystemId": ref("Files")}}]),
    "Group": resource("ElasticLoadBalancingV2::TargetGroup"),
    "Listener": resource("ElasticLoadBalancingV2::Listener", DefaultActions=[{"TargetGroupArn": ref("Group")}]),
    "Namespace": resource("ServiceDiscovery::PrivateDnsNamespace", Name="web"),
    "HttpNamespace": resource("ServiceDiscovery::HttpNamespace", Name="http"),
}


def pairs(**added: Any) -> set[UndeclaredDependency]:
    resources = {**RESOURCES, **added}
    return set(undeclared_dependencies.of_template(resources, dependency_graph.edges(resources)))


@pytest.mark.parametrize(
    ("waiting", "needed"),
    [
        pytest.param(resource("EC2::Route", GatewayId=ref("Gateway")), "Attachment", id="a route to the gateway"),
        pytest.param(resource("EC2::NatGateway", SubnetId=ref("Subnet")), "Attachment", id="a NAT gateway"),
        pytest.param(
            resource("ElasticLoadBalancingV2::LoadBalancer", Subnets=[ref("Subnet")]), "Attachment", id="a public load balancer"
        ),
        pytest.param(resource("EC2::EIP", Domain="vpc"), "Attachment", id="an elastic address"),
        pytest.param(resource("ECS::Service", Cluster=ref("Cluster"), **strategy("FARGATE")), "Providers", id="a strategy"),
        pytest.param(resource("ECS::Service", Cluster=ref("Cluster"), LaunchType=NONE), "Providers", id="the cluster's strategy"),
        pytest.param(resource("ECS::Service", LaunchType="FARGATE", TaskDefinition=ref("Task")), "MountTarget", id="a file system"),
        pytest.param(resource("ECS::Cluster", ServiceConnectDefaults={"Namespace": "web"}), "Namespace", id="a namespace made by both"),
    ],
)
def test_a_race(waiting: dict[str, Any], needed: str) -> None:
    assert pairs(X=waiting) == {UndeclaredDependency("X", needed)}


@pytest.mark.parametrize(
    ("waiting", "needed"),
    [
        pytest.param(
            resource("ECS::Cluster", ServiceConnectDefaults={"Namespace": "http"}), "HttpNamespace", id="a namespace made twice"
        ),
        pytest.param(
            resource("ECS::Service", LaunchType="FARGATE", LoadBalancers=[{"TargetGroupArn": ref("Group")}]),
            "Listener",
            id="a service behind a listener",
        ),
    ],
)
def test_an_order_that_always_fails(waiting: dict[str, Any], needed: str) -> None:
    assert pairs(X=waiting) == {UndeclaredDependency("X", needed, is_race=False)}


BALANCER = resource("ElasticLoadBalancingV2::LoadBalancer", Scheme="internal")


@pytest.mark.parametrize(
    ("listener", "role", "is_race"),
    [
        pytest.param({}, {"ExecutionRoleArn": {"Fn::GetAtt": ["Role", "Arn"]}}, True, id="a role that the service waits for"),
        pytest.param({}, {"ExecutionRoleArn": ref("RoleArn")}, False, id="a role that is there"),
        pytest.param({"LoadBalancerArn": ref("Balancer")}, {"TaskRoleArn": ref("Role")}, False, id="a load balancer to wait for"),
    ],
)
def test_a_listener_that_is_complete_before_what_the_service_waits_for(listener: dict[str, Any], role: dict[str, Any], is_race: bool) -> None:  # noqa: FBT001 - a case
    added = {
        "Role": resource("IAM::Role"),
        "Balancer": BALANCER,
        "Definition": resource("ECS::TaskDefinition", **role),
        "Listener": resource("ElasticLoadBalancingV2::Listener", DefaultActions=[{"TargetGroupArn": ref("Group")}], **listener),
        "X": resource("ECS::Service", LaunchType="FARGATE", TaskDefinition=ref("Definition"), LoadBalancers=[{"TargetGroupArn": ref("Group")}]),
    }

    assert pairs(**added) == {UndeclaredDependency("X", "Listener", is_race=is_race)}


@pytest.mark.parametrize(
    ("needs", "is_race"),
    [
        pytest.param("Namespace", False, id="something slow that the load balancer does not wait for"),
        pytest.param("Subnet", True, id="a subnet that the load balancer waits for too"),
    ],
)
def test_an_attachment_that_waits_for_more(needs: str, is_race: bool) -> None:  # noqa: FBT001 - a case
    attachment = {**RESOURCES["Attachment"], "DependsOn": needs}
    balancer = resource("ElasticLoadBalancingV2::LoadBalancer", Subnets=[ref("Subnet")])

    assert pairs(Attachment=attachment, X=balancer) == {UndeclaredDependency("X", "Attachment", is_race=is_race)}


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(resource("EC2::Route", NatGatewayId="nat-1"), id="a route elsewhere"),
        pytest.param(resource("EC2::NatGateway", SubnetId=ref("OtherSubnet")), id="a NAT gateway of another VPC"),
        pytest.param(resource("EC2::NatGateway", SubnetId=ref("Subnet"), ConnectivityType="private"), id="a private NAT gateway"),
        pytest.param(
            resource("ElasticLoadBalancingV2::LoadBalancer", Subnets=[ref("Subnet")], Scheme="internal"),
            id="an internal load balancer",
        ),
        pytest.param(
            resource("ElasticLoadBalancingV2::LoadBalancer", Subnets=[ref("OtherSubnet")]), id="a load balancer of another VPC"
        ),
        pytest.param(resource("ECS::Service", Cluster=ref("Cluster"), LaunchType="FARGATE"), id="a launch type"),
        pytest.param(resource("ECS::Service", Cluster=ref("OtherCluster"), **strategy("FARGATE")), id="another cluster"),
        pytest.param(resource("ECS::Cluster", ServiceConnectDefaults={"Namespace": "api"}), id="another namespace"),
        pytest.param({**resource("EC2::Route", GatewayId=ref("Gateway")), "DependsOn": "Attachment"}, id="a declared order"),
    ],
)
def test_no_pair(other: dict[str, Any]) -> None:
    assert pairs(X=other) == set()
