from __future__ import annotations

from typing import Any

import pytest

from preflight.rehearsal.cloudformation import creation_order

ROUTE = {"Type": "AWS::EC2::Route", "Properties": {"GatewayId": {"Ref": "G"}}}
ATTACHMENT = {"Type": "AWS::EC2::VPCGatewayAttachment", "Properties": {"InternetGatewayId": {"Ref": "G"}}}


def test_an_unordered_attachment_waits_for_the_route() -> None:
    ordered = creation_order.with_undeclared_dependencies({"R": ROUTE, "A": ATTACHMENT}, {"R": set(), "A": set()})

    assert ordered == {"R": set(), "A": {"R"}}


def test_an_ordered_route_is_left_alone() -> None:
    needs = {"R": {"X"}, "X": {"A"}, "A": set()}

    assert creation_order.with_undeclared_dependencies({"R": ROUTE, "A": ATTACHMENT, "X": {"Type": "T"}}, needs) == needs


PROVIDERS = {"Type": "AWS::ECS::ClusterCapacityProviderAssociations", "Properties": {"Cluster": {"Ref": "C"}}}
NONE = {"Ref": "AWS::NoValue"}


@pytest.mark.parametrize(
    ("given", "needs"),
    [
        pytest.param({"CapacityProviderStrategy": [{"CapacityProvider": "FARGATE_SPOT"}]}, {"S"}, id="a strategy"),
        pytest.param({"LaunchType": NONE}, {"S"}, id="the default strategy"),
        pytest.param({"LaunchType": "FARGATE"}, set(), id="a launch type"),
        pytest.param({"Cluster": {"Ref": "D"}, "LaunchType": NONE}, set(), id="another cluster"),
    ],
)
def test_unordered_capacity_providers_wait_for_the_service(given: dict[str, Any], needs: set[str]) -> None:
    service = {"Type": "AWS::ECS::Service", "Properties": {"Cluster": {"Ref": "C"}, **given}}
    ordered = creation_order.with_undeclared_dependencies({"S": service, "P": PROVIDERS}, {"S": set(), "P": set()})

    assert ordered == {"S": set(), "P": needs}
