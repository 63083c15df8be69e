"""Collects what EC2 describes of a region's networks, for `reachability` to judge."""

from __future__ import annotations

from typing import Any

from preflight.aws.network import Network


def describe_network(ec2: Any, vpc: str | None = None) -> Network:
    """The networks that an EC2 client sees; only those of one VPC where `vpc` names it."""
    own = [{"Name": "vpc-id", "Values": [vpc]}] if vpc else []
    attached = [{"Name": "attachment.vpc-id", "Values": [vpc]}] if vpc else []
    vpcs = [vpc] if vpc else [value["VpcId"] for value in _all(ec2, "describe_vpcs", "Vpcs", [])]
    return Network(
        subnets=_all(ec2, "describe_subnets", "Subnets", own),
        route_tables=_all(ec2, "describe_route_tables", "RouteTables", own),
        internet_gateways=_all(ec2, "describe_internet_gateways", "InternetGateways", attached),
        nat_gateways=_all(ec2, "describe_nat_gateways", "NatGateways", own),
        security_groups=_all(ec2, "describe_security_groups", "SecurityGroups", own),
        network_acls=_all(ec2, "describe_network_acls", "NetworkAcls", own),
        endpoints=_all(ec2, "describe_vpc_endpoints", "VpcEndpoints", own),
        has_dns={name: has_attribute(ec2, name, "enableDnsSupport") for name in vpcs},
    )


def _all(ec2: Any, operation: str, field: str, filters: list[dict[str, Any]]) -> tuple[dict[str, Any], ...]:
    key = "Filter" if operation == "describe_nat_gateways" else "Filters"
    pages = ec2.get_paginator(operation).paginate(**({key: filters} if filters else {}))
    return tuple(item for page in pages for item in page[field])


def has_attribute(ec2: Any, vpc: str, attribute: str) -> bool:
    """Whether an attribute of a VPC is on: enableDnsSupport, enableDnsHostnames.

    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeVpcAttribute.html

    Raises:
        ClientError: there is no such VPC.
    """
    answer = ec2.describe_vpc_attribute(VpcId=vpc, Attribute=attribute)
    return bool(answer[attribute[0].upper() + attribute[1:]]["Value"])
