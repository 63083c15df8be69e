"""What EC2 refuses of a network interface."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from preflight.aws.constraints import Constraint, Fault, Object, Test, address, get, is_there, items, present, value

SERVICE = "ec2"
_PAGE = "https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateNetworkInterface.html"


def _primaries(part: Object) -> Iterator[Fault]:
    """One address is the primary one: that of PrivateIpAddress, or one of PrivateIpAddresses."""
    addresses = items(part, "PrivateIpAddresses")
    primary = [n for n, item in enumerate(addresses) if isinstance(item, Mapping) and str(get(item, "Primary")).lower() == "true"]
    if len(primary) + is_there(part, "PrivateIpAddress") > 1:
        yield Fault(("PrivateIpAddresses", primary[-1], "Primary"), get(addresses[primary[-1]], "PrivateIpAddress"))


def _addresses(*primary: str) -> Object:
    return {"PrivateIpAddresses": [{"PrivateIpAddress": f"10.0.0.{n}", "Primary": flag} for n, flag in enumerate(primary, 10)]}


TYPES: Mapping[str, tuple[Constraint, ...]] = {
    "AWS::EC2::NetworkInterface": (
        Constraint(
            Test(
                _primaries,
                (_addresses("true", "false"), {"PrivateIpAddress": "10.0.0.9", **_addresses("false")}),
                (_addresses("true", "true"), {"PrivateIpAddress": "10.0.0.9", **_addresses("true")}),
            ),
            "InvalidParameterCombination",
            "Only one primary private IP address can be specified.",
            _PAGE,
        ),
        *(
            Constraint(
                value("PrivateIpAddress", address(4)),
                "InvalidParameterValue",
                "Value ({value}) for parameter privateIpAddress is invalid. It must be an IPv4 address.",
                _PAGE,
                at=at,
            )
            for at in ("", "PrivateIpAddresses[]")
        ),
        Constraint(
            present(0, 1, "Ipv6AddressCount", "Ipv6Addresses"),
            "InvalidParameterCombination",
            "The parameters ipv6AddressCount and ipv6Addresses may not be used in combination",
            _PAGE,
        ),
    )
}
OPERATIONS: Mapping[str, str] = {"CreateNetworkInterface": "AWS::EC2::NetworkInterface"}
