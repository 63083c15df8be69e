"""What EC2 refuses of subnets."""

from __future__ import annotations

from collections.abc import Mapping

from preflight.aws.constraints import (
    Constraint,
    Predicate,
    equal,
    every,
    has,
    lacks,
    needs,
    network,
    no,
    one_of,
    present,
    unequal,
    value,
    without,
)

SERVICE = "ec2"
_API = "https://docs.aws.amazon.com/AWSEC2/latest/APIReference"
_GUIDE = "https://docs.aws.amazon.com/vpc/latest/userguide"
_TEMPLATE = "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-ec2-subnet.html"
_SUBNET = f"{_API}/API_CreateSubnet.html"
_SIZES = f"{_GUIDE}/subnet-sizing.html"
_MALFORMED = "Value ({value}) for parameter cidrBlock is invalid. This is not a valid CIDR block."

_HAS_NO_IPV6 = without("Ipv6CidrBlock", "Ipv6IpamPoolId")
_IS_IPV6_ONLY = equal("Ipv6Native", "true")


def _in_fours(value: object) -> bool:
    size = str(value).partition("/")[2]
    return not size.isdecimal() or (len(size) < 4 and 44 <= int(size) <= 64 and int(size) % 4 == 0)


_IPV6_SIZE = Predicate(_in_fours, ("2001:db8::/64", "2001:db8::/44"), ("2001:db8::/65", "2001:db8::/62", "2001:db8::/40"))
_IPV6_ROWS = (
    Constraint(
        value("Ipv6CidrBlock", network(6, 0, 128)),
        "InvalidParameterValue",
        "Value ({value}) for parameter ipv6CidrBlock is invalid. This is not a valid IPv6 CIDR block.",
        _SUBNET,
    ),
    Constraint(
        value("Ipv6CidrBlock", _IPV6_SIZE),
        "InvalidSubnet.Range",
        "The CIDR '{value}' is invalid.",
        _SIZES,
        cure="Choose a prefix from /44 to /64 in steps of four; /64 is the usual one.",
    ),
)
_SUBNET_ROWS = (
    Constraint(
        present(1, 2, "CidrBlock", "Ipv4IpamPoolId"),
        "MissingParameter",
        "Either 'cidrBlock' or 'ipv4IpamPoolId' should be provided.",
        _SUBNET,
        when=unequal("Ipv6Native", "true", default="false"),
    ),
    Constraint(value("CidrBlock", network(4, 0, 32)), "InvalidParameterValue", _MALFORMED, _SUBNET),
    Constraint(
        value("CidrBlock", network(4, 16, 28)),
        "InvalidSubnet.Range",
        "The CIDR '{value}' is invalid.",
        _SIZES,
        cure="Choose a block between /16 and /28.",
    ),
    *_IPV6_ROWS,
    Constraint(
        lacks("CidrBlock", "Ipv4IpamPoolId"),
        "InvalidParameterCombination",
        "An IPv6-only subnet cannot have an IPv4 CIDR block.",
        _SUBNET,
        when=_IS_IPV6_ONLY,
        cure="Remove CidrBlock, or Ipv6Native.",
    ),
    Constraint(
        present(1, 2, "Ipv6CidrBlock", "Ipv6IpamPoolId"),
        "MissingParameter",
        "Either 'ipv6CidrBlock' or 'ipv6IpamPoolId' should be provided.",
        _SUBNET,
        when=_IS_IPV6_ONLY,
    ),
    Constraint(
        value("EnableDns64", no(one_of("true"))),
        "InvalidParameterValue",
        "DNS64 can only be enabled for a subnet with an IPv6 CIDR block.",
        _TEMPLATE,
        where=_HAS_NO_IPV6,
        cure="Give the subnet an Ipv6CidrBlock, or remove EnableDns64.",
    ),
    Constraint(
        value("AssignIpv6AddressOnCreation", no(one_of("true"))),
        "InvalidParameterValue",
        "IPv6 addresses can only be assigned on creation in a subnet with an IPv6 CIDR block.",
        _TEMPLATE,
        where=_HAS_NO_IPV6,
        cure="Give the subnet an Ipv6CidrBlock, or remove AssignIpv6AddressOnCreation.",
    ),
    Constraint(
        value("PrivateDnsNameOptionsOnLaunch.HostnameType", one_of("ip-name", "resource-name")),
        "InvalidParameterValue",
        "Value ({value}) for parameter hostnameType is invalid.",
        f"{_API}/API_PrivateDnsNameOptionsOnLaunch.html",
    ),
    Constraint(
        value("PrivateDnsNameOptionsOnLaunch.HostnameType", no(one_of("ip-name"))),
        "InvalidParameterValue",
        "Host names of an IPv6-only subnet are based on the instance ID.",
        f"{_API}/API_PrivateDnsNameOptionsOnLaunch.html",
        where=_IS_IPV6_ONLY,
    ),
    *(
        Constraint(
            needs(f"Ipv{version}IpamPoolId"),
            "MissingParameter",
            f"A netmask length needs the IPAM pool that it is allocated from: Ipv{version}IpamPoolId.",
            _SUBNET,
            when=has(f"Ipv{version}NetmaskLength"),
        )
        for version in (4, 6)
    ),
    Constraint(
        needs("AvailabilityZone"),
        "MissingParameter",
        "A subnet of an Outpost needs the Availability Zone of the Outpost.",
        _SUBNET,
        when=every(has("OutpostArn"), without("AvailabilityZoneId")),
    ),
)
_SUBNET_BLOCK_ROWS = (
    Constraint(
        present(1, 2, "Ipv6CidrBlock", "Ipv6IpamPoolId"),
        "MissingParameter",
        "Either 'ipv6CidrBlock' or 'ipv6IpamPoolId' should be provided.",
        f"{_API}/API_AssociateSubnetCidrBlock.html",
    ),
    *_IPV6_ROWS,
)

TYPES: Mapping[str, tuple[Constraint, ...]] = {
    "AWS::EC2::Subnet": _SUBNET_ROWS,
    "AWS::EC2::SubnetCidrBlock": _SUBNET_BLOCK_ROWS,
}
OPERATIONS: Mapping[str, str] = {
    "CreateSubnet": "AWS::EC2::Subnet",
    "AssociateSubnetCidrBlock": "AWS::EC2::SubnetCidrBlock",
}
