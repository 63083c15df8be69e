"""What EC2 refuses of DHCP options."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from typing import Any

from preflight.aws import unresolved
from preflight.aws.constraints import (
    Constraint,
    Fault,
    Object,
    Predicate,
    Test,
    between,
    each,
    items,
    one_of,
    present,
    value,
)

SERVICE = "ec2"
_OPTIONS = "https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateDhcpOptions.html"
_NAMES = ("DomainName", "DomainNameServers", "NtpServers", "NetbiosNameServers", "NetbiosNodeType")


def _addresses(value: Any) -> list[str]:
    return [text.strip() for text in str(value).split(",")]


def _are_addresses(value: Any, *, names: tuple[str, ...] = ()) -> bool:
    try:
        return all(text in names or ipaddress.ip_address(text) for text in _addresses(value))
    except ValueError:
        return False


_ADDRESSES = Predicate(_are_addresses, ("10.0.0.2", "10.0.0.2,10.0.0.3"), ("ntp.example.com", "10.0.0.0/24"))
_RESOLVERS = Predicate(
    lambda actual: _are_addresses(actual, names=("AmazonProvidedDNS",)), ("AmazonProvidedDNS", "10.0.0.2"), ("dns.example.com",)
)


def _at_most(name: str, most: int) -> Test:
    """A list has so many addresses, several of which may be in one item, with commas."""

    def faults(part: Object) -> Iterator[Fault]:
        value = items(part, name)
        number = sum(len(_addresses(item)) for item in value)
        if number > most and not any(map(unresolved.contains_function, value)):
            yield Fault((name,), number)

    texts = [f"10.0.0.{number}" for number in range(most + 1)]
    return Test(faults, ({name: texts[:most]},), ({name: texts}, {name: [",".join(texts)]}))


def _servers(name: str, key: str, most: int, addresses: Predicate) -> tuple[Constraint, ...]:
    return (
        Constraint(
            _at_most(name, most), "InvalidParameterValue", f"{{value}} values for {key} are too many: there can be up to {most}", _OPTIONS
        ),
        Constraint(each(name, addresses), "InvalidParameterValue", f"Value ({{value}}) for parameter {key} is invalid. It is no IP address.", _OPTIONS),
    )


_OPTION_ROWS = (
    Constraint(
        present(1, 5, *_NAMES),
        "MissingParameter",
        "The request must contain the parameter dhcpConfigurations",
        _OPTIONS,
        cure=f"Set at least one of {', '.join(_NAMES)}.",
    ),
    *_servers("DomainNameServers", "domain-name-servers", 4, _RESOLVERS),
    *_servers("NtpServers", "ntp-servers", 8, _ADDRESSES),
    *_servers("NetbiosNameServers", "netbios-name-servers", 4, _ADDRESSES),
    Constraint(
        value("NetbiosNodeType", one_of(1, 2, 4, 8)),
        "InvalidParameterValue",
        "Value ({value}) for parameter netbios-node-type is invalid. It must be 1, 2, 4 or 8.",
        _OPTIONS,
    ),
    Constraint(
        value("Ipv6AddressPreferredLeaseTime", between(140, 2_147_483_647)),
        "InvalidParameterValue",
        "Value ({value}) for parameter ipv6-address-preferred-lease-time is invalid. It must be between 140 and 2147483647.",
        _OPTIONS,
    ),
)

TYPES: Mapping[str, tuple[Constraint, ...]] = {"AWS::EC2::DHCPOptions": _OPTION_ROWS}
OPERATIONS: Mapping[str, str] = {}
