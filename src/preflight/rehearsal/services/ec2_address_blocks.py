"""What EC2 refuses of the address blocks of VPCs and subnets and moto does not.

https://docs.aws.amazon.com/vpc/latest/userguide/vpc-cidr-blocks.html and
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateSubnet.html; moto/ec2/models/vpcs.py and subnets.py.
"""

from __future__ import annotations

import functools
import ipaddress
from collections.abc import Callable
from typing import Any

from moto.ec2.models.vpcs import VPC

from preflight.rehearsal.account import Account
from preflight.rehearsal.protocol import Call, Refusal

_PRIVATE = tuple(map(ipaddress.IPv4Network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")))
_SERVICES = ipaddress.IPv4Network("198.19.0.0/16")  # which AWS services use
_FIRST, _FIRST_TWO = ipaddress.IPv4Network("10.0.0.0/16"), ipaddress.IPv4Network("10.0.0.0/15")
_MOST_IPV6_BLOCKS = 5
_DEFAULT = ipaddress.IPv4Network("172.31.0.0/16")


def associate(account: Account, call: Call) -> None:
    """Checks another IPv4 block of a VPC against its blocks and its routes.

    Raises:
        Refusal: EC2 does not take it.
    """
    if not call.parameters.get("CidrBlock"):
        return
    ec2: Any = account.client("ec2", call.region)
    vpc = ec2.describe_vpcs(VpcIds=[call.parameters["VpcId"]])["Vpcs"][0]
    there = [_network(item["CidrBlock"]) for item in _associated(vpc, "CidrBlockAssociationSet", "CidrBlockState")]
    network = _network(call.parameters["CidrBlock"])
    if any(network.overlaps(block) for block in there):
        msg = f"The CIDR '{network}' conflicts with a CIDR block that is associated with the VPC already."
        raise Refusal("InvalidVpc.Range", msg)
    if any(_is_restricted(network, block) for block in there):
        msg = (
            f"The CIDR '{network}' is restricted. Use a CIDR from the same private address range as the current VPC CIDR, or use "
            "a publicly-routable CIDR. For additional restrictions, see https://docs.aws.amazon.com/vpc/latest/userguide/VPC_Subnets.html"
        )
        raise Refusal("InvalidVpc.Range", msg)
    filters = [{"Name": "vpc-id", "Values": [call.parameters["VpcId"]]}]
    for table in ec2.describe_route_tables(Filters=filters)["RouteTables"]:
        for route in table["Routes"]:
            is_local = route.get("GatewayId") == "local"
            if not is_local and route.get("DestinationCidrBlock") and _network(route["DestinationCidrBlock"]).subnet_of(network):
                msg = f"The CIDR '{network}' is the same as or larger than {route['DestinationCidrBlock']}, the destination of a route in {table['RouteTableId']}."
                raise Refusal("InvalidVpc.Range", msg)


@functools.cache
def take_several_ipv6_blocks() -> None:
    """Let a VPC have as many IPv6 blocks as the quota says; moto takes one (moto/ec2/models/vpcs.py).

    https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html (IPv6 CIDR blocks per VPC).
    """
    VPC.associate_vpc_cidr_block = _with_others_aside(VPC.associate_vpc_cidr_block)


def _with_others_aside(associate: Callable[..., Any]) -> Callable[..., Any]:
    """Returns a function that associates a block, and does not see the IPv6 blocks of the VPC while they are few enough."""

    def associate_block(vpc: Any, *args: Any, **keywords: Any) -> Any:
        blocks = vpc._cidr_block_association_set  # noqa: SLF001 - moto has no other name for it
        others = {key: block for key, block in blocks.items() if "ipv6_pool" in block and block["cidr_block_state"]["state"] != "disassociated"}
        if len(others) >= _MOST_IPV6_BLOCKS:
            return associate(vpc, *args, **keywords)
        for key in others:
            del blocks[key]
        try:
            associated = associate(vpc, *args, **keywords)
        finally:
            new = {key: blocks.pop(key) for key in list(blocks)}
            blocks.update({**{k: b for k, b in new.items() if "ipv6_pool" not in b}, **others, **new})
        return associated

    return associate_block


def _is_restricted(network: ipaddress.IPv4Network, there: ipaddress.IPv4Network) -> bool:
    """Whether a VPC with a block cannot get another one, by the table of restrictions."""
    home = next((private for private in _PRIVATE if there.subnet_of(private)), None)
    target = next((private for private in _PRIVATE if network.subnet_of(private)), None)
    if network.subnet_of(_SERVICES):
        return not there.subnet_of(_SERVICES)
    if target is not None and target != home:
        return True
    if there.subnet_of(_FIRST_TWO) and network.subnet_of(_FIRST):
        return True
    return home == _PRIVATE[1] and network.subnet_of(_DEFAULT)


def subnet(account: Account, call: Call) -> None:
    """Checks the zone of a new subnet, and its IPv6 block against those of the VPC and of the other subnets.

    Raises:
        Refusal: EC2 does not make it.
    """
    ec2: Any = account.client("ec2", call.region)
    _check_zone(ec2, call)
    if call.parameters.get("Ipv6CidrBlock"):
        _check_ipv6(ec2, call.parameters["VpcId"], call.parameters["Ipv6CidrBlock"])


def subnet_block(account: Account, call: Call) -> None:
    """Checks another IPv6 block of a subnet.

    Raises:
        Refusal: EC2 does not take it.
    """
    if call.parameters.get("Ipv6CidrBlock"):
        ec2: Any = account.client("ec2", call.region)
        vpc = ec2.describe_subnets(SubnetIds=[call.parameters["SubnetId"]])["Subnets"][0]["VpcId"]
        _check_ipv6(ec2, vpc, call.parameters["Ipv6CidrBlock"])


def _check_zone(ec2: Any, call: Call) -> None:
    """A subnet is made in a zone of its region; moto names the zones of all, and takes none for one that is disabled."""
    zones = ec2.describe_availability_zones()["AvailabilityZones"]
    for member, name in (("AvailabilityZone", "ZoneName"), ("AvailabilityZoneId", "ZoneId")):
        zone = call.parameters.get(member)
        names = [other[name] for other in zones]
        if zone and zone not in names:
            msg = (
                f"Value ({zone}) for parameter {member[:1].lower()}{member[1:]} is invalid. Subnets can currently only be created in "
                f"the following availability zones: {', '.join(names)}."
            )
            raise Refusal("InvalidParameterValue", msg)


def _check_ipv6(ec2: Any, vpc: str, block: str) -> None:
    subnet = ipaddress.IPv6Network(block, strict=False)
    network = ec2.describe_vpcs(VpcIds=[vpc])["Vpcs"][0]
    sets = _associated(network, "Ipv6CidrBlockAssociationSet", "Ipv6CidrBlockState")
    if not any(subnet.subnet_of(ipaddress.IPv6Network(item["Ipv6CidrBlock"], strict=False)) for item in sets):
        raise Refusal("InvalidSubnet.Range", f"The CIDR '{block}' is invalid.")
    for other in ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["Subnets"]:
        for item in _associated(other, "Ipv6CidrBlockAssociationSet", "Ipv6CidrBlockState"):
            if subnet.overlaps(ipaddress.IPv6Network(item["Ipv6CidrBlock"], strict=False)):
                raise Refusal("InvalidSubnet.Conflict", f"The CIDR '{block}' conflicts with another subnet")


def _associated(owner: Any, name: str, state: str) -> list[Any]:
    return [item for item in owner.get(name) or [] if "disassociat" not in str((item.get(state) or {}).get("State"))]


def _network(block: str) -> ipaddress.IPv4Network:
    return ipaddress.IPv4Network(block, strict=False)
