"""What EC2 refuses of the entries of network ACLs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from preflight.aws.constraints import (
    Constraint,
    Predicate,
    as_number,
    between,
    equal,
    every,
    has,
    needs,
    network,
    one_of,
    present,
    value,
)
from preflight.aws.refusals.security_groups import reversed_ports

SERVICE = "ec2"
_API = "https://docs.aws.amazon.com/AWSEC2/latest/APIReference"
_ENTRY = f"{_API}/API_CreateNetworkAclEntry.html"
_PORTS = f"{_API}/API_PortRange.html"
_ICMP_NAMES = ("Icmp", "IcmpTypeCode")  # in templates, and in requests
_HAS_PORTS = equal("Protocol", 6, 17)


def _is_protocol(value: Any) -> bool:
    """Whether it is a number of a protocol, or a name, of which it is not known which ones EC2 takes."""
    number = as_number(value)
    return number is None or -1 <= number <= 255


_ENTRY_ROWS = (
    Constraint(
        value("RuleNumber", between(1, 32766)),
        "InvalidParameterValue",
        "Value ({value}) for parameter ruleNumber is invalid. It must be between 1 and 32766.",
        _ENTRY,
    ),
    Constraint(
        value("Protocol", Predicate(_is_protocol, (-1, "255"), (-2, "256"))),
        "InvalidParameterValue",
        "Invalid value '{value}' for IP protocol. Unknown protocol.",
        _ENTRY,
    ),
    Constraint(
        value("RuleAction", one_of("allow", "deny")),
        "InvalidParameterValue",
        "Value ({value}) for parameter ruleAction is invalid. It must be allow or deny.",
        _ENTRY,
    ),
    Constraint(
        present(1, 1, "CidrBlock", "Ipv6CidrBlock"),
        "InvalidParameterCombination",
        "Exactly one of cidrBlock and ipv6CidrBlock must be provided.",
        _ENTRY,
    ),
    *(
        Constraint(
            value(name, network(version, 0, 32 if version == 4 else 128)),
            "InvalidParameterValue",
            f"Value ({{value}}) for parameter {name[:1].lower()}{name[1:]} is invalid. This is not a valid CIDR block.",
            _ENTRY,
        )
        for name, version in (("CidrBlock", 4), ("Ipv6CidrBlock", 6))
    ),
    Constraint(
        needs("PortRange"),
        "MissingParameter",
        "The request must contain the parameter portRange: it is required for TCP and UDP",
        _ENTRY,
        when=_HAS_PORTS,
    ),
    Constraint(
        needs("PortRange.From", "PortRange.To"),
        "MissingParameter",
        "A port range has both a first and a last port: From and To",
        _PORTS,
        when=every(_HAS_PORTS, has("PortRange")),
    ),
    *(
        Constraint(
            value(f"PortRange.{end}", between(0, 65535)),
            "InvalidParameterValue",
            f"TCP/UDP ({end.lower()}) port ({{value}}) out of range",
            _PORTS,
            when=_HAS_PORTS,
        )
        for end in ("From", "To")
    ),
    Constraint(
        reversed_ports("PortRange.From", "PortRange.To"),
        "InvalidParameterValue",
        "Invalid TCP/UDP port range ({value})",
        _PORTS,
        when=_HAS_PORTS,
    ),
    *(
        Constraint(
            present(1, 2, *_ICMP_NAMES),
            "MissingParameter",
            f"The request must contain the parameter icmpTypeCode: it is required for {what}",
            _ENTRY,
            when=condition,
            cure="Set Icmp with Type and Code; -1 stands for all.",
        )
        for what, condition in (
            ("ICMP", equal("Protocol", 1)),
            ("ICMPv6 with an IPv6 CIDR block", every(equal("Protocol", 58), has("Ipv6CidrBlock"))),
        )
    ),
    *(
        Constraint(
            value(f"{name}.{part}", between(-1, 255)),
            "InvalidParameterValue",
            f"ICMP {part.lower()} ({{value}}) out of range",
            f"{_API}/API_IcmpTypeCode.html",
            when=equal("Protocol", 1, 58),
        )
        for name in _ICMP_NAMES
        for part in ("Type", "Code")
    ),
)

TYPES: Mapping[str, tuple[Constraint, ...]] = {"AWS::EC2::NetworkAclEntry": _ENTRY_ROWS}
OPERATIONS: Mapping[str, str] = {
    "CreateNetworkAclEntry": "AWS::EC2::NetworkAclEntry",
    "ReplaceNetworkAclEntry": "AWS::EC2::NetworkAclEntry",
}
