"""What EC2 refuses of NAT gateways and elastic addresses."""

from __future__ import annotations

from collections.abc import Mapping

from preflight.aws.constraints import (
    Constraint,
    address,
    between,
    each,
    equal,
    every,
    lacks,
    length,
    needs,
    one_of,
    present,
    unequal,
    unique,
    value,
)

SERVICE = "ec2"
_API = "https://docs.aws.amazon.com/AWSEC2/latest/APIReference"
_TEMPLATES = "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference"
_NAT = f"{_API}/API_CreateNatGateway.html"
_RESOURCE = f"{_TEMPLATES}/aws-resource-ec2-natgateway.html"
_IS_PUBLIC = equal("ConnectivityType", "public", default="public")
_IS_PRIVATE = equal("ConnectivityType", "private")
_IS_REGIONAL = equal("AvailabilityMode", "regional")
_IS_ZONAL = unequal("AvailabilityMode", "regional", default="zonal")

_NAT_ROWS = (
    Constraint(
        value("ConnectivityType", one_of("public", "private")),
        "InvalidParameterValue",
        "Value ({value}) for parameter connectivityType is invalid. Valid values are public and private.",
        _NAT,
    ),
    Constraint(
        needs("AllocationId"),
        "MissingParameter",
        "The request must include the AllocationId parameter. Add the required parameter and retry the request.",
        _RESOURCE,
        when=every(_IS_PUBLIC, _IS_ZONAL),
    ),
    Constraint(
        needs("SubnetId"),
        "MissingParameter",
        "The request must include the SubnetId parameter. Add the required parameter and retry the request.",
        _NAT,
        when=_IS_ZONAL,
    ),
    Constraint(
        needs("VpcId"),
        "MissingParameter",
        "The request must include the VpcId parameter. Add the required parameter and retry the request.",
        _NAT,
        when=_IS_REGIONAL,
    ),
    Constraint(
        lacks("AllocationId", "SecondaryAllocationIds"),
        "InvalidParameterCombination",
        "A private NAT gateway cannot have an Elastic IP address.",
        _RESOURCE,
        when=_IS_PRIVATE,
        cure="Remove the allocation, or ConnectivityType.",
    ),
    Constraint(
        lacks("SecondaryPrivateIpAddressCount"),
        "InvalidParameterCombination",
        "SecondaryPrivateIpAddressCount is for private NAT gateways only.",
        _NAT,
        when=_IS_PUBLIC,
    ),
    Constraint(
        present(0, 1, "SecondaryPrivateIpAddressCount", "SecondaryPrivateIpAddresses"),
        "InvalidParameterCombination",
        "SecondaryPrivateIpAddressCount and SecondaryPrivateIpAddresses cannot be set at the same time.",
        _RESOURCE,
    ),
    Constraint(
        value("SecondaryPrivateIpAddressCount", between(1, 31)),
        "InvalidParameterValue",
        "Value ({value}) for parameter secondaryPrivateIpAddressCount is invalid. A private NAT gateway has up to 31 of them.",
        _NAT,
    ),
    *(
        Constraint(
            test,
            "InvalidParameterValue",
            f"Value ({{value}}) for parameter {name} is invalid. It must be an IPv4 address.",
            _NAT,
        )
        for name, test in (
            ("privateIpAddress", value("PrivateIpAddress", address(4))),
            ("secondaryPrivateIpAddress", each("SecondaryPrivateIpAddresses", address(4))),
        )
    ),
    Constraint(
        unique("SecondaryAllocationIds"),
        "InvalidParameterValue",
        "The allocation {value} is specified more than once.",
        _NAT,
    ),
    Constraint(
        value("MaxDrainDurationSeconds", between(1, 4000)),
        "InvalidParameterValue",
        "Value ({value}) for parameter maxDrainDurationSeconds is invalid. It must be between 1 and 4000.",
        f"{_API}/API_DisassociateNatGatewayAddress.html",
    ),
)
_ADDRESS_ROWS = (
    Constraint(
        value("Domain", one_of("vpc", "standard")),
        "InvalidParameterValue",
        "Value ({value}) for parameter domain is invalid.",
        f"{_API}/API_AllocateAddress.html",
    ),
)
_ASSOCIATION_ROWS = (
    *(
        Constraint(
            value(name, length(1, 255)),
            "MissingParameter",
            "Either public IP or allocation id must be specified",
            f"{_API}/API_AssociateAddress.html",
        )
        for name in ("AllocationId", "EIP")
    ),
    Constraint(
        present(1, 2, "AllocationId", "EIP"),
        "MissingParameter",
        "The request must contain the parameter AllocationId",
        f"{_API}/API_AssociateAddress.html",
    ),
    Constraint(
        present(0, 1, "AllocationId", "EIP"),
        "InvalidParameterCombination",
        "You may specify public IP or allocation id, but not both in the same call",
        f"{_API}/API_AssociateAddress.html",
    ),
    Constraint(
        present(0, 1, "InstanceId", "NetworkInterfaceId"),
        "InvalidParameterCombination",
        "You may specify either an instance ID or a network interface ID, but not both",
        f"{_API}/API_AssociateAddress.html",
    ),
)

TYPES: Mapping[str, tuple[Constraint, ...]] = {
    "AWS::EC2::NatGateway": _NAT_ROWS,
    "AWS::EC2::EIP": _ADDRESS_ROWS,
    "AWS::EC2::EIPAssociation": _ASSOCIATION_ROWS,
}
OPERATIONS: Mapping[str, str] = {"CreateNatGateway": "AWS::EC2::NatGateway"}
