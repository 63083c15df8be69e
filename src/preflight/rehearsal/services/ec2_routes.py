"""What EC2 refuses of routes and moto does not: by the VPC of their table, its blocks and its other routes.

https://docs.aws.amazon.com/vpc/latest/userguide/RouteTables.html; moto/ec2/models/route_tables.py.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from typing import Any

from preflight.aws import unresolved
from preflight.rehearsal.account import Account
from preflight.rehearsal.protocol import Call, Refusal

_DESTINATIONS = ("DestinationCidrBlock", "DestinationIpv6CidrBlock", "DestinationPrefixListId")
# What a destination inside the VPC can have as its target.
_INSIDE = ("InstanceId", "NatGatewayId", "NetworkInterfaceId", "VpcEndpointId")


def create(account: Account, call: Call) -> None:
    """Checks a new route.

    Raises:
        Refusal: EC2 does not take it.
    """
    replace(account, call)
    ec2: Any = account.client("ec2", call.region)
    table = ec2.describe_route_tables(RouteTableIds=[call.parameters["RouteTableId"]])["RouteTables"][0]
    _check_inside(ec2, call.parameters, table)
    destination = _destination(call.parameters)
    if destination and any(_destination(route) == destination for route in table["Routes"]):
        raise Refusal("RouteAlreadyExists", f"The route identified by {destination} already exists.")


def replace(account: Account, call: Call) -> None:
    """Checks the target of a route.

    Raises:
        Refusal: it is no gateway, or one of another network.
    """
    ec2: Any = account.client("ec2", call.region)
    gateway = call.parameters.get("GatewayId") or ""
    if gateway and not gateway.startswith(("igw-", "vgw-", "local", "vpce-")) and not unresolved.is_function(gateway):
        raise Refusal("InvalidGatewayID.NotFound", f"The gateway ID '{gateway}' does not exist")
    table = ec2.describe_route_tables(RouteTableIds=[call.parameters["RouteTableId"]])["RouteTables"][0]
    if gateway.startswith("igw-"):
        gateways = ec2.describe_internet_gateways(InternetGatewayIds=[gateway])["InternetGateways"]
        attached = {item["VpcId"] for interfaces in gateways for item in interfaces["Attachments"]}
        _check_network(table, f"network gateway {gateway}", attached)
    nat = call.parameters.get("NatGatewayId")
    if nat:
        gateways = ec2.describe_nat_gateways(NatGatewayIds=[nat])["NatGateways"]
        _check_network(table, f"network gateway {nat}", {interfaces["VpcId"] for interfaces in gateways} or {table["VpcId"]})
    interface = call.parameters.get("NetworkInterfaceId")
    if interface:
        interfaces = ec2.describe_network_interfaces(NetworkInterfaceIds=[interface])["NetworkInterfaces"]
        _check_network(table, f"interface {interface}", {item["VpcId"] for item in interfaces})


def _check_network(table: Mapping[str, Any], target: str, networks: set[str]) -> None:
    if table["VpcId"] not in networks:
        msg = f"route table {table['RouteTableId']} and {target} belong to different networks"
        raise Refusal("InvalidParameterValue", msg)


def _destination(route: Mapping[str, Any]) -> str:
    """Returns the destination of a route, a network in its canonical form."""
    block = next((str(route[name]) for name in _DESTINATIONS if route.get(name)), "")
    try:
        return str(ipaddress.ip_network(block, strict=False))
    except ValueError:
        return block


def _check_inside(ec2: Any, parameters: Mapping[str, Any], table: Mapping[str, Any]) -> None:
    """A destination inside the VPC is the block of a subnet, and its target an interface."""
    try:
        destination: Any = ipaddress.ip_network(_destination(parameters))
    except ValueError:
        return  # a prefix list
    vpc = ec2.describe_vpcs(VpcIds=[table["VpcId"]])["Vpcs"][0]
    blocks = [block for block in _blocks(vpc) if block.version == destination.version and destination.subnet_of(block)]
    if not blocks or parameters.get("GatewayId") == "local":
        return
    if not any(parameters.get(name) for name in _INSIDE):
        msg = (
            f"The destination CIDR block {destination} is equal to or more specific than one of this VPC's CIDR blocks. "
            "This route can target only an interface or an instance."
        )
        raise Refusal("InvalidParameterValue", msg)
    subnets = ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [table["VpcId"]]}])["Subnets"]
    if destination not in blocks and not any(destination in _blocks(subnet) for subnet in subnets):
        msg = f"The destination CIDR block {destination} is inside this VPC, but not the CIDR block of one of its subnets."
        raise Refusal("InvalidParameterValue", msg)


def _blocks(owner: Mapping[str, Any]) -> Iterator[Any]:
    """Yields the address blocks of a VPC or a subnet."""
    texts = [owner.get("CidrBlock"), *(item.get("CidrBlock") for item in owner.get("CidrBlockAssociationSet") or [])]
    texts += [item.get("Ipv6CidrBlock") for item in owner.get("Ipv6CidrBlockAssociationSet") or []]
    yield from (ipaddress.ip_network(text, strict=False) for text in dict.fromkeys(texts) if text)
