"""What EC2 refuses of VPCs, their address blocks and what is attached to them."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any

from preflight.aws.constraints import (
    Constraint,
    Predicate,
    equal,
    has,
    lacks,
    needs,
    network,
    no,
    one_of,
    present,
    value,
    without,
)

SERVICE = "ec2"
_API = "https://docs.aws.amazon.com/AWSEC2/latest/APIReference"
_GUIDE = "https://docs.aws.amazon.com/vpc/latest/userguide"
_TEMPLATES = "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference"
_BLOCKS = f"{_GUIDE}/vpc-cidr-blocks.html"
_VPC = f"{_API}/API_CreateVpc.html"
_RESERVED = tuple(map(ipaddress.ip_network, ("0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4")))


def within(*networks: str) -> Predicate:
    """A block of addresses that is one of the networks, or a part of one."""
    read: list[Any] = [ipaddress.ip_network(text) for text in networks]

    def fits(value: Any) -> bool:
        try:
            block: Any = ipaddress.ip_network(str(value), strict=False)
        except ValueError:
            return False
        return any(block.version == one.version and block.subnet_of(one) for one in read)

    return Predicate(fits, networks, ("198.51.100.0/24", "2001:db8::/32"))


def _block(of: str) -> tuple[Constraint, ...]:
    """The rows of a block of a VPC, the first one or another."""
    malformed = f"Value ({{value}}) for parameter {of} is invalid. This is not a valid CIDR block."
    return (
        Constraint(value("CidrBlock", network(4, 0, 32)), "InvalidParameterValue", malformed, _VPC),
        Constraint(
            value("CidrBlock", network(4, 16, 28)),
            "InvalidVpc.Range",
            "The CIDR '{value}' is invalid.",
            _BLOCKS,
            cure="Choose a block between /16 and /28.",
        ),
        Constraint(
            value("CidrBlock", no(within(*map(str, _RESERVED)))),
            "InvalidVpc.Range",
            "The CIDR '{value}' is reserved: 0.0.0.0/8, 127.0.0.0/8, 169.254.0.0/16 and 224.0.0.0/4 are no addresses of a VPC.",
            _BLOCKS,
        ),
        Constraint(
            needs("Ipv4IpamPoolId"),
            "MissingParameter",
            "A netmask length needs the IPAM pool that it is allocated from: Ipv4IpamPoolId.",
            _VPC,
            when=has("Ipv4NetmaskLength"),
        ),
    )


_VPC_ROWS = (
    Constraint(
        needs("CidrBlock"),
        "MissingParameter",
        "Either 'cidrBlock' or 'ipv4IpamPoolId' should be provided.",
        _VPC,
        when=without("Ipv4IpamPoolId"),
    ),
    *_block("cidrBlock"),
    Constraint(
        value("InstanceTenancy", one_of("default", "dedicated")),
        "UnsupportedTenancy",
        "The tenancy value {value} is not supported.",
        _VPC,
    ),
    Constraint(
        value("EnableDnsHostnames", no(one_of("true"))),
        "InvalidParameterCombination",
        "DNS host names can only be enabled if DNS support is enabled.",
        f"{_API}/API_ModifyVpcAttribute.html",
        where=equal("EnableDnsSupport", "false"),
        cure="Set EnableDnsSupport to true, or EnableDnsHostnames to false.",
    ),
)
_IPV6 = ("AmazonProvidedIpv6CidrBlock", "Ipv6Pool", "Ipv6IpamPoolId")
_BLOCK_ROWS = (
    Constraint(
        present(1, 5, "CidrBlock", "Ipv4IpamPoolId", *_IPV6),
        "MissingParameter",
        "The request must contain a block: CidrBlock, Ipv4IpamPoolId, AmazonProvidedIpv6CidrBlock, Ipv6Pool or Ipv6IpamPoolId.",
        f"{_API}/API_AssociateVpcCidrBlock.html",
    ),
    *(
        Constraint(
            lacks(name) if name != _IPV6[0] else value(name, no(one_of("true"))),
            "InvalidParameterCombination",
            "Only one of an IPv4 CIDR block, an IPv6 pool and an Amazon-provided IPv6 CIDR block can be associated at a time.",
            f"{_API}/API_AssociateVpcCidrBlock.html",
            when=has("CidrBlock"),
            cure="Declare one AWS::EC2::VPCCidrBlock for each block.",
        )
        for name in _IPV6
    ),
    *_block("cidrBlock"),
    Constraint(
        lacks("Ipv6CidrBlock"),
        "MissingParameter",
        "An IPv6 CIDR block needs the pool that it is from: Ipv6Pool or Ipv6IpamPoolId.",
        f"{_API}/API_AssociateVpcCidrBlock.html",
        when=without("Ipv6Pool", "Ipv6IpamPoolId"),
    ),
)
_ATTACHMENT_ROWS = (
    Constraint(
        present(1, 1, "InternetGatewayId", "VpnGatewayId"),
        "InvalidParameterCombination",
        "Exactly one of InternetGatewayId and VpnGatewayId must be provided.",
        f"{_TEMPLATES}/aws-resource-ec2-vpcgatewayattachment.html",
    ),
)

TYPES: Mapping[str, tuple[Constraint, ...]] = {
    "AWS::EC2::VPC": _VPC_ROWS,
    "AWS::EC2::VPCCidrBlock": _BLOCK_ROWS,
    "AWS::EC2::VPCGatewayAttachment": _ATTACHMENT_ROWS,
}
OPERATIONS: Mapping[str, str] = {"CreateVpc": "AWS::EC2::VPC", "AssociateVpcCidrBlock": "AWS::EC2::VPCCidrBlock"}
