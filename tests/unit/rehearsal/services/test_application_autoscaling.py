"""Scaling policies that count requests: the load balancer has to route them to the target group."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto.applicationautoscaling import models

from preflight.rehearsal.services import application_autoscaling

Client = Callable[[str], Any]
TARGET = {
    "ServiceNamespace": "ec2",
    "ResourceId": "spot-fleet-request/sfr-1",
    "ScalableDimension": "ec2:spot-fleet-request:TargetCapacity",
}


@pytest.fixture
def balancer(client: Client) -> str:
    ec2 = client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{n}.0/24", AvailabilityZone=f"ap-northeast-1{zone}")["Subnet"]["SubnetId"]
        for n, zone in enumerate("ac")
    ]
    made = client("elbv2").create_load_balancer(Name="web", Subnets=subnets, Scheme="internal")
    return str(made["LoadBalancers"][0]["LoadBalancerArn"])


@pytest.fixture
def group(client: Client, balancer: str) -> str:
    vpc = client("elbv2").describe_load_balancers(LoadBalancerArns=[balancer])["LoadBalancers"][0]["VpcId"]
    made = client("elbv2").create_target_group(Name="web", Protocol="HTTP", Port=80, VpcId=vpc, TargetType="ip")
    return str(made["TargetGroups"][0]["TargetGroupArn"])


def put(client: Client, balancer: str, group: str) -> None:
    scaling = client("application-autoscaling")
    scaling.register_scalable_target(**TARGET, MinCapacity=1, MaxCapacity=2)
    label = f"{balancer.partition(':loadbalancer/')[2]}/{group.rpartition(':')[2]}"
    metric = {"PredefinedMetricType": "ALBRequestCountPerTarget", "ResourceLabel": label}
    tracking = {"TargetValue": 100, "PredefinedMetricSpecification": metric}
    scaling.put_scaling_policy(
        **TARGET,
        PolicyName="requests",
        PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration=tracking,
    )


def test_requests_are_counted_where_a_listener_routes_them(client: Client, balancer: str, group: str) -> None:
    forward = [{"Type": "forward", "TargetGroupArn": group}]
    client("elbv2").create_listener(LoadBalancerArn=balancer, Protocol="HTTP", Port=80, DefaultActions=forward)

    put(client, balancer, group)

    assert client("application-autoscaling").describe_scaling_policies(ServiceNamespace="ec2")["ScalingPolicies"]


def test_requests_are_not_counted_where_no_listener_routes_them(client: Client, balancer: str, group: str) -> None:
    with pytest.raises(ClientError, match="does not route traffic to the target group"):
        put(client, balancer, group)


SPARE = {"PredefinedMetricType": "EC2SpotFleetRequestAverageCPUUtilization"}


def track(client: Client, name: str, metric: dict[str, str]) -> None:
    scaling = client("application-autoscaling")
    scaling.register_scalable_target(**TARGET, MinCapacity=1, MaxCapacity=2)
    tracking = {"TargetValue": 50, "PredefinedMetricSpecification": metric}
    given = {"PolicyType": "TargetTrackingScaling", "TargetTrackingScalingPolicyConfiguration": tracking}
    scaling.put_scaling_policy(**TARGET, PolicyName=name, **given)


def test_a_metric_is_tracked_by_one_policy_of_a_target(client: Client) -> None:
    track(client, "a", SPARE)
    track(client, "a", SPARE)

    with pytest.raises(ClientError, match="Only one TargetTrackingScaling policy"):
        track(client, "b", SPARE)

    track(client, "b", {"PredefinedMetricType": "EC2SpotFleetRequestAverageNetworkIn"})


def test_a_policy_may_forecast() -> None:
    application_autoscaling.allow_forecasts()
    backend = models.applicationautoscaling_backends["123456789012"]["eu-west-1"]
    target = {"service_namespace": "ecs", "resource_id": "service/a/b", "scalable_dimension": "ecs:service:DesiredCount"}

    policy = backend.put_scaling_policy(policy_name="a", policy_type="PredictiveScaling", policy_body={}, **target)

    assert policy.policy_type == "PredictiveScaling"
