"""What EC2 refuses of VPC endpoints and moto does not.

https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateVpcEndpoint.html and
https://docs.aws.amazon.com/vpc/latest/privatelink/create-interface-endpoint.html; moto/ec2/models/vpcs.py.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from preflight.aws import describe_network
from preflight.rehearsal.account import Account
from preflight.rehearsal.protocol import Call, Refusal

_REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-\d")


def check(account: Account, call: Call) -> None:
    """Check an endpoint against its service, its VPC and the existing endpoints.

    Raises:
        Refusal: AWS would refuse it.
    """
    parameters = call.parameters
    kind, name = parameters.get("VpcEndpointType") or "Gateway", str(parameters.get("ServiceName"))
    parts = name.split(".")
    if name.startswith("com.amazonaws.") and _REGION.fullmatch(parts[2]) and parts[2] not in {call.region, parameters.get("ServiceRegion")}:
        raise Refusal("InvalidServiceName", f"The Vpc Endpoint Service '{name}' does not exist")
    ec2: Any = account.client("ec2", call.region)
    _check_networks(ec2, parameters)
    if kind == "Gateway":
        _check_route_tables(ec2, parameters, name)
    elif kind == "Interface":
        _check_zones(ec2, parameters)
        if parameters.get("PrivateDnsEnabled"):
            _check_names(ec2, parameters, name)


def _check_networks(ec2: Any, parameters: Mapping[str, Any]) -> None:
    """What an endpoint is connected to is in its VPC."""
    subnets, groups, tables = (list(parameters.get(name) or []) for name in ("SubnetIds", "SecurityGroupIds", "RouteTableIds"))
    parts = [
        *(ec2.describe_subnets(SubnetIds=subnets)["Subnets"] if subnets else []),
        *(ec2.describe_security_groups(GroupIds=groups)["SecurityGroups"] if groups else []),
        *(ec2.describe_route_tables(RouteTableIds=tables)["RouteTables"] if tables else []),
    ]
    if any(part["VpcId"] != parameters["VpcId"] for part in parts):
        msg = f"One of {', '.join([*subnets, *groups, *tables])} and the VPC {parameters['VpcId']} belong to different networks"
        raise Refusal("InvalidParameter", msg)


def _check_route_tables(ec2: Any, parameters: Mapping[str, Any], name: str) -> None:
    """A route table leads to a service by one gateway endpoint."""
    tables = set(parameters.get("RouteTableIds") or [])
    there = ec2.describe_vpc_endpoints(Filters=[{"Name": "vpc-id", "Values": [parameters["VpcId"]]}])["VpcEndpoints"]
    for other in there:
        is_alike = other.get("VpcEndpointType", "Gateway") == "Gateway" and other["ServiceName"] == name and other["State"] != "deleted"
        both = sorted(tables & set(other.get("RouteTableIds") or [])) if is_alike else []
        if both:
            lists = ec2.describe_managed_prefix_lists()["PrefixLists"]
            identifier = next((prefix_list["PrefixListId"] for prefix_list in lists if prefix_list["PrefixListName"] == name), name)
            msg = f"route table {both[0]} already has a route with destination-prefix-list-id {identifier}"
            raise Refusal("RouteAlreadyExists", msg)


def _check_zones(ec2: Any, parameters: Mapping[str, Any]) -> None:
    subnets = parameters.get("SubnetIds") or []
    if not subnets:
        return
    zones: dict[str, str] = {}
    for subnet in ec2.describe_subnets(SubnetIds=subnets)["Subnets"]:
        if subnet["AvailabilityZone"] in zones:
            msg = (
                f"Found another VPC endpoint subnet in the availability zone of {subnet['SubnetId']}. VPC endpoint "
                "subnets should be in different availability zones supported by the VPC endpoint service."
            )
            raise Refusal("DuplicateSubnetsInSameZone", msg)
        zones[subnet["AvailabilityZone"]] = subnet["SubnetId"]


def _check_names(ec2: Any, parameters: Mapping[str, Any], name: str) -> None:
    inside = parameters["VpcId"]
    if not all(describe_network.has_attribute(ec2, inside, attribute) for attribute in ("enableDnsSupport", "enableDnsHostnames")):
        msg = (
            "Enabling private DNS requires both enableDnsSupport and enableDnsHostnames VPC attributes set to "
            f"true for {inside}"
        )
        raise Refusal("InvalidParameter", msg)
    there = ec2.describe_vpc_endpoints(Filters=[{"Name": "vpc-id", "Values": [inside]}])["VpcEndpoints"]
    for other in there:
        if other["ServiceName"] == name and other.get("PrivateDnsEnabled") and other["State"] != "deleted":
            msg = f"private-dns-enabled cannot be set because there is already a conflicting DNS domain for {name} in the VPC {inside}"
            raise Refusal("InvalidParameter", msg)
