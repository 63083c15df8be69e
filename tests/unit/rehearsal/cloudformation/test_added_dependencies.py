from __future__ import annotations

from typing import Any

import pytest

from preflight.rehearsal.cloudformation import added_dependencies

ATTACHMENT = {"Type": "AWS::EC2::VPCGatewayAttachment", "Properties": {"InternetGatewayId": {"Ref": "G"}, "VpcId": {"Ref": "V"}}}
GATEWAY = {"Type": "AWS::EC2::InternetGateway"}
ROUTE = {"Type": "AWS::EC2::Route", "Properties": {"GatewayId": {"Ref": "G"}}}
SUBNET = {"Type": "AWS::EC2::Subnet", "Properties": {"VpcId": {"Ref": "V"}}}
VPC = {"Type": "AWS::EC2::VPC"}
NETWORK: dict[str, Any] = {"G": GATEWAY, "V": VPC, "A": ATTACHMENT, "S": SUBNET}


def added(resources: dict[str, Any], needs: dict[str, set[str]] | None = None) -> dict[str, set[str]]:
    needs = {name: set() for name in resources} | (needs or {})
    ordered = added_dependencies.with_undeclared_dependencies(resources, needs)
    return {name: ordered[name] - needs[name] for name in ordered if ordered[name] - needs[name]}


def test_of_a_race_the_order_that_succeeds_is_taken() -> None:
    assert added({**NETWORK, "R": ROUTE}) == {"R": {"A"}}


def test_an_order_that_always_fails_is_taken() -> None:
    listener = {"Type": "AWS::ElasticLoadBalancingV2::Listener", "Properties": {"DefaultActions": [{"TargetGroupArn": {"Ref": "T"}}]}}
    service = {"Type": "AWS::ECS::Service", "Properties": {"LoadBalancers": [{"TargetGroupArn": {"Ref": "T"}}]}}

    assert added({"T": {"Type": "AWS::ElasticLoadBalancingV2::TargetGroup"}, "L": listener, "S": service}) == {"L": {"S"}}


@pytest.mark.parametrize("needs", [{"R": {"X"}, "X": {"A"}}, {"A": {"R"}}], ids=["declared", "declared the other way round"])
def test_a_declared_order_is_left_alone(needs: dict[str, set[str]]) -> None:
    assert added({**NETWORK, "R": ROUTE, "X": {"Type": "T"}}, needs) == {}
