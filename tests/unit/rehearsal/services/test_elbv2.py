"""What the emulated Elastic Load Balancing takes and refuses, by what else the account has."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

Client = Callable[[str], Any]


@pytest.fixture
def elb(client: Client) -> Any:
    return client("elbv2")


@pytest.fixture
def subnets(client: Client) -> list[str]:
    """Two subnets of the default VPC, in two zones."""
    return [subnet["SubnetId"] for subnet in client("ec2").describe_subnets()["Subnets"]][:2]


@pytest.fixture
def vpc(client: Client) -> str:
    return str(client("ec2").describe_vpcs()["Vpcs"][0]["VpcId"])


def create_balancer(elb: Any, subnets: list[str], **members: Any) -> str:
    given = {"Name": "a", "Subnets": subnets, **members}
    return str(elb.create_load_balancer(**given)["LoadBalancers"][0]["LoadBalancerArn"])


def create_group(elb: Any, vpc: str, **members: Any) -> str:
    given = {"Name": "a", "Protocol": "HTTP", "Port": 80, "VpcId": vpc, "TargetType": "ip", **members}
    return str(elb.create_target_group(**given)["TargetGroups"][0]["TargetGroupArn"])


def code(call: Callable[..., Any], **members: Any) -> str:
    """The error code of a request that is refused."""
    with pytest.raises(ClientError) as refused:
        call(**members)
    return str(refused.value.response["Error"]["Code"])


def test_a_load_balancer_may_have_no_public_ipv4_addresses(elb: Any, subnets: list[str]) -> None:
    arn = create_balancer(elb, subnets, IpAddressType="dualstack-without-public-ipv4")

    described = elb.describe_load_balancers(LoadBalancerArns=[arn])["LoadBalancers"][0]
    assert described["IpAddressType"] == "dualstack-without-public-ipv4"


def test_a_load_balancer_takes_an_attribute_that_moto_does_not_know(elb: Any, subnets: list[str]) -> None:
    pair = {"Key": "routing.http.x_amzn_tls_kx.enabled", "Value": "true"}

    elb.modify_load_balancer_attributes(LoadBalancerArn=create_balancer(elb, subnets), Attributes=[pair])


def test_an_attribute_is_judged_beside_those_that_are_set_already(elb: Any, vpc: str) -> None:
    arn = create_group(elb, vpc)
    algorithm = {"Key": "load_balancing.algorithm.type", "Value": "weighted_random"}
    anomaly = {"Key": "load_balancing.algorithm.anomaly_mitigation", "Value": "on"}

    elb.modify_target_group_attributes(TargetGroupArn=arn, Attributes=[algorithm])

    elb.modify_target_group_attributes(TargetGroupArn=arn, Attributes=[anomaly])


def test_what_moto_keeps_does_not_stand_in_the_way_of_an_attribute(elb: Any, vpc: str) -> None:
    arn = create_group(elb, vpc, Protocol="TCP")

    elb.modify_target_group_attributes(
        TargetGroupArn=arn, Attributes=[{"Key": "preserve_client_ip.enabled", "Value": "true"}]
    )
