"""What EC2 refuses of routes."""

from __future__ import annotations

from collections.abc import Mapping

from preflight.aws.constraints import Constraint, has, lacks, network, no, present, value
from preflight.aws.refusals.vpc import within

SERVICE = "ec2"
_ROUTE = "https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateRoute.html"
_TABLES = "https://docs.aws.amazon.com/vpc/latest/userguide/RouteTables.html"
TARGETS = (
    *("CarrierGatewayId", "CoreNetworkArn", "EgressOnlyInternetGatewayId", "GatewayId", "InstanceId"),
    *("LocalGatewayId", "NatGatewayId", "NetworkInterfaceId", "OdbNetworkArn", "TransitGatewayId"),
    *("VpcEndpointId", "VpcPeeringConnectionId"),
)
_NAMES = ", ".join(f"{name[:1].lower()}{name[1:]}" for name in TARGETS)

_ROUTE_ROWS = (
    Constraint(
        present(1, 3, "DestinationCidrBlock", "DestinationIpv6CidrBlock", "DestinationPrefixListId"),
        "MissingParameter",
        "The request must contain exactly one of destinationCidrBlock, destinationIpv6CidrBlock and destinationPrefixListId",
        _ROUTE,
    ),
    Constraint(
        present(0, 1, "DestinationCidrBlock", "DestinationIpv6CidrBlock", "DestinationPrefixListId"),
        "InvalidParameterCombination",
        "The parameters {value} cannot be used together: a route has one destination",
        _ROUTE,
    ),
    Constraint(
        present(1, len(TARGETS), *TARGETS), "MissingParameter", f"The request must contain exactly one of {_NAMES}", _ROUTE
    ),
    Constraint(
        present(0, 1, *TARGETS),
        "InvalidParameterCombination",
        f"The request must contain exactly one of {_NAMES}, not {{value}}",
        _ROUTE,
    ),
    *(
        Constraint(
            value(f"Destination{name}", network(version, 0, 32 if version == 4 else 128)),
            "InvalidParameterValue",
            f"Value ({{value}}) for parameter destination{name} is invalid. This is not a valid CIDR block.",
            _ROUTE,
        )
        for name, version in (("CidrBlock", 4), ("Ipv6CidrBlock", 6))
    ),
    *(
        Constraint(
            value(f"Destination{name}", no(within(reserved))),
            "InvalidParameterValue",
            f"The destination {{value}} is part of {reserved}, which AWS services use",
            _TABLES,
        )
        for name, reserved in (("CidrBlock", "169.254.168.0/22"), ("Ipv6CidrBlock", "fd00:ec2::/32"))
    ),
    Constraint(
        lacks("EgressOnlyInternetGatewayId"),
        "InvalidParameterValue",
        "An egress-only internet gateway is for IPv6 traffic only; the route has an IPv4 destination",
        _ROUTE,
        when=has("DestinationCidrBlock"),
    ),
)

TYPES: Mapping[str, tuple[Constraint, ...]] = {"AWS::EC2::Route": _ROUTE_ROWS}
OPERATIONS: Mapping[str, str] = {"CreateRoute": "AWS::EC2::Route"}
